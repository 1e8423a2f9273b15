/** @file The part of a model folder that others open: config.json with the labels, tokenizer and model.safetensors, as transformers and
 *  transformers.js read them. The label head lies beside the body's tensors; its pooling is in the ONNX graphs alone. */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { pretrainedConfigText } from "../models/families/index.js";
import { headParameters, pretrainedParameters, tensorsOf } from "../models/pretrained-parameters.js";
import { formatJson, writeFileAtomic } from "../store/files.js";
import { writeSafetensors } from "../weights/safetensors.js";
import { type FolderFacts, type JsonObject, modelFields, tokenizerFields } from "./hugging-face-fields.js";

const FILES = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] as const;

export interface HuggingFaceParts extends FolderFacts {
  /** Weights by parameter name, the head among them. */
  readonly values: ReadonlyMap<string, Float32Array>;
  /** config.json of the base, whose other fields stay. */
  readonly baseConfig: JsonObject;
  /** tokenizer_config.json of the base, {} where it has none. */
  readonly tokenizerConfig: JsonObject;
}

/** The text of a tokenizer.json, as it is written. */
export function tokenizerText(tokenizerJson: JsonObject): string {
  return JSON.stringify(tokenizerJson);
}

/** Writes the files into a folder. @throws StoreError */
export function writeHuggingFaceFiles(folder: string, parts: HuggingFaceParts): void {
  const { config, values, labels, tokenizerJson } = parts;
  writeFileAtomic(join(folder, "config.json"), pretrainedConfigText(config, modelFields(parts.baseConfig, parts)));
  writeFileAtomic(join(folder, "tokenizer.json"), tokenizerText(tokenizerJson));
  const tokenizerConfig = tokenizerFields(parts.tokenizerConfig, parts);
  writeFileAtomic(join(folder, "tokenizer_config.json"), formatJson(tokenizerConfig));
  const parameters = [...pretrainedParameters(config), ...headParameters(config, labels.length)];
  writeSafetensors(join(folder, "model.safetensors"), tensorsOf(parameters, values));
}

/** Copies those of the files that a folder has. @throws StoreError */
export function copyHuggingFaceFiles(from: string, to: string): void {
  for (const name of FILES) if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
}
