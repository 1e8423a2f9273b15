/** @file Probabilities of logits, kept from overflow by the largest of them. */

/** Softmax of `logits[start .. start + into.length)`; `into` may be `logits`. */
export function softmaxInto(logits: ArrayLike<number>, into: Float32Array | Float64Array, start = 0): void {
  let [largest, total] = [-Infinity, 0];
  for (let c = 0; c < into.length; c++) largest = Math.max(largest, logits[start + c] ?? 0);
  for (let c = 0; c < into.length; c++) total += into[c] = Math.exp((logits[start + c] ?? 0) - largest);
  for (let c = 0; c < into.length; c++) into[c] = (into[c] ?? 0) / total;
}

/** Softmax of `logits[start .. start + count)`, in float64. */
export function softmaxRow(logits: ArrayLike<number>, start: number, count: number): Float64Array {
  const row = new Float64Array(count);
  softmaxInto(logits, row, start);
  return row;
}
