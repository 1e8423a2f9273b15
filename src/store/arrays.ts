/** @file Named float32 arrays in one file: u32 header length, JSON header {name: [offset, length]}, then little-endian data.
 *  For the run folder's own intermediate results; readers check every number, because a disk can hold anything. */
import { readFileSync } from "node:fs";
import { StoreError } from "../errors.js";
import { writeFileAtomic } from "./files.js";

/** Writes arrays atomically, names in the given order. @throws StoreError */
export function writeArrays(path: string, arrays: ReadonlyMap<string, Float32Array>): void {
  const entries: [string, readonly [number, number]][] = [];
  let offset = 0;
  for (const [name, data] of arrays) {
    entries.push([name, [offset, data.length]]);
    offset += data.length * 4;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const header = Buffer.alloc(4 + Math.ceil(json.length / 4) * 4, " ");
  header.writeUInt32LE(header.length - 4, 0);
  json.copy(header, 4);
  const parts: Uint8Array[] = [header];
  for (const data of arrays.values()) parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  writeFileAtomic(path, Buffer.concat(parts));
}

/** Reads what `writeArrays` wrote. @throws StoreError when the file is cut off or was not written by it. */
export function readArrays(path: string): Map<string, Float32Array> {
  const bytes = readFileSync(path);
  const broken = (what: string): StoreError =>
    new StoreError(`${path}: ${what}`, { hint: "delete the file and run again" });
  const headerLength = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1;
  if (headerLength < 2 || 4 + headerLength > bytes.length) throw broken("header is cut off");
  let index: unknown;
  try {
    index = JSON.parse(bytes.toString("utf8", 4, 4 + headerLength));
  } catch {
    throw broken("header is not JSON");
  }
  const arrays = new Map<string, Float32Array>();
  for (const [name, entry] of Object.entries(index ?? {})) {
    const [offset, length]: unknown[] = Array.isArray(entry) ? entry : [];
    const start = 4 + headerLength + Number(offset);
    const end = start + 4 * Number(length);
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > bytes.length) {
      throw broken(`array ${name} lies outside the file`);
    }
    arrays.set(name, new Float32Array(Uint8Array.from(bytes.subarray(start, end)).buffer));
  }
  return arrays;
}
