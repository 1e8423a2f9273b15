/** @file What the report says of licences: the clause, where and when it was read, and what is not known. */
import { describe, expect, it } from "vitest";
import { FACTS, LICENCES, POOR_FACTS } from "./facts.test.fixture.js";
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
