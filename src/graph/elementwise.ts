/** @file Rows of element by element ops: arithmetic with broadcasting, powers, exponentials, scalars. Knows no other row. */
import { always, type GradientContext, type OpRow, type OpTable } from "./op-row.js";
import { broadcastShapes, formatShape } from "./dims.js";
import type { OpKind, Reference, ShapeContext, Typed, Value } from "./types.js";
import type { Graph } from "./graph.js";

type BinaryKind = "add" | "sub" | "mul" | "div" | "maximum";
type PlainUnaryKind = "neg" | "exp" | "log" | "sqrt" | "reciprocal" | "square" | "tanh" | "sigmoid" | "relu";

/** Shape rule of two broadcast operands. */
export function broadcastShape<K extends OpKind>({ inputs: [a, b], fail }: ShapeContext<K>): Typed {
  if (a === undefined || b === undefined) return fail("needs two operands");
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape === undefined) return fail(`shapes do not broadcast, ${formatShape(a.shape)} with ${formatShape(b.shape)}`);
  if (a.type !== "f32" || b.type !== "f32") return fail(`operands must be f32, got ${a.type} and ${b.type}`);
  return { shape, type: "f32" };
}

/** Shape rule of one f32 operand. */
export function sameAsFirst<K extends OpKind>({ inputs: [x], fail }: ShapeContext<K>): Typed {
  if (x === undefined) return fail("needs an operand");
  if (x.type !== "f32") return fail(`operand must be f32, got ${x.type}`);
  return { shape: x.shape, type: "f32" };
}

/** Sums `gradient` down to the shape of the operand that was broadcast. */
export function reduceTo(graph: Graph, gradient: Value, operand: Value): Value {
  const extra = gradient.shape.length - operand.shape.length;
  const axes = gradient.shape.flatMap((dim, i) =>
    i < extra || (operand.shape[i - extra] === 1 && dim !== 1) ? [i] : [],
  );
  if (axes.length === 0) return gradient;
  const summed = graph.reduceSum(gradient, axes, true);
  return extra === 0 ? summed : graph.reshape(summed, operand.shape);
}

/** For each element of `shape`, the index of the element of `from` that broadcasting pairs with it. */
export function broadcastIndex(from: readonly number[], shape: readonly number[]): (index: number) => number {
  const extra = shape.length - from.length;
  let stride = 1;
  const steps = shape.map(() => 0);
  for (let i = shape.length - 1; i >= extra; i--) {
    const size = from[i - extra] ?? 1;
    steps[i] = size === 1 ? 0 : stride;
    stride *= size;
  }
  return (index) => {
    let at = 0;
    let rest = index;
    for (let i = shape.length - 1; i >= 0; i--) {
      const size = shape[i] ?? 1;
      at += (rest % size) * (steps[i] ?? 0);
      rest = Math.floor(rest / size);
    }
    return at;
  };
}

function binaryReference(compute: (a: number, b: number) => number) {
  return ({
    inputs: [a, b],
    shape,
  }: {
    readonly inputs: readonly Reference[];
    readonly shape: readonly number[];
  }): Float64Array => {
    if (a === undefined || b === undefined) return new Float64Array(0);
    const left = broadcastIndex(a.shape, shape);
    const right = broadcastIndex(b.shape, shape);
    const out = new Float64Array(shape.reduce((product, size) => product * size, 1));
    return out.map((_, i) => compute(a.data[left(i)] ?? 0, b.data[right(i)] ?? 0));
  };
}

/** Reference of an element by element op of one operand. */
export function unaryReference(compute: (x: number) => number) {
  return ({ inputs: [x] }: { readonly inputs: readonly Reference[] }): Float64Array =>
    (x?.data ?? new Float64Array(0)).map(compute);
}

/** The first two operands. */
export function pairOf(values: readonly Value[]): readonly [Value, Value] {
  const [a, b] = values;
  if (a === undefined || b === undefined) throw new RangeError("an op of two operands was given fewer");
  return [a, b];
}

/** The first operand. */
export function firstOf(values: readonly Value[]): Value {
  const [x] = values;
  if (x === undefined) throw new RangeError("an op of one operand was given none");
  return x;
}

function binaryRow<K extends BinaryKind>(
  operator: string,
  compute: (a: number, b: number) => number,
  gradient: (at: GradientContext<K>, a: Value, b: Value) => readonly [Value, Value],
): OpRow<K> {
  return {
    shape: broadcastShape,
    gradient: (at) => {
      const [a, b] = pairOf(at.inputs);
      const [left, right] = gradient(at, a, b);
      return [reduceTo(at.graph, left, a), reduceTo(at.graph, right, b)];
    },
    reference: binaryReference(compute),
    lower: always(({ emitter, names }) => emitter.emit(operator, names)[0]),
  };
}

function unaryRow<K extends PlainUnaryKind>(
  operator: string,
  compute: (x: number) => number,
  gradient: (at: GradientContext<K>, x: Value) => Value,
): OpRow<K> {
  return {
    shape: sameAsFirst,
    gradient: (at) => [gradient(at, firstOf(at.inputs))],
    reference: unaryReference(compute),
    lower: always(({ emitter, names }) => emitter.emit(operator, names)[0]),
  };
}

export const elementwiseRows: Pick<
  OpTable,
  BinaryKind | PlainUnaryKind | "scale" | "addScalar" | "isPositive" | "toFloat" | "stopGradient"
> = {
  add: binaryRow(
    "Add",
    (a, b) => a + b,
    ({ upstream }) => [upstream, upstream],
  ),
  sub: binaryRow(
    "Sub",
    (a, b) => a - b,
    ({ graph, upstream }) => [upstream, graph.neg(upstream)],
  ),
  mul: binaryRow(
    "Mul",
    (a, b) => a * b,
    ({ graph, upstream }, a, b) => [graph.mul(upstream, b), graph.mul(upstream, a)],
  ),
  div: binaryRow(
    "Div",
    (a, b) => a / b,
    ({ graph, upstream, output }, _, b) => {
      const left = graph.div(upstream, b);
      return [left, graph.neg(graph.mul(left, output))];
    },
  ),
  maximum: binaryRow("Max", Math.max, ({ graph, upstream }, a, b) => {
    const left = graph.mul(upstream, graph.isPositive(graph.sub(a, b)));
    return [left, graph.sub(upstream, left)];
  }),
  neg: unaryRow(
    "Neg",
    (x) => -x,
    ({ graph, upstream }) => graph.neg(upstream),
  ),
  exp: unaryRow("Exp", Math.exp, ({ graph, upstream, output }) => graph.mul(upstream, output)),
  log: unaryRow("Log", Math.log, ({ graph, upstream }, x) => graph.div(upstream, x)),
  sqrt: unaryRow("Sqrt", Math.sqrt, ({ graph, upstream, output }) => graph.scale(graph.div(upstream, output), 0.5)),
  reciprocal: unaryRow(
    "Reciprocal",
    (x) => 1 / x,
    ({ graph, upstream, output }) => graph.neg(graph.mul(upstream, graph.square(output))),
  ),
  square: {
    ...unaryRow<"square">(
      "Mul",
      (x) => x * x,
      ({ graph, upstream }, x) => graph.scale(graph.mul(upstream, x), 2),
    ),
    lower: always(({ emitter, names: [x = ""] }) => emitter.emit("Mul", [x, x])[0]),
  },
  tanh: unaryRow("Tanh", Math.tanh, ({ graph, upstream, output }) =>
    graph.sub(upstream, graph.mul(upstream, graph.square(output))),
  ),
  sigmoid: unaryRow(
    "Sigmoid",
    (x) => 1 / (1 + Math.exp(-x)),
    ({ graph, upstream, output }) => {
      const scaled = graph.mul(upstream, output);
      return graph.sub(scaled, graph.mul(scaled, output));
    },
  ),
  relu: unaryRow(
    "Relu",
    (x) => Math.max(0, x),
    ({ graph, upstream, output }) => graph.mul(upstream, graph.isPositive(output)),
  ),
  scale: {
    shape: sameAsFirst,
    gradient: ({ graph, upstream, attributes }) => [graph.scale(upstream, attributes.factor)],
    reference: (at) => unaryReference((x) => x * at.attributes.factor)(at),
    lower: always(
      ({ emitter, names: [x = ""], attributes }) => emitter.emit("Mul", [x, emitter.scalar(attributes.factor)])[0],
    ),
  },
  addScalar: {
    shape: sameAsFirst,
    gradient: ({ upstream }) => [upstream],
    reference: (at) => unaryReference((x) => x + at.attributes.term)(at),
    lower: always(
      ({ emitter, names: [x = ""], attributes }) => emitter.emit("Add", [x, emitter.scalar(attributes.term)])[0],
    ),
  },
  isPositive: {
    shape: sameAsFirst,
    gradient: "none",
    reference: unaryReference((x) => (x > 0 ? 1 : 0)),
    lower: always(
      ({ emitter, names: [x = ""] }) =>
        emitter.emit("Cast", [emitter.emit("Greater", [x, emitter.scalar(0)])[0]], { attributes: { to: 1 } })[0],
    ),
  },
  toFloat: {
    shape: ({ inputs: [x], fail }) =>
      x?.type === "i64" ? { shape: x.shape, type: "f32" } : fail("needs one i64 value"),
    gradient: "none",
    reference: unaryReference((x) => x),
    lower: always(({ emitter, names }) => emitter.emit("Cast", names, { attributes: { to: 1 } })[0]),
  },
  stopGradient: {
    shape: sameAsFirst,
    gradient: "none",
    reference: unaryReference((x) => x),
    lower: always(({ names: [x = ""] }) => x),
  },
};
