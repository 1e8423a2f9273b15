/** @file report.json: the facts and the verdict as they were stored, and nothing that could not be recomputed from them. */
import type { Facts, Reason, Verdict } from "./facts.js";
import { metricsOf } from "./metrics.js";
import { risksOf } from "./risks.js";

/** Raised when a field changes its meaning or goes. */
export const REPORT_FORMAT = 2;

export interface JsonReport {
  readonly format: number;
  readonly verdict: Verdict["verdict"];
  readonly reasons: readonly Reason[];
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly risks: readonly Reason[];
  readonly facts: Facts;
}

/** The report as a JSON text ending in a line break. */
export function renderJson(facts: Facts, verdict: Verdict): string {
  const report: JsonReport = {
    format: REPORT_FORMAT,
    verdict: verdict.verdict,
    reasons: verdict.reasons,
    metrics: metricsOf(facts),
    risks: risksOf(facts),
    facts,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
