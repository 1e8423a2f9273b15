/** @file How the gate of the kept answers walks: which thresholds it tries, which share of delta each holds, and how it is handed on. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { binomialCdf } from "../stats.js";
import { singleCalls } from "./calls.js";
import { openGate, planGate } from "./gate.js";

describe("the candidates of kept", () => {
  const random = createRandom(17, "candidates");
  const scores = Array.from({ length: 2000 }, () => random.float());
  const outOfFold = singleCalls(
    scores,
    scores.map((score) => Number(random.float() >= 0.85 * (1 - score) ** 8)),
  );
  const tied = singleCalls(
    Array.from(outOfFold.scores, (score) => Math.ceil(20 * score) / 20),
    outOfFold.right,
  );
  const like = { groups: Array.from({ length: 700 }, (_, i) => i) };

  it.each([
    ["of scores that all differ", outOfFold, 100],
    ["of twenty scores", tied, 21],
  ])("are %s: strictest first, the last one keeping all, each with its out-of-fold figures", (_, from, count) => {
    const { candidates } = planGate(from, like, { promise: "kept", epsilon: 0.03 });
    const thresholds = candidates.map(({ threshold }) => threshold);
    expect(thresholds).toEqual([...new Set(thresholds)].sort((a, b) => b - a));
    expect(candidates).toHaveLength(count);
    expect(candidates.at(-1)).toMatchObject({ threshold: 0, coverage: 1 });
    for (const { threshold, coverage, risk, predictedP } of candidates) {
      const kept = Array.from(from.scores, (_score, i) => i).filter((i) => (from.scores[i] ?? 0) >= threshold);
      const wrong = kept.filter((i) => from.right[i] === 0).length;
      expect(coverage).toBe(kept.length / 2000);
      // Half an error more, so that nothing seen wrong is not taken for no risk.
      expect(risk).toBeCloseTo((wrong + 0.5) / (kept.length + 1), 12);
      const sealedKept = Math.round(coverage * 700);
      expect(predictedP).toBeCloseTo(binomialCdf(Math.round(risk * sealedKept), sealedKept, 0.03), 12);
    }
    if (from === outOfFold)
      expect(candidates.map(({ coverage }) => Math.round(100 * coverage))).toEqual(
        Array.from({ length: 100 }, (_each, i) => i + 1),
      );
  });

  it("hold nearly all of delta at the safest prediction, the strictest of equal ones, and a tenth where three tenths less are kept", () => {
    const { candidates } = planGate(outOfFold, like, { promise: "kept" });
    const best = Math.min(...candidates.map(({ predictedP }) => predictedP));
    const safest = candidates.findIndex(({ predictedP }) => predictedP === best);
    const wanted = 0.7 * (candidates[safest]?.coverage ?? 0);
    const gaps = candidates.map(({ coverage }) => Math.abs(coverage - wanted));
    const strict = gaps.indexOf(Math.min(...gaps));
    expect(candidates.map(({ deltaRatio }) => deltaRatio)).toEqual(
      candidates.map((_, i) => (i === safest ? 0.9 : i === strict ? 0.1 : 0)),
    );
    // Where nothing can be told apart both starts are one: it holds all of delta.
    const same = singleCalls(new Float64Array(400).fill(0.5), new Float64Array(400).fill(1));
    expect(planGate(same, like, { promise: "kept" }).candidates.map(({ deltaRatio }) => deltaRatio)).toEqual([1, 0]);
  });

  it("are none of delivered, which searches without spending any of delta", () => {
    expect(planGate(outOfFold, like).candidates).toEqual([]);
  });
});

describe("the walk of kept", () => {
  /** Twenty calls of high score, half of them right, above 2,000 of middle score, all right. */
  const scores = Array.from({ length: 2020 }, (_, i) => (i < 20 ? 0.9 : 0.5));
  const calls = singleCalls(
    scores,
    scores.map((_, i) => Number(i >= 10)),
  );
  const thresholdOf = (
    deltaRatios: readonly [number, number],
    thresholds: readonly [number, number],
    sealed = calls,
  ) => {
    const candidates = thresholds.map((threshold, i) => {
      return { threshold, deltaRatio: deltaRatios[i] ?? 0, coverage: 0, risk: 0, predictedP: 0 };
    });
    const risk = { promise: "kept", epsilon: 0.02 } as const;
    return openGate({ risk, delta: 0.05, seed: 1, test: { kind: "binomial", cap: 1 }, candidates }, sealed).threshold;
  };

  it("loses the level of a candidate that fails, however well looser ones do", () => {
    expect(thresholdOf([1, 0], [0.9, 0.5])).toBeNull();
    expect(thresholdOf([0.5, 0.5], [0.9, 0.5])).toBe(0.5);
  });

  it("hands the level of a candidate that passes to the next, and no more than that", () => {
    expect(thresholdOf([1, 0], [0.5, 0.4])).toBe(0.4);
    expect(thresholdOf([0, 1], [0.9, 0.5])).toBe(0.5);
  });

  it("compares a p-value with the level that its candidate holds", () => {
    const right = singleCalls(new Float64Array(149).fill(0.9), new Float64Array(149).fill(1));
    const at = (deltaRatio: number) => thresholdOf([deltaRatio, 0], [0.9, 0.5], right);
    expect(0.98 ** 149).toBeCloseTo(0.05 * 0.986, 4);
    expect([at(1), at(0.98)]).toEqual([0.5, null]);
  });
});
