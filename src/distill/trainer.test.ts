import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../scratch.test.fixture.js";
import { ConfigError, StoreError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import { encoderFeeds } from "../models/encoder-feeds.js";
import { encoderServeGraph } from "../models/encoder.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { tokenFeatures } from "../tokenizer/hashed-features.js";
import { ENCODER_TRAIN_DEFAULTS, type EncoderTrainSpec } from "./spec.js";
import { trainEncoder } from "./train.js";
import { runTraining } from "./trainer.js";

const VERBS = ["lost", "block", "charge", "transfer"];
const random = createRandom(3, "toy");
const draw = (words: readonly string[]): string => words[random.int(words.length)] ?? "";
const labels = Int32Array.from({ length: 160 }, () => random.int(4));
const texts = Array.from(labels, (label) =>
  [
    draw(["please", "hello", "can you", ""]),
    draw(["my", "the", "a"]),
    VERBS[label],
    draw(["card", "account", "money today", "again"]),
  ].join(" "),
);

/** A toy with every feature on: soft labels with tails, two views, accumulation. */
const spec: EncoderTrainSpec = {
  ...ENCODER_TRAIN_DEFAULTS,
  texts,
  labels,
  weights: Float32Array.from(texts, (_, i) => 1 + (i % 2)),
  softLabels: Float32Array.from(
    Array.from(labels).flatMap((label, i) =>
      [0, 1, 2, 3, 4].map((c) => (i % 3 === 0 ? 0 : c === label ? 0.9 : c === 4 ? 0.1 : 0)),
    ),
  ),
  labelCount: 4,
  config: { towers: 2, layers: 1, width: 32, heads: 2, feedForward: 64, buckets: 512, maxTokens: 16 },
  losses: [
    { kind: "cross-entropy", weight: 0.5, labelSmoothing: 0.05 },
    { kind: "forward-kl", weight: 0.5, temperature: 2 },
    { kind: "r-drop", weight: 0.5 },
  ],
  epochs: 4,
  batchSize: 16,
  microBatchSize: 10,
  learningRate: 4e-3,
  tableLearningRateRatio: 5,
  seed: 11,
  holdout: Uint32Array.from({ length: 32 }, (_, i) => i * 5),
};
const hooks = { threads: 1 };
const uninterrupted = await runTraining(spec, hooks);

describe("training", () => {
  it("learns a toy and reports each epoch's held-out loss", () => {
    expect(uninterrupted.history).toHaveLength(4);
    expect(uninterrupted.history.at(-1)?.holdoutAccuracy).toBeGreaterThan(0.8);
    expect(uninterrupted.history.at(-1)?.holdoutLoss).toBeLessThan(uninterrupted.history[0]?.holdoutLoss ?? 0);
    expect(uninterrupted.holdoutProbabilities).toHaveLength(32 * 4);
    expect(uninterrupted.formula).toHaveLength(3);
  });

  it("gives the epoch of the least held-out loss, not the last or the worst", async () => {
    const turned = spec.labels.map((label, row) => (spec.holdout?.includes(row) === true ? (label + 1) % 4 : label));
    for (const { history, bestEpoch } of [uninterrupted, await runTraining({ ...spec, labels: turned }, hooks)]) {
      const losses = history.map(({ holdoutLoss }) => holdoutLoss ?? NaN);
      expect(bestEpoch).toBe(1 + losses.indexOf(Math.min(...losses)));
    }
  });

  it("gives the same bits again", async () => {
    expect(await runTraining(spec, hooks)).toEqual(uninterrupted);
  });

  it("goes on after a stop in the middle of an epoch bit for bit", async () => {
    const checkpointPath = join(scratchFolder(), "state");
    for (const stepLimit of [3, 9])
      expect((await runTraining(spec, { ...hooks, checkpointPath, stepLimit })).stopped).toBe("aborted");
    expect(await runTraining(spec, { ...hooks, checkpointPath })).toEqual(uninterrupted);
  });

  it("refuses the checkpoint of another spec", async () => {
    const checkpointPath = join(scratchFolder(), "state");
    await runTraining(spec, { ...hooks, checkpointPath, stepLimit: 1 });
    await expect(runTraining({ ...spec, seed: 12 }, { ...hooks, checkpointPath })).rejects.toThrow(StoreError);
  });

  it("gives weights whose serving graph repeats the held-out probabilities", async () => {
    const { graph, logits } = encoderServeGraph(spec.config, spec.labelCount);
    const session = await openSession(
      compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights: uninterrupted.weights }),
      hooks,
    );
    const held = Array.from(spec.holdout ?? [], (row) => tokenFeatures(texts[row] ?? "", spec.config));
    const served = (await session.run(encoderFeeds(held, spec.config)))["logits"]?.data ?? [];
    await session.close();
    for (let i = 0; i < 32; i++) {
      const powers = [0, 1, 2, 3].map((c) => Math.exp(Number(served[i * 4 + c])));
      const total = powers.reduce((sum, power) => sum + power, 0);
      powers.forEach((power, c) =>
        expect(power / total).toBeCloseTo(uninterrupted.holdoutProbabilities?.[i * 4 + c] ?? NaN, 4),
      );
    }
  });

  it("ends at the epoch it is told, on the longer schedule", async () => {
    const { holdout: _, ...open } = spec;
    const { history, bestEpoch } = await runTraining({ ...open, stopAfterEpochs: 2 }, hooks);
    expect([history.length, bestEpoch]).toEqual([2, 2]);
  });

  it("gives the last epoch where held-out labels are to decide nothing", async () => {
    const { history, bestEpoch, holdoutProbabilities } = await trainEncoder(
      { ...spec, epochs: 3, keepLast: true },
      hooks,
    );
    expect(bestEpoch).toBe(3);
    expect(holdoutProbabilities).toHaveLength(32 * 4);
    const labels = spec.labels.map((label, row) => (spec.holdout?.includes(row) === true ? (label + 1) % 4 : label));
    const other = await trainEncoder({ ...spec, labels, epochs: 3, keepLast: true }, hooks);
    expect(other.holdoutProbabilities).toEqual(holdoutProbabilities);
    expect(other.history.at(-1)?.holdoutLoss).not.toBe(history.at(-1)?.holdoutLoss);
  });

  it("refuses a spec whose arrays disagree, and a KL without soft labels", async () => {
    await expect(runTraining({ ...spec, labels: labels.subarray(1) }, hooks)).rejects.toThrow(ConfigError);
    const { softLabels: _, ...hard } = spec;
    await expect(runTraining(hard, hooks)).rejects.toThrow(/needs soft labels/);
  });
});

describe("training in a worker", () => {
  it("gives what the same thread gives, with progress", async () => {
    const phases = new Set<string>();
    const result = await trainEncoder(spec, { ...hooks, onProgress: ({ phase }) => phases.add(phase) });
    expect(result).toEqual(uninterrupted);
    expect([...phases]).toEqual(["prepare", "self-check", "train", "evaluate", "done"]);
  });

  it("stops at an abort and resumes to the same bits", async () => {
    const checkpointPath = join(scratchFolder(), "state");
    const controller = new AbortController();
    const onProgress = ({ step }: { readonly step: number }): void => (step >= 2 ? controller.abort() : undefined);
    expect(
      (await trainEncoder(spec, { ...hooks, checkpointPath, signal: controller.signal, onProgress })).stopped,
    ).toBe("aborted");
    expect(await trainEncoder(spec, { ...hooks, checkpointPath })).toEqual(uninterrupted);
  });

  it("hands the worker's error over with its class", async () => {
    await expect(trainEncoder({ ...spec, holdout: Uint32Array.from(texts.keys()) }, hooks)).rejects.toThrow(
      ConfigError,
    );
  });
});
