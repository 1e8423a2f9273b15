/** @file Held-out rows through the forward half: probabilities, negative log-likelihood, accuracy.
 *  Knows no training. */
import type { Session } from "../runtime/session.js";
import { f32, type Tensor } from "../tensor/tensor.js";
import { softmaxInto } from "../softmax.js";
import { sortedByLength } from "./batches.js";
import type { PreparedData } from "./feeds.js";
import { floatsOf } from "./adam.js";

/** Rows of one forward pass: nothing is kept for gradients, so it may be larger than a training batch. */
const EVALUATION_BATCH = 128;

export interface Evaluation {
  /** [rows, labels], in the order of `rows`. */
  readonly probabilities: Float32Array;
  /** Mean negative log-likelihood of the labels, nats, each row counted once. */
  readonly loss: number;
  readonly accuracyRatio: number;
}

/** Runs rows through the evaluation session with these weights. */
export async function evaluateRows(
  session: Session,
  data: PreparedData,
  rows: Uint32Array,
  weights: { readonly feeds: Readonly<Record<string, Tensor>>; readonly table: Float32Array },
): Promise<Evaluation> {
  const { labelCount, labels } = data.spec;
  const place = new Map(Array.from(rows, (row, i) => [row, i]));
  const probabilities = new Float32Array(rows.length * labelCount);
  const ordered = sortedByLength(rows, data.encoder.sequences);
  let [loss, right] = [0, 0];
  for (let start = 0; start < ordered.length; start += EVALUATION_BATCH) {
    const batch = ordered.subarray(start, start + EVALUATION_BATCH);
    const front = data.encoder.front(batch, { copies: 1 });
    const mask = f32([front.rows, front.columns], front.mask);
    const results = await session.run({ ...weights.feeds, ...front.feeds(weights.table), mask });
    const logits = floatsOf(results["logits"], "logits");
    for (const [i, row] of batch.entries()) {
      const target = (place.get(row) ?? 0) * labelCount;
      const row32 = probabilities.subarray(target, target + labelCount);
      softmaxInto(logits.subarray(i * labelCount, (i + 1) * labelCount), row32);
      const label = labels[row] ?? 0;
      loss -= Math.log(Math.max(row32[label] ?? 0, 1e-30));
      if (row32.every((p) => p <= (row32[label] ?? 0))) right += 1;
    }
  }
  const count = Math.max(1, rows.length);
  return { probabilities, loss: loss / count, accuracyRatio: right / count };
}
