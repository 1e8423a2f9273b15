/** @file How much each part of a pretrained encoder does for given texts, from forward passes alone: layers by block influence
 *  (ShortGPT, Men et al. 2024), heads, feed-forward neurons and dimensions by the L2 norm of their activations (Minitron,
 *  Muralidharan et al. 2024). Changes no weight. */
import { InvariantError, UsageError } from "../errors.js";
import { createGraph } from "../graph/create-graph.js";
import type { Graph } from "../graph/graph.js";
import { compileOnnx } from "../graph/onnx.js";
import type { Value } from "../graph/types.js";
import { familyOf } from "../models/families/index.js";
import { WORD_TABLE } from "../models/pretrained-parameters.js";
import { buildPretrained, type PretrainedModel } from "../models/pretrained.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64 } from "../tensor/tensor.js";
import { allParts, cutEncoder, type EncoderWeights } from "./cut.js";

export interface Importance {
  /** By layer: 1 - mean cosine of what goes in and what comes out, over tokens. */
  readonly layers: Float64Array;
  /** By layer, then head. */
  readonly heads: readonly Float64Array[];
  /** By layer, then neuron. */
  readonly feedForward: readonly Float64Array[];
  /** By dimension of the hidden state, over all norms. */
  readonly width: Float64Array;
}

export interface CalibrationOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/** Rows of one pass: bounds memory, and sorted texts of one batch have about one length. */
const BATCH_ROWS = 32;

/** Sum over tokens of the squares of each feature; x [B, T, F], mask [B, T] -> [F]. */
function squareSums(graph: Graph, x: Value, mask: Value): Value {
  return graph.reduceSum(graph.mul(graph.square(x), graph.reshape(mask, [0, 0, 1])), [0, 1]);
}

/** Sum over tokens of the cosine of a and b, both [B, T, D] -> [1]. */
function cosineSum(graph: Graph, a: Value, b: Value, mask: Value): Value {
  const dot = (x: Value, y: Value): Value => graph.reduceSum(graph.mul(x, y), [2]); // [B, T]
  const norms = graph.sqrt(graph.mul(dot(a, a), dot(b, b)));
  const cosines = graph.div(dot(a, b), graph.maximum(norms, graph.constant(1e-12)));
  return graph.reshape(graph.reduceSum(graph.mul(cosines, mask), [0, 1]), [1]);
}

interface Sums {
  /** Inputs ids [B, T] i64 and mask [B, T]. */
  readonly bytes: Uint8Array;
  /** `cosine.i` and the observed sites. */
  readonly names: readonly string[];
}

/** The model that gives the sums over the tokens of one batch. */
function compileSums({ config, values }: EncoderWeights, maxTokens: number): Sums {
  const graph = createGraph();
  const ids = graph.input("ids", ["B", "T"], "i64");
  const mask = graph.input("mask", ["B", "T"]);
  const embedded = graph.embedding(graph.parameter(WORD_TABLE, [config.vocabularySize, config.width]), ids);
  const outputs: Record<string, Value> = {};
  const model: PretrainedModel = { config, pooling: "mean", labelCount: 0, maxTokens };
  const observe = (site: string, x: Value): void => void (outputs[site] = squareSums(graph, x, mask));
  const { hiddenStates } = buildPretrained(graph, model, { embedded, mask }, { observe });
  for (const [i, state] of hiddenStates.entries()) {
    const next = hiddenStates[i + 1];
    if (next !== undefined) outputs[`cosine.${i}`] = cosineSum(graph, state, next, mask);
  }
  const bytes = compileOnnx(graph, { outputs, purpose: "serve", weights: values });
  return { bytes, names: Object.keys(outputs) };
}

interface Batch {
  readonly rows: number;
  readonly columns: number;
  readonly ids: Int32Array;
  readonly mask: Float32Array;
}

/** Texts of about one length together, padded with id 0 that the mask hides. */
function batchesOf(texts: readonly Int32Array[]): Batch[] {
  const sorted = texts.filter(({ length }) => length > 0).toSorted((a, b) => a.length - b.length);
  return Array.from({ length: Math.ceil(sorted.length / BATCH_ROWS) }, (_, k) => {
    const group = sorted.slice(k * BATCH_ROWS, (k + 1) * BATCH_ROWS);
    const columns = group.at(-1)?.length ?? 1;
    const ids = new Int32Array(group.length * columns);
    const mask = new Float32Array(ids.length);
    for (const [row, text] of group.entries()) {
      ids.set(text, row * columns);
      mask.fill(1, row * columns, row * columns + text.length);
    }
    return { rows: group.length, columns, ids, mask };
  });
}

/** Token-wise sums over all batches, by name. */
async function sumOver(
  encoder: EncoderWeights,
  batches: readonly Batch[],
  { threads, signal }: CalibrationOptions,
): Promise<ReadonlyMap<string, Float64Array>> {
  const { bytes, names } = compileSums(encoder, Math.max(...batches.map(({ columns }) => columns)));
  const session = await openSession(bytes, { threads });
  const sums = new Map<string, Float64Array>();
  try {
    for (const { rows, columns, ids, mask } of batches) {
      signal?.throwIfAborted();
      const results = await session.run({ ids: i64([rows, columns], ids), mask: f32([rows, columns], mask) });
      for (const name of names) {
        const part = results[name]?.data ?? [];
        const sum = sums.get(name) ?? new Float64Array(part.length);
        for (const [i, value] of part.entries()) sum[i] = (sum[i] ?? 0) + Number(value);
        sums.set(name, sum);
      }
    }
  } finally {
    await session.close();
  }
  return sums;
}

/** Roots of the sums of `group` neighbours. */
function norms(sums: Float64Array | undefined, group = 1): Float64Array {
  if (sums === undefined) throw new InvariantError("importance: an activation was not observed");
  const result = new Float64Array(sums.length / group);
  for (const [i, value] of sums.entries()) result[Math.floor(i / group)] = (result[Math.floor(i / group)] ?? 0) + value;
  return result.map(Math.sqrt);
}

/** Importance of the parts of an encoder for texts as token ids. @throws UsageError without a text that has a token. */
export async function measureImportance(
  encoder: EncoderWeights,
  texts: readonly Int32Array[],
  options: CalibrationOptions,
): Promise<Importance> {
  const { config } = encoder;
  const batches = batchesOf(texts);
  const tokens = batches.reduce((sum, { mask }) => sum + mask.reduce((a, b) => a + b, 0), 0);
  if (tokens === 0) throw new UsageError("importance: no text with a token was given");
  const sums = await sumOver(encoder, batches, options);
  const width = new Float64Array(config.width);
  for (const [site, sum] of sums) {
    if (site.endsWith("norm")) for (const [i, norm] of norms(sum).entries()) width[i] = (width[i] ?? 0) + norm;
  }
  const each = <T>(of: (layer: number) => T): T[] => config.layers.map((_, layer) => of(layer));
  return {
    layers: Float64Array.from(each((i) => 1 - (sums.get(`cosine.${i}`)?.[0] ?? NaN) / tokens)),
    heads: each((i) => norms(sums.get(`layer${i}.attention.heads`), config.width / config.heads)),
    feedForward: each((i) => norms(sums.get(`layer${i}.mlp.neurons`))),
    width,
  };
}

/** The `count` best indices, ascending; of equals the lower index. @throws UsageError when there are not as many. */
export function bestOf(scores: Float64Array, count: number): Uint32Array {
  if (!Number.isInteger(count) || count < 1 || count > scores.length)
    throw new UsageError(`cut: ${count} of ${scores.length} parts cannot be kept`);
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  return Uint32Array.from(order.slice(0, count)).sort();
}

/** The layers that stay when all but `count` go one after the other, the least influential first, scored again after each removal.
 *  Layer 0 stays where the family's first layer differs from the others. */
export async function chooseLayers(
  encoder: EncoderWeights,
  texts: readonly Int32Array[],
  count: number,
  options: CalibrationOptions,
): Promise<Uint32Array> {
  const parts = allParts(encoder.config);
  let kept = parts.layers;
  if (!Number.isInteger(count) || count < 1 || count > kept.length)
    throw new UsageError(`cut: ${count} of ${kept.length} layers cannot be kept`);
  const first = familyOf(encoder.config).keepsFirstLayer ? 1 : 0;
  while (kept.length > count) {
    const { layers } = await measureImportance(cutEncoder(encoder, { ...parts, layers: kept }), texts, options);
    const least = layers
      .subarray(first)
      .reduce((best, score, i) => (score < (layers[best] ?? 0) ? i + first : best), first);
    kept = kept.filter((_, i) => i !== least);
  }
  return kept;
}
