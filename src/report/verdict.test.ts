/** @file The verdict as a table of cases: what is proved and within every limit is deployed, nothing else. */
import { describe, expect, it } from "vitest";
import { moneyOf } from "../cost.js";
import type { Facts, MoneyFacts } from "./facts.js";
import { earlier, EARLIER_FACTS, FACTS, MONTHLY_FACTS, POOR_FACTS, UNSEALED_FACTS } from "./facts.test.fixture.js";
import { headlines } from "./headline.js";
import { REASON_CODES, renderReason } from "./reasons.js";
import { dataTable, moneyTable } from "./sections.js";
import { renderSummary } from "./summary.js";
import { decideVerdict } from "./verdict.js";

const keepsAll: Facts["gate"] = { ...FACTS.gate, threshold: 0, coverage: { value: 1, low: 0.997, high: 1 } };
const proved: Facts = {
  ...FACTS,
  quality: { ...FACTS.quality, agreement: { value: 0.992, low: 0.985, high: 0.996 }, agreementLowerBound: 0.987 },
  gate: keepsAll,
};
const noGate: Facts["gate"] = { ...FACTS.gate, threshold: null, coverage: { value: 0, low: 0, high: 0 } };
const unpriced: Facts["money"] = { teacherPriceSource: "unknown", studentPer1kUsd: 0.0002, assumptions: {} };

const OUTLOOK = { sealedRows: 180, rows: 1200, coverage: 0.9, keptAgreement: 0.99 };

const share = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 });
const UNLABELLED: NonNullable<Facts["unlabelled"]> = {
  texts: 4000,
  sealed: 12,
  labelled: 7,
  thinned: 0,
  used: 3981,
  gain: {
    taught: share(0.8),
    untaught: share(0.7),
    difference: share(0.1),
    pValue: 0.003,
    rows: 200,
    texts: 3981,
    control: { epochs: 6, learningRate: 0.2, tried: [{ epochs: 6, learningRate: 0.2 }] },
  },
};

function codes(facts: Facts): readonly string[] {
  return decideVerdict(facts).reasons.map(({ code }) => code);
}

describe("deploy", () => {
  it("needs the whole traffic proved and every limit met", () => {
    expect(decideVerdict(proved).verdict).toBe("deploy");
    expect(codes(proved)).toEqual(["agreement-proved", "latency-met", "size-met", "saves-money"]);
  });

  it("is not given to a good point estimate whose lower bound is below the target", () => {
    const quality = {
      ...FACTS.quality,
      agreement: { value: 0.985, low: 0.979, high: 0.99 },
      agreementLowerBound: 0.9795,
    };
    expect(decideVerdict({ ...FACTS, quality, gate: noGate }).verdict).toBe("keep-teacher");
  });

  it("needs no price", () => {
    const verdict = decideVerdict({ ...proved, money: unpriced });
    expect(verdict.verdict).toBe("deploy");
    expect(verdict.reasons.map(({ code }) => code)).toContain("price-unknown");
  });
});

describe("deploy-with-fallback", () => {
  it("needs a threshold, every limit met and a saving", () => {
    expect(decideVerdict(FACTS).verdict).toBe("deploy-with-fallback");
    expect(codes(FACTS)).toContain("gate-proved-delivered");
    expect(codes(FACTS)).toContain("fallback-latency");
  });

  it("is given without a price when the gate keeps something", () => {
    expect(decideVerdict({ ...FACTS, money: unpriced }).verdict).toBe("deploy-with-fallback");
    const nothing = { ...FACTS.gate, coverage: { value: 0, low: 0, high: 0.002 } };
    expect(decideVerdict({ ...FACTS, gate: nothing, money: unpriced }).verdict).toBe("keep-teacher");
    expect(codes({ ...FACTS, gate: nothing, money: unpriced })).toContain("gate-keeps-nothing");
  });

  it("is refused where the saving is not sure", () => {
    const money = { ...FACTS.money, savedRatio: { value: 0.01, low: -0.01, high: 0.03 } };
    expect(decideVerdict({ ...FACTS, money }).verdict).toBe("keep-teacher");
    expect(codes({ ...FACTS, money })).toContain("saves-nothing");
  });

  it("is refused to a student proved alone that costs more than its teacher", () => {
    const money = {
      ...proved.money,
      teacherPer1kUsd: 0.001,
      studentPer1kUsd: 0.01,
      savedRatio: { value: -9, low: -9, high: -9 },
    };
    expect(decideVerdict({ ...proved, money }).verdict).toBe("keep-teacher");
    expect(codes({ ...proved, money }).filter((code) => code === "saves-nothing")).toHaveLength(1);
  });

  it("is given to a student proved alone whose cost limit only the gate breaks", () => {
    const target = { ...FACTS.target, costPer1kUsd: 0.01 };
    expect(decideVerdict({ ...proved, target }).verdict).toBe("deploy");
    expect(codes({ ...FACTS, target })).toContain("cost-exceeded");
  });

  it("counts an unknown cost as not met", () => {
    const target = { ...FACTS.target, costPer1kUsd: 5 };
    expect(decideVerdict({ ...FACTS, target, money: unpriced }).verdict).toBe("keep-teacher");
    expect(codes({ ...FACTS, target, money: unpriced })).toContain("cost-not-verifiable");
  });
});

describe("a gate that keeps everything", () => {
  const ceiling = (selfAgreementCeiling: number): Facts => ({
    ...proved,
    dataset: { ...proved.dataset, selfAgreementCeiling },
  });

  it("is no reason to deploy alone where the teacher agrees with itself less often than the target asks", () => {
    expect(decideVerdict(ceiling(0.979)).verdict).toBe("deploy-with-fallback");
    expect(codes(ceiling(0.979))).toEqual(expect.arrayContaining(["gate-proved-delivered", "agreement-below-target"]));
    expect(decideVerdict(ceiling(0.98)).verdict).toBe("deploy");
  });
});

describe("the promise", () => {
  const kept: Facts = {
    ...FACTS,
    target: { ...FACTS.target, promise: "kept" },
    gate: { ...FACTS.gate, promise: "kept" },
  };
  const reasonOf = (facts: Facts, code: string) =>
    decideVerdict(facts).reasons.find((each) => each.code === code)?.facts;

  it("is named by the reason that a threshold gives, facts of before promise the kept answers", () => {
    expect(reasonOf(FACTS, "gate-proved-delivered")).toMatchObject({ target: 0.98, delivered: 0.9918 });
    for (const facts of [kept, EARLIER_FACTS]) {
      expect(codes(facts)).not.toContain("gate-proved-delivered");
      expect(reasonOf(facts, "gate-proved")).toMatchObject({ epsilon: 0.02, confidence: 0.95 });
    }
  });

  it("is named where no threshold keeps it", () => {
    const without = (facts: Facts): Facts => ({
      ...facts,
      gate: { ...facts.gate, threshold: null, coverage: noGate.coverage },
    });
    expect(codes(without(FACTS))).toContain("gate-has-no-threshold-delivered");
    for (const facts of [kept, EARLIER_FACTS]) {
      expect(codes(without(facts))).toContain("gate-has-no-threshold");
      expect(codes(without(facts))).not.toContain("gate-has-no-threshold-delivered");
    }
  });

  it("counts groups where they are known, rows in facts of before", () => {
    const few = { ...FACTS, gate: { ...FACTS.gate, sealedGroups: 148 } };
    expect(codes(few)[0]).toBe("no-guarantee-possible");
    expect(codes({ ...few, gate: { ...few.gate, sealedGroups: 149 } })[0]).toBe("gate-proved-delivered");
    const before = (sealedRows: number): Facts => earlier({ ...few, dataset: { ...few.dataset, sealedRows } });
    expect([codes(before(148))[0], codes(before(149))[0]]).toEqual(["no-guarantee-possible", "gate-proved"]);
  });
});

describe("keep-teacher", () => {
  it.each([
    [{ p95Ms: 0.1 }, "latency-exceeded"],
    [{ sizeMb: 1 }, "size-exceeded"],
    [{ memoryMb: 10 }, "memory-exceeded"],
  ])("follows from a broken limit %j even where agreement is proved", (limit, code) => {
    const facts = { ...proved, target: { ...proved.target, ...limit } };
    expect(decideVerdict(facts).verdict).toBe("keep-teacher");
    expect(codes(facts)).toEqual(expect.arrayContaining([code, "change-constraint"]));
  });

  it("says what would change it", () => {
    expect(codes(POOR_FACTS)).toEqual(
      expect.arrayContaining([
        "agreement-below-target",
        "gate-has-no-threshold-delivered",
        "change-bigger-student",
        "change-lower-target",
        "change-more-data",
      ]),
    );
  });

  it("proposes the nearest lower target that may be expected to keep something worth it", () => {
    const lowerOf = (forecast: NonNullable<Facts["forecast"]>): unknown =>
      decideVerdict({ ...POOR_FACTS, forecast }).reasons.find(({ code }) => code === "change-lower-target")?.facts;
    const seen = POOR_FACTS.forecast ?? [];
    const at = (agreement: number, change: Partial<(typeof seen)[number]>) =>
      seen.map((each) => (each.agreement === agreement ? { ...each, ...change } : each));
    expect(lowerOf(seen)).toEqual({ target: 0.96, coverage: 0.23 });
    expect(lowerOf(at(0.96, { foundRatio: 0.79 }))).toEqual({ target: 0.94, coverage: 0.41 });
    expect(lowerOf(at(0.96, { coverage: share(0.09) }))).toEqual({ target: 0.94, coverage: 0.41 });
    expect(lowerOf(seen.filter(({ promise }) => promise === "kept"))).toBeUndefined();
    expect(lowerOf([])).toBeUndefined();
  });

  it("proposes to promise all answers where the kept ones alone allow no threshold, and never the reverse", () => {
    const seen = (POOR_FACTS.forecast ?? []).map((each) =>
      each.agreement === 0.98 ? { ...each, coverage: share(0.3), foundRatio: 1 } : each,
    );
    const kept: Facts = { ...POOR_FACTS, forecast: seen, gate: { ...POOR_FACTS.gate, promise: "kept" } };
    expect(decideVerdict(kept).reasons).toContainEqual({
      code: "change-promise",
      facts: { target: 0.98, coverage: 0.3 },
    });
    expect(codes({ ...POOR_FACTS, forecast: seen })).not.toContain("change-promise");
    expect(codes({ ...kept, forecast: POOR_FACTS.forecast ?? [] })).not.toContain("change-promise");
  });

  it("proposes nothing that was shown not to help", () => {
    const noisy: Facts = { ...POOR_FACTS, dataset: { ...POOR_FACTS.dataset, selfAgreementCeiling: 0.95 } };
    for (const code of ["change-bigger-student", "change-more-data"]) {
      expect(codes(POOR_FACTS)).toContain(code);
      expect(codes(noisy)).not.toContain(code);
    }
    const { rows } = POOR_FACTS.dataset;
    expect(codes({ ...POOR_FACTS, outlook: { ...OUTLOOK, rows } })).not.toContain("outlook-rows");
    expect(codes({ ...POOR_FACTS, outlook: { ...OUTLOOK, rows: rows + 1 } })).toContain("outlook-rows");
  });

  it("blames noisy labels when the teacher agrees with itself less than the target asks", () => {
    const dataset = { ...POOR_FACTS.dataset, selfAgreementCeiling: 0.95 };
    expect(codes({ ...POOR_FACTS, dataset })).toContain("change-noisy-labels");
    expect(codes(POOR_FACTS)).not.toContain("change-noisy-labels");
  });

  it.each([0, 1, 148])("promises nothing with %i independent sealed calls, however good they look", (sealedGroups) => {
    const facts: Facts = { ...proved, gate: { ...proved.gate, sealedGroups } };
    const verdict = decideVerdict(facts);
    expect(verdict.verdict).toBe("keep-teacher");
    expect(verdict.reasons[0]?.code).toBe("no-guarantee-possible");
    expect(verdict.reasons[0]?.facts).toMatchObject({
      sealedRows: sealedGroups,
      neededSealedRows: 149,
      neededRows: 300,
    });
    const { rows } = facts.dataset;
    expect(codes({ ...facts, outlook: { ...OUTLOOK, rows: rows + 1 } })[1]).toBe("outlook-rows");
    expect(verdict.reasons[1]?.code).toBe("outlook-none");
  });
});

describe("a target of 100 %", () => {
  it("is called unprovable instead of asking for endless rows", () => {
    const facts = { ...proved, gate: { ...noGate, epsilon: 0 }, target: { ...proved.target, agreement: 1 } };
    expect(decideVerdict(facts).reasons[0]).toEqual({ code: "target-not-provable", facts: { target: 1 } });
  });
});

describe("every verdict", () => {
  it("is a pure function of the facts and gives only codes of the catalogue", () => {
    for (const facts of [FACTS, EARLIER_FACTS, POOR_FACTS, UNSEALED_FACTS, proved]) {
      expect(decideVerdict(facts)).toEqual(decideVerdict(structuredClone(facts)));
      for (const code of codes(facts)) expect(REASON_CODES).toContain(code);
    }
  });
});

describe("texts without answers", () => {
  const gain = UNLABELLED.gain;

  it.each([FACTS, POOR_FACTS, UNSEALED_FACTS, proved])(
    "are the last reason of verdict %#, which they do not change",
    (facts) => {
      const taught = decideVerdict({ ...facts, unlabelled: UNLABELLED });
      const plain = decideVerdict(facts);
      expect(taught.verdict).toBe(plain.verdict);
      expect(taught.reasons.slice(0, -1)).toEqual(plain.reasons);
      expect(taught.reasons.at(-1)).toMatchObject({
        code: "taught-better",
        facts: { texts: 3981, taught: 0.8, untaught: 0.7, rows: 200 },
      });
    },
  );

  it("are said to have helped only where the paired test says so", () => {
    if (gain === undefined) throw new Error("no gain");
    const chance: Facts = { ...UNSEALED_FACTS, unlabelled: { ...UNLABELLED, gain: { ...gain, pValue: 0.2 } } };
    const worse: Facts = {
      ...UNSEALED_FACTS,
      unlabelled: { ...UNLABELLED, gain: { ...gain, difference: share(-0.1) } },
    };
    for (const facts of [chance, worse]) expect(codes(facts).at(-1)).toBe("taught-not-better");
  });

  it("are not named where there were none and the base taught by the labelled rows", () => {
    if (gain === undefined) throw new Error("no gain");
    const none = { ...UNLABELLED, texts: 0, used: 0, gain: { ...gain, texts: 0 } };
    const chance = { ...none, gain: { ...none.gain, pValue: 0.2 } };
    expect(codes({ ...UNSEALED_FACTS, unlabelled: none }).at(-1)).toBe("taught-rows-better");
    expect(codes({ ...UNSEALED_FACTS, unlabelled: chance }).at(-1)).toBe("taught-rows-not-better");
    expect(JSON.stringify(dataTable({ ...FACTS, unlabelled: none }, "en"))).not.toContain("Texts without answers");
    expect(JSON.stringify(dataTable({ ...FACTS, unlabelled: UNLABELLED }, "en"))).toContain("Texts without answers");
  });

  it("leave the verdict of few labels what it is: nothing is proved, and so many labels would allow a guarantee", () => {
    const { verdict, reasons } = decideVerdict({ ...UNSEALED_FACTS, unlabelled: UNLABELLED });
    expect(verdict).toBe("keep-teacher");
    expect(reasons.map(({ code }) => code).slice(0, 2)).toEqual(["no-guarantee-possible", "outlook-rows"]);
  });

  it.each(["en", "ja"] as const)("read as a sentence with every number in %s", (language) => {
    const reason = decideVerdict({ ...FACTS, unlabelled: UNLABELLED }).reasons.at(-1);
    const sentence = reason === undefined ? "" : renderReason(reason, language);
    for (const shown of ["3,981", "200", "80.0%", "70.0%", "0.003"]) expect(sentence).toContain(shown);
  });
});

describe("the money of a month", () => {
  /** A teacher of 0.4 USD, one machine of 73 USD a month, and the gate's coverage. */
  function moneyAt(callsPerMonth: number | undefined, more: Partial<Parameters<typeof moneyOf>[0]> = {}): MoneyFacts {
    return moneyOf({
      teacher: { per1kUsd: 0.4, source: "config" },
      throughputPerSecond: 500,
      trainingSeconds: 360,
      coverage: { value: 1, low: 1, high: 1 },
      ...(callsPerMonth === undefined ? {} : { callsPerMonth }),
      ...more,
    });
  }
  const { coverage } = FACTS.gate;

  it("keeps the teacher whose bill is the smaller one, with both bills, the volume and the price that would change it", () => {
    const { verdict, reasons } = decideVerdict({ ...proved, money: moneyAt(20_000) });
    expect(verdict).toBe("keep-teacher");
    expect(reasons.map(({ code }) => code)).toEqual(["month-loses", "change-volume", "change-price"]);
    expect(reasons[0]?.facts).toMatchObject({ calls: 20_000, machines: 1, teacher: 8, breakEven: 182_503 });
    expect(reasons[0]?.facts["deployed"]).toBeCloseTo(73, 2);
    expect(reasons[1]?.facts["calls"]).toBe(182_503);
    expect(reasons[2]?.facts["price"]).toBeCloseTo(3.65, 3);
  });

  it.each([true, false])("turns at the volume that it names, and not below (proved alone: %s)", (isAlone) => {
    const [facts, more] = isAlone ? [proved, {}] : [FACTS, { coverage }];
    const lost = decideVerdict({ ...facts, money: moneyAt(20_000, more) });
    const calls = Number(lost.reasons.find(({ code }) => code === "change-volume")?.facts["calls"]);
    const won = decideVerdict({ ...facts, money: moneyAt(calls, more) });
    expect(won.verdict).toBe(isAlone ? "deploy" : "deploy-with-fallback");
    expect(won.reasons.map(({ code }) => code)).toContain("month-saves");
    expect(decideVerdict({ ...facts, money: moneyAt(calls - 1, more) }).verdict).toBe("keep-teacher");
  });

  it("turns at the price that it names, as it is written", () => {
    const lost = decideVerdict({ ...FACTS, money: moneyAt(20_000, { coverage }) });
    const reason = lost.reasons.find(({ code }) => code === "change-price");
    const written = Number(/price of \$([\d.]+) per/.exec(reason === undefined ? "" : renderReason(reason, "en"))?.[1]);
    const verdictAt = (per1kUsd: number): string =>
      decideVerdict({ ...FACTS, money: moneyAt(20_000, { coverage, teacher: { per1kUsd, source: "config" } }) })
        .verdict;
    expect([verdictAt(written), verdictAt(written - 0.01)]).toEqual(["deploy-with-fallback", "keep-teacher"]);
  });

  it("is refused where only the favourable part of the interval saves", () => {
    const wide = { value: 0.7354, low: 0.5, high: 0.9 };
    const money = moneyAt(300_000, { coverage: wide });
    expect(money.monthly?.savedUsd.value).toBeGreaterThan(0);
    const { verdict, reasons } = decideVerdict({ ...FACTS, gate: { ...FACTS.gate, coverage: wide }, money });
    expect(verdict).toBe("keep-teacher");
    const [loses, volume] = ["month-loses", "change-volume"].map((code) => reasons.find((each) => each.code === code));
    expect(loses?.facts["breakEven"]).toBe(money.breakEvenCallsPerMonth);
    expect(volume?.facts["calls"]).toBe(money.breakEvenCallsPerMonthHigh);
    expect(volume?.facts["calls"]).toBeGreaterThan(300_000);
  });

  it("counts every machine of the peak and the one-off costs", () => {
    const slow = { throughputPerSecond: 1 };
    expect(decideVerdict({ ...proved, money: moneyAt(630_000, slow) }).verdict).toBe("deploy");
    const money = moneyAt(700_000, { ...slow, teacher: { per1kUsd: 0.15, source: "config" } });
    expect(money.monthly?.machines).toBe(2);
    expect(codes({ ...proved, money })).toContain("month-loses");
    const people = { oneOffPeopleUsd: 12_000 };
    expect(decideVerdict({ ...proved, money: moneyAt(400_000) }).verdict).toBe("deploy");
    expect(decideVerdict({ ...proved, money: moneyAt(400_000, people) }).verdict).toBe("keep-teacher");
  });

  it("says never where no volume pays, and names the volume of none", () => {
    const never = moneyAt(1000, { throughputPerSecond: 0.05 });
    expect(codes({ ...proved, money: never })).toEqual(["month-loses-never", "change-price"]);
    const free = moneyAt(1000, { teacher: { per1kUsd: 0, source: "log" }, coverage });
    expect(decideVerdict({ ...FACTS, money: free }).verdict).toBe("keep-teacher");
    const unsure = moneyAt(1000, { coverage: { value: 0.7, low: 0, high: 0.9 } });
    expect(codes({ ...FACTS, money: unsure })).toContain("change-volume-none");
    expect(codes({ ...FACTS, money: unsure })).not.toContain("change-price");
  });

  it("is unknown without a volume: the call decides, and the volume from which on it pays is said", () => {
    const { verdict, reasons } = decideVerdict({ ...FACTS, money: moneyAt(undefined, { coverage }) });
    expect(verdict).toBe("deploy-with-fallback");
    expect(reasons.map(({ code }) => code)).toEqual(expect.arrayContaining(["saves-money", "pays-from"]));
    const from = reasons.find(({ code }) => code === "pays-from")?.facts["calls"];
    expect(from).toBe(Math.ceil((73 + 0.01 / 12) / (0.0004 * coverage.low)));
    const money = { ...moneyAt(undefined, { coverage }), breakEvenCallsPerMonthHigh: null };
    expect(codes({ ...FACTS, money })).toContain("pays-never");
  });

  it("is not saved against a teacher that costs nothing, volume known or not", () => {
    const money = moneyAt(undefined, { teacher: { per1kUsd: 0, source: "log" }, coverage });
    expect(decideVerdict({ ...FACTS, money }).verdict).toBe("keep-teacher");
  });

  it("leaves the cost limit to its unfavourable end", () => {
    const limited = (costPer1kUsd: number): Facts => ({ ...FACTS, target: { ...FACTS.target, costPer1kUsd } });
    expect(decideVerdict(limited(0.44)).verdict).toBe("deploy-with-fallback");
    expect(decideVerdict(limited(0.42)).verdict).toBe("keep-teacher");
    expect(codes(limited(0.42))).toContain("cost-exceeded");
  });

  it.each(["en", "ja"] as const)(
    "is read with both bills in %s, and facts of before are drawn without it",
    (language) => {
      const lost: Facts = { ...proved, money: moneyAt(20_000) };
      const shown = renderSummary(lost, decideVerdict(lost), language, {}, { width: 10_000, colour: false });
      for (const number of ["20,000", "182,503", "$8.00", "$73.00", "$3.66"]) expect(shown).toContain(number);
      const tile = headlines(lost, decideVerdict(lost), language)[1]?.note ?? "";
      for (const number of ["20,000", "$8.00", "$73.00"]) expect(tile).toContain(number);
      const rows = (facts: Facts): number => moneyTable(facts, language).rows.length;
      expect(rows(MONTHLY_FACTS) - rows(FACTS)).toBe(5);
      expect(codes(FACTS)).toContain("saves-money");
      expect(codes(FACTS)).not.toContain("pays-from");
    },
  );
});
