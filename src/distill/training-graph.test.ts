import { describe, expect, it } from "vitest";
import { interpret } from "../graph/interpret.js";
import type { Reference } from "../graph/types.js";
import type { EncoderConfig } from "../models/encoder.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64, type Tensor } from "../tensor/tensor.js";
import type { LossSpec } from "./losses.js";
import { floatsOf } from "./adam.js";
import { buildTrainingGraph, compileTrainingGraph, flatLayout } from "./training-graph.js";

const config: EncoderConfig = { towers: 2, layers: 1, width: 8, heads: 2, feedForward: 12, buckets: 16, maxTokens: 4 };
const LABELS = 3;
const layout = flatLayout(config, LABELS);
const losses: readonly LossSpec[] = [
  { kind: "cross-entropy", weight: 1, labelSmoothing: 0.1 },
  { kind: "r-drop", weight: 0.5 },
];
const training = buildTrainingGraph(config, LABELS, losses, true);
const random = createRandom(6, "gradient");
const draw = (shape: readonly number[], base = 0): Reference => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => base + 0.5 * random.normal()),
});

/** A padded batch of two texts, each seen by two towers, random weights and dropout masks. */
const feeds = new Map<string, Reference>([
  ["embedded", draw([2, 4, 16])],
  ["mask", { shape: [2, 4], data: Float64Array.of(1, 1, 1, 1, 1, 1, 0, 0) }],
  ["labels", { shape: [4], data: Float64Array.of(0, 2, 0, 2) }],
  ["rowShares", { shape: [4], data: Float64Array.of(0.125, 0.375, 0.125, 0.375) }],
  ["pairShares", { shape: [2], data: Float64Array.of(0.25, 0.75) }],
  ...training.sites.map(
    ({ name, shape }) => [name, draw([2, ...shape.map((size) => (size === "T" ? 4 : size))], 1)] as const,
  ),
  ...layout.parameters.map(({ name, shape, start }) => [name, draw(shape, start === "ones" ? 1 : 0)] as const),
]);

describe("the training graph of the encoder", () => {
  it("has the directional derivative that float64 finite differences give", () => {
    const names = [...training.gradients.keys()];
    const direction = new Map(names.map((name) => [name, draw(feeds.get(name)?.shape ?? [])]));
    const moved = (step: number): number => {
      const shifted = new Map(feeds);
      for (const [name, along] of direction) {
        const at = feeds.get(name)?.data ?? new Float64Array();
        shifted.set(name, { shape: along.shape, data: at.map((x, i) => x + step * (along.data[i] ?? 0)) });
      }
      return interpret(training.graph, [training.loss], shifted)[0]?.data[0] ?? NaN;
    };
    const slopes = interpret(training.graph, [...training.gradients.values()], feeds);
    let slope = 0;
    for (const [i, name] of names.entries()) {
      slopes[i]?.data.forEach((x, j) => (slope += x * (direction.get(name)?.data[j] ?? NaN)));
    }
    expect(slope).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 6);
  });

  it("gives in the runtime what the float64 reference gives", async () => {
    const session = await openSession(compileTrainingGraph(training), { threads: 1 });
    const fed: Record<string, Tensor> = {};
    for (const [name, { shape, data }] of feeds)
      fed[name] = name === "labels" ? i64(shape, data) : f32(shape, Float32Array.from(data));
    const results = await session.run(fed);
    await session.close();
    const expected = interpret(training.graph, [...training.gradients.values()], feeds);
    for (const [i, name] of [...training.gradients.keys()].entries()) {
      const came = floatsOf(results[`gradient.${name}`], name);
      expected[i]?.data.forEach((x, j) => expect(came[j]).toBeCloseTo(x, 3));
    }
  });

  it("lays the dense weights out without gaps, the decayed ones first", () => {
    let offset = 0;
    for (const parameter of layout.parameters) {
      expect(parameter.offset).toBe(offset);
      expect(parameter.decayed).toBe(offset < layout.decayedLength);
      offset += parameter.length;
    }
    expect(offset).toBe(layout.length);
  });
});
