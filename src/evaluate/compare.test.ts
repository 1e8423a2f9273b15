import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { chooseByCost, comparePaired, majorityLabel, type CostCandidate } from "./compare.js";

const ROWS = 1000;

/** The first `share` of the rows are ones. */
const upTo = (count: number): Uint8Array => Uint8Array.from({ length: ROWS }, (_, row) => (row < count ? 1 : 0));

function candidate(name: string, right: number, kept: number, studentPer1k = 0.001, feasible = true): CostCandidate {
  return { name, correct: upTo(right), kept: upTo(kept), feasible, studentPer1k };
}

const PRICED = { teacherPer1kUsd: 2, seed: 1 };

describe("paired comparison", () => {
  it("counts the rows on which the two differ", () => {
    const comparison = comparePaired([1, 1, 0, 0, 1], [1, 0, 1, 0, 0]);
    expect(comparison).toMatchObject({ rows: 5, onlyFirst: 2, onlySecond: 1 });
    expect(comparison.difference.value).toBeCloseTo(0.2, 12);
    expect(comparison.pValue).toBeCloseTo(1, 12);
  });
  it("agrees with McNemar: the interval excludes zero where the test rejects clearly", () => {
    const comparison = comparePaired(upTo(930), upTo(900));
    expect(comparison.pValue).toBeLessThan(1e-6);
    expect(comparison.difference.low).toBeGreaterThan(0);
  });
  it("goes by group: alike rows of a group count once", () => {
    const fivefold = (values: Uint8Array): number[] => [...values].flatMap((value) => new Array<number>(5).fill(value));
    const [first, second] = [upTo(26).slice(0, 40), upTo(16).slice(0, 40)];
    const once = comparePaired(first, second);
    const groups = Array.from({ length: 200 }, (_, row) => Math.floor(row / 5));
    const five = comparePaired(fivefold(first), fivefold(second), groups);
    expect(five).toMatchObject({ rows: 200, groups: 40 });
    expect(five.difference.value).toBeCloseTo(once.difference.value, 12);
    expect(five.difference.low).toBeCloseTo(once.difference.low, 1);
    expect(Math.abs(Math.log(five.pValue / once.pValue))).toBeLessThan(0.5);
    expect(comparePaired(fivefold(first), fivefold(second)).pValue).toBeLessThan(1e-9);
  });
  it("compares shares as they are", () => {
    const comparison = comparePaired([0.6, 0.6, 1], [0.4, 0.6, 1]);
    expect(comparison.difference.value).toBeCloseTo(0.2 / 3, 12);
  });
  it("refuses vectors of other rows", () => {
    expect(() => comparePaired([1], [1, 0])).toThrow(InputError);
  });
});

describe("choice by cost", () => {
  it("takes the dearer rung where it lowers the cost beyond doubt", () => {
    const choice = chooseByCost([candidate("linear", 900, 700), candidate("encoder", 930, 800)], PRICED);
    expect(choice).toMatchObject({ chosen: "encoder", comparisons: [{ decidedBy: "lower-cost" }] });
    expect(choice.costPer1k["linear"]).toBeCloseTo(0.001 + 2 * 0.3, 12);
    expect(choice.comparisons[0]?.saving.value).toBeCloseTo(0.2, 12);
  });
  it("stays with the cheaper rung where the saving may be noise", () => {
    const choice = chooseByCost([candidate("linear", 900, 700), candidate("encoder", 902, 702)], PRICED);
    expect(choice).toMatchObject({ chosen: "linear", comparisons: [{ decidedBy: "cheaper-rung" }] });
  });
  it("stays with it where the saving lies in one group of calls", () => {
    const rungs = [candidate("linear", 900, 700), candidate("encoder", 900, 760)];
    expect(chooseByCost(rungs, PRICED).chosen).toBe("encoder");
    const groups = Array.from({ length: ROWS }, (_, row) => Math.floor(row / 100));
    expect(chooseByCost(rungs, { ...PRICED, groups }).chosen).toBe("linear");
  });
  it("takes the significantly better agreement where costs tie", () => {
    const choice = chooseByCost([candidate("linear", 900, 700), candidate("encoder", 930, 700, 0.001)], PRICED);
    expect(choice).toMatchObject({ chosen: "encoder", comparisons: [{ decidedBy: "higher-agreement" }] });
  });
  it("does not buy agreement with a higher cost", () => {
    const choice = chooseByCost([candidate("linear", 900, 800), candidate("encoder", 930, 700)], PRICED);
    expect(choice).toMatchObject({ chosen: "linear", comparisons: [{ decidedBy: "cheaper-rung" }] });
  });
  it("counts a deferral one and an answer nothing where the teacher's price is unknown", () => {
    const choice = chooseByCost([candidate("linear", 900, 700, 50)], { seed: 1 });
    expect(choice.costPer1k["linear"]).toBeCloseTo(300, 9);
  });
  it("passes over infeasible rungs and chooses none where none is feasible", () => {
    const slow = candidate("encoder", 1000, 1000, 0.001, false);
    expect(chooseByCost([candidate("linear", 900, 700), slow], PRICED)).toMatchObject({
      chosen: "linear",
      comparisons: [],
    });
    expect(chooseByCost([slow], PRICED).chosen).toBeNull();
  });
});

describe("majority baseline", () => {
  it("is the most frequent label, the lower index winning a tie", () => {
    expect(majorityLabel([2, 1, 1, 2, 0])).toBe(1);
    expect(majorityLabel([])).toBe(-1);
  });
});
