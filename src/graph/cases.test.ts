/** @file One or more trials per op of the table, with broadcasting, size 1 and symbolic sizes; every row is differentiated
 *  numerically in float64 and compared with ONNX Runtime for training and serving. A row without a trial does not compile. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { createGraph } from "./create-graph.js";
import { gradients } from "./gradients.js";
import { interpret } from "./interpret.js";
import { compileOnnx } from "./onnx.js";
import { OPS } from "./ops.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Graph } from "./graph.js";
import type { Dim, OpAttributes, OpKind, Purpose, Reference, Value } from "./types.js";

const SIZES: Readonly<Record<string, number>> = { B: 2, T: 3, S: 4, K: 5 };

interface Operand {
  readonly dims: readonly Dim[];
  readonly draw: "normal" | "positive" | "mask" | { readonly below: number };
}

interface Trial<A> {
  readonly operands: readonly Operand[];
  readonly attributes: A;
}

const normal = (...dims: Dim[]): Operand => ({ dims, draw: "normal" });
const positive = (...dims: Dim[]): Operand => ({ dims, draw: "positive" });
const mask = (...dims: Dim[]): Operand => ({ dims, draw: "mask" });
const ids = (below: number, ...dims: Dim[]): Operand => ({ dims, draw: { below } });
function trial<A>(attributes: A, ...operands: Operand[]): Trial<A> {
  return { attributes, operands };
}
const unary: readonly Trial<OpAttributes["neg"]>[] = [trial({}, normal("B", "T", 4)), trial({}, normal(1))];
const unaryPositive: readonly Trial<OpAttributes["log"]>[] = [trial({}, positive("B", 3))];
const binary: readonly Trial<OpAttributes["add"]>[] = [
  trial({}, normal("B", "T"), normal("B", "T")),
  trial({}, normal("B", 1, 4), positive("T", 1)),
  trial({}, normal(4), positive("B", 3, 1)),
  trial({}, normal(), positive(2, 1)),
];
const reductions: readonly Trial<OpAttributes["reduceSum"]>[] = [
  trial({ axes: [2], keepDims: false }, normal("B", "T", 4)),
  trial({ axes: [0, 1], keepDims: true }, normal("B", "T", 4)),
  trial({ axes: [0, 1], keepDims: false }, normal("B", 3)),
  trial({ axes: [0], keepDims: false }, normal(1, 3)),
];
const heads = (count: number, keyValueHeads: number, causal: boolean, reach?: number) => ({
  heads: count,
  keyValueHeads,
  causal,
  ...(reach !== undefined && { reach }),
});

const TRIALS: { readonly [K in OpKind]: readonly Trial<OpAttributes[K]>[] } = {
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  maximum: binary,
  neg: unary,
  exp: unary,
  log: unaryPositive,
  sqrt: unaryPositive,
  reciprocal: unaryPositive,
  square: unary,
  scale: [trial({ factor: -2.5 }, normal("B", 3))],
  addScalar: [trial({ term: 0.75 }, normal("B", 3))],
  isPositive: unary,
  toFloat: [trial({}, ids(5, "B", 3))],
  stopGradient: unary,
  roundRows: [trial({ fit: 1 }, normal("B", 5)), trial({ fit: 2 }, normal("B", 64)), trial({ fit: 2 }, normal(3, 7))],
  tanh: unary,
  sigmoid: unary,
  relu: unary,
  gelu: [...unary, trial({}, normal(300))],
  geluSlope: unary,
  silu: unary,
  reduceSum: reductions,
  reduceMean: reductions,
  reduceMax: reductions,
  logSumExp: reductions,
  softmax: [
    trial({ axis: -1 }, normal("B", "T", 5)),
    trial({ axis: 1 }, normal("B", "T", 5)),
    trial({ axis: -1 }, normal(3, 1)),
  ],
  logSoftmax: [trial({ axis: -1 }, normal("B", "T", 5)), trial({ axis: 0 }, normal(4, 2))],
  count: [trial({ axes: [0, 1] }, normal("B", "T", 4))],
  linear: [
    trial({ transposed: false }, normal("B", "T", 4), normal(5, 4), normal(5)),
    trial({ transposed: false }, normal("B", 4), normal(5, 4)),
    trial({ transposed: true }, normal("B", "T", 4), normal(4, 5), normal(5)),
    trial({ transposed: false }, normal("B", 1, 2, 4), normal(1, 4)),
  ],
  outer: [trial({}, normal("B", "T", 4), normal("B", "T", 3)), trial({}, normal(6, 1), normal(6, 3))],
  matmul: [
    trial({}, normal("B", 2, "T", 4), normal("B", 2, 4, "S")),
    trial({}, normal("B", 2, 3, 4), normal(4, 5)),
    trial({}, normal(1, 3, 4), normal("B", 4, 2)),
  ],
  transpose: [
    trial({ permutation: [2, 0, 1] }, normal("B", "T", 4)),
    trial({ permutation: [0, 2, 1, 3] }, normal("B", 2, "T", 2)),
  ],
  reshape: [
    trial({ shape: ["B*T", 4] }, normal("B", "T", 4)),
    trial({ shape: ["B", "T", 2, 2] }, normal("B", "T", 4)),
    trial({ shape: ["T", "B"] }, normal("B", "T")),
    trial({ shape: [1, 2, "2*T"] }, normal(4, "T")),
  ],
  expand: [
    trial({ shape: [2, "T", 4] }, normal("T", 1)),
    trial({ shape: [2, 3] }, normal(2, 3)),
    trial({ shape: [3] }, normal()),
  ],
  concat: [trial({ axis: 1 }, normal("B", 2, 3), normal("B", 1, 3), normal("B", 4, 3)), trial({ axis: 0 }, normal(2))],
  slice: [
    trial({ axis: 1, start: 0, end: 1 }, normal("B", "T", 4)),
    trial({ axis: 2, start: 1, end: 3 }, normal("B", "T", 4)),
    trial({ axis: 0, start: 2, end: 3 }, normal(5)),
  ],
  pad: [
    trial({ axis: 1, before: 1, size: 5 }, normal("B", 2, 3)),
    trial({ axis: 0, before: 0, size: "S" }, normal(1, "S")),
  ],
  normalize: [
    trial({ epsilon: 1e-5, centered: true }, normal("B", "T", 6)),
    trial({ epsilon: 1e-5, centered: false }, normal("B", 6)),
  ],
  inverseDeviation: [
    trial({ epsilon: 1e-5, centered: true }, normal("B", "T", 6)),
    trial({ epsilon: 1e-5, centered: false }, normal("B", 6)),
  ],
  layerNorm: [
    trial({ epsilon: 1e-5 }, normal("B", "T", 6), positive(6), normal(6)),
    trial({ epsilon: 1e-6 }, normal("B", 6), normal(6)),
  ],
  rmsNorm: [trial({ epsilon: 1e-6 }, normal("B", "T", 6), positive(6))],
  attention: [
    trial(heads(2, 2, false), normal("B", "T", 8), normal("B", "S", 8), normal("B", "S", 8), mask("B", "S")),
    trial(heads(2, 2, false), normal("B", "T", 8), normal("B", "T", 8), normal("B", "T", 8)),
    trial(heads(2, 2, true), normal("B", "T", 8), normal("B", "T", 8), normal("B", "T", 8), mask("B", "T")),
    trial(heads(4, 2, true), normal("B", "T", 16), normal("B", "T", 8), normal("B", "T", 8), mask("B", "T")),
    trial(heads(4, 1, false), normal("B", "T", 16), normal("B", "S", 4), normal("B", "S", 4)),
    trial(heads(2, 2, false, 1), normal("B", "K", 8), normal("B", "K", 8), normal("B", "K", 8), mask("B", "K")),
    trial(heads(2, 2, false, 2), normal("B", "K", 8), normal("B", "K", 8), normal("B", "K", 8)),
    trial(heads(4, 2, true, 1), normal("B", "K", 16), normal("B", "K", 8), normal("B", "K", 8), mask("B", "K")),
  ],
  causalBias: [trial({}, normal("B", "T", 2))],
  windowBias: [trial({ reach: 1 }, normal("B", "K", 2)), trial({ reach: 0 }, normal("B", "T", 2))],
  rotary: [trial({ heads: 2 }, normal("B", "T", 8), normal("T", 2), normal("T", 2))],
  positions: [trial({}, normal("B", "T", 2)), trial({}, normal(2, 4))],
  embedding: [
    trial({}, normal(5, 3), ids(5, "B", "T")),
    trial({}, normal("K", 3), ids(5, 7)),
    trial({}, normal(2, 3), ids(2, 4)),
  ],
  embeddingBag: [
    trial({}, normal(5, 3), ids(5, "B", "T", 4), normal("B", "T", 4)),
    trial({}, normal("K", 3), ids(5, "B", 6), normal("B", 6)),
    trial({}, normal(5, 3), ids(5, "B", 1), normal("B", 1)),
  ],
  scatterRows: [
    trial({ rows: 5 }, normal("B", "T", 3), ids(5, "B", "T", 2), normal("B", "T", 2)),
    trial({ rows: "S" }, normal("S", 3), ids(4, "S", 3), normal("S", 3)),
  ],
  pick: [trial({}, normal("B", "T", 5), ids(5, "B", "T")), trial({}, normal(6, 3), ids(3, 6))],
  unpick: [trial({ size: 5 }, normal("B", "T"), ids(5, "B", "T"))],
};

interface Built {
  readonly graph: Graph;
  readonly output: Value;
  readonly operands: readonly Value[];
  /** Names of operands that are no matter of degree. */
  readonly masks: readonly string[];
  readonly feeds: Map<string, Reference>;
}

function draw(operand: Operand, shape: readonly number[], seed: string): Float64Array {
  const random = createRandom(7, seed);
  const count = shape.reduce((product, size) => product * size, 1);
  return new Float64Array(count).map((_, i) => {
    if (typeof operand.draw === "object") return random.int(operand.draw.below);
    if (operand.draw === "mask") return i % (shape[1] ?? 1) === 1 ? 0 : 1;
    // Multiples of 2^-12 are exact in float32, so that both precisions see one input.
    const value = Math.round(random.normal() * 4096) / 4096;
    return operand.draw === "positive" ? Math.abs(value) + 0.5 : value;
  });
}

function build<K extends OpKind>(
  kind: K,
  { operands, attributes }: Trial<OpAttributes[K]>,
  weightsFrom: number,
): Built {
  const graph = createGraph();
  const feeds = new Map<string, Reference>();
  const values = operands.map((operand, i) => {
    const shape = operand.dims.map((dim) => (typeof dim === "number" ? dim : (SIZES[dim] ?? 1)));
    feeds.set(`operand${i}`, { shape, data: draw(operand, shape, `${kind} ${i}`) });
    const isParameter = i >= weightsFrom && operand.draw !== "mask" && typeof operand.draw !== "object";
    if (isParameter && operand.dims.every((dim) => typeof dim === "number"))
      return graph.parameter(`operand${i}`, operand.dims);
    return graph.input(`operand${i}`, operand.dims, typeof operand.draw === "object" ? "i64" : "f32");
  });
  const masks = operands.flatMap((operand, i) => (operand.draw === "mask" ? [`operand${i}`] : []));
  return { graph, operands: values, masks, feeds, output: graph.apply(kind, values, attributes) };
}

function fed(value: Value, { shape, data }: Reference): Tensor {
  if (value.type === "i64") return { type: "i64", shape, data: BigInt64Array.from(data, (entry) => BigInt(entry)) };
  return { type: "f32", shape, data: Float32Array.from(data) };
}

async function runOnnx(built: Built, purpose: Purpose, outputs: Readonly<Record<string, Value>>) {
  const weights = new Map([...built.feeds].map(([name, { data }]) => [name, Float32Array.from(data)]));
  const session = await openSession(compileOnnx(built.graph, { outputs, purpose, weights }), { threads: 1 });
  const feeds: Record<string, Tensor> = {};
  for (const value of [...built.graph.inputs, ...built.graph.parameters]) {
    const given = built.feeds.get(value.name);
    if (given !== undefined && session.inputNames.includes(value.name)) feeds[value.name] = fed(value, given);
  }
  const results = await session.run(feeds);
  await session.close();
  return results;
}

function expectClose(got: ArrayLike<number | bigint>, expected: Float64Array, tolerance: number, what: string): void {
  expect(got.length, what).toBe(expected.length);
  expected.forEach((value, i) => {
    const error = Math.abs(Number(got[i] ?? NaN) - value);
    expect(error <= tolerance * (1 + Math.abs(value)), `${what}[${i}]: ${Number(got[i])} for ${value}`).toBe(true);
  });
}

/** Adds sum(output * fixed random numbers) and its gradients with respect to all float operands. */
function differentiate(built: Built): {
  readonly loss: Value;
  readonly wanted: readonly Value[];
  readonly found: readonly Value[];
} {
  const { graph, output } = built;
  const [result] = interpret(graph, [output], built.feeds);
  const random = createRandom(11, "direction");
  const data = new Float64Array(result?.data.length ?? 0).map(() => Math.round(random.normal() * 1024) / 1024);
  const direction = graph.input("direction", output.shape);
  built.feeds.set("direction", { shape: result?.shape ?? [], data });
  const axes = output.shape.map((_, i) => i);
  const loss = graph.reduceSum(graph.mul(output, direction), axes);
  const wanted = built.operands.filter((value) => value.type === "f32" && !built.masks.includes(value.name));
  return { loss, wanted, found: gradients(graph, loss, wanted) };
}

function numericGradient(built: Built, loss: Value, name: string): Float64Array {
  const given = built.feeds.get(name) ?? { shape: [], data: new Float64Array(0) };
  const step = 1e-6;
  return given.data.map((value, i) => {
    const at = (moved: number): number => {
      const feeds = new Map(built.feeds).set(name, { shape: given.shape, data: given.data.with(i, moved) });
      return interpret(built.graph, [loss], feeds)[0]?.data[0] ?? NaN;
    };
    return (at(value + step) - at(value - step)) / (2 * step);
  });
}

async function checkTrial<K extends OpKind>(kind: K, given: Trial<OpAttributes[K]>): Promise<void> {
  const row = OPS[kind];
  const built = build(kind, given, 99);
  const [expected] = interpret(built.graph, [built.output], built.feeds);
  const data = expected?.data ?? new Float64Array(0);
  const node = built.graph.nodeOf(built.output);
  if (row.compose !== undefined && node !== undefined) {
    const [composed] = interpret(built.graph, [built.graph.compositionOf(node)], built.feeds);
    expectClose(composed?.data ?? [], data, 1e-12, `${kind} composed`);
  }
  for (const purpose of ["train", "serve"] as const) {
    const result = await runOnnx(built, purpose, { output: built.output });
    expectClose(result["output"]?.data ?? [], data, 1e-5, `${kind} ${purpose}`);
    expect(result["output"]?.shape).toEqual(expected?.shape);
  }
  const compiledIn = build(kind, given, kind === "embedding" || kind === "embeddingBag" ? 0 : 1);
  const served = await runOnnx(compiledIn, "serve", { output: compiledIn.output });
  expectClose(served["output"]?.data ?? [], data, 1e-5, `${kind} serve with weights`);
  await checkGradients(kind, built);
}

async function checkGradients(kind: OpKind, built: Built): Promise<void> {
  if (built.output.type !== "f32") return;
  const { loss, wanted, found } = differentiate(built);
  if (wanted.length === 0) return; // ids alone have no gradient
  const references = interpret(built.graph, found, built.feeds);
  const outputs = Object.fromEntries(found.map((value, i) => [`gradient${i}`, value]));
  const results = await runOnnx(built, "train", outputs);
  wanted.forEach((value, i) => {
    const reference = references[i]?.data ?? new Float64Array(0);
    const isZero = OPS[kind].gradient === "none";
    const numeric = isZero ? reference.map(() => 0) : numericGradient(built, loss, value.name);
    expectClose(reference, numeric, 2e-7, `${kind} gradient of ${value.name}`);
    expectClose(results[`gradient${i}`]?.data ?? [], reference, 2e-5, `${kind} lowered gradient of ${value.name}`);
  });
}

async function checkKind<K extends OpKind>(kind: K): Promise<void> {
  for (const given of TRIALS[kind]) await checkTrial(kind, given);
}

describe("op table", () => {
  const kinds = Object.keys(OPS) as OpKind[];

  it("has at least one trial for every row", () => {
    expect(kinds.filter((kind) => (TRIALS[kind] ?? []).length === 0)).toEqual([]);
  });

  for (const kind of kinds) {
    it(`${kind}: reference, composition, gradient and both lowerings agree`, () => checkKind(kind));
  }
});
