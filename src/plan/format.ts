/** @file A plan in plain words, for the terminal: what is trained, what is not and why. English; the report renders reasons itself. */
import { forecastLines, type PlanForecast } from "./forecast.js";
import { shortNumber } from "./numbers.js";
import { partsOf } from "./parts/index.js";
import type { Plan, PlannedCandidate, PlannedControl, PlanReason } from "./plan.js";
import { formatTarget } from "./target.js";
import { type TypicalBase, typicalBase } from "./typical-base.js";

type Sentence = (facts: PlanReason["facts"]) => string;

const SENTENCES: { readonly [Code in PlanReason["code"]]: Sentence } = {
  "size-above-target": ({ estimated, wanted }) =>
    `about ${shortNumber(estimated)} MB, the target allows ${shortNumber(wanted)} MB`,
  "latency-above-target": ({ estimated, wanted }) =>
    `p95 about ${shortNumber(estimated)} ms, the target allows ${shortNumber(wanted)} ms`,
  "memory-above-target": ({ estimated, wanted }) =>
    `about ${shortNumber(estimated)} MB resident, the target allows ${shortNumber(wanted)} MB`,
  "memory-of-machine": ({ estimated, wanted }) =>
    `training takes about ${shortNumber(estimated)} MB, this machine has ${shortNumber(wanted)} MB`,
  "cost-above-target": ({ estimated, wanted }) =>
    `about ${shortNumber(estimated)} USD per 1,000 calls, the target allows ${shortNumber(wanted)}`,
  "time-planned-away": ({ seconds, leftSeconds }) =>
    `needs about ${shortNumber(seconds)} s, ${shortNumber(leftSeconds)} s are left; raise --minutes`,
  "over-minutes": ({ budgetSeconds }) =>
    `takes longer than the ${shortNumber(budgetSeconds)} s that --minutes leaves, but is the least there is`,
  "larger-fits": ({ larger }) => (larger === "" ? "another rung is taken" : `${larger} fits as well`),
  "more-rows-needed": ({ rows, needed }) => `${shortNumber(rows)} rows, worth it from ${shortNumber(needed)} on`,
};

/** One reason as a clause. */
export function describeReason({ code, facts }: PlanReason): string {
  return SENTENCES[code](facts);
}

function describeCandidate(candidate: PlannedCandidate, folds: number): string {
  const { estimate, status, because } = candidate;
  const saved =
    estimate.savedPer1kUsd === undefined ? "" : `, saves ${shortNumber(estimate.savedPer1kUsd)} USD per 1,000 calls`;
  const reasons = because.length === 0 ? "" : `: ${because.map(describeReason).join("; ")}`;
  const cost = `${shortNumber(estimate.sizeBytes / 1e6)} MB, ${shortNumber(estimate.latencyMs)} ms, ${shortNumber(estimate.trainSeconds)} s (${partsOf(candidate)[0]?.describe(folds) ?? ""})${saved}`;
  return `${candidate.name.padEnd(15)} ${status.padEnd(12)} ${cost}${reasons}`;
}

function describeControl({ of, status, seconds, learningRates, because }: PlannedControl): string {
  const reasons = because.length === 0 ? "" : `: ${because.map(describeReason).join("; ")}`;
  return `${"control".padEnd(15)} ${status.padEnd(12)} ${shortNumber(seconds)} s (${of === "every-cut" ? "every" : "the chosen"} cut of the untaught base on labels alone, ${learningRates.length} rates)${reasons}`;
}

/** What cuts learn, and from which layers of the teacher; which ones stay is known when it has been fine-tuned. */
function describeTeaching(candidates: readonly PlannedCandidate[]): readonly string[] {
  const recovery = candidates.find(({ pretrained }) => pretrained?.recovery !== undefined)?.pretrained?.recovery;
  if (recovery === undefined) return [];
  const { softWeight, temperature, hiddenWeight } = recovery;
  return [
    `cuts learn the teacher's answers (forward KL at temperature ${temperature}, weight ${softWeight}; labels ${shortNumber(1 - softWeight)}) and hidden states (MSE, weight ${hiddenWeight}): each layer that stays, by block influence, what it was in the teacher`,
  ];
}

interface PlanJson {
  readonly plan: Plan;
  readonly forecast?: PlanForecast;
  readonly typicalBase?: TypicalBase;
}

/** The plan as programs read it, the forecast, and what a typical base would add where it has none. */
export function planJson(plan: Plan, forecast?: PlanForecast): PlanJson {
  const base = typicalBase(plan.facts, plan.target);
  return { plan, ...(forecast !== undefined && { forecast }), ...(base !== undefined && { typicalBase: base }) };
}

/** Where the teacher agrees with itself less often than the target asks: what is out of reach then, and what is not. */
export function describeUnreachable({ target, unreachable }: Plan): string | undefined {
  if (unreachable === undefined) return undefined;
  const { agreement, ceilingRatio } = unreachable;
  const wanted = `${shortNumber(agreement * 100)} %`;
  const most = `${shortNumber((100 * (1 - agreement)) / (1 - ceilingRatio))} %`;
  const alone = `the teacher agrees with itself in ${shortNumber(ceilingRatio * 100)} % of its calls, so no student reaches ${wanted} when it answers all of them`;
  return target.promise === "delivered"
    ? `${alone}; of all answers that leave the cascade ${wanted} can still be the teacher's, but if every call is as unsteady, the student can keep ${most} of them at most`
    : `${alone}; of the kept answers ${wanted} can be the teacher's only among calls that it answers more steadily`;
}

/** The plan, a line for each candidate, then what stands in the way, then what the promise may be expected to give. */
export function formatPlan(plan: Plan, forecast?: PlanForecast): string {
  const { machine, target, minutes, candidates, nearestTarget } = plan;
  const lines = [
    `target ${formatTarget(target)}; ${shortNumber(minutes)} minutes on ${machine.cpu}, ${machine.cores} cores, ${shortNumber(machine.gflops)} GFLOP/s`,
    ...candidates.map((candidate) => describeCandidate(candidate, plan.facts.folds)),
    ...(plan.control === undefined ? [] : [describeControl(plan.control)]),
    ...describeTeaching(candidates),
    `training takes about ${shortNumber(plan.trainSeconds)} s of ${shortNumber(plan.budgetSeconds)} s`,
  ];
  const unreachable = describeUnreachable(plan);
  if (unreachable !== undefined) lines.push(`unreachable alone: ${unreachable}`);
  if (nearestTarget !== undefined)
    lines.push(`no candidate fits; the nearest feasible target is --target ${formatTarget(nearestTarget)}`);
  const { cutTexts = 0 } = plan.facts.base ?? {};
  if (cutTexts > 0)
    lines.push(
      `${shortNumber(cutTexts)} of ${shortNumber(plan.facts.trainRows)} texts are longer than the base reads; it sees their beginning`,
    );
  const base = typicalBase(plan.facts, target);
  if (base !== undefined) {
    const [smallest, largest] = [shortNumber(base.smallestBytes / 1e6), shortNumber(base.largestBytes / 1e6)];
    lines.push(
      `a pretrained encoder (--base DIR) would add rungs: of MiniLM's size about ${smallest} to ${largest} MB; worth trying when none of these meets the target alone`,
    );
  }
  if (forecast !== undefined) lines.push(...forecastLines(forecast));
  return lines.join("\n");
}
