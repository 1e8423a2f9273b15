/** @file The gradient graph and the evaluation graph of the label encoder, and the flat layout of its dense weights.
 *  Knows no data, no optimiser and no schedule. */
import { gradients } from "../graph/gradients.js";
import { createGraph } from "../graph/create-graph.js";
import type { Graph } from "../graph/graph.js";
import type { Dim, Value } from "../graph/types.js";
import { compileOnnx } from "../graph/onnx.js";
import {
  buildEncoder,
  type EncoderConfig,
  encoderParameters,
  tableWidth,
  type TowerOutput,
} from "../models/encoder.js";
import type { ParameterSpec } from "../models/parameters.js";
import { createRandom } from "../random.js";
import { elementCount } from "../tensor/tensor.js";
import { buildLoss, type LossSpec, needsSoftLabels, needsTwoViews } from "./losses.js";

/** A dropout mask that is fed. */
export interface DropoutSite {
  /** Name of the input. */
  readonly name: string;
  /** Without the batch axis; "T" is the longest text of the batch. */
  readonly shape: readonly ("T" | number)[];
}

export interface TrainingGraph {
  readonly graph: Graph;
  readonly loss: Value;
  /** The part of `loss` that compares inner representations, where there is one. */
  readonly inner?: Value;
  readonly terms: readonly Value[];
  readonly logits: Value;
  /** Gradients by parameter name, and "embedded" for the token vectors or "rows" for the table rows in use. */
  readonly gradients: ReadonlyMap<string, Value>;
  readonly sites: readonly DropoutSite[];
}

/** How often a text passes through the input: twice where a loss compares two views and one tower must give both. */
export function viewCopies({ towers }: Pick<EncoderConfig, "towers">, losses: readonly LossSpec[]): 1 | 2 {
  return towers === 1 && needsTwoViews(losses) ? 2 : 1;
}

/** Forward, losses and gradients. A view is what one tower says under one dropout mask; the logits of all V views lie
 *  below each other, [V*B, labels]. Inputs: embedded [copies*B, T, towers*D], mask [copies*B, T], labels and rowShares
 *  [V*B], pairShares [B] where a loss compares views, the masks of the dropout sites, and softTargets, softKnown,
 *  softShares [V*B] where a loss reads them. */
export function buildTrainingGraph(
  config: EncoderConfig,
  labelCount: number,
  losses: readonly LossSpec[],
  dropout: boolean,
): TrainingGraph {
  const graph = createGraph();
  const copies = viewCopies(config, losses);
  const rows = copies === 2 ? "2*B" : "B";
  const views = copies * config.towers === 2 ? "2*B" : "B";
  const embedded = graph.input("embedded", [rows, "T", tableWidth(config)]);
  const mask = graph.input("mask", [rows, "T"]);
  const sites: DropoutSite[] = [];
  const options = dropout ? { dropout: fedDropout(graph, sites) } : {};
  const output = buildEncoder(graph, config, labelCount, { embedded, mask }, options);
  const logits = stackTowers(graph, output.towers, labelCount);
  const wanted = new Map([...output.weights, ["embedded", embedded]]);
  return { ...withObjective(graph, losses, { logits, views, labelCount }, wanted), sites };
}

/** Dropout by masks that are fed; each site that is built is added to `sites`. */
export function fedDropout(graph: Graph, sites: DropoutSite[]): (site: string, x: Value) => Value {
  return (site, x) => {
    const fed = graph.input(`dropout.${site}`, x.shape);
    sites.push({ name: fed.name, shape: x.shape.slice(1).map((size) => (typeof size === "number" ? size : "T")) });
    return graph.mul(x, fed);
  };
}

export interface TrainedAnswer {
  /** [views, labels] */
  readonly logits: Value;
  /** Rows of all views. */
  readonly views: Dim;
  readonly labelCount: number;
  /** Weighted loss on inner representations, added to the objective. */
  readonly inner?: Value | undefined;
}

/** Adds the label inputs, the losses and the gradients of the `wanted` values, which keep their names. */
export function withObjective(
  graph: Graph,
  losses: readonly LossSpec[],
  { logits, views, labelCount, inner }: TrainedAnswer,
  wanted: ReadonlyMap<string, Value>,
): Omit<TrainingGraph, "sites"> {
  const { total, terms } = buildLoss(graph, losses, {
    logits,
    labels: graph.input("labels", [views], "i64"),
    rowShares: graph.input("rowShares", [views]),
    ...(needsTwoViews(losses) && { pairShares: graph.input("pairShares", ["B"]) }),
    ...(needsSoftLabels(losses) && {
      softTargets: graph.input("softTargets", [views, labelCount + 1]),
      softKnown: graph.input("softKnown", [views, labelCount]),
      softShares: graph.input("softShares", [views]),
    }),
  });
  const names = [...wanted.keys()];
  const loss = inner === undefined ? total : graph.add(total, inner);
  const values = gradients(graph, loss, [...wanted.values()]);
  const byName = new Map(values.map((value, i) => [names[i] ?? "", value]));
  return { graph, loss, ...(inner !== undefined && { inner }), terms, logits, gradients: byName };
}

/** Logits of the towers below each other, [towers*R, labels]. */
function stackTowers(graph: Graph, towers: readonly TowerOutput[], labelCount: number): Value {
  const [first] = towers;
  if (towers.length === 1 && first !== undefined) return first.logits;
  const parts = towers.map(({ logits }) => graph.reshape(logits, [1, -1, labelCount]));
  return graph.reshape(graph.concat(parts, 0), [-1, labelCount]);
}

/** ONNX bytes of the training graph; outputs `loss`, `logits`, `inner` where there is one, and `gradient.<name>`. */
export function compileTrainingGraph(training: TrainingGraph): Uint8Array {
  const { loss, logits, inner } = training;
  const outputs: Record<string, Value> = { loss, logits, ...(inner !== undefined && { inner }) };
  for (const [name, value] of training.gradients) outputs[`gradient.${name}`] = value;
  return compileOnnx(training.graph, { outputs, purpose: "train" });
}

/** ONNX bytes of the forward half without dropout; inputs embedded, mask and the weights, output
 *  `logits` [B, labels]. */
export function compileEvaluationGraph(config: EncoderConfig, labelCount: number): Uint8Array {
  const graph = createGraph();
  const embedded = graph.input("embedded", ["B", "T", tableWidth(config)]);
  const { logits } = buildEncoder(graph, config, labelCount, { embedded, mask: graph.input("mask", ["B", "T"]) });
  return compileOnnx(graph, { outputs: { logits }, purpose: "train" });
}

export interface FlatParameter extends ParameterSpec {
  readonly offset: number;
  readonly length: number;
}

export interface FlatLayout {
  /** Decayed parameters first. */
  readonly parameters: readonly FlatParameter[];
  readonly length: number;
  /** Elements before this are decayed. */
  readonly decayedLength: number;
}

/** Where each dense weight of the from-scratch encoder lies in one flat vector. */
export function flatLayout(config: EncoderConfig, labelCount: number): FlatLayout {
  return layoutOf(encoderParameters(config, labelCount));
}

/** Where each of these weights lies in one flat vector. */
export function layoutOf(all: readonly ParameterSpec[]): FlatLayout {
  let offset = 0;
  const place = (parameter: ParameterSpec): FlatParameter => {
    const placed = { ...parameter, offset, length: elementCount(parameter.shape) };
    offset += placed.length;
    return placed;
  };
  const decayed = all.filter((parameter) => parameter.decayed).map(place);
  const decayedLength = offset;
  const parameters = [...decayed, ...all.filter((parameter) => !parameter.decayed).map(place)];
  return { parameters, length: offset, decayedLength };
}

/** Starting values of one parameter, a function of the seed and its name. */
export function startValues(parameter: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(elementCount(parameter.shape));
  if (parameter.start === "ones") return values.fill(1);
  if (parameter.start === "zeros") return values;
  const random = createRandom(seed, `start/${parameter.name}`);
  for (let i = 0; i < values.length; i++) values[i] = parameter.start * random.normal();
  return values;
}
