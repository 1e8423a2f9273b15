/** @file Rows of matrix products: linear layers with [out, in] weights, their weight gradient, and batched products. Training
 *  flattens to two dimensions and uses Gemm, which needs no copy of the weight; serving stores the weight as [in, out]. */
import { always, type Lowering, type OpTable } from "./op-row.js";
import { broadcastShapes, formatShape, productOf, sameShape } from "./dims.js";
import { broadcastIndex, pairOf, reduceTo } from "./elementwise.js";
import { lowerFourBitLinear } from "./four-bit.js";
import { lowerQuantizedLinear } from "./quantized.js";
import type { Emitter } from "./emitter.js";
import type { Dim, Reference, ReferenceContext, ShapeContext, Typed } from "./types.js";

function linearShape({ inputs: [x, weight, bias], attributes, fail }: ShapeContext<"linear">): Typed {
  if (x === undefined || weight === undefined) return fail("needs x and a weight");
  if (weight.shape.length !== 2) return fail(`weight must have 2 dimensions, got ${formatShape(weight.shape)}`);
  const [rows, columns] = weight.shape;
  const inner = attributes.transposed ? rows : columns;
  const outer = attributes.transposed ? columns : rows;
  if (x.shape.at(-1) !== inner)
    return fail(`inner dims differ, ${formatShape(x.shape)} with weight ${formatShape(weight.shape)}`);
  if (bias !== undefined && !sameShape(bias.shape, [outer ?? 1])) {
    return fail(`bias must be ${formatShape([outer ?? 1])}, got ${formatShape(bias.shape)}`);
  }
  return { shape: [...x.shape.slice(0, -1), outer ?? 1], type: "f32" };
}

function outerShape({ inputs: [a, b], fail }: ShapeContext<"outer">): Typed {
  if (a === undefined || b === undefined) return fail("needs two operands");
  if (!sameShape(a.shape.slice(0, -1), b.shape.slice(0, -1))) {
    return fail(`leading dims differ, ${formatShape(a.shape)} with ${formatShape(b.shape)}`);
  }
  return { shape: [a.shape.at(-1) ?? 1, b.shape.at(-1) ?? 1], type: "f32" };
}

function matmulShape({ inputs: [a, b], fail }: ShapeContext<"matmul">): Typed {
  if (a === undefined || b === undefined) return fail("needs two operands");
  if (a.shape.length < 2 || b.shape.length < 2)
    return fail(`needs rank 2 or more, got ${formatShape(a.shape)} x ${formatShape(b.shape)}`);
  if (a.shape.at(-1) !== b.shape.at(-2))
    return fail(`inner dims differ, ${formatShape(a.shape)} x ${formatShape(b.shape)}`);
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (batch === undefined)
    return fail(`batch dims do not broadcast, ${formatShape(a.shape)} x ${formatShape(b.shape)}`);
  return { shape: [...batch, a.shape.at(-2) ?? 1, b.shape.at(-1) ?? 1], type: "f32" };
}

/** Permutation that swaps the last two axes. */
function swapLast(rank: number): readonly number[] {
  return [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
}

/** Reshapes to [rows, width]; free of copies in the runtime. */
function flatten(emitter: Emitter, name: string, shape: readonly Dim[]): string {
  if (shape.length === 2) return name;
  const width = shape.at(-1) ?? 1;
  const target =
    typeof width === "number" ? emitter.int64([-1, width]) : emitter.sizes([productOf(shape.slice(0, -1)), width]);
  return emitter.emit("Reshape", [name, target])[0];
}

const trainLinear: Lowering<"linear"> = ({
  emitter,
  inputs,
  output,
  names: [x = "", weight = "", bias],
  attributes,
}) => {
  const flat = flatten(emitter, x, inputs[0]?.shape ?? []);
  const operands = bias === undefined ? [flat, weight] : [flat, weight, bias];
  const product = emitter.emit("Gemm", operands, { attributes: { transB: attributes.transposed ? 0 : 1 } })[0];
  if (output.shape.length === 2) return product;
  const leading = output.shape.slice(0, -1);
  const width = output.shape.at(-1) ?? 1;
  const oneFree = leading.filter((dim) => typeof dim === "string").length <= 1 && typeof width === "number";
  const target = oneFree
    ? emitter.int64(output.shape.map((dim) => (typeof dim === "number" ? dim : -1)))
    : emitter.sizes(output.shape);
  return emitter.emit("Reshape", [product, target])[0];
};

/** [rows, columns] as [columns, rows]. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] ?? 0;
  return out;
}

const serveLinear: Lowering<"linear"> = (at) => {
  const {
    emitter,
    inputs,
    names: [x = "", weight = "", bias],
    attributes,
  } = at;
  const [, parameter] = pairOf(inputs);
  const data = emitter.weightOf(parameter);
  const [rows, columns] = parameter.shape;
  if (data === undefined || typeof rows !== "number" || typeof columns !== "number") return trainLinear(at);
  const quantized = lowerFourBitLinear(at, data, rows, columns) ?? lowerQuantizedLinear(at, data, rows, columns);
  if (quantized !== undefined) return quantized;
  const stored = attributes.transposed
    ? weight
    : emitter.namedFloat32(`${parameter.name}.transposed`, transposed(data, rows, columns), [columns, rows]);
  const product = emitter.emit("MatMul", [x, stored])[0];
  return bias === undefined ? product : emitter.emit("Add", [product, bias])[0];
};

function referenceLinear({ inputs: [x, weight, bias], attributes, shape }: ReferenceContext<"linear">): Float64Array {
  const out = new Float64Array(shape.reduce((product, size) => product * size, 1));
  const width = shape.at(-1) ?? 1;
  const inner = x?.shape.at(-1) ?? 1;
  return out.map((_, i) => {
    const row = Math.floor(i / width);
    const column = i % width;
    let total = bias?.data[column] ?? 0;
    for (let k = 0; k < inner; k++) {
      const at = attributes.transposed ? k * width + column : column * inner + k;
      total += (x?.data[row * inner + k] ?? 0) * (weight?.data[at] ?? 0);
    }
    return total;
  });
}

function referenceOuter({ inputs: [a, b], shape: [rows = 1, columns = 1] }: ReferenceContext<"outer">): Float64Array {
  const out = new Float64Array(rows * columns);
  const count = (a?.data.length ?? 0) / rows;
  return out.map((_, i) => {
    const row = Math.floor(i / columns);
    let total = 0;
    for (let n = 0; n < count; n++)
      total += (a?.data[n * rows + row] ?? 0) * (b?.data[n * columns + (i % columns)] ?? 0);
    return total;
  });
}

function referenceMatmul({ inputs: [a, b], shape }: ReferenceContext<"matmul">): Float64Array {
  const out = new Float64Array(shape.reduce((product, size) => product * size, 1));
  const [rows, columns] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  const inner = a?.shape.at(-1) ?? 1;
  const batchOf = (operand: Reference | undefined) =>
    broadcastIndex(operand?.shape.slice(0, -2) ?? [], shape.slice(0, -2));
  const [left, right] = [batchOf(a), batchOf(b)];
  return out.map((_, i) => {
    const batch = Math.floor(i / (rows * columns));
    const row = Math.floor(i / columns) % rows;
    let total = 0;
    for (let k = 0; k < inner; k++) {
      const leftValue = a?.data[(left(batch) * rows + row) * inner + k] ?? 0;
      total += leftValue * (b?.data[(right(batch) * inner + k) * columns + (i % columns)] ?? 0);
    }
    return total;
  });
}

export const linearRows: Pick<OpTable, "linear" | "outer" | "matmul"> = {
  linear: {
    shape: linearShape,
    gradient: ({ graph, inputs, attributes, upstream }) => {
      const [x, weight] = pairOf(inputs);
      const leading = upstream.shape.slice(0, -1).map((_, i) => i);
      return [
        graph.apply("linear", [upstream, weight], { transposed: !attributes.transposed }),
        graph.apply("outer", attributes.transposed ? [x, upstream] : [upstream, x], {}),
        inputs[2] === undefined ? undefined : graph.reduceSum(upstream, leading),
      ];
    },
    reference: referenceLinear,
    lower: { cpu: { train: trainLinear, serve: serveLinear } },
  },
  outer: {
    shape: outerShape,
    gradient: ({ graph, inputs, upstream }) => {
      const [a, b] = pairOf(inputs);
      return [
        graph.apply("linear", [b, upstream], { transposed: false }),
        graph.apply("linear", [a, upstream], { transposed: true }),
      ];
    },
    reference: referenceOuter,
    lower: always(({ emitter, inputs, names: [a = "", b = ""] }) => {
      const [left, right] = pairOf(inputs);
      return emitter.emit("Gemm", [flatten(emitter, a, left.shape), flatten(emitter, b, right.shape)], {
        attributes: { transA: 1 },
      })[0];
    }),
  },
  matmul: {
    shape: matmulShape,
    gradient: ({ graph, inputs, upstream }) => {
      const [a, b] = pairOf(inputs);
      return [
        reduceTo(graph, graph.matmul(upstream, graph.transpose(b, swapLast(b.shape.length))), a),
        reduceTo(graph, graph.matmul(graph.transpose(a, swapLast(a.shape.length)), upstream), b),
      ];
    },
    reference: referenceMatmul,
    lower: always(({ emitter, names }) => emitter.emit("MatMul", names)[0]),
  },
};
