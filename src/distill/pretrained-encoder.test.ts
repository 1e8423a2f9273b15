/** @file Fine-tuning a small random encoder of each family by the training loop. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../scratch.test.fixture.js";
import { ConfigError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import { classifierOf } from "../models/families/index.js";
import { headParameters, pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { pretrainedServeGraph } from "../models/pretrained.js";
import { floats, openReference } from "../models/pretrained.test.fixture.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64 } from "../tensor/tensor.js";
import { pretrainedEncoder } from "./pretrained-encoder.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "./spec.js";
import { trainEncoder } from "./train.js";
import { runTraining } from "./trainer.js";

const random = createRandom(3, "toy");
const labels = Int32Array.from({ length: 160 }, () => random.int(4));
/** The label is told by one token among fillers; of the 40 ids 5 .. 28 occur. */
const sequences = Array.from(labels, (label) => {
  const fillers = Array.from({ length: 1 + random.int(8) }, () => 9 + random.int(20));
  return Int32Array.of(5 + label, ...fillers);
});
const UNUSED = [0, 1, 2, 3, 4, 30, 39];
const hooks = { threads: 1 };

function specOf(name: string): PretrainedTrainSpec {
  const { config, source } = openReference(name);
  return {
    ...PRETRAINED_TRAIN_DEFAULTS,
    sequences,
    labels,
    labelCount: 4,
    seed: 11,
    epochs: 6,
    batchSize: 16,
    microBatchSize: 10,
    learningRate: 1e-2,
    tableLearningRateRatio: 5,
    model: { config, pooling: "mean", maxTokens: 12 },
    start: readParameters(source, config, pretrainedParameters(config)),
    weights: Float32Array.from(labels, (_, i) => 1 + (i % 2)),
    softLabels: Float32Array.from(
      Array.from(labels).flatMap((label, i) =>
        [0, 1, 2, 3, 4].map((c) => (i % 3 === 0 ? 0 : c === label ? 0.9 : c === 4 ? 0.1 : 0)),
      ),
    ),
    losses: [
      { kind: "cross-entropy", weight: 0.5, labelSmoothing: 0.05 },
      { kind: "forward-kl", weight: 0.5, temperature: 2 },
      { kind: "r-drop", weight: 0.5 },
    ],
    holdout: Uint32Array.from({ length: 32 }, (_, i) => i * 5),
  };
}

const rowOf = (table: Float32Array | undefined, id: number): Float32Array | undefined =>
  table?.subarray(id * 16, id * 16 + 16);

describe.each(["bert", "modernbert"])("fine-tuning %s", (name) => {
  const spec = specOf(name);
  const uninterrupted = runTraining(spec, hooks);

  it("learns a toy with soft labels, two views and accumulation", async () => {
    const { history, formula } = await uninterrupted;
    expect(history).toHaveLength(6);
    expect(history.at(-1)?.holdoutAccuracy).toBeGreaterThan(0.8);
    expect(formula).toHaveLength(3);
  });

  it("goes on after a stop in the middle of an epoch bit for bit, in a worker too", async () => {
    const checkpointPath = join(scratchFolder(), "state");
    expect((await runTraining(spec, { ...hooks, checkpointPath, stepLimit: 3 })).stopped).toBe("aborted");
    expect(await trainEncoder(spec, { ...hooks, checkpointPath })).toEqual(await uninterrupted);
  });

  it("gives every weight back, and leaves rows of the table that no text uses", async () => {
    const { weights } = await uninterrupted;
    const head = headParameters(spec.model.config, 1, classifierOf(spec.model.config, "mean"));
    expect([...weights.keys()].sort()).toEqual([...spec.start.keys(), ...head.map(({ name }) => name)].sort());
    const [before, after] = [spec.start.get("table"), weights.get("table")];
    for (const id of UNUSED) expect(rowOf(after, id)).toEqual(rowOf(before, id));
    for (const id of [5, 8, 9]) expect(rowOf(after, id)).not.toEqual(rowOf(before, id));
    expect(spec.start).toEqual(specOf(name).start);
  });

  it("trains only what is above the frozen layers", async () => {
    const frozen = { embeddings: true, layers: 2 };
    const { weights, history } = await runTraining({ ...spec, frozen, epochs: 1 }, hooks);
    const names = [...weights.keys()];
    expect(names.some((key) => /^(table|layer[01]\.|embedding\.|position\.|type\.)/.test(key))).toBe(false);
    expect(names).toContain("layer2.mlp.up.weight");
    expect(history[0]?.trainLoss).toBeGreaterThan(0);
  });

  it("gives weights whose serving graph repeats the held-out probabilities", async () => {
    const { weights, holdoutProbabilities } = await uninterrupted;
    const { graph, logits } = pretrainedServeGraph({ ...spec.model, labelCount: 4 });
    if (logits === undefined) throw new Error("a serving graph without logits");
    const session = await openSession(compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights }), hooks);
    for (const [i, row] of Array.from(spec.holdout ?? []).entries()) {
      const ids = sequences[row] ?? new Int32Array();
      const shape = [1, ids.length];
      const feeds = { ids: i64(shape, ids), mask: f32(shape, new Float32Array(ids.length).fill(1)) };
      const powers = Array.from(floats((await session.run(feeds))["logits"]), Math.exp);
      const total = powers.reduce((sum, power) => sum + power, 0);
      expect(powers).toHaveLength(4);
      powers.forEach((power, c) => expect(power / total).toBeCloseTo(holdoutProbabilities?.[i * 4 + c] ?? NaN, 4));
    }
    await session.close();
  });
});

describe("what is fine-tuned", () => {
  const spec = specOf("bert");

  it("holds only the table rows that the texts use, and feeds a batch the ones it needs", () => {
    const encoder = pretrainedEncoder(spec);
    expect(encoder.table).toEqual({ rows: 24, width: 16 });
    const front = encoder.front(Uint32Array.of(0, 1), { copies: 2 });
    const distinct = new Set([...(sequences[0] ?? []), ...(sequences[1] ?? [])]);
    expect(front.touched).toHaveLength(distinct.size);
    const { ids, rows } = front.feeds(encoder.startTable());
    expect(rows?.shape).toEqual([distinct.size + 1, 16]);
    const table = spec.start.get("table");
    for (const [t, id] of (sequences[1] ?? []).entries()) {
      const place = Number(ids?.data[front.columns + t]);
      expect(rows?.data.slice(place * 16, place * 16 + 16)).toEqual(rowOf(table, id));
    }
    expect(ids?.data.slice(0, 2 * front.columns)).toEqual(ids?.data.slice(2 * front.columns));
  });

  it("drops tokens to the row of zeros, which keeps their place", () => {
    const encoder = pretrainedEncoder(spec);
    const front = encoder.front(Uint32Array.of(0), { copies: 1, keep: new Uint8Array(sequences[0]?.length ?? 0) });
    expect(Array.from(front.feeds(encoder.startTable())["ids"]?.data ?? [], Number).every((id) => id === 0)).toBe(true);
    expect(front.mask.every((kept) => kept === 1)).toBe(true);
  });

  it("is refused where texts or weights do not fit the model", () => {
    const withFirst = (first: Int32Array) => ({ ...spec, sequences: [first, ...sequences.slice(1)] });
    expect(() => pretrainedEncoder(withFirst(new Int32Array()))).toThrow("text 0 has 0 tokens, expected 1 to 12");
    expect(() => pretrainedEncoder(withFirst(new Int32Array(13)))).toThrow("text 0 has 13 tokens");
    expect(() => pretrainedEncoder(withFirst(Int32Array.of(40)))).toThrow(
      "text 0 has the token id 40, expected 0 to 39",
    );
    const start = new Map(spec.start);
    start.delete("layer1.mlp.up.bias");
    expect(() => pretrainedEncoder({ ...spec, start }).startDense()).toThrow(
      "layer1.mlp.up.bias have 0 values, expected 24",
    );
    expect(() => pretrainedEncoder(withFirst(Int32Array.of(-1)))).toThrow(ConfigError);
  });
});
