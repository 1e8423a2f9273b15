/** @file The numbers that reasons carry are those of the facts, and limits hold to the last bit. */
import { describe, expect, it } from "vitest";
import type { Facts, Reason } from "./facts.js";
import { FACTS, MONTHLY_FACTS, POOR_FACTS } from "./facts.test.fixture.js";
import { MEGABYTE } from "./format.js";
import { decideVerdict } from "./verdict.js";

function numbersOf(facts: Facts, code: string): Reason["facts"] | undefined {
  return decideVerdict(facts).reasons.find((reason) => reason.code === code)?.facts;
}

const codesOf = (facts: Facts): readonly string[] => decideVerdict(facts).reasons.map(({ code }) => code);

describe("a limit", () => {
  it("is met where it is just reached, and told with what was measured", () => {
    const sizeMb = FACTS.student.sizeBytes / MEGABYTE;
    const facts: Facts = { ...FACTS, target: { ...FACTS.target, sizeMb } };
    expect(numbersOf(facts, "size-met")).toEqual({ measured: sizeMb, limit: sizeMb });
    expect(numbersOf(facts, "latency-met")).toEqual({ measured: FACTS.measured.latency.p95Ms, limit: 5 });
  });

  it("of the cost that cannot be verified is told", () => {
    const money: Facts["money"] = { teacherPriceSource: "unknown", studentPer1kUsd: 0.0002, assumptions: {} };
    const facts: Facts = { ...FACTS, money, target: { ...FACTS.target, costPer1kUsd: 5 } };
    expect(numbersOf(facts, "cost-not-verifiable")).toEqual({ limit: 5 });
  });
});

describe("a saving", () => {
  const saving = (low: number, more: Partial<Facts["money"]> = {}): Facts => ({
    ...FACTS,
    money: { ...FACTS.money, savedRatio: { value: 0.2, low, high: 0.4 }, ...more },
  });

  it("that may be nothing is none", () => {
    expect(numbersOf(saving(0), "saves-nothing")).toEqual({ saved: 0.2, low: 0, high: 0.4 });
    expect(numbersOf(saving(1e-9), "saves-money")).toEqual({ saved: 0.2, low: 1e-9, high: 0.4 });
  });

  it("by call says from which volume on a machine pays where the volume is unknown alone, and only where it saves", () => {
    const { callsPerMonth: _, monthly: __, ...money } = FACTS.money;
    const unknown = (low: number, from: number | null | undefined, more = {}): readonly string[] =>
      codesOf({
        ...FACTS,
        money: {
          ...money,
          savedRatio: { value: 0.2, low, high: 0.4 },
          ...(from === undefined ? {} : { breakEvenCallsPerMonthHigh: from }),
          ...more,
        },
      }).filter((code) => code.startsWith("pays"));
    expect(unknown(0.1, 9000)).toEqual(["pays-from"]);
    expect(unknown(0.1, null)).toEqual(["pays-never"]);
    expect([unknown(0.1, undefined), unknown(0, 9000), unknown(0.1, 9000, { callsPerMonth: 100 })]).toEqual([
      [],
      [],
      [],
    ]);
  });
});

describe("the bills of a month", () => {
  it("are told with what they save and its interval", () => {
    const { monthly } = MONTHLY_FACTS.money;
    if (monthly === undefined) throw new Error("no month");
    const saves = (low: number): Facts => ({
      ...MONTHLY_FACTS,
      money: { ...MONTHLY_FACTS.money, monthly: { ...monthly, savedUsd: { value: 200, low, high: 300 } } },
    });
    const { calls, machines, teacherUsd: teacher, deployedUsd } = monthly;
    const bills = { calls, machines, teacher, deployed: deployedUsd.value };
    expect(numbersOf(saves(100), "month-saves")).toEqual({ ...bills, saved: 200, low: 100, high: 300 });
    expect(codesOf(saves(0))).not.toContain("month-saves");
  });
});

describe("a student proved alone", () => {
  it("saves by its own price, whatever the cascade would", () => {
    const money = { ...FACTS.money, savedRatio: { value: -1, low: -2, high: -0.5 } };
    const gate = { ...FACTS.gate, threshold: 0, coverage: { value: 1, low: 0.997, high: 1 } };
    expect(decideVerdict({ ...FACTS, gate, money }).verdict).toBe("deploy");
  });
});

describe("the gate's reasons", () => {
  it("carry its coverage, its risk and what it defers", () => {
    const { gate } = FACTS;
    expect(numbersOf(FACTS, "gate-proved-delivered")).toEqual({
      coverage: gate.coverage.value,
      epsilon: 0.02,
      confidence: 0.95,
      risk: 1 - gate.keptAgreement.value,
      target: 0.98,
      delivered: 0.9918,
    });
    expect(numbersOf(FACTS, "fallback-latency")).toEqual({ deferral: 1 - gate.coverage.value });
    expect(numbersOf(FACTS, "agreement-below-target")).toEqual({
      agreement: 0.9321,
      low: 0.9205,
      target: 0.98,
      rows: 1_560,
    });
  });

  it("name no latency of the fallback where hardly any call falls back", () => {
    const keeping = (value: number): Facts => ({
      ...FACTS,
      gate: { ...FACTS.gate, coverage: { value, low: value, high: 1 } },
    });
    expect([0.94, 0.96].map((value) => codesOf(keeping(value)).includes("fallback-latency"))).toEqual([true, false]);
  });
});

describe("what would change a verdict", () => {
  it("is counted: students that were not trained, the rows there are, the ceiling of the labels", () => {
    const untrained = POOR_FACTS.candidates.filter(({ status }) => ["planned-away", "not-reached"].includes(status));
    expect(numbersOf(POOR_FACTS, "change-bigger-student")).toEqual({ count: untrained.length });
    expect(untrained.length).toBeLessThan(POOR_FACTS.candidates.length);
    const { trainRows, labels } = POOR_FACTS.dataset;
    expect(numbersOf(POOR_FACTS, "change-more-data")).toEqual({ rows: trainRows, labels });
    const noisy = { ...POOR_FACTS, dataset: { ...POOR_FACTS.dataset, selfAgreementCeiling: 0.95 } };
    expect(numbersOf(noisy, "change-noisy-labels")).toEqual({ ceiling: 0.95, target: 0.98 });
  });

  it("is told with the promise that no threshold keeps and with the outlook on more rows", () => {
    expect(numbersOf(POOR_FACTS, "gate-has-no-threshold-delivered")).toEqual({ epsilon: POOR_FACTS.gate.epsilon });
    const outlook = { sealedRows: 180, rows: POOR_FACTS.dataset.rows + 1, coverage: 0.9, keptAgreement: 0.99 };
    expect(numbersOf({ ...POOR_FACTS, outlook }, "outlook-rows")).toEqual(outlook);
  });

  it("is no bigger student where all were trained", () => {
    const candidates = POOR_FACTS.candidates.filter(({ status }) => status === "chosen" || status === "passed-over");
    expect(codesOf({ ...POOR_FACTS, candidates })).not.toContain("change-bigger-student");
    const [one] = POOR_FACTS.candidates;
    const late = one === undefined ? [] : [{ ...one, status: "not-reached" as const }];
    expect(numbersOf({ ...POOR_FACTS, candidates: [...candidates, ...late] }, "change-bigger-student")).toEqual({
      count: 1,
    });
  });

  it("is never a higher target, nor the same", () => {
    const seen = (POOR_FACTS.forecast ?? []).map((each) => ({ ...each, foundRatio: 1 }));
    const forecast = seen.map((each, i) => ({ ...each, agreement: i === 0 ? 0.98 : 0.99 }));
    expect(codesOf({ ...POOR_FACTS, forecast })).not.toContain("change-lower-target");
  });

  it("is what was seen out of fold of the chosen student, and lower targets too where no guarantee is possible", () => {
    const few: Facts = { ...POOR_FACTS, gate: { ...POOR_FACTS.gate, sealedGroups: 100 } };
    const chosen = few.candidates.find(({ status }) => status === "chosen")?.outOfFoldAgreement;
    expect(numbersOf(few, "outlook-none")).toEqual({ agreement: chosen?.value, low: chosen?.low });
    expect(numbersOf(few, "no-guarantee-possible")).toMatchObject({ sealedRows: 100, confidence: 0.95 });
    expect(codesOf(few)).toContain("change-lower-target");
    expect(codesOf(few)).not.toContain("change-more-data");
    expect(codesOf({ ...few, candidates: [] })).not.toContain("outlook-none");
    expect(numbersOf({ ...few, gate: { ...few.gate, epsilon: 0.001 } }, "no-guarantee-possible")).toMatchObject({
      neededSealedRows: 2995,
      neededRows: 19_964,
    });
  });
});
