/** @file int8 weights for serving. Linear weights: one symmetric scale per output column, stored as uint8 with zero point 128
 *  because the mixed u8 x s8 kernel saturates on processors with AVX2 but no VNNI. Tables: one scale per row. Knows no model. */
import type { LoweringContext } from "./types.js";

/** Narrower layers gain nothing from int8 and lose precision. */
export const MINIMUM_QUANTIZED_WIDTH = 64;

export interface QuantizedRows {
  readonly values: Int8Array;
  /** One scale per row: weight = value * scale. */
  readonly scales: Float32Array;
}

/** Rounds each row of [rows, columns] to 127 steps on either side of zero. */
export function quantizeRows(data: Float32Array, rows: number, columns: number): QuantizedRows {
  const values = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let peak = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) peak = Math.max(peak, Math.abs(data[i] ?? 0));
    const scale = Math.fround(peak / 127) || 1;
    scales[row] = scale;
    for (let i = row * columns; i < (row + 1) * columns; i++) values[i] = Math.round((data[i] ?? 0) / scale);
  }
  return { values, scales };
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
  if (Math.min(rows, columns) < MINIMUM_QUANTIZED_WIDTH) return undefined;
  const { values, scales } = quantizeRows(data, rows, columns);
  const stored = new Uint8Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) stored[j * rows + i] = (values[i * columns + j] ?? 0) + 128;
  const operands = [
    x,
    emitter.uint8(`${parameter.name}.uint8`, stored, [columns, rows]),
    emitter.namedFloat32(`${parameter.name}.scale`, scales, [rows]),
    emitter.uint8("zero_point_128", Uint8Array.of(128), []),
  ];
  if (bias !== undefined) operands.push(bias);
  return emitter.emit("DynamicQuantizeMatMul", operands, { domain: "com.microsoft" })[0];
}
