/** @file The control of a taught cut: the same cut of the untaught base, trained for the same steps on labels alone, at a rate of its own. The rate
 *  is chosen on a fold of its own, in a context that lacks the judging fold; then one fit is judged as the taught cut was. */
import { shareByGroup } from "../../evaluate/calls.js";
import { comparePaired } from "../../evaluate/compare.js";
import type { PretrainedTrainSpec } from "../../distill/spec.js";
import { controlEpochs, controlRates } from "../../plan/candidates.js";
import type { ControlFacts } from "../../report/facts.js";
import { teacherLosses } from "../encoder-spec.js";
import { judgedCut } from "./rung.js";
import {
  bestLabels,
  CHOOSING_FOLD,
  JUDGING_FOLD,
  type PretrainedTask,
  startedSpec,
  teacherSpec,
  untaughtCut,
} from "./spec.js";
import { shareRight } from "../outcomes.js";
import { mergedProgress } from "../progress.js";
import { encoderStage, heldOutArrays, rowsAt, rowsOfFold, sideBySide } from "../rungs.js";
import type { TrainContext } from "../train-context.js";

/** Everything but the judging fold. */
function withoutJudge(context: TrainContext, task: PretrainedTask): readonly [TrainContext, PretrainedTask] {
  const kept = [...context.rows.keys()].filter((row) => context.rows[row]?.fold !== JUDGING_FOLD);
  return [
    { ...context, rows: kept.flatMap((row) => context.rows[row] ?? []) },
    { ...task, sequences: kept.flatMap((row) => task.sequences[row] ?? []) },
  ];
}

/** A fit of the untaught cut on labels alone, `fold` held out; few labels have their names beside the rows, as for the teacher. */
async function controlSpec(
  context: TrainContext,
  task: PretrainedTask,
  layers: Uint32Array,
  learningRate: number,
  fold: number,
): Promise<PretrainedTrainSpec> {
  const holdout = rowsOfFold(context, fold);
  const { softLabels: _, ...spec } = teacherSpec(context, task);
  const { config, values } = await untaughtCut(context, task, layers, holdout);
  const control = {
    ...spec,
    losses: teacherLosses(false),
    model: { ...spec.model, config },
    start: values,
    learningRate,
    holdout,
  };
  const started = await startedSpec(context, task, control, holdout);
  const trainRows = context.rows.length - holdout.length;
  const controlRows = started.labels.length - holdout.length;
  return { ...started, epochs: controlEpochs(task.recipe, trainRows, controlRows) };
}

/** In which share of its calls the control agrees with the teacher of the log, one entry per row of the fold; a fit is a stage. */
async function controlOutcomes(
  context: TrainContext,
  stage: string,
  fold: number,
  specOf: () => Promise<PretrainedTrainSpec>,
): Promise<number[]> {
  const logits = (await encoderStage(context, stage, specOf, heldOutArrays)).get("logits") ?? new Float32Array();
  const rows = rowsAt(context, rowsOfFold(context, fold));
  return bestLabels(logits, context.dataset.labels.length).map((label, i) => {
    const row = rows[i];
    return row === undefined ? 0 : shareRight(row, label);
  });
}

export interface ChosenRate {
  readonly learningRate: number;
  /** Right answers on the choosing fold at each rate, in the order of `controlRates`. */
  readonly right: readonly number[];
}

/** Place of the most right answers; where places are level the preferred one, else the first. */
export function mostRight(right: readonly number[], preferred: number): number {
  const most = Math.max(...right);
  return right[preferred] === most ? preferred : right.indexOf(most);
}

/** The rate with the most right answers on the choosing fold, the cut's own where rates are level; the judging fold is not there. */
export async function chooseControlRate(
  context: TrainContext,
  task: PretrainedTask,
  layers: Uint32Array,
): Promise<ChosenRate> {
  const rates = controlRates(task.recipe);
  const [seen, seenTask] = withoutJudge(context, task);
  const progress = mergedProgress(context.progress, `control of ${task.name}, rates`, rates.length);
  const lane = { ...seen, threads: 1, progress };
  const fits = rates.map(
    (rate, at) => async (): Promise<number> =>
      (
        await controlOutcomes(lane, `control-${task.name}-rate${at}`, CHOOSING_FOLD, () =>
          controlSpec(lane, seenTask, layers, rate, CHOOSING_FOLD),
        )
      ).reduce((sum, outcome) => sum + outcome, 0),
  );
  const right = await sideBySide(fits, context.threads);
  return { learningRate: rates[mostRight(right, rates.indexOf(task.recipe.recovery?.learningRate ?? 0))] ?? 0, right };
}

/** Trains the control of a taught cut and compares the two on the judging fold; `taught` has the share of each row's calls in which the taught one is right. */
export async function controlOf(
  context: TrainContext,
  task: PretrainedTask,
  taught: ArrayLike<number>,
): Promise<ControlFacts> {
  const { layers } = await judgedCut(context, task);
  const { learningRate } = await chooseControlRate(context, task, layers);
  const alone = await controlOutcomes(context, `control-${task.name}-fold${JUDGING_FOLD}`, JUDGING_FOLD, () =>
    controlSpec(context, task, layers, learningRate, JUDGING_FOLD),
  );
  const groups = rowsAt(context, rowsOfFold(context, JUDGING_FOLD)).map(({ group }) => group);
  const { difference, pValue, rows } = comparePaired(taught, alone, groups);
  return {
    of: task.name,
    learningRate,
    learningRates: controlRates(task.recipe),
    rows,
    taughtAgreement: shareByGroup(taught, groups),
    agreement: shareByGroup(alone, groups),
    difference,
    pValue,
  };
}
