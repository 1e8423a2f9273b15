import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { trimVocabulary } from "../compress/vocabulary.js";
import { cutConfig, readPretrainedConfig } from "../models/families/index.js";
import { type FolderFacts, type JsonObject, modelFields, opensWith, tokenizerFields } from "./hugging-face-fields.js";

const wordpiece = JSON.parse(readFileSync("test/reference/tokenizers/wordpiece.json", "utf8")) as JsonObject;

/** A tokenizer whose special tokens stand behind all others, as ModernBERT's do. */
const specialLast: JsonObject = {
  ...(JSON.parse(readFileSync("test/reference/tokenizers/bytes.json", "utf8")) as JsonObject),
  added_tokens: ["[CLS]", "[SEP]", "[PAD]"].map((content, i) => ({
    id: 1000 + i,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
};
const OF_BASE = { pad_token_id: 1002, cls_token_id: 1000, sep_token_id: 1001, bos_token_id: 1000 };
const SIZES = { hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 2, intermediate_size: 8 };

/** What is true of a folder whose vocabulary was cut to what spells any text. */
function factsOf(tokenizer: JsonObject, model: string): FolderFacts {
  const base = readPretrainedConfig({ model_type: model, vocab_size: 60_000, ...SIZES }, model);
  const { tokenizerJson, newIds, keptIds } = trimVocabulary(tokenizer, []);
  const config = cutConfig(base, { vocabularySize: keptIds.length });
  return { config, tokenizerJson, newIds, labels: ["no", "yes"], pooling: "mean", maxTokens: 64 };
}

describe("who opens a folder", () => {
  it.each([
    ["WordPiece", {}, "transformers.js"],
    ["Unigram", {}, "transformers.js"],
    ["Unigram", { byte_fallback: true }, "joryu"],
    ["BPE", { byte_fallback: true }, "transformers.js"],
  ])("%s %o: %s", (type, more, wanted) => {
    expect(opensWith({ tokenizerJson: { model: { type, ...more } } })).toBe(wanted);
  });
});

describe("config.json of a cut vocabulary", () => {
  const facts = factsOf(specialLast, "modernbert");
  const [cls, sep, pad] = [1000, 1001, 1002].map((id) => facts.newIds?.[id]);

  it("names special tokens by their new ids", () => {
    expect([cls, sep, pad]).toEqual([-3, -2, -1].map((i) => facts.config.vocabularySize + i));
    expect(modelFields(OF_BASE, facts)).toMatchObject({
      cls_token_id: cls,
      bos_token_id: cls,
      sep_token_id: sep,
      pad_token_id: pad,
    });
  });

  it("renews each of several ids, and says null where a piece is gone or was never there", () => {
    const gone = facts.newIds?.lastIndexOf(-1) ?? 0;
    expect(facts.newIds?.[gone]).toBe(-1);
    const ids = { eos_token_id: [1001, gone, 1000], mask_token_id: gone, unk_token_id: 2_000_000, sep_token_id: null };
    expect(modelFields(ids, facts)).toMatchObject({
      eos_token_id: [sep, cls],
      mask_token_id: null,
      unk_token_id: null,
      sep_token_id: null,
    });
  });

  it("does not leave the family's ids to readers, which are those of its full vocabulary", () => {
    expect(modelFields({}, facts)).toMatchObject({ pad_token_id: pad, cls_token_id: null, eos_token_id: null });
    const bert = factsOf(wordpiece, "bert");
    expect(modelFields({}, bert)).toMatchObject({ pad_token_id: bert.newIds?.[0] });
  });

  it("keeps the ids where the vocabulary is whole", () => {
    const { newIds: _, ...whole } = { ...facts, config: { ...facts.config, vocabularySize: 60_000 } };
    expect(modelFields(OF_BASE, whole)).toMatchObject(OF_BASE);
  });

  it("has the labels, the pooling and the number type of what is written, and nothing of the base's files and code", () => {
    const left = {
      torch_dtype: "float16",
      _name_or_path: "someone/else",
      num_labels: 7,
      auto_map: { AutoModel: "code.py" },
      "transformers.js_config": { use_external_data_format: true },
      quantization_config: {},
    };
    const fields = modelFields({ ...left, dtype: "bfloat16", id2label: { 0: "a" }, initializer_range: 0.5 }, facts);
    expect(fields).toMatchObject({
      id2label: { 0: "no", 1: "yes" },
      label2id: { no: 0, yes: 1 },
      problem_type: "single_label_classification",
      classifier_pooling: "mean",
      dtype: "float32",
      initializer_range: 0.5,
    });
    for (const key of Object.keys(left)) expect(fields).not.toHaveProperty([key]);
  });
});

describe("tokenizer_config.json", () => {
  const facts = factsOf(specialLast, "modernbert");

  it("cuts at the student's longest text, whatever the base allows", () => {
    const base = { model_max_length: 8192, max_length: 128, truncation_side: "left", padding_side: "left" };
    const fields = tokenizerFields(base, facts);
    expect(fields).toMatchObject({ model_max_length: 64, truncation_side: "right", padding_side: "right" });
    expect(fields).not.toHaveProperty("max_length");
  });

  it("renumbers its added tokens", () => {
    const pad = { content: "[PAD]", special: true };
    const fields = tokenizerFields({ added_tokens_decoder: { 1002: pad, 2_000_000: { content: "gone" } } }, facts);
    expect(fields["added_tokens_decoder"]).toEqual({ [String(facts.newIds?.[1002])]: pad });
  });

  it("names the token that fills up batches where the base does not", () => {
    expect(tokenizerFields({}, facts)).toMatchObject({ pad_token: "[PAD]" });
    expect(tokenizerFields({ pad_token: "[SEP]" }, facts)).toMatchObject({ pad_token: "[SEP]" });
  });

  it("lets tokenizer.json be read as it stands, and asks for no token types, which the graphs do not take", () => {
    expect(tokenizerFields({ tokenizer_class: "BertTokenizer", vocab_file: "/somewhere/vocab.txt" }, facts)).toEqual({
      pad_token: "[PAD]",
      tokenizer_class: "PreTrainedTokenizerFast",
      model_max_length: 64,
      model_input_names: ["input_ids", "attention_mask"],
      padding_side: "right",
      truncation_side: "right",
    });
  });
});
