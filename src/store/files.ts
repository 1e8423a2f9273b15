/** @file Files that are whole or absent: write to a temporary name, fsync, rename. The temporary name is fixed per target, so what a
 *  killed process leaves behind is overwritten by the next one. */
import { closeSync, copyFileSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { JoryuError, StoreError } from "../errors.js";

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space and run again",
  EDQUOT: "the disk quota is used up: free some space and run again",
  EFBIG: "the system limits the size of files: raise that limit (ulimit -f) and run again",
  EACCES: "no permission to write there: choose another folder with --out",
  EPERM: "no permission to write there: choose another folder with --out",
  EROFS: "the file system is read-only: choose another folder with --out",
  EEXIST: "a file stands where a folder is needed: choose another folder with --out",
  ENOTDIR: "a file stands where a folder is needed: choose another folder with --out",
  EISDIR: "a folder stands where a file is needed: move it away",
};

/** The system's code of an error, such as ENOENT; empty where it has none. */
export function errorCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

/** Turns a file system error into one clear line. */
export function storeError(path: string, cause: unknown): StoreError {
  const code = errorCode(cause);
  return new StoreError(`${path}: cannot write (${code === "" ? String(cause) : code})`, {
    hint: HINTS[code] ?? "check the folder and run again",
    cause,
  });
}

/** Makes a folder and its parents. @throws StoreError */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw storeError(path, cause);
  }
}

/** Makes the names in a folder last: a new file survives a crash only after this. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Copies a file so that its bytes last. @throws StoreError */
export function copyFileSynced(from: string, to: string): void {
  try {
    copyFileSync(from, to);
    const descriptor = openSync(to, "r+");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw storeError(to, cause);
  }
}

/** Removes what a failed write has left; where that fails too, the first failure is the one to tell. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The caller throws the error that matters.
  }
}

/** Replaces a file in one step: readers see the previous complete version or the new one. @throws StoreError */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  writePartsAtomic(path, [typeof data === "string" ? Buffer.from(data, "utf8") : data]);
}

/** Like `writeFileAtomic`, of parts that are asked for one after the other; an error of theirs leaves the previous version.
 *  @throws StoreError, or the JoryuError that the parts throw */
export function writePartsAtomic(path: string, parts: Iterable<Uint8Array>): void {
  const temporary = `${path}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(temporary, "w");
    try {
      for (const bytes of parts) {
        for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    removeIfPossible(temporary);
    throw cause instanceof JoryuError ? cause : storeError(path, cause);
  }
}

/** Written at once: enough to keep the disk busy. */
const BUFFERED_CHARACTERS = 1 << 20;

function* jsonLineBlocks(values: Iterable<unknown>): Generator<Uint8Array> {
  let text = "";
  for (const value of values) {
    text += `${JSON.stringify(value)}\n`;
    if (text.length < BUFFERED_CHARACTERS) continue;
    yield Buffer.from(text, "utf8");
    text = "";
  }
  yield Buffer.from(text, "utf8");
}

/** Replaces a file by values as JSON lines, as `writeFileAtomic` does, without holding them all. @throws StoreError, or the JoryuError
 *  that the values throw */
export function writeJsonLinesAtomic(path: string, values: Iterable<unknown>): void {
  writePartsAtomic(path, jsonLineBlocks(values));
}

/** A value as the indented JSON that the state holds. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Writes a value as indented JSON, atomically. @throws StoreError */
export function writeJsonAtomic(path: string, value: unknown): void {
  writeFileAtomic(path, formatJson(value));
}
