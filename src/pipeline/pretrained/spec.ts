/** @file What a pretrained encoder and its cuts are trained by: from a recipe and the rows of a run to the specs of the fits, the choice of a cut
 *  among them. Runs no training. */
import { cutEncoder, allParts, type EncoderWeights } from "../../compress/cut.js";
import { bestOf, type CalibrationOptions, chooseLayers, measureImportance } from "../../compress/importance.js";
import { labelTexts } from "../../dataset/label-text.js";
import { softAnswers } from "../../distill/answers.js";
import { headStart } from "../../distill/head-start.js";
import { keptLayers } from "../../distill/inner-losses.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "../../distill/spec.js";
import { InvariantError } from "../../errors.js";
import { ANSWERS, type PretrainedRecipe, type SelfTaught } from "../../plan/candidates.js";
import { type Base, piecesOf } from "./base.js";
import { innerLosses, answerLosses, softLabelsOf, teacherLosses } from "../encoder-spec.js";
import { trainingLabel, type TrainContext } from "../train-context.js";

/** The fold that judges. */
export const JUDGING_FOLD = 0;
/** The fold that chooses how a control is trained. */
export const CHOOSING_FOLD = 1;

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
    keepLast: true,
    seed: context.seed,
  };
}

/** The same with the names of the labels as texts, below the rows of the run. */
function withLabelNames(
  spec: PretrainedTrainSpec,
  { base }: PretrainedTask,
  labels: readonly string[],
): PretrainedTrainSpec {
  const names = labelTexts(labels);
  const count = spec.labels.length + names.length;
  const { softLabels } = spec;
  const soft = new Float32Array(softLabels === undefined ? 0 : count * (spec.labelCount + 1));
  if (softLabels !== undefined) soft.set(softLabels);
  return {
    ...spec,
    sequences: [...spec.sequences, ...names.map(({ text }) => piecesOf(base, text))],
    labels: Int32Array.from([...spec.labels, ...names.map(({ label }) => label)]),
    weights: new Float32Array(count).fill(1),
    ...(softLabels !== undefined && { softLabels: soft }),
  };
}

/** The same with a label layer that starts as the linear discriminant of the rows that the fit may see. */
async function withHeadStart(
  context: TrainContext,
  spec: PretrainedTrainSpec,
  holdout: Uint32Array = new Uint32Array(),
): Promise<PretrainedTrainSpec> {
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

/** A fit on the labels with the start of its label layer; few labels have their names beside the rows. */
export function startedSpec(
  context: TrainContext,
  task: PretrainedTask,
  spec: PretrainedTrainSpec,
  holdout?: Uint32Array,
): Promise<PretrainedTrainSpec> {
  const { fewLabels } = task.recipe.teacher;
  return withHeadStart(context, fewLabels ? withLabelNames(spec, task, context.dataset.labels) : spec, holdout);
}

/** Threads and signal of passes that train nothing. */
export function calibrationOptions({ threads, signal }: TrainContext): CalibrationOptions {
  return { threads, ...(signal !== undefined && { signal }) };
}

export interface Cut {
  readonly encoder: EncoderWeights;
  /** Layers of the teacher that stay, whatever lies between the two on the path. */
  readonly layers: Uint32Array;
}

/** A teacher of which nothing is cut. */
export function wholeOf(teacher: EncoderWeights): Cut {
  return { encoder: teacher, layers: allParts(teacher.config).layers };
}

/** Texts that a fit may see, to choose a cut by. */
function calibrationTexts({ sequences }: PretrainedTask, holdout: Uint32Array): readonly Int32Array[] {
  const held = new Set(holdout);
  return sequences.filter((_, row) => !held.has(row)).slice(0, CALIBRATION_TEXTS);
}

/** What a recipe leaves of a step above, given its own layers that stay: neurons by their activations. */
async function withLayers(
  context: TrainContext,
  { recipe }: PretrainedTask,
  above: EncoderWeights,
  layers: Uint32Array,
  texts: readonly Int32Array[],
): Promise<EncoderWeights> {
  const shallow = cutEncoder(above, { ...allParts(above.config), layers });
  if (recipe.feedForward === above.config.feedForward) return shallow;
  const { feedForward } = await measureImportance(shallow, texts, calibrationOptions(context));
  const kept = feedForward.map((scores) => bestOf(scores, recipe.feedForward));
  return cutEncoder(shallow, { ...allParts(shallow.config), feedForward: kept });
}

/** What a recipe leaves of the step above: layers by block influence, then neurons, on texts that the fit may see. */
export async function cutOf(
  context: TrainContext,
  task: PretrainedTask,
  above: Cut,
  holdout: Uint32Array = new Uint32Array(),
): Promise<Cut> {
  const texts = calibrationTexts(task, holdout);
  const own = await chooseLayers(above.encoder, texts, task.recipe.layers, calibrationOptions(context));
  const encoder = await withLayers(context, task, above.encoder, own, texts);
  return { encoder, layers: own.map((layer) => above.layers[layer] ?? layer) };
}

/** The same cut of the untaught base: the layers that the taught one has kept, and as many neurons by the same measure. */
export function untaughtCut(
  context: TrainContext,
  task: PretrainedTask,
  layers: Uint32Array,
  holdout: Uint32Array,
): Promise<EncoderWeights> {
  const { base } = task;
  const untaught = { config: base.config, values: base.weights };
  return withLayers(context, task, untaught, layers, calibrationTexts(task, holdout));
}

/** Answers of an encoder to rows of a run as soft labels, [rows, labels + 1], in float32 or as int8 gives them. */
export async function answersTo(
  context: TrainContext,
  { base, sequences }: PretrainedTask,
  encoder: EncoderWeights,
  rows: Uint32Array,
  quantized = false,
): Promise<Float32Array> {
  const labelCount = context.dataset.labels.length;
  const model = { config: encoder.config, pooling: base.pooling, maxTokens: base.maxTokens, labelCount };
  const texts = Array.from(rows, (row) => sequences[row] ?? new Int32Array());
  return softAnswers(model, encoder.values, texts, { ...calibrationOptions(context), quantized });
}

/** The best label of each row of logits or soft labels, [rows, width]; what follows the labels is 0. */
export function bestLabels(values: Float32Array, width: number): number[] {
  return Array.from({ length: values.length / width }, (_, row) => {
    const own = values.subarray(row * width, (row + 1) * width);
    return own.reduce((best, value, label) => (value > (own[best] ?? 0) ? label : best), 0);
  });
}

/** The first texts without answers, a fair sample where they are not all. */
export function transferTexts({ transfer = [] }: TrainContext, count: number): readonly string[] {
  return transfer.slice(0, count);
}

/** The same as a base reads them. */
export function transferSequences(context: TrainContext, { base }: PretrainedTask, count: number): Int32Array[] {
  return transferTexts(context, count).map((text) => piecesOf(base, text));
}

interface Answered {
  readonly softWeight: number;
  readonly temperature: number;
  readonly transferRows?: number;
}

/** How a student learns a teacher's answers: to the rows beside their labels, and to texts without answers, which the teacher labels. */
async function answeredSpec(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  student: EncoderWeights,
  answered: Answered,
): Promise<PretrainedTrainSpec> {
  const spec = teacherSpec(context, task);
  const model = { ...spec.model, labelCount: spec.labelCount };
  const sequences = [...task.sequences, ...transferSequences(context, task, answered.transferRows ?? 0)];
  const softLabels = await softAnswers(model, teacher.values, sequences, calibrationOptions(context));
  const labels = Int32Array.from(bestLabels(softLabels, spec.labelCount + 1));
  labels.set(spec.labels);
  return {
    ...spec,
    sequences,
    labels,
    weights: new Float32Array(sequences.length).fill(1),
    losses: answerLosses(answered),
    softLabels,
    model: { ...spec.model, config: student.config },
    start: student.values,
  };
}

/** How a teacher makes up for what a cut has lost. */
export async function recoverySpec(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  { encoder, layers }: Cut,
): Promise<PretrainedTrainSpec> {
  const { recovery } = task.recipe;
  if (recovery === undefined) throw new InvariantError(`pretrained: ${task.name} has nothing to recover`);
  const { epochs, learningRate } = recovery;
  const losses = innerLosses(recovery, keptLayers(layers));
  return {
    ...(await answeredSpec(context, task, teacher, encoder, recovery)),
    epochs,
    learningRate,
    teacher: { model: { config: teacher.config }, weights: teacher.values, losses },
  };
}

/** How what int8 has cost is made up for: a cut by its recovery, the uncut encoder by its own answers in float32. */
export function awareSpec(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  fitted: Cut,
): Promise<PretrainedTrainSpec> {
  if (task.recipe.recovery !== undefined) return recoverySpec(context, task, teacher, fitted);
  return answeredSpec(context, task, teacher, teacher, ANSWERS);
}

/** How a teacher of few labels goes on with its own answers to texts without any. */
export async function selfTaughtSpec(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  selfTaught: SelfTaught,
): Promise<PretrainedTrainSpec> {
  const { epochs, learningRate, batchSize } = selfTaught;
  return { ...(await answeredSpec(context, task, teacher, teacher, selfTaught)), epochs, learningRate, batchSize };
}
