/** @file A tiny random pretrained encoder as a folder, for the tests of the pipeline and of the whole product. */
import { mkdirSync, readFileSync } from "node:fs";
import { startValues } from "../distill/training-graph.js";
import { writeHuggingFaceFiles } from "../export/hugging-face.js";
import type { PretrainedConfig } from "../models/families/index.js";
import { headParameters, pretrainedParameters } from "../models/pretrained-parameters.js";

type JsonObject = Readonly<Record<string, unknown>>;
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
