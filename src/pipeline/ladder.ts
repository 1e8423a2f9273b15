/** @file Climbs the ladder: trains the planned rungs from scratch, cheapest first, until one meets the target on its own out of fold; else goes down
 *  the path of the pretrained encoder, whole first. Then chooses by money. Sees no sealed row. */
import { fitCalibrator, measureCalibration } from "../evaluate/calibration.js";
import type { CallOutcomes } from "../evaluate/calls.js";
import { gateOutlook } from "../evaluate/outlook.js";
import { chooseByCost, comparePaired, type CostChoice, type PairedComparison } from "../evaluate/compare.js";
import { softmaxRow } from "../softmax.js";
import { InvariantError } from "../errors.js";
import { studentPer1kUsd, type TeacherPrice } from "../cost.js";
import type { Row } from "../dataset/types.js";
import type { Plan, PlannedCandidate } from "../plan/plan.js";
import { encoderTask } from "./local-teacher.js";
import { pretrainedOutOfFold } from "./pretrained/rung.js";
import { pretrainedTask } from "./pretrained/spec.js";
import { callOutcomes, callsOf, logitRows, perCall, rightPerCall } from "./outcomes.js";
import { mergedProgress } from "./progress.js";
import { GATE_DELTA, riskOf } from "./prove.js";
import {
  encoderFinal,
  encoderFold,
  joinFolds,
  joinOutOfFold,
  linearOutOfFold,
  sideBySide,
  type EncoderOutOfFold,
} from "./rungs.js";
import type { OutOfFold, TrainContext } from "./train-context.js";
import type { Trained } from "./ship.js";
import { isTaught, taughtOutOfFold } from "./pretrained/taught-linear.js";

/** Weights of the linear part that are tried out of fold. */
const LINEAR_RATIOS = [0.2, 0.3, 0.4, 0.5, 0.6] as const;

/** A rung with what is known of it out of fold. */
export interface Climbed extends Trained {
  /** In which share of a row's calls its answer is the teacher's, one entry per out-of-fold row. */
  readonly correct: Float64Array;
  /** 1 where the gate may be expected to keep the answer. */
  readonly kept: Uint8Array;
  /** All out-of-fold calls. */
  readonly calls: CallOutcomes;
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

function labelsOf(context: Pick<TrainContext, "rows">, outOfFold: OutOfFold): number[] {
  return Array.from(outOfFold.rows, (r) => context.rows[r]?.label ?? -1);
}

/** Mean negative log-likelihood of the teacher's answers, nats. */
function lossOf(context: Pick<TrainContext, "dataset" | "rows">, outOfFold: OutOfFold): number {
  const classes = context.dataset.labels.length;
  let sum = 0;
  for (const [i, label] of labelsOf(context, outOfFold).entries()) {
    sum -= Math.log(Math.max(softmaxRow(outOfFold.logits, i * classes, classes)[label] ?? 0, 1e-12));
  }
  return sum / Math.max(1, outOfFold.rows.length);
}

/** The joined student of least out-of-fold loss among the weights that are tried. */
export function bestJoined(
  context: Pick<TrainContext, "dataset" | "rows">,
  linear: OutOfFold,
  encoder: OutOfFold,
): { readonly outOfFold: OutOfFold; readonly linearRatio: number } {
  const tried = LINEAR_RATIOS.map((linearRatio) => {
    const outOfFold = joinOutOfFold(linear, encoder, context.dataset.labels.length, linearRatio);
    return { linearRatio, outOfFold, loss: lossOf(context, outOfFold) };
  });
  const { outOfFold, linearRatio } = tried.reduce((a, b) => (b.loss < a.loss ? b : a));
  return { outOfFold, linearRatio };
}

/** The rows at the top of the scores that hold a share of the calls. */
function keepShare(scores: Float64Array, calls: readonly number[], ratio: number): Uint8Array {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const total = calls.reduce((sum, count) => sum + count, 0);
  const kept = new Uint8Array(scores.length);
  let taken = 0;
  for (const row of order) {
    taken += calls[row] ?? 0;
    if (taken > ratio * total + 1e-9) break;
    kept[row] = 1;
  }
  return kept;
}

/** How many independent groups are sealed; where none are, as many as are open: then rungs are compared by what they have shown. */
function provingGroups({ dataset, rows }: TrainContext): number {
  const groupsOf = (some: readonly Row[]): number => new Set(callsOf(some).groups).size;
  const sealed = groupsOf(dataset.rows.filter((row) => row.sealed));
  return sealed > 0 ? sealed : groupsOf(rows);
}

/** A share of expected draws in which the gate keeps everything: then a rung is expected to meet the target alone. */
const ALONE_COVERAGE = 0.999;

function judge(context: TrainContext, trained: Trained, plan: Plan): Climbed {
  const rows = Array.from(trained.outOfFold.rows, (r) => context.rows[r]).flatMap((row) => row ?? []);
  const data = logitRows(rows, trained.outOfFold.logits, context.dataset.labels.length);
  const result = measureCalibration(fitCalibrator(data, ""), data);
  const calls = callOutcomes(rows, result.scores, result.outcomes);
  const { agreement, promise } = plan.target;
  // The cost that a rung promises rests on the gate that its verdict will rest on.
  const outlook = gateOutlook(calls, provingGroups(context), {
    promise,
    epsilon: riskOf(agreement),
    delta: GATE_DELTA,
    seed: context.seed,
  });
  const meetsTarget = outlook.coverage.low >= ALONE_COVERAGE;
  const weights = rows.map(({ weight }) => weight);
  const kept = keepShare(result.scores, weights, outlook.coverage.value);
  return { ...trained, correct: result.outcomes, kept, calls, meetsTarget };
}

/** The values of a rung at given unsealed rows. */
function restrict(values: ArrayLike<number>, rows: Uint32Array, wanted: Uint32Array): Float64Array {
  const at = new Map([...rows.entries()].map(([i, row]) => [row, i]));
  return Float64Array.from(wanted, (row) => values[at.get(row) ?? -1] ?? 0);
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
    return { candidate, ...bestJoined(this.context, linear, encoder), ...epochs };
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

/** Calls of rows that all rungs have predicted out of fold, and the outcomes of a rung in them. */
interface SharedCalls {
  readonly groups: Int32Array;
  readonly correctOf: (rung: Climbed) => Float64Array;
  readonly keptOf: (rung: Climbed) => Float64Array;
}

function sharedCalls(context: TrainContext, climbed: readonly Climbed[]): SharedCalls {
  const wanted = climbed
    .map(({ outOfFold }) => outOfFold.rows)
    .reduce((a, b) => (b.length < a.length ? b : a), climbed[0]?.outOfFold.rows ?? new Uint32Array());
  const rows = Array.from(wanted, (r) => context.rows[r]).flatMap((row) => row ?? []);
  const calls = callsOf(rows);
  return {
    groups: calls.groups,
    correctOf: (rung) => rightPerCall(calls, rows, restrict(rung.correct, rung.outOfFold.rows, wanted)),
    keptOf: (rung) => perCall(calls, restrict(rung.kept, rung.outOfFold.rows, wanted)),
  };
}

function choose(climbed: readonly Climbed[], shared: SharedCalls, context: TrainContext, prices: Prices): CostChoice {
  const { plan, teacher, machineUsdPerHour } = prices;
  return chooseByCost(
    climbed.map((rung) => ({
      name: rung.candidate.name,
      correct: shared.correctOf(rung),
      kept: shared.keptOf(rung),
      feasible: rung.meetsTarget || rung.kept.includes(1),
      studentPer1k: expectedPer1kUsd(rung.candidate, plan, machineUsdPerHour),
    })),
    {
      seed: context.seed,
      groups: shared.groups,
      ...(teacher.per1kUsd === undefined ? {} : { teacherPer1kUsd: teacher.per1kUsd }),
    },
  );
}

function mostAgreeing(climbed: readonly Climbed[], shared: SharedCalls): Climbed | undefined {
  const rightOf = (rung: Climbed): number => shared.correctOf(rung).reduce((sum, share) => sum + share, 0);
  return climbed.toSorted((a, b) => rightOf(b) - rightOf(a))[0];
}

/** Below this a step of the path has lost against the one above it. */
const LOST_P_VALUE = 0.05;

/** Whether a step has clearly lost what the step above it had: the target, by a paired test. */
function hasLost(above: Climbed, step: Climbed): boolean {
  if (!above.meetsTarget || step.meetsTarget) return false;
  const { difference, pValue } = comparePaired(above.calls.right, step.calls.right, step.calls.groups);
  return difference.value > 0 && pValue < LOST_P_VALUE;
}

/** All planned steps of a pretrained encoder, trained from the whole one down until one has lost; cheapest first, as rungs are. */
async function descend(context: TrainContext, trainer: Trainer, plan: Plan): Promise<Climbed[]> {
  const steps: Climbed[] = [];
  const planned = plan.candidates.filter(({ status, pretrained }) => status === "train" && pretrained !== undefined);
  for (const candidate of planned.toReversed()) {
    const step = judge(context, await trainer.train(candidate), plan);
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
    climbed.push(judge(context, await trainer.train(candidate), plan));
  }
  if (climbed.at(-1)?.meetsTarget !== true) climbed.push(...(await descend(context, trainer, plan)));
  const shared = sharedCalls(context, climbed);
  const choice = choose(climbed, shared, context, { plan, teacher, machineUsdPerHour });
  const chosen = climbed.find(({ candidate }) => candidate.name === choice.chosen) ?? mostAgreeing(climbed, shared);
  if (chosen === undefined) throw new InvariantError("the plan has no candidate to train");
  const linear = climbed.find(({ candidate }) => candidate.kind === "linear");
  const paired = climbed
    .filter((rung) => rung !== chosen)
    .map((rung) => ({
      name: rung.candidate.name,
      comparison: comparePaired(shared.correctOf(chosen), shared.correctOf(rung), shared.groups),
    }));
  return { chosen, ...(linear === undefined ? {} : { linear }), climbed, choice, paired };
}
