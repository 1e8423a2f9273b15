/** @file Fits of a pretrained encoder: it is fine-tuned, then teaches what a cut leaves of it, by its answers and its hidden states; a smaller
 *  cut is cut from the larger one that has recovered and has the same teacher. Fold 0 is unseen by teacher and cuts alike, so that its rows
 *  judge; the final fits see all unsealed rows. */
import type { EncoderWeights } from "../compress/cut.js";
import type { EncoderTrainResult } from "../distill/spec.js";
import { InputError } from "../errors.js";
import { comparePaired } from "../evaluate/compare.js";
import { cutConfig } from "../models/families/index.js";
import { PRETRAINED_TEACHER, type PretrainedRecipe } from "../plan/candidates.js";
import { clopperPearsonUpper } from "../stats.js";
import {
  answersTo,
  bestLabels,
  type Cut,
  cutOf,
  JUDGING_FOLD,
  type PretrainedTask,
  recoverySpec,
  selfTaughtSpec,
  startedSpec,
  teacherSpec,
  wholeOf,
} from "./pretrained-spec.js";
import { mergedProgress, silentProgress } from "./progress.js";
import {
  type EncoderOutOfFold,
  encoderStage,
  heldOutArrays,
  heldOutOf,
  joinFolds,
  type OutOfFold,
  rowsOfFold,
  sideBySide,
  type TrainContext,
} from "./rungs.js";

type Stored = ReadonlyMap<string, Float32Array>;

/** Name of the training of a teacher on its own answers. */
const SELF_TAUGHT = `${PRETRAINED_TEACHER}-again`;
const WEIGHT = "weight.";
const LAYERS = "layers";
/** Answers of a cut before it has learned anything from its teacher. */
const BEFORE = "before";

/** What a pretrained fit leaves. */
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

/** The cut that a stage has left. */
function cutIn({ base, recipe }: PretrainedTask, stored: Stored): Cut {
  const layers = Uint32Array.from(stored.get(LAYERS) ?? []);
  const config = cutConfig(base.config, { layers: [...layers], feedForward: recipe.feedForward });
  return { encoder: { config, values: weightsIn(stored) }, layers };
}

/** Rows that a fit does not see: those of the fold, none for the final fit. */
function heldOut(context: TrainContext, fold: number | undefined): { readonly holdout?: Uint32Array } {
  return fold === undefined ? {} : { holdout: rowsOfFold(context, fold) };
}

/** Name of a stage: of a fold, or of the final fit. */
function stageOf(part: string, fold: number | undefined): string {
  return fold === undefined ? `${part}-weights` : `${part}-fold${fold}`;
}

/** A fit of one part of a task to the end of its schedule; `fold` is held out, none for the final fit. */
type Fit = (context: TrainContext, task: PretrainedTask, fold?: number) => Promise<Stored>;

const labelsFit: Fit = async (context, task, fold) =>
  encoderStage(
    context,
    stageOf(PRETRAINED_TEACHER, fold),
    async () => ({
      ...(await startedSpec(context, task, teacherSpec(context, task), heldOut(context, fold).holdout)),
      ...heldOut(context, fold),
    }),
    collected,
  );

/** For a stage that is read back where it is done. */
function quietly(context: TrainContext): TrainContext {
  return { ...context, progress: silentProgress(context.progress) };
}

/** The fit of the teacher on its own answers, where the recipe has texts for it, after that on the labels. */
const teacherFit: Fit = async (context, task, fold) => {
  const { selfTaught } = task.recipe.teacher;
  if (selfTaught === undefined) return labelsFit(context, task, fold);
  const values = weightsIn(await labelsFit(quietly(context), task, fold));
  return encoderStage(
    context,
    stageOf(SELF_TAUGHT, fold),
    async () => ({
      ...(await selfTaughtSpec(context, task, { config: task.base.config, values }, selfTaught)),
      ...heldOut(context, fold),
    }),
    collected,
  );
};

/** The teacher that has seen what a fit of a cut sees. */
export async function teacherOf(context: TrainContext, task: PretrainedTask, fold?: number): Promise<EncoderWeights> {
  const values = weightsIn(await teacherFit(quietly(context), task, fold));
  return { config: task.base.config, values };
}

/** Epochs of the fits that a recipe ends with. */
function epochsOf({ recovery, teacher }: PretrainedRecipe): number {
  return (recovery ?? teacher.selfTaught ?? teacher).epochs;
}

/** The task of the recovered cut that a cut is cut from. */
function taskAbove({ recipe: { from }, ...task }: PretrainedTask): PretrainedTask | undefined {
  return from === undefined ? undefined : { ...task, ...from };
}

/** What a cut is cut from: the cut above it as its whole schedule leaves it, or the teacher. */
async function aboveOf(
  context: TrainContext,
  task: PretrainedTask,
  teacher: EncoderWeights,
  fold?: number,
): Promise<Cut> {
  const above = taskAbove(task);
  if (above === undefined) return wholeOf(teacher);
  return cutIn(above, await cutFit(quietly(context), above, fold));
}

/** The fit of a cut, after those of its teacher and of the cut above it. */
const cutFit: Fit = async (context, task, fold) => {
  const teacher = await teacherOf(context, task, fold);
  const above = await aboveOf(context, task, teacher, fold);
  const kept = new Map<string, Float32Array>();
  return encoderStage(
    context,
    stageOf(task.name, fold),
    async () => {
      const held = heldOut(context, fold);
      const cut = await cutOf(context, task, above, held.holdout);
      kept.set(LAYERS, Float32Array.from(cut.layers));
      if (held.holdout !== undefined) kept.set(BEFORE, await answersTo(context, task, cut.encoder, held.holdout));
      return { ...(await recoverySpec(context, task, teacher, cut)), ...held };
    },
    (result) => new Map([...collected(result), ...kept]),
  );
};

/** Training goes on for one epoch at this share of the rate where int8 has cost quality. */
const AWARE_RATE_RATIO = 0.1;
/** Below this int8 counts as having cost quality. */
const QUANTISATION_P_VALUE = 0.05;

/** The fit of a cut, trained on with weights rounded as int8 rounds them. */
const awareFit: Fit = async (context, task, fold) => {
  const teacher = await teacherOf(context, task, fold);
  const cut = cutIn(task, await cutFit(quietly(context), task, fold));
  return encoderStage(
    context,
    stageOf(`${task.name}-aware`, fold),
    async () => {
      const spec = await recoverySpec(context, task, teacher, cut);
      const learningRate = spec.learningRate * AWARE_RATE_RATIO;
      return { ...spec, ...heldOut(context, fold), epochs: 1, learningRate, quantizationAware: true };
    },
    (result) => collected(result).set(LAYERS, Float32Array.from(cut.layers)),
  );
};

/** Whether int8 answers the judging fold's rows worse than float32 does, by a paired test; decided once and kept. */
async function int8Costs(context: TrainContext, task: PretrainedTask, stored: Stored): Promise<boolean> {
  const decided = await context.folder.arrays(`${task.name}-int8`, async () => {
    const { encoder } = cutIn(task, stored);
    const rows = rowsOfFold(context, JUDGING_FOLD);
    const rightOf = async (quantized: boolean): Promise<number[]> =>
      bestLabels(await answersTo(context, task, encoder, rows, quantized), context.dataset.labels.length + 1).map(
        (label, i) => Number(label === context.rows[rows[i] ?? -1]?.label),
      );
    const { difference, pValue } = comparePaired(await rightOf(true), await rightOf(false));
    return new Map([["test", Float32Array.of(difference.value, pValue)]]);
  });
  const [difference = 0, pValue = 1] = decided.get("test") ?? [];
  if (difference >= 0 || pValue >= QUANTISATION_P_VALUE) return false;
  const loss = `${(-100 * difference).toFixed(2)} points, p ${pValue.toPrecision(2)}`;
  context.progress.note(`${task.name}: int8 costs agreement (${loss}); it is trained on with rounded weights`);
  return true;
}

/** Out-of-fold logits of a recipe. With several threads the final fits run beside those of the fold. */
export async function pretrainedOutOfFold(context: TrainContext, task: PretrainedTask): Promise<EncoderOutOfFold> {
  const { recipe, name } = task;
  const withFinal = context.threads > 1;
  const lanes = async (what: string, part: PretrainedTask, fit: Fit): Promise<Stored> => {
    const progress = mergedProgress(
      context.progress,
      `${what}, fold${withFinal ? " and final fit" : ""}`,
      withFinal ? 2 : 1,
    );
    const shared = { ...context, threads: 1, progress };
    const final = async (): Promise<Stored> => (withFinal ? fit(shared, part) : new Map());
    const [, judged] = await sideBySide([final, async () => fit(shared, part, JUDGING_FOLD)], context.threads);
    return judged ?? new Map();
  };
  const epochs = epochsOf(recipe);
  const joined = (judged: Stored): EncoderOutOfFold =>
    joinFolds([heldOutOf(rowsOfFold(context, JUDGING_FOLD), judged, epochs)], context.dataset.labels.length, epochs);
  const { selfTaught } = recipe.teacher;
  const onLabels = await lanes(PRETRAINED_TEACHER, task, labelsFit);
  if (selfTaught !== undefined || recipe.recovery !== undefined) checkTeacher(context, task, joined(onLabels));
  const taught = selfTaught === undefined ? onLabels : await lanes(SELF_TAUGHT, task, teacherFit);
  if (recipe.recovery === undefined) return joined(taught);
  const above = taskAbove(task);
  if (above !== undefined) await lanes(above.name, above, cutFit);
  const cut = await lanes(name, task, cutFit);
  noteLayers(context, task, cut);
  if (!(await int8Costs(context, task, cut))) return joined(cut);
  return joined(await lanes(`${name}, int8`, task, awareFit));
}

/** A teacher that does worse than chance on rows it has not seen would teach errors. @throws InputError */
export function checkTeacher(
  { rows, dataset }: TrainContext,
  { base }: PretrainedTask,
  { logits, ...judged }: OutOfFold,
): void {
  const labels = dataset.labels.length;
  const right = bestLabels(logits, labels).filter((label, i) => label === rows[judged.rows[i] ?? -1]?.label).length;
  if (clopperPearsonUpper(right, judged.rows.length) >= 1 / labels) return;
  throw new InputError(
    `${base.folder.path}: fine-tuned, it gives the logged answer to ${right} of ${judged.rows.length} unseen texts, worse than chance among ${labels} labels`,
    { hint: "see whether the answers belong to their texts; nothing is taught by such a teacher" },
  );
}

/** Says which layers of the teacher a cut learns from. */
function noteLayers({ progress }: TrainContext, { name, base, recipe: { from } }: PretrainedTask, cut: Stored): void {
  const layers = Array.from(cut.get(LAYERS) ?? [], (layer) => layer + 1).join(", ");
  const source = from === undefined ? "" : `, cut from the recovered ${from.name}`;
  progress.note(`${name}: layers ${layers} of the teacher's ${base.config.layers.length}${source}`);
}

/** What the judging fold has seen of a cut: its weights, its kept layers, and its answers before it recovered. */
export interface JudgedCut extends Cut {
  /** [rows of the judging fold, labels + 1] */
  readonly before: Float32Array;
}

/** Whether a cut was trained on with rounded weights. */
function wasAware(context: TrainContext, name: string): boolean {
  return context.folder.has(stageOf(`${name}-aware`, JUDGING_FOLD));
}

/** The encoder that the judging fold judges, read back from its stages: a cut, or the uncut teacher. */
export async function judgedCut(context: TrainContext, task: PretrainedTask): Promise<JudgedCut> {
  const quiet = quietly(context);
  if (task.recipe.recovery === undefined)
    return { ...wholeOf(await teacherOf(quiet, task, JUDGING_FOLD)), before: new Float32Array() };
  const cut = await cutFit(quiet, task, JUDGING_FOLD);
  const stored = wasAware(context, task.name) ? await awareFit(quiet, task, JUDGING_FOLD) : cut;
  return { ...cutIn(task, stored), before: cut.get(BEFORE) ?? new Float32Array() };
}

/** The final encoder of a recipe with its head, trained on all unsealed rows, and the layers of the teacher that it has. */
export async function pretrainedFinal(context: TrainContext, task: PretrainedTask): Promise<Cut> {
  const shared = { ...context, threads: 1 };
  const { base, recipe } = task;
  if (recipe.recovery === undefined)
    return wholeOf({ config: base.config, values: weightsIn(await teacherFit(shared, task)) });
  return cutIn(task, await (wasAware(context, task.name) ? awareFit : cutFit)(shared, task));
}
