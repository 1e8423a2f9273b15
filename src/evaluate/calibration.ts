/** @file Fits the calibrator on out-of-fold logits: temperature (Guo et al. 2017), a small L2 logistic on confidence features,
 *  isotonic regression (pool adjacent violators) where it lowers the cross-fitted log-loss. Measures calibration (ECE over bins
 *  of equal mass, AUROC). Never sees a sealed row. The gate orders by the smooth score, for isotonic plateaus would tie rows. */
import { InputError } from "../errors.js";
import {
  calibrate,
  confidenceFeatures,
  logisticScore,
  probabilityOf,
  type Calibrator,
  type ConfidenceFeatures,
  type IsotonicKnots,
} from "../student/calibrator.js";
import { fitLogistic, logLoss } from "./logistic.js";

export type { Calibrator } from "../student/calibrator.js";

/** Logits of many rows, row after row: [rows, classes] f32, with the most frequent right class of each (-1: none of them). */
export interface LogitRows {
  readonly logits: Float32Array;
  readonly classes: number;
  readonly labels: ArrayLike<number>;
  /** In which share of a row's calls an answer is right; 1 for its label and 0 for others when absent. */
  readonly shareRight?: (row: number, answer: number) => number;
  /** Calls of each row, 1 when absent. */
  readonly calls?: ArrayLike<number>;
}

/** Isotonic regression is tried from this many rows on; fewer would fit noise. */
const ISOTONIC_FROM_ROWS = 1000;
const CROSS_FITS = 5;
const ECE_BINS = 15;
/** Search interval of the temperature, wide enough for any model that learned something. */
const TEMPERATURE_RANGE = [0.05, 20] as const;
const GOLDEN_STEPS = 60;

/** The logits of one row, a view. */
export function logitsOf({ logits, classes }: LogitRows, row: number): Float32Array {
  return logits.subarray(row * classes, (row + 1) * classes);
}

/** Mean negative log-likelihood (nats) of the labels at an inverse temperature; rows without a known label are left out. */
function negativeLogLikelihood(data: LogitRows, inverse: number): number {
  let [sum, counted] = [0, 0];
  for (let row = 0; row < data.labels.length; row++) {
    const label = data.labels[row] ?? -1;
    if (label < 0) continue;
    const logits = logitsOf(data, row);
    const calls = data.calls?.[row] ?? 1;
    let highest = Number.NEGATIVE_INFINITY;
    for (const logit of logits) highest = Math.max(highest, logit);
    let total = 0;
    for (const logit of logits) total += Math.exp((logit - highest) * inverse);
    sum += calls * (Math.log(total) - ((logits[label] ?? 0) - highest) * inverse);
    counted += calls;
  }
  return sum / Math.max(1, counted);
}

/** The temperature of least negative log-likelihood: golden-section search, convex in the inverse temperature. */
export function fitTemperature(data: LogitRows): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [1 / TEMPERATURE_RANGE[1], 1 / TEMPERATURE_RANGE[0]];
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atLeft, atRight] = [negativeLogLikelihood(data, left), negativeLogLikelihood(data, right)];
  for (let step = 0; step < GOLDEN_STEPS && high - low > 1e-6; step++) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - ratio * (high - low);
      atLeft = negativeLogLikelihood(data, left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + ratio * (high - low);
      atRight = negativeLogLikelihood(data, right);
    }
  }
  return 2 / (low + high);
}

/** Isotonic knots of outcomes in [0, 1] over scores: the means of the pooled blocks, clipped to [1/(n+2), 1-1/(n+2)]. */
export function fitIsotonic(
  scores: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  calls?: ArrayLike<number>,
): IsotonicKnots {
  const order = ascending(scores);
  const blocks: { score: number; correct: number; rows: number }[] = [];
  for (const i of order) {
    const weight = calls?.[i] ?? 1;
    let block = { score: weight * (scores[i] ?? 0), correct: weight * (outcomes[i] ?? 0), rows: weight };
    for (let last = blocks.at(-1); last !== undefined; last = blocks.at(-1)) {
      if (last.correct * block.rows < block.correct * last.rows) break;
      blocks.pop();
      block = { score: last.score + block.score, correct: last.correct + block.correct, rows: last.rows + block.rows };
    }
    blocks.push(block);
  }
  const edge = 1 / (scores.length + 2);
  return {
    scores: blocks.map((block) => block.score / block.rows),
    probabilities: blocks.map((block) => Math.min(1 - edge, Math.max(edge, block.correct / block.rows))),
  };
}

interface Observed {
  readonly features: readonly ConfidenceFeatures[];
  readonly outcomes: Float64Array;
  readonly calls: Float64Array;
}

function observe(data: LogitRows, temperature: number): Observed {
  const outcomes = outcomesOf(data);
  const features = Array.from(outcomes, (_, row) => confidenceFeatures(logitsOf(data, row), temperature));
  return { features, outcomes, calls: callsOf(data) };
}

function callsOf({ labels, calls }: LogitRows): Float64Array {
  return Float64Array.from({ length: labels.length }, (_, row) => calls?.[row] ?? 1);
}

/** In which share of each row's calls the highest logit is right, the lower index winning ties. */
export function outcomesOf(data: LogitRows): Float64Array {
  return Float64Array.from({ length: data.labels.length }, (_, row) => {
    const logits = logitsOf(data, row);
    let best = 0;
    for (let k = 1; k < logits.length; k++) if ((logits[k] ?? 0) > (logits[best] ?? 0)) best = k;
    return data.shareRight?.(row, best) ?? (best === data.labels[row] ? 1 : 0);
  });
}

type Weights = Calibrator["weights"];

function fitWeights({ features, outcomes, calls }: Observed, width: 1 | 3): Weights {
  const [constant = 0, odds = 0, margin = 0, entropy = 0] = fitLogistic({
    features: features.map((row) => row.slice(0, width)),
    outcomes,
    weights: calls,
  });
  return [constant, odds, margin, entropy];
}

/** Held-out probabilities of one form, by deterministic cross-fitting (row i belongs to part i mod 5). */
function crossFit({ features, outcomes, calls }: Observed, width: 1 | 3, isotonic: boolean): Float64Array {
  const held = new Float64Array(outcomes.length);
  for (let part = 0; part < CROSS_FITS; part++) {
    const inside = (_: unknown, row: number): boolean => row % CROSS_FITS !== part;
    const kept: Observed = {
      features: features.filter(inside),
      outcomes: outcomes.filter(inside),
      calls: calls.filter(inside),
    };
    const form = fitForm(kept, width, isotonic);
    for (let row = part; row < held.length; row += CROSS_FITS) {
      held[row] = probabilityOf(form, logisticScore(form.weights, features[row] ?? [0, 0, 0]));
    }
  }
  return held;
}

function fitForm(observed: Observed, width: 1 | 3, isotonic: boolean): Calibrator {
  const weights = fitWeights(observed, width);
  const form = { modelHash: "", temperature: 1, weights };
  if (!isotonic) return { kind: "logistic", ...form };
  const scores = observed.features.map((row) => logisticScore(weights, row));
  return { kind: "isotonic", ...form, knots: fitIsotonic(scores, observed.outcomes, observed.calls) };
}

/** Whether `challenger` has the lower log-loss by more than two standard errors of the paired difference. */
function isBetter(challenger: Float64Array, incumbent: Float64Array, outcomes: Float64Array): boolean {
  let [sum, squares] = [0, 0];
  for (let row = 0; row < outcomes.length; row++) {
    const gain =
      logLoss([incumbent[row] ?? 0], [outcomes[row] ?? 0]) - logLoss([challenger[row] ?? 0], [outcomes[row] ?? 0]);
    sum += gain;
    squares += gain * gain;
  }
  const mean = sum / outcomes.length;
  const variance = Math.max(0, squares / outcomes.length - mean * mean);
  return mean > 2 * Math.sqrt(variance / outcomes.length);
}

/** Fits a calibrator on out-of-fold rows. Three features and isotonic knots are taken only where cross-fitting shows a gain.
 *  @throws InputError without rows. */
export function fitCalibrator(data: LogitRows, modelHash: string): Calibrator {
  if (data.labels.length === 0) {
    throw new InputError("calibration: expected out-of-fold rows, came none", { hint: "give more records" });
  }
  const temperature = fitTemperature(data);
  const observed = observe(data, temperature);
  const narrow = crossFit(observed, 1, false);
  const wide = crossFit(observed, 3, false);
  const width = isBetter(wide, narrow, observed.outcomes) ? 3 : 1;
  const smooth = width === 3 ? wide : narrow;
  const tried = data.labels.length >= ISOTONIC_FROM_ROWS;
  const isotonic = tried && isBetter(crossFit(observed, width, true), smooth, observed.outcomes);
  return { ...fitForm(observed, width, isotonic), modelHash, temperature };
}

/** One bin of a reliability diagram. */
export interface ReliabilityBin {
  readonly meanProbability: number;
  readonly agreement: number;
  readonly count: number;
}

/** Bins of equal mass, by ascending probability; empty without rows. */
export function reliabilityBins(
  probabilities: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  bins = ECE_BINS,
): ReliabilityBin[] {
  const rows = probabilities.length;
  const order = ascending(probabilities);
  const result: ReliabilityBin[] = [];
  for (let bin = 0; bin < Math.min(bins, rows); bin++) {
    const from = Math.floor((bin * rows) / Math.min(bins, rows));
    const to = Math.floor(((bin + 1) * rows) / Math.min(bins, rows));
    let [probability, correct] = [0, 0];
    for (const row of order.slice(from, to)) {
      probability += probabilities[row] ?? 0;
      correct += outcomes[row] ?? 0;
    }
    const count = to - from;
    result.push({ meanProbability: probability / count, agreement: correct / count, count });
  }
  return result;
}

function ascending(values: ArrayLike<number>): number[] {
  return Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b,
  );
}

/** Expected calibration error: mean gap between probability and agreement over 15 bins of equal mass, a ratio. */
export function expectedCalibrationError(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number {
  const bins = reliabilityBins(probabilities, outcomes);
  const gap = bins.reduce((sum, bin) => sum + bin.count * Math.abs(bin.meanProbability - bin.agreement), 0);
  return gap / Math.max(1, probabilities.length);
}

/** How often a right answer scores above a wrong one (ties count half); 0.5 where one of the two kinds is missing. */
export function auroc(scores: ArrayLike<number>, outcomes: ArrayLike<number>): number {
  const order = ascending(scores);
  let [rankSum, right] = [0, 0];
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && scores[order[to] ?? 0] === scores[order[from] ?? 0]) to += 1;
    const rank = (from + 1 + to) / 2;
    for (const row of order.slice(from, to)) {
      right += outcomes[row] ?? 0;
      rankSum += rank * (outcomes[row] ?? 0);
    }
    from = to;
  }
  const wrong = order.length - right;
  return right < 1 || wrong < 1 ? 0.5 : (rankSum - (right * (right + 1)) / 2) / (right * wrong);
}

/** Calibration of a calibrator on rows that it was not fitted on. */
export interface CalibrationResult {
  readonly eceBefore: number;
  readonly eceAfter: number;
  readonly auroc: number;
  readonly bins: readonly ReliabilityBin[];
  /** Per row: the shown probability, the gate's score, and in which share of its calls the answer was right. */
  readonly probabilities: Float64Array;
  readonly scores: Float64Array;
  readonly outcomes: Float64Array;
}

/** Values of rows as often as the rows have calls. */
function perCall(values: Float64Array, calls: Float64Array): Float64Array {
  if (calls.every((count) => count === 1)) return values;
  return Float64Array.from([...values].flatMap((value, row) => new Array<number>(calls[row] ?? 1).fill(value)));
}

/** Measures a calibrator, each call counted: ECE of the plain softmax before, of the shown probability after. */
export function measureCalibration(calibrator: Calibrator, data: LogitRows): CalibrationResult {
  const outcomes = outcomesOf(data);
  const before = new Float64Array(outcomes.length);
  const probabilities = new Float64Array(outcomes.length);
  const scores = new Float64Array(outcomes.length);
  for (let row = 0; row < outcomes.length; row++) {
    const logits = logitsOf(data, row);
    before[row] = 1 / (1 + Math.exp(-confidenceFeatures(logits, 1)[0]));
    const answer = calibrate(calibrator, logits);
    probabilities[row] = answer.probability;
    scores[row] = answer.score;
  }
  const calls = callsOf(data);
  const [shown, right] = [perCall(probabilities, calls), perCall(outcomes, calls)];
  return {
    eceBefore: expectedCalibrationError(perCall(before, calls), right),
    eceAfter: expectedCalibrationError(shown, right),
    auroc: auroc(perCall(scores, calls), right),
    bins: reliabilityBins(shown, right),
    probabilities,
    scores,
    outcomes,
  };
}
