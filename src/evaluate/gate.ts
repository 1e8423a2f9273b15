/** @file The gate: the loosest score threshold of which it is proved that P(the promise is broken) <= delta. The test and all that is decided
 *  before the sealed calls are opened come from out-of-fold calls alone.
 *  `delivered`: its risk grows as the threshold loosens, so one walk from strict to loose that stops at the first failure spends no level on
 *  searching (risk-controlling prediction sets, Bates et al. 2021). `kept`: Learn-then-Test (Angelopoulos et al. 2021); the levels are shared
 *  among several starts and handed from each candidate that passes to the next looser one (the fallback procedure, Wiens and Dmitrienko 2005). */
import { InputError } from "../errors.js";
import { binomialCdf, type Estimate } from "../stats.js";
import { assertCalls, beyondCapRatio, callsByGroup, shareByGroup, type CallOutcomes } from "./calls.js";
import {
  chooseTest,
  countKept,
  deliveredKept,
  drawSample,
  riskPValue,
  type Promised,
  type Risk,
  type RiskTest,
} from "./risk-test.js";

/** One start of the walk of `kept`: where, and which share of delta it holds. */
export interface GateStart {
  /** 0 is the safest predicted coverage, -1 coverage zero; between them linear. */
  readonly position: number;
  readonly deltaRatio: number;
}

export interface GateInput {
  readonly outOfFold: CallOutcomes;
  readonly sealed: CallOutcomes;
  readonly promise?: Promised;
  /** Largest risk, a ratio. */
  readonly epsilon?: number;
  /** Largest probability that the promise fails. */
  readonly delta?: number;
  /** Of the draws that the test makes; no outcome enters them. */
  readonly seed?: number;
}

/** What is fixed before the sealed calls are opened. */
export interface GatePlan {
  readonly risk: Risk;
  readonly delta: number;
  readonly seed: number;
  readonly test: RiskTest;
  /** Of `kept`: thresholds from strict to loose with the share of delta that each holds at first. */
  readonly candidates: readonly Candidate[];
}

export interface GateResult {
  readonly promise: Promised;
  /** Keep where score >= threshold (0 keeps all); null when no threshold can keep the promise. */
  readonly threshold: number | null;
  readonly epsilon: number;
  readonly delta: number;
  readonly test: RiskTest;
  /** Sealed calls, and the groups that they fall into. */
  readonly sealedCalls: number;
  readonly sealedGroups: number;
  /** Share of the sealed calls that the test leaves out, because their group has more of them than the cap. */
  readonly beyondCapRatio: number;
  /** Sealed calls kept, and how many of them are wrong (shares added). */
  readonly kept: number;
  readonly errors: number;
  /** P-value at the threshold, null without one. */
  readonly pValue: number | null;
  readonly coverage: Estimate;
  readonly keptAgreement: Estimate;
  /** 1 - P(kept and wrong): of all answers that leave the cascade those that are the teacher's. */
  readonly deliveredAgreement: Estimate;
  /** Coverage of the loosest threshold whose observed risk on the same calls is at most epsilon: without any guarantee. */
  readonly unguaranteedCoverage: number;
  /** What even a perfect score must defer: mu - epsilon of all calls for `delivered`, (mu - epsilon) / (1 - epsilon) for `kept`, mu the risk
   *  of keeping all. */
  readonly minimumDeferralRatio: number;
  /** Sealed calls from loosest to strictest: [coverage, share of the kept that is wrong], at most 200 points. */
  readonly curve: readonly (readonly [number, number])[];
}

export const DEFAULT_PROMISE: Promised = "delivered";
export const DEFAULT_EPSILON = 0.02;
export const DEFAULT_DELTA = 0.05;
/** Nearly all of delta on the safest prediction, the rest for one that was too bright. Ways that share it among more or looser starts keep less on
 *  most runs, and choosing among ways by draws from the out-of-fold calls picks wrong ones where groups are few (bench/gate.ts). */
export const GATE_STARTS: readonly GateStart[] = [
  { position: -0.3, deltaRatio: 0.1 },
  { position: 0, deltaRatio: 0.9 },
];
/** Candidates: one per per cent of out-of-fold coverage. Finer grids end walks early, coarser ones waste coverage. */
const GRID_STEPS = 100;
const CURVE_POINTS = 200;

export interface Candidate {
  readonly threshold: number;
  /** Out-of-fold share kept and risk of what is kept; the p-value predicted for as many sealed calls. */
  readonly coverage: number;
  readonly risk: number;
  readonly predictedP: number;
  /** Share of delta that it holds before anything has passed. */
  readonly deltaRatio: number;
}

/** All calls by falling score with running sums of what is wrong: wrong[i] among the i best. */
interface Ranked {
  readonly scores: Float64Array;
  readonly wrong: Float64Array;
}

function rank({ scores, right }: CallOutcomes): Ranked {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const wrong = new Float64Array(order.length + 1);
  for (const [i, call] of order.entries()) wrong[i + 1] = (wrong[i] ?? 0) + 1 - (right[call] ?? 0);
  return { scores: Float64Array.from(order, (call) => scores[call] ?? 0), wrong };
}

/** The candidates, strictest first, thresholds strictly falling, the last one keeping all. */
function candidatesOf(ranked: Ranked, sealedCalls: number, epsilon: number): Candidate[] {
  const calls = ranked.scores.length;
  const candidates: Candidate[] = [];
  let kept = 0;
  for (let step = 1; step <= GRID_STEPS; step++) {
    const threshold =
      step === GRID_STEPS ? 0 : (ranked.scores[Math.max(0, Math.round((calls * step) / GRID_STEPS) - 1)] ?? 0);
    if (threshold >= (candidates.at(-1)?.threshold ?? Infinity)) continue;
    while (kept < calls && (ranked.scores[kept] ?? 0) >= threshold) kept++;
    const coverage = kept / calls;
    const risk = ((ranked.wrong[kept] ?? 0) + 0.5) / (kept + 1);
    const sealedKept = Math.round(coverage * sealedCalls);
    const predictedP = binomialCdf(Math.round(risk * sealedKept), sealedKept, epsilon);
    candidates.push({ threshold, coverage, risk, predictedP, deltaRatio: 0 });
  }
  return candidates;
}

/** The share of delta that each candidate holds at first. */
function levelsOf(candidates: readonly Candidate[], starts: readonly GateStart[]): Float64Array {
  const levels = new Float64Array(candidates.length);
  const safest = candidates.reduce((best, candidate) => (candidate.predictedP < best.predictedP ? candidate : best));
  for (const { position, deltaRatio } of starts) {
    const wanted = safest.coverage + position * safest.coverage;
    let nearest = 0;
    for (const [i, candidate] of candidates.entries()) {
      const gap = Math.abs(candidate.coverage - wanted);
      if (gap < Math.abs((candidates[nearest]?.coverage ?? 0) - wanted)) nearest = i;
    }
    levels[nearest] = (levels[nearest] ?? 0) + deltaRatio;
  }
  return levels;
}

/** Walks from strict to loose; a candidate that passes hands its level on. Place of the loosest that passed, -1 for none. */
function walk(levels: ArrayLike<number>, delta: number, pValueAt: (candidate: number) => number): number {
  let level = 0;
  let best = -1;
  for (let i = 0; i < levels.length; i++) {
    level += (levels[i] ?? 0) * delta;
    if (level <= 0) continue;
    if (pValueAt(i) <= level) best = i;
    else level = 0;
  }
  return best;
}

/** Fixes test, order and levels from out-of-fold calls; of the sealed ones only the groups are looked at. @throws InputError */
export function planGate(
  outOfFold: CallOutcomes,
  sealed: Pick<CallOutcomes, "groups" | "shared">,
  options: Pick<GateInput, "promise" | "epsilon" | "delta" | "seed"> = {},
): GatePlan {
  const { promise = DEFAULT_PROMISE, epsilon = DEFAULT_EPSILON, delta = DEFAULT_DELTA, seed = 1 } = options;
  assertCalls(outOfFold, "gate");
  if (outOfFold.scores.length === 0) throw new InputError("gate: expected some out-of-fold calls, came none");
  const risk: Risk = { promise, epsilon };
  const test = chooseTest(outOfFold, sealed, risk, { delta, seed });
  const decided = { risk, delta, seed, test };
  if (promise === "delivered") return { ...decided, candidates: [] };
  const candidates = candidatesOf(rank(outOfFold), sealed.groups.length, epsilon);
  const levels = levelsOf(candidates, GATE_STARTS);
  return { ...decided, candidates: candidates.map((candidate, i) => ({ ...candidate, deltaRatio: levels[i] ?? 0 })) };
}

interface Passed {
  readonly threshold: number;
  readonly pValue: number;
}

/** The loosest threshold that passes, and whose observed risk on all sealed calls, those beyond the cap too, is at most epsilon. */
function pass(sealed: CallOutcomes, { risk, delta, test, seed, candidates }: GatePlan): Passed | null {
  const sample = drawSample(sealed, test, seed);
  const isCut = sample.scores.length < sealed.scores.length;
  const ranked = isCut ? rank(sealed) : undefined;
  const pValueAt = (threshold: number): number => riskPValue(sample, countKept(sample, threshold), risk, test);
  if (risk.promise === "delivered") {
    const kept = deliveredKept(sample, risk, test, delta);
    const observed = ranked === undefined ? sample.scores.length : unguaranteedKept(ranked, risk);
    if (kept === 0 || observed === 0) return null;
    const proved = kept === sample.scores.length ? 0 : (sample.scores[kept - 1] ?? 0);
    const threshold = Math.max(proved, observed === sealed.scores.length ? 0 : (ranked?.scores[observed - 1] ?? 0));
    return { threshold, pValue: pValueAt(threshold) };
  }
  const passedAt = (i: number): number => {
    const threshold = candidates[i]?.threshold ?? Infinity;
    return ranked !== undefined && observedRisk(ranked, threshold) > risk.epsilon ? 1 : pValueAt(threshold);
  };
  const levels = candidates.map(({ deltaRatio }) => deltaRatio);
  const threshold = candidates[walk(levels, delta, passedAt)]?.threshold;
  return threshold === undefined ? null : { threshold, pValue: pValueAt(threshold) };
}

/** Share of the calls with a score of at least `threshold` that is wrong. */
function observedRisk({ scores, wrong }: Ranked, threshold: number): number {
  const next = scores.findIndex((score) => score < threshold);
  const kept = next < 0 ? scores.length : next;
  return (wrong[kept] ?? 0) / Math.max(1, kept);
}

/** Whether these sealed calls prove a threshold that others of the same plan chose: those of another runtime, whose answers to the same calls
 *  may differ a little. */
export function isProvedAt(threshold: number, plan: GatePlan, sealed: CallOutcomes): boolean {
  const { risk, delta, test, seed, candidates } = plan;
  if (sealed.scores.length === 0) return false;
  const { kept, errors } = figuresAt(sealed, threshold);
  if (errors > risk.epsilon * (risk.promise === "delivered" ? sealed.scores.length : kept) + 1e-9) return false;
  const sample = drawSample(sealed, test, seed);
  const pValueAt = (at: number): number => riskPValue(sample, countKept(sample, at), risk, test);
  if (risk.promise === "delivered") return pValueAt(threshold) <= delta;
  const upTo = candidates.filter((candidate) => candidate.threshold >= threshold);
  const levels = upTo.map(({ deltaRatio }) => deltaRatio);
  return upTo[walk(levels, delta, (i) => pValueAt(upTo[i]?.threshold ?? Infinity))]?.threshold === threshold;
}

/** What `openGate` chooses, without the figures. */
export function thresholdOf(plan: GatePlan, sealed: CallOutcomes): number | null {
  return pass(sealed, plan)?.threshold ?? null;
}

/** The most calls that a threshold can keep while the observed risk is at most epsilon; calls of equal score stay together. */
function unguaranteedKept({ scores, wrong }: Ranked, { promise, epsilon }: Risk): number {
  for (let kept = scores.length; kept > 0; kept--) {
    if (kept < scores.length && scores[kept] === scores[kept - 1]) continue;
    if ((wrong[kept] ?? 0) <= epsilon * (promise === "delivered" ? scores.length : kept) + 1e-9) return kept;
  }
  return 0;
}

function curveOf({ scores, wrong }: Ranked): [number, number][] {
  const calls = scores.length;
  const points = Math.min(CURVE_POINTS, calls);
  return Array.from({ length: points }, (_, i) => {
    const kept = Math.round((calls * (points - i)) / points);
    return [kept / calls, (wrong[kept] ?? 0) / kept];
  });
}

interface KeptFigures {
  readonly kept: number;
  readonly errors: number;
  readonly coverage: Estimate;
  readonly keptAgreement: Estimate;
  readonly deliveredAgreement: Estimate;
}

const NOTHING: Estimate = { value: 0, low: 0, high: 0 };

/** What a threshold does to calls; all of them, those beyond a cap too. */
export function figuresAt({ scores, right, groups }: CallOutcomes, threshold: number | null): KeptFigures {
  const places = Array.from({ length: scores.length }, (_, call) => call);
  const kept = places.filter((call) => threshold !== null && (scores[call] ?? 0) >= threshold);
  const keptRight = kept.map((call) => right[call] ?? 0);
  const isKept = new Set(kept);
  const delivered = places.map((call) => (isKept.has(call) ? (right[call] ?? 0) : 1));
  const keptGroups = kept.map((call) => groups[call] ?? 0);
  return {
    kept: kept.length,
    errors: kept.length - keptRight.reduce((sum, value) => sum + value, 0),
    coverage:
      threshold === null
        ? NOTHING
        : shareByGroup(
            places.map((call) => Number(isKept.has(call))),
            groups,
          ),
    keptAgreement: shareByGroup(keptRight, keptGroups),
    deliveredAgreement: shareByGroup(delivered, groups),
  };
}

/** Opens the sealed calls under a plan that was fixed before: the loosest threshold with the guarantee, and what belongs to it. Deterministic.
 *  @throws InputError for columns of unequal lengths. */
export function openGate(plan: GatePlan, sealed: CallOutcomes): GateResult {
  assertCalls(sealed, "gate");
  const { risk, delta, test } = plan;
  const passed = pass(sealed, plan);
  const ranked = rank(sealed);
  const calls = ranked.scores.length;
  const mu = calls === 0 ? 1 : (ranked.wrong[calls] ?? 0) / calls;
  const least = risk.promise === "delivered" ? mu - risk.epsilon : (mu - risk.epsilon) / (1 - risk.epsilon);
  return {
    promise: risk.promise,
    threshold: passed?.threshold ?? null,
    epsilon: risk.epsilon,
    delta,
    test,
    sealedCalls: calls,
    sealedGroups: callsByGroup(sealed.groups).length,
    beyondCapRatio: beyondCapRatio(sealed.groups, test.cap),
    ...figuresAt(sealed, passed?.threshold ?? null),
    pValue: passed?.pValue ?? null,
    unguaranteedCoverage: calls === 0 ? 0 : unguaranteedKept(ranked, risk) / calls,
    minimumDeferralRatio: Math.max(0, least),
    curve: curveOf(ranked),
  };
}

/** `planGate` and `openGate` in one. @throws InputError */
export function chooseThreshold({ outOfFold, sealed, ...options }: GateInput): GateResult {
  return openGate(planGate(outOfFold, sealed, options), sealed);
}
