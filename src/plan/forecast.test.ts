/** @file What the forecast says in words: what it rests on, what is missing, what is unknown. */
import { describe, expect, it } from "vitest";
import { forecastLines, forecastNotes, type PlanForecast } from "./forecast.js";

const kept = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });

const FORECAST: PlanForecast = {
  student: "linear-medium",
  target: { promise: "delivered", agreement: 0.98 },
  openInputs: 8000,
  sampledInputs: 4000,
  sampledGroups: 3900,
  sealed: { inputs: 1500, calls: 1600, groups: 1450 },
  assumedGroups: 1450,
  neededFaultless: { sealedGroups: 149, inputs: 300 },
  needed: { sealedGroups: 472, inputs: 3230, coverage: 0.45 },
  agreement: { value: 0.863, low: 0.851, high: 0.873 },
  expected: [
    { promise: "delivered", agreement: 0.94, coverage: kept(0.8), foundRatio: 1 },
    { promise: "delivered", agreement: 0.98, coverage: kept(0.6), foundRatio: 1 },
    { promise: "kept", agreement: 0.94, coverage: kept(0.7), foundRatio: 1 },
    { promise: "kept", agreement: 0.98, coverage: kept(0.2), foundRatio: 0.5 },
  ],
  teacher: { source: "unknown" },
  rareLabels: { leastCalls: 3, labels: 0, ofLabels: 77, callsRatio: 0, examples: [] },
  unknownLabelCalls: 0,
};

describe("a forecast in words", () => {
  it("says first that it is no proof, of the cheapest rung, and that better rungs keep more", () => {
    expect(forecastLines(FORECAST)[0]).toBe(
      "forecast, no proof: linear-medium, the cheapest rung, out of fold on 4,000 of 8,000 open inputs; better rungs usually keep more",
    );
  });

  it("says what the target needs of sealed calls and what is there", () => {
    expect(forecastLines(FORECAST)[1]).toBe(
      '  "delivered" at 98 %: a student without a fault needs 149 independent sealed calls (of a log of 300 inputs), this one about 472 (of a log of 3,230 inputs), which keep about 45 % of the calls; sealed are 1,600 calls, 1,450 of them independent',
    );
  });

  it("says so where nothing is sealed, and that the figures are as if some were", () => {
    const none = { ...FORECAST, openInputs: 250, assumedGroups: 160, sealed: { inputs: 0, calls: 0, groups: 0 } };
    expect(forecastLines(none)[1]).toContain("nothing is sealed of 250 inputs, so nothing can be proved");
    expect(forecastLines(none)[1]).toContain("as if 160 independent calls were");
  });

  it("tells a student for which no number is enough from calls that are too few to tell", () => {
    const { needed, ...rest } = FORECAST;
    expect(needed).toBeDefined();
    expect(forecastLines(rest)[1]).toContain("for this one no number is enough");
    const few = forecastLines({ ...rest, sampledGroups: 30, expected: [] });
    expect(few[1]).toContain("cannot be told from 30 independent open calls");
    expect(few.join("\n")).not.toContain("keeps");
  });

  it("says that a price is unknown instead of a saving of nothing", () => {
    const text = forecastLines(FORECAST).join("\n");
    expect(text).toContain("the teacher's price is unknown");
    expect(text).not.toContain("saves");
  });

  it("says the saving where the price is known, and by month where the volume is", () => {
    const expected = FORECAST.expected.map((each) => ({ ...each, savedRatio: kept(0.55) }));
    const priced = { ...FORECAST, teacher: { per1kUsd: 0.4, source: "config" as const }, expected };
    expect(forecastLines(priced).join("\n")).toContain("saves 55 % of the teacher's bill");
    expect(forecastLines(priced).join("\n")).toContain("the calls of a month are unknown");
    const savedUsdPerMonth = { value: 1234.4, low: 900, high: 1500 };
    const monthly = {
      ...priced,
      callsPerMonth: 1e6,
      expected: expected.map((each) => ({ ...each, savedUsdPerMonth })),
    };
    expect(forecastLines(monthly).join("\n")).toContain("bill, 1,230 USD a month (900 to 1,500)");
    expect(forecastLines(monthly).join("\n")).not.toContain("unknown");
  });

  it("says where a threshold is found in some draws alone, and where in none", () => {
    expect(forecastLines(FORECAST).find((line) => line.includes("kept       98 %"))).toContain("50 % of the draws");
    const expected = FORECAST.expected.map((each) => ({
      ...each,
      coverage: { value: 0, low: 0, high: 0 },
      foundRatio: 0,
    }));
    const text = forecastLines({ ...FORECAST, expected }).join("\n");
    expect(text).toContain("delivered  98 %    keeps nothing");
    expect(text).not.toContain("price is unknown");
  });

  it("names rare labels, and answers that nothing can learn", () => {
    const rareLabels = { leastCalls: 3, labels: 4, ofLabels: 9, callsRatio: 0.143, examples: ["返品", "b", "c"] };
    const text = forecastLines({ ...FORECAST, rareLabels, unknownLabelCalls: 64 }).join("\n");
    expect(text).toContain(
      '4 of 9 labels have fewer than 3 open calls, 14.3 % of all: too rare to be learned ("返品", "b", "c", ...)',
    );
    expect(text).toContain("64 of 1,600 sealed calls have an answer that nothing can learn");
  });

  it("is five lines at most before training, the promise of the target first", () => {
    const rareLabels = { leastCalls: 3, labels: 1, ofLabels: 9, callsRatio: 0.01, examples: ["a"] };
    const target = { promise: "kept" as const, agreement: 0.98 };
    const notes = forecastNotes({ ...FORECAST, target, rareLabels, unknownLabelCalls: 1 });
    expect(notes).toHaveLength(5);
    expect(notes[0]).toBe(forecastLines(FORECAST)[0]);
    expect(notes[2]).toContain("kept       98 %");
    expect(notes[3]).toContain("delivered  98 %");
  });
});
