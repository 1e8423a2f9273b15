/** @file L2-regularised logistic regression on a few features, by Newton's method: deterministic, no learning rate. Knows no
 *  calibrator. Features are standardised inside, so that the penalty treats them alike; the constant is not penalised. */

/** Rows [rows][features] with outcomes in [0, 1]: a row that stands for several calls is right in a share of them. */
export interface LogisticData {
  readonly features: readonly (readonly number[])[];
  readonly outcomes: ArrayLike<number>;
  /** What each row counts, 1 when absent. */
  readonly weights?: ArrayLike<number>;
}

const NEWTON_STEPS = 50;
const CONVERGED = 1e-10;

/** Solves the symmetric positive system `matrix` x = `target` by Gaussian elimination, which needs no pivots there; both are overwritten. */
function solve(matrix: number[][], target: number[]): number[] {
  const size = target.length;
  const at = (row: number, column: number): number => matrix[row]?.[column] ?? 0;
  for (let column = 0; column < size; column++) {
    for (let row = column + 1; row < size; row++) {
      const factor = at(row, column) / at(column, column);
      matrix[row] = (matrix[row] ?? []).map((value, k) => value - factor * at(column, k));
      target[row] = (target[row] ?? 0) - factor * (target[column] ?? 0);
    }
  }
  for (let row = size - 1; row >= 0; row--) {
    let sum = target[row] ?? 0;
    for (let k = row + 1; k < size; k++) sum -= at(row, k) * (target[k] ?? 0);
    target[row] = sum / at(row, row);
  }
  return target;
}

interface Standardised {
  readonly rows: readonly (readonly number[])[];
  readonly means: readonly number[];
  readonly scales: readonly number[];
}

/** Columns with mean 0 and deviation 1, a constant 1 in front. */
function standardise(features: readonly (readonly number[])[]): Standardised {
  const width = features[0]?.length ?? 0;
  const means: number[] = [];
  const scales: number[] = [];
  for (let k = 0; k < width; k++) {
    const mean = features.reduce((sum, row) => sum + (row[k] ?? 0), 0) / features.length;
    const variance = features.reduce((sum, row) => sum + ((row[k] ?? 0) - mean) ** 2, 0) / features.length;
    means.push(mean);
    scales.push(Math.sqrt(variance) || 1);
  }
  const rows = features.map((row) => [1, ...row.map((value, k) => (value - (means[k] ?? 0)) / (scales[k] ?? 1))]);
  return { rows, means, scales };
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}

/** One Newton step; returns the step taken. */
function newtonStep(
  rows: readonly (readonly number[])[],
  { outcomes, weights: counts }: Pick<LogisticData, "outcomes" | "weights">,
  weights: number[],
  l2: number,
): number[] {
  const size = weights.length;
  const hessian = weights.map((_, k) => weights.map((_, j) => (j === k ? (k === 0 ? 1e-9 : l2) : 0)));
  const gradient = weights.map((weight, k) => (k === 0 ? 0 : l2 * weight));
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? [];
    const probability = 1 / (1 + Math.exp(-dot(row, weights)));
    const count = counts?.[i] ?? 1;
    const curvature = count * probability * (1 - probability);
    for (let k = 0; k < size; k++) {
      gradient[k] = (gradient[k] ?? 0) + count * (probability - (outcomes[i] ?? 0)) * (row[k] ?? 0);
      const line = hessian[k] ?? [];
      for (let j = 0; j < size; j++) line[j] = (line[j] ?? 0) + curvature * (row[k] ?? 0) * (row[j] ?? 0);
    }
  }
  return solve(hessian, gradient);
}

/** The mean log-loss of probabilities against outcomes in [0, 1], nats. */
export function logLoss(
  probabilities: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  let [sum, counted] = [0, 0];
  for (let i = 0; i < probabilities.length; i++) {
    const p = Math.min(1 - 1e-12, Math.max(1e-12, probabilities[i] ?? 0));
    const [outcome, weight] = [outcomes[i] ?? 0, weights?.[i] ?? 1];
    sum -= weight * (outcome * Math.log(p) + (1 - outcome) * Math.log(1 - p));
    counted += weight;
  }
  return counted > 0 ? sum / counted : 0;
}

/** Weights [1 + features], the constant first, in the units of the features as given. `l2` is in pseudo-observations. */
export function fitLogistic(data: LogisticData, l2 = 1): readonly number[] {
  const { features, outcomes } = data;
  const { rows, means, scales } = standardise(features);
  let [positives, counted] = [0, 0];
  for (let i = 0; i < outcomes.length; i++) {
    positives += (data.weights?.[i] ?? 1) * (outcomes[i] ?? 0);
    counted += data.weights?.[i] ?? 1;
  }
  const weights = [Math.log((positives + 0.5) / (counted - positives + 0.5)), ...means.map(() => 0)];
  const penalised = (at: readonly number[]): number =>
    counted *
      logLoss(
        rows.map((row) => 1 / (1 + Math.exp(-dot(row, at)))),
        outcomes,
        data.weights,
      ) +
    (l2 / 2) * at.slice(1).reduce((sum, weight) => sum + weight * weight, 0);
  let value = penalised(weights);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const change = newtonStep(rows, data, weights, l2);
    let scale = 1;
    let next = weights.map((weight, k) => weight - (change[k] ?? 0));
    while (penalised(next) > value && scale > 1e-4) {
      scale /= 2;
      next = weights.map((weight, k) => weight - scale * (change[k] ?? 0));
    }
    const reached = penalised(next);
    if (!(reached < value - CONVERGED)) break;
    weights.splice(0, weights.length, ...next);
    value = reached;
  }
  const slopes = weights.slice(1).map((weight, k) => weight / (scales[k] ?? 1));
  return [(weights[0] ?? 0) - dot(slopes, means), ...slopes];
}
