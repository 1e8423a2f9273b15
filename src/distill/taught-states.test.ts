import { describe, expect, it } from "vitest";
import { allParts, cutEncoder } from "../compress/cut.js";
import { pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { floats, openReference } from "../models/pretrained.test.fixture.js";
import { createRandom } from "../random.js";
import { eachHiddenStates } from "./answers.js";
import { type InnerLossSpec, keptLayers } from "./inner-losses.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "./spec.js";
import { stateInput, taughtStates } from "./taught-states.js";
import { runTraining } from "./trainer.js";

const random = createRandom(3, "taught states");
const labels = Int32Array.from({ length: 40 }, () => random.int(4));
const sequences = Array.from(labels, (label) =>
  Int32Array.of(5 + label, ...Array.from({ length: 1 + random.int(8) }, () => 9 + random.int(20))),
);
const { config, source } = openReference("bert");
const values = readParameters(source, config, pretrainedParameters(config));
const layers = Uint32Array.of(0, 2);
const student = cutEncoder({ config, values }, { ...allParts(config), layers });
const states: InnerLossSpec = { kind: "hidden-mse", weight: 1, layers: keptLayers(layers) };
const cosines: InnerLossSpec = { kind: "hidden-cosine", weight: 1, layers: keptLayers(layers) };
const embeddings: InnerLossSpec = { kind: "embedding-mse", weight: 1 };
const relations: InnerLossSpec = { kind: "relations", weight: 1e-12, layers: [[2, 3]], heads: 2 };

function specOf(losses: readonly InnerLossSpec[], more: Partial<PretrainedTrainSpec> = {}): PretrainedTrainSpec {
  return {
    ...PRETRAINED_TRAIN_DEFAULTS,
    sequences,
    labels,
    labelCount: 4,
    weights: new Float32Array(labels.length).fill(1),
    losses: [{ kind: "cross-entropy", weight: 0.5, labelSmoothing: 0 }],
    model: { config: student.config, pooling: "mean", maxTokens: 12 },
    start: student.values,
    teacher: { model: { config }, weights: values, losses },
    epochs: 3,
    batchSize: 8,
    microBatchSize: 5,
    learningRate: 1e-3,
    seed: 2,
    ...more,
  };
}
const rows = Uint32Array.from(labels.keys());
const one = { threads: 1 };

describe("hidden states that are kept", () => {
  it("are the teacher's in half precision, zero in padding, below each other for each copy", async () => {
    const kept = await taughtStates(specOf([states, embeddings]), rows.subarray(3), one);
    if (kept === undefined) throw new Error("nothing kept");
    expect(kept.layers).toEqual([0, 1, 3]);
    const exact = new Map<number, readonly Float32Array[]>();
    const model = { config, pooling: "mean" as const, maxTokens: 12 };
    await eachHiddenStates(model, values, { sequences, layers: kept.layers }, one, (text, found) => {
      exact.set(
        text,
        found.map((state) => state.slice()),
      );
    });
    const batch = { rows: Uint32Array.of(7, 4), columns: 10, copies: 2 };
    const feeds = kept.feeds(batch);
    for (const [at, layer] of kept.layers.entries()) {
      const { width } = config;
      const fed = floats(feeds[stateInput(layer)]);
      expect(feeds[stateInput(layer)]?.shape).toEqual([4, 10, width]);
      for (const [b, row] of [7, 4, 7, 4].entries()) {
        const wanted = exact.get(row)?.[at] ?? new Float32Array();
        const found = fed.subarray(b * 10 * width, (b + 1) * 10 * width);
        for (const [i, value] of wanted.entries())
          expect(Math.abs((found[i] ?? NaN) - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11 + 2 ** -25);
        expect(found.subarray(wanted.length).every((value) => value === 0)).toBe(true);
      }
    }
  });

  it.each([states, cosines])("teach as the teacher does that runs with every batch: $kind", async (loss) => {
    const [kept, run] = [await runTraining(specOf([loss]), one), await runTraining(specOf([loss, relations]), one)];
    expect(await taughtStates(specOf([loss, relations]), rows, one)).toBeUndefined();
    for (const [name, weights] of kept.weights) {
      const other = run.weights.get(name) ?? new Float32Array();
      const start = student.values.get(name);
      if (start === undefined) continue;
      const apart = Math.hypot(...weights.map((value, i) => value - (other[i] ?? NaN)));
      const moved = Math.hypot(...weights.map((value, i) => value - (start[i] ?? NaN)));
      expect(apart, name).toBeLessThan(0.05 * moved);
    }
  });

  it("are not there where half precision cannot hold them", async () => {
    const large = new Map(values).set("layer2.mlp.norm.gamma", new Float32Array(config.width).fill(1e6));
    const spec = specOf([states]);
    if (spec.teacher === undefined) throw new Error("no teacher");
    expect(await taughtStates({ ...spec, teacher: { ...spec.teacher, weights: large } }, rows, one)).toBeUndefined();
  });

  it("are not there where one epoch reads them once, where nothing is taught, and where the training is to stop", async () => {
    expect(await taughtStates(specOf([states], { epochs: 1 }), rows, one)).toBeUndefined();
    expect(await taughtStates(specOf([]), rows, one)).toBeUndefined();
    const many = specOf([states], { sequences: Array.from({ length: 200 }, () => Int32Array.of(1, 2, 3)) });
    const all = Uint32Array.from(many.sequences.keys());
    expect(await taughtStates(many, all, { ...one, shouldStop: () => true })).toBeUndefined();
  });
});
