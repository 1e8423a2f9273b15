/** @file The linear student: softmax regression on hashed n-grams, trained online with AdaGrad (Duchi et al. 2011) and averaged
 *  iterates (Polyak). Sparse and convex, so it needs no graph to train; it serves through one. Knows no files and no clock. */
import { InvariantError } from "../errors.js";
import { createRandom, permutation } from "../random.js";
import { firstNonFinite } from "../tensor/finite.js";
import type { SparseFeatures } from "../tokenizer/hashed-features.js";

export interface LinearTrainSpec {
  readonly features: readonly SparseFeatures[];
  /** Target distribution of each row, [rows * classes], or hard class indices [rows]. */
  readonly targets: Float32Array | Int32Array;
  readonly classes: number;
  readonly buckets: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** Ridge on the touched rows, per update. */
  readonly l2: number;
  readonly labelSmoothing: number;
  readonly seed: number;
}

export interface LinearWeights {
  readonly classes: number;
  readonly buckets: number;
  /** Inverse document frequency of each bucket, [buckets]. */
  readonly idf: Float32Array;
  /** [buckets, classes] */
  readonly table: Float32Array;
  /** [classes] */
  readonly bias: Float32Array;
}

/** Smoothed inverse document frequency of each bucket, [buckets]: ln((1 + n) / (1 + df)) + 1. */
export function inverseDocumentFrequency(features: readonly SparseFeatures[], buckets: number): Float32Array {
  const frequency = new Float64Array(buckets);
  for (const { ids } of features) for (const id of ids) frequency[id] = (frequency[id] ?? 0) + 1;
  return Float32Array.from(frequency, (df) => Math.log((1 + features.length) / (1 + df)) + 1);
}

/** Values times idf, scaled to unit length: what the table is multiplied with. [ids] */
export function weighted(features: SparseFeatures, idf: Float32Array): Float32Array {
  const { ids, values } = features;
  const result = new Float32Array(ids.length);
  let squares = 0;
  for (let i = 0; i < ids.length; i++) {
    const value = (values[i] ?? 0) * (idf[ids[i] ?? 0] ?? 0);
    result[i] = value;
    squares += value * value;
  }
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let i = 0; i < result.length; i++) result[i] = (result[i] ?? 0) * scale;
  return result;
}

function addLogits(
  ids: Uint32Array,
  values: Float32Array,
  table: Float32Array,
  classes: number,
  logits: Float64Array,
): void {
  for (let i = 0; i < ids.length; i++) {
    const value = values[i] ?? 0;
    const row = (ids[i] ?? 0) * classes;
    for (let c = 0; c < classes; c++) logits[c] = (logits[c] ?? 0) + value * (table[row + c] ?? 0);
  }
}

/** Softmax in place. */
export function softmaxInPlace(logits: Float64Array): void {
  let largest = -Infinity;
  for (const value of logits) if (value > largest) largest = value;
  let sum = 0;
  for (let c = 0; c < logits.length; c++) {
    const e = Math.exp((logits[c] ?? 0) - largest);
    logits[c] = e;
    sum += e;
  }
  for (let c = 0; c < logits.length; c++) logits[c] = (logits[c] ?? 0) / sum;
}

function fillTarget(spec: LinearTrainSpec, row: number, target: Float64Array): void {
  const { classes, labelSmoothing, targets } = spec;
  if (targets instanceof Int32Array) {
    target.fill(labelSmoothing / classes);
    const label = targets[row] ?? 0;
    target[label] = (target[label] ?? 0) + 1 - labelSmoothing;
    return;
  }
  for (let c = 0; c < classes; c++) target[c] = targets[row * classes + c] ?? 0;
}

/** Called after each epoch with the mean loss over its rows, in nats. */
export type EpochListener = (epoch: number, meanLoss: number) => void;

/** Trains the linear student; deterministic by seed. Loss: mean over rows of cross-entropy with the target distribution. */
export function trainLinear(spec: LinearTrainSpec, onEpoch?: EpochListener): LinearWeights {
  const { classes, buckets, features, learningRate, l2 } = spec;
  const idf = inverseDocumentFrequency(features, buckets);
  const inputs = features.map((row) => weighted(row, idf));
  const table = new Float32Array(buckets * classes);
  const average = new Float32Array(buckets * classes);
  const squares = new Float32Array(buckets * classes);
  const bias = new Float32Array(classes);
  const averageBias = new Float32Array(classes);
  const biasSquares = new Float32Array(classes).fill(1);
  squares.fill(1e-2);
  const probability = new Float64Array(classes);
  const target = new Float64Array(classes);
  const gradient = new Float32Array(classes);
  for (let epoch = 0; epoch < spec.epochs; epoch++) {
    const order = permutation(features.length, createRandom(spec.seed, `linear-epoch-${epoch}`));
    const rate = learningRate * (1 - (0.9 * epoch) / spec.epochs);
    let loss = 0;
    for (const row of order) {
      const ids = features[row]?.ids;
      const values = inputs[row];
      if (ids === undefined || values === undefined) continue;
      probability.set(bias);
      addLogits(ids, values, table, classes, probability);
      softmaxInPlace(probability);
      fillTarget(spec, row, target);
      for (let c = 0; c < classes; c++) {
        const wanted = target[c] ?? 0;
        if (wanted > 0) loss -= wanted * Math.log(Math.max(probability[c] ?? 0, 1e-12));
        const g = (probability[c] ?? 0) - wanted;
        gradient[c] = g;
        const square = (biasSquares[c] ?? 0) + g * g;
        biasSquares[c] = square;
        bias[c] = (bias[c] ?? 0) - (0.1 * rate * g) / Math.sqrt(square);
      }
      updateRows(ids, values, gradient, { table, squares, classes, rate, l2 });
    }
    const averaged = epoch - (spec.epochs >> 1) + 1;
    if (averaged > 0) {
      blend(average, table, 1 / averaged);
      blend(averageBias, bias, 1 / averaged);
    }
    onEpoch?.(epoch, loss / features.length);
  }
  for (const values of [average, averageBias]) {
    const at = firstNonFinite(values);
    if (at >= 0)
      throw new InvariantError(`linear training: weight ${at} is ${values[at]}`, {
        hint: "lower the learning rate, or look for targets that are no numbers",
      });
  }
  return { classes, buckets, idf, table: average, bias: averageBias };
}

interface UpdateState {
  readonly table: Float32Array;
  readonly squares: Float32Array;
  readonly classes: number;
  readonly rate: number;
  readonly l2: number;
}

function updateRows(ids: Uint32Array, values: Float32Array, gradient: Float32Array, state: UpdateState): void {
  const { table, squares, classes, rate, l2 } = state;
  for (let i = 0; i < ids.length; i++) {
    const value = values[i] ?? 0;
    const row = (ids[i] ?? 0) * classes;
    for (let c = 0; c < classes; c++) {
      const weight = table[row + c] ?? 0;
      const g = value * (gradient[c] ?? 0) + l2 * weight;
      const square = (squares[row + c] ?? 0) + g * g;
      squares[row + c] = square;
      table[row + c] = weight - (rate * g) / Math.sqrt(square);
    }
  }
}

/** average += (value - average) * share */
function blend(average: Float32Array, value: Float32Array, share: number): void {
  for (let i = 0; i < average.length; i++) {
    const old = average[i] ?? 0;
    average[i] = old + ((value[i] ?? 0) - old) * share;
  }
}

/** Logits of one text, [classes], in float64: the reference that the exported graph is compared with. */
export function linearLogits(features: SparseFeatures, weights: LinearWeights): Float64Array {
  const logits = Float64Array.from(weights.bias);
  addLogits(features.ids, weighted(features, weights.idf), weights.table, weights.classes, logits);
  return logits;
}
