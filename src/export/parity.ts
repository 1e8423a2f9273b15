/** @file How far an exported graph strays from the weights it was made from: share of equal answers and the largest difference of a
 *  probability, over real texts. */
import { softmaxRow } from "../softmax.js";

export interface Parity {
  readonly artefact: string;
  readonly top1Agreement: number;
  readonly maxProbabilityDifference: number;
  readonly rows: number;
}

/** Compares logits [rows, classes] of an artefact with those of the training weights. */
export function compareLogits(
  artefact: string,
  reference: ArrayLike<number>,
  logits: ArrayLike<number>,
  classes: number,
): Parity {
  const rows = reference.length / classes;
  let equal = 0;
  let largest = 0;
  for (let r = 0; r < rows; r++) {
    const expected = softmaxRow(reference, r * classes, classes);
    const got = softmaxRow(logits, r * classes, classes);
    let [best, bestGot] = [0, 0];
    for (let c = 0; c < classes; c++) {
      if ((expected[c] ?? 0) > (expected[best] ?? 0)) best = c;
      if ((got[c] ?? 0) > (got[bestGot] ?? 0)) bestGot = c;
      largest = Math.max(largest, Math.abs((expected[c] ?? 0) - (got[c] ?? 0)));
    }
    if (best === bestGot) equal++;
  }
  return { artefact, top1Agreement: rows === 0 ? 1 : equal / rows, maxProbabilityDifference: largest, rows };
}
