/** @file The outlook of a gate: where all calls share one score, a draw keeps all or nothing, and what is found is known by the binomial. */
import { describe, expect, it } from "vitest";
import { binomialCdf } from "../stats.js";
import { singleCalls, type CallOutcomes } from "./calls.js";
import { FORECAST_AGREEMENTS, forecast, gateOutlook, neededGroups } from "./outlook.js";

/** Calls of one score of which every `every`th is wrong, none for 0. */
function flat(calls: number, every: number): CallOutcomes {
  return singleCalls(
    new Float64Array(calls).fill(0.7),
    Float64Array.from({ length: calls }, (_, i) => Number(every === 0 || i % every !== 0)),
  );
}

const NOTHING = { coverage: { value: 0, low: 0, high: 0 }, foundRatio: 0, keptAgreement: 0 };
const ALL = { coverage: { value: 1, low: 1, high: 1 }, foundRatio: 1, keptAgreement: 1 };

describe("the outlook of a gate", () => {
  it("is all or nothing where no call is wrong, by the number of sealed calls alone", () => {
    expect(gateOutlook(flat(500, 0), 148)).toEqual(NOTHING);
    expect(gateOutlook(flat(500, 0), 149)).toEqual(ALL);
    expect(gateOutlook(flat(500, 0), 149, { promise: "kept" })).toEqual(ALL);
    expect(gateOutlook(flat(500, 0), 74, { epsilon: 0.04 })).toEqual(ALL);
    expect(gateOutlook(flat(500, 0), 73, { epsilon: 0.04 })).toEqual(NOTHING);
    expect(gateOutlook(flat(500, 0), 35, { delta: 0.5 })).toEqual(ALL);
  });

  it("is nothing without calls, and without sealed ones", () => {
    expect(gateOutlook(singleCalls([], []), 149)).toEqual(NOTHING);
    expect(gateOutlook(flat(500, 0), 0)).toEqual(NOTHING);
  });

  it("counts a draw without a threshold as nothing kept: a mean, a tenth and nine tenths of the draws", () => {
    // Of 374 calls two may be wrong: of one in 160 that comes in so many draws.
    const chance = binomialCdf(2, 374, 1 / 160);
    const seeds = [1, 2, 3, 4].map((seed) => gateOutlook(flat(1600, 160), 374, { seed }));
    for (const { coverage, foundRatio, keptAgreement } of seeds) {
      expect(Math.abs(foundRatio - chance)).toBeLessThan(0.3);
      expect(coverage.value).toBeCloseTo(foundRatio, 12);
      expect([coverage.low, coverage.high]).toEqual([0, 1]);
      expect(keptAgreement).toBeGreaterThan(1 - 2 / 374);
      expect(keptAgreement).toBeLessThan(1);
    }
    const mean = seeds.reduce((sum, { foundRatio }) => sum + foundRatio, 0) / seeds.length;
    expect(Math.abs(mean - chance)).toBeLessThan(0.15);
    expect(new Set(seeds.map(({ keptAgreement }) => keptAgreement)).size).toBeGreaterThan(1);
    expect(gateOutlook(flat(1600, 160), 374)).toEqual(seeds[0]);
  });

  it("has a tenth of the draws below its low end and a tenth above its high one", () => {
    const scored = singleCalls(
      Float64Array.from({ length: 1000 }, (_, i) => 1 - i / 1001),
      Float64Array.from({ length: 1000 }, (_, i) => Number(i < 500 || i % 4 > 0)),
    );
    const { coverage, foundRatio, keptAgreement } = gateOutlook(scored, 400);
    expect(foundRatio).toBe(1);
    expect(coverage.low).toBeLessThan(coverage.value);
    expect(coverage.high).toBeGreaterThan(coverage.value);
    // Half of the calls are right by their scores, and of the others one in four is wrong.
    expect(coverage.low).toBeGreaterThan(0.45);
    expect(coverage.high).toBeLessThan(0.6);
    expect(keptAgreement).toBeGreaterThan(0.98);
  });

  it("draws whole groups: five calls that are right together are one", () => {
    const groups = Int32Array.from({ length: 1000 }, (_, i) => Math.floor(i / 5));
    const calls = { ...flat(1000, 0), groups };
    expect(gateOutlook(calls, 30).foundRatio).toBe(0);
    expect(neededGroups(calls, 400)?.sealedGroups).toBeGreaterThanOrEqual(149);
    expect(neededGroups(calls, 400)?.sealedGroups).toBeLessThan(170);
  });

  it("knows that calls with several answers have another test", () => {
    const plain = gateOutlook(flat(1600, 160), 374);
    const shared = gateOutlook({ ...flat(1600, 160), shared: true }, 374);
    expect(shared.foundRatio).toBeLessThan(plain.foundRatio);
  });
});

describe("the sealed groups that are needed", () => {
  it("are what the guarantee needs at least where no call is wrong, and unknown where fewer may be had", () => {
    expect(neededGroups(flat(500, 0), 1000)).toEqual({ ...ALL, sealedGroups: 149 });
    expect(neededGroups(flat(500, 0), 149)).toEqual({ ...ALL, sealedGroups: 149 });
    expect(neededGroups(flat(500, 0), 148)).toBeUndefined();
    expect(neededGroups(flat(500, 0), 100, { epsilon: 0.04 })?.sealedGroups).toBe(74);
    expect(neededGroups(flat(500, 0), 100, { delta: 0.5 })?.sealedGroups).toBe(35);
    expect(neededGroups(singleCalls([], []), 1000)).toBeUndefined();
  });

  it("are the first number, a tenth or so above the one before, with which most draws find a threshold", () => {
    const calls = flat(1600, 160);
    const needed = neededGroups(calls, 2000);
    if (needed === undefined) throw new Error("none");
    const { sealedGroups, ...outlook } = needed;
    expect(outlook).toEqual(gateOutlook(calls, sealedGroups));
    expect(outlook.foundRatio).toBeGreaterThanOrEqual(0.8);
    expect(sealedGroups).toBeGreaterThan(300);
    expect(sealedGroups).toBeLessThan(1000);
    const before = Math.floor(sealedGroups / 1.12);
    expect(gateOutlook(calls, before).foundRatio).toBeLessThan(0.8);
    // Where the most that can be had is just enough, it is reached; one in fifty wrong is never within 2 %.
    expect(neededGroups(calls, sealedGroups)?.sealedGroups).toBe(sealedGroups);
    expect(neededGroups(flat(1000, 50), 3000)).toBeUndefined();
  });
});

describe("the forecast", () => {
  it("is the outlook of both promises at each agreement", () => {
    const calls = flat(1600, 160);
    const found = forecast(calls, 374, FORECAST_AGREEMENTS, { delta: 0.1, seed: 3 });
    expect(found.map(({ promise, agreement }) => [promise, agreement])).toEqual(
      (["delivered", "kept"] as const).flatMap((promise) =>
        [0.94, 0.96, 0.98].map((agreement) => [promise, agreement]),
      ),
    );
    for (const { promise, agreement, coverage, foundRatio } of found) {
      const epsilon = { 0.94: 0.06, 0.96: 0.04, 0.98: 0.02 }[agreement] ?? 0;
      const outlook = gateOutlook(calls, 374, { promise, epsilon, delta: 0.1, seed: 3 });
      expect({ coverage, foundRatio }).toEqual({ coverage: outlook.coverage, foundRatio: outlook.foundRatio });
    }
  });
});
