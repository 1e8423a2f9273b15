/** @file The formulas of cost.ts against the worked numbers of the design's return model and by hand. */
import { describe, expect, it } from "vitest";
import {
  breakEvenCallsPerMonth,
  cascadePer1kUsd,
  moneyOf,
  paybackMonths,
  replicas,
  savedRatio,
  studentPer1kUsd,
  teacherPrice,
} from "./cost.js";
import type { MoneyFacts } from "./report/facts.js";

describe("the teacher's price", () => {
  it("is the stated one before the recorded one", () => {
    expect(teacherPrice({ configPer1kUsd: 2, logPer1kUsd: 3 })).toEqual({ per1kUsd: 2, source: "config" });
    expect(teacherPrice({ logPer1kUsd: 3 })).toEqual({ per1kUsd: 3, source: "log" });
  });

  it("is tokens times stated token prices where nothing else is known", () => {
    const price = teacherPrice({
      inputUsdPerMillion: 2.5,
      outputUsdPerMillion: 10,
      meanInputTokens: 800,
      meanOutputTokens: 120,
    });
    expect(price.per1kUsd).toBeCloseTo(3.2, 12);
  });

  it("stays unknown without tokens or prices", () => {
    expect(teacherPrice({ inputUsdPerMillion: 2.5, outputUsdPerMillion: 10 })).toEqual({ source: "unknown" });
    expect(teacherPrice({ meanInputTokens: 10, meanOutputTokens: 1 })).toEqual({ source: "unknown" });
  });
});

describe("the student's cost", () => {
  it("is machine time at the stated utilisation", () => {
    expect(studentPer1kUsd(222, 2.4, 1)).toBeCloseTo(0.003003, 6);
    expect(studentPer1kUsd(100, 0.1, 0.5)).toBeCloseTo((0.1 / (100 * 3600 * 0.5)) * 1000, 15);
  });
});

describe("the cascade", () => {
  it("pays the student for every call and the teacher for deferred ones, with the interval turned round", () => {
    const cost = cascadePer1kUsd(0.001, 2, { value: 0.7, low: 0.6, high: 0.8 });
    expect(cost.value).toBeCloseTo(0.601, 12);
    expect(cost.low).toBeCloseTo(0.401, 12);
    expect(cost.high).toBeCloseTo(0.801, 12);
  });

  it("saves nothing when everything is deferred", () => {
    const saved = savedRatio(cascadePer1kUsd(0.01, 1, { value: 0, low: 0, high: 0 }), 1);
    expect(saved?.value).toBeCloseTo(-0.01, 12);
  });

  it("has no saving against a teacher that costs nothing", () => {
    expect(savedRatio({ value: 1, low: 1, high: 1 }, 0)).toBeUndefined();
  });
});

describe("break-even and payback", () => {
  it("gives 160 thousand calls for a 0.70 USD machine against a teacher of 3.20 USD", () => {
    const calls = breakEvenCallsPerMonth({
      fixedUsdPerMonth: 0.7 * 730,
      oneOffUsd: 0,
      horizonMonths: 12,
      teacherPer1kUsd: 3.2,
      marginalPer1kUsd: 0,
    });
    expect(calls).toBe(159_688);
  });

  it("is never where a call or a month saves nothing", () => {
    const never = { fixedUsdPerMonth: 1, oneOffUsd: 1, horizonMonths: 12, teacherPer1kUsd: 1, marginalPer1kUsd: 1 };
    expect(breakEvenCallsPerMonth(never)).toBeUndefined();
    expect(paybackMonths(100, 0)).toBeUndefined();
    expect(paybackMonths(100, -5)).toBeUndefined();
    expect(paybackMonths(14_000, 7_458)).toBeCloseTo(1.877, 3);
  });

  it("plans at least one machine and more for the peak", () => {
    expect(replicas(10, 1, 3)).toBe(1);
    expect(replicas(730 * 3600 * 7, 10, 3)).toBe(3);
  });
});

describe("the money of a run", () => {
  const input = { throughputPerSecond: 500, trainingSeconds: 360, coverage: { value: 0.7, low: 0.6, high: 0.8 } };

  it("fits the report's contract and lists every assumption", () => {
    const money: MoneyFacts = moneyOf({
      ...input,
      teacher: { per1kUsd: 3.2, source: "config" },
      callsPerMonth: 1_000_000,
    });
    expect(money.assumptions["machineUsdPerHour"]).toBe(0.1);
    expect(money.assumptions["trainingUsd"]).toBeCloseTo(0.01, 12);
    expect(money.savedRatio?.value).toBeCloseTo(0.7, 3);
    expect(money.breakEvenCallsPerMonth).toBe(Math.ceil((73 + 0.01 / 12) / (0.0032 * 0.7)));
    expect(money.paybackMonths).toBeGreaterThan(0);
  });

  it("leaves everything that needs the teacher's price absent where it is unknown", () => {
    const money = moneyOf({ ...input, teacher: { source: "unknown" } });
    expect(Object.keys(money).toSorted()).toEqual(["assumptions", "studentPer1kUsd", "teacherPriceSource"]);
  });

  it("has no cascade without a gate that passed", () => {
    const money = moneyOf({ throughputPerSecond: 1, trainingSeconds: 1, teacher: { per1kUsd: 1, source: "log" } });
    expect(money.cascadePer1kUsd).toBeUndefined();
    expect(money.savedRatio).toBeUndefined();
  });
});
