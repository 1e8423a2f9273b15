/** @file Files that are whole or absent: write to a temporary name, fsync, rename. The temporary name is fixed per target, so what a
 *  killed process leaves behind is overwritten by the next one. Also the lock that keeps two runs out of one state folder. */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
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

/** Makes the names in a folder last: a new file survives a crash only after this. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
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

/** Time that two processes get to notice that both took over the lock of a dead one. */
const TAKEOVER_MS = 50;

/** When a process started, in the system's ticks; the empty string where /proc does not tell. With the id it names one process for
 *  good, although ids are given again. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function nameOf(pid: number): string {
  return `${pid} ${startOf(pid)}`.trim();
}

/** The process that a lock names, or undefined when it is dead (or the lock is cut off). */
function liveHolder(written: string): number | undefined {
  const [id = "", start = ""] = written.split(" ");
  const pid = Number(id);
  if (!/^\d+$/.test(id) || pid === 0 || (start !== "" && startOf(pid) !== start)) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (cause) {
    return errorCode(cause) === "EPERM" ? pid : undefined;
  }
}

/** Text of a lock file; undefined when it has gone. */
function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw cause;
  }
}

/** Removes what processes that were killed while they took the lock have left. */
function sweepLocks(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = /^lock\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && liveHolder(pid) === undefined) rmSync(join(folder, name), { force: true });
  }
}

/** Puts `own` in the place of the lock when that is free or its holder is dead; the live holder otherwise. */
function claim(own: string, lock: string, name: string): number | undefined {
  try {
    linkSync(own, lock);
    return undefined;
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
  }
  const written = readLock(lock);
  const holder = written === undefined ? undefined : liveHolder(written);
  if (holder !== undefined && written !== name) return holder;
  renameSync(own, lock);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TAKEOVER_MS);
  const now = readLock(lock);
  return now === name ? undefined : (liveHolder(now ?? "") ?? 0);
}

/** Takes the lock of a state folder; the returned function gives it back. A lock whose process has died is taken over.
 *  @throws StoreError when another live process holds it, or the folder cannot be written. */
export function takeLock(folder: string): () => void {
  makeFolder(folder);
  const lock = join(folder, "lock");
  const own = join(folder, `lock.${process.pid}`);
  const name = nameOf(process.pid);
  try {
    sweepLocks(folder);
    writeFileSync(own, name);
    const holder = claim(own, lock, name);
    if (holder !== undefined) {
      throw new StoreError(`${folder}: process ${holder === 0 ? "" : `${holder} `}is at work here`, {
        hint: "wait for it, stop it, or choose another folder with --out",
      });
    }
    return () => {
      if (readLock(lock) === name) rmSync(lock, { force: true });
    };
  } catch (cause) {
    throw cause instanceof StoreError ? cause : storeError(folder, cause);
  } finally {
    removeIfPossible(own);
  }
}
