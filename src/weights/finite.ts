/** @file Weights that are NaN or infinite, by tensor. Reads one tensor at a time; knows no model. */
import { InputError } from "../errors.js";
import { isFloatType, type Weights } from "./safetensors.js";

export interface NonFiniteTensor {
  readonly name: string;
  /** Elements that are NaN or infinite. */
  readonly count: number;
  /** Flat index and value of the first of them. */
  readonly firstIndex: number;
  readonly firstValue: number;
}

function inspect(name: string, values: Float32Array): NonFiniteTensor | undefined {
  const firstIndex = values.findIndex((value) => !Number.isFinite(value));
  if (firstIndex < 0) return undefined;
  let count = 0;
  for (const value of values) if (!Number.isFinite(value)) count++;
  return { name, count, firstIndex, firstValue: values[firstIndex] ?? NaN };
}

/** Every float tensor that holds NaN or infinite values, in the order of the file. */
export function findNonFinite(weights: Weights): NonFiniteTensor[] {
  return [...weights.entries.values()]
    .filter(({ type }) => isFloatType(type))
    .flatMap(({ name }) => inspect(name, weights.read(name)) ?? []);
}

/** @throws InputError that names the first tensor with NaN or infinite values. */
export function checkFinite(weights: Weights): void {
  const [first, ...more] = findNonFinite(weights);
  if (first === undefined) return;
  const others = more.length === 0 ? "" : ` (and ${more.length} more tensors)`;
  const found = `${first.count} values that are not finite, the first is ${first.firstValue} at ${first.firstIndex}`;
  throw new InputError(`${weights.path}: tensor ${JSON.stringify(first.name)} holds ${found}${others}`, {
    hint: "take weights from an earlier checkpoint",
  });
}
