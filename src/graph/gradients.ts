/** @file Reverse-mode differentiation: extends a graph by the gradient of a scalar loss, one rule per op. Contributions of a value
 *  that is used several times are summed in a fixed order. Knows no op in particular. */
import { ShapeError } from "../errors.js";
import { formatShape, productOf } from "./dims.js";
import { rowOf } from "./ops.js";
import { joinPads } from "./shape.js";
import { evaluationOrder } from "./walk.js";
import type { Graph } from "./graph.js";
import type { OpKind, OpNode, Value } from "./types.js";

/** What a node's gradient flows into: its inputs, or the composition that stands for it. */
function flowsInto(graph: Graph, node: OpNode): readonly Value[] {
  const { gradient } = rowOf(node.kind);
  if (gradient === "none") return [];
  return gradient === "composed" ? [graph.compositionOf(node)] : node.inputs;
}

function contributions<K extends OpKind>(
  graph: Graph,
  node: OpNode<K>,
  upstream: Value,
): readonly (Value | undefined)[] {
  const { gradient } = rowOf(node.kind);
  if (gradient === "none") return [];
  if (gradient === "composed") return [upstream];
  return gradient({ ...node, graph, upstream });
}

/** Sum of the contributions to one value, in the order in which they came. */
function total(graph: Graph, parts: readonly Value[]): Value | undefined {
  return (
    joinPads(graph, parts) ??
    parts.reduce<Value | undefined>((sum, part) => (sum === undefined ? part : graph.add(sum, part)), undefined)
  );
}

/** Values of `order` that depend on one of `wanted`. */
function dependentOn(graph: Graph, order: readonly Value[], wanted: readonly Value[]): ReadonlySet<number> {
  const reaching = new Set(wanted.map((value) => value.id));
  for (const value of order) {
    const node = graph.nodeOf(value);
    if (node !== undefined && flowsInto(graph, node).some((input) => reaching.has(input.id))) reaching.add(value.id);
  }
  return reaching;
}

/** Gradients of `loss` (one element) with respect to `parameters` (any values), in their order and shapes; zeros where the loss
 *  does not depend on one. Parts that no parameter needs are never built. @throws ShapeError when loss has several elements. */
export function gradients(graph: Graph, loss: Value, parameters: readonly Value[]): readonly Value[] {
  if (productOf(loss.shape) !== 1)
    throw new ShapeError(`gradients of ${loss.name}: the loss must be one number, got ${formatShape(loss.shape)}`);
  const order = evaluationOrder(graph, [loss], (node) => flowsInto(graph, node));
  const reaching = dependentOn(graph, order, parameters);
  const one = graph.constant(
    [1],
    loss.shape.map(() => 1),
  );
  const parts = new Map<number, Value[]>([[loss.id, [one]]]);
  const totals = new Map<number, Value>();
  graph.scope("gradient", () => {
    for (const value of [...order].reverse()) {
      if (!reaching.has(value.id)) continue;
      const upstream = total(graph, parts.get(value.id) ?? []);
      if (upstream === undefined) continue;
      totals.set(value.id, upstream);
      const node = graph.nodeOf(value);
      if (node === undefined) continue;
      const found = contributions(graph, node, upstream);
      flowsInto(graph, node).forEach((input, i) => {
        const part = found[i];
        if (part === undefined || !reaching.has(input.id)) return;
        const before = parts.get(input.id);
        if (before === undefined) parts.set(input.id, [part]);
        else before.push(part);
      });
    }
  });
  return parameters.map((value) => totals.get(value.id) ?? graph.expand(graph.constant(0), value.shape));
}
