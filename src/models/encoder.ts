/** @file The label encoder trained from scratch: hashed word and character n-grams, one or two towers of pre-norm
 *  transformer layers, each with mean and max pooling and a linear head; two towers answer with the mean of their
 *  log-probabilities. One size dial derives the rest. Knows no text (hashed-features.ts) and no training (distill/). */
import { UsageError } from "../errors.js";
import { createGraph } from "../graph/create-graph.js";
import type { Graph } from "../graph/graph.js";
import type { Value } from "../graph/types.js";
import { attentionBlock, type BlockContext, linearBlock, meanMaxPool, mlpBlock, normBlock } from "./blocks.js";
import { linearParameters, normParameters, type ParameterSpec, WEIGHT_DEVIATION } from "./parameters.js";

export interface EncoderConfig {
  /** Encoders side by side over the same tokens, which share no weight. */
  readonly towers: 1 | 2;
  readonly layers: number;
  /** Of one tower. */
  readonly width: number;
  /** Divides `width`. */
  readonly heads: number;
  /** Inner width of the feed-forward layers. */
  readonly feedForward: number;
  /** Hash buckets of the token table. */
  readonly buckets: number;
  /** Longer texts are cut here, in tokens; positions are learned up to it. */
  readonly maxTokens: number;
}

/** The size dial: one row derives every width. */
export const ENCODER_SIZES = {
  small: { towers: 2, layers: 1, width: 96, heads: 4, feedForward: 384, buckets: 4096, maxTokens: 128 },
  medium: { towers: 2, layers: 1, width: 160, heads: 4, feedForward: 640, buckets: 8192, maxTokens: 128 },
  large: { towers: 2, layers: 2, width: 256, heads: 4, feedForward: 1024, buckets: 16384, maxTokens: 128 },
} as const satisfies Record<string, EncoderConfig>;

export type EncoderSize = keyof typeof ENCODER_SIZES;

/** Name of the input table: rows 0 .. buckets-1 are hash buckets, row buckets + t is position t. */
export const TABLE = "table";
/** A token's vector is a mean over about 15 rows, which divides their deviation by about 4. */
const TABLE_DEVIATION = 0.2;

/** Columns of the input table: the towers' side by side. */
export function tableWidth(config: EncoderConfig): number {
  return config.towers * config.width;
}

/** Rows of the input table. */
export function tableRows(config: EncoderConfig): number {
  return config.buckets + config.maxTokens;
}

function towerParameters(config: EncoderConfig, labelCount: number): ParameterSpec[] {
  const { width, feedForward, layers } = config;
  const residual = WEIGHT_DEVIATION / Math.sqrt(2 * Math.max(1, layers));
  const parameters = normParameters("embedding.norm", width);
  for (let i = 0; i < layers; i++) {
    parameters.push(
      ...normParameters(`layer${i}.attention.norm`, width),
      ...linearParameters(`layer${i}.attention.qkv`, 3 * width, width),
      ...linearParameters(`layer${i}.attention.out`, width, width, { deviation: residual }),
      ...normParameters(`layer${i}.mlp.norm`, width),
      ...linearParameters(`layer${i}.mlp.up`, feedForward, width),
      ...linearParameters(`layer${i}.mlp.down`, width, feedForward, { deviation: residual }),
    );
  }
  parameters.push(...normParameters("final.norm", width), ...linearParameters("head", labelCount, 2 * width));
  return parameters;
}

function towerPrefix(tower: number): string {
  return `tower${tower}.`;
}

/** Every weight of the encoder but the table, in a fixed order. @throws UsageError when heads do not
 *  divide the width. */
export function encoderParameters(config: EncoderConfig, labelCount: number): readonly ParameterSpec[] {
  const { towers, width, heads } = config;
  if (width % heads !== 0) throw new UsageError(`encoder: width ${width} is not a multiple of heads ${heads}`);
  const parameters = towerParameters(config, labelCount);
  return Array.from({ length: towers }, (_, tower) =>
    parameters.map((parameter) => ({ ...parameter, name: towerPrefix(tower) + parameter.name })),
  ).flat();
}

/** The table's row of the parameter list. */
export function tableParameter(config: EncoderConfig): ParameterSpec {
  return { name: TABLE, shape: [tableRows(config), tableWidth(config)], start: TABLE_DEVIATION, decayed: false };
}

export interface EncoderInput {
  /** Token vectors, positions added, [B, T, towers * D] f32. */
  readonly embedded: Value;
  /** [B, T] f32, 1 keeps a position. */
  readonly mask: Value;
}

export interface TowerOutput {
  /** [B, labels] f32 */
  readonly logits: Value;
  /** Embedding output, then each layer's output, [B, T, D] f32: for teaching with inner representations. */
  readonly hiddenStates: readonly Value[];
}

export interface EncoderOutput {
  /** [B, labels] f32; of two towers the mean of their log-probabilities. */
  readonly logits: Value;
  readonly towers: readonly TowerOutput[];
  readonly weights: ReadonlyMap<string, Value>;
}

export interface EncoderBuildOptions {
  /** Multiplies a named site by its dropout mask; absent when serving. */
  readonly dropout?: (site: string, x: Value) => Value;
  /** Prefix of the weights' names, where several models share a graph. */
  readonly prefix?: string;
}

function buildTower(context: BlockContext, config: EncoderConfig, { embedded, mask }: EncoderInput): TowerOutput {
  const { graph, dropout } = context;
  let x = dropout("embedding", normBlock(context, "embedding.norm", embedded));
  const hiddenStates = [x];
  for (let i = 0; i < config.layers; i++) {
    x = attentionBlock(context, `layer${i}.attention`, x, { heads: config.heads, width: config.width, mask }).output;
    x = mlpBlock(context, `layer${i}.mlp`, x);
    hiddenStates.push(x);
  }
  const pooled = dropout("pooled", meanMaxPool(graph, normBlock(context, "final.norm", x), mask)); // [B, 2D]
  return { logits: linearBlock(context, "head", pooled), hiddenStates };
}

/** Adds the encoder to a graph: the same blocks whether it trains or serves. */
export function buildEncoder(
  graph: Graph,
  config: EncoderConfig,
  labelCount: number,
  input: EncoderInput,
  options: EncoderBuildOptions = {},
): EncoderOutput {
  const { prefix = "", dropout = (_site: string, x: Value) => x } = options;
  const { width } = config;
  const weights = new Map(
    encoderParameters(config, labelCount).map(({ name, shape }) => [name, graph.parameter(prefix + name, shape)]),
  );
  const towers = Array.from({ length: config.towers }, (_, k) => {
    const tower = towerPrefix(k);
    const own = new Map(
      Array.from(weights, ([name, value]) => [name.startsWith(tower) ? name.slice(tower.length) : "", value]),
    );
    const embedded = config.towers === 1 ? input.embedded : graph.slice(input.embedded, 2, k * width, (k + 1) * width);
    const context = { graph, weights: own, dropout: (site: string, x: Value) => dropout(tower + site, x) };
    return graph.scope(`tower${k}`, () => buildTower(context, config, { ...input, embedded }));
  });
  return { logits: meanAnswer(graph, towers), towers, weights };
}

function meanAnswer(graph: Graph, towers: readonly TowerOutput[]): Value {
  const [first, second] = towers;
  if (first === undefined) throw new UsageError("encoder: no tower");
  if (second === undefined) return first.logits;
  return graph.scale(graph.add(graph.logSoftmax(first.logits, -1), graph.logSoftmax(second.logits, -1)), 1 / 2);
}

export interface EncoderServing extends EncoderOutput {
  readonly graph: Graph;
}

/** Adds the serving front and the encoder: inputs `ids` i64 [B, T, G], `bagWeights` f32 [B, T, G], `mask` f32 [B, T];
 *  the table is a parameter of the graph. `graph` may hold other students already. */
export function buildEncoderServing(
  graph: Graph,
  config: EncoderConfig,
  labelCount: number,
  options: { readonly prefix?: string } = {},
): EncoderServing {
  const ids = graph.input("ids", ["B", "T", "G"], "i64");
  const bagWeights = graph.input("bagWeights", ["B", "T", "G"]);
  const mask = graph.input("mask", ["B", "T"]);
  const table = graph.parameter((options.prefix ?? "") + TABLE, [tableRows(config), tableWidth(config)]);
  const embedded = graph.embeddingBag(table, ids, bagWeights); // [B, T, towers * D]
  const output = buildEncoder(graph, config, labelCount, { embedded, mask }, options);
  return { ...output, graph, weights: new Map([...output.weights, [TABLE, table]]) };
}

/** A graph that holds the serving encoder alone; its logits are [B, labels]. */
export function encoderServeGraph(config: EncoderConfig, labelCount: number): EncoderServing {
  return buildEncoderServing(createGraph(), config, labelCount);
}
