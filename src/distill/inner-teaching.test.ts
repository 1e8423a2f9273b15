/** @file A small student of each family that learns the inner representations of a larger teacher by the training loop. */
import { describe, expect, it } from "vitest";
import { allParts, cutEncoder } from "../compress/cut.js";
import { ConfigError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import type { PretrainedConfig } from "../models/families/index.js";
import { pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { denseParameters, pretrainedServeGraph } from "../models/pretrained.js";
import { floats, openReference } from "../models/pretrained.test.fixture.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64 } from "../tensor/tensor.js";
import { keptLayers } from "./inner-losses.js";
import { type InnerTeacher, PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "./spec.js";
import { runTraining } from "./trainer.js";

const random = createRandom(8, "inner teaching");
const labels = Int32Array.from({ length: 96 }, () => random.int(4));
const sequences = Array.from(labels, (label) =>
  Int32Array.of(5 + label, ...Array.from({ length: 1 + random.int(8) }, () => 9 + random.int(20))),
);

interface Case {
  readonly spec: PretrainedTrainSpec;
  readonly teacher: InnerTeacher;
}

/** The reference model as teacher; as student what a cut to its layers 0 and 2 and to `width` dimensions leaves. */
function caseOf(name: string, narrow: boolean): Case {
  const { config, source } = openReference(name);
  const values = readParameters(source, config, pretrainedParameters(config));
  const parts = allParts(config);
  const layers = Uint32Array.of(0, 2);
  const half = {
    width: parts.width.subarray(0, config.width / 2),
    heads: parts.heads.map((all) => all.subarray(0, config.heads / 2)),
  };
  const student = cutEncoder({ config, values }, { ...parts, layers, ...(narrow && half) });
  const teacher: InnerTeacher = {
    model: { config },
    weights: values,
    losses: [
      { kind: "hidden-mse", weight: 2, layers: keptLayers(layers) },
      { kind: "relations", weight: 1, layers: [[2, 3]], heads: 2 },
      { kind: "embedding-mse", weight: 1 },
    ],
  };
  const spec: PretrainedTrainSpec = {
    ...PRETRAINED_TRAIN_DEFAULTS,
    sequences,
    labels,
    labelCount: 4,
    seed: 2,
    epochs: 8,
    batchSize: 16,
    microBatchSize: 6,
    learningRate: 1e-2,
    tableLearningRateRatio: 1,
    dropout: 0,
    model: { config: student.config, pooling: "mean", maxTokens: 12 },
    start: student.values,
    weights: Float32Array.from(labels, (_, i) => 1 + (i % 2)),
    losses: [{ kind: "cross-entropy", weight: 0.1, labelSmoothing: 0 }],
  };
  return { spec, teacher };
}

/** Last hidden state of one text. */
async function lastState(
  config: PretrainedConfig,
  weights: ReadonlyMap<string, Float32Array>,
  ids: Int32Array,
): Promise<Float32Array> {
  const { graph, hiddenStates } = pretrainedServeGraph({ config, pooling: "mean", labelCount: 0, maxTokens: 12 });
  const state = hiddenStates.at(-1);
  if (state === undefined) throw new Error("no hidden state");
  const session = await openSession(compileOnnx(graph, { outputs: { state }, purpose: "serve", weights }), {
    threads: 1,
  });
  const shape = [1, ids.length];
  const results = await session.run({ ids: i64(shape, ids), mask: f32(shape, new Float32Array(ids.length).fill(1)) });
  await session.close();
  return floats(results["state"]);
}

function meanSquare(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + (x - (b[i] ?? NaN)) ** 2, 0) / a.length;
}

describe.each(["bert", "modernbert"])("a cut of %s taught from inside", (name) => {
  it("ends much nearer to the teacher's last hidden state than the same cut on labels alone", async () => {
    const { spec, teacher } = caseOf(name, false);
    const [taught, control] = [
      await runTraining({ ...spec, teacher }, { threads: 1 }),
      await runTraining(spec, { threads: 1 }),
    ];
    let [near, far] = [0, 0];
    for (const ids of sequences.slice(0, 10)) {
      const goal = await lastState(teacher.model.config, teacher.weights, ids);
      near += meanSquare(await lastState(spec.model.config, taught.weights, ids), goal);
      far += meanSquare(await lastState(spec.model.config, control.weights, ids), goal);
    }
    expect(near).toBeLessThan(far / 2);
    expect(taught.formula.map((text) => text.split(":")[0])).toEqual([
      "cross-entropy",
      "hidden-mse",
      "relations",
      "embedding-mse",
    ]);
  });

  it("learns through projections where it is narrower, and leaves them behind", async () => {
    const { spec, teacher } = caseOf(name, true);
    const { weights, history } = await runTraining({ ...spec, teacher }, { threads: 1 });
    expect(history.at(-1)?.trainLoss).toBeLessThan((history[0]?.trainLoss ?? 0) / 1.5);
    expect([...weights.keys()].filter((key) => /projection|teacher/.test(key))).toEqual([]);
    const head = denseParameters({ ...spec.model, labelCount: 1 }).filter(({ name: key }) => key.startsWith("head."));
    expect([...weights.keys()].sort()).toEqual([...spec.start.keys(), ...head.map(({ name: key }) => key)].sort());
  });
});

describe("a teacher of inner representations", () => {
  it("must read the student's token ids", async () => {
    const { spec, teacher } = caseOf("bert", false);
    const config = { ...teacher.model.config, vocabularySize: 39 };
    await expect(runTraining({ ...spec, teacher: { ...teacher, model: { config } } }, { threads: 1 })).rejects.toThrow(
      ConfigError,
    );
  });
});
