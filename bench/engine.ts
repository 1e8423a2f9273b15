/** @file Speed of a masked-token training step of a text encoder: forward, backward, AdamW with clipping, float32. States tokens/s
 *  and the share of the best matrix product of the step's own shapes, measured in the same run. Prints JSON lines.
 *
 *      node dist/bench/engine.js [--size small|large] [--steps 5] [--threads 2]
 *
 *  small: 6 layers, 384 wide, FFN 1536, 16 x 128 tokens; large: 20 layers, 768 wide, FFN 3072, 4 x 128 (needs some 8 GB).
 *  Vocabulary 8,192, tied head on the 15 % masked places. JORYU_PEER_PYTHON names a Python with torch: the same model in
 *  PyTorch is then measured right after, in the same shapes. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { nowMs } from "../src/clock.js";
import { UsageError } from "../src/errors.js";
import { buildOptimizer, compileOnnx, createGraph, gradients, type Value } from "../src/graph/index.js";
import { openSession } from "../src/runtime/onnxruntime.js";
import type { Session } from "../src/runtime/session.js";
import { elementCount, f32, type Tensor } from "../src/tensor/tensor.js";
import { buildEncoder, drawBatch, initialWeights, LENGTH, SIZES, type Size, stepFlops } from "./engine-encoder.js";

const PRODUCT_RUNS = 10;

/** Best GFLOP/s of ten runs of each matrix product shape of the step. */
async function bestProduct({ width, inner, batch }: Size, threads: number): Promise<number> {
  const rows = batch * LENGTH;
  let best = 0;
  for (const [out, columns] of [
    [width, width],
    [inner, width],
    [width, inner],
  ] as const) {
    const graph = createGraph();
    const y = graph.linear(graph.input("x", [rows, columns]), graph.parameter("weight", [out, columns]));
    const session = await openSession(compileOnnx(graph, { outputs: { y }, purpose: "train" }), { threads });
    const feeds = {
      x: f32([rows, columns], new Float32Array(rows * columns).fill(0.5)),
      weight: f32([out, columns], new Float32Array(out * columns).fill(0.5)),
    };
    for (let run = 0; run < PRODUCT_RUNS; run++) {
      const began = nowMs();
      await session.run(feeds);
      best = Math.max(best, (2 * rows * columns * out) / (nowMs() - began) / 1e6);
    }
    await session.close();
  }
  return best;
}

interface Trainer {
  readonly step: (number: number) => Promise<number>;
  readonly close: () => Promise<void>;
  readonly parameterCount: number;
}

async function openTrainer(size: Size, threads: number): Promise<Trainer> {
  const { graph, parameters, loss } = buildEncoder(size);
  const found = gradients(graph, loss, parameters);
  const outputs: Record<string, Value> = { loss };
  parameters.forEach(({ name }, i) => Object.assign(outputs, { [`${name}.gradient`]: found[i] }));
  const forward = await openSession(compileOnnx(graph, { outputs, purpose: "train" }), { threads });
  const built = buildOptimizer(parameters.map(({ name, shape }) => ({ name, shape, decay: shape.length > 1 })));
  const optimizer = await openSession(compileOnnx(built.graph, { outputs: built.outputs, purpose: "train" }), {
    threads,
  });
  const state = initialWeights(parameters);
  const weightNames = parameters.map(({ name }) => name);
  for (const [name, { shape }] of Object.entries(state)) {
    for (const moment of ["m", "v"]) state[`${name}.${moment}`] = f32(shape, new Float32Array(elementCount(shape)));
  }
  return {
    step: (number) => trainStep({ forward, optimizer, state, weightNames }, drawBatch(size, number), number),
    close: async () => {
      await forward.close();
      await optimizer.close();
    },
    parameterCount: parameters.reduce((sum, { shape }) => sum + elementCount(shape.map(Number)), 0),
  };
}

interface Training {
  readonly forward: Session;
  readonly optimizer: Session;
  readonly state: Record<string, Tensor>;
  readonly weightNames: readonly string[];
}

async function trainStep(training: Training, batch: Record<string, Tensor>, number: number): Promise<number> {
  const { forward, optimizer, state, weightNames } = training;
  const weights = Object.fromEntries(Object.entries(state).filter(([name]) => weightNames.includes(name)));
  const { loss, ...found } = await forward.run({ ...batch, ...weights });
  const scalars = { learningRate: f32([], Float32Array.of(1e-4)), step: f32([], Float32Array.of(number)) };
  const updated = await optimizer.run({ ...state, ...found, ...scalars });
  for (const name of Object.keys(state)) {
    const next = updated[`${name}.next`];
    if (next !== undefined) state[name] = next;
  }
  return Number(loss?.data[0]);
}

function measurePeer(python: string, size: string, steps: number, threads: number): void {
  const options = ["--size", size, "--steps", String(steps), "--threads", String(threads)];
  const done = spawnSync(python, ["bench/peers/engine_torch.py", ...options], { encoding: "utf8" });
  if (done.status !== 0)
    throw new UsageError(`engine: the peer failed: ${done.stderr.trim().split("\n").at(-1) ?? ""}`);
  process.stdout.write(done.stdout);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: "small" },
      steps: { type: "string", default: "5" },
      threads: { type: "string", default: "2" },
    },
  });
  const size = SIZES[values.size];
  const [steps, threads] = [Number(values.steps), Number(values.threads)];
  if (size === undefined)
    throw new UsageError(`engine: --size must be ${Object.keys(SIZES).join(" or ")}, got ${values.size}`);
  const bestGflops = await bestProduct(size, threads);
  const trainer = await openTrainer(size, threads);
  const losses = [await trainer.step(1)];
  const times: number[] = [];
  for (let step = 2; step <= steps + 1; step++) {
    const began = nowMs();
    losses.push(await trainer.step(step));
    times.push(nowMs() - began);
  }
  await trainer.close();
  const medianMs = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
  const gflops = stepFlops(size) / medianMs / 1e6;
  const line = {
    bench: "engine",
    engine: "joryu",
    size: values.size,
    parameters: trainer.parameterCount,
    threads,
    tokensPerSecond: Math.round((size.batch * LENGTH * 1000) / medianMs),
    stepMs: Math.round(medianMs),
    gflops: Math.round(gflops),
    bestProductGflops: Math.round(bestGflops),
    ratioToBestProduct: Math.round((1000 * gflops) / bestGflops) / 1000,
    losses: losses.map((loss) => Number(loss.toFixed(4))),
  };
  console.log(JSON.stringify(line));
  const python = process.env["JORYU_PEER_PYTHON"];
  if (python !== undefined && python !== "") measurePeer(python, values.size, steps, threads);
}

await main();
