/** @file Transformer blocks in semantic ops, pre-norm (Xiong et al. 2020: trains from scratch without a long warm-up).
 *  The same code gives the training and the serving graph. Knows no sizes table, no data and no losses. */
import { InvariantError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { Value } from "../graph/types.js";

/** What every block needs: the graph, its weights by name, and what dropout does at a named site (nothing when
 *  serving). */
export interface BlockContext {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Value>;
  readonly dropout: (site: string, x: Value) => Value;
}

/** The weight of that name. @throws InvariantError when the model's parameter list lacks it. */
export function weightOf(context: BlockContext, name: string): Value {
  const value = context.weights.get(name);
  if (value === undefined) throw new InvariantError(`models: no weight ${name}`);
  return value;
}

/** Layer norm with the weights `name.gamma` and `name.beta`; x [..., D] -> [..., D]. */
export function normBlock(context: BlockContext, name: string, x: Value): Value {
  return context.graph.layerNorm(x, weightOf(context, `${name}.gamma`), weightOf(context, `${name}.beta`), {
    epsilon: 1e-5,
  });
}

/** Linear layer with the weights `name.weight` [out, in] and `name.bias` [out]. */
export function linearBlock(context: BlockContext, name: string, x: Value): Value {
  return context.graph.linear(x, weightOf(context, `${name}.weight`), weightOf(context, `${name}.bias`));
}

export interface AttentionOptions {
  readonly heads: number;
  readonly width: number;
  /** f32 [B, T], 1 keeps a position. */
  readonly mask: Value;
}

/** x + attention(norm(x)), queries, keys and values in one product; x [B, T, D] -> [B, T, D]. */
export function attentionBlock(context: BlockContext, name: string, x: Value, options: AttentionOptions): Value {
  const { graph } = context;
  const { heads, width, mask } = options;
  return graph.scope(name, () => {
    const projected = linearBlock(context, `${name}.qkv`, normBlock(context, `${name}.norm`, x)); // [B, T, 3D]
    const [q, k, v] = [0, 1, 2].map((part) => graph.slice(projected, 2, part * width, (part + 1) * width));
    if (q === undefined || k === undefined || v === undefined)
      throw new InvariantError("models: attention without projections");
    const attended = graph.attention(q, k, v, { heads, mask });
    return graph.add(x, context.dropout(name, linearBlock(context, `${name}.out`, attended)));
  });
}

/** x + down(gelu(up(norm(x)))); x [B, T, D] -> [B, T, D]. */
export function mlpBlock(context: BlockContext, name: string, x: Value): Value {
  const { graph } = context;
  return graph.scope(name, () => {
    const hidden = graph.gelu(linearBlock(context, `${name}.up`, normBlock(context, `${name}.norm`, x)));
    return graph.add(x, context.dropout(name, linearBlock(context, `${name}.down`, hidden)));
  });
}

/** Mean and maximum over the kept positions, side by side; x [B, T, D], mask [B, T] -> [B, 2D]. */
export function meanMaxPool(graph: Graph, x: Value, mask: Value): Value {
  return graph.scope("pool", () => {
    const column = graph.reshape(mask, [0, 0, 1]); // [B, T, 1]
    const count = graph.maximum(graph.reduceSum(mask, [1], true), graph.constant(1)); // [B, 1]
    const mean = graph.div(graph.reduceSum(graph.mul(x, column), [1]), count); // [B, D]
    const penalty = graph.scale(graph.addScalar(column, -1), PADDING_PENALTY); // 0 kept, -1e4 padded
    return graph.concat([mean, graph.reduceMax(graph.add(x, penalty), [1])], 1);
  });
}

/** Added to padded positions before the maximum: far below any normalised activation, far from overflow. */
const PADDING_PENALTY = 1e4;
