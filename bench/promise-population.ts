/** @file Traffic of which the truth is known: how often a student's answer differs from the teacher's in a call, at every threshold, in closed
 *  form. Draws of it are rows as a dataset holds them: groups, weights, answers of an input that differ, recurring inputs. Knows no gate. */
import type { CallOutcomes } from "../src/evaluate/calls.js";
import { callOutcomes, shareRight } from "../src/pipeline/outcomes.js";
import type { Row } from "../src/dataset/types.js";
import type { Random } from "../src/random.js";
import type { Promised } from "../src/evaluate/risk-test.js";

export interface Traffic {
  /** Calls of a group. */
  readonly groupCalls: number;
  /** Share of the groups whose calls are wholly equal; the calls of the others are independent. */
  readonly icc: number;
  /** Share of the inputs whose answer occurs nowhere else: nothing can learn it. */
  readonly oneOffRatio: number;
  /** Whether scores of such inputs are lower than those of others. */
  readonly isInformative: boolean;
  /** How often the teacher gives an input's usual answer. */
  readonly selfAgreement: number;
  /** Share of the calls that belong to a few recurring inputs. */
  readonly recurringRatio: number;
  /** Share of the calls that come in storms: an input 20 times, a group of its own, that never comes again. */
  readonly stormRatio: number;
}

/** Recurring inputs: their scores, and which of them the student answers as the teacher usually does. */
export interface Heads {
  readonly scores: readonly number[];
  readonly right: readonly boolean[];
}

/** Scores are uniform, an input of score u is answered wrongly with probability STEEP (1 - u)^3: 7 % of all, most of them at low scores. */
const STEEP = 0.28;
const HEADS = 12;
const STORM_CALLS = 20;
/** Answers of the rows: the usual one, what a wrong student gives, what a wavering teacher gives. */
const [USUAL, STUDENTS, TEACHERS] = [0, 1, 2] as const;
const ORACLE_STEPS = 20_000;

interface Input {
  readonly score: number;
  readonly isOneOff: boolean;
  readonly isRight: boolean;
}

function drawInput({ oneOffRatio, isInformative }: Traffic, random: Random): Input {
  const isOneOff = random.float() < oneOffRatio;
  const uniform = random.float();
  const score = isOneOff && isInformative ? uniform ** 3 : uniform;
  return { score, isOneOff, isRight: !isOneOff && random.float() >= STEEP * (1 - uniform) ** 3 };
}

export function drawHeads(traffic: Traffic, random: Random): Heads {
  const inputs = Array.from({ length: HEADS }, () => drawInput({ ...traffic, oneOffRatio: 0 }, random));
  return { scores: inputs.map(({ score }) => score), right: inputs.map(({ isRight }) => isRight) };
}

/** A row of so many calls with an input, each answered by a draw. */
function rowOf(weight: number, group: number, isOneOff: boolean, selfAgreement: number, random: Random): Row {
  if (isOneOff) return { text: "", label: -1, weight, group, sealed: true, fold: -1 };
  let usual = 0;
  for (let call = 0; call < weight; call++) usual += Number(random.float() < selfAgreement);
  const label = usual * 2 >= weight ? USUAL : TEACHERS;
  if (usual === 0 || usual === weight) return { text: "", label, weight, group, sealed: true, fold: -1 };
  const [first, second] = [[USUAL, usual] as const, [TEACHERS, weight - usual] as const];
  const answers = label === USUAL ? [first, second] : [second, first];
  return { text: "", label, answers, weight, group, sealed: true, fold: -1 };
}

class Drawn {
  readonly rows: Row[] = [];
  readonly scores: number[] = [];
  readonly shares: number[] = [];

  add(row: Row, { score, isRight }: Pick<Input, "score" | "isRight">): void {
    this.rows.push(row);
    this.scores.push(score);
    this.shares.push(shareRight(row, isRight ? USUAL : STUDENTS));
  }
}

function addGroup(drawn: Drawn, group: number, traffic: Traffic, random: Random): void {
  const { groupCalls, icc, selfAgreement } = traffic;
  const input = drawInput(traffic, random);
  if (random.float() >= icc) {
    for (let call = 0; call < groupCalls; call++) {
      const own = call === 0 ? input : drawInput(traffic, random);
      drawn.add(rowOf(1, group, own.isOneOff, selfAgreement, random), own);
    }
    return;
  }
  // Equal calls: one input that came several times, or several inputs that a student cannot tell apart.
  const isOneRow = random.float() < 0.5;
  const weight = isOneRow ? groupCalls : 1;
  for (let at = 0; at < groupCalls; at += weight)
    drawn.add(rowOf(weight, group, input.isOneOff, selfAgreement, random), input);
}

/** About so many calls, whole groups. */
export function drawCalls(traffic: Traffic, heads: Heads, calls: number, random: Random): CallOutcomes {
  const drawn = new Drawn();
  const weights = new Array<number>(HEADS).fill(0);
  let left = calls;
  for (let call = 0; call < calls; call++) {
    if (random.float() >= traffic.recurringRatio) continue;
    const head = random.int(HEADS);
    weights[head] = (weights[head] ?? 0) + 1;
    left--;
  }
  const storms = Math.round((left * traffic.stormRatio) / STORM_CALLS);
  const groups = Math.round((left - storms * STORM_CALLS) / traffic.groupCalls);
  for (let group = 0; group < groups; group++) addGroup(drawn, group, traffic, random);
  for (let storm = 0; storm < storms; storm++) {
    const input = drawInput(traffic, random);
    const row = rowOf(STORM_CALLS, groups + HEADS + storm, input.isOneOff, traffic.selfAgreement, random);
    drawn.add(row, input);
  }
  for (const [head, weight] of weights.entries()) {
    if (weight === 0) continue;
    const row: Row = { ...rowOf(weight, groups + head, false, traffic.selfAgreement, random), recurring: true };
    drawn.add(row, { score: heads.scores[head] ?? 0, isRight: heads.right[head] === true });
  }
  return callOutcomes(drawn.rows, drawn.scores, drawn.shares);
}

/** Of all calls the share that a threshold keeps, and that which is kept and differs. */
export function truthAt(traffic: Traffic, heads: Heads, threshold: number): { kept: number; wrong: number } {
  const { oneOffRatio, isInformative, selfAgreement, recurringRatio } = traffic;
  const above = 1 - threshold;
  const oneOffs = oneOffRatio * (isInformative ? 1 - Math.cbrt(threshold) : above);
  const waver = 1 - selfAgreement;
  const wrong = (1 - oneOffRatio) * (waver * above + selfAgreement * (STEEP / 4) * above ** 4) + oneOffs;
  const kept = (1 - oneOffRatio) * above + oneOffs;
  let [headKept, headWrong] = [0, 0];
  for (const [head, score] of heads.scores.entries()) {
    if (score < threshold) continue;
    headKept += 1 / HEADS;
    headWrong += (heads.right[head] === true ? waver : 1) / HEADS;
  }
  const mix = (rest: number, ofHeads: number): number => (1 - recurringRatio) * rest + recurringRatio * ofHeads;
  return { kept: mix(kept, headKept), wrong: mix(wrong, headWrong) };
}

/** The risk that a promise speaks of, at a threshold; none where nothing is kept. */
export function trueRisk(
  promise: Promised,
  { kept, wrong }: { readonly kept: number; readonly wrong: number },
): number {
  if (kept === 0) return 0;
  return promise === "delivered" ? wrong : wrong / kept;
}

/** Coverage of the loosest threshold whose true risk is within epsilon. */
export function oracleCoverage(traffic: Traffic, heads: Heads, promise: Promised, epsilon: number): number {
  for (let step = 0; step < ORACLE_STEPS; step++) {
    const truth = truthAt(traffic, heads, step / ORACLE_STEPS);
    if (trueRisk(promise, truth) <= epsilon) return truth.kept;
  }
  return 0;
}
