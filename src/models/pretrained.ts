/** @file Pretrained encoders of all families on the shared blocks, for training and serving: word vectors to hidden states, pooled
 *  vectors and label logits. What differs between families stands in their rows (families/). Knows no text, file or loss. */
import { UsageError } from "../errors.js";
import { createGraph } from "../graph/create-graph.js";
import type { Graph } from "../graph/graph.js";
import { isWorthQuantizing, LINEAR_FIT } from "../graph/quantized.js";
import type { Value } from "../graph/types.js";
import {
  attentionBlock,
  type BlockContext,
  firstPool,
  linearBlock,
  meanPool,
  mlpBlock,
  normBlock,
  type Projections,
  type RotaryTables,
  weightOf,
} from "./blocks.js";
import { classifierOf, familyOf, type Pooling, type PretrainedConfig, type Sight } from "./families/index.js";
import { headParameters, pretrainedParameters, WORD_TABLE } from "./pretrained-parameters.js";
import { rotaryNumbers } from "./rotary.js";

export type { Pooling };

const POOLINGS: Readonly<Record<Pooling, (graph: Graph, x: Value, mask: Value) => Value>> = {
  mean: meanPool,
  cls: firstPool,
};

export interface PretrainedModel {
  readonly config: PretrainedConfig;
  readonly pooling: Pooling;
  /** 0 for no head: the answer is the pooled vector. */
  readonly labelCount: number;
  /** Longest text that will be fed, in tokens: a window that reaches further costs nothing. */
  readonly maxTokens: number;
}

export interface PretrainedInput {
  /** Word vectors, [B, T, D] f32. */
  readonly embedded: Value;
  /** [B, T] f32, 1 keeps a position. */
  readonly mask: Value;
  /** Token types, [B, T] i64; all 0 where absent. */
  readonly types?: Value;
}

export interface PretrainedOutput {
  /** [B, labels] f32; undefined without a head. */
  readonly logits: Value | undefined;
  /** [B, D] f32 */
  readonly pooled: Value;
  /** Embedding output, then each layer's output, [B, T, D] f32. */
  readonly hiddenStates: readonly Value[];
  /** After the last norm, where the family has one. */
  readonly last: Value;
  /** What goes into attention, layer by layer. */
  readonly projections: readonly Projections[];
  /** Every weight but the word table. */
  readonly weights: ReadonlyMap<string, Value>;
}

export interface PretrainedBuildOptions {
  /** Multiplies a named site by its dropout mask; absent when serving. */
  readonly dropout?: (site: string, x: Value) => Value;
  /** Sees the activations that a cut is chosen by, see `BlockContext`. */
  readonly observe?: (site: string, x: Value) => void;
  /** Rounds linear weights to the steps of int8, so that training sees what serving will. */
  readonly rounded?: boolean;
  /** Prefix of the weights' names, where several models share a graph. */
  readonly prefix?: string;
}

/** Linear weights that become int8 when serving, rounded as they will be; all others as they are. */
function roundedWeights(graph: Graph, weights: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  const isLinear = (name: string, { shape }: Value): boolean => name.endsWith(".weight") && isWorthQuantizing(shape);
  return new Map(
    Array.from(weights, ([name, value]) => [
      name,
      isLinear(name, value) ? graph.fakeQuantize(value, LINEAR_FIT) : value,
    ]),
  );
}

/** Adds the encoder to a graph: the same blocks whether it trains or serves. @throws UsageError when `maxTokens` is more than the
 *  model has positions. */
export function buildPretrained(
  graph: Graph,
  model: PretrainedModel,
  input: PretrainedInput,
  options: PretrainedBuildOptions = {},
): PretrainedOutput {
  const { prefix = "", dropout = (_site: string, x: Value) => x, observe, rounded = false } = options;
  const { config, labelCount, maxTokens } = model;
  if (maxTokens > config.maxPositions)
    throw new UsageError(`encoder: ${maxTokens} tokens are more than its ${config.maxPositions} positions`);
  const weights = new Map(
    denseParameters(model).map(({ name, shape }) => [name, graph.parameter(prefix + name, shape)]),
  );
  const read = rounded ? roundedWeights(graph, weights) : weights;
  const context: BlockContext = { graph, weights: read, dropout, ...(observe !== undefined && { observe }) };
  const body = buildBody(context, model, input);
  const pooled = POOLINGS[model.pooling](graph, body.last, input.mask);
  return { ...body, pooled, logits: labelCount === 0 ? undefined : label(context, model, pooled), weights };
}

/** The layers of the family's classifier, if it has the pooling, and the label layer. */
function label(context: BlockContext, { config, pooling }: PretrainedModel, pooled: Value): Value {
  const { graph, dropout } = context;
  const classifier = classifierOf(config, pooling);
  if (classifier === undefined) return linearBlock(context, "head", dropout("pooled", pooled));
  const active = graph[classifier.activation](linearBlock(context, "head.dense", pooled));
  const vector = classifier.norm === undefined ? active : normBlock(context, "head.norm", active, config.epsilon);
  return linearBlock(context, "head", dropout("pooled", vector));
}

/** Every weight but the word table, the head last. */
export function denseParameters({ config, labelCount, pooling }: Omit<PretrainedModel, "maxTokens">) {
  const head = labelCount === 0 ? [] : headParameters(config, labelCount, classifierOf(config, pooling));
  return [...pretrainedParameters(config).filter(({ name }) => name !== WORD_TABLE), ...head];
}

type Body = Pick<PretrainedOutput, "hiddenStates" | "last" | "projections">;

function buildBody(context: BlockContext, model: PretrainedModel, input: PretrainedInput): Body {
  const { config, maxTokens } = model;
  const family = familyOf(config);
  const tables = rotaryTables(context.graph, model, input.mask);
  let x = embed(context, config, input);
  const hiddenStates = [x];
  const projections: Projections[] = [];
  for (const [i, sight] of config.layers.entries()) {
    const { attentionNorm, feedForwardNorm, gated } = family.layerStyle(i);
    const rotary = tables?.[sight];
    const attended = attentionBlock(context, `layer${i}.attention`, x, {
      heads: config.heads,
      width: config.width,
      mask: input.mask,
      norm: attentionNorm,
      epsilon: config.epsilon,
      ...(rotary !== undefined && { rotary }),
      ...(sight === "local" && config.reach < maxTokens - 1 && { reach: config.reach }),
    });
    x = mlpBlock(context, `layer${i}.mlp`, attended.output, { norm: feedForwardNorm, epsilon: config.epsilon, gated });
    projections.push(attended);
    hiddenStates.push(x);
  }
  const hasFinalNorm = family.tensors.finalNorm !== undefined;
  return { hiddenStates, projections, last: hasFinalNorm ? normBlock(context, "final.norm", x, config.epsilon) : x };
}

/** Word vectors plus learned positions and token types where the family has them, normalised. */
function embed(context: BlockContext, config: PretrainedConfig, { embedded, mask, types }: PretrainedInput): Value {
  const { graph, weights } = context;
  const positions = weights.get("position.table");
  let x = embedded;
  if (positions !== undefined) x = graph.add(x, graph.embedding(positions, graph.positions(mask)));
  if (config.tokenTypes > 0) {
    const table = weightOf(context, "type.table");
    x = graph.add(x, types === undefined ? graph.slice(table, 0, 0, 1) : graph.embedding(table, types));
  }
  return context.dropout("embedding", normBlock(context, "embedding.norm", x, config.epsilon));
}

/** The rotation of each place of the batch, by what a layer sees; undefined where positions are learned. */
function rotaryTables(
  graph: Graph,
  { config, maxTokens }: PretrainedModel,
  mask: Value,
): Readonly<Record<Sight, RotaryTables>> | undefined {
  const { rotaryBases, width, heads } = config;
  if (rotaryBases === undefined) return undefined;
  const positions = graph.positions(mask);
  const table = (base: number): RotaryTables => {
    const { cos, sin, shape } = rotaryNumbers(maxTokens, width / heads, base);
    const rows = (numbers: Float32Array): Value => graph.embedding(graph.constant(numbers, shape), positions);
    return { cos: rows(cos), sin: rows(sin) };
  };
  return { global: table(rotaryBases.global), local: table(rotaryBases.local) };
}

export interface PretrainedServing extends PretrainedOutput {
  readonly graph: Graph;
}

export interface PretrainedServingOptions extends PretrainedBuildOptions {
  /** Whether token types are fed; all 0 otherwise. */
  readonly types?: boolean;
}

/** Adds the serving front and the encoder: inputs `ids` i64 [B, T], `mask` f32 [B, T] and, where told, `types` i64 [B, T]; the
 *  word table is a parameter of the graph. `graph` may hold other students already. */
export function buildPretrainedServing(
  graph: Graph,
  model: PretrainedModel,
  options: PretrainedServingOptions = {},
): PretrainedServing {
  const { config } = model;
  const ids = graph.input("ids", ["B", "T"], "i64");
  const mask = graph.input("mask", ["B", "T"]);
  const types = options.types === true ? graph.input("types", ["B", "T"], "i64") : undefined;
  const table = graph.parameter((options.prefix ?? "") + WORD_TABLE, [config.vocabularySize, config.width]);
  const input = { embedded: graph.embedding(table, ids), mask, ...(types !== undefined && { types }) };
  const output = buildPretrained(graph, model, input, options);
  return { ...output, graph, weights: new Map([[WORD_TABLE, table], ...output.weights]) };
}

/** A graph that holds the serving encoder alone. */
export function pretrainedServeGraph(
  model: PretrainedModel,
  options: PretrainedServingOptions = {},
): PretrainedServing {
  return buildPretrainedServing(createGraph(), model, options);
}
