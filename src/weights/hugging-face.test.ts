/** @file Model folders: a planted one, a damaged one, and the real MiniLM of `../shared/models` where it is there. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { findNonFinite } from "./finite.js";
import { openHuggingFaceFolder } from "./hugging-face.js";

const reference = "test/reference/safetensors";
const miniLm = "../shared/models/all-minilm-l6-v2";
const hasMiniLm = existsSync(miniLm);
if (!hasMiniLm) process.stderr.write(`${miniLm} is absent: the real model folder is not tested\n`);

const root = mkdtempSync(join(tmpdir(), "joryu-hugging-face-"));
const folder = join(root, "model");
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, "config.json"), '{"hidden_size": 16}');
  writeFileSync(join(folder, "tokenizer.json"), "{}");
  copyFileSync(`${reference}/float32.safetensors`, join(folder, "model.safetensors"));
});

function plantPooling(text: string): void {
  mkdirSync(join(folder, "1_Pooling"));
  writeFileSync(join(folder, "1_Pooling", "config.json"), text);
}

describe("openHuggingFaceFolder", () => {
  it("gives config, tensors and the tokenizer's file; no pooling where none is told", () => {
    const model = openHuggingFaceFolder(folder);
    expect(model.config).toEqual({ hidden_size: 16 });
    expect([...model.weights.read("scalar")]).toEqual([1.5]);
    expect(model.tokenizerPath).toBe(join(folder, "tokenizer.json"));
    expect(model.tokenizerConfig).toEqual({});
    expect(model.pooling).toBeUndefined();
  });

  it("opens shards where there is no single file", () => {
    rmSync(join(folder, "model.safetensors"));
    for (const name of [
      "model.safetensors.index.json",
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
    ])
      copyFileSync(join(reference, name), join(folder, name));
    expect(openHuggingFaceFolder(folder).weights.entries.size).toBe(3);
  });

  it("reads how a sentence encoder pools", () => {
    plantPooling(
      '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": false}',
    );
    expect(openHuggingFaceFolder(folder).pooling).toEqual({ modes: ["first", "mean"], normalize: false });
  });

  it.each([
    ['{"pooling_mode": "mean"}', ["mean"]],
    ['{"pooling_mode": ["cls", "lasttoken"]}', ["first", "last"]],
  ])("reads the newer form %s", (text, modes) => {
    plantPooling(text);
    expect(openHuggingFaceFolder(folder).pooling).toEqual({ modes, normalize: false });
  });

  it.each([
    '{"pooling_mode_mean_tokens": "yes"}',
    '{"pooling_mode": "toString"}',
    '{"pooling_mode": ["cls", "another"]}',
    '{"pooling_mode": null}',
  ])("refuses a pooling that nothing switches on: %s", (text) => {
    plantPooling(text);
    expect(() => openHuggingFaceFolder(folder)).toThrow(/1_Pooling\/config\.json: expected one of/);
  });

  it.each([
    ["config.json", /config\.json: cannot read \(ENOENT\)/],
    ["tokenizer.json", /tokenizer\.json: not there; save the tokenizer once/],
    ["model.safetensors", /expected model\.safetensors or model\.safetensors\.index\.json, came neither/],
  ])("says that %s is missing", (name, message) => {
    rmSync(join(folder, name));
    expect(() => openHuggingFaceFolder(folder)).toThrow(InputError);
    expect(() => openHuggingFaceFolder(folder)).toThrow(message);
  });

  it("does not open pickled weights", () => {
    rmSync(join(folder, "model.safetensors"));
    writeFileSync(join(folder, "pytorch_model.bin"), "");
    expect(() => openHuggingFaceFolder(folder)).toThrow(/can run code and is not read/);
  });

  it.each([
    ["[]", /expected a JSON object/],
    ['{"a": 1, "a": 2}', /"a" is given twice/],
    ["{", /cut off or damaged/],
    [`"${" ".repeat(16 << 20)}"`, /expected at most 16777216/],
  ])("refuses a config that is damaged (%#)", (text, message) => {
    writeFileSync(join(folder, "config.json"), text);
    expect(() => openHuggingFaceFolder(folder)).toThrow(message);
  });

  it("says that a path is no folder", () => {
    expect(() => openHuggingFaceFolder(join(folder, "config.json"))).toThrow(
      /expected the folder of a Hugging Face model/,
    );
  });

  it.runIf(hasMiniLm)("opens the real MiniLM: all parameters, finite, pooled by the mean", () => {
    const model = openHuggingFaceFolder(miniLm);
    expect(model.pooling).toEqual({ modes: ["mean"], normalize: true, maxTokens: 256 });
    expect(model.weights.entries.get("embeddings.word_embeddings.weight")?.shape).toEqual([30_522, 384]);
    expect(findNonFinite(model.weights)).toEqual([]);
    const floats = [...model.weights.entries.values()].filter(({ type }) => type === "F32");
    const parameters = floats.reduce((sum, { sizeBytes }) => sum + sizeBytes / 4, 0);
    expect(parameters).toBe(22_713_216);
    expect(() => model.weights.read("bert.embeddings.word_embeddings.weight")).toThrow(
      /the nearest names are embeddings\.word_embeddings\.weight/,
    );
  });
});

describe("folders as they are found", () => {
  const write = (name: string, value: unknown): void => {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));
  };
  const module = (type: string, path: string) => ({ type: `sentence_transformers.models.${type}`, path });

  it("keep the transformer and the pooling where modules.json says", () => {
    for (const name of ["config.json", "tokenizer.json", "model.safetensors"]) {
      mkdirSync(join(folder, "0_Transformer"), { recursive: true });
      copyFileSync(join(folder, name), join(folder, "0_Transformer", name));
      rmSync(join(folder, name));
    }
    write("0_Transformer/sentence_bert_config.json", { max_seq_length: 64 });
    write("2_Pooling/config.json", { pooling_mode_cls_token: true });
    write("modules.json", [
      module("Transformer", "0_Transformer"),
      module("Pooling", "2_Pooling"),
      module("Normalize", "3_Normalize"),
    ]);
    const opened = openHuggingFaceFolder(folder);
    expect(opened.path).toBe(join(folder, "0_Transformer"));
    expect(opened.pooling).toEqual({ modes: ["first"], normalize: true, maxTokens: 64 });
  });

  it("are left where a module lies outside of them", () => {
    write("modules.json", [module("Transformer", "../elsewhere")]);
    expect(() => openHuggingFaceFolder(folder)).toThrow(
      /the path of a module must be a folder beside it, came "\.\.\/elsewhere"/,
    );
  });

  it.each([
    [
      "static embeddings",
      "modules.json",
      [module("StaticEmbedding", "0_StaticEmbedding")],
      /static embedding .* no encoder/,
    ],
    [
      "words split by MeCab",
      "tokenizer_config.json",
      { word_tokenizer_type: "mecab" },
      /words split by "mecab".*SentencePiece/,
    ],
    [
      "pointers of Git LFS",
      "model.safetensors",
      "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 90868376\n",
      /a Git LFS pointer, not the weights; run `git lfs pull`/,
    ],
  ])("with %s are refused in a line that says what to do", (_what, name, value, expected) => {
    write(name, value);
    expect(() => openHuggingFaceFolder(folder)).toThrow(InputError);
    expect(() => openHuggingFaceFolder(folder)).toThrow(expected);
  });

  it("that are adapters name the model that they change", () => {
    rmSync(join(folder, "config.json"));
    write("adapter_config.json", { peft_type: "LORA", base_model_name_or_path: "org/base" });
    expect(() => openHuggingFaceFolder(folder)).toThrow(
      /an adapter, which changes another model \(org\/base\); merge it first/,
    );
  });
});
