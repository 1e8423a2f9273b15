import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom, type Random } from "../random.js";
import { binomialCdf } from "../stats.js";
import { beyondCapRatio, capFor, shareByGroup, singleCalls, type CallOutcomes } from "./calls.js";
import {
  chooseThreshold,
  figuresAt,
  openGate,
  planGate,
  thresholdOf,
  GATE_STARTS,
  type GatePlan,
  type GateResult,
} from "./gate.js";
import type { Promised } from "./risk-test.js";

/** Uniform scores u, wrong with probability slope (1 - u)^bend: the risk of a threshold is known in closed form. The numbers
 *  resemble a linear model on Banking77: accuracy 0.906, risk 2 % of the kept at coverage 0.82, of all at 0.84. */
const SLOPE = 0.85;
const BEND = 8;
/** The guarantee is conditional on the plan, so that a few sets of out-of-fold calls suffice. */
const DRAWS_PER_PLAN = 100;

function trueRisk(promise: Promised, threshold: number): number {
  const ofKept = (SLOPE / (BEND + 1)) * (1 - threshold) ** BEND;
  return promise === "kept" ? ofKept : ofKept * (1 - threshold);
}

/** Groups of calls; with `alike` a group has one score and one outcome. */
function simulate(groups: number, size: number, random: Random, alike = false, slope = SLOPE): CallOutcomes {
  const [scores, right, members]: [number[], number[], number[]] = [[], [], []];
  for (let group = 0; group < groups; group++) {
    let [score, chance] = [random.float(), random.float()];
    for (let call = 0; call < size; call++) {
      if (!alike && call > 0) [score, chance] = [random.float(), random.float()];
      scores.push(score);
      right.push(chance < slope * (1 - score) ** BEND ? 0 : 1);
      members.push(group);
    }
  }
  return { scores, right, groups: members };
}

interface Trials {
  readonly brokenRatio: number;
  readonly nullRatio: number;
  readonly coverage: number;
}

interface Cell {
  readonly promise: Promised;
  readonly groups: number;
  readonly size: number;
  readonly alike?: boolean;
  readonly outOfFoldSlope?: number;
  readonly draws?: number;
}

function runTrials(cell: Cell, untreated?: (calls: CallOutcomes) => CallOutcomes): Trials {
  const { promise, groups, size, alike = false, outOfFoldSlope = SLOPE, draws = 200 } = cell;
  const random = createRandom(7, JSON.stringify(cell));
  let [broken, nulls, coverage] = [0, 0, 0];
  let plan: GatePlan | undefined;
  for (let draw = 0; draw < draws; draw++) {
    const sealed = (untreated ?? ((calls) => calls))(simulate(groups, size, random, alike));
    if (plan === undefined || draw % DRAWS_PER_PLAN === 0) {
      const outOfFold = simulate(Math.ceil(4000 / size), size, random, alike, outOfFoldSlope);
      plan = planGate((untreated ?? ((calls) => calls))(outOfFold), sealed, { promise });
    }
    const { threshold } = openGate(plan, sealed);
    if (threshold === null) nulls += 1;
    else {
      if (trueRisk(promise, threshold) > 0.02) broken += 1;
      coverage += (1 - threshold) / draws;
    }
  }
  return { brokenRatio: broken / draws, nullRatio: nulls / draws, coverage };
}

/** delta and two standard errors of a share of so many draws. */
const toleratedOf = (draws: number): number => 0.05 + 2 * Math.sqrt((0.05 * 0.95) / draws);
const oracle = (promise: Promised): number => 1 - thresholdAt(promise);

function thresholdAt(promise: Promised): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (trueRisk(promise, middle) > 0.02) low = middle;
    else high = middle;
  }
  return high;
}

describe("the gate's guarantee", () => {
  for (const promise of ["delivered", "kept"] as const) {
    it(`holds for "${promise}" in 600 draws of single calls, at nine tenths of the oracle's coverage`, () => {
      const trials = runTrials({ promise, groups: 1500, size: 1, draws: 600 });
      expect(trials.brokenRatio).toBeLessThanOrEqual(toleratedOf(600));
      expect(trials.coverage).toBeGreaterThan(0.9 * oracle(promise));
    });
    it(`holds for "${promise}" where out-of-fold calls promise too much or too little`, () => {
      for (const outOfFoldSlope of [SLOPE / 2, SLOPE * 1.17]) {
        const trials = runTrials({ promise, groups: 1500, size: 1, outOfFoldSlope });
        expect(trials.brokenRatio).toBeLessThanOrEqual(toleratedOf(200));
        expect(trials.coverage).toBeGreaterThan(0.6 * oracle(promise));
      }
    });
    it(`holds for "${promise}" in groups whose calls are alike, and is broken when they are taken for single calls`, () => {
      for (const size of [2, 5]) {
        const trials = runTrials({ promise, groups: 1500 / size, size, alike: true });
        expect(trials.brokenRatio).toBeLessThanOrEqual(toleratedOf(200));
      }
      const naive = runTrials({ promise, groups: 300, size: 5, alike: true }, ({ scores, right }) =>
        singleCalls(scores, right),
      );
      expect(naive.brokenRatio).toBeGreaterThan(0.12);
    });
  }
  it("uses what independent calls of a group tell: sums keep more than one call of each", () => {
    const { coverage } = runTrials({ promise: "delivered", groups: 600, size: 5, draws: 100 });
    expect(coverage).toBeGreaterThan(0.93 * oracle("delivered"));
  });
  it("is refused in all draws where the score says nothing and the accuracy is 0.76, but for what epsilon allows", () => {
    const random = createRandom(3, "uninformative");
    const draw = (count: number): CallOutcomes =>
      singleCalls(
        Float64Array.from({ length: count }, () => random.float()),
        Float64Array.from({ length: count }, () => Number(random.float() < 0.76)),
      );
    const [outOfFold, like] = [draw(2000), draw(600)];
    const [ofKept, ofAll] = [planGate(outOfFold, like, { promise: "kept" }), planGate(outOfFold, like)];
    let [kept, most] = [0, 0];
    for (let trial = 0; trial < 300; trial++) {
      const sealed = draw(600);
      if (openGate(ofKept, sealed).threshold !== null) kept += 1;
      most = Math.max(most, openGate(ofAll, sealed).coverage.value);
    }
    expect(kept).toBe(0);
    // Of all answers 2 % may differ: a twelfth of the calls kept at random is within that.
    expect(most).toBeLessThan(0.12);
  });
  it("counts shares of right answers as they are: answers six to four are never kept", () => {
    const calls: CallOutcomes = {
      scores: Float64Array.from({ length: 1500 }, (_, i) => (i + 1) / 1501),
      right: new Float64Array(1500).fill(0.6),
      groups: Int32Array.from({ length: 1500 }, (_, i) => i),
      shared: true,
    };
    for (const promise of ["delivered", "kept"] as const) {
      const result = chooseThreshold({ outOfFold: calls, sealed: calls, promise });
      expect(result.test.kind).toBe("betting");
      expect(result.coverage.value).toBeLessThan(0.05);
    }
  });
});

describe("the walk of delivered", () => {
  const faultless = (count: number): CallOutcomes =>
    singleCalls(
      Float64Array.from({ length: count }, (_, i) => (i + 1) / (count + 1)),
      new Float64Array(count).fill(1),
    );
  /** The calls with the lowest scores but for one are wrong: `wrong` of them among the kept ones at most. */
  function allowed(count: number): number {
    let most = -1;
    for (let wrong = 0; wrong < 40; wrong++) if (binomialCdf(wrong, count, 0.02) <= 0.05) most = wrong;
    return most;
  }
  it("allows no kept and wrong call of 160, two of 374, twenty of 1,500", () => {
    expect([160, 374, 1500].map(allowed)).toEqual([0, 2, 20]);
    for (const [count, wrong] of [
      [160, 0],
      [374, 2],
      [1500, 20],
    ] as const) {
      for (const faults of [wrong, wrong + 1]) {
        const sealed = faultless(count);
        const right = Float64Array.from({ length: count }, (_, i) => (i < faults ? 0 : 1));
        const result = chooseThreshold({ outOfFold: faultless(400), sealed: { ...sealed, right } });
        // The faults have the lowest scores: with one more than is allowed the walk ends just above the last of them.
        expect(result.errors).toBe(Math.min(faults, wrong));
        expect(result.kept).toBe(count - Math.max(0, faults - wrong));
        expect(result.threshold === 0).toBe(faults === wrong);
      }
    }
  });
  it("finds nothing with 148 faultless calls and keeps all of 149", () => {
    expect(chooseThreshold({ outOfFold: faultless(400), sealed: faultless(148) }).threshold).toBeNull();
    expect(chooseThreshold({ outOfFold: faultless(400), sealed: faultless(149) }).threshold).toBe(0);
  });
  it("takes epsilon and delta as they are given", () => {
    const needed = (epsilon: number, delta: number): number => {
      let count = 1;
      while (
        chooseThreshold({ outOfFold: faultless(400), sealed: faultless(count), epsilon, delta }).threshold === null
      )
        count++;
      return count;
    };
    expect(needed(0.04, 0.05)).toBe(74);
    expect(needed(0.02, 0.5)).toBe(35);
  });
});

describe("the gate's result", () => {
  const random = createRandom(11, "result");
  const [outOfFold, sealed] = [simulate(6000, 1, random), simulate(1500, 1, random)];
  const gate = (promise: Promised, calls = sealed): GateResult =>
    chooseThreshold({ outOfFold, sealed: calls, promise });

  for (const promise of ["delivered", "kept"] as const) {
    it(`counts the kept calls and their errors at its threshold (${promise})`, () => {
      const result = gate(promise);
      const threshold = result.threshold ?? 1;
      const keptCalls = Array.from({ length: 1500 }, (_, i) => i).filter((i) => (sealed.scores[i] ?? 0) >= threshold);
      expect(result.kept).toBe(keptCalls.length);
      expect(result.errors).toBe(keptCalls.filter((i) => sealed.right[i] === 0).length);
      expect(result.coverage.value).toBeCloseTo(result.kept / 1500, 12);
      expect(result.keptAgreement.value).toBeCloseTo(1 - result.errors / result.kept, 12);
      expect(result.deliveredAgreement.value).toBeCloseTo(1 - result.errors / 1500, 12);
      const calls = promise === "delivered" ? 1500 : result.kept;
      expect(result.pValue).toBeCloseTo(binomialCdf(result.errors, calls, 0.02), 12);
      expect(result).toMatchObject({ promise, epsilon: 0.02, delta: 0.05, sealedCalls: 1500, sealedGroups: 1500 });
    });
    it(`does not depend on the order of single sealed calls (${promise})`, () => {
      const reversed = {
        scores: Array.from(sealed.scores).toReversed(),
        right: Array.from(sealed.right).toReversed(),
        groups: sealed.groups,
      };
      expect(gate(promise, reversed)).toEqual(gate(promise));
    });
    it(`keeps calls of equal score together (${promise})`, () => {
      const right = Float64Array.from({ length: 1000 }, (_, i) => (i < 970 ? 1 : 0));
      const tied = singleCalls(new Float64Array(1000).fill(0.9), right);
      const result = chooseThreshold({ outOfFold: tied, sealed: tied, promise });
      expect(result).toMatchObject({ threshold: null, pValue: null, unguaranteedCoverage: 0 });
    });
  }
  it("draws a curve from coverage 1 to the strictest calls in at most 200 points", () => {
    const { curve } = gate("delivered");
    expect(curve.length).toBeLessThanOrEqual(200);
    expect(curve[0]?.[0]).toBe(1);
    const coverages = curve.map(([coverage]) => coverage);
    expect(coverages).toEqual([...coverages].sort((a, b) => b - a));
    const best = Array.from(sealed.scores, (_, call) => call).sort(
      (a, b) => (sealed.scores[b] ?? 0) - (sealed.scores[a] ?? 0),
    );
    for (const [coverage, wrong] of curve) {
      const kept = best.slice(0, Math.round(coverage * 1500));
      expect(wrong).toBeCloseTo(kept.filter((call) => sealed.right[call] === 0).length / kept.length, 12);
    }
  });
  it("states the most that calls of equal scores could keep within the risk that was observed, without a guarantee", () => {
    const draws = createRandom(13, "observed");
    for (let round = 0; round < 40; round++) {
      const scores = Array.from({ length: 120 }, () => (1 + draws.int(30)) / 40);
      const right = scores.map((score) => Number(draws.float() > 0.2 * (1 - score)));
      const calls = singleCalls(scores, right);
      for (const promise of ["delivered", "kept"] as const) {
        const most = Math.max(
          0,
          ...scores.map((threshold) => {
            const kept = scores.flatMap((score, i) => (score >= threshold ? [i] : []));
            const wrong = kept.filter((i) => right[i] === 0).length;
            return wrong <= 0.05 * (promise === "kept" ? kept.length : 120) + 1e-9 ? kept.length : 0;
          }),
        );
        const result = chooseThreshold({ outOfFold: calls, sealed: calls, promise, epsilon: 0.05 });
        expect(result.unguaranteedCoverage).toBeCloseTo(most / 120, 12);
      }
    }
    // Two of a hundred wrong are two per cent.
    const exact = singleCalls(
      new Float64Array(100).fill(0.5),
      Float64Array.from({ length: 100 }, (_, i) => Number(i > 1)),
    );
    expect(chooseThreshold({ outOfFold: exact, sealed: exact }).unguaranteedCoverage).toBe(1);
  });
  it("names the same threshold without the figures", () => {
    for (const promise of ["delivered", "kept"] as const) {
      const plan = planGate(outOfFold, sealed, { promise });
      expect(thresholdOf(plan, sealed)).toBe(openGate(plan, sealed).threshold);
      expect(thresholdOf(plan, sealed)).not.toBeNull();
      expect(thresholdOf(plan, singleCalls([], []))).toBeNull();
    }
  });
  it("states what even a perfect score must defer", () => {
    const right = Float64Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 0 : 1));
    const calls = singleCalls(
      Float64Array.from({ length: 1000 }, (_, i) => (i + 1) / 1001),
      right,
    );
    const at = (promise: Promised): number =>
      chooseThreshold({ outOfFold: calls, sealed: calls, promise }).minimumDeferralRatio;
    expect(at("kept")).toBeCloseTo(0.08 / 0.98, 12);
    expect(at("delivered")).toBeCloseTo(0.08, 12);
  });
  it("keeps everything with threshold 0 where the student is never wrong", () => {
    const perfect = singleCalls(sealed.scores, new Float64Array(1500).fill(1));
    for (const promise of ["delivered", "kept"] as const)
      expect(chooseThreshold({ outOfFold: perfect, sealed: perfect, promise })).toMatchObject({
        threshold: 0,
        kept: 1500,
      });
  });
  it("has no threshold without sealed calls, and refuses unequal lengths and no out-of-fold calls", () => {
    const none = singleCalls([], []);
    for (const promise of ["delivered", "kept"] as const)
      expect(chooseThreshold({ outOfFold, sealed: none, promise })).toMatchObject({
        threshold: null,
        pValue: null,
        kept: 0,
        unguaranteedCoverage: 0,
        curve: [],
      });
    expect(chooseThreshold({ outOfFold, sealed: none }).minimumDeferralRatio).toBeCloseTo(0.98, 12);
    expect(() => chooseThreshold({ outOfFold: { ...outOfFold, right: [1] }, sealed })).toThrow(InputError);
    expect(() => chooseThreshold({ outOfFold: none, sealed })).toThrow(InputError);
    expect(() => chooseThreshold({ outOfFold, sealed: { ...sealed, right: [1] } })).toThrow(InputError);
  });
  it("never shares more than delta among the starts of kept", () => {
    expect(GATE_STARTS.reduce((sum, { deltaRatio }) => sum + deltaRatio, 0)).toBeLessThanOrEqual(1 + 1e-9);
    const { candidates } = planGate(outOfFold, sealed, { promise: "kept" });
    expect(candidates.reduce((sum, { deltaRatio }) => sum + deltaRatio, 0)).toBeLessThanOrEqual(1 + 1e-9);
  });
  it("fixes its plan without looking at a sealed outcome", () => {
    const wrong = { ...sealed, right: new Float64Array(1500) };
    for (const promise of ["delivered", "kept"] as const)
      expect(planGate(outOfFold, wrong, { promise })).toEqual(planGate(outOfFold, sealed, { promise }));
  });

  it("chooses the test of grouped calls by out-of-fold outcomes and sealed sizes alone", () => {
    const random = createRandom(5, "grouped plans");
    const [alike, independent] = [simulate(300, 5, random, true), simulate(300, 5, random)];
    for (const promise of ["delivered", "kept"] as const) {
      const planOf = (from: CallOutcomes, opened: Pick<CallOutcomes, "groups">): GatePlan["test"] =>
        planGate(from, opened, { promise }).test;
      expect(planOf(alike, independent)).toEqual(planOf(alike, { groups: independent.groups }));
      expect(planOf(alike, independent)).not.toEqual(planOf(independent, alike));
    }
  });
});

describe("a few groups among single calls", () => {
  /** `groups` pairs, the other calls single; a pair is right or wrong as one, `factor` times as often wrong as a single call. */
  function withPairs(calls: number, pairs: number, random: Random, factor: number): CallOutcomes {
    const risk = (SLOPE * calls) / (calls - 2 * pairs + factor * 2 * pairs);
    const single = simulate(calls - 2 * pairs, 1, random, false, risk);
    const paired = simulate(pairs, 2, random, true, factor * risk);
    return {
      scores: [...Array.from(single.scores), ...Array.from(paired.scores)],
      right: [...Array.from(single.right), ...Array.from(paired.right)],
      groups: [...Array.from(single.groups), ...Array.from(paired.groups, (group) => calls + group)],
    };
  }
  it("cost hardly any coverage, and the promise holds also where they are wrong up to eight times as often", () => {
    for (const factor of [1, 2, 8]) {
      const random = createRandom(9, `pairs ${factor}`);
      const outOfFold = withPairs(4000, 160, random, factor);
      const plan = planGate(outOfFold, withPairs(1500, 60, random, factor));
      expect(plan.test).toEqual({ kind: "binomial", cap: 2 });
      let [broken, coverage] = [0, 0];
      for (let draw = 0; draw < 400; draw++) {
        const { threshold } = openGate(plan, withPairs(1500, 60, random, factor));
        if (threshold !== null && trueRisk("delivered", threshold) > 0.02) broken += 1;
        coverage += (1 - (threshold ?? 1)) / 400;
      }
      expect(broken / 400).toBeLessThanOrEqual(toleratedOf(400));
      if (factor < 8) expect(coverage).toBeGreaterThan(0.93 * oracle("delivered"));
    }
  });

  it("count as many of their calls as still show that all of the risk lies in them", () => {
    const capOf = (calls: number): number => {
      const groups = Array.from({ length: calls }, (_, i) => (i < calls / 20 ? -1 - Math.floor(i / 10) : i));
      const outcomes = { scores: new Float64Array(calls).fill(0.5), right: new Float64Array(calls).fill(1), groups };
      return planGate(outcomes, outcomes).test.cap;
    };
    // exp(-0.02 calls / cap) <= 0.025
    expect([160, 400, 1000, 1500, 3000].map(capOf)).toEqual([1, 2, 5, 5, 10]);
  });

  it("beyond the cap are held against the threshold: the observed risk of all calls is within epsilon too", () => {
    // One group of 80 calls, all wrong, at the end of the scores: the test counts ten of them at most.
    const groups = Array.from({ length: 3000 }, (_, i) => (i < 2920 ? i : -1));
    const sealed: CallOutcomes = {
      scores: groups.map((_, i) => 1 - (i + 1) / 3001),
      right: groups.map((group) => Number(group >= 0)),
      groups,
    };
    for (const promise of ["delivered", "kept"] as const) {
      const { threshold, errors, kept } = chooseThreshold({ outOfFold: sealed, sealed, promise });
      expect(threshold).not.toBeNull();
      expect(errors).toBeLessThanOrEqual(0.02 * (promise === "kept" ? kept : 3000));
    }
  });

  it("beyond the cap can rule out every threshold", () => {
    // One group of 80 calls of the highest score, all wrong: whatever is kept, they are kept too.
    const groups = Array.from({ length: 3000 }, (_, i) => (i < 80 ? -1 : i));
    const sealed: CallOutcomes = {
      scores: groups.map((_, i) => (i < 80 ? 0.99 : 0.9 - i / 4000)),
      right: groups.map((group) => Number(group >= 0)),
      groups,
    };
    const fine = { ...sealed, right: new Float64Array(3000).fill(1) };
    for (const promise of ["delivered", "kept"] as const) {
      expect(chooseThreshold({ outOfFold: fine, sealed: fine, promise }).threshold).toBe(0);
      expect(chooseThreshold({ outOfFold: fine, sealed, promise }).threshold).toBeNull();
    }
  });

  it("leave a faultless student of 165 calls its promise", () => {
    const groups = Array.from({ length: 165 }, (_, i) => (i < 10 ? Math.floor(i / 2) : i));
    const scores = Array.from(groups, (_, i) => (i + 1) / 166);
    const calls = { scores, right: new Float64Array(165).fill(1), groups };
    expect(chooseThreshold({ outOfFold: calls, sealed: calls })).toMatchObject({ threshold: 0, sealedGroups: 160 });
  });
});

describe("calls in groups", () => {
  it("are cut where hardly any call lies beyond the cap", () => {
    const groups = [...Array.from({ length: 995 }, (_, i) => i), ...new Array<number>(5).fill(-1)];
    expect(beyondCapRatio(groups, 1)).toBeCloseTo(0.004, 12);
    expect(capFor(groups, 0.005)).toBe(1);
    expect(capFor(groups, 0.0005)).toBe(5);
    expect(
      capFor(
        Array.from({ length: 100 }, (_, i) => i % 10),
        0.005,
      ),
    ).toBe(10);
    expect(capFor(new Array<number>(10_000).fill(0), 0.005)).toBe(10);
  });
  it("are counted by the test as at most the cap, and figures count them all", () => {
    const scores = new Float64Array(1000).fill(0.5);
    const groups = Array.from({ length: 1000 }, (_, i) => (i < 900 ? i : -1));
    const calls: CallOutcomes = { scores, right: new Float64Array(1000).fill(1), groups };
    const result = chooseThreshold({ outOfFold: calls, sealed: calls });
    expect(result).toMatchObject({ sealedCalls: 1000, sealedGroups: 901, beyondCapRatio: 0.095, test: { cap: 5 } });
  });
  it("widen the interval of a share to that of as many groups where they are alike", () => {
    const values = Float64Array.from({ length: 500 }, (_, i) => (Math.floor(i / 5) % 10 === 0 ? 0 : 1));
    const grouped = shareByGroup(
      values,
      Array.from({ length: 500 }, (_, i) => Math.floor(i / 5)),
    );
    const single = shareByGroup(
      values,
      Array.from({ length: 500 }, (_, i) => i),
    );
    expect(grouped.value).toBe(single.value);
    expect((grouped.high - grouped.low) / (single.high - single.low)).toBeCloseTo(Math.sqrt(5), 0);
  });
  it("give no certainty by many equal calls of few groups", () => {
    const ones = new Float64Array(100).fill(1);
    const groups = Array.from({ length: 100 }, (_, i) => i % 4);
    expect(shareByGroup(ones, groups).low).toBeLessThan(0.5);
    expect(shareByGroup(ones, Array.from(groups.keys())).low).toBeGreaterThan(0.9);
  });
});

describe("figuresAt", () => {
  it("counts a score at the threshold as kept", () => {
    const calls = singleCalls([0.1, 0.5, 0.9], [0, 1, 1]);
    expect(figuresAt(calls, 0.5)).toMatchObject({ kept: 2, errors: 0, coverage: { value: 2 / 3 } });
    const groups = [0, 0, 1, 1, 2, 2, 3, 3];
    const scores = groups.map((group) => 0.9 - group / 10);
    const right = groups.map((group) => Number(group !== 1));
    expect(figuresAt({ scores, right, groups }, 0.65).keptAgreement).toEqual(
      shareByGroup(right.slice(0, 6), groups.slice(0, 6)),
    );
    expect(figuresAt(calls, null)).toMatchObject({ kept: 0, coverage: { value: 0 }, deliveredAgreement: { value: 1 } });
  });
});
