import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { openReference } from "../models/pretrained.test.fixture.js";
import { layerRateRatio, rateSpans } from "./layer-rates.js";
import { pretrainedEncoder } from "./pretrained-encoder.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "./spec.js";
import { runTraining } from "./trainer.js";

const { config, source } = openReference("bert");
const labels = Int32Array.of(0, 1, 2, 0);
const spec: PretrainedTrainSpec = {
  ...PRETRAINED_TRAIN_DEFAULTS,
  sequences: Array.from(labels, (label) => Int32Array.of(5 + label, 9, 10)),
  labels,
  weights: new Float32Array(4).fill(1),
  labelCount: 3,
  losses: [{ kind: "cross-entropy", weight: 1, labelSmoothing: 0 }],
  model: { config, pooling: "mean", maxTokens: 8 },
  start: readParameters(source, config, pretrainedParameters(config)),
  epochs: 1,
  batchSize: 4,
  dropout: 0,
  weightDecay: 0,
  seed: 3,
};

/** Largest move of a weight in one step from the start; AdamW's first step moves every weight by its rate. */
async function movesOf(layerDecay?: number): Promise<Map<string, number>> {
  const told = layerDecay === undefined ? spec : { ...spec, layerDecay };
  const { weights } = await runTraining(told, { threads: 1 });
  return new Map(
    Array.from(spec.start, ([name, before]) => [
      name,
      before.reduce((most, value, i) => Math.max(most, Math.abs((weights.get(name)?.[i] ?? NaN) - value)), 0),
    ]),
  );
}

describe("layer-wise decay of the learning rate", () => {
  it("is a power of the distance to the top layer, the embeddings below all and the head full", () => {
    const names = ["table", "embedding.norm.gamma", "layer0.mlp.up.weight", "layer2.mlp.up.bias", "head.weight"];
    expect(names.map((name) => layerRateRatio(name, 3, 0.5))).toEqual([0.125, 0.125, 0.25, 1, 1]);
  });

  it("moves a weight by its ratio in the first step", async () => {
    const moves = await movesOf(0.5);
    const layers = config.layers.length;
    for (const name of ["table", "position.table", "layer0.mlp.up.weight", `layer${layers - 1}.mlp.up.weight`])
      expect((moves.get(name) ?? NaN) / spec.learningRate, name).toBeCloseTo(layerRateRatio(name, layers, 0.5), 2);
  });

  it("changes nothing where it is 1", async () => {
    expect(await movesOf(1)).toEqual(await movesOf());
    expect(pretrainedEncoder({ ...spec, layerDecay: 1 }).rates).toHaveLength(2);
  });

  it("covers every weight once, decayed ones first", () => {
    const { layout } = pretrainedEncoder(spec);
    const spans = rateSpans(layout, (name) => layerRateRatio(name, config.layers.length, 0.9));
    expect(spans.map(({ start }) => start)).toEqual([0, ...spans.slice(0, -1).map(({ end }) => end)]);
    expect(spans.at(-1)?.end).toBe(layout.length);
    for (const { start, decayed } of spans) expect(decayed).toBe(start < layout.decayedLength);
  });

  it("is refused outside 0 to 1", () => {
    for (const layerDecay of [0, -1, 1.1, NaN])
      expect(() => pretrainedEncoder({ ...spec, layerDecay }), String(layerDecay)).toThrow(ConfigError);
  });
});
