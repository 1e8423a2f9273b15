/** @file The formulas of cost.ts against the worked numbers of the design's return model and by hand. */
import { describe, expect, it } from "vitest";
import {
  breakEvenCallsPerMonth,
  callsPerMachine,
  cascadePer1kUsd,
  moneyOf,
  type MoneyInput,
  monthOf,
  paybackMonths,
  replicas,
  savedRatio,
  studentPer1kUsd,
  teacherPrice,
} from "./cost.js";
import { createRandom } from "./random.js";
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
      machineUsdPerMonth: 0.7 * 730,
      callsPerMachine: 1e9,
      peopleUsdPerMonth: 0,
      oneOffUsd: 0,
      horizonMonths: 12,
      teacherPer1kUsd: 3.2,
      marginalPer1kUsd: 0,
    });
    expect(calls).toBe(159_688);
  });

  it("is never where a call or a month saves nothing", () => {
    const spread = { peopleUsdPerMonth: 0, oneOffUsd: 1, horizonMonths: 12, teacherPer1kUsd: 1 };
    const machine = { machineUsdPerMonth: 1, callsPerMachine: 1000 };
    expect(breakEvenCallsPerMonth({ ...spread, ...machine, marginalPer1kUsd: 1 })).toBeUndefined();
    expect(breakEvenCallsPerMonth({ ...spread, ...machine, marginalPer1kUsd: 0 })).toBeUndefined();
    expect(breakEvenCallsPerMonth({ ...spread, ...machine, callsPerMachine: 1e9, marginalPer1kUsd: 0 })).toBe(1084);
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

describe("a month", () => {
  /** One machine answers 7 x 730 x 3600 / 3 = 6,132,000 calls a month. */
  const input: MoneyInput = {
    teacher: { per1kUsd: 0.4, source: "config" },
    throughputPerSecond: 10,
    trainingSeconds: 36_000,
    coverage: { value: 0.9, low: 0.8, high: 0.95 },
    callsPerMonth: 20_000,
    oneOffPeopleUsd: 119,
    peopleUsdPerMonth: 5,
  };

  it("holds rent, people, one-off costs spread and deferred calls against the teacher's bill, by hand", () => {
    const { monthly } = moneyOf(input);
    const fixedUsd = 73 + 5 + (1 + 119) / 12;
    expect(monthly).toMatchObject({ calls: 20_000, machines: 1, teacherUsd: 8 });
    expect(monthly?.deployedUsd.value).toBeCloseTo(fixedUsd + 0.8, 10);
    expect(monthly?.deployedUsd.low).toBeCloseTo(fixedUsd + 0.4, 10);
    expect(monthly?.deployedUsd.high).toBeCloseTo(fixedUsd + 1.6, 10);
    expect(monthly?.savedUsd.value).toBeCloseTo(7.2 - fixedUsd, 10);
    expect(monthly?.savedUsd.low).toBeCloseTo(6.4 - fixedUsd, 10);
    expect(monthly?.savedUsd.high).toBeCloseTo(7.6 - fixedUsd, 10);
    expect(monthly?.payingPer1kUsd).toBeCloseTo(fixedUsd / 16, 10);
  });

  it("rents as many machines as the peak needs", () => {
    const { monthly } = moneyOf({ ...input, callsPerMonth: 6_132_000 * 2.5 });
    expect(monthly?.machines).toBe(3);
    expect(monthly?.deployedUsd.low).toBeCloseTo(3 * 73 + 15 + 0.05 * (monthly?.teacherUsd ?? 0), 6);
  });

  it("earns its one-off costs back by what a month saves before they are spread", () => {
    const { paybackMonths: months } = moneyOf({ ...input, callsPerMonth: 1_000_000 });
    expect(months).toBeCloseTo(120 / (0.9 * 400 - 78), 10);
    expect(moneyOf(input)).not.toHaveProperty("paybackMonths");
  });

  it("is absent where volume or price is unknown or nothing is kept", () => {
    const { callsPerMonth: _, ...unknownVolume } = input;
    const { coverage: __, ...ungated } = input;
    const nothing = { value: 0, low: 0, high: 0.1 };
    for (const without of [unknownVolume, ungated, { ...input, coverage: nothing }])
      expect(moneyOf(without)).not.toHaveProperty("monthly");
    expect(moneyOf({ ...input, teacher: { source: "unknown" } })).not.toHaveProperty("monthly");
  });

  it("names no price where no call is sure to be kept", () => {
    const coverage = { value: 0.4, low: 0, high: 0.9 };
    const month = monthOf({ calls: 1000, machines: 1, fixedUsd: 1, teacherPer1kUsd: 1, coverage });
    expect(month).not.toHaveProperty("payingPer1kUsd");
  });

  it("turns at the break-even volume of its own end of the interval", () => {
    const { callsPerMonth: _, ...volumeless } = input;
    const { breakEvenCallsPerMonth: measured = 0, breakEvenCallsPerMonthHigh: sure } = moneyOf(volumeless);
    const savedAt = (calls: number) => moneyOf({ ...input, callsPerMonth: calls }).monthly?.savedUsd;
    expect(measured).toBeLessThan(sure ?? 0);
    expect(savedAt(measured)?.value).toBeGreaterThan(0);
    expect(savedAt(measured - 1)?.value).toBeLessThanOrEqual(0);
    expect(savedAt(sure ?? 0)?.low).toBeGreaterThan(0);
    expect(savedAt((sure ?? 0) - 1)?.low).toBeLessThanOrEqual(0);
  });

  it("turns at the price that it names", () => {
    const price = moneyOf(input).monthly?.payingPer1kUsd ?? 0;
    const savedAt = (per1kUsd: number) => moneyOf({ ...input, teacher: { per1kUsd, source: "config" } }).monthly;
    expect(savedAt(price * 1.001)?.savedUsd.low).toBeGreaterThan(0);
    expect(savedAt(price * 0.999)?.savedUsd.low).toBeLessThan(0);
  });

  it("never loses above the break-even volume, whatever the machines in between", () => {
    const random = createRandom(3, "break-even");
    let several = 0;
    for (let round = 0; round < 300; round++) {
      const throughputPerSecond = 0.01 + random.float() * 0.2;
      const drawn: MoneyInput = {
        ...input,
        teacher: { per1kUsd: 0.5 + 8 * random.float(), source: "log" },
        throughputPerSecond,
        peopleUsdPerMonth: 400 * random.float(),
      };
      const from = moneyOf(drawn).breakEvenCallsPerMonthHigh ?? undefined;
      const capacity = callsPerMachine(throughputPerSecond, 3);
      const savedAt = (calls: number): number => moneyOf({ ...drawn, callsPerMonth: calls }).monthly?.savedUsd.low ?? 0;
      if (from === undefined) {
        for (let n = 1; n < 40; n++) expect(savedAt(n * capacity)).toBeLessThanOrEqual(0);
        continue;
      }
      if (from > capacity) several++;
      expect(savedAt(from - 1)).toBeLessThanOrEqual(1e-9);
      for (let n = 0; n < 40; n++) expect(savedAt(from + (n * capacity) / 7)).toBeGreaterThan(0);
    }
    expect(several).toBeGreaterThan(50);
  });

  it("never pays where a full machine does not earn its rent", () => {
    const money = moneyOf({ ...input, teacher: { per1kUsd: 73 / 6132, source: "config" } });
    expect(money.breakEvenCallsPerMonthHigh).toBeNull();
    expect(money).not.toHaveProperty("breakEvenCallsPerMonth");
    expect(money).not.toHaveProperty("paybackMonths");
  });
});
