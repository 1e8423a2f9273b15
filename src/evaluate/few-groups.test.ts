/** @file The exact test of single calls with few groups: a second formulation, and populations whose true risk is known. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { binomialCdf, clopperPearsonUpper } from "../stats.js";
import { fewGroupsPValue } from "./few-groups.js";

const EPSILON = 0.02;

/** Sizes of groups: so many single calls and groups of `size`. */
function sizesOf(single: number, groups: number, size: number): number[] {
  return Array.from({ length: single + groups }, (_, i) => (i < single ? 1 : size));
}

function mass(k: number, trials: number, chance: number): number {
  return binomialCdf(k, trials, chance) - binomialCdf(k - 1, trials, chance);
}

interface Population {
  /** Share of the calls in groups, their sizes in equal numbers, and the risks. */
  readonly groupedRatio: number;
  readonly sizes: readonly number[];
  readonly groupedRisk: number;
  readonly singleRisk: number;
}

/** Share of draws of `calls` calls in which the broken promise passes at 5 %. */
function passRatio({ groupedRatio, sizes, groupedRisk, singleRisk }: Population, calls: number, draws: number): number {
  const random = createRandom(1, `${sizes.join()} ${groupedRatio} ${groupedRisk}`);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const chance = groupedRatio / (mean - groupedRatio * (mean - 1));
  const groups = Math.round(calls / (1 - chance + chance * mean));
  let passed = 0;
  for (let draw = 0; draw < draws; draw++) {
    const drawn = Array.from({ length: groups }, () =>
      random.float() < chance ? (sizes[random.int(sizes.length)] ?? 1) : 1,
    );
    const wrong = drawn.map((size) => (random.float() < (size > 1 ? groupedRisk : singleRisk) ? size : 0));
    if (fewGroupsPValue(drawn, wrong, EPSILON) <= 0.05) passed++;
  }
  return passed / draws;
}

describe("single calls with few groups", () => {
  it("have the binomial test where every group is one call", () => {
    const wrong = Array.from({ length: 300 }, (_, i) => Number(i < 2));
    expect(fewGroupsPValue(sizesOf(300, 0, 1), wrong, EPSILON)).toBeCloseTo(binomialCdf(2, 300, EPSILON), 14);
  });

  it("have the largest p-value over the splits of the risk, wrong groups weighing twice their calls", () => {
    const sizes = sizesOf(400, 6, 3);
    const wrong = sizes.map((size, i) => Number(i < 2) + (size > 1 && i === 400 ? 1 : 0));
    const most = clopperPearsonUpper(1, 406, 1 - 0.0005);
    const expected = (EPSILON * 418) / 406;
    let worst = 0;
    for (let split = 0; split <= 8; split++) {
      const rate = Math.min(most, (expected * split) / 8 / 3);
      // Two single calls and one of a group are wrong: 2 + 2 x 1.
      const cdf = (left: number): number => binomialCdf(left, 406, expected - 3 * rate);
      worst = Math.max(worst, mass(0, 406, rate) * cdf(4));
    }
    expect(fewGroupsPValue(sizes, wrong, EPSILON)).toBeCloseTo(worst + 0.0005, 12);
  });

  /** The p-value of single calls, pairs and triples by the definition: each number of wrong pairs and triples in turn. */
  function pairsAndTriples(groups: number, calls: number, weighed: number, wrong: readonly [number, number]): number {
    const [pairs, triples] = wrong.map((count) => clopperPearsonUpper(count, groups, 1 - 0.0005 / 2));
    const expected = (EPSILON * calls) / groups;
    let worst = 0;
    for (let split = 0; split <= 8; split++) {
      const inTriples = Math.min(3 * (triples ?? 0), (expected * split) / 8);
      const inPairs = Math.min(2 * (pairs ?? 0), (expected * split) / 8 - inTriples);
      let cdf = 0;
      for (let three = 0; 6 * three <= weighed; three++)
        for (let two = 0; 6 * three + 4 * two <= weighed; two++)
          cdf +=
            mass(three, groups, inTriples / 3) *
            mass(two, groups, inPairs / 2) *
            binomialCdf(weighed - 6 * three - 4 * two, groups, expected - inTriples - inPairs);
      worst = Math.max(worst, cdf);
    }
    return worst + 0.0005;
  }

  it.each([
    // The bound of triples leaves some of the risk to pairs, that of both some to single calls, and no bound is reached.
    { single: 1380, pairs: 60, triples: 60, wrong: [8, 0, 0] },
    { single: 1380, pairs: 60, triples: 60, wrong: [6, 1, 1] },
    { single: 3800, pairs: 100, triples: 100, wrong: [36, 0, 0] },
    { single: 3800, pairs: 100, triples: 100, wrong: [30, 2, 1] },
    { single: 340, pairs: 5, triples: 5, wrong: [2, 1, 1] },
    { single: 340, pairs: 5, triples: 5, wrong: [0, 0, 0] },
  ])("have it with pairs and triples, each within the bound of what is wrong of them: %o", (sample) => {
    const { single, pairs, triples, wrong } = sample;
    const [wrongSingle = 0, wrongPairs = 0, wrongTriples = 0] = wrong;
    const sizes = [...sizesOf(single, pairs, 2), ...sizesOf(0, triples, 3)];
    const wrongByGroup = sizes.map((_, i) => {
      if (i < single) return Number(i < wrongSingle);
      return i < single + pairs ? 2 * Number(i < single + wrongPairs) : Number(i < single + pairs + wrongTriples);
    });
    const calls = single + 2 * pairs + 3 * triples;
    const weighed = wrongSingle + 4 * wrongPairs + 2 * wrongTriples;
    const expected = pairsAndTriples(sizes.length, calls, weighed, [wrongPairs, wrongTriples]);
    expect(expected).toBeLessThan(0.9);
    expect((fewGroupsPValue(sizes, wrongByGroup, EPSILON) - 0.0005) / (expected - 0.0005)).toBeCloseTo(1, 4);
    const order = sizes.map((_, i) => i).toReversed();
    const turned = fewGroupsPValue(
      order.map((i) => sizes[i] ?? 0),
      order.map((i) => wrongByGroup[i] ?? 0),
      EPSILON,
    );
    expect(turned).toBeCloseTo(expected, 11);
  });

  it("are no proof where all is wrong", () => {
    expect(fewGroupsPValue(sizesOf(20, 2, 2), [...new Array<number>(20).fill(1), 2, 2], EPSILON)).toBe(1);
  });

  it("are never easier to pass than as many single calls, and grow with what is wrong", () => {
    let before = 0;
    for (let count = 0; count < 12; count++) {
      const wrong = Array.from({ length: 720 }, (_, i) => Number(i >= 720 - count));
      const pValue = fewGroupsPValue(sizesOf(700, 20, 2), wrong, EPSILON);
      expect(pValue).toBeGreaterThanOrEqual(Math.max(before, binomialCdf(count, 740, EPSILON)));
      before = pValue;
    }
  });

  it("pass a broken promise in at most 5 % of draws however much worse the groups are", { timeout: 120_000 }, () => {
    const draws = 400;
    const worse: Population[] = [
      { groupedRatio: 0.08, sizes: [5], groupedRisk: 0.25, singleRisk: 0 },
      { groupedRatio: 0.08, sizes: [2], groupedRisk: 0.25, singleRisk: 0 },
      { groupedRatio: 0.08, sizes: [2, 3, 5], groupedRisk: 0.25, singleRisk: 0 },
      { groupedRatio: 0.03, sizes: [2, 3], groupedRisk: 0.5, singleRisk: 0.005 },
      { groupedRatio: 0.03, sizes: [5], groupedRisk: 0.02, singleRisk: 0.02 },
      { groupedRatio: 0.05, sizes: [2, 5], groupedRisk: 0, singleRisk: 0.02 / 0.95 },
    ];
    for (const population of worse)
      expect(passRatio(population, 1500, draws), JSON.stringify(population)).toBeLessThan(
        0.05 + 2 * Math.sqrt((0.05 * 0.95) / draws),
      );
  });

  it("still prove a promise that holds with room", () => {
    const kept: Population = { groupedRatio: 0.05, sizes: [2, 3], groupedRisk: 0.01, singleRisk: 0.01 };
    expect(passRatio(kept, 1500, 100)).toBeGreaterThan(0.7);
  });
});
