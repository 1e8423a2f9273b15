/** @file The periods of a log: behind which time the newest share of the traffic lies, and which calls it takes with it. */
import { describe, expect, it } from "vitest";
import { Conversations } from "./conversations.js";
import { Periods } from "./periods.js";
import type { LlmRecord } from "./types.js";

interface Call {
  readonly text: string;
  readonly ms?: number;
  readonly conversation?: string;
}

function recordOf({ text, ms, conversation }: Call): LlmRecord {
  return {
    source: "log",
    line: 1,
    messages: [{ role: "user", content: text }],
    answer: "a",
    ...(ms === undefined ? {} : { timestampMs: ms }),
    ...(conversation === undefined ? {} : { conversation }),
  };
}

/** Which calls are of the newest period; undefined where the log has no periods. */
function newest(calls: readonly Call[], sealedRatio = 0.15): readonly Call[] | undefined {
  const periods = new Periods(new Conversations());
  for (const call of calls) periods.observe(recordOf(call), call.text);
  return periods.cut(sealedRatio) ? calls.filter((call) => periods.sideOf(recordOf(call)) === "test") : undefined;
}

/** Calls one second apart, in an order of their own. */
function calls(count: number, of: (i: number) => Partial<Call> = () => ({})): Call[] {
  return Array.from({ length: count }, (_, i) => (i * 7919) % count).map((i) => ({
    text: `text ${i}`,
    ms: 1000 * i,
    ...of(i),
  }));
}

const times = (some: readonly Call[] | undefined): number[] =>
  (some ?? []).map(({ ms = -1 }) => ms).sort((a, b) => a - b);

describe("the newest period", () => {
  it("is the newest share of the inputs, whatever the order of the log", () => {
    expect(times(newest(calls(2000)))).toEqual(Array.from({ length: 300 }, (_, i) => 1000 * (1700 + i)));
    expect(newest(calls(2000), 0.5)).toHaveLength(1000);
    expect(newest(calls(400))).toHaveLength(160);
  });

  it("is none where few inputs, no calls, or a call without a time are there", () => {
    expect(newest(calls(299))).toBeUndefined();
    expect(newest([])).toBeUndefined();
    expect(newest([...calls(2000), { text: "when?" }])).toBeUndefined();
  });

  it("takes all calls of one time, unless they are far more than were wanted", () => {
    const days = (count: number) => calls(1000, (i) => ({ ms: Math.floor((i * count) / 1000) }));
    expect(newest(days(10))).toHaveLength(200);
    expect(newest(days(3))).toHaveLength(333);
    expect(newest(days(2))).toBeUndefined();
    expect(newest(days(2), 0.45)).toHaveLength(500);
    expect(newest(days(1), 0.9)).toBeUndefined();
  });

  it("counts an input that comes again once, and takes its calls on both sides", () => {
    // Each text of the newer half stands in the older half too.
    const again = calls(1200, (i) => ({ text: `text ${i % 600}` }));
    const found = times(newest(again, 0.5));
    expect(found).toHaveLength(300);
    expect(Math.min(...found)).toBe(1000 * 900);
  });

  it("has no call of a conversation that began before it, and all of those that began in it", () => {
    const talk = calls(2000, (i) =>
      i % 100 === 0 ? { conversation: "long" } : i >= 1990 ? { conversation: "new" } : {},
    );
    const found = newest(talk) ?? [];
    expect(found.filter(({ conversation }) => conversation === "long")).toEqual([]);
    expect(found.filter(({ conversation }) => conversation === "new")).toHaveLength(10);
    expect(found.filter(({ conversation }) => conversation === undefined).every(({ ms = 0 }) => ms > 1_680_000)).toBe(
      true,
    );
  });

  it("counts a conversation as one", () => {
    const pairs = calls(2000, (i) => ({ conversation: `c${Math.floor(i / 4)}` }));
    // 160 of 500 conversations, of four calls each.
    expect(newest(pairs)).toHaveLength(640);
  });

  it("knows no conversation of more than three tenths of the calls: its calls stand where they are", () => {
    const named = (ratio: number) => calls(2000, (i) => (i % 100 < ratio ? { conversation: "default" } : {}));
    expect(times(newest(named(31)))).toEqual(Array.from({ length: 300 }, (_, i) => 1000 * (1700 + i)));
    const tied = newest(named(30)) ?? [];
    expect(tied.filter(({ conversation }) => conversation === "default")).toEqual([]);
  });
});
