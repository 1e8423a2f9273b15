/** @file Label probabilities from token log-probabilities. */
import { describe, expect, it } from "vitest";
import { createSoftLabeller } from "./soft-labels.js";
import type { TokenLogprobs } from "./types.js";

const token = (text: string, probability: number, others: Readonly<Record<string, number>> = {}): TokenLogprobs => ({
  token: text,
  logprob: Math.log(probability),
  top: Object.entries({ [text]: probability, ...others }).map(([name, p]) => ({ token: name, logprob: Math.log(p) })),
});

describe("soft labels", () => {
  const labels = ["card_arrival", "card_linking", "refund", "ref"];
  const soften = createSoftLabeller(labels);

  it("multiply along the tokens, give alternatives to the one label they can become, and the rest to the tail", () => {
    const tokens = [
      token("card", 0.8, { refu: 0.1, re: 0.05, other: 0.02 }),
      token("_arrival", 0.75, { _linking: 0.2, _: 0.01 }),
    ];
    const soft = soften(tokens, "card_arrival", 0) ?? [];
    expect(soft[0]).toBeCloseTo(0.6, 12);
    expect(soft[1]).toBeCloseTo(0.16, 12);
    expect(soft[2]).toBeCloseTo(0.1, 12);
    expect(soft[3]).toBe(0);
    expect(soft[4]).toBeCloseTo(0.14, 12);
    expect(soft.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
  });

  it("take a label that has ended for itself, and an answer outside the set for the tail", () => {
    expect(soften([token("refund", 0.5, { "ref\n": 0.25, ref: 0.125 })], "refund", 2)?.[3]).toBeCloseTo(0.25, 12);
    expect(soften([token("none", 0.5, { Refund: 0.25 })], "none", -1)).toEqual(
      [0, 0, 0.25, 0, 0.75].map((p) => expect.closeTo(p, 12)),
    );
  });

  it("join tokens that split a character by their bytes", () => {
    const split = (bytes: number[], probability: number, others: readonly number[][] = []): TokenLogprobs => {
      const scored = (own: number[], p: number) => ({ token: "\ufffd", bytes: own, logprob: Math.log(p) });
      return { ...scored(bytes, probability), top: [bytes, ...others].map((own) => scored(own, probability)) };
    };
    const [first, second, third] = [[0xe8, 0xbf], [0x94], [0xe5, 0x93, 0x81]];
    const soften = createSoftLabeller(["返品", "返金", "配送"]);
    const tokens = [split(first, 0.5, [[...Buffer.from("配")]]), split(second, 1), split(third, 0.8)];
    expect(soften(tokens, "返品", 0)?.map((p) => Number(p.toFixed(9)))).toEqual([0.4, 0, 0.5, 0.1]);
    expect(
      soften(
        tokens.map(({ token: text, logprob, top }) => ({ token: text, logprob, top })),
        "返品",
        0,
      ),
    ).toBeUndefined();
  });

  it("are absent when the tokens do not spell the answer", () => {
    expect(soften([token("x", 0.5)], "refund", 2)).toBeUndefined();
  });
});
