/** @file Rounding to the steps of int8 while training, row by row as quantized.ts rounds for serving. No gradient flows through it; `Graph.fakeQuantize`
 *  passes gradients by (straight-through, Bengio et al. 2013). */
import { always, type LoweringContext, type OpTable } from "./op-row.js";
import type { Emitter } from "./emitter.js";
import { INT8_STEPS } from "./quantized.js";
import type { Fit, ReferenceContext, ShapeContext, Typed } from "./types.js";

/** Keeps the scale of a row of zeros away from zero. */
const LEAST_SCALE = 1e-30;

function roundShape({ inputs: [x], fail }: ShapeContext<"roundRows">): Typed {
  if (x === undefined || x.type !== "f32" || x.shape.length !== 2) return fail("needs one f32 value [rows, columns]");
  if (typeof x.shape[1] !== "number") return fail("needs a known number of columns");
  return { shape: x.shape, type: "f32" };
}

function roundReference({ inputs: [x], attributes: { fit }, shape }: ReferenceContext<"roundRows">): Float64Array {
  const columns = shape[1] ?? 1;
  const data = x?.data ?? new Float64Array();
  const peaks = Array.from({ length: data.length / columns }, (_, row) => {
    let peak = 0;
    for (let start = 0; start < columns; start += fit) {
      const members = data.subarray(row * columns + start, row * columns + Math.min(columns, start + fit));
      const sumOf = (sign: number): number => members.reduce((sum, value) => sum + Math.max(0, sign * value), 0);
      peak = Math.max(peak, sumOf(1), sumOf(-1));
    }
    return peak;
  });
  return data.map((value, i) => {
    const scale = Math.max((peaks[Math.floor(i / columns)] ?? 0) / INT8_STEPS, LEAST_SCALE);
    return Math.round(value / scale) * scale;
  });
}

/** [rows, 1]: the largest magnitude of a row. */
function emitPeak(emitter: Emitter, x: string): string {
  return emitter.emit("ReduceMax", [emitter.emit("Abs", [x])[0], emitter.int64([1])])[0];
}

/** [rows, 1]: the same of its pairs' sums; those of unlike signs are below their larger member. */
function emitPairPeak(emitter: Emitter, x: string, columns: number): string {
  const even = columns % 2 === 0 ? x : emitter.emit("Pad", [x, emitter.int64([0, 0, 0, 1])])[0];
  const pairs = emitter.emit("Reshape", [even, emitter.int64([0, -1, 2])])[0];
  const sums = emitter.emit("ReduceSum", [pairs, emitter.int64([2])], { attributes: { keepdims: 0 } })[0];
  return emitPeak(emitter, sums);
}

const PEAKS: Readonly<Record<Fit, (emitter: Emitter, x: string, columns: number) => string>> = {
  1: emitPeak,
  2: (emitter, x, columns) => emitter.emit("Max", [emitPeak(emitter, x), emitPairPeak(emitter, x, columns)])[0],
};

function lowerRounding({ emitter, names: [x = ""], output, attributes }: LoweringContext<"roundRows">): string {
  const peak = PEAKS[attributes.fit](emitter, x, Number(output.shape[1]));
  const step = emitter.emit("Mul", [peak, emitter.scalar(1 / INT8_STEPS)])[0];
  const scale = emitter.emit("Max", [step, emitter.scalar(LEAST_SCALE)])[0];
  return emitter.emit("Mul", [emitter.emit("Round", [emitter.emit("Div", [x, scale])[0]])[0], scale])[0];
}

export const roundingRows: Pick<OpTable, "roundRows"> = {
  roundRows: {
    shape: roundShape,
    gradient: "none",
    reference: roundReference,
    lower: always(lowerRounding),
  },
};
