/** @file Others open what a run ships: transformers.js gives the same labels and logits, Python transformers the same ids, hidden states
 *  and logits (values of test/reference/exported.py). */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileOnnx } from "../src/graph/onnx.js";
import { openStudent } from "../src/index.js";
import { classifierOf, readPretrainedConfig } from "../src/models/families/index.js";
import { headParameters, pretrainedParameters, readParameters } from "../src/models/pretrained-parameters.js";
import { pretrainedServeGraph } from "../src/models/pretrained.js";
import { openSession } from "../src/runtime/onnxruntime.js";
import { f32, i64, type Tensor } from "../src/tensor/tensor.js";
import { openTokenizer } from "../src/tokenizer/tokenizer.js";
import { openSafetensors } from "../src/weights/safetensors.js";
import {
  ASKED_TEXTS,
  EXPORTED,
  type ExportedName,
  LABELS,
  LONG_TEXT,
  MAX_TOKENS,
  RECIPES,
  writeExported,
} from "./exported.js";
import { temporaryFolder } from "./joryu.js";

const TOLERANCE = 1e-4;

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
}

function largestDifference(came: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (came.length !== expected.length) return Infinity;
  return Array.from(expected).reduce((most, value, i) => {
    const difference = Math.abs(value - (came[i] ?? NaN));
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  }, 0);
}

/** Class and word table: the text classifier where the family states the pooling, else the body, whose names have no prefix in BERT. */
const WRITTEN = {
  "bert-wordpiece": ["BertModel", "embeddings.word_embeddings.weight"],
  "bert-bytes": ["BertForSequenceClassification", "bert.embeddings.word_embeddings.weight"],
  "roberta-bytes": ["RobertaForSequenceClassification", "roberta.embeddings.word_embeddings.weight"],
  "xlm-roberta-wordpiece": ["XLMRobertaModel", "embeddings.word_embeddings.weight"],
  "distilbert-bytes": ["DistilBertForSequenceClassification", "distilbert.embeddings.word_embeddings.weight"],
  "modernbert-wordpiece": ["ModernBertForSequenceClassification", "model.embeddings.tok_embeddings.weight"],
  "modernbert-bytes": ["ModernBertForSequenceClassification", "model.embeddings.tok_embeddings.weight"],
} as const satisfies Readonly<Record<ExportedName, readonly [string, string]>>;

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe.each(EXPORTED)("the folder %s", (name) => {
  let path: string;
  beforeAll(() => {
    path = writeExported(name, folder.path);
  });

  const oursOf = (text: string): number[] => [
    ...openTokenizer(readJson(`${path}/tokenizer.json`)).encode(text, { maxTokens: MAX_TOKENS }).ids,
  ];

  describe.each(["fp32", "int8"] as const)("in transformers.js (%s)", (dtype) => {
    const open = async () => {
      env.allowRemoteModels = false;
      env.localModelPath = dirname(path);
      return pipeline("text-classification", path, { dtype });
    };

    /** Its logits of texts that are one batch. */
    const logitsOf = async (classify: Awaited<ReturnType<typeof open>>, texts: readonly string[]) => {
      const inputs: unknown = classify.tokenizer([...texts], { padding: true, truncation: true });
      const { logits } = (await classify.model(inputs)) as { logits: { data: Float32Array } };
      return logits.data;
    };

    const shared = ASKED_TEXTS.filter((text) => text !== LONG_TEXT);

    it("gives our labels and logits, text by text, in fp32 as one padded batch too", async () => {
      const classify = await open();
      const student = await openStudent(path, { precision: dtype });
      const predicted = await student.predict(shared);
      expect(new Set(predicted.map(({ label }) => label)).size).toBeGreaterThan(1);
      for (const [i, text] of shared.entries()) {
        expect(await classify(text), text).toMatchObject([{ label: predicted[i]?.label }]);
        const difference = largestDifference(await logitsOf(classify, [text]), await student.logits([text]));
        expect(difference, text).toBeLessThan(TOLERANCE);
      }
      if (dtype === "fp32") {
        const together = largestDifference(await logitsOf(classify, shared), await student.logits(shared));
        expect(together).toBeLessThan(TOLERANCE);
      }
      await student.close();
      await classify.dispose();
    });

    it("reads every text to our ids, but for one that is too long: there it loses the closing [SEP]", async () => {
      const classify = await open();
      const theirs = (text: string): number[] => {
        const { input_ids } = classify.tokenizer([text], { truncation: true }) as {
          input_ids: { data: BigInt64Array };
        };
        return Array.from(input_ids.data, Number);
      };
      for (const text of shared) expect(theirs(text), text).toEqual(oursOf(text));
      const [came, expected] = [theirs(LONG_TEXT), oursOf(LONG_TEXT)];
      expect([came.length, expected.length]).toEqual([MAX_TOKENS, MAX_TOKENS]);
      expect(came.slice(0, -1)).toEqual(expected.slice(0, -1));
      expect(came.at(-1)).not.toBe(expected.at(-1));
      expect(await logitsOf(classify, [LONG_TEXT])).toHaveLength(LABELS.length);
      await classify.dispose();
    });
  });

  describe("in Python transformers", () => {
    const expected = openSafetensors(`test/reference/exported/${name}.safetensors`);
    const [ids, mask] = [expected.read("ids"), expected.read("mask")];
    const shape = expected.entries.get("ids")?.shape ?? [];
    const width = ids.length / ASKED_TEXTS.length;

    it("has our ids, the long text cut off included", () => {
      for (const [row, text] of ASKED_TEXTS.entries()) {
        const theirs = [...ids.subarray(row * width, (row + 1) * width)].filter((_, t) => mask[row * width + t] === 1);
        expect(theirs, text).toEqual(oursOf(text));
      }
    });

    it("has the hidden states of our serving graph", async () => {
      const { pooling } = RECIPES[name];
      const config = readPretrainedConfig(readJson(`${path}/config.json`), path);
      const parameters = [
        ...pretrainedParameters(config),
        ...headParameters(config, LABELS.length, classifierOf(config, pooling)),
      ];
      const weights = readParameters(openSafetensors(`${path}/model.safetensors`), config, parameters);
      const { graph, last } = pretrainedServeGraph({ config, pooling, labelCount: 0, maxTokens: MAX_TOKENS });
      const session = await openSession(compileOnnx(graph, { outputs: { last }, purpose: "serve", weights }), {
        threads: 1,
      });
      const feeds: Record<string, Tensor> = { ids: i64(shape, ids), mask: f32(shape, mask) };
      const output = (await session.run(feeds))["last"];
      await session.close();
      const ours = output?.type === "f32" ? output.data.filter((_, i) => i % 4 === 0) : [];
      const columns = config.width / 4;
      const kept = (values: ArrayLike<number>): number[] =>
        Array.from(values).filter((_, i) => mask[Math.floor(i / columns)] === 1);
      expect(ours).toHaveLength(mask.length * columns);
      expect(largestDifference(kept(ours), kept(expected.read("last")))).toBeLessThan(TOLERANCE);
    });

    it("has our logits: as text classifier where the family states the pooling, else with pooling and head added by hand", async () => {
      const student = await openStudent(path, { precision: "fp32" });
      expect(largestDifference(await student.logits(ASKED_TEXTS), expected.read("logits"))).toBeLessThan(TOLERANCE);
      await student.close();
    });
  });

  it("answers a text in int8 alone as among others, bit for bit", async () => {
    const student = await openStudent(path);
    const together = await student.logits(ASKED_TEXTS);
    for (const [i, text] of ASKED_TEXTS.entries())
      expect(await student.logits([text]), text).toEqual(together.slice(i * LABELS.length, (i + 1) * LABELS.length));
    await student.close();
  });

  it("names the class that Python transformers loads, and a tensor as that class does", () => {
    const [architecture, table] = WRITTEN[name];
    expect(readJson(`${path}/config.json`)).toMatchObject({ architectures: [architecture] });
    expect([...openSafetensors(`${path}/model.safetensors`).entries.keys()]).toContain(table);
  });

  it("states token ids and lengths of its own vocabulary", () => {
    const config = readJson(`${path}/config.json`);
    const tokenizer = openTokenizer(readJson(`${path}/tokenizer.json`));
    // RoBERTa counts positions from the padding token on.
    const before = name.includes("roberta") ? (tokenizer.idOf("[PAD]") ?? 0) + 1 : 0;
    expect(config).toMatchObject({
      vocab_size: tokenizer.vocabularySize,
      pad_token_id: tokenizer.idOf("[PAD]"),
      cls_token_id: tokenizer.idOf("[CLS]"),
      sep_token_id: tokenizer.idOf("[SEP]"),
      max_position_embeddings: MAX_TOKENS + before,
      dtype: "float32",
    });
    expect(Object.keys(config)).not.toContain("transformers.js_config");
    expect(tokenizer.vocabularySize).toBeLessThan(RECIPES[name].vocabularySize);
    expect(readJson(`${path}/tokenizer_config.json`)).toMatchObject({ model_max_length: MAX_TOKENS });
  });
});
