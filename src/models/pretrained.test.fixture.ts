/** @file Small random encoders of each family with the values that transformers gives (test/reference/encoders.py), for tests. */
import { readFileSync } from "node:fs";
import { f32, i64, type Tensor } from "../tensor/tensor.js";
import { openSafetensors, type Weights } from "../weights/safetensors.js";
import { type PretrainedConfig, readPretrainedConfig } from "./families/index.js";

const FOLDER = "test/reference/encoders";

export const REFERENCES = ["bert", "roberta", "xlm-roberta", "distilbert", "modernbert", "modernbert-biased"] as const;
export const LABELS = 5;

export interface Reference {
  readonly config: PretrainedConfig;
  readonly json: unknown;
  readonly source: Weights;
  readonly expected: Weights;
}

export function openReference(name: string): Reference {
  const json: unknown = JSON.parse(readFileSync(`${FOLDER}/${name}/config.json`, "utf8"));
  const source = openSafetensors(`${FOLDER}/${name}/model.safetensors`);
  return { config: readPretrainedConfig(json, name), json, source, expected: openExpected(name) };
}

export function openExpected(name: string): Weights {
  return openSafetensors(`${FOLDER}/${name}/expected.safetensors`);
}

/** Weights of the stored label head and, below it, of the family's classifier, by parameter name. */
export function headOf(expected: Weights): Map<string, Float32Array> {
  const names = [...expected.entries.keys()].filter((name) => name.startsWith("head."));
  const parameterName = (name: string): string =>
    name.replace("norm.weight", "norm.gamma").replace("norm.bias", "norm.beta");
  return new Map(names.map((name) => [parameterName(name), expected.read(name)]));
}

/** Feeds of the stored batch; `types` where told. */
export function feedsOf(expected: Weights, types: boolean): Record<string, Tensor> {
  const shape = expected.entries.get("ids")?.shape ?? [];
  return {
    ids: i64(shape, expected.read("ids")),
    mask: f32(shape, expected.read("mask")),
    ...(types && { types: i64(shape, expected.read("types")) }),
  };
}

/** Largest difference of rows [places, width] over the places that the mask keeps. */
export function largestDifference(came: Float32Array, expected: Float32Array, mask: Float32Array): number {
  const width = expected.length / mask.length;
  let largest = came.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    if (mask[Math.floor(i / width)] === 0) continue;
    const difference = Math.abs((came[i] ?? NaN) - (expected[i] ?? NaN));
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }
  return largest;
}

export function floats(tensor: Tensor | undefined): Float32Array {
  return tensor?.type === "f32" ? tensor.data : new Float32Array();
}
