/** @file Weights in safetensors files, one or sharded: opening reads headers alone, a tensor is read by name in pieces of bounded size
 *  and comes as float32. Writing goes through a temporary name. Knows no model and no graph. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { nearestFew } from "../config/nearest.js";
import { InputError } from "../errors.js";
import { writePartsAtomic } from "../store/files.js";
import { packBF16, packF16, unpackBF16, unpackF16 } from "../tensor/half.js";
import { elementCount } from "../tensor/tensor.js";
import { readError, readJsonObject } from "./json.js";
import {
  elementBytes,
  headerLength,
  MAXIMUM_HEADER_BYTES,
  MAXIMUM_NAME_LENGTH,
  parseHeader,
  type FloatType,
  type SafetensorsHeader,
  type TensorEntry,
} from "./safetensors-header.js";
import { isJsonObject } from "../json.js";

export type { ElementType, FloatType, TensorEntry } from "./safetensors-header.js";

/** Bytes read or packed at a time: large enough for the disk, small beside any tensor. */
const CHUNK_BYTES = 1 << 20;
/** The largest public models have some 200 shards. */
const MAXIMUM_SHARDS = 1000;
const GET_AGAIN = "download or export the file again";

/** Tensors by name, wherever they lie. */
export interface Weights {
  /** The file, or the index of sharded files, that errors name. */
  readonly path: string;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** The `__metadata__` of a single file, {} for shards. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Values [elements of the shape] as float32. @throws InputError when there is no such tensor or it is no F32, F16 or BF16. */
  read(name: string): Float32Array;
}

/** Reads exactly `into.length` bytes. */
function readExactly(file: number, into: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < into.length;) {
    const count = readSync(file, into, done, Math.min(into.length - done, CHUNK_BYTES), position + done);
    if (count === 0) throw new InputError(`${path}: ends before its data do`, { hint: GET_AGAIN });
    done += count;
  }
}

/** Opens, hands the descriptor and size on, closes; failures of the disk become one line. */
function withFile<T>(path: string, use: (file: number, sizeBytes: number) => T): T {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    return use(file, fstatSync(file).size);
  } catch (cause) {
    throw cause instanceof InputError ? cause : readError(path, cause);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function readHeader(path: string): SafetensorsHeader {
  return withFile(path, (file, sizeBytes) => {
    const first = new Uint8Array(Math.min(8, sizeBytes));
    readExactly(file, first, 0, path);
    const json = new Uint8Array(headerLength(first, sizeBytes, path));
    readExactly(file, json, 8, path);
    return parseHeader(json, sizeBytes, path);
  });
}

type Unpack = (bits: Uint16Array, into: Float32Array, at: number) => void;
const UNPACK: Readonly<Record<Exclude<FloatType, "F32">, Unpack>> = { F16: unpackF16, BF16: unpackBF16 };
const PACK: Readonly<Record<Exclude<FloatType, "F32">, (values: Float32Array) => Uint16Array>> = {
  F16: packF16,
  BF16: packBF16,
};

/** Whether the values of a type can be read as float32. */
export function isFloatType(type: string): type is FloatType {
  return type === "F32" || Object.hasOwn(UNPACK, type);
}

function readValues(path: string, { name, type, shape, offsetBytes, sizeBytes }: TensorEntry): Float32Array {
  if (!isFloatType(type)) {
    throw new InputError(`${path}: tensor ${JSON.stringify(name)} has the type ${type}, expected F32, F16 or BF16`);
  }
  const values = new Float32Array(elementCount(shape));
  withFile(path, (file) => {
    if (type === "F32") return readExactly(file, new Uint8Array(values.buffer), offsetBytes, path);
    const bits = new Uint16Array(Math.min(CHUNK_BYTES, sizeBytes) / 2);
    for (let at = 0; at < values.length; at += bits.length) {
      const part = bits.subarray(0, Math.min(bits.length, values.length - at));
      readExactly(file, new Uint8Array(part.buffer, 0, part.byteLength), offsetBytes + 2 * at, path);
      UNPACK[type](part, values, at);
    }
  });
  return values;
}

/** @throws InputError that names the file and the nearest names. */
function missingTensor(path: string, name: string, known: Iterable<string>): InputError {
  const near = nearestFew(name, [...known], 3);
  return new InputError(`${path}: no tensor ${JSON.stringify(name)}`, {
    hint: near.length === 0 ? "the file holds no tensors" : `the nearest names are ${near.join(", ")}`,
  });
}

/** Opens one safetensors file. @throws InputError when it is damaged. */
export function openSafetensors(path: string): Weights {
  const { entries, metadata } = readHeader(path);
  const read = (name: string): Float32Array => {
    const entry = entries.get(name);
    if (entry === undefined) throw missingTensor(path, name, entries.keys());
    return readValues(path, entry);
  };
  return { path, entries, metadata, read };
}

const SHARD_NAME = /^[\w.-]{1,200}\.safetensors$/;

/** The shard of every tensor, from `weight_map`. */
function parseIndex(path: string): Map<string, string> {
  const { weight_map: map } = readJsonObject(path, MAXIMUM_HEADER_BYTES);
  if (!isJsonObject(map)) throw new InputError(`${path}: weight_map: expected {tensor: file}`, { hint: GET_AGAIN });
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    const where = `${path}: tensor ${JSON.stringify(name.slice(0, 120))}`;
    if (name === "" || name.length > MAXIMUM_NAME_LENGTH) throw new InputError(`${where}: name is empty or too long`);
    if (typeof shard !== "string" || !SHARD_NAME.test(shard)) {
      const came = (JSON.stringify(shard) ?? "nothing").slice(0, 80);
      throw new InputError(`${where}: expected a safetensors file beside it, came ${came}`);
    }
    shardOf.set(name, shard);
  }
  return shardOf;
}

/** Opens the shards that a `model.safetensors.index.json` names; only the tensors that it lists are known.
 *  @throws InputError when index or shards are damaged or disagree. */
export function openShardedSafetensors(path: string): Weights {
  const shardOf = parseIndex(path);
  const names = new Set(shardOf.values());
  if (names.size > MAXIMUM_SHARDS) {
    throw new InputError(`${path}: ${names.size} shards, expected at most ${MAXIMUM_SHARDS}`);
  }
  const shards = new Map([...names].map((name) => [name, openSafetensors(join(dirname(path), name))]));
  const entries = new Map<string, TensorEntry>();
  for (const [name, shardName] of shardOf) {
    const shard = shards.get(shardName);
    const entry = shard?.entries.get(name);
    if (entry === undefined) throw missingTensor(shard?.path ?? path, name, shard?.entries.keys() ?? []);
    entries.set(name, entry);
  }
  const read = (name: string): Float32Array => {
    const shard = shards.get(shardOf.get(name) ?? "");
    if (shard === undefined) throw missingTensor(path, name, entries.keys());
    return shard.read(name);
  };
  return { path, entries, metadata: {}, read };
}

export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  /** How the values are stored; F32 unless told. */
  readonly type?: FloatType;
  /** Called once, when the tensor's turn has come: the elements of the shape. */
  read(): Float32Array;
}

function* packedParts(path: string, { name, shape, type = "F32", read }: TensorToWrite): Generator<Uint8Array> {
  const values = read();
  if (values.length !== elementCount(shape)) {
    const needed = `[${shape.join(", ")}] needs ${elementCount(shape)} elements`;
    throw new InputError(`${path}: tensor ${JSON.stringify(name)} ${needed}, came ${values.length}`);
  }
  const step = CHUNK_BYTES / 4;
  for (let at = 0; at < values.length; at += step) {
    const slice = values.subarray(at, at + step);
    const packed = type === "F32" ? slice : PACK[type](slice);
    yield new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  }
}

function formatHeader(tensors: readonly TensorToWrite[], metadata: Readonly<Record<string, string>>): Uint8Array {
  let end = 0;
  const fields = tensors.map(({ name, shape, type = "F32" }): readonly [string, unknown] => {
    const begin = end;
    end += elementCount(shape) * elementBytes(type);
    return [name, { dtype: type, shape, data_offsets: [begin, end] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries([["__metadata__", metadata], ...fields])));
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8), 0);
  json.copy(header, 8);
  return header;
}

/** Writes tensors in the given order, atomically, holding one at a time.
 *  @throws InputError for a name given twice or values that do not fit their shape, StoreError when the disk refuses. */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): void {
  const names = new Set(["__metadata__", "__proto__", ""]);
  for (const { name } of tensors) {
    if (names.has(name))
      throw new InputError(`${path}: the tensor name ${JSON.stringify(name)} is reserved or given twice`);
    names.add(name);
  }
  writePartsAtomic(
    path,
    (function* () {
      yield formatHeader(tensors, metadata);
      for (const tensor of tensors) yield* packedParts(path, tensor);
    })(),
  );
}
