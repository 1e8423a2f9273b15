/** @file Order of evaluation: which values a result needs, operands first, composed ops replaced by their composition where told.
 *  Knows no op. */
import type { Graph } from "./graph.js";
import type { OpNode, Value } from "./types.js";

/** Values that a value is computed from, directly. */
export type Dependencies = (node: OpNode) => readonly Value[];

/** All values that `outputs` need, each after its dependencies; deep graphs need no deep call stack. */
export function evaluationOrder(
  graph: Graph,
  outputs: readonly Value[],
  dependenciesOf: Dependencies,
): readonly Value[] {
  const order: Value[] = [];
  const state = new Map<number, "open" | "done">();
  const stack = [...outputs].reverse();
  while (stack.length > 0) {
    const value = stack[stack.length - 1];
    if (value === undefined) break;
    const seen = state.get(value.id);
    if (seen !== undefined) {
      stack.pop();
      if (seen === "open") order.push(value);
      state.set(value.id, "done");
      continue;
    }
    state.set(value.id, "open");
    const node = graph.nodeOf(value);
    if (node === undefined) continue;
    const needed = dependenciesOf(node).filter((input) => !state.has(input.id));
    stack.push(...needed.reverse());
  }
  return order;
}
