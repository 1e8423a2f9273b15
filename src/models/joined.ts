/** @file The serving graphs of label students: a pretrained encoder, or linear alone, encoder alone, or both joined by a weighted
 *  mean of their log-probabilities. Everything after the ids happens in here. Knows no training. */
import { InvariantError } from "../errors.js";
import { createGraph } from "../graph/create-graph.js";
import type { Graph } from "../graph/graph.js";
import type { Value } from "../graph/types.js";
import { buildEncoderServing, type EncoderConfig } from "./encoder.js";
import { WORD_TABLE } from "./pretrained-parameters.js";
import { buildPretrained, type PretrainedModel, type PretrainedOutput } from "./pretrained.js";

/** Keeps the norm of a text without features away from zero. */
const LEAST_NORM = 1e-12;

export interface LinearPart {
  readonly buckets: number;
}

export interface StudentShape {
  readonly labels: number;
  readonly linear?: LinearPart;
  readonly encoder?: EncoderConfig;
  /** Stands alone. */
  readonly pretrained?: Omit<PretrainedModel, "labelCount">;
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

/** Adds a pretrained encoder, with its head where it has labels: inputs `input_ids` and `attention_mask` i64 [B, T], as transformers.js feeds them; weights
 *  under the names of its parameter list. */
function buildPieces(graph: Graph, model: PretrainedModel): PretrainedOutput {
  const ids = graph.input("input_ids", ["B", "T"], "i64");
  const mask = graph.toFloat(graph.input("attention_mask", ["B", "T"], "i64"));
  const table = graph.parameter(WORD_TABLE, [model.config.vocabularySize, model.config.width]);
  return buildPretrained(graph, model, { embedded: graph.embedding(table, ids), mask });
}

/** The graph of a pretrained encoder without a head; its pooled vectors are [B, D], its hidden states [B, T, D], the embeddings first. */
export function headlessGraph(
  model: Omit<PretrainedModel, "labelCount">,
): { readonly graph: Graph } & Pick<PretrainedOutput, "pooled" | "hiddenStates"> {
  const graph = createGraph();
  const { pooled, hiddenStates } = buildPieces(graph, { ...model, labelCount: 0 });
  return { graph, pooled, hiddenStates };
}

/** Builds the serving graph of a student; its logits are [B, labels]. @throws InvariantError for a student without parts. */
export function studentGraph(shape: StudentShape): { readonly graph: Graph; readonly logits: Value } {
  const graph = createGraph();
  if (shape.pretrained !== undefined) {
    const { logits } = buildPieces(graph, { ...shape.pretrained, labelCount: shape.labels });
    if (logits === undefined) throw new InvariantError("a student needs a label head");
    return { graph, logits };
  }
  const linear = shape.linear === undefined ? undefined : buildLinear(graph, shape.linear, shape.labels);
  const encoder =
    shape.encoder === undefined
      ? undefined
      : buildEncoderServing(graph, shape.encoder, shape.labels, { prefix: "encoder." }).logits;
  if (linear === undefined || encoder === undefined) {
    const logits = linear ?? encoder;
    if (logits === undefined)
      throw new InvariantError("a student needs a linear part, an encoder, both, or a pretrained encoder");
    return { graph, logits };
  }
  const ratio = shape.linearRatio ?? 0.5;
  const mean = graph.add(
    graph.scale(graph.logSoftmax(linear, -1), ratio),
    graph.scale(graph.logSoftmax(encoder, -1), 1 - ratio),
  );
  return { graph, logits: mean };
}
