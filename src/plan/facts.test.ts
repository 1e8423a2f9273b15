/** @file Facts are counted, not guessed. */
import { describe, expect, it } from "vitest";
import type { LabelDataset, Row } from "../dataset/types.js";
import { planFacts } from "./facts.js";

const row = (text: string, sealed: boolean): Row => ({
  text,
  label: 0,
  weight: 1,
  group: 0,
  sealed,
  fold: sealed ? -1 : 0,
});

function dataset(rows: readonly Row[], extra: Partial<LabelDataset> = {}): LabelDataset {
  return {
    hash: "h",
    workload: "w",
    others: [],
    template: { system: "", userPrefix: "", userSuffix: "" },
    labels: ["yes", "いいえ"],
    foldedLabels: [],
    folds: 5,
    rows,
    counts: { records: rows.length, accepted: rows.length, duplicates: 0, rejected: 0 },
    nearDuplicates: 0,
    sealedBy: "group",
    units: {
      templatedRows: 0,
      recurringRows: 0,
      recurringCalls: 0,
      repeatedSealedCalls: 0,
      nearLeaks: 0,
      unknownLabelCalls: 0,
    },
    traffic: { calls: rows.length, models: [] },
    ...extra,
  };
}

describe("plan facts", () => {
  it("counts rows, tokens and the bytes of labels", () => {
    const facts = planFacts(dataset([row("one two three", false), row("one", false), row("sealed one", true)]));
    expect(facts).toMatchObject({ trainRows: 2, sealedRows: 1, labels: 2, labelBytes: 12, folds: 5, meanTokens: 2 });
    expect(facts.meanFeatures).toBeGreaterThan(facts.meanTokens);
    expect(facts.callsPerMonth).toBeUndefined();
  });

  it("carries the ceiling and the call rate where the log has them", () => {
    const facts = planFacts(
      dataset([row("a", false)], {
        teacherSelfAgreement: { agreeing: 9, pairs: 10, ceilingRatio: 0.9 },
        traffic: { calls: 1, callsPerMonth: 500, models: [] },
      }),
    );
    expect(facts).toMatchObject({ ceilingRatio: 0.9, callsPerMonth: 500 });
  });

  it("survives a data set without rows", () => {
    expect(planFacts(dataset([]))).toMatchObject({ trainRows: 0, meanTokens: 1, meanFeatures: 1 });
  });
});
