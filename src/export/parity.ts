/** @file How far an exported graph strays from the weights it was made from: share of equal answers and the largest difference of a
 *  probability, over real texts. */

export interface Parity {
  readonly artefact: string;
  readonly top1Agreement: number;
  readonly maxProbabilityDifference: number;
  readonly rows: number;
}

/** Softmax of `logits[start .. start + count)`, in float64. */
export function softmaxRow(logits: ArrayLike<number>, start: number, count: number): Float64Array {
  const row = new Float64Array(count);
  let largest = -Infinity;
  for (let c = 0; c < count; c++) largest = Math.max(largest, logits[start + c] ?? 0);
  let sum = 0;
  for (let c = 0; c < count; c++) sum += row[c] = Math.exp((logits[start + c] ?? 0) - largest);
  for (let c = 0; c < count; c++) row[c] = (row[c] ?? 0) / sum;
  return row;
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
