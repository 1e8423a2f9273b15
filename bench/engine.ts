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
import { compileOnnx, createGraph, gradients, type Value } from "../src/graph/index.js";
import { type AdamMemory, createAdamMemory } from "../src/runtime/adam-memory.js";
import { openSession } from "../src/runtime/onnxruntime.js";
import { elementCount, f32, type Tensor } from "../src/tensor/tensor.js";
import { buildEncoder, drawBatch, fillWeights, LENGTH, SIZES, type Size, stepFlops } from "./engine-encoder.js";

const PRODUCT_RUNS = 10;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

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

/** Where each parameter lies in the optimiser's memory: decayed ones first. */
interface Placed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly length: number;
}

function place(parameters: readonly Value[]): readonly Placed[] {
  let start = 0;
  const isMatrix = ({ shape }: Value): boolean => shape.length > 1;
  return [...parameters.filter(isMatrix), ...parameters.filter((value) => !isMatrix(value))].map(({ name, shape }) => {
    const sizes = shape.map(Number);
    const placed = { name, shape: sizes, start, length: elementCount(sizes) };
    start += placed.length;
    return placed;
  });
}

async function openTrainer(size: Size, threads: number): Promise<Trainer> {
  const { graph, parameters, loss } = buildEncoder(size);
  const found = gradients(graph, loss, parameters);
  const outputs: Record<string, Value> = { loss };
  parameters.forEach(({ name }, i) => Object.assign(outputs, { [`${name}.gradient`]: found[i] }));
  const session = await openSession(compileOnnx(graph, { outputs, purpose: "train" }), { threads });
  const placed = place(parameters);
  const parameterCount = placed.reduce((sum, { length }) => sum + length, 0);
  const memory = createAdamMemory(parameterCount, ADAM);
  for (const { name, start, length } of placed) fillWeights(name, memory.weights.subarray(start, start + length));
  const views = (data: Float32Array, suffix: string): Record<string, Tensor> =>
    Object.fromEntries(
      placed.map(({ name, shape, start, length }) => [
        `${name}${suffix}`,
        f32(shape, data.subarray(start, start + length)),
      ]),
    );
  const lossTensor = f32([], new Float32Array(1));
  const [weights, results] = [views(memory.weights, ""), { loss: lossTensor, ...views(memory.gradient, ".gradient") }];
  const decayedCount = placed.reduce((sum, { shape, length }) => sum + (shape.length > 1 ? length : 0), 0);
  return {
    async step(number) {
      await session.runInto({ ...drawBatch(size, number), ...weights }, results);
      update(memory, decayedCount, number);
      return Number(lossTensor.data[0] ?? NaN);
    },
    close: () => session.close(),
    parameterCount,
  };
}

/** AdamW with the gradient's norm clipped to 1. */
function update(memory: AdamMemory, decayedCount: number, step: number): void {
  const { length } = memory.weights;
  const gradientScale = Math.min(1, 1 / Math.sqrt(memory.gradientSquares(0, length)));
  const at = { step, learningRate: 1e-4, weightDecay: 0.01, gradientScale };
  memory.update(0, decayedCount, at);
  memory.update(decayedCount, length, { ...at, weightDecay: 0 });
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
  const before = process.cpuUsage();
  for (let step = 2; step <= steps + 1; step++) {
    const began = nowMs();
    losses.push(await trainer.step(step));
    times.push(nowMs() - began);
  }
  const { user, system } = process.cpuUsage(before);
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
    processorMsPerStep: Math.round((user + system) / 1000 / steps),
    peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
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
