/** @file The part of a model folder that others open: config.json with the labels, tokenizer and model.safetensors, as transformers and
 *  transformers.js read them. Where the family's text classifier states the pooling, the folder is one; else the label head lies beside the body's tensors and its pooling
 *  is in the ONNX graphs alone. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { classifierOf, familyOf, type PretrainedConfig, pretrainedConfigText } from "../models/families/index.js";
import { headParameters, pretrainedParameters, tensorsOf } from "../models/pretrained-parameters.js";
import { copyFileSynced, formatJson, writeFileAtomic } from "../store/files.js";
import { writeSafetensors } from "../weights/safetensors.js";
import { type FolderFacts, type JsonObject, modelFields, tokenizerFields } from "./hugging-face-fields.js";

const FILES = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] as const;

/** Tensors that a classifier keeps outside of the encoder that it holds, whose names have a prefix there. */
const BESIDE_BODY = /^(head|classifier|pre_classifier)\./;

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

/** Where positions are counted from the padding token on, they follow the id that it has after the vocabulary was cut. */
function withPositionsBehind(config: PretrainedConfig, padId: unknown): PretrainedConfig {
  const { positionOffset } = config;
  return positionOffset === undefined || typeof padId !== "number" ? config : { ...config, positionOffset: padId + 1 };
}

/** Writes the files into a folder. @throws StoreError */
export function writeHuggingFaceFiles(folder: string, parts: HuggingFaceParts): void {
  const { values, labels, pooling, tokenizerJson } = parts;
  const fields = modelFields(parts.baseConfig, parts);
  const config = withPositionsBehind(parts.config, fields["pad_token_id"]);
  const classifier = classifierOf(config, pooling);
  writeFileAtomic(join(folder, "config.json"), pretrainedConfigText(config, fields, classifier));
  writeFileAtomic(join(folder, "tokenizer.json"), tokenizerText(tokenizerJson));
  const tokenizerConfig = tokenizerFields(parts.tokenizerConfig, parts);
  writeFileAtomic(join(folder, "tokenizer_config.json"), formatJson(tokenizerConfig));
  const parameters = [...pretrainedParameters(config), ...headParameters(config, labels.length, classifier)];
  const [prefix = ""] = classifier === undefined ? [] : familyOf(config).prefixes;
  const tensors = tensorsOf(parameters, values).map((tensor) => {
    const name = BESIDE_BODY.test(tensor.name) ? tensor.name : prefix + tensor.name;
    return { ...tensor, name };
  });
  writeSafetensors(join(folder, "model.safetensors"), tensors);
}

/** Copies those of the files that a folder has. @throws StoreError */
export function copyHuggingFaceFiles(from: string, to: string): void {
  for (const name of FILES) if (existsSync(join(from, name))) copyFileSynced(join(from, name), join(to, name));
}
