/** @file An empty graph whose builder knows the op table. */
import { Graph } from "./graph.js";
import { rowOf } from "./ops.js";

/** An empty graph. */
export function createGraph(): Graph {
  return new Graph({ shapeRule: (kind) => rowOf(kind).shape, composition: (kind) => rowOf(kind).compose });
}
