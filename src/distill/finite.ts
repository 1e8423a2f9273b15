/** @file Stops a training that has left the finite numbers before anything of it is kept: a gradient before it is applied, weights
 *  before they are written or returned. Knows no graph and no schedule. */
import { InvariantError } from "../errors.js";
import { firstNonFinite } from "../tensor/finite.js";
import type { TrainState } from "./train-state.js";
import type { FlatLayout } from "./training-graph.js";

const LOWER_RATE = "lower the learning rate";

/** @throws InvariantError when a loss is no finite number. */
export function checkLoss(loss: number, what: string, step: number): void {
  if (!Number.isFinite(loss))
    throw new InvariantError(`training: ${what} is ${loss} at step ${step}`, { hint: LOWER_RATE });
}

export interface StepGradient {
  readonly step: number;
  readonly loss: number;
  /** Sum of squares of all gradients, in float64: finite exactly when each of them is. */
  readonly squares: number;
  /** Where the touched rows of the table begin, and their width. */
  readonly starts: Uint32Array;
  readonly width: number;
}

/** The first gradient that is not finite, in words. */
function firstCulprit({ dense, table }: TrainState, layout: FlatLayout, { starts, width }: StepGradient): string {
  for (const { name, offset, length } of layout.parameters) {
    const at = firstNonFinite(dense.gradient.subarray(offset, offset + length));
    if (at >= 0) return `the gradient of ${name} is ${dense.gradient[offset + at]} at element ${at}`;
  }
  for (const start of starts) {
    const at = firstNonFinite(table.gradient.subarray(start, start + width));
    if (at >= 0) return `the gradient of row ${start / width} of the input table is ${table.gradient[start + at]}`;
  }
  return "the gradient's norm is not finite";
}

/** Looks for the culprit only when the norm, which is known anyway, says that there is one.
 *  @throws InvariantError that names step and parameter. */
export function checkGradient(state: TrainState, layout: FlatLayout, found: StepGradient): void {
  if (Number.isFinite(found.squares)) return;
  const { step, loss } = found;
  throw new InvariantError(
    `training: ${firstCulprit(state, layout, found)} at step ${step}, with a loss of ${loss}; the step was not applied`,
    { hint: LOWER_RATE },
  );
}

/** @throws InvariantError when a weight or a moment is not finite. */
export function checkState({ step, ...state }: TrainState): void {
  for (const part of ["dense", "table"] as const) {
    for (const field of ["weights", "first", "second"] as const) {
      const values = state[part][field];
      const at = firstNonFinite(values);
      if (at < 0) continue;
      const what = field === "weights" ? "weight" : `${field} moment`;
      throw new InvariantError(
        `training: ${what} ${at} of the ${part} parameters is ${values[at]} after step ${step}`,
        {
          hint: LOWER_RATE,
        },
      );
    }
  }
}
