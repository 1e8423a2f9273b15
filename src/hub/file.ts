/** @file One file of a hub, into a folder: goes on where an earlier attempt was cut off, and stands under its name only when its checksum
 *  is that of the listing. */
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  fsyncSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { InputError } from "../errors.js";
import { storeError } from "../store/files.js";

/** A file of the listing of a model. */
export interface HubFile {
  /** Inside the model, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of large files the SHA-256 of the content; of small ones git's SHA-1 of a blob. */
  readonly checksum: { readonly kind: "sha256" | "git"; readonly hex: string };
}

/** The bytes of a file from a place on. */
export type OpenRange = (startByte: number) => Promise<AsyncIterable<Uint8Array>>;

/** What is not yet whole. */
const PART = ".incomplete";

async function checksumOf(path: string, { checksum, sizeBytes }: HubFile): Promise<string> {
  const hash = createHash(checksum.kind === "git" ? "sha1" : "sha256");
  if (checksum.kind === "git") hash.update(`blob ${sizeBytes}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/** Whether a file stands with the size and the checksum of the listing. */
export async function isWhole(path: string, file: HubFile): Promise<boolean> {
  if (!existsSync(path) || statSync(path).size !== file.sizeBytes) return false;
  return (await checksumOf(path, file)) === file.checksum.hex;
}

/** Appends what is missing. @throws StoreError when it cannot be written, or what the source throws */
async function appendRest(
  part: string,
  file: HubFile,
  open: OpenRange,
  onBytes: (count: number) => void,
): Promise<void> {
  const descriptor = openAppend(part);
  try {
    let length = statSync(part).size;
    if (length >= file.sizeBytes) return;
    for await (const chunk of await open(length)) {
      // More than the listing says: not the file that was asked for.
      if (length + chunk.length > file.sizeBytes) break;
      appendAll(descriptor, part, chunk);
      length += chunk.length;
      onBytes(chunk.length);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openAppend(part: string): number {
  try {
    mkdirSync(dirname(part), { recursive: true });
    return openSync(part, "a");
  } catch (cause) {
    throw storeError(part, cause);
  }
}

function appendAll(descriptor: number, path: string, bytes: Uint8Array): void {
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
  } catch (cause) {
    throw storeError(path, cause);
  }
}

/** Bytes of a file that an earlier attempt has left; 0 where there are none. */
export function receivedBytes(path: string): number {
  const part = existsSync(path) ? path : `${path}${PART}`;
  return existsSync(part) ? statSync(part).size : 0;
}

/** Fetches one file to `path`; true when it is whole, false when the connection ended early. What came stays for the next attempt.
 *  @throws InputError when all bytes came and their checksum is another: they are removed */
export async function fetchFile(
  path: string,
  file: HubFile,
  open: OpenRange,
  onBytes: (count: number) => void,
): Promise<boolean> {
  const part = `${path}${PART}`;
  if (existsSync(part) && statSync(part).size > file.sizeBytes) rmSync(part);
  await appendRest(part, file, open, onBytes);
  if (statSync(part).size < file.sizeBytes) return false;
  if (!(await isWhole(part, file))) {
    rmSync(part);
    throw new InputError(`${file.path}: its checksum is not that of the hub's listing; the download was removed`, {
      hint: "run again; if it stays so, the hub or a proxy changes files",
    });
  }
  renameSync(part, path);
  return true;
}
