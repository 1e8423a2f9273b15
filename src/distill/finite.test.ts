/** @file Training stops before a step whose gradient is not finite although its loss is: one text, of a token that the network maps to
 *  nothing at every layer, meets norms that divide by almost nothing on the way back. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../scratch.test.fixture.js";
import { InvariantError, StoreError } from "../errors.js";
import { pretrainedParameters, readParameters, WORD_TABLE } from "../models/pretrained-parameters.js";
import { openReference } from "../models/pretrained.test.fixture.js";
import { createRandom } from "../random.js";
import { createAdamMemory } from "../runtime/adam-memory.js";
import { firstNonFinite } from "../tensor/finite.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { checkGradient, checkState } from "./finite.js";
import { ADAM } from "./adam.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "./spec.js";
import { trainEncoder } from "./train.js";
import type { TrainState } from "./train-state.js";
import { runTraining } from "./trainer.js";

const POISON = 30;
/** Behind the rows that the self-check draws from. */
const POISONED_ROW = 300;

function poisonedSpec(): PretrainedTrainSpec {
  const { config: reference, source } = openReference("bert");
  const config = { ...reference, epsilon: 2e-38 };
  const start = readParameters(source, config, pretrainedParameters(config));
  for (const [name, values] of start) if (/bias|beta|position|type/.test(name)) values.fill(0);
  start.get(WORD_TABLE)?.fill(0, POISON * config.width, (POISON + 1) * config.width);
  const random = createRandom(3, "toy");
  const labels = Int32Array.from({ length: POISONED_ROW + 4 }, () => random.int(4));
  return {
    ...PRETRAINED_TRAIN_DEFAULTS,
    sequences: Array.from(labels, (label, row) =>
      row === POISONED_ROW ? Int32Array.of(POISON) : Int32Array.of(5 + label, 9 + random.int(20)),
    ),
    labels,
    labelCount: 4,
    weights: new Float32Array(labels.length).fill(1),
    losses: [{ kind: "cross-entropy", weight: 1, labelSmoothing: 0 }],
    model: { config, pooling: "mean", maxTokens: 12 },
    start,
    seed: 11,
    epochs: 2,
    batchSize: 16,
    // Nothing moves, so that the poisoned text meets the network as it was made.
    learningRate: 0,
    weightDecay: 0,
    dropout: 0,
    tokenDropout: 0,
  };
}

describe("a gradient that is not finite under a finite loss", () => {
  const spec = poisonedSpec();

  it("stops the training before the step, and leaves the checkpoint as it was", async () => {
    const checkpointPath = join(scratchFolder(), "state");
    const losses: number[] = [];
    const hooks = { threads: 1, checkpointPath };
    await runTraining(spec, { ...hooks, stepLimit: 1 });
    const before = await readFile(checkpointPath);
    const stopped = runTraining(spec, { ...hooks, onProgress: ({ loss }) => losses.push(loss) });
    await expect(stopped).rejects.toThrow(InvariantError);
    const told =
      /^(?:InvariantError: )?internal: training: the gradient of (\S+) is (NaN|-?Infinity) at element \d+ at step (\d+), with a loss of [\d.]+; the step was not applied; lower the learning rate$/;
    await expect(stopped).rejects.toThrow(told);
    const [, name, , step] = told.exec(await stopped.then(String, String)) ?? [];
    expect([...spec.start.keys()]).toContain(name);
    expect(losses.filter(Number.isFinite)).toHaveLength(Number(step) - 2);
    expect(await readFile(checkpointPath)).toEqual(before);
    for (const values of (await readCheckpoint(checkpointPath))?.arrays.values() ?? [])
      expect(firstNonFinite(values)).toBe(-1);
  });

  it("is told by the worker in the same words", async () => {
    await expect(trainEncoder(spec, { threads: 1 })).rejects.toThrow(/the gradient of \S+ is .* at step \d+/);
  });
});

function stateOf(length: number): TrainState {
  const [dense, table] = [createAdamMemory(length, ADAM), createAdamMemory(length, ADAM)];
  return { dense, table, step: 3, epochLoss: 0, history: [], best: undefined };
}

describe("the check of a step", () => {
  const parameters = ["a", "b", "c"].map((name, i) => ({
    name,
    shape: [4],
    offset: 4 * i,
    length: 4,
    decayed: true,
    start: 0,
  }));
  const layout = { parameters, length: 12, decayedLength: 12 };
  const at = { step: 4, loss: 0.5, starts: Uint32Array.of(4, 8), width: 4 };
  const check = (state: TrainState): void => {
    const rows = [...at.starts].reduce((sum, start) => sum + state.table.gradientSquares(start, start + 4), 0);
    checkGradient(state, layout, { ...at, squares: state.dense.gradientSquares(0, 12) + rows });
  };

  it.each([NaN, Infinity, -Infinity])("names the first parameter with %d", (value) => {
    const state = stateOf(12);
    state.dense.gradient[6] = value;
    state.dense.gradient[9] = value;
    expect(() => check(state)).toThrow(`the gradient of b is ${value} at element 2 at step 4, with a loss of 0.5`);
  });

  it("names the row of the table", () => {
    const state = stateOf(12);
    state.table.gradient[9] = NaN;
    expect(() => check(state)).toThrow("the gradient of row 2 of the input table is NaN");
  });

  it("lets the largest finite gradients through", () => {
    const state = stateOf(12);
    state.dense.gradient.fill(3.4e38);
    state.table.gradient.fill(-3.4e38);
    expect(() => check(state)).not.toThrow();
  });

  it("finds weights and moments that are not finite before they are kept", () => {
    for (const [part, field, word] of [
      ["dense", "weights", "weight 5"],
      ["table", "second", "second moment 5"],
    ] as const) {
      const state = stateOf(12);
      state[part][field][5] = Infinity;
      expect(() => checkState(state)).toThrow(`${word} of the ${part} parameters is Infinity after step 3`);
    }
  });
});

describe("a checkpoint with a value that is not finite", () => {
  it.each(["dense.weights", "dense.first", "table.second"])("is refused: %s", async (name) => {
    const spec = poisonedSpec();
    const checkpointPath = join(scratchFolder(), "state");
    await runTraining(spec, { threads: 1, checkpointPath, stepLimit: 1 });
    const saved = await readCheckpoint(checkpointPath);
    if (saved === undefined) throw new Error("no checkpoint");
    const values = saved.arrays.get(name);
    if (values !== undefined) values[1] = NaN;
    await writeCheckpoint(checkpointPath, saved);
    const resumed = runTraining(spec, { threads: 1, checkpointPath });
    await expect(resumed).rejects.toThrow(StoreError);
    await expect(resumed).rejects.toThrow(`value 1 of ${name} is NaN, expected finite numbers; delete it`);
  });
});
