/** @file Rows of reductions along axes and of the softmax family. Training uses x - logSumExp(x) for log softmax, because
 *  LogSoftmax has no kernel on every provider. */
import { always, type Lowering, type OpTable } from "./op-row.js";
import { axisOf, productOf, reducedShape } from "./dims.js";
import { firstOf, sameAsFirst } from "./elementwise.js";
import type { Graph } from "./graph.js";
import type { Dim, Reference, ReduceAttributes, ShapeContext, Typed, Value } from "./types.js";

type ReduceKind = "reduceSum" | "reduceMean" | "reduceMax" | "logSumExp";

function reduceShape<K extends ReduceKind>(at: ShapeContext<K>): Typed {
  const { shape, type } = sameAsFirst(at);
  const { axes, keepDims } = at.attributes;
  for (const axis of axes)
    if (axisOf(axis, shape.length) !== axis) return at.fail(`axis ${axis} is outside rank ${shape.length}`);
  return { shape: reducedShape(shape, axes, keepDims), type };
}

/** Gives a reduced value its removed axes back as size 1. */
function withAxes(graph: Graph, reduced: Value, from: Value, { axes, keepDims }: ReduceAttributes): Value {
  return keepDims ? reduced : graph.reshape(reduced, reducedShape(from.shape, axes, true));
}

/** Calls `visit` once per output element with the inputs that are reduced into it. */
function reduceReference(
  x: Reference | undefined,
  axes: readonly number[],
  reduce: (values: readonly number[]) => number,
): Float64Array {
  if (x === undefined) return new Float64Array(0);
  const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const groups: number[][] = Array.from({ length: kept.reduce((product, size) => product * size, 1) }, () => []);
  x.data.forEach((value, index) => {
    let at = 0;
    let stride = 1;
    let rest = index;
    for (let i = x.shape.length - 1; i >= 0; i--) {
      const size = x.shape[i] ?? 1;
      if (!axes.includes(i)) {
        at += (rest % size) * stride;
        stride *= size;
      }
      rest = Math.floor(rest / size);
    }
    groups[at]?.push(value);
  });
  return Float64Array.from(groups, reduce);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const max = (values: readonly number[]): number => values.reduce((top, value) => Math.max(top, value), -Infinity);
const logSumExp = (values: readonly number[]): number => {
  const top = max(values);
  return top + Math.log(sum(values.map((value) => Math.exp(value - top))));
};

function lowerReduce<K extends ReduceKind>(operator: string): Lowering<K> {
  return ({ emitter, names: [x = ""], attributes }) =>
    emitter.emit(operator, [x, emitter.int64(attributes.axes)], {
      attributes: { keepdims: attributes.keepDims ? 1 : 0 },
    })[0];
}

/** max + log(sum(exp(x - max))) in single reductions, which have fast kernels along the last axis. */
const lowerLogSumExp: Lowering<"logSumExp"> = ({ emitter, names: [x = ""], attributes }) => {
  const axes = emitter.int64(attributes.axes);
  const reduce = (operator: string, value: string): string =>
    emitter.emit(operator, [value, axes], { attributes: { keepdims: 1 } })[0];
  const top = reduce("ReduceMax", x);
  const total = reduce("ReduceSum", emitter.emit("Exp", [emitter.emit("Sub", [x, top])[0]])[0]);
  const kept = emitter.emit("Add", [emitter.emit("Log", [total])[0], top])[0];
  return attributes.keepDims ? kept : emitter.emit("Squeeze", [kept, axes])[0];
};

function softmaxShape<K extends "softmax" | "logSoftmax">(at: ShapeContext<K>): Typed {
  const typed = sameAsFirst(at);
  if (axisOf(at.attributes.axis, typed.shape.length) === undefined) {
    return at.fail(`axis ${at.attributes.axis} is outside rank ${typed.shape.length}`);
  }
  return typed;
}

function alongAxis(
  x: Reference | undefined,
  axis: number,
  map: (value: number, total: number) => number,
): Float64Array {
  if (x === undefined) return new Float64Array(0);
  const index = axisOf(axis, x.shape.length) ?? 0;
  const totals = reduceReference(x, [index], logSumExp);
  const size = x.shape[index] ?? 1;
  const inner = x.shape.slice(index + 1).reduce((product, next) => product * next, 1);
  return x.data.map((value, i) => map(value, totals[Math.floor(i / (size * inner)) * inner + (i % inner)] ?? 0));
}

export const reduceRows: Pick<OpTable, ReduceKind | "softmax" | "logSoftmax" | "count"> = {
  reduceSum: {
    shape: reduceShape,
    gradient: ({ graph, inputs, attributes, upstream }) => {
      const x = firstOf(inputs);
      return [graph.expand(withAxes(graph, upstream, x, attributes), x.shape)];
    },
    reference: ({ inputs: [x], attributes }) => reduceReference(x, attributes.axes, sum),
    lower: always(lowerReduce("ReduceSum")),
  },
  reduceMean: {
    shape: reduceShape,
    gradient: ({ graph, inputs, attributes, upstream }) => {
      const x = firstOf(inputs);
      const size = productOf(attributes.axes.map((axis) => x.shape[axis] ?? 1));
      const kept = withAxes(graph, upstream, x, attributes);
      const share =
        typeof size === "number"
          ? graph.scale(kept, 1 / size)
          : graph.div(kept, graph.apply("count", [x], { axes: attributes.axes }));
      return [graph.expand(share, x.shape)];
    },
    reference: ({ inputs: [x], attributes }) =>
      reduceReference(x, attributes.axes, (values) => sum(values) / values.length),
    lower: always(lowerReduce("ReduceMean")),
  },
  reduceMax: {
    shape: reduceShape,
    gradient: ({ graph, inputs, attributes, output, upstream }) => {
      const x = firstOf(inputs);
      const below = graph.isPositive(graph.sub(withAxes(graph, output, x, attributes), x));
      const top = graph.addScalar(graph.neg(below), 1);
      const ties = graph.reduceSum(top, attributes.axes, true);
      return [graph.mul(top, graph.div(withAxes(graph, upstream, x, attributes), ties))];
    },
    reference: ({ inputs: [x], attributes }) => reduceReference(x, attributes.axes, max),
    lower: always(lowerReduce("ReduceMax")),
  },
  logSumExp: {
    shape: reduceShape,
    gradient: ({ graph, inputs, attributes, output, upstream }) => {
      const x = firstOf(inputs);
      const weights = graph.exp(graph.sub(x, withAxes(graph, output, x, attributes)));
      return [graph.mul(weights, withAxes(graph, upstream, x, attributes))];
    },
    reference: ({ inputs: [x], attributes }) => reduceReference(x, attributes.axes, logSumExp),
    lower: always(lowerLogSumExp),
  },
  softmax: {
    shape: softmaxShape,
    gradient: ({ graph, output, attributes, upstream }) => {
      const axis = axisOf(attributes.axis, output.shape.length) ?? 0;
      const weighted = graph.mul(upstream, output);
      return [graph.sub(weighted, graph.mul(output, graph.reduceSum(weighted, [axis], true)))];
    },
    reference: ({ inputs: [x], attributes }) =>
      alongAxis(x, attributes.axis, (value, total) => Math.exp(value - total)),
    lower: always(
      ({ emitter, names, attributes }) => emitter.emit("Softmax", names, { attributes: { axis: attributes.axis } })[0],
    ),
  },
  logSoftmax: {
    shape: softmaxShape,
    gradient: "composed",
    reference: ({ inputs: [x], attributes }) => alongAxis(x, attributes.axis, (value, total) => value - total),
    lower: { cpu: { train: "composed", serve: "composed" } },
    compose: ({ graph, inputs, attributes }) =>
      graph.sub(firstOf(inputs), graph.logSumExp(firstOf(inputs), attributes.axis, true)),
  },
  count: {
    shape: () => ({ shape: [], type: "f32" }),
    gradient: "none",
    reference: ({ inputs: [x], attributes }) =>
      Float64Array.of(attributes.axes.reduce((product, axis) => product * (x?.shape[axis] ?? 1), 1)),
    lower: always(({ emitter, inputs, attributes }) => {
      const dims: readonly Dim[] = attributes.axes.map((axis) => firstOf(inputs).shape[axis] ?? 1);
      const size = emitter.emit("ReduceProd", [emitter.sizes(dims)], { attributes: { keepdims: 0 } })[0];
      return emitter.emit("Cast", [size], { attributes: { to: 1 } })[0];
    }),
  },
};
