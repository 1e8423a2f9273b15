/** @file Token ids to the tensors of a serving pretrained encoder, named as transformers.js names them: ids and mask, padded on the
 *  right. A pure function, for Node and browser. Knows no tokenizer. */
import { i64, type Tensor } from "../tensor/tensor.js";

export interface PretrainedFeeds {
  readonly [name: string]: Tensor;
  /** i64 [B, T]; padding holds 0. */
  readonly input_ids: Tensor;
  /** i64 [B, T], 1 for a token. */
  readonly attention_mask: Tensor;
}

/** Feeds of a batch of texts, as wide as the longest. Texts longer than `maxTokens` are cut, one without tokens becomes token 0, so
 *  that no row is empty: tokenizers that add special tokens and truncate never give either. */
export function pretrainedFeeds(texts: readonly ArrayLike<number>[], maxTokens: number): PretrainedFeeds {
  const longest = texts.reduce((most, { length }) => Math.max(most, length), 1);
  const [rows, columns] = [texts.length, Math.min(maxTokens, longest)];
  const ids = new Int32Array(rows * columns);
  const mask = new Int32Array(rows * columns);
  for (const [b, text] of texts.entries()) {
    for (let t = 0; t < Math.min(columns, Math.max(1, text.length)); t++) {
      ids[b * columns + t] = text[t] ?? 0;
      mask[b * columns + t] = 1;
    }
  }
  return { input_ids: i64([rows, columns], ids), attention_mask: i64([rows, columns], mask) };
}
