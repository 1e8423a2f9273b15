/** @file Fits of a pretrained encoder: it is fine-tuned, then teaches what a cut leaves of it, by its answers and its hidden states. Fold 0
 *  is unseen by teacher and cut alike, so that its rows judge; the final pair sees all unsealed rows. */
import { cutEncoder, allParts, type EncoderWeights } from "../compress/cut.js";
import { bestOf, type CalibrationOptions, chooseLayers, measureImportance } from "../compress/importance.js";
import { softAnswers } from "../distill/answers.js";
import { keptLayers } from "../distill/inner-losses.js";
import { PRETRAINED_TRAIN_DEFAULTS, type EncoderTrainResult, type PretrainedTrainSpec } from "../distill/spec.js";
import { InvariantError } from "../errors.js";
import { cutConfig } from "../models/families/index.js";
import { PRETRAINED_TEACHER, type PretrainedRecipe } from "../plan/candidates.js";
import type { PlannedCandidate } from "../plan/plan.js";
import { type Base, piecesOf } from "./base.js";
import { innerLosses, recoveryLosses, softLabelsOf, teacherLosses } from "./encoder-spec.js";
import type { Trained } from "./ship.js";
import { mergedProgress, silentProgress } from "./progress.js";
import {
  type EncoderOutOfFold,
  encoderStage,
  heldOutArrays,
  heldOutOf,
  joinFolds,
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

/** A task over all unsealed rows of a run. @throws InvariantError when the run has no base. */
export function pretrainedTask(context: TrainContext, name: string, recipe: PretrainedRecipe): PretrainedTask {
  const { base } = context;
  if (base === undefined) throw new InvariantError(`pretrained: ${name} without a base`);
  return { base, name, recipe, sequences: context.rows.map(({ text }) => piecesOf(base, text)) };
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

function calibrationOptions({ threads, signal }: TrainContext): CalibrationOptions {
  return { threads, ...(signal !== undefined && { signal }) };
}

interface Cut {
  readonly encoder: EncoderWeights;
  /** Layers of the teacher that stay. */
  readonly layers: Uint32Array;
}

/** What a recipe leaves of a teacher: layers by block influence, then neurons by their activations, on texts that the fit may see. */
async function cutOf(
  context: TrainContext,
  { recipe, sequences }: PretrainedTask,
  teacher: EncoderWeights,
  holdout: Uint32Array = new Uint32Array(),
): Promise<Cut> {
  const held = new Set(holdout);
  const texts = sequences.filter((_, row) => !held.has(row)).slice(0, CALIBRATION_TEXTS);
  const options = calibrationOptions(context);
  const layers = await chooseLayers(teacher, texts, recipe.layers, options);
  const shallow = cutEncoder(teacher, { ...allParts(teacher.config), layers });
  if (recipe.feedForward === teacher.config.feedForward) return { encoder: shallow, layers };
  const { feedForward } = await measureImportance(shallow, texts, options);
  const kept = feedForward.map((scores) => bestOf(scores, recipe.feedForward));
  return { encoder: cutEncoder(shallow, { ...allParts(shallow.config), feedForward: kept }), layers };
}

/** How a teacher makes up for what a cut has lost. */
async function recoverySpec(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  { encoder, layers }: Cut,
): Promise<PretrainedTrainSpec> {
  const { recovery } = task.recipe;
  if (recovery === undefined) throw new InvariantError(`pretrained: ${task.name} has nothing to recover`);
  const spec = teacherSpec(context, task);
  const model = { ...spec.model, labelCount: spec.labelCount };
  return {
    ...spec,
    losses: recoveryLosses(recovery),
    softLabels: await softAnswers(model, teacher.values, task.sequences, calibrationOptions(context)),
    model: { ...spec.model, config: encoder.config },
    start: encoder.values,
    epochs: recovery.epochs,
    learningRate: recovery.learningRate,
    teacher: {
      model: { config: teacher.config },
      weights: teacher.values,
      losses: innerLosses(recovery, keptLayers(layers)),
    },
  };
}

type Stored = ReadonlyMap<string, Float32Array>;

const WEIGHT = "weight.";
const LAYERS = "layers";

function collected(result: EncoderTrainResult): Map<string, Float32Array> {
  const arrays = heldOutArrays(result);
  for (const [name, values] of result.weights) arrays.set(WEIGHT + name, values);
  return arrays;
}

function weightsIn(stored: Stored): Map<string, Float32Array> {
  return new Map(
    Array.from(stored).flatMap(([name, values]) =>
      name.startsWith(WEIGHT) ? [[name.slice(WEIGHT.length), values] as const] : [],
    ),
  );
}

/** Rows that a fit does not see: those of the fold, none for the final fit. */
function heldOut(context: TrainContext, fold: number | undefined): { readonly holdout?: Uint32Array } {
  return fold === undefined ? {} : { holdout: rowsOfFold(context, fold) };
}

/** Name of a stage: of a fold, or of the final fit, which may end early. */
function stageOf(part: string, fold: number | undefined, epochs: number | undefined): string {
  return fold === undefined ? `${part}-weights${epochs ?? ""}` : `${part}-fold${fold}`;
}

/** A fit of one part of a task; `fold` is held out, none for the final fit, which ends after `epochs` where told. */
type Fit = (context: TrainContext, task: PretrainedTask, fold?: number, epochs?: number) => Promise<Stored>;

const teacherFit: Fit = async (context, task, fold, epochs) =>
  encoderStage(
    context,
    stageOf(PRETRAINED_TEACHER, fold, epochs),
    () => ({
      ...teacherSpec(context, task),
      ...heldOut(context, fold),
      ...(epochs !== undefined && { stopAfterEpochs: epochs }),
    }),
    collected,
  );

/** The fit of a cut, after that of its teacher, which is read back where it is done. */
const cutFit: Fit = async (context, task, fold, epochs) => {
  const silent = { ...context, progress: silentProgress(context.progress) };
  const taught = await teacherFit(silent, task, fold, fold === undefined ? task.recipe.teacher.epochs : undefined);
  const teacher = { config: task.base.config, values: weightsIn(taught) };
  let layers = new Uint32Array();
  return encoderStage(
    context,
    stageOf(task.name, fold, epochs),
    async () => {
      const held = heldOut(context, fold);
      const cut = await cutOf(context, task, teacher, held.holdout);
      layers = Uint32Array.from(cut.layers);
      const spec = await recoverySpec(context, task, teacher, cut);
      return { ...spec, ...held, ...(epochs !== undefined && { stopAfterEpochs: epochs }) };
    },
    (result) => collected(result).set(LAYERS, Float32Array.from(layers)),
  );
};

/** Epochs of the training whose end is the student. */
function epochsOf({ recipe }: PretrainedTask): number {
  return recipe.recovery?.epochs ?? recipe.teacher.epochs;
}

/** Out-of-fold logits of a recipe. With several threads the final fits run beside those of the fold, as if the last epoch were the best. */
export async function pretrainedOutOfFold(context: TrainContext, task: PretrainedTask): Promise<EncoderOutOfFold> {
  const { recipe, name } = task;
  const withFinal = context.threads > 1;
  const lanes = async (what: string, fit: Fit, epochs: number): Promise<Stored> => {
    const progress = mergedProgress(
      context.progress,
      `${what}, fold${withFinal ? " and final fit" : ""}`,
      withFinal ? 2 : 1,
    );
    const shared = { ...context, threads: 1, progress };
    const final = async (): Promise<Stored> => (withFinal ? fit(shared, task, undefined, epochs) : new Map());
    const [, judged] = await sideBySide([final, async () => fit(shared, task, JUDGING_FOLD)], context.threads);
    return judged ?? new Map();
  };
  let judged = await lanes(PRETRAINED_TEACHER, teacherFit, recipe.teacher.epochs);
  if (recipe.recovery !== undefined) judged = await lanes(name, cutFit, recipe.recovery.epochs);
  const part = heldOutOf(rowsOfFold(context, JUDGING_FOLD), judged, epochsOf(task));
  return joinFolds([part], context.dataset.labels.length, epochsOf(task));
}

/** Name of the whole base as a student. */
export const UNCUT = "uncut";

/** The teacher that a cut was taught by, as a student of its own, read back from its stages; undefined for what is no cut. */
export async function uncutTeacher(
  context: TrainContext,
  { candidate }: Trained,
  planned: readonly PlannedCandidate[],
): Promise<Trained | undefined> {
  const { pretrained } = candidate;
  const uncut = planned.find(({ name }) => name === UNCUT);
  if (pretrained?.recovery === undefined || uncut === undefined || context.base === undefined) return undefined;
  const { recovery: _, ...recipe } = pretrained;
  const { layers, feedForward } = context.base.config;
  const whole = { ...recipe, layers: layers.length, feedForward };
  const quiet = { ...context, progress: silentProgress(context.progress) };
  const { bestEpoch, ...outOfFold } = await pretrainedOutOfFold(quiet, pretrainedTask(context, UNCUT, whole));
  return { candidate: { ...uncut, pretrained: whole }, outOfFold, epochs: bestEpoch };
}

/** The final encoder of a recipe with its head, trained for `epochs` on all unsealed rows. */
export async function pretrainedFinal(
  context: TrainContext,
  task: PretrainedTask,
  epochs: number,
): Promise<EncoderWeights> {
  const shared = { ...context, threads: 1 };
  const { base, recipe } = task;
  if (recipe.recovery === undefined)
    return { config: base.config, values: weightsIn(await teacherFit(shared, task, undefined, epochs)) };
  const stored = await cutFit(shared, task, undefined, epochs);
  const layers = Array.from(stored.get(LAYERS) ?? []);
  return { config: cutConfig(base.config, { layers, feedForward: recipe.feedForward }), values: weightsIn(stored) };
}
