/** @file Normalised records on disk between the import and the passes over them: JSON lines in a temporary folder of the
 *  caller's. Holds one megabyte of text at most. Knows nothing of what records mean. */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvariantError, StoreError } from "../errors.js";
import { readLines } from "./lines.js";
import type { LlmRecord } from "./types.js";

const BUFFERED_CHARACTERS = 1 << 20;

/** A StoreError for a failed write: disk full, no permission, or whatever the system says. */
export function writeFailure(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error && "code" in cause && "syscall" in cause)) return cause;
  const what: Readonly<Record<string, string>> = {
    ENOSPC: "the disk is full",
    EACCES: "no permission",
    EROFS: "the disk is read-only",
  };
  const code = String(cause.code);
  return new StoreError(`${path}: cannot be written (${what[code] ?? code})`, {
    cause,
    hint: "name another folder with --out",
  });
}

export class Spool {
  private readonly file: number;
  private readonly path: string;
  private pending = "";

  /** Makes `folder` anew (what stood in it goes) and opens the spool in it. */
  constructor(private readonly folder: string) {
    this.path = join(folder, "records.jsonl");
    try {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      this.file = openSync(this.path, "w");
    } catch (cause) {
      throw writeFailure(folder, cause);
    }
  }

  write(record: LlmRecord): void {
    this.pending += `${JSON.stringify(record)}\n`;
    if (this.pending.length >= BUFFERED_CHARACTERS) this.flush();
  }

  /** Calls `onRecord` for every record in the order of writing. */
  async each(onRecord: (record: LlmRecord, index: number) => void, signal?: AbortSignal): Promise<void> {
    this.flush();
    let index = 0;
    await readLines(this.path, {
      encoding: "utf-8",
      bomBytes: 0,
      ...(signal === undefined ? {} : { signal }),
      onLine: (line) => {
        if (line.problem !== undefined) throw new InvariantError(`spool line ${line.line}: ${line.problem}`);
        onRecord(JSON.parse(line.text) as LlmRecord, index++);
      },
    });
  }

  /** Closes the file and removes the folder. */
  close(): void {
    closeSync(this.file);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private flush(): void {
    if (this.pending === "") return;
    try {
      writeFileSync(this.file, this.pending);
    } catch (cause) {
      throw writeFailure(this.path, cause);
    }
    this.pending = "";
  }
}
