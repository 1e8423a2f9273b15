/** @file AdamW (Loshchilov and Hutter 2019) and the sum of squares as loops of WebAssembly SIMD over one memory, which the
 *  runtime reads weights from and writes gradients to without copies. The module is assembled here, byte by byte: two
 *  functions. `adamTail` is the same arithmetic, bit for bit, in TypeScript. Reference: WebAssembly 2.0, binary format. */

/** What one update multiplies by, all rounded to float32. */
export interface AdamFactors {
  readonly gradientScale: number;
  readonly keepFirst: number;
  readonly takeFirst: number;
  readonly keepSecond: number;
  readonly takeSecond: number;
  /** 1 - learning rate * weight decay. */
  readonly keepWeight: number;
  /** Learning rate over the bias correction of the first moment. */
  readonly rate: number;
  /** 1 over the bias correction of the second moment. */
  readonly correction: number;
  readonly epsilon: number;
}

/** Byte addresses of four equally long arrays. */
export interface AdamAddresses {
  readonly weights: number;
  readonly first: number;
  readonly second: number;
  readonly gradient: number;
}

export interface AdamKernel {
  /** Updates `bytes` bytes in place; a positive multiple of 16. */
  update(at: AdamAddresses, bytes: number, factors: AdamFactors): void;
  /** Sum of squares of the float32 numbers in `bytes` bytes, in float64; a positive multiple of 16. */
  sumOfSquares(address: number, bytes: number): number;
}

const [I32, F32, F64, V128] = [0x7f, 0x7d, 0x7c, 0x7b];
const SIMD = 0xfd;
const FACTOR_NAMES = [
  "gradientScale",
  "keepFirst",
  "takeFirst",
  "keepSecond",
  "takeSecond",
  "keepWeight",
  "rate",
  "correction",
  "epsilon",
] as const satisfies readonly (keyof AdamFactors)[];

const get = (local: number): number[] => [0x20, local];
const set = (local: number, ...value: number[]): number[] => [...value, 0x21, local];
const load = (address: number): number[] => [...get(address), SIMD, 0x00, 4, 0];
const store = (address: number, value: number[]): number[] => [...get(address), ...value, SIMD, 0x0b, 4, 0];
const float4 = (opcode: number, ...operands: number[][]): number[] => [...operands.flat(), SIMD, opcode, 0x01];
const sqrt = (x: number[]): number[] => float4(0xe3, x);
const add = (a: number[], b: number[]): number[] => float4(0xe4, a, b);
const sub = (a: number[], b: number[]): number[] => float4(0xe5, a, b);
const mul = (a: number[], b: number[]): number[] => float4(0xe6, a, b);
const div = (a: number[], b: number[]): number[] => float4(0xe7, a, b);
const add2 = (a: number[], b: number[]): number[] => float4(0xf0, a, b);
const mul2 = (a: number[], b: number[]): number[] => float4(0xf2, a, b);
const advance = (address: number): number[] => set(address, ...get(address), 0x41, 16, 0x6a);
/** Repeats `body` until the first address has come to `end`. */
const untilAt = (address: number, end: number, body: number[]): number[] =>
  [[0x03, 0x40], body, get(address), get(end), [0x47, 0x0d, 0, 0x0b]].flat();

/** Locals: 0-3 addresses, 4 end of the weights, 5-13 factors, then the same factors in four lanes and three temporaries. */
function adamBody(): number[] {
  const [weights, first, second, gradient, end] = [0, 1, 2, 3, 4];
  const lanes = FACTOR_NAMES.map((_, i) => 14 + i);
  const [scale, keep1, take1, keep2, take2, keepWeight, rate, correction, epsilon] = lanes.map(get);
  const [slope, m, v] = [23, 24, 25];
  if (scale === undefined || keep1 === undefined || take1 === undefined || keep2 === undefined) return [];
  if (take2 === undefined || keepWeight === undefined || rate === undefined) return [];
  if (correction === undefined || epsilon === undefined) return [];
  const step = div(mul(rate, get(m)), add(sqrt(mul(get(v), correction)), epsilon));
  return [
    ...lanes.flatMap((lane, i) => set(lane, ...get(5 + i), SIMD, 0x13)),
    ...untilAt(weights, end, [
      ...set(slope, ...mul(load(gradient), scale)),
      ...set(m, ...add(mul(load(first), keep1), mul(get(slope), take1))),
      ...store(first, get(m)),
      ...set(v, ...add(mul(load(second), keep2), mul(mul(get(slope), take2), get(slope)))),
      ...store(second, get(v)),
      ...store(weights, sub(mul(load(weights), keepWeight), step)),
      ...[weights, first, second, gradient].flatMap(advance),
    ]),
  ];
}

/** Locals: 0 address, 1 end, 2 the numbers, 3 and 4 sums of two lanes. */
function squaresBody(): number[] {
  const [address, end, x, low, high] = [0, 1, 2, 3, 4];
  const upper = [...get(x), ...get(x), SIMD, 0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
  const wide = (value: number[]): number[] => [...value, SIMD, 0x5f];
  const square = (sum: number, value: number[]): number[] =>
    set(sum, ...add2(get(sum), mul2(wide(value), wide(value))));
  const lane = (i: number): number[] => [...get(low), SIMD, 0x21, i];
  return [
    ...untilAt(address, end, [
      ...set(x, ...load(address)),
      ...square(low, get(x)),
      ...square(high, upper),
      ...advance(address),
    ]),
    ...set(low, ...add2(get(low), get(high))),
    ...lane(0),
    ...lane(1),
    0xa0,
  ];
}

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}
const sized = (bytes: number[]): number[] => [...unsigned(bytes.length), ...bytes];
const section = (id: number, ...entries: number[][]): number[] => [id, ...sized([entries.length, ...entries.flat()])];
const text = (value: string): number[] => sized([...new TextEncoder().encode(value)]);
const code = (vectors: number, body: number[]): number[] => sized([1, vectors, V128, ...body, 0x0b]);

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const factors = FACTOR_NAMES.map(() => F32);
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return Uint8Array.from([
    ...magic,
    ...section(1, [0x60, ...sized([I32, I32, I32, I32, I32, ...factors]), 0], [0x60, 2, I32, I32, 1, F64]),
    ...section(2, [...text("joryu"), ...text("memory"), 2, 0, 0]),
    ...section(3, [0], [1]),
    ...section(7, [...text("adam"), 0, 0], [...text("squares"), 0, 1]),
    ...section(10, code(12, adamBody()), code(3, squaresBody())),
  ]);
}

/** The two loops over `memory`. */
export function createAdamKernel(memory: WebAssembly.Memory): AdamKernel {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { joryu: { memory } });
  const { adam, squares } = exports;
  if (typeof adam !== "function" || typeof squares !== "function") throw new TypeError("the module lost its functions");
  return {
    update({ weights, first, second, gradient }, bytes, factors) {
      const numbers = FACTOR_NAMES.map((name) => factors[name]);
      adam(weights, first, second, gradient, weights + bytes, ...numbers);
    },
    sumOfSquares: (address, bytes) => Number(squares(address, address + bytes)),
  };
}

/** The update of elements start .. end-1 in TypeScript: every float32 operation rounded as the kernel rounds it. */
export function adamTail(
  arrays: Readonly<Record<keyof AdamAddresses, Float32Array>>,
  start: number,
  end: number,
  factors: AdamFactors,
): void {
  const { weights, first, second, gradient } = arrays;
  const { gradientScale, keepFirst, takeFirst, keepSecond, takeSecond, keepWeight, rate, correction, epsilon } =
    factors;
  const round = Math.fround;
  for (let i = start; i < end; i++) {
    const slope = round((gradient[i] ?? 0) * gradientScale);
    const m = round(round((first[i] ?? 0) * keepFirst) + round(slope * takeFirst));
    const v = round(round((second[i] ?? 0) * keepSecond) + round(round(slope * takeSecond) * slope));
    first[i] = m;
    second[i] = v;
    const deviation = round(round(Math.sqrt(round(v * correction))) + epsilon);
    weights[i] = round(round((weights[i] ?? 0) * keepWeight) - round(round(rate * m) / deviation));
  }
}
