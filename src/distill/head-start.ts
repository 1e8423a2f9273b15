/** @file A label layer to start fine-tuning from: the linear discriminant of the pooled vectors of labelled texts (Fisher 1936, with
 *  the within-label covariance shrunk to a multiple of the identity). A sentence encoder answers with it before any training, so fine-tuning need
 *  not find the labels first. */
import { classifierOf } from "../models/families/index.js";
import { headParameters } from "../models/pretrained-parameters.js";
import type { PretrainedModel } from "../models/pretrained.js";
import { type AnswerOptions, pooledVectors } from "./answers.js";

/** Share of the identity in the covariance: few vectors say little of directions. Best of 0.02 to 0.3 on held-out rows of Banking77. */
const SHRINKAGE_RATIO = 0.1;
/** Standard deviation of a text's logits over the labels, as a fine-tuned label layer has. */
const LOGIT_DEVIATION = 2;
/** Norm of a label's weights at most, by root mean square, twice what sentence encoders need: a base whose vectors hardly differ would have a layer so
 *  steep that no rate holds it. */
const GREATEST_NORM = 8;

export interface LabelLayer {
  /** [labels, width] */
  readonly weight: Float32Array;
  /** [labels] */
  readonly bias: Float32Array;
}

interface Sizes {
  readonly labelCount: number;
  readonly width: number;
}

/** Means [labels, width]; zeros for a label without vectors. */
function meansOf(vectors: Float32Array, labels: Int32Array, { labelCount, width }: Sizes): Float64Array {
  const means = new Float64Array(labelCount * width);
  const counts = new Float64Array(labelCount);
  for (const [i, label] of labels.entries()) {
    counts[label] = (counts[label] ?? 0) + 1;
    for (let d = 0; d < width; d++)
      means[label * width + d] = (means[label * width + d] ?? 0) + (vectors[i * width + d] ?? 0);
  }
  return means.map((sum, i) => sum / Math.max(1, counts[Math.floor(i / width)] ?? 0));
}

/** Covariance [width, width] of vectors around the means of their labels, shrunk; the lower triangle is filled. */
function covarianceOf(vectors: Float32Array, labels: Int32Array, means: Float64Array, width: number): Float64Array {
  const sums = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (const [i, label] of labels.entries()) {
    for (let d = 0; d < width; d++) centred[d] = (vectors[i * width + d] ?? 0) - (means[label * width + d] ?? 0);
    for (let p = 0; p < width; p++) {
      const value = centred[p] ?? 0;
      for (let q = 0; q <= p; q++) sums[p * width + q] = (sums[p * width + q] ?? 0) + value * (centred[q] ?? 0);
    }
  }
  let trace = 0;
  for (let d = 0; d < width; d++) trace += sums[d * width + d] ?? 0;
  const identity = (SHRINKAGE_RATIO * trace) / width || 1;
  for (let p = 0; p < width; p++) {
    for (let q = 0; q <= p; q++) sums[p * width + q] = (sums[p * width + q] ?? 0) * (1 - SHRINKAGE_RATIO);
    sums[p * width + p] = (sums[p * width + p] ?? 0) + identity;
  }
  return sums.map((sum) => sum / Math.max(1, labels.length));
}

/** Cholesky factor of a symmetric positive matrix of which the lower triangle is given, in its place. */
function factorise(matrix: Float64Array, width: number): Float64Array {
  for (let p = 0; p < width; p++) {
    for (let q = 0; q <= p; q++) {
      let sum = matrix[p * width + q] ?? 0;
      for (let k = 0; k < q; k++) sum -= (matrix[p * width + k] ?? 0) * (matrix[q * width + k] ?? 0);
      matrix[p * width + q] = p === q ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / (matrix[q * width + q] ?? 1);
    }
  }
  return matrix;
}

/** Solves L Lᵀ x = y in the place of y. */
function solve(factor: Float64Array, y: Float64Array): Float64Array {
  const width = y.length;
  for (let p = 0; p < width; p++) {
    let sum = y[p] ?? 0;
    for (let k = 0; k < p; k++) sum -= (factor[p * width + k] ?? 0) * (y[k] ?? 0);
    y[p] = sum / (factor[p * width + p] ?? 1);
  }
  for (let p = width - 1; p >= 0; p--) {
    let sum = y[p] ?? 0;
    for (let k = p + 1; k < width; k++) sum -= (factor[k * width + p] ?? 0) * (y[k] ?? 0);
    y[p] = sum / (factor[p * width + p] ?? 1);
  }
  return y;
}

/** The linear discriminant of vectors [texts, width], its logits scaled to the spread of a fine-tuned label layer's. */
export function linearDiscriminant(vectors: Float32Array, labels: Int32Array, sizes: Sizes): LabelLayer {
  const { labelCount, width } = sizes;
  const means = meansOf(vectors, labels, sizes);
  const factor = factorise(covarianceOf(vectors, labels, means, width), width);
  const weight = new Float32Array(labelCount * width);
  const bias = new Float32Array(labelCount);
  for (let label = 0; label < labelCount; label++) {
    const mean = means.subarray(label * width, (label + 1) * width);
    const row = solve(factor, mean.slice());
    weight.set(row, label * width);
    bias[label] = row.reduce((sum, value, d) => sum - (value * (mean[d] ?? 0)) / 2, 0);
  }
  const norm = Math.sqrt(weight.reduce((sum, value) => sum + value * value, 0) / labelCount);
  const deviation = deviationOf(vectors, { weight, bias }, width);
  const scale = Math.min(LOGIT_DEVIATION / (deviation || 1), GREATEST_NORM / (norm || 1));
  return { weight: weight.map((value) => value * scale), bias: bias.map((value) => value * scale) };
}

/** Root mean square of the logits of vectors around each vector's mean logit. */
function deviationOf(vectors: Float32Array, { weight, bias }: LabelLayer, width: number): number {
  const count = vectors.length / width;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const vector = vectors.subarray(i * width, (i + 1) * width);
    const logits = bias.map((value, label) =>
      vector.reduce((sum, x, d) => sum + x * (weight[label * width + d] ?? 0), value),
    );
    const mean = logits.reduce((sum, value) => sum + value, 0) / logits.length;
    squares += logits.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logits.length;
  }
  return Math.sqrt(squares / Math.max(1, count));
}

/** Weights of a label layer by parameter name, from what `weights` make of labelled texts. Nothing where the family's own classifier lies
 *  below the label layer: what that makes of a text is not known before it is trained. */
export async function headStart(
  model: PretrainedModel,
  weights: ReadonlyMap<string, Float32Array>,
  texts: { readonly sequences: readonly Int32Array[]; readonly labels: Int32Array },
  options: AnswerOptions,
): Promise<ReadonlyMap<string, Float32Array>> {
  const { config, pooling, labelCount } = model;
  if (classifierOf(config, pooling) !== undefined) return new Map();
  const vectors = await pooledVectors(model, weights, texts.sequences, options);
  const { weight, bias } = linearDiscriminant(vectors, texts.labels, { labelCount, width: config.width });
  return new Map(
    headParameters(config, labelCount, undefined).map(({ name }) => [name, name.endsWith("weight") ? weight : bias]),
  );
}
