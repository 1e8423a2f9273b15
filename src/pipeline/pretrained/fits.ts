/** @file Fits of a pretrained encoder, each a stage of the run: it is fine-tuned, then teaches what a cut leaves of it, by its answers and its hidden
 *  states; a smaller cut is cut from the larger one that has recovered and has the same teacher. */
import type { EncoderWeights } from "../../compress/cut.js";
import type { EncoderTrainResult } from "../../distill/spec.js";
import { cutConfig } from "../../models/families/index.js";
import { PRETRAINED_TEACHER } from "../../plan/candidates.js";
import {
  answersTo,
  type Cut,
  cutOf,
  type PretrainedTask,
  recoverySpec,
  selfTaughtSpec,
  startedSpec,
  teacherSpec,
  wholeOf,
} from "./spec.js";
import { silentProgress } from "../progress.js";
import { encoderStage, heldOutArrays, rowsOfFold } from "../rungs.js";
import type { TrainContext } from "../train-context.js";

/** What a fit leaves, as a stage keeps it. */
export type Stored = ReadonlyMap<string, Float32Array>;

/** Name of the training of a teacher on its own answers. */
export const SELF_TAUGHT = `${PRETRAINED_TEACHER}-again`;
const WEIGHT = "weight.";
export const LAYERS = "layers";
/** Answers of a cut before it has learned anything from its teacher. */
export const BEFORE = "before";

/** What a pretrained fit leaves. */
export function collected(result: EncoderTrainResult): Map<string, Float32Array> {
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
export function heldOut(context: TrainContext, fold: number | undefined): { readonly holdout?: Uint32Array } {
  return fold === undefined ? {} : { holdout: rowsOfFold(context, fold) };
}

/** Name of a stage: of a fold, or of the final fit. */
export function stageOf(part: string, fold: number | undefined): string {
  return fold === undefined ? `${part}-weights` : `${part}-fold${fold}`;
}

/** A fit of one part of a task to the end of its schedule; `fold` is held out, none for the final fit. */
export type Fit = (context: TrainContext, task: PretrainedTask, fold?: number) => Promise<Stored>;

export const labelsFit: Fit = async (context, task, fold) =>
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
export function quietly(context: TrainContext): TrainContext {
  return { ...context, progress: silentProgress(context.progress) };
}

/** The fit of the teacher on its own answers, where the recipe has texts for it, after that on the labels. */
export const teacherFit: Fit = async (context, task, fold) => {
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

/** The task of the recovered cut that a cut is cut from. */
export function taskAbove({ recipe: { from }, ...task }: PretrainedTask): PretrainedTask | undefined {
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
export const cutFit: Fit = async (context, task, fold) => {
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

/** The fit of a recipe to the end of its schedule. */
export const wholeFit: Fit = (context, task, fold) =>
  (task.recipe.recovery === undefined ? teacherFit : cutFit)(context, task, fold);

/** The encoder that the fit of a recipe has left. */
export function fittedIn(task: PretrainedTask, stored: Stored): Cut {
  if (task.recipe.recovery !== undefined) return cutIn(task, stored);
  return wholeOf({ config: task.base.config, values: weightsIn(stored) });
}
