/** @file What a pretrained encoder and its cuts are trained by: from a recipe and the rows of a run to the specs of the fits, the choice of a cut
 *  among them. Runs no training. */
import { cutEncoder, allParts, type EncoderWeights } from "../compress/cut.js";
import { bestOf, type CalibrationOptions, chooseLayers, measureImportance } from "../compress/importance.js";
import { labelText } from "../dataset/label-text.js";
import { softAnswers } from "../distill/answers.js";
import { headStart } from "../distill/head-start.js";
import { keptLayers } from "../distill/inner-losses.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "../distill/spec.js";
import { InvariantError } from "../errors.js";
import type { PretrainedRecipe } from "../plan/candidates.js";
import { type Base, piecesOf } from "./base.js";
import { innerLosses, recoveryLosses, softLabelsOf, teacherLosses } from "./encoder-spec.js";
import { trainingLabel, type TrainContext } from "./rungs.js";

/** Texts that a cut is chosen by. */
const CALIBRATION_TEXTS = 512;

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

/** Fine-tuning of the base on all unsealed rows. */
export function teacherSpec(context: TrainContext, { base, recipe, sequences }: PretrainedTask): PretrainedTrainSpec {
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

/** The same with the names of the labels as texts, below the rows of the run. */
function withLabelNames(
  spec: PretrainedTrainSpec,
  { base }: PretrainedTask,
  labels: readonly string[],
): PretrainedTrainSpec {
  const names = labels.flatMap((name, label) => {
    const text = labelText(name);
    return text === undefined ? [] : [{ label, pieces: piecesOf(base, text) }];
  });
  const { softLabels } = spec;
  const more = new Float32Array(names.length * (spec.labelCount + 1));
  return {
    ...spec,
    sequences: [...spec.sequences, ...names.map(({ pieces }) => pieces)],
    labels: Int32Array.from([...spec.labels, ...names.map(({ label }) => label)]),
    weights: new Float32Array(spec.weights.length + names.length).fill(1),
    ...(softLabels !== undefined && { softLabels: Float32Array.from([...softLabels, ...more]) }),
  };
}

/** The spec of a teacher's fit, which makes more of the rows that it may see where the recipe is for few labels. */
export async function startedTeacherSpec(
  context: TrainContext,
  task: PretrainedTask,
  holdout: Uint32Array = new Uint32Array(),
): Promise<PretrainedTrainSpec> {
  const plain = teacherSpec(context, task);
  if (!task.recipe.teacher.fewLabels) return plain;
  const spec = withLabelNames(plain, task, context.dataset.labels);
  const held = new Set(holdout);
  const seen = Array.from(spec.labels.keys()).filter((row) => !held.has(row));
  const texts = {
    sequences: seen.flatMap((row) => spec.sequences[row] ?? []),
    labels: Int32Array.from(seen, (row) => spec.labels[row] ?? 0),
  };
  const model = { ...spec.model, labelCount: spec.labelCount };
  const head = await headStart(model, spec.start, texts, calibrationOptions(context));
  return { ...spec, start: new Map([...spec.start, ...head]) };
}

/** Threads and signal of passes that train nothing. */
export function calibrationOptions({ threads, signal }: TrainContext): CalibrationOptions {
  return { threads, ...(signal !== undefined && { signal }) };
}

export interface Cut {
  readonly encoder: EncoderWeights;
  /** Layers of the teacher that stay. */
  readonly layers: Uint32Array;
}

/** What a recipe leaves of a teacher: layers by block influence, then neurons by their activations, on texts that the fit may see. */
export async function cutOf(
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

/** The first texts without answers, a fair sample where they are not all. */
export function transferTexts({ transfer = [] }: TrainContext, count: number): readonly string[] {
  return transfer.slice(0, count);
}

/** The same as a base reads them. */
export function transferSequences(context: TrainContext, { base }: PretrainedTask, count: number): Int32Array[] {
  return transferTexts(context, count).map((text) => piecesOf(base, text));
}

/** The likeliest label of each answer [texts, labels + 1]. */
function likeliest(answers: Float32Array, labelCount: number): Int32Array {
  return Int32Array.from({ length: answers.length / (labelCount + 1) }, (_, text) => {
    const own = answers.subarray(text * (labelCount + 1), text * (labelCount + 1) + labelCount);
    return own.indexOf(Math.max(...own));
  });
}

/** How a teacher makes up for what a cut has lost: on the rows, and on texts without answers, which it labels itself. */
export async function recoverySpec(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  { encoder, layers }: Cut,
): Promise<PretrainedTrainSpec> {
  const { recovery } = task.recipe;
  if (recovery === undefined) throw new InvariantError(`pretrained: ${task.name} has nothing to recover`);
  const spec = teacherSpec(context, task);
  const model = { ...spec.model, labelCount: spec.labelCount };
  const sequences = [...task.sequences, ...transferSequences(context, task, recovery.transferRows ?? 0)];
  const softLabels = await softAnswers(model, teacher.values, sequences, calibrationOptions(context));
  const labels = likeliest(softLabels, spec.labelCount);
  labels.set(spec.labels);
  return {
    ...spec,
    sequences,
    labels,
    weights: new Float32Array(sequences.length).fill(1),
    losses: recoveryLosses(recovery),
    softLabels,
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
