/** @file P-values of a broken promise, each by a second formulation: sums over all outcomes, products by hand, a walk step by step. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { binomialCdf } from "../stats.js";
import type { CallOutcomes } from "./calls.js";
import { fewGroupsPValue } from "./few-groups.js";
import {
  countKept,
  deliveredKept,
  drawSample,
  riskPValue,
  wrongAmong,
  type Risk,
  type RiskTest,
  type Sample,
} from "./risk-test.js";

const BINOMIAL: RiskTest = { kind: "binomial", cap: 3 };
const delivered: Risk = { promise: "delivered", epsilon: 0.1 };
const kept: Risk = { promise: "kept", epsilon: 0.1 };

/** Entries of falling score, each of a group. */
function sampleOf(
  wrong: readonly number[],
  groups: readonly number[],
  scores = wrong.map((_, i) => 1 - i / 100),
): Sample {
  const sizes = new Float64Array(Math.max(...groups) + 1);
  for (const group of groups) sizes[group] = (sizes[group] ?? 0) + 1;
  return { scores: Float64Array.from(scores), wrong: Float64Array.from(wrong), groups: Int32Array.from(groups), sizes };
}

describe("entries of a sample", () => {
  it("are kept from their threshold on, equal scores too", () => {
    const sample = sampleOf([0, 1, 0, 0.5], [0, 1, 2, 3], [0.9, 0.5, 0.5, 0.1]);
    expect([0.95, 0.9, 0.5, 0.3, 0].map((threshold) => countKept(sample, threshold))).toEqual([0, 1, 3, 3, 4]);
    expect([0, 2, 4].map((count) => wrongAmong(sample, count))).toEqual([0, 1, 1.5]);
  });

  it("are those of groups cut at the cap, by falling score, with their shares of right answers", () => {
    const random = createRandom(1, "sample");
    const calls: CallOutcomes = {
      scores: Array.from({ length: 90 }, () => random.int(40) / 40),
      right: Array.from({ length: 90 }, () => random.int(5) / 4),
      groups: Array.from({ length: 90 }, (_, i) => (i < 30 ? i : 30 + (i % 10))),
    };
    const sample = drawSample(calls, BINOMIAL, 1);
    expect(sample.scores).toHaveLength(30 + 10 * 3);
    expect(sample.sizes.toSorted()).toEqual(Float64Array.from({ length: 40 }, (_, i) => (i < 30 ? 1 : 3)));
    expect(sample.scores).toEqual(sample.scores.toSorted((a, b) => b - a));
    const pairs = new Set(Array.from(calls.scores, (score, i) => `${score} ${1 - (calls.right[i] ?? 0)}`));
    for (const [i, score] of sample.scores.entries()) expect(pairs).toContain(`${score} ${sample.wrong[i] ?? NaN}`);
    const counts = new Float64Array(40);
    for (const group of sample.groups) counts[group] = (counts[group] ?? 0) + 1;
    expect(counts).toEqual(sample.sizes);
  });

  it("are all calls where the cap cuts none, each with its own outcome and group", () => {
    const random = createRandom(2, "sample");
    const groups = Array.from({ length: 60 }, (_, i) => (i < 20 ? i : 20 + (i % 20)));
    const calls: CallOutcomes = {
      scores: groups.map(() => random.float()),
      right: groups.map(() => random.float()),
      groups,
    };
    const order = groups.map((_, i) => i).sort((a, b) => (calls.scores[b] ?? 0) - (calls.scores[a] ?? 0));
    const sample = drawSample(calls, BINOMIAL, 1);
    expect(sample.scores).toEqual(Float64Array.from(order, (i) => calls.scores[i] ?? NaN));
    expect(sample.wrong).toEqual(Float64Array.from(order, (i) => 1 - (calls.right[i] ?? NaN)));
    const places = new Map(order.map((call, entry) => [groups[call], sample.groups[entry]]));
    for (const [entry, call] of order.entries()) expect(sample.groups[entry]).toBe(places.get(groups[call]));
    expect(new Set(places.values()).size).toBe(40);
  });

  it("of which a group gives one: each call is as likely as any other", () => {
    // One group of each size up to the cap; the score names the call.
    const groups = [0, 1, 1, 2, 2, 2];
    const calls: CallOutcomes = { scores: groups.map((_, i) => (i + 1) / 10), right: groups.map(() => 1), groups };
    const taken = new Float64Array(6);
    const draws = 2000;
    for (let seed = 0; seed < draws; seed++) {
      const { scores, sizes, groups: places } = drawSample(calls, { kind: "one-call", cap: 3 }, seed);
      const indices = Array.from(scores, (score) => Math.round(10 * score) - 1);
      for (const i of indices) taken[i] = (taken[i] ?? 0) + 1;
      expect(new Set(indices.map((i) => groups[i])).size).toBe(scores.length);
      expect(new Set(places).size).toBe(scores.length);
      expect(sizes).toEqual(new Float64Array(scores.length).fill(1));
    }
    for (const count of taken) expect(Math.abs(count / draws - 1 / 3)).toBeLessThan(0.04);
  });
});

describe("the exact test", () => {
  it("is the binomial of all calls for what is delivered, of the kept calls for what is kept", () => {
    const sample = sampleOf([0, 1, 0, 0, 1, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(riskPValue(sample, 4, delivered, BINOMIAL)).toBeCloseTo(binomialCdf(1, 10, 0.1), 12);
    expect(riskPValue(sample, 4, kept, BINOMIAL)).toBeCloseTo(binomialCdf(1, 4, 0.1), 12);
    expect(riskPValue(sample, 0, kept, BINOMIAL)).toBe(1);
  });

  it("goes by the groups of all calls for what is delivered, of the kept calls for what is kept", () => {
    const sample = sampleOf([0, 1, 1, 0, 0, 0, 0, 0, 0, 1], [0, 1, 1, 2, 3, 3, 3, 4, 5, 5]);
    const few = (sizes: readonly number[], wrong: readonly number[]): number => fewGroupsPValue(sizes, wrong, 0.1);
    expect(riskPValue(sample, 10, delivered, BINOMIAL)).toBe(few([1, 2, 1, 3, 1, 2], [0, 2, 0, 0, 0, 1]));
    expect(riskPValue(sample, 5, delivered, BINOMIAL)).toBe(few([1, 2, 1, 3, 1, 2], [0, 2, 0, 0, 0, 0]));
    // Of the group of three the first five entries hold one call.
    expect(riskPValue(sample, 5, kept, BINOMIAL)).toBe(few([1, 2, 1, 1], [0, 2, 0, 0]));
    expect(riskPValue(sample, 6, kept, BINOMIAL)).toBe(few([1, 2, 1, 2], [0, 2, 0, 0]));
  });
});

describe("the bet", () => {
  const sample = sampleOf([0, 0, 1, 0.5, 0], [0, 1, 1, 2, 0]);
  const test: RiskTest = { kind: "betting", cap: 2, stakeRatio: 0.6 };
  const stake = 0.6 / (2 * 0.9);
  const largest = (sums: readonly number[]): number => {
    let [wealth, most] = [1, 1];
    for (const sum of sums) most = Math.max(most, (wealth *= 1 - stake * sum));
    return 1 / most;
  };

  it("is one over the largest wealth on the way, groups in their order", () => {
    // Group 0 has two calls right, group 1 one right and one wrong, group 2 half a call wrong.
    expect(riskPValue(sample, 5, delivered, test)).toBeCloseTo(largest([-0.2, 1 - 0.2, 0.5 - 0.1]), 12);
    expect(riskPValue(sample, 5, kept, test)).toBeCloseTo(largest([-0.2, 1 - 0.2, 0.5 - 0.1]), 12);
    expect(riskPValue(sample, 2, delivered, test)).toBeCloseTo(largest([-0.2, -0.2, -0.1]), 12);
    expect(riskPValue(sample, 2, kept, test)).toBeCloseTo(largest([-0.1, -0.1, 0]), 12);
  });

  it("proves nothing where losses come first", () => {
    const lost = sampleOf([1, 0, 0], [0, 1, 2]);
    expect(riskPValue(lost, 3, delivered, test)).toBe(1);
  });
});

describe("the walk of what is delivered", () => {
  it("ends before the first failure, entries of equal score together", () => {
    const random = createRandom(4, "walks");
    for (const test of [BINOMIAL, { kind: "betting", cap: 2, stakeRatio: 0.42 } as const]) {
      for (let trial = 0; trial < 20; trial++) {
        const groups = Array.from({ length: 120 }, (_, i) => (test.kind === "binomial" ? i : i >> 1));
        const scores = groups.map(() => random.int(60) / 60).sort((a, b) => b - a);
        const sample = sampleOf(
          scores.map((score) => Number(random.float() < 0.4 * (1 - score) ** 2)),
          groups,
          scores,
        );
        let expected = 0;
        for (let end = 1; end <= 120; end++) {
          if (scores[end] === scores[end - 1]) continue;
          if (riskPValue(sample, end, delivered, test) > 0.05) break;
          expected = end;
        }
        expect(deliveredKept(sample, delivered, test, 0.05)).toBe(expected);
      }
    }
  });
});
