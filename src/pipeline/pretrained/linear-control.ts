/** @file The control of the linear student that the base teaches: the same table on labels alone. How it is trained is chosen on a fold that
 *  judges nothing, in fits that lack the judging fold; then one fit is judged as the taught student was. */
import { fitLinear } from "../../distill/linear-fit.js";
import { shareByGroup } from "../../evaluate/calls.js";
import { comparePaired } from "../../evaluate/compare.js";
import { linearControlRecipes, type LinearRecipe, TAUGHT_LINEAR } from "../../plan/candidates.js";
import type { UnlabelledFacts } from "../../report/facts.js";
import type { Climbed } from "../ladder.js";
import { shareRight } from "../outcomes.js";
import { mostRight } from "./control.js";
import { bestLabels, CHOOSING_FOLD, JUDGING_FOLD } from "./spec.js";
import { linearJob, rowsOfFold, sideBySide } from "../rungs.js";
import type { TrainContext } from "../train-context.js";

/** In which share of its calls a student that saw neither this fold nor the judging one gives the teacher's answer, one entry per row of the
 *  fold; a stage. */
async function outcomesOf(context: TrainContext, stage: string, recipe: LinearRecipe, fold: number): Promise<number[]> {
  const { rows, dataset, folder, signal } = context;
  const heldOut = rows.filter((row) => row.fold === fold);
  const seen = rows.filter((row) => row.fold !== fold && row.fold !== JUDGING_FOLD);
  const arrays = await folder.arrays(stage, async () => {
    const { heldOutLogits } = await fitLinear(
      linearJob(context, recipe, seen, heldOut),
      signal === undefined ? {} : { signal },
    );
    return new Map([["logits", heldOutLogits]]);
  });
  const best = bestLabels(arrays.get("logits") ?? new Float32Array(), dataset.labels.length);
  return heldOut.map((row, i) => shareRight(row, best[i] ?? -1));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

const STAGE = `control-${TAUGHT_LINEAR}`;

/** What the linear student gained by its teacher, on the rows that it and its control answered unseen; undefined where it was not trained or no row
 *  can choose how its control is. */
export async function taughtLinearGain(
  context: TrainContext,
  climbed: readonly Pick<Climbed, "candidate" | "correct">[],
): Promise<UnlabelledFacts["gain"]> {
  const taught = climbed.find(({ candidate }) => candidate.name === TAUGHT_LINEAR);
  const recipe = taught?.candidate.linear;
  if (taught === undefined || recipe === undefined) return undefined;
  if (rowsOfFold(context, CHOOSING_FOLD).length === 0) return undefined;
  const texts = recipe.taughtBy?.transferRows ?? 0;
  const tried = linearControlRecipes(recipe, context.rows.filter((row) => row.fold !== JUDGING_FOLD).length);
  let done = 0;
  const told = async (stage: string, recipe: LinearRecipe, fold: number): Promise<number[]> => {
    const outcomes = await outcomesOf(context, stage, recipe, fold);
    context.progress.update(`control of ${TAUGHT_LINEAR}`, ++done / (tried.length + 1));
    return outcomes;
  };
  const right = await sideBySide(
    tried.map((recipe, at) => async () => meanOf(await told(`${STAGE}-${at}`, recipe, CHOOSING_FOLD))),
    context.threads,
  );
  const own = tried.findLastIndex(({ learningRate }) => learningRate === recipe.learningRate);
  const chosen = tried[mostRight(right, own)] ?? recipe;
  const untaught = await told(`${STAGE}-fold${JUDGING_FOLD}`, chosen, JUDGING_FOLD);
  const groups = context.rows.flatMap(({ fold, group }) => (fold === JUDGING_FOLD ? [group] : []));
  const { difference, pValue, rows } = comparePaired(taught.correct, untaught, groups);
  const scheduleOf = ({ epochs, learningRate }: LinearRecipe) => ({ epochs, learningRate });
  return {
    taught: shareByGroup(taught.correct, groups),
    untaught: shareByGroup(untaught, groups),
    difference,
    pValue,
    rows,
    texts,
    control: { ...scheduleOf(chosen), tried: tried.map(scheduleOf) },
  };
}
