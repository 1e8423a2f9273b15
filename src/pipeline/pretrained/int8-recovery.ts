/** @file What int8 costs a fitted pretrained encoder: a paired test on the judging fold, training on with rounded weights where it costs agreement, and a
 *  second test whether that has helped. Each is decided once and kept. */
import { comparePaired } from "../../evaluate/compare.js";
import { answersTo, awareSpec, bestLabels, JUDGING_FOLD, type PretrainedTask } from "./spec.js";
import {
  collected,
  type Fit,
  fittedIn,
  heldOut,
  LAYERS,
  quietly,
  stageOf,
  type Stored,
  teacherOf,
  wholeFit,
} from "./fits.js";
import { shareRight } from "../outcomes.js";
import { encoderStage, rowsAt, rowsOfFold } from "../rungs.js";
import type { TrainContext } from "../train-context.js";

/** Training goes on for one epoch at this share of the rate where int8 has cost quality. */
const AWARE_RATE_RATIO = 0.1;
/** Below this int8 counts as having cost quality, and rounded weights as having won it back. */
const SIGNIFICANT_P_VALUE = 0.05;

/** The fit of a recipe, trained on with weights rounded as int8 rounds them. */
export const awareFit: Fit = async (context, task, fold) => {
  const teacher = await teacherOf(context, task, fold);
  const fitted = fittedIn(task, await wholeFit(quietly(context), task, fold));
  return encoderStage(
    context,
    stageOf(`${task.name}-aware`, fold),
    async () => {
      const spec = await awareSpec(context, task, teacher, fitted);
      const learningRate = spec.learningRate * AWARE_RATE_RATIO;
      return { ...spec, ...heldOut(context, fold), epochs: 1, learningRate, quantizationAware: true };
    },
    (result) => collected(result).set(LAYERS, Float32Array.from(fitted.layers)),
  );
};

/** In which share of its calls an encoder answers a row of the judging fold as the log does, in float32 or as int8 answers. */
async function rightOf(
  context: TrainContext,
  task: PretrainedTask,
  stored: Stored,
  quantized: boolean,
): Promise<number[]> {
  const rows = rowsOfFold(context, JUDGING_FOLD);
  const answers = await answersTo(context, task, fittedIn(task, stored).encoder, rows, quantized);
  const best = bestLabels(answers, context.dataset.labels.length + 1);
  return rowsAt(context, rows).map((row, i) => shareRight(row, best[i] ?? -1));
}

function groupsOf(context: TrainContext): number[] {
  return rowsAt(context, rowsOfFold(context, JUDGING_FOLD)).map(({ group }) => group);
}

/** Difference and p-value of a paired test, decided once and kept. */
async function decidedTest(
  { folder }: TrainContext,
  stage: string,
  test: () => Promise<ReturnType<typeof comparePaired>>,
): Promise<{ readonly difference: number; readonly pValue: number }> {
  const decided = await folder.arrays(stage, async () => {
    const { difference, pValue } = await test();
    return new Map([["test", Float32Array.of(difference.value, pValue)]]);
  });
  const [difference = 0, pValue = 1] = decided.get("test") ?? [];
  return { difference, pValue };
}

const pointsOf = (difference: number): string => `${(100 * difference).toFixed(2)} points`;

/** Whether int8 answers the judging fold's rows worse than float32 does. */
export async function int8Costs(context: TrainContext, task: PretrainedTask, stored: Stored): Promise<boolean> {
  const { difference, pValue } = await decidedTest(context, `${task.name}-int8`, async () =>
    comparePaired(
      await rightOf(context, task, stored, true),
      await rightOf(context, task, stored, false),
      groupsOf(context),
    ),
  );
  if (difference >= 0 || pValue >= SIGNIFICANT_P_VALUE) return false;
  context.progress.note(
    `${task.name}: int8 costs agreement (${pointsOf(-difference)}, p ${pValue.toPrecision(2)}); it is trained on with rounded weights`,
  );
  return true;
}

/** Marks that what training on with rounded weights has left is taken. */
const takenMark = (name: string): string => `${name}-aware-taken`;

/** Whether a recipe ships what training on with rounded weights has left. */
export function isRounded({ folder }: TrainContext, name: string): boolean {
  return folder.has(takenMark(name));
}

/** Whether int8 answers better after the training with rounded weights; where that is not proved, what was there before is kept. */
export async function awareHelps(
  context: TrainContext,
  task: PretrainedTask,
  before: Stored,
  aware: Stored,
): Promise<boolean> {
  const { difference, pValue } = await decidedTest(context, `${task.name}-aware-int8`, async () =>
    comparePaired(
      await rightOf(context, task, aware, true),
      await rightOf(context, task, before, true),
      groupsOf(context),
    ),
  );
  const helps = difference > 0 && pValue < SIGNIFICANT_P_VALUE;
  if (helps) await context.folder.arrays(takenMark(task.name), async () => new Map());
  context.progress.note(
    `${task.name}: rounded weights ${helps ? `gain ${pointsOf(difference)} in int8` : "are not proved to gain in int8 and not taken"}`,
  );
  return helps;
}

/** The fit of a recipe that ships: trained on with rounded weights where that has helped. */
export const shippedFit: Fit = (context, task, fold) =>
  (isRounded(context, task.name) ? awareFit : wholeFit)(context, task, fold);
