/** @file 4-bit weights for serving, symmetric, in blocks of 32 along the inputs of a linear layer or the columns of a table: the layout of ONNX Runtime's
 *  MatMulNBits and GatherBlockQuantized, rounded as llama.cpp's Q4_0. Knows no model. */
import type { LoweringContext } from "./op-row.js";
import { isWorthQuantizing } from "./quantized.js";
import type { Emitter } from "./emitter.js";
import type { Value } from "./types.js";

/** Weights that share a scale. */
export const BLOCK_SIZE = 32;
/** The nibble that stands for zero, which both operators assume. */
const ZERO_POINT = 8;
const LARGEST = 15;
/** Products take the activations as int8, block by block; the operator's own default is many times slower. */
const INT8_ACTIVATIONS = 4;

export interface FourBitRows {
  /** [rows, blocks, BLOCK_SIZE / 2]: two nibbles in a byte, the even place in the low one; what pads the last block stands for zero. */
  readonly packed: Uint8Array;
  /** [rows, blocks]: weight = (nibble - 8) * scale. A scale may be negative. */
  readonly scales: Float32Array;
  readonly blocks: number;
}

/** The scale of a block: its largest magnitude becomes -8, so that all sixteen values are of use. */
function scaleOf(block: Float32Array): number {
  const largest = block.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return Math.fround(largest / -ZERO_POINT) || 1;
}

/** Rounds [rows, columns] to 16 values, each block of a row by a scale of its own. */
export function quantizeFourBit(data: Float32Array, rows: number, columns: number): FourBitRows {
  const blocks = Math.ceil(columns / BLOCK_SIZE);
  const packed = new Uint8Array((rows * blocks * BLOCK_SIZE) / 2).fill(ZERO_POINT * 17);
  const scales = new Float32Array(rows * blocks);
  for (let place = 0; place < rows * blocks; place++) {
    const start = Math.floor(place / blocks) * columns + (place % blocks) * BLOCK_SIZE;
    const end = Math.min(start + BLOCK_SIZE, (Math.floor(place / blocks) + 1) * columns);
    const block = data.subarray(start, end);
    const scale = scaleOf(block);
    scales[place] = scale;
    for (const [i, value] of block.entries()) {
      const nibble = Math.min(LARGEST, Math.max(0, Math.round(value / scale) + ZERO_POINT));
      const byte = place * (BLOCK_SIZE / 2) + (i >> 1);
      const kept = (packed[byte] ?? 0) & (i % 2 === 0 ? 0xf0 : 0x0f);
      packed[byte] = kept | (i % 2 === 0 ? nibble : nibble << 4);
    }
  }
  return { packed, scales, blocks };
}

/** Node for x @ weight^T + bias with 4-bit weights, or undefined where they are not asked for or not worth it. */
export function lowerFourBitLinear(
  { emitter, inputs, names: [x = "", , bias], attributes }: LoweringContext<"linear">,
  data: Float32Array,
  rows: number,
  columns: number,
): string | undefined {
  const parameter = inputs[1];
  if (parameter === undefined || attributes.transposed || emitter.bits !== 4 || !emitter.isQuantized(parameter))
    return undefined;
  if (!isWorthQuantizing([rows, columns])) return undefined;
  const { packed, scales, blocks } = quantizeFourBit(data, rows, columns);
  const operands = [
    x,
    emitter.uint8(`${parameter.name}.int4`, packed, [rows, blocks, BLOCK_SIZE / 2]),
    emitter.namedFloat32(`${parameter.name}.block_scale`, scales, [rows, blocks]),
  ];
  if (bias !== undefined) operands.push("", "", bias);
  const sizes = { K: columns, N: rows, bits: 4, block_size: BLOCK_SIZE, accuracy_level: INT8_ACTIVATIONS };
  return emitter.emit("MatMulNBits", operands, { domain: "com.microsoft", attributes: sizes })[0];
}

/** Rows of a 4-bit table by ids, or undefined where 4 bits are not asked for or blocks do not fill its rows. */
export function gatherFourBitRows(
  emitter: Emitter,
  { name, shape: [rows, columns] }: Value,
  data: Float32Array,
  ids: string,
): string | undefined {
  if (emitter.bits !== 4 || typeof rows !== "number" || typeof columns !== "number" || columns % BLOCK_SIZE !== 0)
    return undefined;
  const { packed, scales, blocks } = quantizeFourBit(data, rows, columns);
  const operands = [
    emitter.uint8(`${name}.int4`, packed, [rows, columns / 2]),
    ids,
    emitter.namedFloat32(`${name}.block_scale`, scales, [rows, blocks]),
  ];
  const layout = { bits: 4, block_size: BLOCK_SIZE, gather_axis: 0, quantize_axis: 1 };
  return emitter.emit("GatherBlockQuantized", operands, { domain: "com.microsoft", attributes: layout })[0];
}
