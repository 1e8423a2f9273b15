/** @file From a planned recipe and the rows of a run to the spec of an encoder training. */
import { ENCODER_TRAIN_DEFAULTS, type EncoderTrainSpec } from "../distill/spec.js";
import { lossFormulas, type LossSpec } from "../distill/losses.js";
import { ENCODER_SIZES } from "../models/encoder.js";
import { innerLossFormulas, type InnerLossSpec, keptLayers, type LayerPair } from "../distill/inner-losses.js";
import { ANSWERS, type EncoderRecipe, type PretrainedRecipe } from "../plan/candidates.js";
import type { PlannedCandidate } from "../plan/plan.js";
import { trainingLabel, type TrainContext } from "./train-context.js";

type Recovery = NonNullable<PretrainedRecipe["recovery"]>;

/** Weight of the agreement between the towers, and label smoothing: usual values, not tuned. */
const AGREEMENT_WEIGHT = 1;
const LABEL_SMOOTHING = 0.05;

/** The losses of an encoder: soft labels where the log has them, and its two towers teach each other. */
export function lossesOf(hasSoftLabels: boolean): readonly LossSpec[] {
  const labels: LossSpec = { kind: "cross-entropy", weight: hasSoftLabels ? 0.5 : 1, labelSmoothing: LABEL_SMOOTHING };
  const soft: readonly LossSpec[] = hasSoftLabels ? [{ kind: "forward-kl", weight: 0.5, temperature: 1 }] : [];
  return [labels, ...soft, { kind: "r-drop", weight: AGREEMENT_WEIGHT }];
}

/** Soft labels of all rows, [rows, labels + 1]; NaN where the log says nothing. Absent when no row has any. */
export function softLabelsOf(context: TrainContext): Float32Array | undefined {
  const { rows, dataset } = context;
  if (rows.every((row) => row.softLabels === undefined)) return undefined;
  const width = dataset.labels.length + 1;
  const soft = new Float32Array(rows.length * width).fill(NaN);
  for (const [r, row] of rows.entries()) if (row.softLabels !== undefined) soft.set(row.softLabels, r * width);
  return soft;
}

/** The training of a recipe on all unsealed rows; soft labels of a local teacher stand in for those of a log without any. */
export function encoderSpec(
  context: TrainContext,
  recipe: EncoderRecipe,
  localSoftLabels?: Float32Array,
): EncoderTrainSpec {
  const softLabels = softLabelsOf(context) ?? localSoftLabels;
  return {
    ...ENCODER_TRAIN_DEFAULTS,
    texts: context.rows.map((row) => row.text),
    labels: Int32Array.from(context.rows, trainingLabel),
    weights: new Float32Array(context.rows.length).fill(1),
    ...(softLabels === undefined ? {} : { softLabels }),
    labelCount: context.dataset.labels.length,
    config: ENCODER_SIZES[recipe.size],
    losses: lossesOf(softLabels !== undefined),
    epochs: recipe.epochs,
    batchSize: recipe.batchSize,
    learningRate: recipe.learningRate,
    seed: context.seed,
  };
}

/** Losses of the fine-tuning of a pretrained encoder: the labels, and soft labels where the log has them. */
export function teacherLosses(hasSoftLabels: boolean): readonly LossSpec[] {
  const labels: LossSpec = { kind: "cross-entropy", weight: hasSoftLabels ? 0.5 : 1, labelSmoothing: LABEL_SMOOTHING };
  return hasSoftLabels ? [labels, { kind: "forward-kl", weight: 0.5, temperature: 1 }] : [labels];
}

/** Losses of what a student learns from its teacher's answers. */
export function answerLosses({
  softWeight,
  temperature,
}: Pick<Recovery, "softWeight" | "temperature">): readonly LossSpec[] {
  return [
    { kind: "cross-entropy", weight: Number((1 - softWeight).toFixed(12)), labelSmoothing: LABEL_SMOOTHING },
    { kind: "forward-kl", weight: softWeight, temperature },
  ];
}

/** Losses of what a cut learns from its teacher's hidden states. */
export function innerLosses({ hiddenWeight }: Recovery, layers: readonly LayerPair[]): readonly InnerLossSpec[] {
  return [{ kind: "hidden-mse", weight: hiddenWeight, layers }];
}

function pretrainedFormulas(
  { recovery, teacher: { selfTaught } }: PretrainedRecipe,
  context: TrainContext,
  { layers = new Uint32Array(), isRounded = false }: FinalFit = {},
): string[] {
  const labels = context.dataset.labels.length;
  const soft = context.rows.some((row) => row.softLabels !== undefined);
  const teacher = [`pretrained: ${lossFormulas(teacherLosses(soft), labels).join(" + ")}`];
  if (selfTaught !== undefined)
    teacher.push(`then on its own answers: ${lossFormulas(answerLosses(selfTaught), labels).join(" + ")}`);
  if (recovery === undefined) {
    if (isRounded)
      teacher.push(`then with rounded weights: ${lossFormulas(answerLosses(ANSWERS), labels).join(" + ")}`);
    return teacher;
  }
  const inner = innerLosses(recovery, keptLayers(layers));
  const recovered = [...lossFormulas(answerLosses(recovery), labels), ...innerLossFormulas(inner)];
  return [...teacher, `cut${isRounded ? ", in the end with rounded weights" : ""}: ${recovered.join(" + ")}`];
}

/** What is known of a pretrained encoder after its final fit. */
export interface FinalFit {
  /** Layers of the teacher that it has, from 0. */
  readonly layers?: Uint32Array;
  /** Whether it was trained on with rounded weights. */
  readonly isRounded?: boolean;
}

/** The printed loss of a candidate, with its numbers. */
export function lossFormulaOf(candidate: PlannedCandidate, context: TrainContext, final: FinalFit = {}): string {
  const parts: string[] = [];
  if (candidate.linear !== undefined) {
    const { labelSmoothing, taughtBy } = candidate.linear;
    const label = `one-hot label smoothed by ${labelSmoothing}`;
    if (taughtBy !== undefined) parts.push(...pretrainedFormulas(taughtBy.pretrained, context));
    const { softWeight = 0 } = taughtBy ?? {};
    const q =
      taughtBy === undefined
        ? label
        : `${Number((1 - softWeight).toFixed(12))} (${label}) + ${softWeight} (answer of the fine-tuned base), the answer alone for a text without a label`;
    parts.push(`linear: mean over rows of -sum_c q_c ln p_c, q = ${q}`);
  }
  if (candidate.encoder !== undefined) {
    const soft =
      candidate.encoder.localTeacher !== undefined || context.rows.some((row) => row.softLabels !== undefined);
    parts.push(`encoder: ${lossFormulas(lossesOf(soft), context.dataset.labels.length).join(" + ")}`);
  }
  if (candidate.pretrained !== undefined) {
    parts.push(...pretrainedFormulas(candidate.pretrained, context, final));
  }
  return parts.join("; ");
}
