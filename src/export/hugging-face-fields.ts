/** @file What config.json and tokenizer_config.json must say of a shipped encoder, beside what its family states: labels, token ids after
 *  the vocabulary was cut, the longest text; what held of the base alone goes. Follows Hugging Face transformers 5 and transformers.js 4. */
import { familyOf, type PretrainedConfig } from "../models/families/index.js";
import type { Pooling } from "../models/pretrained.js";
import { openTokenizer } from "../tokenizer/tokenizer.js";
import { type JsonObject, isJsonObject } from "../json.js";

export type { JsonObject } from "../json.js";

/** What is true of a folder that is written. */
export interface FolderFacts {
  readonly config: PretrainedConfig;
  readonly labels: readonly string[];
  readonly pooling: Pooling;
  /** Longest text, in pieces, special ones included. */
  readonly maxTokens: number;
  readonly tokenizerJson: JsonObject;
  /** New id of each of the base's, -1 where the piece is gone; absent where the vocabulary was not cut. */
  readonly newIds?: Int32Array;
}

/** Who reads a folder's texts to our ids: transformers.js 4 takes what a Unigram vocabulary has no piece for as unknown, where the file has bytes for it. */
export function opensWith({
  tokenizerJson: { model },
}: Pick<FolderFacts, "tokenizerJson">): "joryu" | "transformers.js" {
  const isOurs = isJsonObject(model) && model["type"] === "Unigram" && model["byte_fallback"] === true;
  return isOurs ? "joryu" : "transformers.js";
}

/** Fields of a base's config.json that speak of files, code, number types and tasks that are left behind. */
const BASE_ONLY = new Set([
  "_name_or_path",
  "auto_map",
  "finetuning_task",
  "num_labels",
  "quantization_config",
  "sentence_transformers",
  "task_specific_params",
  "torch_dtype",
  "transformers.js_config",
]);

/** The same of tokenizer_config.json: its base's files, code, and settings of single calls. */
const BASE_TOKENIZER_ONLY = new Set([
  "auto_map",
  "max_length",
  "name_or_path",
  "pad_to_multiple_of",
  "special_tokens_map_file",
  "stride",
  "tokenizer_file",
  "truncation_strategy",
  "vocab_file",
]);

const without = (json: JsonObject, left: ReadonlySet<string>): JsonObject =>
  Object.fromEntries(Object.entries(json).filter(([key]) => !left.has(key)));

/** The new id of one of the base's; undefined where it is no id or its piece is gone. */
function newIdOf(id: unknown, { newIds, config }: FolderFacts): number | undefined {
  const renewed = newIds === undefined || typeof id !== "number" ? id : newIds[id];
  return typeof renewed === "number" && renewed >= 0 && renewed < config.vocabularySize ? renewed : undefined;
}

function renewed(ids: unknown, facts: FolderFacts): number | readonly number[] | null {
  if (!Array.isArray(ids)) return newIdOf(ids, facts) ?? null;
  return ids.flatMap((id: unknown) => newIdOf(id, facts) ?? []);
}

/** Every `..._token_id`, the family's own where the base is silent: readers would put the family's in, of its full vocabulary. */
function tokenIds(baseConfig: JsonObject, facts: FolderFacts): JsonObject {
  const told = Object.entries({ ...familyOf(facts.config).tokenIds, ...baseConfig });
  const ids = Object.fromEntries(
    told.flatMap(([key, value]) => (key.endsWith("_token_id") ? [[key, renewed(value, facts)]] : [])),
  );
  return { ...ids, pad_token_id: ids["pad_token_id"] ?? openTokenizer(facts.tokenizerJson).padId ?? null };
}

/** The fields of config.json that the family does not state. `baseConfig`: the base's. */
export function modelFields(baseConfig: JsonObject, facts: FolderFacts): JsonObject {
  const { labels, pooling } = facts;
  return {
    ...without(baseConfig, BASE_ONLY),
    ...tokenIds(baseConfig, facts),
    dtype: "float32",
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    problem_type: "single_label_classification",
    classifier_pooling: pooling,
  };
}

/** `added_tokens_decoder` names tokens by their ids. */
function renumberedTokens(tokens: unknown, facts: FolderFacts): JsonObject {
  if (typeof tokens !== "object" || tokens === null) return {};
  const kept = Object.entries(tokens).flatMap(([id, token]): [string, unknown][] => {
    const renumbered = newIdOf(Number(id), facts);
    return renumbered === undefined ? [] : [[String(renumbered), token]];
  });
  return { added_tokens_decoder: Object.fromEntries(kept) };
}

/** tokenizer_config.json: read as tokenizer.json stands, cut at the end after `maxTokens`, padded on the right. `baseConfig`: the base's. */
export function tokenizerFields(baseConfig: JsonObject, facts: FolderFacts): JsonObject {
  const tokenizer = openTokenizer(facts.tokenizerJson, baseConfig);
  const padToken = tokenizer.padId === undefined ? undefined : tokenizer.pieceOf(tokenizer.padId);
  return {
    ...(padToken !== undefined && { pad_token: padToken }),
    ...without(baseConfig, BASE_TOKENIZER_ONLY),
    ...renumberedTokens(baseConfig["added_tokens_decoder"], facts),
    tokenizer_class: "PreTrainedTokenizerFast",
    model_max_length: facts.maxTokens,
    model_input_names: ["input_ids", "attention_mask"],
    padding_side: "right",
    truncation_side: "right",
  };
}
