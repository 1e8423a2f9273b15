/** @file The documented metrics are the written ones. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FACTS, POOR_FACTS } from "./facts.test.fixture.js";
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
});
