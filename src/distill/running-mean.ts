/** @file Exponential running mean of the weights (Polyak averaging with forgetting). Rows of the table that a step
 *  leaves alone keep their value, so their mean is brought up to date in one go when they are next touched, or when it
 *  is read. */
import type { RunningMeans } from "./train-state.js";

/** Decay at a step: the mean forgets its start quickly (1 + step) / (10 + step), then at `decay`. */
function decayAt(decay: number, step: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}

/** Moves the dense mean after a step. */
export function averageDense(means: RunningMeans, weights: Float32Array, decay: number, step: number): void {
  const share = 1 - decayAt(decay, step);
  const mean = means.dense;
  for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) + share * ((weights[i] ?? 0) - (mean[i] ?? 0));
}

/** Brings table rows up to date through `step`, given that their weights have been `table` since their last update. */
export function catchUp(
  means: RunningMeans,
  rows: ArrayLike<number>,
  table: Float32Array,
  width: number,
  decay: number,
  step: number,
): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    let kept = 1;
    for (let at = (means.updated[row] ?? 0) + 1; at <= step && kept > 1e-9; at++) kept *= decayAt(decay, at);
    means.updated[row] = step;
    if (kept === 1) continue;
    for (let j = row * width; j < (row + 1) * width; j++) {
      means.table[j] = (table[j] ?? 0) + kept * ((means.table[j] ?? 0) - (table[j] ?? 0));
    }
  }
}

/** The mean table as of `step`, every row up to date. */
export function meanTable(
  means: RunningMeans,
  table: Float32Array,
  width: number,
  decay: number,
  step: number,
): Float32Array {
  catchUp(
    means,
    Uint32Array.from({ length: means.updated.length }, (_, row) => row),
    table,
    width,
    decay,
    step,
  );
  return means.table;
}
