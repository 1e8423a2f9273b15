/** @file Checkpoints: a JSON header, raw float arrays and a checksum in one file, written under another name, flushed
 *  and renamed, so that a kill at any moment leaves the old or the new one. Knows nothing of what the arrays mean. */
import { createHash } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { StoreError } from "../errors.js";

const MAGIC = "JORYUCP1";
const CHECKSUM_BYTES = 32;
/** Read and hashed at a time. */
const READ_BYTES = 1 << 26;

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
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new StoreError(`checkpoint ${path}: cannot be read`, { cause });
  }
  try {
    return await parseCheckpoint(path, file);
  } catch (cause) {
    throw cause instanceof StoreError ? cause : new StoreError(`checkpoint ${path}: cannot be read`, { cause });
  } finally {
    await file.close();
  }
}

interface Header {
  readonly fingerprint: string;
  readonly state: unknown;
  readonly arrays: readonly { readonly name: string; readonly length: number }[];
}

/** Reads array by array: the whole file may be larger than a buffer can be. */
async function parseCheckpoint(path: string, file: FileHandle): Promise<Checkpoint> {
  const damaged = (what: string): StoreError =>
    new StoreError(`checkpoint ${path}: ${what}`, { hint: "delete it to start the training again" });
  const { size } = await file.stat();
  const end = size - CHECKSUM_BYTES;
  const hash = createHash("sha256");
  let offset = 0;
  const fill = async (bytes: Uint8Array): Promise<void> => {
    if (offset + bytes.length > end) throw damaged("checksum does not match");
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + READ_BYTES);
      const { bytesRead } = await file.read(part, 0, part.length, offset + at);
      if (bytesRead === 0) throw damaged("cut off while it was read");
      hash.update(part.subarray(0, bytesRead));
      at += bytesRead;
    }
    offset += bytes.length;
  };
  const lead = Buffer.alloc(MAGIC.length + 4);
  if (end < lead.length) throw damaged("not a checkpoint");
  await fill(lead);
  if (lead.toString("latin1", 0, MAGIC.length) !== MAGIC) throw damaged("not a checkpoint");
  const json = Buffer.alloc(Math.min(lead.readUInt32LE(MAGIC.length), end));
  await fill(json);
  let header: Header;
  try {
    header = JSON.parse(json.toString("utf8")) as Header;
  } catch {
    throw damaged("checksum does not match");
  }
  const arrays = new Map<string, Float32Array>();
  for (const { name, length } of header.arrays) {
    if (!Number.isInteger(length) || length < 0 || 4 * length > end) throw damaged("checksum does not match");
    const data = new Float32Array(length);
    await fill(new Uint8Array(data.buffer));
    arrays.set(name, data);
  }
  const sum = Buffer.alloc(CHECKSUM_BYTES);
  await file.read(sum, 0, CHECKSUM_BYTES, end);
  if (offset !== end || !hash.digest().equals(sum)) throw damaged("checksum does not match");
  return { fingerprint: header.fingerprint, state: header.state, arrays };
}
