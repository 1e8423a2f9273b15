/** @file What the report warns of: licences, with the clause, where and when it was read; what the sealed calls were used for before. */
import { describe, expect, it } from "vitest";
import { EARLIER_FACTS, FACTS, LICENCES, POOR_FACTS } from "./facts.test.fixture.js";
import { LANGUAGES } from "./format.js";
import { renderReason } from "./reasons.js";
import { risksOf } from "./risks.js";
import { dataTable } from "./sections.js";

const licenceCodes = (facts: typeof FACTS): string[] =>
  risksOf(facts).flatMap(({ code }) => (code.startsWith("risk-licence") ? [code] : []));

describe("licences among the risks", () => {
  it("are unchecked where the log names no teacher or the report is older than the registry", () => {
    expect(licenceCodes(FACTS)).toEqual(["risk-licence"]);
    expect(licenceCodes({ ...POOR_FACTS, licences: [] })).toEqual(["risk-licence"]);
    expect(licenceCodes({ ...POOR_FACTS, licences: LICENCES.slice(0, 1) })).toEqual(["risk-licence"]);
  });

  it("are acknowledged, conditional or unknown; what is allowed is no risk", () => {
    expect(licenceCodes({ ...FACTS, licences: LICENCES })).toEqual([
      "risk-licence-acknowledged",
      "risk-licence-conditions",
      "risk-licence-unknown",
    ]);
  });

  it.each(LANGUAGES)("quote the clause with its source and day in %s", (language) => {
    const sentences = risksOf({ ...FACTS, licences: LICENCES }).map((risk) => renderReason(risk, language));
    for (const name of ["house", "share"]) {
      const sentence = sentences.find((text) => text.includes(`“clause of ${name}”`)) ?? "";
      expect(sentence).toContain(`example.org/${name}`);
      expect(sentence).toContain("2026-01-02");
    }
  });
});

describe("licences in the table of the data", () => {
  it("name model, licence and what was acknowledged", () => {
    const rows = dataTable({ ...FACTS, licences: LICENCES }, "en").rows;
    expect(rows.find(([name]) => name === "Licences")?.[1]).toBe(
      "base: free, allowed; teacher-a: house, use of outputs restricted, acknowledged by name; " +
        "teacher-b: share, under conditions; <teacher-c>: not in the registry",
    );
    expect(dataTable(FACTS, "ja").rows.find(([name]) => name === "ライセンス")?.[1]).toBe("不明");
  });
});

describe("the sealed calls among the risks", () => {
  const openedBy = (sealOpenings: number, delta = 0.05) =>
    risksOf({ ...FACTS, dataset: { ...FACTS.dataset, sealOpenings }, gate: { ...FACTS.gate, delta } });

  it("are opened by m runs, of which one may break its promise with a probability of m x delta", () => {
    expect(openedBy(1).map(({ code }) => code)).not.toContain("risk-seal-opened");
    for (const openings of [2, 3, 20])
      expect(openedBy(openings)[0]).toEqual({
        code: "risk-seal-opened",
        facts: { openings, chance: expect.closeTo(0.05 * openings, 12) as number, delta: 0.05 },
      });
    expect(openedBy(30)[0]?.facts["chance"]).toBe(1);
    expect(openedBy(4, 0.1)[0]?.facts["chance"]).toBeCloseTo(0.4, 12);
  });

  it.each(LANGUAGES)("are opened so often and for this chance in words, in %s", (language) => {
    const [risk] = openedBy(3);
    const sentence = risk === undefined ? "" : renderReason(risk, language);
    for (const number of ["3", "15.0%", "5.0%"]) expect(sentence).toContain(number);
  });

  it("warn of near-leaks and of answers that nothing learned has, where they were counted", () => {
    const counted = risksOf(FACTS);
    expect(counted).toContainEqual({ code: "risk-near-leaks", facts: { rows: 4 } });
    expect(counted).toContainEqual({ code: "risk-unlearned", facts: { share: 39 / 1560 } });
    const codes = risksOf(EARLIER_FACTS).map(({ code }) => code);
    expect(codes).not.toEqual(expect.arrayContaining(["risk-near-leaks"]));
    expect(codes).not.toEqual(expect.arrayContaining(["risk-unlearned"]));
  });
});
