/** @file The documented metrics are the written ones. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EARLIER_FACTS, FACTS, POOR_FACTS } from "./facts.test.fixture.js";
import { metricsOf } from "./metrics.js";

describe("metrics", () => {
  it("has exactly the keys of docs/metrics.md", () => {
    const documented = [...readFileSync("docs/metrics.md", "utf8").matchAll(/^\| `(\w+)` \|/gm)].map((match) =>
      String(match[1]),
    );
    expect(Object.keys(metricsOf(FACTS)).toSorted()).toEqual(documented.toSorted());
  });

  it("writes the same keys whatever is known", () => {
    expect(Object.keys(metricsOf(POOR_FACTS))).toEqual(Object.keys(metricsOf(FACTS)));
  });

  it("says null where something is unknown, never zero", () => {
    const metrics = metricsOf(POOR_FACTS);
    for (const key of [
      "teacherPer1kUsd",
      "cascadePer1kUsd",
      "savedRatio",
      "threshold",
      "keptAgreement",
      "paybackMonths",
    ]) {
      expect(metrics[key]).toBeNull();
    }
  });

  it("claims no quality without sealed rows", () => {
    const metrics = metricsOf({ ...FACTS, dataset: { ...FACTS.dataset, sealedRows: 0 } });
    expect([metrics["agreement"], metrics["macroF1"], metrics["eceAfter"]]).toEqual([null, null, null]);
  });

  it("gives calls, groups and what the cascade delivers, and null for facts of before", () => {
    expect(metricsOf(FACTS)).toMatchObject({
      epsilon: 0.02,
      delta: 0.05,
      deliveredAgreement: 0.9918,
      deliveredAgreementLow: 0.9864,
      deliveredAgreementHigh: 0.9957,
      otherPromiseCoverage: 0.6123,
      mostFrequentAgreement: 0.9402,
      sealedCalls: 1560,
      sealedGroups: 1447,
    });
    const before = metricsOf(EARLIER_FACTS);
    for (const key of [
      "deliveredAgreement",
      "otherPromiseCoverage",
      "mostFrequentAgreement",
      "sealedCalls",
      "sealedGroups",
    ])
      expect([key, before[key]]).toEqual([key, null]);
    expect(metricsOf(POOR_FACTS)["deliveredAgreement"]).toBeNull();
  });
});
