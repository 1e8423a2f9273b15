import { describe, expect, it } from "vitest";
import { createGraph } from "../graph/create-graph.js";
import { interpret } from "../graph/interpret.js";
import { LINEAR_FIT, TABLE_FIT } from "../graph/quantized.js";
import type { Fit, Reference, Value } from "../graph/types.js";
import { evaluationOrder } from "../graph/walk.js";
import { classifierOf, type PretrainedConfig } from "../models/families/index.js";
import type { PretrainedModel } from "../models/pretrained.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64, type Tensor } from "../tensor/tensor.js";
import type { LossSpec } from "./losses.js";
import { floatsOf } from "./adam.js";
import { buildPretrainedTraining, isFrozen, NOTHING_FROZEN, splitFrozen } from "./pretrained-graph.js";
import { compileTrainingGraph, type TrainingGraph } from "./training-graph.js";

const LABELS = 3;
const biases = { attention: true, feedForward: true, norm: true, classifier: true };
const bert: PretrainedConfig = {
  family: "bert",
  vocabularySize: 20,
  width: 8,
  heads: 2,
  feedForward: 12,
  maxPositions: 8,
  layers: ["global", "global", "global"],
  tokenTypes: 2,
  epsilon: 1e-12,
  biases,
  reach: 0,
  rotaryBases: undefined,
};
const modernbert: PretrainedConfig = {
  ...bert,
  family: "modernbert",
  tokenTypes: 0,
  epsilon: 1e-5,
  layers: ["global", "local", "global"],
  reach: 1,
  biases: { attention: false, feedForward: false, norm: false, classifier: false },
  rotaryBases: { global: 160_000, local: 10_000 },
};
const modelOf = (config: PretrainedConfig): PretrainedModel => ({
  config,
  pooling: "mean",
  labelCount: LABELS,
  maxTokens: 5,
});
const losses: readonly LossSpec[] = [
  { kind: "cross-entropy", weight: 1, labelSmoothing: 0.1 },
  { kind: "r-drop", weight: 0.5 },
];
const random = createRandom(6, "gradient");
const draw = (shape: readonly number[], base = 0): Reference => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => base + 0.5 * random.normal()),
});

/** Two texts of 5 and 3 tokens, each seen twice, over four table rows of which one occurs often. */
function feedsOf(training: TrainingGraph, model: PretrainedModel): Map<string, Reference> {
  const texts = [0, 1, 2, 1, 1, 3, 1, 2, 0, 0];
  const kept = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0];
  return new Map([
    ["rows", draw([4, model.config.width])],
    ["ids", { shape: [4, 5], data: Float64Array.of(...texts, ...texts) }],
    ["mask", { shape: [4, 5], data: Float64Array.from([...kept, ...kept]) }],
    ["labels", { shape: [4], data: Float64Array.of(0, 2, 0, 2) }],
    ["rowShares", { shape: [4], data: Float64Array.of(0.125, 0.375, 0.125, 0.375) }],
    ["pairShares", { shape: [2], data: Float64Array.of(0.25, 0.75) }],
    ...training.sites.map(
      ({ name, shape }) => [name, draw([4, ...shape.map((size) => (size === "T" ? 5 : size))], 1)] as const,
    ),
    ...splitFrozen(model, NOTHING_FROZEN).trained.map(
      ({ name, shape, start }) => [name, draw(shape, start === "ones" ? 1 : 0)] as const,
    ),
  ]);
}

describe.each([bert, modernbert])("the training graph of $family", (config) => {
  const model = modelOf(config);
  const training = buildPretrainedTraining(model, losses, { dropout: true, frozen: NOTHING_FROZEN });
  const feeds = feedsOf(training, model);

  it("has the directional derivative that float64 finite differences give", () => {
    const names = [...training.gradients.keys()];
    expect(names).toContain("rows");
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
    for (const [i, name] of names.entries())
      slopes[i]?.data.forEach((x, j) => (slope += x * (direction.get(name)?.data[j] ?? NaN)));
    expect(Math.abs(slope)).toBeGreaterThan(1e-2);
    expect((moved(1e-5) - moved(-1e-5)) / 2e-5 / slope).toBeCloseTo(1, 5);
  });

  it("gives in the runtime what the float64 reference gives", async () => {
    const session = await openSession(compileTrainingGraph(training), { threads: 1 });
    const fed: Record<string, Tensor> = {};
    for (const [name, { shape, data }] of feeds)
      fed[name] = name === "labels" || name === "ids" ? i64(shape, data) : f32(shape, Float32Array.from(data));
    const results = await session.run(fed);
    await session.close();
    const expected = interpret(training.graph, [...training.gradients.values()], feeds);
    for (const [i, name] of [...training.gradients.keys()].entries()) {
      const came = floatsOf(results[`gradient.${name}`], name);
      expected[i]?.data.forEach((x, j) => expect(came[j]).toBeCloseTo(x, 3));
    }
  });
});

/** Products of weight gradients: one for each linear layer that is trained. */
function weightGradients({ graph, gradients }: TrainingGraph): number {
  const order = evaluationOrder(graph, [...gradients.values()], (node) => node.inputs);
  return order.filter((value: Value) => graph.nodeOf(value)?.kind === "outer").length;
}

/** Ops in all that gradients need. */
function opsOf({ graph, gradients, loss }: TrainingGraph): number {
  const order = evaluationOrder(graph, [loss, ...gradients.values()], (node) => node.inputs);
  return order.filter((value) => graph.nodeOf(value) !== undefined).length;
}

describe.each([bert, modernbert])("frozen layers of $family", (config) => {
  const model = modelOf(config);
  const build = (layers: number, dropout = false) =>
    buildPretrainedTraining(model, losses, { dropout, frozen: { embeddings: layers > 0, layers } });

  it("have no gradient nodes", () => {
    const counts = [0, 1, 2, 3].map((layers) => weightGradients(build(layers)));
    const head = classifierOf(config, "mean") === undefined ? 1 : 2;
    expect(counts).toEqual([12 + head, 8 + head, 4 + head, head]);
    expect(build(3).gradients.has("rows")).toBe(false);
    const shallow = modelOf({ ...config, layers: ["global"] });
    const frozen = { embeddings: true, layers: 1 };
    const gradientOps = (training: TrainingGraph): number =>
      opsOf(training) - opsOf({ ...training, gradients: new Map() });
    const headAlone = gradientOps(buildPretrainedTraining(shallow, losses, { dropout: false, frozen }));
    expect(gradientOps(build(3))).toBe(headAlone);
    expect(gradientOps(build(2))).toBeGreaterThan(headAlone);
  });

  it("have the gradients above them that nothing frozen gives", () => {
    const [whole, partly] = [build(0), build(2)];
    const feeds = feedsOf(whole, model);
    const names = [...partly.gradients.keys()];
    expect(names).toEqual(splitFrozen(model, { embeddings: true, layers: 2 }).trained.map(({ name }) => name));
    const valuesOf = (training: TrainingGraph): readonly Reference[] =>
      interpret(
        training.graph,
        names.map((name) => training.gradients.get(name) ?? training.loss),
        feeds,
      );
    const expected = valuesOf(whole);
    for (const [i, { data }] of valuesOf(partly).entries())
      data.forEach((x, j) => expect(x).toBeCloseTo(expected[i]?.data[j] ?? NaN, 12));
  });

  it("have no dropout", () => {
    const sites = build(2, true).sites.map(({ name }) => name.slice(name.indexOf("dropout.")));
    expect(sites).toEqual(["dropout.layer2.attention", "dropout.layer2.mlp", "dropout.pooled"]);
  });
});

describe("what is frozen", () => {
  it("are embeddings with any layer, and never the last norm or the head", () => {
    expect(
      ["table", "position.table", "type.table", "embedding.norm.gamma"].map((name) =>
        isFrozen(name, { embeddings: false, layers: 1 }),
      ),
    ).toEqual([true, true, true, true]);
    expect(["final.norm.gamma", "head.weight"].some((name) => isFrozen(name, { embeddings: true, layers: 9 }))).toBe(
      false,
    );
    expect(isFrozen("table", NOTHING_FROZEN)).toBe(false);
    expect(isFrozen("layer10.mlp.up.weight", { embeddings: true, layers: 2 })).toBe(false);
  });
});

describe("quantisation-aware training", () => {
  const config: PretrainedConfig = { ...bert, width: 64, feedForward: 64, layers: ["global"] };
  const model = modelOf(config);
  const build = (rounded: boolean) =>
    buildPretrainedTraining(model, losses, { dropout: false, frozen: NOTHING_FROZEN, rounded });
  const valuesOf = (training: TrainingGraph, feeds: ReadonlyMap<string, Reference>): readonly Reference[] =>
    interpret(training.graph, [training.loss, ...training.gradients.values()], feeds);
  const roundedTo = (fit: Fit, { shape, data }: Reference): Reference => {
    const graph = createGraph();
    const found = interpret(
      graph,
      [graph.fakeQuantize(graph.input("x", shape), fit)],
      new Map([["x", { shape, data }]]),
    );
    return found[0] ?? { shape, data };
  };

  it("has the loss of the rounded weights, and their gradients for the weights themselves", () => {
    const [aware, plain] = [build(true), build(false)];
    const feeds = new Map(feedsOf(plain, model));
    const rounded = new Map(
      Array.from(feeds, ([name, value]): [string, Reference] => {
        if (name === "rows") return [name, roundedTo(TABLE_FIT, value)];
        const isLinear = name.startsWith("layer0.") && name.endsWith(".weight");
        return [name, isLinear ? roundedTo(LINEAR_FIT, value) : value];
      }),
    );
    expect(valuesOf(aware, feeds)[0]?.data[0]).not.toBeCloseTo(valuesOf(plain, feeds)[0]?.data[0] ?? NaN, 6);
    const expected = valuesOf(plain, rounded);
    expect([...aware.gradients.keys()]).toEqual([...plain.gradients.keys()]);
    for (const [i, { data }] of valuesOf(aware, feeds).entries())
      data.forEach((x, j) => expect(x).toBeCloseTo(expected[i]?.data[j] ?? NaN, 10));
  });
});
