/** @file Fits of a pretrained encoder: it is fine-tuned, then teaches what a cut leaves of it, by its answers and its hidden states. Fold 0
 *  is unseen by teacher and cut alike, so that its rows judge; the final pair sees all unsealed rows. */
import type { EncoderWeights } from "../compress/cut.js";
import { softAnswers } from "../distill/answers.js";
import type { EncoderTrainResult } from "../distill/spec.js";
import { comparePaired } from "../evaluate/compare.js";
import { cutConfig } from "../models/families/index.js";
import { PRETRAINED_TEACHER, UNCUT } from "../plan/candidates.js";
import type { PlannedCandidate } from "../plan/plan.js";
import {
  calibrationOptions,
  type Cut,
  cutOf,
  type PretrainedTask,
  pretrainedTask,
  recoverySpec,
  startedTeacherSpec,
} from "./pretrained-spec.js";
import { mergedProgress, silentProgress } from "./progress.js";
import {
  type EncoderOutOfFold,
  encoderStage,
  heldOutArrays,
  heldOutOf,
  joinFolds,
  rowsOfFold,
  sideBySide,
  type TrainContext,
} from "./rungs.js";
import type { Trained } from "./ship.js";

/** The fold that judges. */
const JUDGING_FOLD = 0;

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
    async () => ({
      ...(await startedTeacherSpec(context, task, heldOut(context, fold).holdout)),
      ...heldOut(context, fold),
      ...(epochs !== undefined && { stopAfterEpochs: epochs }),
    }),
    collected,
  );

/** For a stage that is read back where it is done. */
function quietly(context: TrainContext): TrainContext {
  return { ...context, progress: silentProgress(context.progress) };
}

/** The teacher that has seen what a fit of a cut sees. */
export async function teacherOf(context: TrainContext, task: PretrainedTask, fold?: number): Promise<EncoderWeights> {
  const epochs = fold === undefined ? task.recipe.teacher.epochs : undefined;
  const values = weightsIn(await teacherFit(quietly(context), task, fold, epochs));
  return { config: task.base.config, values };
}

/** The fit of a cut, after that of its teacher. */
const cutFit: Fit = async (context, task, fold, epochs) => {
  const teacher = await teacherOf(context, task, fold);
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

/** Training goes on for one epoch at this share of the rate where int8 has cost quality. */
const AWARE_RATE_RATIO = 0.1;
/** Below this int8 counts as having cost quality. */
const QUANTISATION_P_VALUE = 0.05;

/** The fit of a cut, trained on with weights rounded as int8 rounds them. */
const awareFit: Fit = async (context, task, fold, epochs) => {
  const teacher = await teacherOf(context, task, fold);
  const cut = cutIn(task, await cutFit(quietly(context), task, fold, epochs));
  return encoderStage(
    context,
    stageOf(`${task.name}-aware`, fold, epochs),
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
    const rows = Array.from(rowsOfFold(context, JUDGING_FOLD));
    const labelCount = context.dataset.labels.length;
    const model = { config: encoder.config, pooling: task.base.pooling, maxTokens: task.base.maxTokens, labelCount };
    const sequences = rows.map((row) => task.sequences[row] ?? new Int32Array());
    const rightOf = async (quantized: boolean): Promise<number[]> => {
      const soft = await softAnswers(model, encoder.values, sequences, { ...calibrationOptions(context), quantized });
      return rows.map((row, i) => {
        const own = soft.subarray(i * (labelCount + 1), i * (labelCount + 1) + labelCount);
        return Number(own.indexOf(Math.max(...own)) === context.rows[row]?.label);
      });
    };
    const { difference, pValue } = comparePaired(await rightOf(true), await rightOf(false));
    return new Map([["test", Float32Array.of(difference.value, pValue)]]);
  });
  const [difference = 0, pValue = 1] = decided.get("test") ?? [];
  if (difference >= 0 || pValue >= QUANTISATION_P_VALUE) return false;
  const loss = `${(-100 * difference).toFixed(2)} points, p ${pValue.toPrecision(2)}`;
  context.progress.note(`${task.name}: int8 costs agreement (${loss}); it is trained on with rounded weights`);
  return true;
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
  const epochs = recipe.recovery?.epochs ?? recipe.teacher.epochs;
  const joined = (judged: Stored): EncoderOutOfFold =>
    joinFolds([heldOutOf(rowsOfFold(context, JUDGING_FOLD), judged, epochs)], context.dataset.labels.length, epochs);
  const taught = await lanes(PRETRAINED_TEACHER, teacherFit, recipe.teacher.epochs);
  if (recipe.recovery === undefined) return joined(taught);
  const cut = await lanes(name, cutFit, epochs);
  if (!(await int8Costs(context, task, cut))) return joined(cut);
  const { bestEpoch } = joined(cut); // what is trained on must be the cut that the final fit makes
  return { ...joined(await lanes(`${name}, int8`, awareFit, bestEpoch)), bestEpoch };
}

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
  const { bestEpoch: _best, ...outOfFold } = await pretrainedOutOfFold(
    quietly(context),
    pretrainedTask(context, UNCUT, whole),
  );
  return { candidate: { ...uncut, pretrained: whole }, outOfFold, epochs: recipe.teacher.epochs };
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
  const wasAware = context.folder.has(stageOf(`${task.name}-aware`, JUDGING_FOLD, undefined));
  return cutIn(task, await (wasAware ? awareFit : cutFit)(shared, task, undefined, epochs)).encoder;
}
