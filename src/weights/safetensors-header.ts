/** @file The header of a safetensors file, checked field by field: u64 length, JSON {name: {dtype, shape, data_offsets}}, data without
 *  holes or overlaps up to the end of the file. Follows the safetensors format (Hugging Face); knows no disk. */
import { InputError } from "../errors.js";
import { parseJsonObject } from "./json.js";
import { isJsonObject } from "../json.js";

/** Size of one element in bytes. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type ElementType = keyof typeof ELEMENT_BYTES;
/** The types whose values can be read and written. */
export type FloatType = "F32" | "F16" | "BF16";

/** Limit of the reference implementation. */
export const MAXIMUM_HEADER_BYTES = 100_000_000;
/** The largest public mixtures of experts have some 90,000. */
const MAXIMUM_TENSORS = 200_000;
/** Weights have up to 5; frameworks stop at 8 or 16. */
const MAXIMUM_DIMENSIONS = 16;
/** Longest names seen have some 120 characters. */
export const MAXIMUM_NAME_LENGTH = 1024;
/** A Float32Array holds no more in every runtime that we support. */
const MAXIMUM_ELEMENTS = 2 ** 31;
const GET_AGAIN = "download or export the file again";

export interface TensorEntry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** From the beginning of the file. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Size of the elements of a type in bytes. */
export function elementBytes(type: ElementType): number {
  return ELEMENT_BYTES[type];
}

function isElementType(value: unknown): value is ElementType {
  return typeof value === "string" && Object.hasOwn(ELEMENT_BYTES, value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

const refused = (where: string, what: string): InputError => new InputError(`${where}: ${what}`, { hint: GET_AGAIN });

/** Number of elements, or undefined where a dimension or the product is not a possible size. */
function countElements(shape: readonly unknown[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (!isCount(size)) return undefined;
    count *= size;
    if (count > MAXIMUM_ELEMENTS) return undefined;
  }
  return count;
}

function parseShape(where: string, value: unknown): readonly number[] {
  const shape: readonly unknown[] | undefined = Array.isArray(value) ? value : undefined;
  if (shape === undefined || shape.length > MAXIMUM_DIMENSIONS || countElements(shape) === undefined) {
    const came = (JSON.stringify(value) ?? "nothing").slice(0, 80);
    const limits = `at most ${MAXIMUM_DIMENSIONS} sizes and ${MAXIMUM_ELEMENTS} elements`;
    throw refused(where, `shape: expected ${limits}, came ${came}`);
  }
  return shape.filter(isCount);
}

/** Checks one tensor of the header; offsets are still those of the data part. */
function parseEntry(path: string, name: string, value: unknown, dataBytes: number): TensorEntry {
  const where = `${path}: tensor ${JSON.stringify(name.slice(0, 120))}`;
  if (name === "" || name.length > MAXIMUM_NAME_LENGTH) throw refused(where, "name is empty or too long");
  if (!isJsonObject(value)) throw refused(where, "expected {dtype, shape, data_offsets}");
  const { dtype, data_offsets: offsets } = value;
  if (!isElementType(dtype)) throw refused(where, `unknown dtype ${(JSON.stringify(dtype) ?? "nothing").slice(0, 40)}`);
  const shape = parseShape(where, value["shape"]);
  const [begin, end, more]: readonly unknown[] = Array.isArray(offsets) ? offsets : [];
  if (!isCount(begin) || !isCount(end) || more !== undefined || begin > end || end > dataBytes) {
    const came = (JSON.stringify(offsets) ?? "nothing").slice(0, 80);
    throw refused(where, `data_offsets: expected [begin, end] within ${dataBytes} bytes of data, came ${came}`);
  }
  const needed = (countElements(shape) ?? 0) * elementBytes(dtype);
  if (needed !== end - begin) {
    throw refused(where, `${dtype} [${shape.join(", ")}] needs ${needed} bytes, data_offsets hold ${end - begin}`);
  }
  return { name, type: dtype, shape, offsetBytes: begin, sizeBytes: needed };
}

function parseMetadata(path: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const fields = isJsonObject(value) ? Object.entries(value) : undefined;
  if (fields === undefined || fields.some(([, text]) => typeof text !== "string")) {
    throw refused(path, "__metadata__: expected an object of texts");
  }
  return Object.fromEntries(fields.map(([key, text]) => [key, String(text)]));
}

/** Orders tensors by their data and refuses holes and overlaps. */
function checkLayout(path: string, found: readonly TensorEntry[], dataBytes: number): TensorEntry[] {
  const order = [...found].sort((a, b) => a.offsetBytes - b.offsetBytes || a.sizeBytes - b.sizeBytes);
  let end = 0;
  for (const { name, offsetBytes, sizeBytes } of order) {
    if (offsetBytes !== end) {
      const fault = offsetBytes < end ? "overlaps the tensor before it" : "leaves a hole before it";
      throw refused(path, `tensor ${JSON.stringify(name)} ${fault} (begins at ${offsetBytes}, expected ${end})`);
    }
    end += sizeBytes;
  }
  if (end !== dataBytes) throw refused(path, `expected ${end} bytes of data, came ${dataBytes}`);
  return order;
}

/** Length of the JSON, from the first 8 bytes. @throws InputError when it cannot be right for a file of `fileBytes`. */
export function headerLength(first: Uint8Array, fileBytes: number, path: string): number {
  if (first.length < 8 || fileBytes < 8) throw refused(path, "expected a safetensors file, came less than 8 bytes");
  if (new TextDecoder().decode(first.subarray(0, 8)) === "version ")
    throw new InputError(`${path}: a Git LFS pointer, not the weights`, {
      hint: "run `git lfs pull` in the folder, or let a hub's model be fetched: --base hf:ORG/NAME",
    });
  const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true));
  const most = Math.min(MAXIMUM_HEADER_BYTES, fileBytes - 8);
  if (length < 2 || length > most) {
    throw refused(path, `expected a safetensors header of 2 to ${most} bytes, came the length ${length}`);
  }
  return length;
}

/** Parses the JSON of a header. Offsets come back from the beginning of the file.
 *  @throws InputError naming the tensor and field that is wrong. */
export function parseHeader(json: Uint8Array, fileBytes: number, path: string): SafetensorsHeader {
  const dataStart = 8 + json.length;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch (cause) {
    throw new InputError(`${path}: header: expected UTF-8`, { hint: GET_AGAIN, cause });
  }
  const { __metadata__: metadata, ...tensors } = parseJsonObject(text, `${path}: header`);
  const named = Object.entries(tensors);
  if (named.length > MAXIMUM_TENSORS) {
    throw refused(path, `${named.length} tensors, expected at most ${MAXIMUM_TENSORS}`);
  }
  const dataBytes = fileBytes - dataStart;
  const found = named.map(([name, value]) => parseEntry(path, name, value, dataBytes));
  const order = checkLayout(path, found, dataBytes);
  return {
    entries: new Map(order.map((entry) => [entry.name, { ...entry, offsetBytes: entry.offsetBytes + dataStart }])),
    metadata: parseMetadata(path, metadata),
  };
}
