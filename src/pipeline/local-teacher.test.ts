import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../scratch.test.fixture.js";
import type { LabelDataset, Row } from "../dataset/types.js";
import type { EncoderRecipe } from "../plan/candidates.js";
import { encoderTask } from "./local-teacher.js";
import { openRunFolder } from "./run-folder.js";
import type { TrainContext } from "./train-context.js";

const LABELS = ["card", "fee", "transfer"];
const FOLDS = 3;
const linear = { wordBuckets: 64, characterBuckets: 64, epochs: 2, learningRate: 0.2, l2: 0, labelSmoothing: 0.05 };
const recipe: EncoderRecipe = {
  size: "small",
  epochs: 1,
  batchSize: 16,
  learningRate: 1e-3,
  folds: 1,
  localTeacher: linear,
};

/** 45 rows; `shift` turns the labels of fold 0 round. */
function rowsOf(shift: number): Row[] {
  return Array.from({ length: 45 }, (_, i): Row => {
    const fold = i % FOLDS;
    const label = Math.floor(i / FOLDS) % LABELS.length;
    return {
      text: `number ${i} about a ${LABELS[label] ?? ""}`,
      label: fold === 0 ? (label + shift) % LABELS.length : label,
      weight: 1,
      group: i,
      sealed: false,
      fold,
    };
  });
}

function contextOf(rows: readonly Row[]): TrainContext {
  const dataset: LabelDataset = {
    hash: "",
    workload: "test",
    others: [],
    template: { system: "", userPrefix: "", userSuffix: "" },
    labels: LABELS,
    foldedLabels: [],
    folds: FOLDS,
    rows,
    counts: { records: rows.length, accepted: rows.length, duplicates: 0, rejected: 0 },
    nearDuplicates: 0,
    sealedBy: "none",
    units: {
      templatedRows: 0,
      recurringRows: 0,
      recurringCalls: 0,
      repeatedSealedCalls: 0,
      nearLeaks: 0,
      unknownLabelCalls: 0,
    },
    traffic: { calls: rows.length, models: [] },
  };
  const folder = openRunFolder(join(scratchFolder(), "run"));
  return { dataset, rows, folder, progress: { update: () => undefined, note: () => undefined }, threads: 1, seed: 1 };
}

describe("a local teacher", () => {
  it("answers every row with a distribution over the labels and nothing outside them", async () => {
    const rows = rowsOf(0);
    const { localSoftLabels: soft = new Float32Array() } = await encoderTask(contextOf(rows), "encoder", recipe);
    expect(soft).toHaveLength(rows.length * (LABELS.length + 1));
    for (const r of rows.keys()) {
      const row = soft.subarray(r * 4, (r + 1) * 4);
      expect(row[3]).toBe(0);
      expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    }
  });

  it("has not seen the rows that the student is judged on", async () => {
    const [told, other] = [rowsOf(0), rowsOf(1)];
    const first = await encoderTask(contextOf(told), "encoder", recipe);
    expect((await encoderTask(contextOf(other), "encoder", recipe)).localSoftLabels).toEqual(first.localSoftLabels);
  });

  it("is not asked where the recipe has none", async () => {
    const { localTeacher: _, ...plain } = recipe;
    expect(await encoderTask(contextOf(rowsOf(0)), "encoder", plain)).toEqual({ name: "encoder", recipe: plain });
  });
});
