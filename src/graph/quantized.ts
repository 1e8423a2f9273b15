/** @file int8 weights for serving. Linear weights: one symmetric scale per output column and 63 steps on either side, so that the fast u8 x s8
 *  kernel cannot saturate on processors with AVX2 but no VNNI. Tables: one scale per row, 127 steps. Knows no model. */
import type { Dim, LoweringContext } from "./types.js";

/** Narrower layers gain nothing from int8 and lose precision. */
export const MINIMUM_QUANTIZED_WIDTH = 64;

export interface QuantizedRows {
  readonly values: Int8Array;
  /** One scale per row: weight = value * scale. */
  readonly scales: Float32Array;
}

/** That kernel adds two products in 16 bits: 2 * 255 * 63 stays below 2^15. */
export const LINEAR_STEPS = 63;
export const TABLE_STEPS = 127;

/** Rounds each row of [rows, columns] to `steps` on either side of zero, 127 unless told. */
export function quantizeRows(data: Float32Array, rows: number, columns: number, steps = TABLE_STEPS): QuantizedRows {
  const values = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let peak = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) peak = Math.max(peak, Math.abs(data[i] ?? 0));
    const scale = Math.fround(peak / steps) || 1;
    scales[row] = scale;
    for (let i = row * columns; i < (row + 1) * columns; i++) values[i] = Math.round((data[i] ?? 0) / scale);
  }
  return { values, scales };
}

/** Whether a linear weight of this shape becomes int8. */
export function isWorthQuantizing(shape: readonly Dim[]): boolean {
  return shape.length === 2 && shape.every((size) => typeof size === "number" && size >= MINIMUM_QUANTIZED_WIDTH);
}

/** Node for x @ weight^T + bias with int8 weights, or undefined where float32 is the better choice. */
export function lowerQuantizedLinear(
  { emitter, inputs, names: [x = "", , bias], attributes }: LoweringContext<"linear">,
  data: Float32Array,
  rows: number,
  columns: number,
): string | undefined {
  const parameter = inputs[1];
  if (parameter === undefined || attributes.transposed || !emitter.isQuantized(parameter)) return undefined;
  if (!isWorthQuantizing([rows, columns])) return undefined;
  const { values, scales } = quantizeRows(data, rows, columns, LINEAR_STEPS);
  const stored = new Int8Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) stored[j * rows + i] = values[i * columns + j] ?? 0;
  const operands = [
    x,
    emitter.int8(`${parameter.name}.int8`, stored, [columns, rows]),
    emitter.namedFloat32(`${parameter.name}.scale`, scales, [rows]),
  ];
  if (bias !== undefined) operands.push("", bias);
  return emitter.emit("DynamicQuantizeMatMul", operands, { domain: "com.microsoft" })[0];
}
