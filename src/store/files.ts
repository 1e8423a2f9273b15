/** @file Files that are whole or absent: write to a temporary name, fsync, rename. The temporary name is fixed per target, so what a
 *  killed process leaves behind is overwritten by the next one. Also the lock that keeps two runs out of one state folder. */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { StoreError } from "../errors.js";

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space and run again",
  EDQUOT: "the disk quota is used up: free some space and run again",
  EACCES: "no permission to write there: choose another folder with --out",
  EPERM: "no permission to write there: choose another folder with --out",
  EROFS: "the file system is read-only: choose another folder with --out",
  ENOTDIR: "a file stands where a folder is needed: choose another folder with --out",
  EISDIR: "a folder stands where a file is needed: move it away",
};

function errorCode(cause: unknown): string {
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

function syncFolder(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces a file in one step: readers see the previous complete version or the new one. @throws StoreError */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  const temporary = `${path}.tmp`;
  const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(temporary, "w");
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw storeError(path, cause);
  }
}

/** Writes a value as indented JSON, atomically. @throws StoreError */
export function writeJsonAtomic(path: string, value: unknown): void {
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return errorCode(cause) === "EPERM";
  }
}

/** Takes the lock of a state folder; the returned function gives it back. A lock whose process has died is taken over.
 *  @throws StoreError when another live process holds it. */
export function takeLock(folder: string): () => void {
  makeFolder(folder);
  const lock = join(folder, "lock");
  const own = join(folder, `lock.${process.pid}`);
  try {
    const descriptor = openSync(own, "w");
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        linkSync(own, lock);
        return () => rmSync(lock, { force: true });
      } catch (cause) {
        if (errorCode(cause) !== "EEXIST") throw cause;
        const holder = Number(readFileSync(lock, "utf8"));
        if (holder !== process.pid && processLives(holder)) {
          throw new StoreError(`${folder}: process ${holder} is at work here`, {
            hint: "wait for it, stop it, or choose another folder with --out",
          });
        }
        rmSync(lock, { force: true });
      }
    }
    throw new StoreError(`${folder}: cannot take the lock`, { hint: "run again" });
  } catch (cause) {
    throw cause instanceof StoreError ? cause : storeError(folder, cause);
  } finally {
    rmSync(own, { force: true });
  }
}
