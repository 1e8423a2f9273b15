/** @file How one vector is made of a text, where the base's folder does not tell or names a way that is not ours: a short training with each way on rows that do not judge,
 *  compared text by text. Decided once for a run and kept in its folder. */
import { comparePaired } from "../../evaluate/compare.js";
import type { Pooling } from "../../models/pretrained.js";
import { POOLING_TRIAL, PRETRAINED_RUNGS, pretrainedRecipes, UNCUT } from "../../plan/candidates.js";
import { createRandom, permutation } from "../../random.js";
import { mergedProgress } from "../progress.js";
import type { PoolingTrial } from "../train-context.js";
import { bestLabels, JUDGING_FOLD, pretrainedTask, teacherSpec } from "./spec.js";
import { encoderStage, heldOutArrays, sideBySide } from "../rungs.js";
import { trainingLabel, type TrainContext } from "../train-context.js";

/** The way that has more right, the mean of the tokens where they are level. */
export function choosePooling(mean: readonly number[], cls: readonly number[]): PoolingTrial {
  const shareOf = (outcomes: readonly number[]): number =>
    outcomes.reduce((sum, outcome) => sum + outcome, 0) / Math.max(1, outcomes.length);
  const [meanRatio, clsRatio] = [shareOf(mean), shareOf(cls)];
  const { pValue } = comparePaired(cls, mean);
  return { chosen: clsRatio > meanRatio ? "cls" : "mean", rows: mean.length, meanRatio, clsRatio, pValue };
}

interface TrialRows {
  /** Rows of the run, those that are asked first. */
  readonly picked: readonly number[];
  readonly asked: number;
}

/** A third of the rows that do not judge is asked, and all are as many as the limits allow. */
function trialRows(context: TrainContext): TrialRows {
  const free = Array.from(context.rows.keys()).filter((row) => context.rows[row]?.fold !== JUDGING_FOLD);
  const order = permutation(free.length, createRandom(context.seed, "pooling trial"));
  const asked = Math.min(POOLING_TRIAL.askedRows, Math.floor(free.length / 3));
  return { picked: Array.from(order.subarray(0, asked + POOLING_TRIAL.trainRows), (i) => free[i] ?? 0), asked };
}

/** Right answers to the asked rows, 1 or 0 each, by an encoder that pools one way. */
async function outcomesOf(context: TrainContext, pooling: Pooling, { picked, asked }: TrialRows): Promise<number[]> {
  const { base, dataset } = context;
  const rung = PRETRAINED_RUNGS.find(({ name }) => name === UNCUT);
  if (base === undefined || rung === undefined) return [];
  const rows = picked.flatMap((row) => context.rows[row] ?? []);
  const sizes = { layers: base.config.layers.length, feedForward: base.config.feedForward };
  const [recipe] = pretrainedRecipes(rung, sizes, { trainRows: context.rows.length, labels: dataset.labels.length });
  if (recipe === undefined) return [];
  const trial = { ...context, rows, base: { ...base, pooling } };
  const specOf = () => ({
    ...teacherSpec(trial, pretrainedTask(trial, `pooling-${pooling}`, recipe)),
    epochs: POOLING_TRIAL.epochs,
    holdout: Uint32Array.from({ length: asked }, (_, i) => i),
  });
  const arrays = await encoderStage(trial, `pooling-${pooling}`, specOf, heldOutArrays);
  const answers = bestLabels(arrays.get("logits") ?? new Float32Array(), dataset.labels.length);
  return rows.slice(0, asked).map((row, i) => Number(answers[i] === trainingLabel(row)));
}

/** The context with the pooling decided and said: the folder's own where it tells, else by a trial. Without a base nothing happens. */
export async function withPooling(context: TrainContext): Promise<TrainContext> {
  const { base } = context;
  if (base === undefined || base.poolingIsKnown) return context;
  const rows = trialRows(context);
  const progress = mergedProgress(context.progress, "pooling", 2);
  const shared = { ...context, threads: 1, progress };
  const ways = (["mean", "cls"] as const).map((pooling) => () => outcomesOf(shared, pooling, rows));
  const [mean = [], cls = []] = await sideBySide(ways, context.threads);
  const poolingTrial = choosePooling(mean, cls);
  const { chosen, meanRatio, clsRatio, pValue } = poolingTrial;
  const percent = (ratio: number): string => `${(100 * ratio).toFixed(1)} %`;
  context.progress.note(
    `the base ${base.folder.pooling === undefined ? "does not say how it sums up a text" : `sums up a text by ${base.folder.pooling.modes.join(" and ")}, which is not built`}; ${chosen === "mean" ? "the mean of its tokens" : "its first token"} is taken ` +
      `(right in a trial on ${poolingTrial.rows} rows: mean ${percent(meanRatio)}, first token ${percent(clsRatio)}, p ${pValue.toPrecision(2)})`,
  );
  return { ...context, base: { ...base, pooling: chosen }, poolingTrial };
}
