/** @file What turns a student's logits into the probability that its answer is right, and into the score that the gate compares.
 *  Applies a calibrator; does not fit one (evaluate/calibration.ts does). Browser-safe, no I/O. Temperature: Guo et al. 2017. */
import { z } from "zod";
import { InputError } from "../errors.js";

const ascending = (values: readonly number[]): boolean => values.every((value, i) => value >= (values[i - 1] ?? value));
const knotsSchema = z
  .strictObject({
    scores: z.array(z.number()).min(1).refine(ascending, "must ascend"),
    probabilities: z.array(z.number().min(0).max(1)).min(1).refine(ascending, "must ascend"),
  })
  .refine(
    (knots) => knots.scores.length === knots.probabilities.length,
    "scores and probabilities must be equally many",
  )
  .readonly();

const form = {
  /** Hash of the weights it was fitted for; it loads with no others. */
  modelHash: z.string(),
  temperature: z.number().positive(),
  /** Logistic weights: constant, log-odds of the top label, margin to the second, entropy (nats). */
  weights: z.tuple([z.number(), z.number(), z.number(), z.number()]).readonly(),
};

/** How `probability` comes from `score`: the score itself, or isotonic knots on top of it. */
const calibratorSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("logistic"), ...form }).readonly(),
  /** Ascending scores and their probabilities, linear between, constant outside. */
  z.strictObject({ kind: z.literal("isotonic"), ...form, knots: knotsSchema }).readonly(),
]);

/** Serialised with the model; fitted on out-of-fold logits. */
export type Calibrator = z.infer<typeof calibratorSchema>;
export type IsotonicKnots = z.infer<typeof knotsSchema>;

/** Checks the calibrator of a model folder. @throws InputError naming the field that is wrong. */
export function parseCalibrator(value: unknown): Calibrator {
  const result = calibratorSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new InputError(`calibrator: field ${issue?.path.join(".") || "(root)"}: ${issue?.message ?? "unusable"}`, {
    hint: "export the student again",
  });
}

/** The answer's index with the probability that it is right and the score that orders answers for the gate. */
export interface CalibratedAnswer {
  readonly label: number;
  /** For showing: calibrated, may have ties. */
  readonly probability: number;
  /** For the gate: strictly ordered, in (0, 1). */
  readonly score: number;
}

/** [log-odds of the top label, margin p1 - p2, entropy in nats] of the softmax at a temperature. */
export type ConfidenceFeatures = readonly [number, number, number];

/** The log-odds of a lone label, where there is nothing to compare with. */
const CERTAIN_LOG_ODDS = 30;

/** The largest and second largest index of `logits`; the lower index wins a tie. */
function topTwo(logits: ArrayLike<number>): readonly [number, number] {
  let [first, second] = [-1, -1];
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i] ?? 0;
    if (first < 0 || value > (logits[first] ?? 0)) [first, second] = [i, first];
    else if (second < 0 || value > (logits[second] ?? 0)) second = i;
  }
  return [first, second];
}

/** The confidence features of one row of logits [labels]. */
export function confidenceFeatures(logits: ArrayLike<number>, temperature: number): ConfidenceFeatures {
  const [first, second] = topTwo(logits);
  if (second < 0) return [CERTAIN_LOG_ODDS, 1, 0];
  const top = logits[first] ?? 0;
  let others = 0;
  let weighted = 0;
  for (let i = 0; i < logits.length; i++) {
    if (i === first) continue;
    const shifted = ((logits[i] ?? 0) - top) / temperature;
    const mass = Math.exp(shifted);
    others += mass;
    if (mass > 0) weighted += mass * shifted;
  }
  const total = 1 + others;
  const margin = (1 - Math.exp(((logits[second] ?? 0) - top) / temperature)) / total;
  const entropy = Math.log(total) - weighted / total;
  return [Math.min(CERTAIN_LOG_ODDS, -Math.log(others)), margin, entropy];
}

/** The logistic score of a row's features, in (0, 1). */
export function logisticScore(weights: Calibrator["weights"], features: ConfidenceFeatures): number {
  const [constant, odds, margin, entropy] = weights;
  const activation = constant + odds * features[0] + margin * features[1] + entropy * features[2];
  return 1 / (1 + Math.exp(-Math.min(CERTAIN_LOG_ODDS, Math.max(-CERTAIN_LOG_ODDS, activation))));
}

function interpolate(scores: readonly number[], probabilities: readonly number[], score: number): number {
  let [low, high] = [0, scores.length - 1];
  if (score <= (scores[low] ?? 0)) return probabilities[low] ?? score;
  if (score >= (scores[high] ?? 1)) return probabilities[high] ?? score;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((scores[middle] ?? 0) <= score) low = middle;
    else high = middle;
  }
  const [from, to] = [scores[low] ?? 0, scores[high] ?? 1];
  const [below, above] = [probabilities[low] ?? 0, probabilities[high] ?? 1];
  return below + ((above - below) * (score - from)) / (to - from);
}

/** The shown probability that belongs to a gate score. */
export function probabilityOf(calibrator: Calibrator, score: number): number {
  if (calibrator.kind === "logistic") return score;
  return interpolate(calibrator.knots.scores, calibrator.knots.probabilities, score);
}

/** The calibrated answer of one row of logits [labels], which must not be empty. */
export function calibrate(calibrator: Calibrator, logits: ArrayLike<number>): CalibratedAnswer {
  const features = confidenceFeatures(logits, calibrator.temperature);
  const score = logisticScore(calibrator.weights, features);
  return { label: topTwo(logits)[0], probability: probabilityOf(calibrator, score), score };
}

/** Throws InputError unless the calibrator was fitted for the weights with this hash. */
export function assertCalibratorFits(calibrator: Calibrator, modelHash: string): void {
  if (calibrator.modelHash === modelHash) return;
  throw new InputError(
    `calibrator: expected one fitted for the weights ${modelHash}, came one for ${calibrator.modelHash}`,
    { hint: "take the model folder as `joryu run` wrote it; its files belong together" },
  );
}
