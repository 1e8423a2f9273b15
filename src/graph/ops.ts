/** @file The table of ops, one row each, put together from the files by theme. A kind without a row does not compile. */
import type { OpRow, OpTable } from "./op-row.js";
import { activationRows } from "./activation.js";
import { attentionRows } from "./attention.js";
import { elementwiseRows } from "./elementwise.js";
import { embeddingRows } from "./embedding.js";
import { linearRows } from "./linear.js";
import { normRows } from "./norm.js";
import { reduceRows } from "./reduce.js";
import { roundingRows } from "./rounding.js";
import { shapeRows } from "./shape.js";
import type { OpKind } from "./types.js";

export const OPS: OpTable = {
  ...elementwiseRows,
  ...activationRows,
  ...reduceRows,
  ...roundingRows,
  ...linearRows,
  ...normRows,
  ...shapeRows,
  ...attentionRows,
  ...embeddingRows,
};

/** Row of one kind. */
export function rowOf<K extends OpKind>(kind: K): OpRow<K> {
  return OPS[kind];
}
