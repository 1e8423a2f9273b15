/** @file Computes a graph in float64 with the reference of each row: what finite differences and comparisons with a runtime are
 *  measured against. Slow and plain on purpose. Knows no op in particular. */
import { InputError } from "../errors.js";
import { factorsOf } from "./dims.js";
import { rowOf } from "./ops.js";
import { evaluationOrder } from "./walk.js";
import type { Graph } from "./graph.js";
import type { Dim, OpAttributes, OpKind, OpNode, Reference, Value } from "./types.js";

export type Feeds = ReadonlyMap<string, Reference>;

/** Sizes of the symbols, read from the feeds of inputs that carry them. @throws InputError where two feeds disagree. */
export function bindSymbols(values: readonly Value[], feeds: Feeds): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const value of values) {
    const fed = feeds.get(value.name);
    if (fed === undefined) continue;
    value.shape.forEach((dim, axis) => {
      const size = fed.shape[axis];
      const expected = typeof dim === "number" ? dim : sizes.get(dim);
      if (size === undefined || (expected !== undefined && size !== expected)) {
        throw new InputError(
          `interpret: ${value.name} axis ${axis} (${dim}) must be ${expected ?? "present"}, got ${size ?? "nothing"}`,
        );
      }
      if (typeof dim === "string") sizes.set(dim, size);
    });
  }
  return sizes;
}

function sizeOf(dim: Dim, sizes: ReadonlyMap<string, number>): number {
  if (typeof dim === "number") return dim;
  const known = sizes.get(dim);
  if (known !== undefined) return known;
  const factors = factorsOf(dim);
  if (factors.length < 2) throw new InputError(`interpret: size ${dim} is carried by no feed`);
  return factors.reduce<number>((product, factor) => product * sizeOf(factor, sizes), 1);
}

/** Attributes with numbers in place of symbols; only dimensions are strings in attributes. */
function boundAttributes<K extends OpKind>(
  attributes: OpAttributes[K],
  sizes: ReadonlyMap<string, number>,
): OpAttributes[K] {
  const bound = (value: unknown): unknown => {
    if (typeof value === "string") return sizeOf(value, sizes);
    return Array.isArray(value) ? value.map(bound) : value;
  };
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, bound(value)])) as OpAttributes[K];
}

function evaluate<K extends OpKind>(
  node: OpNode<K>,
  inputs: readonly Reference[],
  sizes: ReadonlyMap<string, number>,
): Reference {
  const row = rowOf(node.kind);
  const attributes = boundAttributes(node.attributes, sizes);
  const shape = node.output.shape.map((dim) => sizeOf(dim, sizes));
  return { shape, data: row.reference({ inputs, attributes, shape }) };
}

/** Values of `outputs` in float64, in their order. @throws InputError when a feed is missing or has the wrong sizes. */
export function interpret(graph: Graph, outputs: readonly Value[], feeds: Feeds): readonly Reference[] {
  const sizes = bindSymbols([...graph.inputs, ...graph.parameters], feeds);
  const results = new Map<number, Reference>();
  const resultOf = (value: Value): Reference => {
    const found = results.get(value.id) ?? feeds.get(value.name);
    if (found === undefined) throw new InputError(`interpret: nothing is fed for ${value.name}`);
    return found;
  };
  for (const value of evaluationOrder(graph, outputs, (node) => node.inputs)) {
    const node = graph.nodeOf(value);
    const constant = graph.constantOf(value);
    if (node !== undefined) results.set(value.id, evaluate(node, node.inputs.map(resultOf), sizes));
    else if (constant !== undefined)
      results.set(value.id, { shape: constant.shape, data: Float64Array.from(constant.data) });
  }
  return outputs.map(resultOf);
}
