/** @file Rows that move elements and compute nothing: reshape, transpose, expand, concat, slice, pad. Knows no other row. */
import { always, type LoweringContext, type OpTable } from "./op-row.js";
import { axisOf, broadcastShapes, formatShape, productOf, sameShape } from "./dims.js";
import { broadcastIndex, firstOf, reduceTo, sameAsFirst } from "./elementwise.js";
import type { Graph } from "./graph.js";
import type { Dim, OpNode, Reference, ShapeContext, Typed, Value } from "./types.js";

function transposeShape(at: ShapeContext<"transpose">): Typed {
  const { shape, type } = sameAsFirst(at);
  const { permutation } = at.attributes;
  const sorted = [...permutation].sort((a, b) => a - b);
  if (sorted.length !== shape.length || sorted.some((axis, i) => axis !== i)) {
    return at.fail(`permutation ${permutation.join(",")} does not fit ${formatShape(shape)}`);
  }
  return { shape: permutation.map((axis) => shape[axis] ?? 1), type };
}

function concatShape({ inputs, attributes: { axis }, fail }: ShapeContext<"concat">): Typed {
  const [first] = inputs;
  if (first === undefined) return fail("needs at least one operand");
  let size = 0;
  for (const { shape } of inputs) {
    const dim = shape[axis];
    if (typeof dim !== "number") return fail(`size along axis ${axis} must be a number, got ${formatShape(shape)}`);
    if (!sameShape(shape.with(axis, 0), first.shape.with(axis, 0))) {
      return fail(`shapes differ outside axis ${axis}, ${formatShape(first.shape)} with ${formatShape(shape)}`);
    }
    size += dim;
  }
  return { shape: first.shape.with(axis, size), type: first.type };
}

function sliceShape(at: ShapeContext<"slice">): Typed {
  const { shape, type } = sameAsFirst(at);
  const { axis, start, end } = at.attributes;
  const size = shape[axis];
  const fits = Number.isInteger(start) && start >= 0 && end > start && (typeof size !== "number" || end <= size);
  if (axisOf(axis, shape.length) !== axis || !fits)
    return at.fail(`range ${start}..${end} of axis ${axis} is outside ${formatShape(shape)}`);
  return { shape: shape.with(axis, end - start), type };
}

/** Sizes before, along and after an axis, as element counts. */
function around(shape: readonly number[], axis: number): readonly [number, number, number] {
  const count = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);
  return [count(shape.slice(0, axis)), shape[axis] ?? 1, count(shape.slice(axis + 1))];
}

/** Copies `source` into `target` along `axis` with an offset on either side. */
function copyAlong(source: Reference, target: Reference, axis: number, from: number, to: number, length: number): void {
  const [outer, size, inner] = around(source.shape, axis);
  const [, targetSize] = around(target.shape, axis);
  for (let row = 0; row < outer; row++) {
    const start = (row * size + from) * inner;
    target.data.set(source.data.subarray(start, start + length * inner), (row * targetSize + to) * inner);
  }
}

function zeros(shape: readonly number[]): Reference {
  return { shape, data: new Float64Array(shape.reduce((product, size) => product * size, 1)) };
}

function referenceTranspose(x: Reference, permutation: readonly number[], shape: readonly number[]): Float64Array {
  const strides = x.shape.map((_, i) => x.shape.slice(i + 1).reduce((product, size) => product * size, 1));
  return new Float64Array(x.data.length).map((_, index) => {
    let rest = index;
    let at = 0;
    for (let i = shape.length - 1; i >= 0; i--) {
      const size = shape[i] ?? 1;
      at += (rest % size) * (strides[permutation[i] ?? 0] ?? 0);
      rest = Math.floor(rest / size);
    }
    return x.data[at] ?? 0;
  });
}

/** Target of a Reshape: 0 copies, -1 infers, and only where that is not enough sizes are computed at run time. */
function lowerReshape({ emitter, inputs, output, names: [x = ""] }: LoweringContext<"reshape">): string {
  const from = firstOf(inputs).shape;
  const spec = output.shape.map((dim, i) => (typeof dim === "number" ? dim : from[i] === dim ? 0 : -1));
  const isStatic = spec.filter((dim) => dim === -1).length <= 1;
  return emitter.emit("Reshape", [x, isStatic ? emitter.int64(spec) : emitter.sizes(output.shape)])[0];
}

function lowerPad({ emitter, inputs, output, names: [x = ""], attributes }: LoweringContext<"pad">): string {
  const { axis, before, size } = attributes;
  const taken = firstOf(inputs).shape[axis];
  const used = before + (typeof taken === "number" ? taken : 0);
  const after =
    typeof size === "number"
      ? emitter.int64([size - used])
      : emitter.emit("Sub", [emitter.sizes([size]), emitter.int64([used])])[0];
  const spread = (entry: string): string[] => output.shape.map((_, i) => (i === axis ? entry : emitter.int64([0])));
  const pads = emitter.emit("Concat", [...spread(emitter.int64([before])), ...spread(after)], {
    attributes: { axis: 0 },
  })[0];
  return emitter.emit("Pad", [x, pads])[0];
}

/** The sum of padded pieces that lie side by side and fill the axis is their concatenation: the gradient of a value that was
 *  split into slices. Undefined where the parts are anything else. */
export function joinPads(graph: Graph, parts: readonly Value[]): Value | undefined {
  const pieces = parts.flatMap((part) => {
    const node = graph.nodeOf(part);
    return node !== undefined && isPad(node) ? [{ ...node.attributes, piece: firstOf(node.inputs) }] : [];
  });
  const [first] = pieces;
  if (first === undefined || pieces.length < 2 || pieces.length !== parts.length) return undefined;
  pieces.sort((a, b) => a.before - b.before);
  let filled = 0;
  for (const { axis, before, size, piece } of pieces) {
    const length = piece.shape[axis];
    if (axis !== first.axis || size !== first.size || before !== filled || typeof length !== "number") return undefined;
    filled += length;
  }
  return filled === first.size
    ? graph.concat(
        pieces.map(({ piece }) => piece),
        first.axis,
      )
    : undefined;
}

function isPad(node: OpNode): node is OpNode<"pad"> {
  return node.kind === "pad";
}

export const shapeRows: Pick<OpTable, "transpose" | "reshape" | "expand" | "concat" | "slice" | "pad"> = {
  transpose: {
    shape: transposeShape,
    gradient: ({ graph, attributes, upstream }) => {
      const inverse = attributes.permutation.map((_, i) => attributes.permutation.indexOf(i));
      return [graph.transpose(upstream, inverse)];
    },
    reference: ({ inputs: [x], attributes, shape }) =>
      referenceTranspose(x ?? zeros([0]), attributes.permutation, shape),
    lower: always(
      ({ emitter, names, attributes }) =>
        emitter.emit("Transpose", names, { attributes: { perm: attributes.permutation } })[0],
    ),
  },
  reshape: {
    shape: ({ inputs: [x], attributes, fail }) => {
      if (x === undefined) return fail("needs an operand");
      if (productOf(x.shape) !== productOf(attributes.shape)) {
        return fail(`element counts differ, ${formatShape(x.shape)} to ${formatShape(attributes.shape)}`);
      }
      return { shape: attributes.shape, type: x.type };
    },
    gradient: ({ graph, inputs, upstream }) => [graph.reshape(upstream, firstOf(inputs).shape)],
    reference: ({ inputs: [x] }) => (x?.data ?? new Float64Array(0)).slice(),
    lower: always(lowerReshape),
  },
  expand: {
    shape: (at) => {
      const { shape, type } = sameAsFirst(at);
      const target: readonly Dim[] | undefined = broadcastShapes(shape, at.attributes.shape);
      if (target === undefined || !sameShape(target, at.attributes.shape)) {
        return at.fail(`${formatShape(shape)} does not broadcast to ${formatShape(at.attributes.shape)}`);
      }
      return { shape: target, type };
    },
    gradient: ({ graph, inputs, upstream }) => [reduceTo(graph, upstream, firstOf(inputs))],
    reference: ({ inputs: [x], shape }) => {
      const index = broadcastIndex(x?.shape ?? [], shape);
      return zeros(shape).data.map((_, i) => x?.data[index(i)] ?? 0);
    },
    lower: always(
      ({ emitter, names: [x = ""], attributes }) => emitter.emit("Expand", [x, emitter.sizes(attributes.shape)])[0],
    ),
  },
  concat: {
    shape: concatShape,
    gradient: ({ graph, inputs, attributes: { axis }, upstream }) => {
      let start = 0;
      return inputs.map((input) => {
        const size = input.shape[axis];
        const end = start + (typeof size === "number" ? size : 0);
        const part = graph.slice(upstream, axis, start, end);
        start = end;
        return part;
      });
    },
    reference: ({ inputs, attributes: { axis }, shape }) => {
      const out = zeros(shape);
      let at = 0;
      for (const input of inputs) {
        const size = input.shape[axis] ?? 1;
        copyAlong(input, out, axis, 0, at, size);
        at += size;
      }
      return out.data;
    },
    lower: always(
      ({ emitter, names, attributes }) => emitter.emit("Concat", names, { attributes: { axis: attributes.axis } })[0],
    ),
  },
  slice: {
    shape: sliceShape,
    gradient: ({ graph, inputs, attributes: { axis, start }, upstream }) => [
      graph.apply("pad", [upstream], { axis, before: start, size: firstOf(inputs).shape[axis] ?? 1 }),
    ],
    reference: ({ inputs: [x], attributes: { axis, start, end }, shape }) => {
      const out = zeros(shape);
      copyAlong(x ?? zeros([0]), out, axis, start, 0, end - start);
      return out.data;
    },
    lower: always(({ emitter, names: [x = ""], attributes: { axis, start, end } }) => {
      const operands = [x, emitter.int64([start]), emitter.int64([end]), emitter.int64([axis])];
      return emitter.emit("Slice", operands)[0];
    }),
  },
  pad: {
    shape: (at) => {
      const { shape, type } = sameAsFirst(at);
      if (typeof shape[at.attributes.axis] !== "number")
        return at.fail(`size along axis ${at.attributes.axis} must be a number`);
      return { shape: shape.with(at.attributes.axis, at.attributes.size), type };
    },
    gradient: ({ graph, inputs, attributes: { axis, before }, upstream }) => {
      const size = firstOf(inputs).shape[axis];
      return [graph.slice(upstream, axis, before, before + (typeof size === "number" ? size : 0))];
    },
    reference: ({ inputs: [x], attributes: { axis, before }, shape }) => {
      const out = zeros(shape);
      const source = x ?? zeros([0]);
      copyAlong(source, out, axis, 0, before, source.shape[axis] ?? 1);
      return out.data;
    },
    lower: always(lowerPad),
  },
};
