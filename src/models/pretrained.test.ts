/** @file Pretrained encoders against transformers, in both lowerings, on small random models and on MiniLM. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileOnnx } from "../graph/onnx.js";
import type { Purpose, Value } from "../graph/types.js";
import { openSession } from "../runtime/onnxruntime.js";
import { elementCount, f32, type Tensor } from "../tensor/tensor.js";
import { openSafetensors } from "../weights/safetensors.js";
import { pretrainedAccounting } from "./accounting.js";
import { cutConfig, readPretrainedConfig } from "./families/index.js";
import { pretrainedParameters, readParameters } from "./pretrained-parameters.js";
import {
  feedsOf,
  floats,
  headOf,
  LABELS,
  largestDifference,
  openExpected,
  openReference,
  REFERENCES,
} from "./pretrained.test.fixture.js";
import { type PretrainedModel, type PretrainedServing, pretrainedServeGraph } from "./pretrained.js";

const TOLERANCE = 1e-4;

interface RunOptions {
  readonly purpose?: Purpose;
  readonly quantize?: (parameter: string) => boolean;
}

/** Hidden states, pooled vector and logits of one batch. */
async function run(
  serving: PretrainedServing,
  weights: ReadonlyMap<string, Float32Array>,
  feeds: Readonly<Record<string, Tensor>>,
  { purpose = "serve", quantize }: RunOptions = {},
): Promise<Readonly<Record<string, Tensor>>> {
  const { graph, hiddenStates, last, pooled, logits } = serving;
  const outputs: Record<string, Value> = { "hidden.last": last, pooled, ...(logits !== undefined && { logits }) };
  for (const [i, state] of hiddenStates.entries()) outputs[`hidden.${i}`] = state;
  const model = compileOnnx(graph, { outputs, purpose, weights, ...(quantize !== undefined && { quantize }) });
  const session = await openSession(model, { threads: 1 });
  const given: Record<string, Tensor> = { ...feeds };
  if (purpose === "train")
    for (const { name, shape } of graph.parameters)
      given[name] = f32(shape.map(Number), weights.get(name) ?? new Float32Array());
  const results = await session.run(given);
  await session.close();
  return results;
}

describe.each(REFERENCES)("the encoder %s", (name) => {
  const { config, source, expected } = openReference(name);
  const weights = new Map([...readParameters(source, config, pretrainedParameters(config)), ...headOf(expected)]);
  const mask = expected.read("mask");
  const hasTypes = config.tokenTypes > 0;
  const model: PretrainedModel = { config, pooling: "mean", labelCount: LABELS, maxTokens: 24 };

  it.each(["serve", "train"] as const)("has the hidden states and logits of transformers (%s)", async (purpose) => {
    const serving = pretrainedServeGraph(model, { types: hasTypes });
    const results = await run(serving, weights, feedsOf(expected, hasTypes), { purpose });
    expect(serving.hiddenStates.length).toBe(config.layers.length + 1);
    for (const key of [...serving.hiddenStates.keys()].map((i) => `hidden.${i}`).concat("hidden.last"))
      expect(largestDifference(floats(results[key]), expected.read(key), mask), key).toBeLessThan(TOLERANCE);
    const logits = expected.read("logits.mean");
    expect(
      largestDifference(
        floats(results["logits"]),
        logits,
        logits.map(() => 1),
      ),
    ).toBeLessThan(TOLERANCE);
  });

  it("pools the first token where told, below the family's own classifier", async () => {
    const results = await run(
      pretrainedServeGraph({ ...model, pooling: "cls" }, { types: hasTypes }),
      weights,
      feedsOf(expected, hasTypes),
    );
    const logits = expected.read("logits.cls");
    expect(
      largestDifference(
        floats(results["logits"]),
        logits,
        logits.map(() => 1),
      ),
    ).toBeLessThan(TOLERANCE);
  });

  it("gives queries, keys and values of every layer", () => {
    const { projections } = pretrainedServeGraph(model);
    const shapes = projections.map(({ query, key, value }) => [query, key, value].map(({ shape }) => shape));
    expect(shapes).toEqual(config.layers.map(() => new Array(3).fill(["B", "T", config.width])));
  });

  it("refuses texts that are longer than its positions", () => {
    expect(() => pretrainedServeGraph({ ...model, maxTokens: 33 })).toThrow("33 tokens are more than its 32 positions");
  });
});

const MINILM = "../shared/models/all-minilm-l6-v2";

describe.skipIf(!existsSync(MINILM))("MiniLM", () => {
  const open = () => {
    const config = readPretrainedConfig(JSON.parse(readFileSync(`${MINILM}/config.json`, "utf8")), MINILM);
    const parameters = pretrainedParameters(config);
    const weights = readParameters(openSafetensors(`${MINILM}/model.safetensors`), config, parameters);
    const serving = pretrainedServeGraph({ config, pooling: "mean", labelCount: 0, maxTokens: 64 }, { types: true });
    return { weights, serving, expected: openExpected("minilm") };
  };

  it("has the hidden states and pooled vectors of transformers", async () => {
    const { weights, serving, expected } = open();
    const results = await run(serving, weights, feedsOf(expected, true));
    const mask = expected.read("mask");
    for (const key of [...serving.hiddenStates.keys()].map((i) => `hidden.${i}`)) {
      const sampled = floats(results[key]).filter((_, i) => i % 24 === 0);
      expect(largestDifference(sampled, expected.read(key), mask), key).toBeLessThan(TOLERANCE);
    }
    const pooled = expected.read("pooled");
    expect(largestDifference(floats(results["pooled"]), pooled, new Float32Array(3).fill(1))).toBeLessThan(TOLERANCE);
  });

  it("keeps the direction of pooled vectors in int8", async () => {
    const { weights, serving, expected } = open();
    const results = await run(serving, weights, feedsOf(expected, true), { quantize: () => true });
    const [came, exact] = [floats(results["pooled"]), expected.read("pooled")];
    for (let row = 0; row < 3; row++) {
      const [a, b] = [came, exact].map((all) => all.subarray(row * 384, (row + 1) * 384));
      expect(cosine(a ?? came, b ?? exact)).toBeGreaterThan(0.97);
    }
  });
});

function cosine(a: Float32Array, b: Float32Array): number {
  const product = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] ?? NaN), 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

describe("the accounting of a pretrained encoder", () => {
  it.each(REFERENCES)("counts the parameters that %s has", (name) => {
    const { config } = openReference(name);
    const { graph } = pretrainedServeGraph({ config, pooling: "mean", labelCount: LABELS, maxTokens: 24 });
    const count = graph.parameters.reduce((sum, { shape }) => sum + elementCount(shape.map(Number)), 0);
    const accounting = pretrainedAccounting(config, { labelCount: LABELS, pooling: "mean" });
    expect(accounting.parameters).toBe(count);
    expect(accounting.bytesFp32).toBe(4 * count);
    expect(accounting.bytesInt8).toBeLessThan(4 * count);
    const shallower = pretrainedAccounting(cutConfig(config, { layers: [0] }), { labelCount: LABELS, pooling: "mean" });
    expect(shallower.flopsPerToken).toBeLessThan(accounting.flopsPerToken);
  });
});
