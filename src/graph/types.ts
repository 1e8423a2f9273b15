/** @file The vocabulary of the graph: values, ops with their attributes, what shape and reference rules are told. Knows no op in particular, no
 *  file and no runtime. */
/** A size, or a symbol ("B", "T") or product of symbols ("B*T") that is known only at run time. */
export type Dim = number | string;

export type ValueType = "f32" | "i64" | "bool";

/** What an op, an input or a parameter yields. */
export interface Value {
  readonly id: number;
  readonly shape: readonly Dim[];
  readonly type: ValueType;
  readonly name: string;
}

type None = Readonly<Record<never, never>>;

/** Attributes of every op: adding a kind here makes the table incomplete until its row exists. */
export interface OpAttributes {
  readonly add: None;
  readonly sub: None;
  readonly mul: None;
  readonly div: None;
  readonly maximum: None;
  readonly neg: None;
  readonly exp: None;
  readonly log: None;
  readonly sqrt: None;
  readonly reciprocal: None;
  readonly square: None;
  readonly scale: { readonly factor: number };
  readonly addScalar: { readonly term: number };
  readonly isPositive: None;
  readonly toFloat: None;
  readonly stopGradient: None;
  readonly roundRows: { readonly fit: Fit };
  readonly tanh: None;
  readonly sigmoid: None;
  readonly relu: None;
  readonly gelu: None;
  readonly geluSlope: None;
  readonly silu: None;
  readonly reduceSum: ReduceAttributes;
  readonly reduceMean: ReduceAttributes;
  readonly reduceMax: ReduceAttributes;
  readonly logSumExp: ReduceAttributes;
  readonly softmax: { readonly axis: number };
  readonly logSoftmax: { readonly axis: number };
  readonly count: { readonly axes: readonly number[] };
  readonly linear: { readonly transposed: boolean };
  readonly outer: None;
  readonly matmul: None;
  readonly transpose: { readonly permutation: readonly number[] };
  readonly reshape: { readonly shape: readonly Dim[] };
  readonly expand: { readonly shape: readonly Dim[] };
  readonly concat: { readonly axis: number };
  readonly slice: { readonly axis: number; readonly start: number; readonly end: number };
  readonly pad: { readonly axis: number; readonly before: number; readonly size: Dim };
  readonly normalize: NormalizeAttributes;
  readonly inverseDeviation: NormalizeAttributes;
  readonly layerNorm: { readonly epsilon: number };
  readonly rmsNorm: { readonly epsilon: number };
  readonly attention: AttentionAttributes;
  readonly causalBias: None;
  readonly windowBias: { readonly reach: number };
  readonly rotary: { readonly heads: number };
  readonly positions: None;
  readonly embedding: None;
  readonly embeddingBag: None;
  readonly scatterRows: { readonly rows: Dim };
  readonly pick: None;
  readonly unpick: { readonly size: Dim };
}

/** What of a row must fit into the steps of int8: each value (1), or each sum of two same-signed neighbours (2). */
export type Fit = 1 | 2;

export interface ReduceAttributes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

export interface NormalizeAttributes {
  readonly epsilon: number;
  /** true subtracts the mean (layer norm), false does not (RMS norm). */
  readonly centered: boolean;
}

export interface AttentionAttributes {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly causal: boolean;
  /** A query sees keys at most so many places away; all of them unless told. */
  readonly reach?: number;
}

export type OpKind = keyof OpAttributes;

/** One application of an op. */
export interface OpNode<K extends OpKind = OpKind> {
  readonly kind: K;
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  readonly output: Value;
}

export interface Typed {
  readonly shape: readonly Dim[];
  readonly type: ValueType;
}

export interface ShapeContext<K extends OpKind> {
  readonly inputs: readonly Typed[];
  readonly attributes: OpAttributes[K];
  /** Throws ShapeError with the op and its scope in front. */
  fail(message: string): never;
}

/** Shape and type of an op's output. */
export type ShapeRule<K extends OpKind> = (at: ShapeContext<K>) => Typed;

/** A float64 array with its sizes; integers and booleans are held as float64 too. */
export interface Reference {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface ReferenceContext<K extends OpKind> {
  readonly inputs: readonly Reference[];
  readonly attributes: OpAttributes[K];
  /** Sizes of the output, from the shape rule on numeric sizes. */
  readonly shape: readonly number[];
}

export type Purpose = "train" | "serve";

/** Execution providers that a graph can be lowered for; another one is another column of every row. */
export type Provider = "cpu";
