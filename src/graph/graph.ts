/** @file The graph builder: values, scopes and one method per op. Shapes are checked as the graph is written, so that a mistake
 *  names the line of the model that made it. Knows no gradient, file or runtime. */
import { InvariantError, ShapeError } from "../errors.js";
import { axisOf, formatShape, productOf, resolveShape } from "./dims.js";
import type { Dim, Fit, OpAttributes, OpKind, OpNode, ShapeRule, Value, ValueType } from "./types.js";

/** Numbers that are part of the graph itself. */
export interface ConstantData {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface AttentionOptions {
  readonly heads: number;
  /** Heads of k and v; as many as `heads` unless told. */
  readonly keyValueHeads?: number;
  readonly causal?: boolean;
  /** f32 [batch, keys]: 1 keeps a key, 0 hides it. */
  readonly mask?: Value;
  /** Local attention: a query sees keys at most so many places away. */
  readonly reach?: number;
}

/** An op written in other ops. */
export type Composition<K extends OpKind> = (at: OpNode<K> & { readonly graph: Graph }) => Value;

/** What the builder asks of the op table. */
export interface OpRules {
  shapeRule<K extends OpKind>(kind: K): ShapeRule<K>;
  /** Undefined for an op that is lowered as it is. */
  composition<K extends OpKind>(kind: K): Composition<K> | undefined;
}

/** A graph under construction; methods add one op and give its value. Every method throws ShapeError when shapes do not fit. */
export class Graph {
  readonly inputs: Value[] = [];
  readonly parameters: Value[] = [];
  private readonly constants = new Map<number, ConstantData>();
  private readonly nodes = new Map<number, OpNode>();
  private readonly compositions = new Map<number, Value>();
  private readonly scopes: string[] = [];
  private readonly names = new Set<string>();
  private nextId = 0;

  constructor(private readonly rules: OpRules) {}

  /** A tensor fed at run time. @throws ShapeError when the name is taken. */
  input(name: string, shape: readonly Dim[], type: ValueType = "f32"): Value {
    const value = this.newValue(this.claim(name), shape, type);
    this.inputs.push(value);
    return value;
  }

  /** A float32 weight: fed when training, compiled in when serving. @throws ShapeError when the name is taken. */
  parameter(name: string, shape: readonly Dim[]): Value {
    const value = this.newValue(this.claim(name), shape, "f32");
    this.parameters.push(value);
    return value;
  }

  /** Float32 numbers in the graph; one number is a scalar unless a shape is given. */
  constant(data: number | Float32Array | readonly number[], shape?: readonly number[]): Value {
    const numbers = typeof data === "number" ? [data] : data;
    const sizes = shape ?? (typeof data === "number" ? [] : [numbers.length]);
    if (productOf(sizes) !== numbers.length) {
      throw new ShapeError(
        `graph.constant ${this.scopeName()}: ${formatShape(sizes)} needs ${productOf(sizes)} numbers, got ${numbers.length}`,
      );
    }
    const value = this.newValue(this.scoped("constant"), sizes, "f32");
    this.constants.set(value.id, { shape: sizes, data: Float32Array.from(numbers) });
    return value;
  }

  /** Runs `build` with `name` in front of the names of all it adds. */
  scope<T>(name: string, build: () => T): T {
    this.scopes.push(name);
    try {
      return build();
    } finally {
      this.scopes.pop();
    }
  }

  /** Adds an op by kind; the methods below are the readable form. */
  apply<K extends OpKind>(kind: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value {
    const typed = this.rules.shapeRule(kind)({
      inputs,
      attributes,
      fail: (message) => {
        throw new ShapeError(`graph.${kind} ${this.scopeName()}: ${message}`);
      },
    });
    const output = this.newValue(this.scoped(kind), typed.shape, typed.type);
    this.nodes.set(output.id, { kind, inputs, attributes, output });
    return output;
  }

  /** The op that makes a value; undefined for inputs, parameters and constants. */
  nodeOf(value: Value): OpNode | undefined {
    return this.nodes.get(value.id);
  }

  /** Numbers of a constant. */
  constantOf(value: Value): ConstantData | undefined {
    return this.constants.get(value.id);
  }

  /** The value of a composed op written in other ops, built at first need. @throws InvariantError when the op has no such form. */
  compositionOf<K extends OpKind>(node: OpNode<K>): Value {
    const found = this.compositions.get(node.output.id);
    if (found !== undefined) return found;
    const compose = this.rules.composition(node.kind);
    if (compose === undefined) throw new InvariantError(`op ${node.kind} is composed but says not how`);
    const scopes = this.scopes.splice(0, this.scopes.length, scopeOf(node.output.name));
    const value = compose({ ...node, graph: this });
    this.scopes.splice(0, this.scopes.length, ...scopes);
    this.compositions.set(node.output.id, value);
    return value;
  }

  private claim(name: string): string {
    const full = [...this.scopes, name].join(".");
    if (this.names.has(full))
      throw new ShapeError(`graph: the name ${full} is used twice; give each input and parameter its own`);
    this.names.add(full);
    return full;
  }

  private newValue(name: string, shape: readonly Dim[], type: ValueType): Value {
    return { id: this.nextId++, shape, type, name };
  }

  private scoped(kind: string): string {
    return [...this.scopes, `${kind}_${this.nextId}`].join(".");
  }

  private scopeName(): string {
    return this.scopes.length === 0 ? "(no scope)" : this.scopes.join(".");
  }

  private axes(x: Value, axes: readonly number[]): readonly number[] {
    return axes.map((axis) => axisOf(axis, x.shape.length) ?? axis).sort((a, b) => a - b);
  }

  add(a: Value, b: Value): Value {
    return this.apply("add", [a, b], {});
  }
  sub(a: Value, b: Value): Value {
    return this.apply("sub", [a, b], {});
  }
  mul(a: Value, b: Value): Value {
    return this.apply("mul", [a, b], {});
  }
  div(a: Value, b: Value): Value {
    return this.apply("div", [a, b], {});
  }
  maximum(a: Value, b: Value): Value {
    return this.apply("maximum", [a, b], {});
  }
  neg(x: Value): Value {
    return this.apply("neg", [x], {});
  }
  exp(x: Value): Value {
    return this.apply("exp", [x], {});
  }
  log(x: Value): Value {
    return this.apply("log", [x], {});
  }
  sqrt(x: Value): Value {
    return this.apply("sqrt", [x], {});
  }
  reciprocal(x: Value): Value {
    return this.apply("reciprocal", [x], {});
  }
  square(x: Value): Value {
    return this.apply("square", [x], {});
  }
  /** x * factor. */
  scale(x: Value, factor: number): Value {
    return this.apply("scale", [x], { factor });
  }
  /** x + term. */
  addScalar(x: Value, term: number): Value {
    return this.apply("addScalar", [x], { term });
  }
  /** i64 as f32; no gradient. */
  toFloat(x: Value): Value {
    return this.apply("toFloat", [x], {});
  }
  /** 1 where x > 0, otherwise 0; no gradient. */
  isPositive(x: Value): Value {
    return this.apply("isPositive", [x], {});
  }
  /** x, through which no gradient flows. */
  stopGradient(x: Value): Value {
    return this.apply("stopGradient", [x], {});
  }
  /** x [rows, columns] rounded row by row as int8 weights are; gradients pass as if it were not. */
  fakeQuantize(x: Value, fit: Fit): Value {
    const rounded = this.apply("roundRows", [this.stopGradient(x)], { fit });
    return this.add(x, this.sub(rounded, this.stopGradient(x)));
  }
  tanh(x: Value): Value {
    return this.apply("tanh", [x], {});
  }
  sigmoid(x: Value): Value {
    return this.apply("sigmoid", [x], {});
  }
  relu(x: Value): Value {
    return this.apply("relu", [x], {});
  }
  /** x * Phi(x), the exact form with the error function. */
  gelu(x: Value): Value {
    return this.apply("gelu", [x], {});
  }
  /** x * sigmoid(x). */
  silu(x: Value): Value {
    return this.apply("silu", [x], {});
  }
  reduceSum(x: Value, axes: readonly number[], keepDims = false): Value {
    return this.apply("reduceSum", [x], { axes: this.axes(x, axes), keepDims });
  }
  reduceMean(x: Value, axes: readonly number[], keepDims = false): Value {
    return this.apply("reduceMean", [x], { axes: this.axes(x, axes), keepDims });
  }
  /** Gradient is shared by equal maxima. */
  reduceMax(x: Value, axes: readonly number[], keepDims = false): Value {
    return this.apply("reduceMax", [x], { axes: this.axes(x, axes), keepDims });
  }
  logSumExp(x: Value, axis: number, keepDims = false): Value {
    return this.apply("logSumExp", [x], { axes: this.axes(x, [axis]), keepDims });
  }
  softmax(x: Value, axis: number): Value {
    return this.apply("softmax", [x], { axis });
  }
  logSoftmax(x: Value, axis: number): Value {
    return this.apply("logSoftmax", [x], { axis });
  }
  /** x [..., in] @ weight^T + bias: weight [out, in], bias [out] -> [..., out]. */
  linear(x: Value, weight: Value, bias?: Value): Value {
    return this.apply("linear", bias === undefined ? [x, weight] : [x, weight, bias], { transposed: false });
  }
  /** a [..., M, K] x b [..., K, N], leading dims broadcast. */
  matmul(a: Value, b: Value): Value {
    return this.apply("matmul", [a, b], {});
  }
  transpose(x: Value, permutation: readonly number[]): Value {
    return this.apply("transpose", [x], { permutation });
  }
  /** New shape of equal size: 0 copies the dimension at that place, -1 stands for the rest. */
  reshape(x: Value, shape: readonly Dim[]): Value {
    const resolved = resolveShape(x.shape, shape);
    if (resolved === undefined) {
      throw new ShapeError(
        `graph.reshape ${this.scopeName()}: element counts differ, ${formatShape(x.shape)} to ${formatShape(shape)}`,
      );
    }
    return this.apply("reshape", [x], { shape: resolved });
  }
  expand(x: Value, shape: readonly Dim[]): Value {
    return formatShape(x.shape) === formatShape(shape) ? x : this.apply("expand", [x], { shape });
  }
  /** Sizes along `axis` must be numbers. */
  concat(values: readonly Value[], axis: number): Value {
    return this.apply("concat", values, { axis: axisOf(axis, values[0]?.shape.length ?? 0) ?? axis });
  }
  /** Elements start .. end-1 along `axis`. */
  slice(x: Value, axis: number, start: number, end: number): Value {
    return this.apply("slice", [x], { axis: axisOf(axis, x.shape.length) ?? axis, start, end });
  }
  /** Along the last axis; beta may be left out. */
  layerNorm(x: Value, gamma: Value, beta: Value | undefined, options: { readonly epsilon: number }): Value {
    return this.apply("layerNorm", beta === undefined ? [x, gamma] : [x, gamma, beta], { epsilon: options.epsilon });
  }
  rmsNorm(x: Value, gamma: Value, options: { readonly epsilon: number }): Value {
    return this.apply("rmsNorm", [x, gamma], { epsilon: options.epsilon });
  }
  /** q [B, T, heads * d], k and v [B, S, keyValueHeads * d] -> [B, T, heads * d]. */
  attention(q: Value, k: Value, v: Value, options: AttentionOptions): Value {
    const { heads, keyValueHeads = heads, causal = false, mask, reach } = options;
    const attributes = { heads, keyValueHeads, causal, ...(reach !== undefined && { reach }) };
    return this.apply("attention", mask === undefined ? [q, k, v] : [q, k, v, mask], attributes);
  }
  /** Rotates each head of x [B, T, heads * d] by cos and sin [T, d / 2]. */
  rotary(x: Value, cos: Value, sin: Value, options: { readonly heads: number }): Value {
    return this.apply("rotary", [x, cos, sin], { heads: options.heads });
  }
  /** 0 .. T-1 as i64 [T], for x [batch, T, ...]. */
  positions(x: Value): Value {
    return this.apply("positions", [x], {});
  }
  /** Rows of table [V, D] by ids i64 [...] -> [..., D]. */
  embedding(table: Value, ids: Value): Value {
    return this.apply("embedding", [table, ids], {});
  }
  /** Weighted sum of rows: table [V, D], ids i64 [..., G], weights f32 [..., G] -> [..., D]. */
  embeddingBag(table: Value, ids: Value, weights: Value): Value {
    return this.apply("embeddingBag", [table, ids, weights], {});
  }
  /** One element per row: x [..., C], ids i64 [...] -> [...]. */
  pick(x: Value, ids: Value): Value {
    return this.apply("pick", [x, ids], {});
  }
}

/** Scope of a value's name: all but its last part. */
export function scopeOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}
