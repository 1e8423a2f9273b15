/** @file A tiny random pretrained encoder as a folder, and rows of three labels that it can learn, for the tests of the pipeline and of the whole
 *  product. */
import { mkdirSync, readFileSync } from "node:fs";
import type { LabelDataset, Row } from "../../dataset/types.js";
import { startValues } from "../../distill/training-graph.js";
import { writeHuggingFaceFiles } from "../../export/hugging-face.js";
import type { PretrainedConfig } from "../../models/families/index.js";
import { headParameters, pretrainedParameters } from "../../models/pretrained-parameters.js";
import type { JsonObject } from "../../json.js";

const tokenizerJson = JSON.parse(readFileSync("test/reference/tokenizers/wordpiece.json", "utf8")) as JsonObject;

/** Every word row and every position row gets an outlier in dimension 0, which cancel each other in float32 and leave int8 no steps for the rest. */
export function withOutliers(name: string, values: Float32Array): Float32Array {
  const outlier = name === "table" ? 1e4 : name === "position.table" ? -1e4 : 0;
  return values.map((value, i) => (outlier !== 0 && i % 16 === 0 ? outlier : value));
}

/** Writes a base of three layers; one that learns at the product's rates must be wider than the rest. */
export function writeBase(
  folder: string,
  vocabularySize: number,
  change = (_: string, values: Float32Array) => values,
  width = 16,
): void {
  const config: PretrainedConfig = {
    family: "bert",
    vocabularySize,
    width,
    heads: 2,
    feedForward: 32,
    maxPositions: 32,
    tokenTypes: 2,
    layers: ["global", "global", "global"],
    epsilon: 1e-12,
    reach: 0,
    rotaryBases: undefined,
    biases: { attention: true, feedForward: true, norm: true, classifier: true },
  };
  const parameters = [...pretrainedParameters(config), ...headParameters(config, 1, undefined)];
  const values = new Map(
    parameters.map((parameter) => [
      parameter.name,
      change(parameter.name, startValues({ ...parameter, start: wide(parameter.start) }, 3)),
    ]),
  );
  mkdirSync(folder, { recursive: true });
  writeHuggingFaceFiles(folder, {
    config,
    values,
    labels: ["none"],
    pooling: "mean",
    maxTokens: config.maxPositions,
    baseConfig: {},
    tokenizerJson,
    tokenizerConfig: {},
  });
}

const wide = (start: number | "ones" | "zeros"): number | "ones" | "zeros" => (typeof start === "number" ? 0.2 : start);

export const LABELS = ["card", "fee", "transfer"];
export const FOLDS = 3;

/** Rows of all labels in every fold; in the fold that judges, labels are `shift` places off. */
export function rowsOf(shift = 0, count = 120): Row[] {
  return Array.from({ length: count }, (_, i): Row => {
    const fold = i % FOLDS;
    const label = Math.floor(i / FOLDS) % LABELS.length;
    return {
      text: `number ${i} about a ${LABELS[label] ?? ""} please`,
      label: fold === 0 ? (label + shift) % LABELS.length : label,
      weight: 1,
      group: i,
      sealed: false,
      fold,
    };
  });
}

/** A dataset of these rows. */
export function datasetOf(rows: readonly Row[], labels: readonly string[] = LABELS, folds = FOLDS): LabelDataset {
  return {
    hash: "d",
    workload: "test",
    others: [],
    labels,
    foldedLabels: [],
    folds,
    rows,
    template: { system: "", userPrefix: "", userSuffix: "" },
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
}
