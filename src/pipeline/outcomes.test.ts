/** @file What counts as right: the teacher's answer in that very call; and which calls are units of their own. */
import { describe, expect, it } from "vitest";
import type { Row } from "../dataset/types.js";
import { agreementOf, asked, callOutcomes, callsOf, evaluatedCalls, shareRight } from "./outcomes.js";

const plain: Row = { text: "plain", label: 1, weight: 1, group: 0, sealed: true, fold: -1 };
const asks: Row = {
  ...plain,
  text: "asks",
  group: 1,
  weight: 5,
  answers: [
    [1, 3],
    [0, 2],
  ],
};
const recurs: Row = { ...plain, text: "recurs", group: 2, weight: 4, recurring: true };
const counted: Row = {
  ...plain,
  text: "counted",
  group: 3,
  weight: 9,
  answers: [
    [1, 2],
    [2, 1],
  ],
};
const unknown: Row = { ...plain, text: "unknown", group: 4, label: -1 };
const rows = [plain, asks, recurs, counted, unknown];

describe("an answer", () => {
  it("is right in the share of its input's calls that the teacher answered so", () => {
    expect([0, 1, 2].map((answer) => shareRight(asks, answer))).toEqual([0.4, 0.6, 0]);
    expect([0, 1].map((answer) => shareRight(plain, answer))).toEqual([0, 1]);
  });

  it("outside the labels is right in none, even where the teacher's is outside too", () => {
    expect([
      shareRight(unknown, -1),
      shareRight(
        {
          ...asks,
          answers: [
            [-1, 4],
            [1, 1],
          ],
        },
        -1,
      ),
    ]).toEqual([0, 0]);
  });

  it("is right or wrong in each call where each call has one answer, and right in a share where they are more", () => {
    const { right, scores, shared } = callOutcomes([asks, counted], [0.3, 0.7], [0.6, 2 / 3]);
    expect(Array.from(right)).toEqual([1, 1, 1, 0, 0, ...new Array<number>(9).fill(2 / 3)]);
    expect(Array.from(scores)).toEqual([...new Array<number>(5).fill(0.3), ...new Array<number>(9).fill(0.7)]);
    expect([shared, callOutcomes([asks], [0.3], [0.6]).shared]).toEqual([true, false]);
  });
});

describe("calls", () => {
  it("are those of their inputs, each with the answer that it got", () => {
    const calls = evaluatedCalls(rows, [1, 1, 1, 1, 1], new Set(["plain"]));
    expect(calls).toHaveLength(20);
    const labelsOf = (text: string): number[] => calls.filter((call) => call.text === text).map(({ label }) => label);
    expect(labelsOf("asks")).toEqual([1, 1, 1, 0, 0]);
    expect(labelsOf("recurs")).toEqual([1, 1, 1, 1]);
    expect(calls.filter(({ seen }) => seen === true).map(({ text }) => text)).toEqual(["plain"]);
    expect(calls.find(({ text }) => text === "counted")).toMatchObject({ right: 2 / 3, mostFrequent: 1 });
  });

  it("of one input are one group, but those of a recurring one are units of their own", () => {
    const { groups } = callsOf(rows);
    expect(new Set(groups).size).toBe(1 + 1 + 4 + 1 + 1);
    expect([...groups.subarray(1, 6)]).toEqual([1, 1, 1, 1, 1]);
    expect([...groups.subarray(6, 10)].every((group) => group < 0)).toBe(true);
  });

  it("agree as often as their answers are the teacher's", () => {
    expect(agreementOf(asked([plain, asks, recurs]), [1, 1, 0]).value).toBeCloseTo(4 / 10, 12);
  });
});
