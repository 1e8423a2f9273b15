/** @file The outlook asks for what the gate asks for: fewer rows where answers are right or the wrong ones are known, none where no
 *  number helps. */
import { describe, expect, it } from "vitest";
import { chooseThreshold } from "./gate.js";
import { neededSealedRows } from "./needed-rows.js";

const DELTA = 0.05;
const MOST = 3000;

/** Rows whose score falls with their place; those at the places in `wrong` are wrong. */
function rows(count: number, wrong: readonly number[] = []): { scores: number[]; correct: number[] } {
  return {
    scores: Array.from({ length: count }, (_, i) => 1 - (i + 1) / (count + 1)),
    correct: Array.from({ length: count }, (_, i) => (wrong.includes(i) ? 0 : 1)),
  };
}

const needed = (data: ReturnType<typeof rows>, epsilon: number) =>
  neededSealedRows({ ...data, epsilon, delta: DELTA, mostRows: MOST });

describe("neededSealedRows", () => {
  it("is what a gate without a fault asks for, and one row fewer fails", () => {
    const data = rows(40);
    const found = needed(data, 0.02);
    expect(found).toEqual({ sealedRows: 157, coverage: 1, keptAgreement: 1 });
    for (const [sealed, passes] of [
      [156, false],
      [157, true],
    ] as const) {
      const { threshold } = chooseThreshold({
        oofScores: data.scores,
        oofCorrect: data.correct,
        sealedScores: new Array<number>(sealed).fill(0.5),
        sealedCorrect: new Array<number>(sealed).fill(1),
        epsilon: 0.02,
        delta: DELTA,
      });
      expect(threshold !== null).toBe(passes);
    }
  });

  it("grows with the mistakes, and keeps part of the rows where the unsure ones are wrong", () => {
    const unsure = needed(rows(100, [96, 97, 98, 99]), 0.02);
    expect(unsure?.sealedRows).toBeGreaterThan(157);
    expect(unsure?.coverage).toBeLessThan(1);
    expect(needed(rows(100), 0.05)?.sealedRows).toBeLessThan(157);
  });

  it("is absent where no number of rows helps", () => {
    const everyOther = Array.from({ length: 50 }, (_, i) => 2 * i);
    expect(needed(rows(100, everyOther), 0.02)).toBeUndefined();
    expect(needed(rows(0), 0.02)).toBeUndefined();
    expect(needed(rows(40), 0)).toBeUndefined();
  });

  it("never asks for more rows than it may", () => {
    expect(neededSealedRows({ ...rows(40), epsilon: 0.02, delta: DELTA, mostRows: 156 })).toBeUndefined();
  });
});
