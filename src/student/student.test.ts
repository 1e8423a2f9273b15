/** @file What a student reads of a text, and how texts are put into batches: every text once, short ones with short ones. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import { encoderFeeds } from "../models/encoder-feeds.js";
import { studentGraph, type StudentShape } from "../models/joined.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import type { Session } from "../runtime/session.js";
import { f32, i64, type Tensor } from "../tensor/tensor.js";
import { linearFeatures, tokenFeatures } from "../tokenizer/hashed-features.js";
import { openTokenizer } from "../tokenizer/tokenizer.js";
import { calibrate } from "./calibrator.js";
import { parseManifest, type StudentManifest } from "./manifest.js";
import {
  answersOf,
  batchesOf,
  createStudent,
  pieceIds,
  readAs,
  studentLogits,
  type StudentFeatures,
} from "./student.js";

const LABELS = ["card", "fee", "transfer"] as const;
const LINEAR = { wordBuckets: 32, characterBuckets: 32 };
const TOKENS = { buckets: 32, maxTokens: 128 };
const ENCODER = { ...TOKENS, towers: 1, layers: 1, width: 8, heads: 2, feedForward: 16 } as const;

/** The serving graph of a student of random weights, and how many texts each of its runs had. */
async function openRandom(shape: StudentShape): Promise<{ readonly session: Session; readonly runs: number[] }> {
  const { graph, logits } = studentGraph(shape);
  const random = createRandom(1, "student weights");
  const weights = new Map(
    graph.parameters.map(({ name, shape: dims }) => {
      const length = dims.reduce<number>((size, dim) => size * Number(dim), 1);
      return [name, Float32Array.from({ length }, () => random.normal())];
    }),
  );
  const opened = await openSession(compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights }), {
    threads: 1,
  });
  const runs: number[] = [];
  const { inputNames, outputNames } = opened;
  const run: Session["run"] = (feeds, outputs) => {
    runs.push(Object.values(feeds)[0]?.shape[0] ?? 0);
    return opened.run(feeds, outputs);
  };
  return { session: { inputNames, outputNames, run, close: () => opened.close() }, runs };
}

const SHAPES: readonly (readonly [string, StudentShape, StudentFeatures])[] = [
  ["linear", { labels: 3, linear: { buckets: 64 } }, { linear: LINEAR }],
  ["encoder", { labels: 3, encoder: ENCODER }, { tokens: TOKENS }],
  ["joined", { labels: 3, linear: { buckets: 64 }, encoder: ENCODER }, { linear: LINEAR, tokens: TOKENS }],
];
const TEXTS = [
  "where is my card",
  "",
  "a fee was charged twice for one and the same withdrawal",
  "fee",
  "カード",
  "send it",
];

/** What a graph reads of one text alone. */
function feedsOfOne(text: string, { linear, tokens }: StudentFeatures): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  if (linear !== undefined) {
    const { ids, values } = linearFeatures(text, linear);
    const isEmpty = ids.length === 0;
    feeds["linear.ids"] = isEmpty ? i64([1, 1], Uint32Array.of(0)) : i64([1, ids.length], ids);
    feeds["linear.values"] = isEmpty ? f32([1, 1], Float32Array.of(0)) : f32([1, ids.length], values);
  }
  return { ...feeds, ...(tokens === undefined ? {} : encoderFeeds([tokenFeatures(text, tokens)], tokens)) };
}

describe("the logits of texts", () => {
  it.each(SHAPES)("are those of each text alone, in the order of the texts (%s)", async (_, shape, features) => {
    const { session } = await openRandom(shape);
    const together = await studentLogits(session, features, 3, TEXTS);
    const alone: number[] = [];
    for (const text of TEXTS) {
      const { logits } = await session.run(feedsOfOne(text, features), ["logits"]);
      if (logits?.type !== "f32") throw new Error("no logits");
      alone.push(...logits.data);
    }
    expect(alone).toHaveLength(together.length);
    for (const [i, logit] of alone.entries()) expect(together[i]).toBeCloseTo(logit, 4);
    expect(new Set(alone.map((logit) => logit.toFixed(3))).size).toBeGreaterThan(3 * TEXTS.length - 4);
    await session.close();
  });

  it.each([
    ["linear", "int8", [3]],
    ["linear", "fp32", [3]],
    ["encoder", "int8", [1, 1, 1]],
    ["encoder", "fp32", [3]],
    ["joined", "int8", [1, 1, 1]],
    ["joined", "int4", [3]],
  ] as const)("are run text by text where int8 products would mix them (%s in %s)", async (name, precision, wanted) => {
    const [, shape, features] = SHAPES.find(([own]) => own === name) ?? [];
    if (shape === undefined || features === undefined) throw new Error("no such student");
    const { session, runs } = await openRandom(shape);
    await studentLogits(session, readAs(precision, features), 3, ["same", "same", "same"]);
    expect(runs).toEqual(wanted);
    await session.close();
  });

  it("of pieces are run text by text in int8 too", () => {
    const pieces = { maxTokens: 8, tokenizerSha256: "" };
    expect([readAs("int8", { pieces }).oneByOne, readAs("fp32", { pieces }).oneByOne]).toEqual([true, false]);
  });

  it("take no more memory than 8 million floats a run, by what a text makes the graph hold", async () => {
    const long = Array.from({ length: 100 }, (_, i) => `w${i}`).join(" ");
    const encoder = await openRandom({ labels: 3, encoder: ENCODER });
    await studentLogits(encoder.session, { tokens: TOKENS }, 3, new Array<string>(20).fill(long));
    expect(encoder.runs).toEqual([9, 9, 2]);
    const labels = 20_000;
    const linear = await openRandom({ labels, linear: { buckets: 64 } });
    await studentLogits(linear.session, { linear: LINEAR }, labels, new Array<string>(8).fill(long));
    const most = Math.floor(8_000_000 / (linearFeatures(long, LINEAR).ids.length * labels));
    expect(linear.runs).toEqual([most, 8 - most]);
    await encoder.session.close();
    await linear.session.close();
  });

  it("are refused in another shape than the labels', and without the tokenizer that makes the pieces", async () => {
    const { session } = await openRandom({ labels: 3, linear: { buckets: 64 } });
    await expect(studentLogits(session, { linear: LINEAR }, 4, TEXTS)).rejects.toThrow(InvariantError);
    const pieces = { maxTokens: 8, tokenizerSha256: "" };
    await expect(studentLogits(session, { pieces }, 3, TEXTS)).rejects.toThrow(/was given no tokenizer/);
    await session.close();
  });
});

function manifestWith(threshold: number | null, userPrefix = ""): StudentManifest {
  const hash = "a".repeat(64);
  const manifest = {
    format: "joryu-student-1",
    opensWith: "joryu",
    name: "test",
    kind: "linear",
    labels: LABELS,
    features: { linear: LINEAR },
    template: { system: "", userPrefix, userSuffix: "" },
    files: { int8: "onnx/model_int8.onnx", fp32: "onnx/model.onnx" },
    sha256: { int8: hash, fp32: hash, weights: hash },
    calibrator: { kind: "logistic", modelHash: hash, temperature: 1, weights: [0, 1, 0, 0] },
    gate: { promise: "delivered", threshold, epsilon: 0.02, delta: 0.05, coverage: 0.5 },
    evaluation: null,
    parity: [],
    parameters: 1,
    lineage: { dataset: "d", seed: 1, teacher: [], plan: "p", loss: "l", joryu: "0.1.0" },
  };
  return parseManifest(JSON.stringify(manifest), "here");
}

describe("the answers of a student", () => {
  const logits = Float32Array.of(3, 0, 0, 0, 1, 0, 0, 0, 2);

  it("are kept from the threshold on, that score included, and deferred below it and without one", () => {
    const { calibrator } = manifestWith(0);
    const scores = [0, 1, 2].map((i) => calibrate(calibrator, logits.subarray(3 * i, 3 * i + 3)).score);
    const decisions = (threshold: number | null): string[] =>
      answersOf(manifestWith(threshold), ["a", "b", "c"], logits).map(({ decision }) => decision);
    expect(decisions(scores[2] ?? 0)).toEqual(["keep", "defer", "keep"]);
    expect(decisions(0)).toEqual(["keep", "keep", "keep"]);
    expect(decisions(null)).toEqual(["defer", "defer", "defer"]);
    const answers = answersOf(manifestWith(0), ["a", "b", "c"], logits);
    expect(answers.map(({ text, label }) => [text, label])).toEqual([
      ["a", "card"],
      ["b", "fee"],
      ["c", "transfer"],
    ]);
    expect(answers.map(({ probability }) => probability)).toEqual(scores);
  });

  it("are those to the texts without the template, and say whether it was there", async () => {
    const { session } = await openRandom({ labels: 3, linear: { buckets: 64 } });
    const student = createStudent({ manifest: manifestWith(0.5, "Question: "), session });
    const predictions = await student.predict(["Question: where is my card", { text: "a fee" }]);
    const plain = answersOf(
      student.manifest,
      ["where is my card", "a fee"],
      await student.logits(["where is my card", "a fee"]),
    );
    expect(predictions).toEqual([
      { ...plain[0], template: "stripped" },
      { ...plain[1], template: "absent" },
    ]);
    await expect(student.predict(["fine", 5 as unknown as string])).rejects.toThrow(/inputs\[1\]/);
    await student.close();
    await expect(student.logits(["fine"])).rejects.toThrow();
  });
});

describe("batches of texts", () => {
  it("hold every text once, 64 at most, and at most a tenth of padding", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 256 }), { maxLength: 300 }), (lengths) => {
        const batches = batchesOf(lengths);
        expect(batches.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
        for (const batch of batches) {
          const sizes = batch.map((place) => lengths[place] ?? 0);
          const used = sizes.reduce((sum, size) => sum + size, 0);
          expect(batch.length).toBeLessThanOrEqual(64);
          expect(Math.max(...sizes) * batch.length).toBeLessThanOrEqual(1.1 * used + 1e-9);
        }
      }),
    );
  });

  it("keep texts of one length together in their order", () => {
    expect(batchesOf([5, 5, 9, 5])).toEqual([[0, 1, 3], [2]]);
  });

  it("hold 64 texts of one length, and texts that nothing is read of", () => {
    expect(batchesOf(new Array<number>(70).fill(5)).map(({ length }) => length)).toEqual([64, 6]);
    expect(batchesOf([5, 5, 5], 1)).toEqual([[0], [1], [2]]);
    expect(batchesOf([0, 0])).toEqual([[0, 1]]);
  });

  it("hold a text alone that fills the memory of a batch", () => {
    expect(batchesOf([9_000_000, 9_000_000])).toEqual([[0], [1]]);
  });
});

describe("a text that a tokenizer makes no piece of", () => {
  it("is one token all the same", () => {
    const json = JSON.parse(readFileSync("test/reference/tokenizers/wordpiece.json", "utf8")) as object;
    const tokenizer = openTokenizer({ ...json, post_processor: null });
    expect(tokenizer.encode("\u200b").ids).toHaveLength(0);
    expect([...pieceIds(tokenizer, "\u200b", 8)]).toEqual([0]);
  });

  it("is an exception: other texts are their pieces, so many at most", () => {
    const tokenizer = openTokenizer(
      JSON.parse(readFileSync("test/reference/tokenizers/wordpiece.json", "utf8")) as object,
    );
    const { ids } = tokenizer.encode("where is my card");
    expect(ids.length).toBeGreaterThan(4);
    expect(pieceIds(tokenizer, "where is my card", 64)).toEqual(ids);
    expect(pieceIds(tokenizer, "where is my card", 4)).toEqual(
      tokenizer.encode("where is my card", { maxTokens: 4 }).ids,
    );
  });
});
