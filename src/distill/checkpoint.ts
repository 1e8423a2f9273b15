/** @file Checkpoints: a JSON header, raw float arrays and a checksum in one file, written under another name, flushed
 *  and renamed, so that a kill at any moment leaves the old or the new one. Knows nothing of what the arrays mean. */
import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { StoreError } from "../errors.js";

const MAGIC = "JORYUCP1";
const CHECKSUM_BYTES = 32;

export interface Checkpoint {
  /** Names what the state belongs to (a hash of the spec): a checkpoint of another run is never resumed. */
  readonly fingerprint: string;
  /** JSON value: counters and history. */
  readonly state: unknown;
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

/** Writes atomically. @throws StoreError when the disk refuses. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { fingerprint, state, arrays } = checkpoint;
  const layout = Array.from(arrays, ([name, data]) => ({ name, length: data.length }));
  const header = Buffer.from(JSON.stringify({ fingerprint, state, arrays: layout }));
  const lead = Buffer.alloc(MAGIC.length + 4);
  lead.write(MAGIC, "latin1");
  lead.writeUInt32LE(header.length, MAGIC.length);
  const parts: Uint8Array[] = [lead, header];
  for (const data of arrays.values()) parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  const temporary = `${path}.writing`;
  try {
    const file = await open(temporary, "w");
    try {
      for (const part of [...parts, hash.digest()]) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new StoreError(`checkpoint ${path}: cannot be written`, {
      cause,
      hint: "check the folder and the space left",
    });
  }
}

/** Reads a checkpoint; undefined when there is none. @throws StoreError when the file is damaged. */
export async function readCheckpoint(path: string): Promise<Checkpoint | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new StoreError(`checkpoint ${path}: cannot be read`, { cause });
  }
  return parseCheckpoint(path, bytes);
}

interface Header {
  readonly fingerprint: string;
  readonly state: unknown;
  readonly arrays: readonly { readonly name: string; readonly length: number }[];
}

function parseCheckpoint(path: string, bytes: Buffer): Checkpoint {
  const damaged = (what: string): StoreError =>
    new StoreError(`checkpoint ${path}: ${what}`, { hint: "delete it to start the training again" });
  const lead = MAGIC.length + 4;
  if (bytes.length < lead + CHECKSUM_BYTES || bytes.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw damaged("not a checkpoint");
  const end = bytes.length - CHECKSUM_BYTES;
  const sum = createHash("sha256").update(bytes.subarray(0, end)).digest();
  if (!sum.equals(bytes.subarray(end))) throw damaged("checksum does not match");
  let offset = lead + bytes.readUInt32LE(MAGIC.length);
  const header = JSON.parse(bytes.toString("utf8", lead, offset)) as Header;
  const arrays = new Map<string, Float32Array>();
  for (const { name, length } of header.arrays) {
    const data = new Float32Array(length);
    new Uint8Array(data.buffer).set(bytes.subarray(offset, offset + 4 * length));
    arrays.set(name, data);
    offset += 4 * length;
  }
  return { fingerprint: header.fingerprint, state: header.state, arrays };
}
