/** @file One step of the optimiser as the trainer takes it, read off the weights: what is decayed, and what the clip norm is taken over. */
import { expect, it } from "vitest";
import { pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { openReference } from "../models/pretrained.test.fixture.js";
import { ADAM } from "./adam.js";
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

/** Moves of all weights in the first step, by name, over the learning rate. */
async function movesOf(changes: Partial<PretrainedTrainSpec>): Promise<ReadonlyMap<string, Float64Array>> {
  const told = { ...spec, ...changes };
  const encoder = pretrainedEncoder(told);
  const before = encoder.weightsOf(encoder.startDense(), encoder.startTable());
  const { weights } = await runTraining(told, { threads: 1 });
  return new Map(
    Array.from(weights, ([name, after]) => [
      name,
      Float64Array.from(after, (value, i) => (value - (before.get(name)?.[i] ?? NaN)) / told.learningRate),
    ]),
  );
}

it("weight decay shrinks matrices and leaves biases, norms and tables alone", async () => {
  const [plain, decayed] = [await movesOf({}), await movesOf({ weightDecay: 0.5 })];
  const { layout } = pretrainedEncoder(spec);
  const matrices = new Set(layout.parameters.filter((parameter) => parameter.decayed).map(({ name }) => name));
  expect([matrices.has("layer0.mlp.up.weight"), matrices.size < plain.size]).toEqual([true, true]);
  for (const [name, moves] of plain) {
    const added = moves.map((move, i) => Math.abs((decayed.get(name)?.[i] ?? NaN) - move));
    const most = added.reduce((a, b) => Math.max(a, b));
    if (matrices.has(name)) expect(most, name).toBeGreaterThan(0.01);
    else expect(most, name).toBe(0);
  }
});

it("gradients are clipped by the norm of all of them together, the table's among them", async () => {
  // Adam's first step moves a weight by g / (|g| + epsilon), so that small gradients can be read off the moves.
  const gradientClip = 1e-8;
  // Behind a norm smaller embeddings have larger gradients.
  const start = new Map(spec.start);
  for (const name of ["table", "position.table", "type.table"])
    start.set(
      name,
      (start.get(name) ?? new Float32Array()).map((value) => value / 20),
    );
  const moves = await movesOf({ start, gradientClip, learningRate: 0.5 });
  let [squares, ofTable] = [0, 0];
  for (const [name, each] of moves) {
    for (const move of each) {
      const gradient = (ADAM.epsilon * move) / (1 - Math.abs(move));
      squares += gradient * gradient;
      if (name === "table") ofTable += gradient * gradient;
    }
  }
  expect(Math.sqrt(squares) / gradientClip).toBeCloseTo(1, 2);
  expect(ofTable / squares).toBeGreaterThan(0.03);
});
