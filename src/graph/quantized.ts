/** @file int8 weights for serving, symmetric, one scale per output column of a linear layer and per row of a table. The fast u8 x s8 kernel of
 *  processors with AVX2 but no VNNI adds two products in 16 bits; linear weights are scaled so that it cannot saturate. Knows no model. */
import type { LoweringContext } from "./op-row.js";
import type { Dim, Fit } from "./types.js";

/** Narrower layers gain nothing from int8 and lose precision. */
export const MINIMUM_QUANTIZED_WIDTH = 64;

export interface QuantizedRows {
  readonly values: Int8Array;
  /** One scale per row: weight = value * scale. */
  readonly scales: Float32Array;
}

/** Steps on either side of zero. */
export const INT8_STEPS = 127;
/** That kernel's operand is 0 .. 255, so a pair's sum may be 128 at most, which 127 and two roundings are: 255 * 128 < 2^15. */
export const LINEAR_FIT: Fit = 2;
export const TABLE_FIT: Fit = 1;

/** The largest magnitude of a row, or of the sum of two same-signed neighbours; of a pair of other signs the larger. */
function peakOf(row: Float32Array, fit: Fit): number {
  let peak = 0;
  for (let i = 0; i < row.length; i++) {
    const value = row[i] ?? 0;
    const sum = fit === 2 && i % 2 === 0 ? value + (row[i + 1] ?? 0) : 0;
    peak = Math.max(peak, Math.abs(value), Math.abs(sum));
  }
  return peak;
}

/** Rounds each row of [rows, columns] to the steps of int8. */
export function quantizeRows(data: Float32Array, rows: number, columns: number, fit: Fit): QuantizedRows {
  const values = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const peak = peakOf(data.subarray(row * columns, (row + 1) * columns), fit);
    const scale = Math.fround(peak / INT8_STEPS) || 1;
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
  const { values, scales } = quantizeRows(data, rows, columns, LINEAR_FIT);
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
