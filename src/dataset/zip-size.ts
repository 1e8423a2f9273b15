/** @file How much a zip archive really unpacks to, whatever its directory says: every entry is inflated and counted, none is kept. */
import { readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DEFLATED = 8;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const PIECE_BYTES = 1 << 16;

/** True when the entries of the archive unpack to more than `limitBytes`. @throws Error when it is damaged */
export async function unpacksBeyond(path: string, limitBytes: number): Promise<boolean> {
  const bytes = readFileSync(path);
  let unpacked = 0;
  for (const packed of entriesOf(bytes)) {
    if (packed.method !== DEFLATED) unpacked += packed.data.length;
    else unpacked += await inflatedSize(packed.data, limitBytes - unpacked);
    if (unpacked > limitBytes) return true;
  }
  return false;
}

function* entriesOf(bytes: Buffer): Generator<{ readonly method: number; readonly data: Buffer }> {
  let end = bytes.length - 22;
  while (end > 0 && bytes.readUInt32LE(end) !== DIRECTORY_END) end--;
  const entries = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < entries && bytes.readUInt32LE(at) === DIRECTORY_ENTRY; i++) {
    const local = bytes.readUInt32LE(at + 42);
    const start = local + LOCAL_BYTES + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const data = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
    yield { method: bytes.readUInt16LE(at + 10), data };
    at += ENTRY_BYTES + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
}

/** Size of the inflated data, or more than `limitBytes` once it is known to exceed it. */
async function inflatedSize(data: Buffer, limitBytes: number): Promise<number> {
  let size = 0;
  const enough = new AbortController();
  const counter = new Writable({
    write(piece: Buffer, _encoding, done) {
      size += piece.length;
      if (size > limitBytes) enough.abort();
      done();
    },
  });
  const pieces = function* (): Generator<Buffer> {
    for (let at = 0; at < data.length; at += PIECE_BYTES) yield data.subarray(at, at + PIECE_BYTES);
  };
  try {
    await pipeline(Readable.from(pieces()), createInflateRaw(), counter, { signal: enough.signal });
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
  return size;
}
