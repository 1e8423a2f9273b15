/** @file What the training loop needs of an encoder: dense weights in one flat vector, a sparse input table, graphs, and how a batch
 *  of texts meets them. Implementations: hashed-encoder.ts (from scratch), pretrained-encoder.ts. Knows no loss and no schedule. */
import type { Tensor } from "../tensor/tensor.js";
import type { RateSpan } from "./layer-rates.js";
import type { FlatLayout, TrainingGraph } from "./training-graph.js";

export interface FrontOptions {
  /** How often the whole batch stands below itself. */
  readonly copies: number;
  /** 0 drops a token, [tokens of all copies] in the order of rows. */
  readonly keep?: Uint8Array;
}

/** A batch of texts as places in the table. */
export interface Front {
  /** Rows of the batch, copies included, and columns. */
  readonly rows: number;
  readonly columns: number;
  /** f32 [rows, columns], 1 for a token. */
  readonly mask: Float32Array;
  /** Table rows that get a gradient, ascending. */
  readonly touched: Uint32Array;
  /** What the graph reads of the table. */
  feeds(table: Float32Array): Readonly<Record<string, Tensor>>;
  /** Adds to `into` [table rows, width] what a run of the training graph found for the touched rows. */
  addTableGradient(results: Readonly<Record<string, Tensor>>, into: Float32Array): void;
  /** Largest gradient that a run gave to padding; 0 is right. */
  paddingGradient(results: Readonly<Record<string, Tensor>>): number;
}

export interface TrainedEncoder {
  readonly towers: 1 | 2;
  /** Tokens of each text, at least one; their values are the encoder's own affair. */
  readonly sequences: readonly Int32Array[];
  readonly table: { readonly rows: number; readonly width: number };
  readonly layout: FlatLayout;
  /** How fast the weights of the layout learn, all of them in order. */
  readonly rates: readonly RateSpan[];
  /** Times the learning rate of the table. */
  readonly tableRateRatio: number;
  /** Losses on inner representations as text; none unless a teacher of them is given. */
  readonly innerFormulas: readonly string[];
  /** Weights that are fed and never change, by name. */
  readonly fixed: Readonly<Record<string, Tensor>>;
  startTable(): Float32Array;
  /** In the order of the layout. */
  startDense(): Float32Array;
  buildGraph(): TrainingGraph;
  /** ONNX bytes of the forward half; reads a front, the mask and the weights, gives `logits`. */
  compileEvaluation(): Uint8Array;
  front(rows: Uint32Array, options: FrontOptions): Front;
  /** Trained weights by parameter name. */
  weightsOf(dense: Float32Array, table: Float32Array): ReadonlyMap<string, Float32Array>;
}

/** The dense weights by name, copied out of the flat vector. */
export function namedWeights(layout: FlatLayout, dense: Float32Array): [string, Float32Array][] {
  return layout.parameters.map(({ name, offset, length }) => [name, dense.slice(offset, offset + length)]);
}

/** Largest magnitude of some numbers, NaN where one is. */
export function largestMagnitude(values: Float32Array): number {
  return values.reduce((most, value) => (Math.abs(value) <= most ? most : Math.abs(value)), 0);
}
