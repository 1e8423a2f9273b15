/** @file The linear part: a table of hashed n-grams by labels, untaught or taught by the base. */
import { linearControlRecipes, type LinearRecipe } from "../candidates.js";
import { MEMORY_COSTS, SERVE_COSTS, SIZE_COSTS, TRAIN_COSTS } from "../costs-table.js";
import type { PlanFacts } from "../facts.js";
import { shortNumber } from "../numbers.js";
import { laneSeconds } from "../lanes.js";
import type { MachineProfile } from "../profile.js";
import { gatherMs, nodesMs, type Part } from "./part.js";
import { answerSeconds, pathSecondsOf, pretrainedPart } from "./pretrained.js";

const buckets = ({ wordBuckets, characterBuckets }: LinearRecipe): number => wordBuckets + characterBuckets;

/** Seconds of one linear fit on `rows` rows; fits of the folds run side by side, one per core, and slow each other down. */
export function linearFitSeconds(
  recipe: LinearRecipe,
  rows: number,
  facts: PlanFacts,
  profile: MachineProfile,
  alone: boolean,
): number {
  const { sparseFlopsPerCell, linearEfficiencyRatio, linearSecondsPer1kRows, linearOverheadSeconds } = TRAIN_COSTS;
  const flopsPerRow = recipe.epochs * facts.meanFeatures * facts.labels * sparseFlopsPerCell;
  const perRow = flopsPerRow / (profile.sparseMflops * 1e6 * linearEfficiencyRatio) + linearSecondsPer1kRows / 1000;
  const efficiency = alone || profile.cores === 1 ? 1 : TRAIN_COSTS.parallelEfficiencyRatio;
  return linearOverheadSeconds + (rows * perRow) / efficiency;
}

/** Seconds of the control of a taught linear student: a fit of each recipe without judging and choosing fold, then one without the judging fold. */
function linearControlSeconds(recipe: LinearRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const without = (folds: number): number => (facts.trainRows * Math.max(0, facts.folds - folds)) / facts.folds;
  const tried = linearControlRecipes(recipe, without(1));
  const longest = tried.at(-1) ?? recipe;
  return (
    laneSeconds(
      tried.map((one) => linearFitSeconds(one, without(2), facts, profile, false)),
      profile.cores,
    ) + linearFitSeconds(longest, without(1), facts, profile, true)
  );
}

/** Seconds of all fits of a linear part: those of the folds, then the final one. A taught one is judged by one fold; the time of its
 *  teacher's training is not counted, that of its answers is. */
export function linearSecondsOf(recipe: LinearRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const foldRows = (facts.trainRows * (facts.folds - 1)) / facts.folds;
  if (recipe.taughtBy !== undefined) {
    const { transferRows } = recipe.taughtBy;
    const fits = [foldRows, facts.trainRows].map((rows) =>
      linearFitSeconds(recipe, rows + transferRows, facts, profile, true),
    );
    const answers = answerSeconds(facts.trainRows + transferRows, facts, profile);
    return fits.reduce((sum, seconds) => sum + seconds, 0) + answers + linearControlSeconds(recipe, facts, profile);
  }
  const rounds = Math.ceil(facts.folds / profile.cores);
  const folds = rounds * linearFitSeconds(recipe, foldRows, facts, profile, false);
  return folds + linearFitSeconds(recipe, facts.trainRows, facts, profile, true);
}

export const linearPart = (recipe: LinearRecipe): Part => ({
  parameters: ({ labels }) => buckets(recipe) * labels + labels,
  sizeBytes: ({ labels }) =>
    SIZE_COSTS.linearBytes + buckets(recipe) * (labels + SIZE_COSTS.bytesPerBucket) + 4 * labels,
  latencyMs: ({ meanFeatures, labels }, profile) =>
    meanFeatures * SERVE_COSTS.featureMs +
    nodesMs(SERVE_COSTS.linearNodes, profile) +
    gatherMs(meanFeatures * labels, profile),
  trainSeconds: (facts, profile) =>
    linearSecondsOf(recipe, facts, profile) +
    (recipe.taughtBy === undefined ? 0 : pathSecondsOf(recipe.taughtBy.pretrained, facts, profile)),
  trainMemoryBytes(facts, profile) {
    const fits = Math.min(profile.cores, facts.folds);
    const own = buckets(recipe) * facts.labels * MEMORY_COSTS.linearBytesPerCell * fits;
    const { taughtBy } = recipe;
    const teacher = taughtBy === undefined ? 0 : pretrainedPart(taughtBy.pretrained).trainMemoryBytes(facts, profile);
    return Math.max(own, teacher);
  },
  describe(folds) {
    const { epochs, taughtBy } = recipe;
    if (taughtBy === undefined) return `${epochs} epochs`;
    const texts = taughtBy.transferRows > 0 ? ` and ${shortNumber(taughtBy.transferRows)} texts without answers` : "";
    return `${epochs} epochs, taught by the base on the rows${texts}, 1 of ${folds} folds`;
  },
});
