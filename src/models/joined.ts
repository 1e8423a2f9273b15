/** @file The serving graphs of label students: linear alone, encoder alone, or both joined by a weighted mean of their
 *  log-probabilities. Everything after the bucket ids happens in here. Knows no training. */
import { InvariantError } from "../errors.js";
import { createGraph, type Graph } from "../graph/graph.js";
import type { Value } from "../graph/types.js";
import { buildEncoderServing, type EncoderConfig } from "./encoder.js";

/** Keeps the norm of a text without features away from zero. */
const LEAST_NORM = 1e-12;

export interface LinearPart {
  readonly buckets: number;
}

export interface StudentShape {
  readonly labels: number;
  readonly linear?: LinearPart;
  readonly encoder?: EncoderConfig;
  /** Weight of the linear part's log-probabilities in the mean, a ratio; used where both parts are there. */
  readonly linearRatio?: number;
}

/** Adds the linear student: inputs `linear.ids` i64 [B, N] and `linear.values` f32 [B, N]; gives logits [B, labels]. */
function buildLinear(graph: Graph, part: LinearPart, labels: number): Value {
  const ids = graph.input("linear.ids", ["B", "N"], "i64");
  const values = graph.input("linear.values", ["B", "N"]);
  const idf = graph.parameter("linear.idf", [part.buckets, 1]);
  const table = graph.parameter("linear.table", [part.buckets, labels]);
  const bias = graph.parameter("linear.bias", [labels]);
  const idfOfIds = graph.reduceSum(graph.embedding(idf, ids), [2]); // [B, N]
  const weighted = graph.mul(values, idfOfIds);
  const norm = graph.sqrt(graph.addScalar(graph.reduceSum(graph.square(weighted), [1], true), LEAST_NORM)); // [B, 1]
  return graph.add(graph.embeddingBag(table, ids, graph.div(weighted, norm)), bias);
}

/** Builds the serving graph of a student; its logits are [B, labels]. @throws InvariantError for a student without parts. */
export function studentGraph(shape: StudentShape): { readonly graph: Graph; readonly logits: Value } {
  const graph = createGraph();
  const linear = shape.linear === undefined ? undefined : buildLinear(graph, shape.linear, shape.labels);
  const encoder =
    shape.encoder === undefined
      ? undefined
      : buildEncoderServing(graph, shape.encoder, shape.labels, { prefix: "encoder." }).logits;
  if (linear === undefined || encoder === undefined) {
    const logits = linear ?? encoder;
    if (logits === undefined) throw new InvariantError("a student needs a linear part, an encoder, or both");
    return { graph, logits };
  }
  const ratio = shape.linearRatio ?? 0.5;
  const mean = graph.add(
    graph.scale(graph.logSoftmax(linear, -1), ratio),
    graph.scale(graph.logSoftmax(encoder, -1), 1 - ratio),
  );
  return { graph, logits: mean };
}
