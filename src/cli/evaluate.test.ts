import { describe, expect, it } from "vitest";
import { clopperPearson } from "../stats.js";
import type { Prediction } from "../student/student.js";
import { comparisonLines, comparisonOf, type Comparison } from "./evaluate.js";

const LABELS = ["fee", "lost"];
const RECORDS = [0, 1, 1, -1].map((label) => ({ text: "t", label }));

function compare(...decisions: Prediction["decision"][]): Comparison {
  const predictions = decisions.map((decision) => ({ text: "t", label: "lost", probability: 0.5, decision }));
  return comparisonOf(RECORDS, predictions, LABELS);
}

describe("a comparison", () => {
  it("counts agreement over all records and over those that are kept", () => {
    const comparison = compare("keep", "keep", "defer", "defer");
    expect(comparison).toMatchObject({ records: 4, outsideLabels: 1, agreement: { value: 0.5 } });
    expect([comparison.coverage.value, comparison.keptAgreement?.value]).toEqual([0.5, 0.5]);
    expect(comparisonLines(comparison).at(-2)).toMatch(/50\.00 % of the records, 50\.00 % of them like the teacher$/);
  });

  it("counts what the cascade delivers: all records, the kept and wrong ones against it", () => {
    const delivered = compare("keep", "keep", "keep", "keep").deliveredAgreement;
    expect(delivered).toEqual(compare("keep", "keep", "keep", "keep").agreement);
    expect(compare("keep", "keep", "defer", "defer").deliveredAgreement).toEqual(clopperPearson(3, 4));
    expect(compare("defer", "keep", "keep", "keep").deliveredAgreement).toEqual(clopperPearson(3, 4));
    const all = compare("defer", "defer", "defer", "defer");
    expect(all.deliveredAgreement).toEqual(clopperPearson(4, 4));
    expect(comparisonLines(compare("keep", "keep", "defer", "defer")).at(-1)).toMatch(
      /^delivered +75\.00 % \(95 %: .* to /,
    );
  });

  it("says nothing of the agreement of kept answers where none is kept", () => {
    const comparison = compare("defer", "defer", "defer", "defer");
    expect(comparison).not.toHaveProperty("keptAgreement");
    expect(comparisonLines(comparison).at(-2)).toBe("kept            nothing: every record is deferred to the teacher");
  });
});
