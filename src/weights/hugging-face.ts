/** @file A local Hugging Face model folder: config.json, safetensors (one file or shards), tokenizer.json and, of sentence encoders, how
 *  token vectors become one. Knows no architecture: names and meaning of tensors are the models' affair. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { readJsonObject } from "./json.js";
import { readModules, type SentenceModules } from "./sentence-modules.js";
import { openSafetensors, openShardedSafetensors, type Weights } from "./safetensors.js";
import type { JsonObject } from "../json.js";

/** Configurations are a few kilobytes; label maps of large classifiers reach a megabyte. */
export const MAXIMUM_CONFIG_BYTES = 16 << 20;

/** How a sentence encoder sums up its token vectors, by the key of 1_Pooling/config.json that switches it on; newer files name it in `pooling_mode`. */
const POOLING_KEYS = {
  pooling_mode_cls_token: "first",
  pooling_mode_mean_tokens: "mean",
  pooling_mode_max_tokens: "max",
  pooling_mode_mean_sqrt_len_tokens: "mean-sqrt-length",
  pooling_mode_weightedmean_tokens: "weighted-mean",
  pooling_mode_lasttoken: "last",
} as const;

const POOLING_NAMES: ReadonlyMap<unknown, PoolingMode> = new Map<unknown, PoolingMode>([
  ["cls", "first"],
  ["mean", "mean"],
  ["max", "max"],
  ["mean_sqrt_len_tokens", "mean-sqrt-length"],
  ["weightedmean", "weighted-mean"],
  ["lasttoken", "last"],
]);

export type PoolingMode = (typeof POOLING_KEYS)[keyof typeof POOLING_KEYS];

export interface SentencePooling {
  /** Several modes are concatenated in this order. */
  readonly modes: readonly PoolingMode[];
  /** Whether the pooled vector is scaled to length 1. */
  readonly normalize: boolean;
  /** Longest input in tokens that the encoder was trained for, where the folder tells. */
  readonly maxTokens?: number;
}

export interface HuggingFaceFolder {
  readonly path: string;
  /** config.json as it stands. */
  readonly config: JsonObject;
  readonly weights: Weights;
  /** tokenizer.json */
  readonly tokenizerPath: string;
  /** tokenizer_config.json as it stands, {} where absent. */
  readonly tokenizerConfig: JsonObject;
  readonly pooling?: SentencePooling;
}

function readOptional(path: string): JsonObject | undefined {
  return existsSync(path) ? readJsonObject(path, MAXIMUM_CONFIG_BYTES) : undefined;
}

function openWeights(folder: string): Weights {
  const single = join(folder, "model.safetensors");
  const index = `${single}.index.json`;
  if (existsSync(single)) return openSafetensors(single);
  if (existsSync(index)) return openShardedSafetensors(index);
  const pickled = existsSync(join(folder, "pytorch_model.bin"));
  throw new InputError(`${folder}: expected model.safetensors or model.safetensors.index.json, came neither`, {
    hint: pickled
      ? "pytorch_model.bin can run code and is not read: get the safetensors version of the model"
      : "name the folder of a model that was saved with safetensors",
  });
}

function poolingModes(settings: JsonObject): PoolingMode[] {
  const { pooling_mode: names } = settings;
  if (names !== undefined) {
    const modes = [names].flat().map((name: unknown) => POOLING_NAMES.get(name));
    return modes.every((mode) => mode !== undefined) ? modes : [];
  }
  return Object.entries(POOLING_KEYS).flatMap(([key, mode]) => (settings[key] === true ? [mode] : []));
}

function readPooling(
  folder: string,
  { transformer, pooling, normalize }: SentenceModules,
): SentencePooling | undefined {
  const path = join(folder, pooling, "config.json");
  const settings = readOptional(path);
  if (settings === undefined) return undefined;
  const modes = poolingModes(settings);
  if (modes.length === 0) {
    throw new InputError(
      `${path}: expected one of ${Object.keys(POOLING_KEYS).join(", ")} to be true, or pooling_mode to be one of ${[...POOLING_NAMES.keys()].join(", ")}`,
    );
  }
  const maxTokens = readOptional(join(folder, transformer, "sentence_bert_config.json"))?.["max_seq_length"];
  const known = typeof maxTokens === "number" && Number.isInteger(maxTokens) && maxTokens > 0;
  return { modes, normalize, ...(known ? { maxTokens } : {}) };
}

/** @throws InputError for the difference to a model that lies elsewhere */
function refuseAdapter(folder: string): void {
  const path = join(folder, "adapter_config.json");
  if (!existsSync(path) || existsSync(join(folder, "config.json"))) return;
  const base = readJsonObject(path, MAXIMUM_CONFIG_BYTES)["base_model_name_or_path"];
  throw new InputError(
    `${folder}: an adapter, which changes another model${typeof base === "string" ? ` (${base})` : ""}`,
    {
      hint: "merge it first (PEFT's merge_and_unload, then save_pretrained) and name the folder of the merged model",
    },
  );
}

/** Words were split by a dictionary before the tokenizer.json saw them. @throws InputError */
function refuseWordSplitter(tokenizerPath: string, { word_tokenizer_type: splitter }: JsonObject): void {
  if (splitter === undefined || splitter === "basic") return;
  throw new InputError(
    `${tokenizerPath}: the model was trained on words split by ${JSON.stringify(splitter).slice(0, 60)}, which tokenizer.json cannot do`,
    {
      hint: "name a base whose tokenizer.json is whole, such as multilingual-e5 (SentencePiece)",
    },
  );
}

/** Opens a model folder; weights stay on disk until they are read by name.
 *  @throws InputError naming the file that is missing or damaged */
export function openHuggingFaceFolder(folder: string): HuggingFaceFolder {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new InputError(`${folder}: expected the folder of a Hugging Face model`);
  }
  const modules = readModules(folder);
  const body = join(folder, modules.transformer);
  refuseAdapter(body);
  const config = readJsonObject(join(body, "config.json"), MAXIMUM_CONFIG_BYTES);
  const tokenizerPath = join(body, "tokenizer.json");
  if (!existsSync(tokenizerPath)) {
    throw new InputError(`${tokenizerPath}: not there`, {
      hint: "save the tokenizer once with AutoTokenizer (use_fast=True), which writes tokenizer.json",
    });
  }
  const tokenizerConfig = readOptional(join(body, "tokenizer_config.json")) ?? {};
  refuseWordSplitter(tokenizerPath, tokenizerConfig);
  const pooling = readPooling(folder, modules);
  const weights = openWeights(body);
  return { path: body, config, weights, tokenizerPath, tokenizerConfig, ...(pooling ? { pooling } : {}) };
}
