/** @file Tests of a promise on a sample of calls: for a threshold the p-value of "the promise is broken there". Single calls with 0/1 outcomes
 *  have the exact binomial test; with a few groups among them it is maximised over how the risk may be split. Many groups have sums: X_g = (kept and wrong calls) - epsilon x (calls), or x (kept calls), and the null E[X_g] >= 0
 *  is tested by a betting martingale (Waudby-Smith and Ramdas 2024) over groups in drawn order, or by one call a group. Which one is used is
 *  chosen on out-of-fold calls. Knows no start and no walk; those are gate.ts's. */
import { createRandom, type Random } from "../random.js";
import { binomialCdf } from "../stats.js";
import { fewGroupsPValue } from "./few-groups.js";
import { callsByGroup, capFor, CAPS, drawnGroups, isBinary, type CallOutcomes } from "./calls.js";

/** `delivered`: of all answers that leave the cascade at most epsilon differ, P(kept and wrong) <= epsilon. `kept`: at most epsilon of the
 *  kept answers differ. */
export type Promised = "delivered" | "kept";

export interface Risk {
  readonly promise: Promised;
  /** Largest risk, a ratio. */
  readonly epsilon: number;
}

/** How a promise is tested; fixed before the sealed calls are opened. */
export interface RiskTest {
  readonly kind: "binomial" | "one-call" | "betting";
  /** Calls of one group that count at most. */
  readonly cap: number;
  /** Of betting: the stake as a share of the largest that cannot lose everything. */
  readonly stakeRatio?: number;
}

/** Calls as a test sees them: entries by falling score, each of a group, groups in drawn order. */
export interface Sample {
  readonly scores: Float64Array;
  readonly wrong: Float64Array;
  /** Place of each entry's group in the drawn order. */
  readonly groups: Int32Array;
  /** Calls of each group. */
  readonly sizes: Float64Array;
}

/** Calls beyond the cap are at most this share of epsilon: what they hide is small beside what is promised. */
const BEYOND_CAP_RATIO = 0.25;
const STAKES = [0.1, 0.25, 0.42, 0.6, 0.8, 0.999] as const;
/** Up to this share of the calls in groups of several the exact test is taken, with wrong groups wholly wrong. */
const FEW_GROUPED_RATIO = 0.1;
/** Draws on which the test is chosen. */
const TRIALS = 20;

/** Places of calls by falling score. */
function ranksOf(scores: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: scores.length }, (_, call) => call).sort(
    (a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b,
  );
  const ranks = new Float64Array(order.length);
  for (const [rank, call] of order.entries()) ranks[call] = rank;
  return ranks;
}

function sampleOf(calls: CallOutcomes, drawn: readonly (readonly number[])[], ranks = ranksOf(calls.scores)): Sample {
  const sizes = Float64Array.from(drawn, ({ length }) => length);
  const keys = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
  const byRank = new Uint32Array(ranks.length);
  let at = 0;
  for (const [place, group] of drawn.entries()) {
    for (const call of group) {
      const rank = ranks[call] ?? 0;
      byRank[rank] = call;
      keys[at++] = rank * drawn.length + place;
    }
  }
  keys.sort();
  const { scores, right } = calls;
  const callAt = (key: number): number => byRank[Math.floor(key / drawn.length)] ?? 0;
  return {
    scores: keys.map((key) => scores[callAt(key)] ?? 0),
    wrong: keys.map((key) => 1 - (right[callAt(key)] ?? 0)),
    groups: Int32Array.from(keys, (key) => key % drawn.length),
    sizes,
  };
}

/** One call of a group, drawn, and the group itself with a probability proportional to its calls: each call is as likely as any other. */
function oneCallEach(
  drawn: readonly (readonly number[])[],
  cap: number,
  random: Random,
): readonly (readonly number[])[] {
  return drawn.flatMap((group) =>
    random.float() * cap < group.length ? [[group[random.int(group.length)] ?? 0]] : [],
  );
}

/** The calls that a test looks at, drawn by the seed alone. */
export function drawSample(calls: CallOutcomes, test: RiskTest, seed: number): Sample {
  const drawn = drawnGroups(calls.groups, test.cap, seed);
  if (test.kind !== "one-call") return sampleOf(calls, drawn);
  return sampleOf(calls, oneCallEach(drawn, test.cap, createRandom(seed, "gate calls")));
}

/** How many of the entries have a score of at least `threshold`. */
export function countKept({ scores }: Sample, threshold: number): number {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((scores[middle] ?? 0) >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Wrong among the first `kept` entries, shares added. */
export function wrongAmong({ wrong }: Sample, kept: number): number {
  let sum = 0;
  for (let i = 0; i < kept; i++) sum += wrong[i] ?? 0;
  return sum;
}

/** Calls of each group, and wrong ones, among the first `kept` entries. */
function keptByGroup({ groups, sizes, wrong }: Sample, kept: number): { calls: Float64Array; wrong: Float64Array } {
  const found = { calls: new Float64Array(sizes.length), wrong: new Float64Array(sizes.length) };
  for (let i = 0; i < kept; i++) {
    const group = groups[i] ?? 0;
    found.calls[group] = (found.calls[group] ?? 0) + 1;
    found.wrong[group] = (found.wrong[group] ?? 0) + (wrong[i] ?? 0);
  }
  return found;
}

function binomialPValue(sample: Sample, kept: number, { promise, epsilon }: Risk): number {
  const wrong = Math.round(wrongAmong(sample, kept));
  const calls = promise === "delivered" ? sample.scores.length : kept;
  if (calls === 0) return 1;
  if (sample.sizes.length === sample.scores.length) return binomialCdf(wrong, calls, epsilon);
  const found = keptByGroup(sample, kept);
  const sizes = promise === "delivered" ? sample.sizes : found.calls.filter((size) => size > 0);
  const wrongByGroup = promise === "delivered" ? found.wrong : found.wrong.filter((_, i) => (found.calls[i] ?? 0) > 0);
  return fewGroupsPValue(sizes, wrongByGroup, epsilon);
}

/** 1 / the largest wealth of a gambler who bets against the null, group after group (Ville's inequality). */
function bettingPValue(sample: Sample, kept: number, { promise, epsilon }: Risk, test: RiskTest): number {
  const { sizes, groups, wrong } = sample;
  const sums = promise === "delivered" ? sizes.map((size) => -epsilon * size) : new Float64Array(sizes.length);
  const charge = promise === "delivered" ? 0 : epsilon;
  for (let i = 0; i < kept; i++) sums[groups[i] ?? 0] = (sums[groups[i] ?? 0] ?? 0) + (wrong[i] ?? 0) - charge;
  const stake = (test.stakeRatio ?? 0.5) / (test.cap * (1 - epsilon));
  let [wealth, most] = [0, 0];
  for (const sum of sums) {
    wealth += Math.log1p(-stake * sum);
    if (wealth > most) most = wealth;
  }
  return Math.exp(-most);
}

/** P-value of the null "the promise is broken where the first `kept` entries are kept". Under it P(p <= a) <= a for every a. */
export function riskPValue(sample: Sample, kept: number, risk: Risk, test: RiskTest): number {
  return test.kind === "betting" ? bettingPValue(sample, kept, risk, test) : binomialPValue(sample, kept, risk);
}

/** The most entries that can be kept while the p-value stays within `level`, walking from strict to loose and stopping at the first failure;
 *  entries of equal score stay together. For `delivered` alone, whose p-value never falls on the way: hence by bisection. */
export function deliveredKept(sample: Sample, risk: Risk, test: RiskTest, level: number): number {
  const ends = boundaries(sample);
  let [low, high] = [-1, ends.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (riskPValue(sample, ends[middle] ?? 0, risk, test) <= level) low = middle;
    else high = middle;
  }
  return ends[low] ?? 0;
}

/** Numbers of entries above each distinct score, ascending. */
function boundaries({ scores }: Sample): number[] {
  const ends: number[] = [];
  for (let i = 1; i <= scores.length; i++) if (i === scores.length || scores[i] !== scores[i - 1]) ends.push(i);
  return ends;
}

/** Draws samples of so many groups from out-of-fold calls, with replacement; groups are cut as the test cuts them. */
export function sampler(calls: CallOutcomes, cap: number, seed: number): (count: number, random: Random) => Sample {
  const ranks = ranksOf(calls.scores);
  const groups = drawnGroups(calls.groups, cap, seed);
  return (count, random) =>
    sampleOf(
      calls,
      Array.from({ length: groups.length === 0 ? 0 : count }, () => groups[random.int(groups.length)] ?? []),
      ranks,
    );
}

/** Share of the calls that stand in groups of several, each cut at the cap. */
function groupedRatio(groups: ArrayLike<number>, cap: number): number {
  const sizes = callsByGroup(groups).map(({ length }) => Math.min(cap, length));
  const calls = (some: readonly number[]): number => some.reduce((sum, size) => sum + size, 0);
  return calls(sizes.filter((size) => size > 1)) / Math.max(1, calls(sizes));
}

function options(cap: number, hasShares: boolean): RiskTest[] {
  const betting = STAKES.map((stakeRatio): RiskTest => ({ kind: "betting", cap, stakeRatio }));
  return hasShares ? betting : [...betting, { kind: "one-call", cap }];
}

/** Coverage that a test of the options reaches on one draw; for `kept` the loosest that a single test at half of the level passes. */
function coverageOf(sample: Sample, risk: Risk, test: RiskTest, level: number): number {
  if (risk.promise === "delivered") return deliveredKept(sample, risk, test, level) / Math.max(1, sample.scores.length);
  const ends = boundaries(sample);
  const stride = Math.max(1, Math.floor(ends.length / 50));
  for (let i = ends.length - 1; i >= 0; i -= stride) {
    if (riskPValue(sample, ends[i] ?? 0, risk, test) <= level / 2) return (ends[i] ?? 0) / sample.scores.length;
  }
  return 0;
}

/** The largest cap under which it would be seen that all of the risk lies in groups of that size: with `expected` wrong calls, that none of
 *  them is drawn has a probability of at most half of delta. */
function bearableCap(expected: number, delta: number): number {
  return CAPS.findLast((cap) => Math.exp(-expected / cap) <= delta / 2) ?? 1;
}

/** The test for `sealed` calls, chosen on out-of-fold calls: of the sealed ones only the sizes of their groups are looked at. */
export function chooseTest(
  outOfFold: CallOutcomes,
  sealed: Pick<CallOutcomes, "groups" | "shared">,
  risk: Risk,
  { delta, seed }: { readonly delta: number; readonly seed: number },
): RiskTest {
  const ratio = risk.epsilon * BEYOND_CAP_RATIO;
  const cap = Math.max(capFor(outOfFold.groups, ratio), capFor(sealed.groups, ratio));
  const hasShares = sealed.shared === true || !isBinary(outOfFold.right);
  const grouped = Math.max(groupedRatio(outOfFold.groups, cap), groupedRatio(sealed.groups, cap));
  if (grouped <= FEW_GROUPED_RATIO && !hasShares)
    return { kind: "binomial", cap: Math.min(cap, bearableCap(sealed.groups.length * risk.epsilon, delta)) };
  const random = createRandom(seed, "gate test");
  const draw = sampler(outOfFold, cap, seed);
  const count = callsByGroup(sealed.groups).length;
  const tests = options(cap, hasShares);
  const totals = tests.map(() => 0);
  for (let trial = 0; trial < TRIALS; trial++) {
    const sample = draw(count, random);
    const single = thinned(sample, cap, random);
    for (const [i, test] of tests.entries())
      totals[i] = (totals[i] ?? 0) + coverageOf(test.kind === "one-call" ? single : sample, risk, test, delta);
  }
  const best = totals.reduce((a, total, i) => (total > (totals[a] ?? 0) + 1e-9 ? i : a), Math.floor(STAKES.length / 2));
  return tests[best] ?? { kind: "betting", cap, stakeRatio: 0.42 };
}

/** One drawn entry of each group of a sample, as `one-call` takes them. */
function thinned({ scores, wrong, groups, sizes }: Sample, cap: number, random: Random): Sample {
  const wanted = Int32Array.from(sizes, (size) => (random.float() * cap < size ? random.int(size) : -1));
  const seen = new Int32Array(sizes.length);
  const taken: number[] = [];
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] ?? 0;
    if (wanted[group] === seen[group]) taken.push(i);
    seen[group] = (seen[group] ?? 0) + 1;
  }
  return {
    scores: Float64Array.from(taken, (i) => scores[i] ?? 0),
    wrong: Float64Array.from(taken, (i) => wrong[i] ?? 0),
    groups: Int32Array.from(taken, (_, place) => place),
    sizes: new Float64Array(taken.length).fill(1),
  };
}
