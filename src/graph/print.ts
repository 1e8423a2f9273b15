/** @file A graph as text, one op a line, for people. Knows no op in particular. */
import { formatShape } from "./dims.js";
import { evaluationOrder } from "./walk.js";
import type { Graph } from "./graph.js";
import type { Value } from "./types.js";

function attributesOf(attributes: object): string {
  const entries = Object.entries(attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return entries.length === 0 ? "" : ` {${entries.join(", ")}}`;
}

/** What `outputs` are made of, as lines like "layers.0.ffn.linear_12 [B,T,2048] = linear(layers.0.norm_9, layers.0.ffn.up)". */
export function printGraph(graph: Graph, outputs: readonly Value[]): string {
  return evaluationOrder(graph, outputs, (node) => node.inputs)
    .map((value) => {
      const node = graph.nodeOf(value);
      const head = `${value.name} ${value.type}${formatShape(value.shape)}`;
      if (node !== undefined)
        return `${head} = ${node.kind}(${node.inputs.map((input) => input.name).join(", ")})${attributesOf(node.attributes)}`;
      return `${head} = ${graph.parameters.includes(value) ? "parameter" : graph.inputs.includes(value) ? "input" : "constant"}`;
    })
    .join("\n");
}
