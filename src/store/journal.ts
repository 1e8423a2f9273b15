/** @file An append-only file of JSON lines that survives `kill -9`: an entry counts once it is on the disk, a line cut off by the kill
 *  is taken away when the file is opened again. Entries that wait while the disk syncs are synced together. Knows nothing of what the
 *  entries mean. */
import { closeSync, fsync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { StoreError } from "../errors.js";
import { makeFolder, storeError, syncFolder } from "./files.js";

/** Where an entry stands, for reading it again. */
export interface Place {
  readonly offset: number;
  readonly sizeBytes: number;
}

const BLOCK_BYTES = 1 << 20;
/** No entry of ours comes near this; a longer line is a foreign or damaged file. */
const MAXIMUM_ENTRY_BYTES = 64 << 20;

const sync = promisify(fsync);

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: (place: Place) => void;
  readonly reject: (cause: unknown) => void;
}

/** Calls `onLine` for each whole line; the offset behind the last of them. */
function readWholeLines(file: number, path: string, onLine: (text: string, place: Place) => void): number {
  let rest = Buffer.alloc(0);
  let offset = 0;
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (;;) {
    const count = readSync(file, block, 0, block.length, offset + rest.length);
    if (count === 0) return offset;
    const bytes = Buffer.concat([rest, block.subarray(0, count)]);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      onLine(bytes.toString("utf8", start, end), { offset: offset + start, sizeBytes: end - start });
      start = end + 1;
    }
    offset += start;
    rest = Buffer.from(bytes.subarray(start));
    if (rest.length > MAXIMUM_ENTRY_BYTES) throw new StoreError(`${path}: byte ${offset}: a line without end`);
  }
}

function parseEntry(path: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StoreError(`${path}:${line}: the line is damaged`, { hint: "restore the file from a backup", cause });
  }
}

/** An open journal: the only writer of its file (take the folder's lock first). */
export class Journal {
  private waiting: Waiting[] = [];
  private writing = false;
  private broken: unknown;

  private constructor(
    private readonly path: string,
    private readonly file: number,
    private endBytes: number,
    /** Bytes of a cut-off last line that were taken away. */
    readonly cutBytes: number,
  ) {}

  /** Opens or makes a journal and calls `onEntry` for what it holds, in order. @throws StoreError */
  static open(path: string, onEntry: (entry: unknown, place: Place) => void): Journal {
    makeFolder(dirname(path));
    let file: number;
    try {
      file = openSync(path, "a+");
    } catch (cause) {
      throw storeError(path, cause);
    }
    try {
      let line = 0;
      const end = readWholeLines(file, path, (text, place) => onEntry(parseEntry(path, ++line, text), place));
      const cutBytes = readSync(file, Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, end);
      if (cutBytes > 0) ftruncateSync(file, end);
      fsyncSync(file);
      syncFolder(dirname(path));
      return new Journal(path, file, end, cutBytes);
    } catch (cause) {
      closeSync(file);
      throw cause instanceof Error && "syscall" in cause ? storeError(path, cause) : cause;
    }
  }

  /** Resolves when the entry is on the disk. @throws StoreError; after that the journal takes no more entries. */
  append(entry: unknown): Promise<Place> {
    const bytes = Buffer.from(`${JSON.stringify(entry)}\n`, "utf8");
    return new Promise((resolve, reject) => {
      this.waiting.push({ bytes, resolve, reject });
      if (!this.writing) void this.write();
    });
  }

  /** An entry that was appended or read before. */
  read(place: Place): unknown {
    const bytes = Buffer.alloc(place.sizeBytes);
    readSync(this.file, bytes, 0, place.sizeBytes, place.offset);
    return parseEntry(this.path, place.offset, bytes.toString("utf8"));
  }

  /** Closes the file, once every entry is written. */
  close(): void {
    closeSync(this.file);
  }

  private async write(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0);
      try {
        if (this.broken !== undefined) throw this.broken;
        const all = Buffer.concat(batch.map(({ bytes }) => bytes));
        for (let written = 0; written < all.length;) written += writeSync(this.file, all, written);
        await sync(this.file);
        for (const { bytes, resolve } of batch) {
          resolve({ offset: this.endBytes, sizeBytes: bytes.length - 1 });
          this.endBytes += bytes.length;
        }
      } catch (cause) {
        this.broken = cause instanceof StoreError ? cause : storeError(this.path, cause);
        for (const { reject } of batch) reject(this.broken);
      }
    }
    this.writing = false;
  }
}
