/** @file A linear student that learns what the fine-tuned base answers, to the labelled rows and to texts without answers. Neither
 *  is trained on fold 0, whose rows judge; the final pair sees all unsealed rows. Served it is a linear student as any. */
import { softAnswers } from "../../distill/answers.js";
import { fitLinear } from "../../distill/linear-fit.js";
import type { LinearFit, LinearFitJob } from "../../distill/linear-job.js";
import { UNCUT, type LinearRecipe, type TaughtBy } from "../../plan/candidates.js";
import { checkTeacher, pretrainedOutOfFold } from "./rung.js";
import { teacherOf } from "./fits.js";
import { calibrationOptions, JUDGING_FOLD, pretrainedTask, transferSequences, transferTexts } from "./spec.js";
import { linearJob, linearWeights, rowsOfFold } from "../rungs.js";
import type { OutOfFold, TrainContext } from "../train-context.js";

export type TaughtRecipe = LinearRecipe & { readonly taughtBy: TaughtBy };

/** Whether a recipe has a teacher. */
export function isTaught(recipe: LinearRecipe): recipe is TaughtRecipe {
  return recipe.taughtBy !== undefined;
}

/** Distributions [texts, classes]: of a labelled row the label's share and the teacher's, of any other text the teacher's answer alone. */
function taughtTargets(
  { targets, classes, labelSmoothing }: LinearFitJob,
  answers: Float32Array,
  softWeight: number,
): Float32Array {
  const texts = answers.length / (classes + 1);
  const labelled = targets instanceof Int32Array ? targets.length : targets.length / classes;
  const own = (row: number, c: number): number =>
    targets instanceof Int32Array
      ? (targets[row] === c ? 1 - labelSmoothing : 0) + labelSmoothing / classes
      : (targets[row * classes + c] ?? 0);
  const mixed = new Float32Array(texts * classes);
  for (let row = 0; row < texts; row++)
    for (let c = 0; c < classes; c++) {
      const answer = answers[row * (classes + 1) + c] ?? 0;
      mixed[row * classes + c] = row < labelled ? (1 - softWeight) * own(row, c) + softWeight * answer : answer;
    }
  return mixed;
}

/** The fit after its teacher's, which has seen the same rows; `fold` is held out, none for the final fit. */
async function taughtFit(context: TrainContext, name: string, recipe: TaughtRecipe, fold?: number): Promise<LinearFit> {
  const { pretrained, transferRows, softWeight } = recipe.taughtBy;
  const task = pretrainedTask(context, UNCUT, pretrained);
  const teacher = await teacherOf(context, task, fold);
  const [seen, heldOut] = [
    context.rows.filter((row) => row.fold !== fold),
    context.rows.filter((row) => row.fold === fold),
  ];
  const sequences = [
    ...task.sequences.filter((_, row) => context.rows[row]?.fold !== fold),
    ...transferSequences(context, task, transferRows),
  ];
  const { pooling, maxTokens } = task.base;
  const model = { config: teacher.config, pooling, maxTokens, labelCount: context.dataset.labels.length };
  const answers = await softAnswers(model, teacher.values, sequences, calibrationOptions(context));
  const job = linearJob(context, recipe, seen, heldOut);
  const texts = [...job.texts, ...transferTexts(context, transferRows)];
  const what = fold === undefined ? `${name}, final fit` : `${name}, fold`;
  return fitLinear(
    { ...job, texts, targets: taughtTargets(job, answers, softWeight) },
    {
      onEpoch: (epoch) => context.progress.update(what, (epoch + 1) / recipe.epochs),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    },
  );
}

/** Logits of the judging fold's rows, which neither the student nor its teacher has seen. */
export async function taughtOutOfFold(context: TrainContext, name: string, recipe: TaughtRecipe): Promise<OutOfFold> {
  // Trains the teachers of the fold and of the final fit side by side, once for all that they teach.
  const task = pretrainedTask(context, UNCUT, recipe.taughtBy.pretrained);
  checkTeacher(context, task, await pretrainedOutOfFold(context, task, { asTeacher: true }));
  const arrays = await context.folder.weights(`${name}-fold${JUDGING_FOLD}`, async () => {
    const { heldOutLogits } = await taughtFit(context, name, recipe, JUDGING_FOLD);
    return new Map([["logits", heldOutLogits]]);
  });
  return { rows: rowsOfFold(context, JUDGING_FOLD), logits: arrays.get("logits") ?? new Float32Array() };
}

/** Weights of the student on all unsealed rows, taught by the final teacher. */
export function taughtFinal(
  context: TrainContext,
  name: string,
  recipe: TaughtRecipe,
): Promise<ReadonlyMap<string, Float32Array>> {
  return context.folder.weights(`${name}-weights`, async () => linearWeights(await taughtFit(context, name, recipe)));
}
