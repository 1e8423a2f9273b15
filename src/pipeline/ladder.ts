/** @file Climbs the ladder: trains the planned rungs from scratch, cheapest first, until one meets the target on its own out of fold; else goes down
 *  the path of the pretrained encoder, whole first. Then chooses by money. Sees no sealed row. */
import { fitCalibrator, measureCalibration, type CalibrationResult } from "../evaluate/calibration.js";
import { chooseByCost, comparePaired, type CostChoice, type PairedComparison } from "../evaluate/compare.js";
import { softmaxRow } from "../softmax.js";
import { InvariantError } from "../errors.js";
import { studentPer1kUsd, type TeacherPrice } from "../cost.js";
import type { Plan, PlannedCandidate } from "../plan/plan.js";
import { clopperPearsonLower } from "../stats.js";
import { encoderTask } from "./local-teacher.js";
import { pretrainedOutOfFold } from "./pretrained/rung.js";
import { pretrainedTask } from "./pretrained/spec.js";
import { mergedProgress } from "./progress.js";
import {
  encoderFinal,
  encoderFold,
  joinFolds,
  joinOutOfFold,
  linearOutOfFold,
  sideBySide,
  type EncoderOutOfFold,
  type OutOfFold,
  type TrainContext,
} from "./rungs.js";
import type { Trained } from "./ship.js";
import { isTaught, taughtOutOfFold } from "./pretrained/taught-linear.js";

/** Weights of the linear part that are tried out of fold. */
const LINEAR_RATIOS = [0.2, 0.3, 0.4, 0.5, 0.6] as const;

/** A rung with what is known of it out of fold. */
export interface Climbed extends Trained {
  /** 1 where its answer is the teacher's, one entry per out-of-fold row. */
  readonly correct: Uint8Array;
  /** 1 where a gate would keep the answer. */
  readonly kept: Uint8Array;
  readonly meetsTarget: boolean;
}

export interface Ladder {
  readonly chosen: Climbed;
  /** The linear rung, the baseline of every report. */
  readonly linear?: Climbed;
  readonly climbed: readonly Climbed[];
  readonly choice: CostChoice;
  /** Each rung against the chosen one, on the rows that both predicted out of fold. */
  readonly paired: readonly { readonly name: string; readonly comparison: PairedComparison }[];
}

function labelsOf(context: TrainContext, outOfFold: OutOfFold): number[] {
  return Array.from(outOfFold.rows, (r) => context.rows[r]?.label ?? -1);
}

/** Mean negative log-likelihood of the teacher's answers, nats. */
function lossOf(context: TrainContext, outOfFold: OutOfFold): number {
  const classes = context.dataset.labels.length;
  let sum = 0;
  for (const [i, label] of labelsOf(context, outOfFold).entries()) {
    sum -= Math.log(Math.max(softmaxRow(outOfFold.logits, i * classes, classes)[label] ?? 0, 1e-12));
  }
  return sum / Math.max(1, outOfFold.rows.length);
}

/** Keeps what the loosest threshold with an observed risk within epsilon keeps. */
function keepWithin({ scores, outcomes }: CalibrationResult, epsilon: number): Uint8Array {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  let [errors, kept] = [0, 0];
  for (const [i, row] of order.entries()) {
    errors += 1 - (outcomes[row] ?? 0);
    if (errors <= epsilon * (i + 1)) kept = i + 1;
  }
  const result = new Uint8Array(scores.length);
  for (const row of order.slice(0, kept)) result[row] = 1;
  return result;
}

function judge(context: TrainContext, trained: Trained, agreement: number): Climbed {
  const data = {
    logits: trained.outOfFold.logits,
    classes: context.dataset.labels.length,
    labels: labelsOf(context, trained.outOfFold),
  };
  const result = measureCalibration(fitCalibrator(data, ""), data);
  const right = result.outcomes.reduce((sum, outcome) => sum + outcome, 0);
  const meetsTarget = clopperPearsonLower(right, result.outcomes.length) >= agreement;
  const kept = meetsTarget ? new Uint8Array(result.outcomes.length).fill(1) : keepWithin(result, 1 - agreement);
  return { ...trained, correct: result.outcomes, kept, meetsTarget };
}

/** The values of a rung at given unsealed rows. */
function restrict(values: Uint8Array, rows: Uint32Array, wanted: Uint32Array): Uint8Array {
  const at = new Map([...rows.entries()].map(([i, row]) => [row, i]));
  return Uint8Array.from(wanted, (row) => values[at.get(row) ?? -1] ?? 0);
}

class Trainer {
  private readonly linear = new Map<string, OutOfFold>();
  private readonly encoders = new Map<string, EncoderOutOfFold>();

  constructor(private readonly context: TrainContext) {}

  private async linearPart(candidate: PlannedCandidate): Promise<OutOfFold | undefined> {
    const name = candidate.parts.find((part) => part.startsWith("linear"));
    if (candidate.linear === undefined || name === undefined) return undefined;
    const known = this.linear.get(name) ?? (await linearOutOfFold(this.context, name, candidate.linear));
    this.linear.set(name, known);
    return known;
  }

  /** All fits of an encoder. With several threads they run side by side, one thread each: at these sizes that is twice as fast as
   *  threads inside every operator. The final fit then begins first and assumes that the last epoch will be the best, as a decayed
   *  rate makes it. */
  private async encoderPart(candidate: PlannedCandidate): Promise<EncoderOutOfFold | undefined> {
    const name = candidate.parts.find((part) => part.startsWith("encoder"));
    const recipe = candidate.encoder;
    if (recipe === undefined || name === undefined) return undefined;
    const known = this.encoders.get(name);
    if (known !== undefined) return known;
    const { dataset, threads } = this.context;
    const folds = Math.min(recipe.folds, dataset.folds);
    const stage = `${name}, ${folds} of ${dataset.folds} folds${threads > 1 ? " and final fit" : ""}`;
    const progress = mergedProgress(this.context.progress, stage, threads > 1 ? folds + 1 : folds);
    const shared = { ...this.context, threads: 1, progress };
    const task = await encoderTask(this.context, name, recipe);
    const foldFits = Array.from({ length: folds }, (_, k) => async () => encoderFold(shared, task, k));
    const finalFit = async (): Promise<undefined> => {
      if (threads > 1) await encoderFinal(shared, task, recipe.epochs);
    };
    const parts = await sideBySide([finalFit, ...foldFits], threads);
    const found = joinFolds(
      parts.flatMap((part) => part ?? []),
      dataset.labels.length,
      recipe.epochs,
    );
    this.encoders.set(name, found);
    return found;
  }

  /** Trains what the candidate is made of, each part once. */
  async train(candidate: PlannedCandidate): Promise<Trained> {
    if (candidate.pretrained !== undefined) {
      const task = pretrainedTask(this.context, candidate.name, candidate.pretrained);
      return { candidate, outOfFold: await pretrainedOutOfFold(this.context, task) };
    }
    if (candidate.linear !== undefined && isTaught(candidate.linear))
      return { candidate, outOfFold: await taughtOutOfFold(this.context, candidate.name, candidate.linear) };
    const linear = await this.linearPart(candidate);
    const encoder = await this.encoderPart(candidate);
    const epochs = encoder === undefined ? {} : { epochs: encoder.bestEpoch };
    if (linear === undefined || encoder === undefined) {
      const outOfFold = linear ?? encoder;
      if (outOfFold === undefined) throw new InvariantError(`candidate ${candidate.name} has no part to train`);
      return { candidate, outOfFold, ...epochs };
    }
    const classes = this.context.dataset.labels.length;
    const tried = LINEAR_RATIOS.map((linearRatio) => {
      const outOfFold = joinOutOfFold(linear, encoder, classes, linearRatio);
      return { linearRatio, outOfFold, loss: lossOf(this.context, outOfFold) };
    });
    const best = tried.reduce((a, b) => (b.loss < a.loss ? b : a));
    return { candidate, outOfFold: best.outOfFold, linearRatio: best.linearRatio, ...epochs };
  }
}

/** Cost of 1,000 of its own answers as the plan estimates it, one query at a time on each core. */
function expectedPer1kUsd(candidate: PlannedCandidate, plan: Plan, machineUsdPerHour: number): number {
  return studentPer1kUsd((1000 / candidate.estimate.latencyMs) * plan.machine.cores, machineUsdPerHour);
}

interface Prices {
  readonly plan: Plan;
  readonly teacher: TeacherPrice;
  readonly machineUsdPerHour: number;
}

function choose(climbed: readonly Climbed[], wanted: Uint32Array, context: TrainContext, prices: Prices): CostChoice {
  const { plan, teacher, machineUsdPerHour } = prices;
  return chooseByCost(
    climbed.map((rung) => ({
      name: rung.candidate.name,
      correct: restrict(rung.correct, rung.outOfFold.rows, wanted),
      kept: restrict(rung.kept, rung.outOfFold.rows, wanted),
      feasible: rung.meetsTarget || rung.kept.includes(1),
      studentPer1k: expectedPer1kUsd(rung.candidate, plan, machineUsdPerHour),
    })),
    { seed: context.seed, ...(teacher.per1kUsd === undefined ? {} : { teacherPer1kUsd: teacher.per1kUsd }) },
  );
}

function mostAgreeing(climbed: readonly Climbed[], wanted: Uint32Array): Climbed | undefined {
  const rightOf = (rung: Climbed): number =>
    restrict(rung.correct, rung.outOfFold.rows, wanted).reduce((sum, c) => sum + c, 0);
  return climbed.toSorted((a, b) => rightOf(b) - rightOf(a))[0];
}

/** Below this a step of the path has lost against the one above it. */
const LOST_P_VALUE = 0.05;

/** Whether a step has clearly lost what the step above it had: the target, by a paired test. */
function hasLost(above: Climbed, step: Climbed): boolean {
  if (!above.meetsTarget || step.meetsTarget) return false;
  const { difference, pValue } = comparePaired(above.correct, step.correct);
  return difference.value > 0 && pValue < LOST_P_VALUE;
}

/** All planned steps of a pretrained encoder, trained from the whole one down until one has lost; cheapest first, as rungs are. */
async function descend(context: TrainContext, trainer: Trainer, plan: Plan): Promise<Climbed[]> {
  const steps: Climbed[] = [];
  const planned = plan.candidates.filter(({ status, pretrained }) => status === "train" && pretrained !== undefined);
  for (const candidate of planned.toReversed()) {
    const step = judge(context, await trainer.train(candidate), plan.target.agreement);
    const above = steps.at(-1);
    steps.push(step);
    if (above === undefined || !hasLost(above, step)) continue;
    context.progress.note(
      `${candidate.name} has lost the target that ${above.candidate.name} meets; the path ends here`,
    );
    break;
  }
  return steps.reverse();
}

/** Trains rungs until one meets the target alone or the plan ends; then chooses. @throws InvariantError for an empty plan. */
export async function climb(
  context: TrainContext,
  plan: Plan,
  teacher: TeacherPrice,
  machineUsdPerHour: number,
): Promise<Ladder> {
  const trainer = new Trainer(context);
  const climbed: Climbed[] = [];
  const planned = plan.candidates.filter(({ status }) => status === "train");
  const fallback = plan.candidates[0];
  for (const candidate of planned.length > 0 || fallback === undefined ? planned : [fallback]) {
    if (candidate.pretrained !== undefined || climbed.at(-1)?.meetsTarget === true) break;
    climbed.push(judge(context, await trainer.train(candidate), plan.target.agreement));
  }
  if (climbed.at(-1)?.meetsTarget !== true) climbed.push(...(await descend(context, trainer, plan)));
  const wanted = climbed
    .map(({ outOfFold }) => outOfFold.rows)
    .reduce((a, b) => (b.length < a.length ? b : a), climbed[0]?.outOfFold.rows ?? new Uint32Array());
  const choice = choose(climbed, wanted, context, { plan, teacher, machineUsdPerHour });
  const chosen = climbed.find(({ candidate }) => candidate.name === choice.chosen) ?? mostAgreeing(climbed, wanted);
  if (chosen === undefined) throw new InvariantError("the plan has no candidate to train");
  const linear = climbed.find(({ candidate }) => candidate.kind === "linear");
  const paired = climbed
    .filter((rung) => rung !== chosen)
    .map((rung) => ({
      name: rung.candidate.name,
      comparison: comparePaired(
        restrict(chosen.correct, chosen.outOfFold.rows, wanted),
        restrict(rung.correct, rung.outOfFold.rows, wanted),
      ),
    }));
  return { chosen, ...(linear === undefined ? {} : { linear }), climbed, choice, paired };
}
