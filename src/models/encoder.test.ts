import { describe, expect, it } from "vitest";
import { compileOnnx } from "../graph/onnx.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { tokenFeatures } from "../tokenizer/hashed-features.js";
import { elementCount, type Tensor } from "../tensor/tensor.js";
import { encoderAccounting } from "./accounting.js";
import { encoderFeeds } from "./encoder-feeds.js";
import { ENCODER_SIZES, type EncoderConfig, encoderParameters, encoderServeGraph, tableParameter } from "./encoder.js";

const config: EncoderConfig = {
  towers: 2,
  layers: 2,
  width: 64,
  heads: 4,
  feedForward: 128,
  buckets: 256,
  maxTokens: 16,
};
const LABELS = 7;

function randomWeights(): Map<string, Float32Array> {
  const random = createRandom(5, "weights");
  const all = [tableParameter(config), ...encoderParameters(config, LABELS)];
  return new Map(
    all.map(({ name, shape }) => [
      name,
      Float32Array.from({ length: elementCount(shape) }, () => 0.2 * random.normal()),
    ]),
  );
}

function logitsOf(tensor: Tensor | undefined): Float32Array {
  return tensor?.type === "f32" ? tensor.data : new Float32Array();
}

const texts = [
  "lost my card",
  "why was I charged a fee for a transfer that never arrived?",
  "",
  "カードをなくしました",
];
const features = texts.map((text) => tokenFeatures(text, config));

describe("the serving encoder", () => {
  it("gives a text the same logits alone and in a padded batch", async () => {
    const { graph, logits } = encoderServeGraph(config, LABELS);
    const model = compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights: randomWeights() });
    const session = await openSession(model, { threads: 1 });
    const together = logitsOf((await session.run(encoderFeeds(features, config)))["logits"]);
    for (const [i, text] of features.entries()) {
      const alone = logitsOf((await session.run(encoderFeeds([text], config)))["logits"]);
      expect(alone.every(Number.isFinite)).toBe(true);
      alone.forEach((logit, c) => expect(together[i * LABELS + c]).toBeCloseTo(logit, 4));
    }
    await session.close();
  });

  it("stays close to itself in int8", async () => {
    const { graph, logits } = encoderServeGraph(config, LABELS);
    const results: Float32Array[] = [];
    for (const quantize of [() => false, () => true]) {
      const model = compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights: randomWeights(), quantize });
      const session = await openSession(model, { threads: 1 });
      results.push(logitsOf((await session.run(encoderFeeds(features, config)))["logits"]));
      await session.close();
    }
    const [exact = new Float32Array(), coarse = new Float32Array()] = results;
    const scale = Math.max(...exact.map(Math.abs));
    exact.forEach((logit, i) => expect(Math.abs(logit - (coarse[i] ?? NaN))).toBeLessThan(0.05 * scale));
  });

  it("gives every hidden state of every tower", () => {
    const { towers } = encoderServeGraph(config, LABELS);
    expect(towers.map(({ hiddenStates }) => hiddenStates.map(({ shape }) => shape))).toEqual(
      new Array(2).fill(new Array(3).fill(["B", "T", 64])),
    );
  });

  it("answers with the mean of the towers' log-probabilities", async () => {
    const { graph, logits, towers } = encoderServeGraph(config, LABELS);
    const outputs = { logits, first: towers[0]?.logits ?? logits, second: towers[1]?.logits ?? logits };
    const session = await openSession(compileOnnx(graph, { outputs, purpose: "serve", weights: randomWeights() }), {
      threads: 1,
    });
    const results = await session.run(encoderFeeds(features, config));
    await session.close();
    const logProbabilities = (name: string): number[] => {
      const row = Array.from(logitsOf(results[name]).subarray(0, LABELS));
      const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      return row.map((logit) => logit - total);
    };
    const [first, second] = [logProbabilities("first"), logProbabilities("second")];
    const mean = Array.from(logitsOf(results["logits"]).subarray(0, LABELS));
    mean.forEach((value, c) => expect(value).toBeCloseTo(((first[c] ?? NaN) + (second[c] ?? NaN)) / 2, 4));
  });

  it("refuses heads that do not divide the width", () => {
    expect(() => encoderParameters({ ...config, heads: 5 }, LABELS)).toThrow(/width 64 is not a multiple of heads 5/);
  });
});

describe("the accounting of an encoder", () => {
  it("counts the parameters that exist", () => {
    const count = [tableParameter(config), ...encoderParameters(config, LABELS)].reduce(
      (sum, { shape }) => sum + elementCount(shape),
      0,
    );
    expect(encoderAccounting(config, LABELS).parameters).toBe(count);
    expect(encoderAccounting(config, LABELS).bytesFp32).toBe(4 * count);
  });

  it("keeps the medium size under 3.5 MB in int8", () => {
    expect(encoderAccounting(ENCODER_SIZES.medium, 77).bytesInt8).toBeLessThan(3.5e6);
  });

  it("grows with the dial", () => {
    const sizes = Object.values(ENCODER_SIZES).map((size) => encoderAccounting(size, 77).flopsPerToken);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  });
});
