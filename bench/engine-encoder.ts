/** @file The model of the engine bench: a pre-norm masked-token encoder with a tied head in two sizes, its weights, its batches
 *  and its count of floating point operations. Same shapes as bench/peers/engine_torch.py. */
import { createGraph, type Graph, type Value } from "../src/graph/index.js";
import { createRandom } from "../src/random.js";
import { f32, i64, type Tensor } from "../src/tensor/tensor.js";

export interface Size {
  readonly layers: number;
  readonly width: number;
  readonly inner: number;
  readonly heads: number;
  readonly batch: number;
}

export const SIZES: Readonly<Record<string, Size>> = {
  small: { layers: 6, width: 384, inner: 1536, heads: 6, batch: 16 },
  large: { layers: 20, width: 768, inner: 3072, heads: 12, batch: 4 },
};
export const [VOCABULARY, LENGTH, MASKED_RATIO] = [8192, 128, 0.15];

export interface Encoder {
  readonly graph: Graph;
  readonly parameters: readonly Value[];
  readonly loss: Value;
}

function buildLayer(graph: Graph, x: Value, { width, inner, heads }: Size, mask: Value): Value {
  const norm = (name: string, value: Value): Value => {
    const [gamma, beta] = [graph.parameter(`${name}.gamma`, [width]), graph.parameter(`${name}.beta`, [width])];
    return graph.layerNorm(value, gamma, beta, { epsilon: 1e-5 });
  };
  const linear = (name: string, value: Value, rows: number, columns: number): Value =>
    graph.linear(value, graph.parameter(`${name}.weight`, [rows, columns]), graph.parameter(`${name}.bias`, [rows]));
  const normed = norm("attention.norm", x);
  const [q, k, v] = ["q", "k", "v"].map((name) => linear(`attention.${name}`, normed, width, width));
  if (q === undefined || k === undefined || v === undefined) return x;
  const mixed = linear("attention.out", graph.attention(q, k, v, { heads, mask }), width, width);
  const middle = graph.add(x, mixed);
  const wide = graph.gelu(linear("ffn.up", norm("ffn.norm", middle), inner, width));
  return graph.add(middle, linear("ffn.down", wide, width, inner));
}

export function buildEncoder(size: Size): Encoder {
  const graph = createGraph();
  const ids = graph.input("ids", ["B", LENGTH], "i64");
  const mask = graph.input("mask", ["B", LENGTH]);
  const places = graph.input("places", ["N"], "i64");
  const targets = graph.input("targets", ["N"], "i64");
  const table = graph.parameter("table", [VOCABULARY, size.width]);
  let x = graph.add(graph.embedding(table, ids), graph.parameter("positions", [LENGTH, size.width]));
  for (let i = 0; i < size.layers; i++) x = graph.scope(`layers.${i}`, () => buildLayer(graph, x, size, mask));
  const [gamma, beta] = [graph.parameter("norm.gamma", [size.width]), graph.parameter("norm.beta", [size.width])];
  const hidden = graph.reshape(graph.layerNorm(x, gamma, beta, { epsilon: 1e-5 }), [-1, size.width]);
  const logits = graph.linear(graph.embedding(hidden, places), table);
  const loss = graph.neg(graph.reduceMean(graph.pick(graph.logSoftmax(logits, -1), targets), [0]));
  return { graph, parameters: graph.parameters, loss };
}

/** Starting values of one parameter. */
export function fillWeights(name: string, weights: Float32Array): void {
  const random = createRandom(1, name);
  const isGain = name.endsWith("gamma");
  for (let i = 0; i < weights.length; i++) weights[i] = isGain ? 1 : 0.02 * random.normal();
}

/** A batch of full length whose ids follow Zipf's law roughly, as text does. */
export function drawBatch({ batch }: Size, step: number): Record<string, Tensor> {
  const random = createRandom(step, "batch");
  const count = batch * LENGTH;
  const word = (): number => Math.min(VOCABULARY - 1, Math.floor(VOCABULARY ** random.float()));
  const masked = Math.floor(count * MASKED_RATIO);
  const places = Array.from({ length: masked }, (_, i) => Math.floor((i * count) / masked));
  return {
    ids: i64([batch, LENGTH], Array.from({ length: count }, word)),
    mask: f32([batch, LENGTH], new Float32Array(count).fill(1)),
    places: i64([masked], places),
    targets: i64([masked], Array.from({ length: masked }, word)),
  };
}

/** Floating point operations of the matrix products of one step, backward counted twice. */
export function stepFlops({ layers, width, inner, batch }: Size): number {
  const tokens = batch * LENGTH;
  const perToken = layers * (4 * width * width + 2 * width * inner + 2 * LENGTH * width);
  return 6 * (tokens * perToken + Math.floor(tokens * MASKED_RATIO) * width * VOCABULARY);
}
