/** @file Rounding to the steps of int8 while training, row by row as quantized.ts rounds for serving. No gradient flows through it; `Graph.fakeQuantize`
 *  passes gradients by (straight-through, Bengio et al. 2013). */
import type { OpTable, ReferenceContext, ShapeContext, Typed } from "./types.js";
import { always } from "./types.js";

/** Keeps the scale of a row of zeros away from zero. */
const LEAST_SCALE = 1e-30;

function roundShape({ inputs: [x], fail }: ShapeContext<"roundRows">): Typed {
  if (x === undefined || x.type !== "f32" || x.shape.length !== 2) return fail("needs one f32 value [rows, columns]");
  return { shape: x.shape, type: "f32" };
}

function roundReference({ inputs: [x], attributes: { steps }, shape }: ReferenceContext<"roundRows">): Float64Array {
  const columns = shape[1] ?? 1;
  const data = x?.data ?? new Float64Array();
  return data.map((value, i) => {
    const start = Math.floor(i / columns) * columns;
    let peak = 0;
    for (let j = start; j < start + columns; j++) peak = Math.max(peak, Math.abs(data[j] ?? 0));
    const scale = Math.max(peak / steps, LEAST_SCALE);
    return Math.round(value / scale) * scale;
  });
}

export const roundingRows: Pick<OpTable, "roundRows"> = {
  roundRows: {
    shape: roundShape,
    gradient: "none",
    reference: roundReference,
    lower: always(({ emitter, names: [x = ""], attributes: { steps } }) => {
      const peak = emitter.emit("ReduceMax", [emitter.emit("Abs", [x])[0], emitter.int64([1])])[0];
      const scale = emitter.emit("Max", [
        emitter.emit("Mul", [peak, emitter.scalar(1 / steps)])[0],
        emitter.scalar(LEAST_SCALE),
      ])[0];
      return emitter.emit("Mul", [emitter.emit("Round", [emitter.emit("Div", [x, scale])[0]])[0], scale])[0];
    }),
  },
};
