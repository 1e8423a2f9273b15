/** @file Token ids to the tensors of a pretrained encoder's serving graph. A pure function, for Node and browser. */
import { i64, type Tensor } from "../tensor/tensor.js";

/** `input_ids` and `attention_mask`, i64 [B, T]; shorter texts are padded with `padId`, which the mask hides. */
export function pieceFeeds(texts: readonly Int32Array[], padId: number): Readonly<Record<string, Tensor>> {
  const columns = texts.reduce((most, ids) => Math.max(most, ids.length), 1);
  const ids = new Int32Array(texts.length * columns).fill(padId);
  const mask = new Int32Array(ids.length);
  for (const [row, own] of texts.entries()) {
    ids.set(own, row * columns);
    mask.fill(1, row * columns, row * columns + own.length);
  }
  const shape = [texts.length, columns];
  return { input_ids: i64(shape, ids), attention_mask: i64(shape, mask) };
}
