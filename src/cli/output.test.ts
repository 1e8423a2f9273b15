/** @file What is drawn while a command works fits its line and foretells no nonsense; what results are written on. */
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { barLine, paperOf, secondsLeft } from "./output.js";

describe("the time left", () => {
  it("is not told of the first steps, which load and warm up", () => {
    const first = { atMs: 0, doneRatio: 0.001 };
    expect(secondsLeft(first, { atMs: 6_700, doneRatio: 0.002 })).toBeUndefined();
    expect(secondsLeft(first, { atMs: 500, doneRatio: 0.5 })).toBeUndefined();
  });

  it("follows the pace since the first mark, not what an earlier run had done", () => {
    expect(secondsLeft({ atMs: 0, doneRatio: 0.6 }, { atMs: 20_000, doneRatio: 0.8 })).toBeCloseTo(20);
    expect(secondsLeft({ atMs: 0, doneRatio: 0 }, { atMs: 10_000, doneRatio: 1 })).toBe(0);
  });

  it("never exceeds a minute's run by more than the pace can explain", () => {
    // A run of 60 s whose first 5 % take as long as the next 20 %.
    const at = (ratio: number): number => (ratio < 0.05 ? ratio * 240_000 : 12_000 + ((ratio - 0.05) / 0.95) * 48_000);
    for (let ratio = 0.01; ratio <= 1; ratio += 0.01) {
      const left = secondsLeft({ atMs: at(0.01), doneRatio: 0.01 }, { atMs: at(ratio), doneRatio: ratio }) ?? 0;
      expect(left).toBeLessThan(120);
    }
  });
});

describe("a bar", () => {
  it.each([40, 60, 80, 100])("with a long stage and a time left stays within %i columns", (width) => {
    for (const stage of [
      "import",
      "encoder-medium, 3 of 5 folds and final fit",
      "蒸留モデルの学習、5分割のうち3つと最終学習",
    ])
      for (const left of [undefined, 3, 6_725]) {
        const line = barLine(stage, 0.42, left, width);
        expect([line, stringWidth(line) < width]).toEqual([line, true]);
        expect(line).toContain("42%");
      }
  });
});

describe("results are written", () => {
  it("in colour and at most 100 columns wide in a terminal", () => {
    expect(paperOf({ isTTY: true, columns: 240 }, true)).toEqual({ width: 100, colour: true });
    expect(paperOf({ isTTY: true, columns: 72 }, true)).toEqual({ width: 72, colour: true });
    expect(paperOf({ isTTY: true, columns: 0 }, true)).toEqual({ width: 80, colour: true });
  });

  it("without colour under NO_COLOR, and in a pipe whatever is wanted", () => {
    expect(paperOf({ isTTY: true, columns: 80 }, false).colour).toBe(false);
    expect(paperOf({}, true)).toEqual({ width: 80, colour: false });
  });
});
