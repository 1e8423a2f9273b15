/** @file What a row of the op table consists of: an op's rules for shape, gradient, reference and lowering. */
import type { Emitter } from "./emitter.js";
import type { Composition, Graph } from "./graph.js";
import type { OpKind, OpNode, Provider, Purpose, ReferenceContext, ShapeRule, Value } from "./types.js";

export interface GradientContext<K extends OpKind> extends OpNode<K> {
  readonly graph: Graph;
  /** Gradient of the loss with respect to the output, in the output's shape. */
  readonly upstream: Value;
}

export interface LoweringContext<K extends OpKind> extends OpNode<K> {
  readonly emitter: Emitter;
  /** ONNX names of the inputs. */
  readonly names: readonly string[];
}

/** Emits nodes and gives the ONNX name of the result. */
export type Lowering<K extends OpKind> = (at: LoweringContext<K>) => string;

/** One op: everything that is known about it. "composed" stands for: through `compose`. */
export interface OpRow<K extends OpKind> {
  readonly shape: ShapeRule<K>;
  /** One gradient per input, undefined where none flows; "none" for ops whose derivative is zero or not defined. */
  readonly gradient: ((at: GradientContext<K>) => readonly (Value | undefined)[]) | "composed" | "none";
  readonly reference: (at: ReferenceContext<K>) => Float64Array;
  readonly lower: Readonly<Record<Provider, Readonly<Record<Purpose, Lowering<K> | "composed">>>>;
  /** The same in other ops. Required where anything is "composed". */
  readonly compose?: Composition<K>;
}

export type OpTable = { readonly [K in OpKind]: OpRow<K> };

/** The same lowering for both purposes. */
export function always<K extends OpKind>(lowering: Lowering<K>): OpRow<K>["lower"] {
  return { cpu: { train: lowering, serve: lowering } };
}
