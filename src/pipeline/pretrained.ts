/** @file Fits of a pretrained encoder: it is fine-tuned, then teaches what a cut leaves of it, by its answers and its hidden states. Fold 0
 *  is unseen by teacher and cut alike, so that its rows judge; the final pair sees all unsealed rows. */
import { cutEncoder, allParts, type EncoderWeights } from "../compress/cut.js";
import { bestOf, chooseLayers, measureImportance } from "../compress/importance.js";
import { softAnswers } from "../distill/answers.js";
import { keptLayers } from "../distill/inner-losses.js";
import { PRETRAINED_TRAIN_DEFAULTS, type EncoderTrainResult, type PretrainedTrainSpec } from "../distill/spec.js";
import type { LossSpec } from "../distill/losses.js";
import { cutConfig, type PretrainedConfig } from "../models/families/index.js";
import { PRETRAINED_TEACHER, type PretrainedRecipe } from "../plan/candidates.js";
import { type Base, piecesOf } from "./base.js";
import { LABEL_SMOOTHING, softLabelsOf } from "./encoder-spec.js";
import { mergedProgress } from "./progress.js";
import {
  type EncoderOutOfFold,
  encoderStage,
  joinFolds,
  outOfFoldOf,
  rowsOfFold,
  sideBySide,
  trainingLabel,
  type TrainContext,
} from "./rungs.js";

/** Texts that a cut is chosen by. */
const CALIBRATION_TEXTS = 512;
/** The fold that judges. */
const JUDGING_FOLD = 0;

export interface PretrainedTask {
  readonly base: Base;
  readonly name: string;
  readonly recipe: PretrainedRecipe;
  readonly sequences: readonly Int32Array[];
}

/** A task over all unsealed rows of a run. */
export function pretrainedTask(context: TrainContext, base: Base, name: string, recipe: PretrainedRecipe): PretrainedTask {
  return { base, name, recipe, sequences: context.rows.map(({ text }) => piecesOf(base, text)) };
}

/** Losses of the fine-tuning: the labels, and soft labels where the log has them. */
function teacherLosses(hasSoftLabels: boolean): readonly LossSpec[] {
  const labels: LossSpec = { kind: "cross-entropy", weight: hasSoftLabels ? 0.5 : 1, labelSmoothing: LABEL_SMOOTHING };
  return hasSoftLabels ? [labels, { kind: "forward-kl", weight: 0.5, temperature: 1 }] : [labels];
}

/** Losses of what a cut learns from its teacher's answers. */
function recoveryLosses({ softWeight, temperature }: NonNullable<PretrainedRecipe["recovery"]>): readonly LossSpec[] {
  return [
    { kind: "cross-entropy", weight: 1 - softWeight, labelSmoothing: LABEL_SMOOTHING },
    { kind: "forward-kl", weight: softWeight, temperature },
  ];
}

function teacherSpec(context: TrainContext, { base, recipe, sequences }: PretrainedTask): PretrainedTrainSpec {
  const softLabels = softLabelsOf(context);
  return {
    ...PRETRAINED_TRAIN_DEFAULTS,
    sequences,
    labels: Int32Array.from(context.rows, trainingLabel),
    weights: new Float32Array(context.rows.length).fill(1),
    ...(softLabels !== undefined && { softLabels }),
    labelCount: context.dataset.labels.length,
    losses: teacherLosses(softLabels !== undefined),
    model: { config: base.config, pooling: base.pooling, maxTokens: base.maxTokens },
    start: base.weights,
    epochs: recipe.teacher.epochs,
    batchSize: recipe.batchSize,
    learningRate: recipe.teacher.learningRate,
    seed: context.seed,
  };
}

interface Cut {
  readonly encoder: EncoderWeights;
  /** Layers of the teacher that stay. */
  readonly layers: Uint32Array;
}

/** What a recipe leaves of a teacher: layers by block influence, then neurons by their activations. */
async function cutOf(context: TrainContext, task: PretrainedTask, teacher: EncoderWeights, train: Uint32Array): Promise<Cut> {
  const { recipe, sequences } = task;
  const texts = Array.from(train.subarray(0, CALIBRATION_TEXTS), (row) => sequences[row] ?? new Int32Array());
  const options = { threads: context.threads, ...(context.signal !== undefined && { signal: context.signal }) };
  const layers = await chooseLayers(teacher, texts, recipe.layers, options);
  const shallow = cutEncoder(teacher, { ...allParts(teacher.config), layers });
  if (recipe.feedForward === teacher.config.feedForward) return { encoder: shallow, layers };
  const { feedForward } = await measureImportance(shallow, texts, options);
  const kept = feedForward.map((scores) => bestOf(scores, recipe.feedForward));
  return { encoder: cutEncoder(shallow, { ...allParts(shallow.config), feedForward: kept }), layers };
}

/** The cut, and how its teacher makes up for what it lost. */
async function recoverySpec(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  holdout: Uint32Array,
): Promise<PretrainedTrainSpec> {
  const { recipe, sequences } = task;
  const { recovery } = recipe;
  const spec = teacherSpec(context, task);
  if (recovery === undefined) return spec;
  const held = new Set(holdout);
  const train = Uint32Array.from(sequences.keys()).filter((row) => !held.has(row));
  const { encoder, layers } = await cutOf(context, task, teacher, train);
  const model = { ...spec.model, labelCount: spec.labelCount };
  const { threads, signal } = context;
  return {
    ...spec,
    losses: recoveryLosses(recovery),
    softLabels: await softAnswers(model, teacher.values, sequences, { threads, ...(signal !== undefined && { signal }) }),
    model: { ...spec.model, config: encoder.config },
    start: encoder.values,
    epochs: recovery.epochs,
    learningRate: recovery.learningRate,
    teacher: {
      model: { config: teacher.config },
      weights: teacher.values,
      losses: [{ kind: "hidden-mse", weight: recovery.hiddenWeight, layers: keptLayers(layers) }],
    },
  };
}

const WEIGHT = "weight.";

function collected({ weights, holdoutProbabilities, bestEpoch }: EncoderTrainResult): Map<string, Float32Array> {
  return new Map([
    ...Array.from(weights, ([name, values]): [string, Float32Array] => [WEIGHT + name, values]),
    ...(holdoutProbabilities === undefined
      ? []
      : ([["logits", holdoutProbabilities.map((p) => Math.log(Math.max(p, 1e-12)))]] as const)),
    ["bestEpoch", Float32Array.of(bestEpoch)],
  ]);
}

type Stored = ReadonlyMap<string, Float32Array>;

function weightsIn(stored: Stored): Map<string, Float32Array> {
  return new Map(
    Array.from(stored).flatMap(([name, values]) => (name.startsWith(WEIGHT) ? [[name.slice(WEIGHT.length), values]] : [])),
  );
}

async function teacherFit(context: TrainContext, task: PretrainedTask, fold: number | undefined): Promise<Stored> {
  const spec = teacherSpec(context, task);
  const stage = fold === undefined ? `${PRETRAINED_TEACHER}-weights` : `${PRETRAINED_TEACHER}-fold${fold}`;
  const held = fold === undefined ? {} : { holdout: rowsOfFold(context, fold) };
  return encoderStage(context, stage, { ...spec, ...held }, collected);
}

/** The fit of a cut, its teacher being trained first where it is not yet. `epochs` ends the final fit early. */
async function cutFit(
  context: TrainContext,
  task: PretrainedTask,
  fold: number | undefined,
  epochs?: number,
): Promise<Stored> {
  const teacher = { config: task.base.config, values: weightsIn(await teacherFit(context, task, fold)) };
  const holdout = fold === undefined ? undefined : rowsOfFold(context, fold);
  const stage = fold === undefined ? `${task.name}-weights${epochs ?? ""}` : `${task.name}-fold${fold}`;
  return encoderStage(
    context,
    stage,
    async () => ({
      ...(await recoverySpec(context, task, teacher, holdout ?? new Uint32Array())),
      ...(holdout !== undefined && { holdout }),
      ...(epochs !== undefined && { stopAfterEpochs: epochs }),
    }),
    collected,
  );
}

/** Out-of-fold logits of a recipe; with several threads the final fits run beside those of the fold. */
export async function pretrainedOutOfFold(context: TrainContext, task: PretrainedTask): Promise<EncoderOutOfFold> {
  const { recipe, name } = task;
  const isCut = recipe.recovery !== undefined;
  const epochs = recipe.recovery?.epochs ?? recipe.teacher.epochs;
  const jobs = context.threads > 1 ? 2 : 1;
  const inLanes = async (label: string, fit: (of: TrainContext, fold: number | undefined) => Promise<Stored>): Promise<Stored> => {
    const progress = mergedProgress(context.progress, `${label}, ${jobs > 1 ? "fold and final fit" : "fold"}`, jobs);
    const shared = { ...context, threads: 1, progress };
    const folds = jobs > 1 ? [undefined, JUDGING_FOLD] : [JUDGING_FOLD];
    const stored = await sideBySide(folds.map((fold) => async () => fit(shared, fold)), context.threads);
    return stored.at(-1) ?? new Map();
  };
  let judged = await inLanes("pretrained, fine-tuning", (of, fold) => teacherFit(of, task, fold));
  if (isCut) judged = await inLanes(name, (of, fold) => cutFit(of, task, fold, fold === undefined ? epochs : undefined));
  const part = outOfFoldOf(rowsOfFold(context, JUDGING_FOLD), judged, epochs);
  return joinFolds([part], context.dataset.labels.length, epochs);
}

/** The final encoder of a recipe with its head, trained for `epochs` on all unsealed rows. */
export async function pretrainedFinal(context: TrainContext, task: PretrainedTask, epochs: number): Promise<EncoderWeights> {
  const shared = { ...context, threads: 1 };
  const { config } = task.base;
  if (task.recipe.recovery === undefined) return { config, values: weightsIn(await teacherFit(shared, task, undefined)) };
  return cutWeights(task, weightsIn(await cutFit(shared, task, undefined, epochs)));
}
