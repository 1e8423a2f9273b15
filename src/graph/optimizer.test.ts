/** @file The optimiser graph against its formulas in float64. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32 } from "../tensor/tensor.js";
import { adamW, buildOptimizer, clipByGlobalNorm, compileOnnx, scaleByLearningRate } from "./index.js";
import type { Tensor } from "../tensor/tensor.js";

const PARAMETERS = [
  { name: "table", shape: ["K", 3], decay: true },
  { name: "head.bias", shape: [4], decay: false },
] as const;
const SIZES = { table: [5, 3], "head.bias": [4] } as const;
const OPTIONS = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, clipNorm: 0.5, weightDecay: 0.1 };
const RATE = 0.01;

type State = Record<string, Float64Array>;

function gradientsAt(step: number): State {
  const entries = PARAMETERS.map(({ name }) => {
    const random = createRandom(step, name);
    const count = SIZES[name].reduce<number>((product, size) => product * size, 1);
    return [name, new Float64Array(count).map(() => Math.fround(random.normal()))] as const;
  });
  return Object.fromEntries(entries);
}

/** AdamW as in the papers, one number after the other. */
function referenceStep(state: State, gradients: State, step: number): State {
  const next: State = {};
  const norm = Math.sqrt(
    Object.values(gradients).reduce((sum, data) => sum + data.reduce((part, value) => part + value * value, 0), 0),
  );
  const clip = Math.min(1, OPTIONS.clipNorm / norm);
  for (const { name, decay } of PARAMETERS) {
    const [value, m, v] = [name, `${name}.m`, `${name}.v`].map((key) => state[key]?.slice() ?? new Float64Array(0));
    gradients[name]?.forEach((raw, i) => {
      if (value === undefined || m === undefined || v === undefined) return;
      const gradient = raw * clip;
      m[i] = OPTIONS.beta1 * (m[i] ?? 0) + (1 - OPTIONS.beta1) * gradient;
      v[i] = OPTIONS.beta2 * (v[i] ?? 0) + (1 - OPTIONS.beta2) * gradient * gradient;
      const first = (m[i] ?? 0) / (1 - OPTIONS.beta1 ** step);
      const second = (v[i] ?? 0) / (1 - OPTIONS.beta2 ** step);
      const update =
        first / (Math.sqrt(second) + OPTIONS.epsilon) + (decay ? OPTIONS.weightDecay * (value[i] ?? 0) : 0);
      value[i] = (value[i] ?? 0) - RATE * update;
    });
    Object.assign(next, { [name]: value, [`${name}.m`]: m, [`${name}.v`]: v });
  }
  return next;
}

function initialState(): State {
  const state: State = gradientsAt(99);
  for (const { name } of PARAMETERS) {
    const length = state[name]?.length ?? 0;
    Object.assign(state, { [`${name}.m`]: new Float64Array(length), [`${name}.v`]: new Float64Array(length) });
  }
  return state;
}

function shapeOf(key: string): readonly number[] {
  return key.startsWith("table") ? SIZES.table : SIZES["head.bias"];
}

async function runSteps(count: number): Promise<readonly Record<string, Tensor>[]> {
  const { graph, outputs } = buildOptimizer(PARAMETERS, OPTIONS);
  const session = await openSession(compileOnnx(graph, { outputs, purpose: "train" }), { threads: 2 });
  const feeds: Record<string, Tensor> = {};
  for (const [key, data] of Object.entries(initialState())) feeds[key] = f32(shapeOf(key), Float32Array.from(data));
  const history: Record<string, Tensor>[] = [];
  for (let step = 1; step <= count; step++) {
    const scalars = { learningRate: f32([], Float32Array.of(RATE)), step: f32([], Float32Array.of(step)) };
    const entries = Object.entries(gradientsAt(step)).map(([name, data]) => [
      `${name}.gradient`,
      f32(shapeOf(name), Float32Array.from(data)),
    ]);
    const results = await session.run({ ...feeds, ...scalars, ...Object.fromEntries(entries) });
    history.push(results);
    for (const [name, tensor] of Object.entries(results))
      if (name.endsWith(".next")) feeds[name.slice(0, -".next".length)] = tensor;
  }
  await session.close();
  return history;
}

describe("optimiser graph", () => {
  it("follows AdamW with clipping by the global norm in float64 for five steps", async () => {
    const history = await runSteps(5);
    let state = initialState();
    history.forEach((results, at) => {
      state = referenceStep(state, gradientsAt(at + 1), at + 1);
      for (const [key, data] of Object.entries(state)) {
        data.forEach((value, i) =>
          expect(Number(results[`${key}.next`]?.data[i]), `${key} step ${at + 1}`).toBeCloseTo(value, 5),
        );
      }
    });
  });

  it("reports the norm of all gradients together, before clipping", async () => {
    const [results] = await runSteps(1);
    const all = Object.values(gradientsAt(1)).flatMap((data) => [...data]);
    expect(results?.["gradientNorm"]?.data[0]).toBeCloseTo(Math.hypot(...all), 5);
  });

  it("computes the same bits twice", async () => {
    expect(await runSteps(2)).toEqual(await runSteps(2));
  });

  it("composes any chain: plain descent needs no moments", () => {
    const { graph, outputs } = buildOptimizer(PARAMETERS, [clipByGlobalNorm(1), scaleByLearningRate()]);
    expect(Object.keys(outputs)).toEqual(["gradientNorm", "table.next", "head.bias.next"]);
    expect(graph.inputs.map(({ name }) => name)).not.toContain("table.m");
  });

  it("leaves clipping out where the norm is not limited", () => {
    expect(adamW({ clipNorm: 0 }).length).toBe(adamW({}).length - 1);
  });
});
