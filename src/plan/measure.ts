/** @file Measures this machine in about a second: matrix products through the runtime, the linear trainer's sparse loop, the smallest
 *  run. The best of several short trials counts, because other work on the machine only ever slows a trial down. */
import { availableParallelism, cpus, totalmem } from "node:os";
import { nowMs } from "../clock.js";
import { createGraph } from "../graph/create-graph.js";
import { compileOnnx } from "../graph/onnx.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32 } from "../tensor/tensor.js";
import { TRAIN_COSTS } from "./costs-table.js";
import type { MachineProfile } from "./profile.js";

/** Shape of the measured products: a training batch at the widths of the ladder. [rows, width] x [width, width] */
const PRODUCT = { rows: 1024, width: 256, chain: 8 } as const;
/** Enough that a short burst of other work does not decide the plan: a third of a second on a quiet machine. */
const PRODUCT_TRIALS = 40;
const HOP_TRIALS = 100;
/** Like a linear student of 16,384 buckets and 64 labels: larger than the caches of small machines. */
const SPARSE = { buckets: 16_384, classes: 64, features: 120, rows: 600, trials: 4 } as const;

/** Keeps three significant digits: more would claim a precision that a shared machine does not have. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** A chain of equal products, reduced to a scalar so that copying the result costs nothing. */
function productGraph(): Uint8Array {
  const graph = createGraph();
  const { rows, width, chain } = PRODUCT;
  const weight = graph.input("weight", [width, width]);
  let x = graph.input("x", [rows, width]);
  for (let i = 0; i < chain; i++) x = graph.matmul(x, weight);
  return compileOnnx(graph, { outputs: { mean: graph.reduceMean(x, [0, 1]) }, purpose: "train" });
}

/** Matrix products in fp32, GFLOP/s. */
async function measureProducts(threads: number): Promise<number> {
  const { rows, width, chain } = PRODUCT;
  const session = await openSession(productGraph(), { threads });
  const random = createRandom(1, "measure-products");
  const normal = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.normal() / Math.sqrt(width));
  const feeds = { x: f32([rows, width], normal(rows * width)), weight: f32([width, width], normal(width * width)) };
  let bestMs = Infinity;
  for (let trial = 0; trial < PRODUCT_TRIALS; trial++) {
    const start = nowMs();
    await session.run(feeds);
    bestMs = Math.min(bestMs, nowMs() - start);
  }
  await session.close();
  return (2 * rows * width * width * chain) / (bestMs * 1e6);
}

/** Median milliseconds of running a graph that does nothing to speak of. */
async function measureHop(): Promise<number> {
  const graph = createGraph();
  const doubled = graph.scale(graph.input("x", [1]), 2);
  const session = await openSession(compileOnnx(graph, { outputs: { doubled }, purpose: "serve" }), { threads: 1 });
  const feeds = { x: f32([1], Float32Array.of(1)) };
  const samples: number[] = [];
  for (let trial = 0; trial < HOP_TRIALS; trial++) {
    const start = nowMs();
    await session.run(feeds);
    samples.push(nowMs() - start);
  }
  await session.close();
  return samples.sort((a, b) => a - b)[HOP_TRIALS >> 1] ?? 0;
}

/** One forward and AdaGrad update per (feature, class) cell, as the linear trainer does it. */
function sparsePass(table: Float32Array, squares: Float32Array, order: Uint32Array): number {
  const { classes, features, rows } = SPARSE;
  const gradient = new Float64Array(classes);
  for (let row = 0; row < rows; row++) {
    gradient.fill(0);
    for (let i = 0; i < features; i++) {
      const start = (order[row * features + i] ?? 0) * classes;
      for (let c = 0; c < classes; c++) gradient[c] = (gradient[c] ?? 0) + 0.1 * (table[start + c] ?? 0);
    }
    for (let i = 0; i < features; i++) {
      const start = (order[row * features + i] ?? 0) * classes;
      for (let c = 0; c < classes; c++) {
        const g = 0.1 * ((gradient[c] ?? 0) + 0.01);
        const square = (squares[start + c] ?? 0) + g * g;
        squares[start + c] = square;
        table[start + c] = (table[start + c] ?? 0) - (0.1 * g) / Math.sqrt(square);
      }
    }
  }
  return table[0] ?? 0;
}

/** The linear trainer's inner loop in one thread, MFLOP/s. */
function measureSparse(): number {
  const { buckets, classes, features, rows, trials } = SPARSE;
  const random = createRandom(1, "measure-sparse");
  const order = Uint32Array.from({ length: rows * features }, () => random.int(buckets));
  const [table, squares] = [new Float32Array(buckets * classes), new Float32Array(buckets * classes).fill(1)];
  let bestMs = Infinity;
  for (let trial = 0; trial < trials; trial++) {
    const start = nowMs();
    sparsePass(table, squares, order);
    bestMs = Math.min(bestMs, nowMs() - start);
  }
  return (rows * features * classes * TRAIN_COSTS.sparseFlopsPerCell) / (bestMs * 1e3);
}

/** Memory that this process may use: the container's limit where there is one, gigabytes. */
function memoryGb(): number {
  const limit = process.constrainedMemory() ?? 0;
  const total = totalmem();
  return (limit > 0 && limit < total ? limit : total) / 1e9;
}

/** Measures this machine; `threads` stands in for its cores. Takes about a second and blocks the event loop meanwhile. */
export async function measureMachine(threads = availableParallelism()): Promise<MachineProfile> {
  const sparseMflops = measureSparse();
  const singleThreadGflops = await measureProducts(1);
  const gflops = threads === 1 ? singleThreadGflops : Math.max(singleThreadGflops, await measureProducts(threads));
  return {
    format: "joryu-machine-1",
    cpu: cpus()[0]?.model.trim() || "unknown",
    cores: threads,
    memoryGb: rounded(memoryGb()),
    gflops: rounded(gflops),
    singleThreadGflops: rounded(singleThreadGflops),
    sparseMflops: rounded(sparseMflops),
    hopMs: rounded(await measureHop()),
  };
}
