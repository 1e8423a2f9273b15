/** @file Calls by group: what is drawn of them, and the interval of a share. */
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { clopperPearson } from "../stats.js";
import { assertCalls, capFor, drawnGroups, isBinary, shareByGroup } from "./calls.js";

/** 60 groups of one to six calls, interleaved. */
const random = createRandom(2, "calls of a test");
const groups = Array.from({ length: 60 }, (_, group) => new Array<number>(1 + (group % 6)).fill(group))
  .flat()
  .map((group) => ({ group, at: random.float() }))
  .sort((a, b) => a.at - b.at)
  .map(({ group }) => group);

describe("columns of calls", () => {
  it.each([
    [2, 1, 2],
    [2, 2, 1],
    [1, 2, 2],
  ])("of unequal lengths are refused (%i, %i, %i)", (...lengths) => {
    const [scores, right, others] = lengths.map((length) => new Float64Array(length));
    const calls = { scores: scores ?? [], right: right ?? [], groups: others ?? [] };
    expect(() => assertCalls(calls, "gate")).toThrow(InputError);
  });
  it("are binary where all outcomes are right or wrong, wherever a share stands", () => {
    expect([isBinary([]), isBinary([0, 1, 1]), isBinary([0.5, 1]), isBinary([1, 0.5]), isBinary([0, 2])]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("groups that are drawn", () => {
  it("hold each group once with its own calls, all of them up to the cap", () => {
    for (const cap of [1, 3, 10]) {
      const drawn = drawnGroups(groups, cap, 1);
      expect(new Set(drawn.map(([call]) => groups[call ?? -1])).size).toBe(60);
      for (const calls of drawn) {
        const group = groups[calls[0] ?? -1] ?? NaN;
        expect(calls.every((call) => groups[call] === group)).toBe(true);
        expect(new Set(calls).size).toBe(Math.min(cap, 1 + (group % 6)));
      }
    }
  });
  it("are in an order, and cut to calls, that the seed draws and that are as likely as any other", () => {
    const [early, first] = [new Float64Array(60), new Map<number, number>()];
    const draws = 600;
    for (let seed = 0; seed < draws; seed++) {
      const drawn = drawnGroups(groups, 1, seed);
      for (const [place, [call = -1]] of drawn.entries()) {
        const group = groups[call] ?? 0;
        if (place < 30) early[group] = (early[group] ?? 0) + 1;
        if (group === 5) first.set(call, (first.get(call) ?? 0) + 1);
      }
    }
    for (const count of early) expect(Math.abs(count / draws - 0.5)).toBeLessThan(0.1);
    expect(first.size).toBe(6);
    for (const count of first.values()) expect(Math.abs(count / draws - 1 / 6)).toBeLessThan(0.06);
    expect(drawnGroups(groups, 1, 7)).toEqual(drawnGroups(groups, 1, 7));
  });
  it("are cut at the least cap that leaves out as little as was allowed, to the last call", () => {
    // Of 100 calls one lies beyond a cap of 1 and none beyond 2.
    const pairs = Array.from({ length: 100 }, (_, call) => Math.min(call, 98));
    expect([capFor(pairs, 0.01), capFor(pairs, 0.0099)]).toEqual([1, 2]);
  });
});

describe("the interval of a share by group", () => {
  it("is Clopper and Pearson's with the number of calls that has the variance of the ratio over groups", () => {
    const values = groups.map((group) => Number(random.float() < (group % 3 === 0 ? 0.5 : 0.9)));
    const share = values.reduce((sum, value) => sum + value, 0) / values.length;
    const residuals = new Float64Array(60);
    for (const [call, group] of groups.entries())
      residuals[group] = (residuals[group] ?? 0) + (values[call] ?? 0) - share;
    const variance = ((60 / 59) * residuals.reduce((sum, gap) => sum + gap ** 2, 0)) / values.length ** 2;
    const trials = (share * (1 - share)) / variance;
    expect(trials).toBeLessThan(values.length);
    const { low, high } = clopperPearson(share * trials, trials);
    const came = shareByGroup(values, groups);
    expect(came.value).toBeCloseTo(share, 12);
    expect(came.low).toBeCloseTo(low, 12);
    expect(came.high).toBeCloseTo(high, 12);
  });
  it("is never narrower than that of as many independent calls", () => {
    // Each pair has one right call: its sums do not vary at all.
    const evened = Array.from({ length: 100 }, (_, call) => call % 2);
    const pairs = evened.map((_, call) => Math.floor(call / 2));
    pairs[0] = 99;
    const { low, high } = shareByGroup(evened, pairs);
    const single = clopperPearson(50, 100);
    expect([low, high]).toEqual([expect.closeTo(single.low, 12), expect.closeTo(single.high, 12)]);
  });
  it("says nothing of no calls, and hardly anything of one group", () => {
    expect(shareByGroup([], [])).toEqual({ value: 0, low: 0, high: 1 });
    const { low, high } = clopperPearson(0.75, 1);
    expect(shareByGroup([1, 1, 1, 0], [7, 7, 7, 7])).toEqual({ value: 0.75, low, high });
  });
});
