/** @file What a pretrained recipe gives: its out-of-fold answers, the encoder that they were judged by, the final one that ships. Fold 0 is unseen by
 *  teacher and cuts alike, so that its rows judge; the final fits see all unsealed rows. */
import { InputError } from "../../errors.js";
import { PRETRAINED_TEACHER, type PretrainedRecipe } from "../../plan/candidates.js";
import { isBelowChance } from "../../stats.js";
import { awareFit, awareHelps, int8Costs, shippedFit } from "./int8-recovery.js";
import {
  BEFORE,
  cutFit,
  type Fit,
  fittedIn,
  LAYERS,
  labelsFit,
  quietly,
  SELF_TAUGHT,
  type Stored,
  taskAbove,
  teacherFit,
  wholeFit,
} from "./fits.js";
import { bestLabels, type Cut, JUDGING_FOLD, type PretrainedTask } from "./spec.js";
import { mergedProgress } from "../progress.js";
import { type EncoderOutOfFold, heldOutOf, joinFolds, rowsOfFold, sideBySide } from "../rungs.js";
import type { OutOfFold, TrainContext } from "../train-context.js";

/** Epochs of the fits that a recipe ends with. */
function epochsOf({ recovery, teacher }: PretrainedRecipe): number {
  return (recovery ?? teacher.selfTaught ?? teacher).epochs;
}

/** Out-of-fold logits of a recipe; what only teaches is not asked what int8 costs it. With several threads the final fits run beside those of the
 *  fold. */
export async function pretrainedOutOfFold(
  context: TrainContext,
  task: PretrainedTask,
  { asTeacher = false } = {},
): Promise<EncoderOutOfFold> {
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
  const above = taskAbove(task);
  if (above !== undefined) await lanes(above.name, above, cutFit);
  const fitted = recipe.recovery === undefined ? taught : await lanes(name, task, cutFit);
  if (recipe.recovery !== undefined) noteLayers(context, task, fitted);
  if (asTeacher || !(await int8Costs(context, task, fitted))) return joined(fitted);
  const aware = await lanes(`${name}, int8`, task, awareFit);
  return joined((await awareHelps(context, task, fitted, aware)) ? aware : fitted);
}

/** A teacher that does worse than chance on rows it has not seen would teach errors. @throws InputError */
export function checkTeacher(
  { rows, dataset }: TrainContext,
  { base }: PretrainedTask,
  { logits, ...judged }: OutOfFold,
): void {
  const labels = dataset.labels.length;
  const right = bestLabels(logits, labels).filter((label, i) => label === rows[judged.rows[i] ?? -1]?.label).length;
  if (!isBelowChance(right, judged.rows.length, labels)) return;
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

/** What the judging fold has seen of an encoder: its weights, its kept layers, and, of a cut, its answers before it recovered. */
export interface JudgedCut extends Cut {
  /** [rows of the judging fold, labels + 1] */
  readonly before: Float32Array;
}

/** The encoder that the judging fold judges, read back from its stages: a cut, or the uncut teacher. */
export async function judgedCut(context: TrainContext, task: PretrainedTask): Promise<JudgedCut> {
  const quiet = quietly(context);
  const before = (await wholeFit(quiet, task, JUDGING_FOLD)).get(BEFORE) ?? new Float32Array();
  return { ...fittedIn(task, await shippedFit(quiet, task, JUDGING_FOLD)), before };
}

/** The final encoder of a recipe with its head, trained on all unsealed rows, and the layers of the teacher that it has. */
export async function pretrainedFinal(context: TrainContext, task: PretrainedTask): Promise<Cut> {
  return fittedIn(task, await shippedFit({ ...context, threads: 1 }, task));
}
