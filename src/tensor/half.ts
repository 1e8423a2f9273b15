/** @file Float32 values packed into 16 bits and back: IEEE half (F16) and bfloat16 (BF16), rounding to nearest, ties to even.
 *  Works on arrays of bit patterns; knows no file and no byte order. */

function halfToFloat(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Shifts right, rounding to nearest and ties to even. */
function shiftRounded(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && (kept & 1) === 1) ? kept + 1 : kept;
}

function floatBitsToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  // Rounding may carry into the exponent, which is then the next half (or infinity), as it must be.
  if (magnitude >= 0x38800000) return sign | shiftRounded(magnitude - 0x38000000, 13);
  const shift = 126 - (magnitude >>> 23);
  return shift > 24 ? sign : sign | shiftRounded((magnitude & 0x7fffff) | 0x800000, shift);
}

function floatBitsToBF16(bits: number): number {
  return (bits & 0x7fffffff) > 0x7f800000 ? (bits >>> 16) | 0x40 : shiftRounded(bits, 16);
}

let halfTable: Float32Array | undefined;

/** The float of each of the 65,536 half patterns. */
function halves(): Float32Array {
  halfTable ??= Float32Array.from({ length: 0x10000 }, (_, bits) => halfToFloat(bits));
  return halfTable;
}

/** Writes the values of F16 bit patterns into `into` from index `at`. */
export function unpackF16(bits: Uint16Array, into: Float32Array, at = 0): void {
  const table = halves();
  for (let i = 0; i < bits.length; i++) into[at + i] = table[bits[i] ?? 0] ?? 0;
}

/** Writes the values of BF16 bit patterns into `into` from index `at`. */
export function unpackBF16(bits: Uint16Array, into: Float32Array, at = 0): void {
  const words = new Uint32Array(into.buffer, into.byteOffset, into.length);
  for (let i = 0; i < bits.length; i++) words[at + i] = (bits[i] ?? 0) << 16;
}

function pack(values: Float32Array, encode: (bits: number) => number): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const packed = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) packed[i] = encode(words[i] ?? 0);
  return packed;
}

/** F16 bit patterns of floats; beyond 65,504 they become infinite. */
export function packF16(values: Float32Array): Uint16Array {
  return pack(values, floatBitsToHalf);
}

/** BF16 bit patterns of floats; NaN stays NaN. */
export function packBF16(values: Float32Array): Uint16Array {
  return pack(values, floatBitsToBF16);
}
