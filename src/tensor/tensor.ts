/** @file A dense tensor: type, shape and row-major data. Knows nothing of graphs, files or runtimes. */
import { ShapeError } from "../errors.js";

export type TensorType = "f32" | "f64" | "i64" | "i32" | "i8" | "u8" | "bool";

interface DataOf {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly i32: Int32Array;
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly bool: Uint8Array;
}

export type Tensor = {
  readonly [T in TensorType]: { readonly type: T; readonly shape: readonly number[]; readonly data: DataOf[T] };
}[TensorType];

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function checked(type: TensorType, shape: readonly number[], length: number): void {
  if (elementCount(shape) !== length) {
    throw new ShapeError(
      `tensor ${type}: shape [${shape.join(", ")}] needs ${elementCount(shape)} elements, got ${length}`,
    );
  }
}

/** float32 tensor. @throws ShapeError when data and shape disagree. */
export function f32(shape: readonly number[], data: Float32Array): Tensor {
  checked("f32", shape, data.length);
  return { type: "f32", shape, data };
}

/** int64 tensor from integers. @throws ShapeError when data and shape disagree. */
export function i64(shape: readonly number[], values: ArrayLike<number>): Tensor {
  checked("i64", shape, values.length);
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i] ?? 0);
  return { type: "i64", shape, data };
}
