/** @file Token features to the tensors of the serving encoder: bucket ids, bag weights, mask. A pure function, for Node
 *  and browser. */
import type { TokenFeatures } from "../tokenizer/hashed-features.js";
import { f32, type Tensor } from "../tensor/tensor.js";
import type { EncoderConfig } from "./encoder.js";

export interface EncoderFeeds {
  readonly [name: string]: Tensor;
  /** i64 [B, T, G] rows of the table; unused places hold 0 with weight 0. */
  readonly ids: Tensor;
  /** f32 [B, T, G]: 1/n for each of a token's n buckets, 1 for its position. */
  readonly bagWeights: Tensor;
  /** f32 [B, T], 1 for a token. */
  readonly mask: Tensor;
}

/** Feeds of a batch of texts. A text without tokens becomes one token without buckets, so that no row is empty. */
export function encoderFeeds(
  texts: readonly (readonly TokenFeatures[])[],
  config: Pick<EncoderConfig, "buckets" | "maxTokens">,
): EncoderFeeds {
  const [rows, columns] = [
    texts.length,
    Math.min(
      config.maxTokens,
      texts.reduce((most, text) => Math.max(most, text.length), 1),
    ),
  ];
  const places =
    1 + texts.reduce((most, text) => text.reduce((inner, token) => Math.max(inner, token.ids.length), most), 0);
  const ids = new BigInt64Array(rows * columns * places);
  const bagWeights = new Float32Array(rows * columns * places);
  const mask = new Float32Array(rows * columns);
  for (const [b, text] of texts.entries()) {
    for (let t = 0; t < Math.min(columns, Math.max(1, text.length)); t++) {
      const place = (b * columns + t) * places;
      mask[b * columns + t] = 1;
      ids[place] = BigInt(config.buckets + t);
      bagWeights[place] = 1;
      const buckets = text[t]?.ids ?? [];
      let next = place;
      for (const bucket of buckets) {
        ids[++next] = BigInt(bucket);
        bagWeights[next] = 1 / buckets.length;
      }
    }
  }
  const shape = [rows, columns, places];
  return {
    ids: { type: "i64", shape, data: ids },
    bagWeights: f32(shape, bagWeights),
    mask: f32([rows, columns], mask),
  };
}
