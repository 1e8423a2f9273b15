/** @file Transformer blocks in semantic ops: the one block code of encoders trained from scratch and of pretrained families, for
 *  the training and the serving graph. Norms before (Xiong et al. 2020) or after a sublayer (Vaswani et al. 2017), biases where the
 *  parameter list has them, gated feed-forward layers (Shazeer 2020). Knows no sizes table, no data and no losses. */
import { InvariantError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { Value } from "../graph/types.js";

/** What every block needs: the graph, its weights by name, and what dropout does at a named site (nothing when
 *  serving). */
export interface BlockContext {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Value>;
  readonly dropout: (site: string, x: Value) => Value;
  /** Sees the activations that a cut is chosen by: `*.norm` [..., D], `*.attention.heads` [B, T, D], `*.mlp.neurons` [B, T, F]. */
  readonly observe?: (site: string, x: Value) => void;
}

/** The weight of that name. @throws InvariantError when the model's parameter list lacks it. */
export function weightOf(context: BlockContext, name: string): Value {
  const value = context.weights.get(name);
  if (value === undefined) throw new InvariantError(`models: no weight ${name}`);
  return value;
}

const DEFAULT_EPSILON = 1e-5;

/** Layer norm with the weights `name.gamma` and, where the parameter list has it, `name.beta`; x [..., D] -> [..., D]. */
export function normBlock(context: BlockContext, name: string, x: Value, epsilon = DEFAULT_EPSILON): Value {
  const { graph, weights, observe } = context;
  const normed = graph.layerNorm(x, weightOf(context, `${name}.gamma`), weights.get(`${name}.beta`), { epsilon });
  observe?.(name, normed);
  return normed;
}

/** Linear layer with the weights `name.weight` [out, in] and, where the parameter list has it, `name.bias` [out]. */
export function linearBlock(context: BlockContext, name: string, x: Value): Value {
  return context.graph.linear(x, weightOf(context, `${name}.weight`), context.weights.get(`${name}.bias`));
}

/** Where a sublayer is normalised: its input, the sum with its input, or nowhere. */
export type NormPlace = "pre" | "post" | "none";

export interface SublayerOptions {
  /** "pre" unless told. */
  readonly norm?: NormPlace;
  readonly epsilon?: number;
}

/** x + sublayer(x), normalised by `name.norm` where told. */
function residual(
  context: BlockContext,
  name: string,
  x: Value,
  options: SublayerOptions,
  sublayer: (x: Value) => Value,
): Value {
  const { norm = "pre", epsilon } = options;
  const given = norm === "pre" ? normBlock(context, `${name}.norm`, x, epsilon) : x;
  const sum = context.graph.add(x, context.dropout(name, sublayer(given)));
  return norm === "post" ? normBlock(context, `${name}.norm`, sum, epsilon) : sum;
}

/** Rotary positions of a text, both [T, head width / 2]. */
export interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

export interface AttentionOptions extends SublayerOptions {
  readonly heads: number;
  readonly width: number;
  /** f32 [B, T], 1 keeps a position. */
  readonly mask: Value;
  readonly rotary?: RotaryTables;
  /** Local attention: a token sees others at most so many places away. */
  readonly reach?: number;
}

/** What goes into attention, [B, T, D] each, before any rotation: for teaching with inner representations. */
export interface Projections {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
}

export interface AttentionOutput extends Projections {
  /** [B, T, D] */
  readonly output: Value;
}

/** x + attention(x), queries, keys and values in one product; x [B, T, D] -> [B, T, D]. */
export function attentionBlock(
  context: BlockContext,
  name: string,
  x: Value,
  options: AttentionOptions,
): AttentionOutput {
  return context.graph.scope(name, () => {
    let projections: Projections | undefined;
    const output = residual(context, name, x, options, (given) => {
      projections = project(context, name, given, options.width);
      const attended = attend(context.graph, projections, options);
      context.observe?.(`${name}.heads`, attended);
      return linearBlock(context, `${name}.out`, attended);
    });
    if (projections === undefined) throw new InvariantError("models: attention without projections");
    return { ...projections, output };
  });
}

function project(context: BlockContext, name: string, x: Value, width: number): Projections {
  const projected = linearBlock(context, `${name}.qkv`, x); // [B, T, 3D]
  const [query, key, value] = [0, 1, 2].map((part) =>
    context.graph.slice(projected, 2, part * width, (part + 1) * width),
  );
  if (query === undefined || key === undefined || value === undefined)
    throw new InvariantError("models: attention without projections");
  return { query, key, value };
}

function attend(graph: Graph, { query, key, value }: Projections, options: AttentionOptions): Value {
  const { heads, mask, rotary, reach } = options;
  const turned = (x: Value): Value => (rotary === undefined ? x : graph.rotary(x, rotary.cos, rotary.sin, { heads }));
  return graph.attention(turned(query), turned(key), value, { heads, mask, ...(reach !== undefined && { reach }) });
}

export interface FeedForwardOptions extends SublayerOptions {
  /** `up` yields [gate input, factor] side by side, and gelu(gate input) * factor goes down. */
  readonly gated?: boolean;
}

/** x + down(gelu(up(x))); x [B, T, D] -> [B, T, D]. */
export function mlpBlock(context: BlockContext, name: string, x: Value, options: FeedForwardOptions = {}): Value {
  const { graph } = context;
  return graph.scope(name, () =>
    residual(context, name, x, options, (given) => {
      const raised = linearBlock(context, `${name}.up`, given);
      const neurons = options.gated === true ? gate(graph, raised) : graph.gelu(raised);
      context.observe?.(`${name}.neurons`, neurons);
      return linearBlock(context, `${name}.down`, neurons);
    }),
  );
}

/** gelu of the first half times the second; x [..., 2F] -> [..., F]. */
function gate(graph: Graph, x: Value): Value {
  const last = x.shape.length - 1;
  const size = x.shape[last];
  const half = typeof size === "number" ? size / 2 : NaN;
  return graph.mul(graph.gelu(graph.slice(x, last, 0, half)), graph.slice(x, last, half, 2 * half));
}

/** Mean over the kept positions; x [B, T, D], mask [B, T] -> [B, D]. */
export function meanPool(graph: Graph, x: Value, mask: Value): Value {
  const column = graph.reshape(mask, [0, 0, 1]); // [B, T, 1]
  const count = graph.maximum(graph.reduceSum(mask, [1], true), graph.constant(1)); // [B, 1]
  return graph.div(graph.reduceSum(graph.mul(x, column), [1]), count);
}

/** The first position; x [B, T, D] -> [B, D]. */
export function firstPool(graph: Graph, x: Value): Value {
  return graph.reshape(graph.slice(x, 1, 0, 1), [x.shape[0] ?? 1, x.shape[2] ?? 1]);
}

/** Mean and maximum over the kept positions, side by side; x [B, T, D], mask [B, T] -> [B, 2D]. */
export function meanMaxPool(graph: Graph, x: Value, mask: Value): Value {
  return graph.scope("pool", () => {
    const penalty = graph.scale(graph.addScalar(graph.reshape(mask, [0, 0, 1]), -1), PADDING_PENALTY); // 0 kept, -1e4 padded
    return graph.concat([meanPool(graph, x, mask), graph.reduceMax(graph.add(x, penalty), [1])], 1);
  });
}

/** Added to padded positions before the maximum: far below any normalised activation, far from overflow. */
const PADDING_PENALTY = 1e4;
