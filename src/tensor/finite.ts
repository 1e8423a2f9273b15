/** @file Whether numbers are numbers: the place of the first that is NaN or infinite. */

/** Index of the first element that is NaN or infinite; -1 when all are finite. */
export function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
