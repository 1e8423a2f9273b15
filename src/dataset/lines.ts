/** @file A text file as lines, block by block, with memory that does not grow with the file. Blank lines are passed over.
 *  Each line arrives decoded, or with the reason why it cannot be read. Knows nothing of what the lines mean. */
import { isAscii, isUtf8 } from "node:buffer";
import { open, type FileHandle } from "node:fs/promises";
import { decodeBytes, type TextEncoding } from "./encoding.js";
import { StoreError } from "../errors.js";

/** One line: its text, or a reason instead; `line` counts from 1, blank lines included. */
export interface Line {
  readonly line: number;
  readonly text: string;
  readonly problem: string | undefined;
  /** Where the line's bytes begin. */
  readonly offsetBytes: number;
}

export interface ReadLinesOptions {
  readonly encoding: TextEncoding;
  readonly bomBytes: number;
  readonly onLine: (line: Line) => void;
  readonly onBytes?: (readBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** One line may hold a 1 MB text and long logprobs; more than this is no log line, and would cost twice its size in memory. */
export const MAXIMUM_LINE_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = 1 << 21;

const TOO_LONG = "the line is longer than 64 MB";
/** Why a line is rejected whose bytes are none of the encoding's. */
export function undecodable(encoding: TextEncoding): string {
  return encoding === "utf-8" ? "the line is not valid UTF-8" : "the line cannot be decoded";
}

/** Calls `onLine` for every line that is not blank, in order; throws StoreError when the disk fails. */
export async function readLines(path: string, options: ReadLinesOptions): Promise<void> {
  const handle = await open(path, "r");
  try {
    await new LineReader(handle, options).run();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && "syscall" in cause)) throw cause;
    throw new StoreError(`${path}: reading failed (${String(cause.code)})`, { cause });
  } finally {
    await handle.close();
  }
}

class LineReader {
  private buffer = Buffer.allocUnsafe(2 * BLOCK_BYTES);
  /** Read while the lines of `buffer` are taken. */
  private readonly ahead = Buffer.allocUnsafe(BLOCK_BYTES);
  private filled = 0;
  private line = 1;
  /** File offset of buffer[0]. */
  private base = 0;
  private skipping = false;

  constructor(
    private readonly handle: FileHandle,
    private readonly options: ReadLinesOptions,
  ) {}

  async run(): Promise<void> {
    const { signal, onBytes, bomBytes } = this.options;
    this.base = bomBytes;
    let position = bomBytes;
    let pending = this.readAhead(position);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await pending;
      if (bytesRead === 0) break;
      this.append(this.ahead.subarray(0, bytesRead));
      position += bytesRead;
      pending = this.readAhead(position);
      this.takeWholeLines();
      onBytes?.(position);
    }
    if (this.filled > 0 && !this.skipping) this.emitLines(this.filled, true);
  }

  /** Fails where it is awaited, not where a line's reader fails before. */
  private readAhead(position: number): Promise<{ readonly bytesRead: number }> {
    const reading = this.handle.read(this.ahead, 0, BLOCK_BYTES, position);
    reading.catch(() => undefined);
    return reading;
  }

  private append(bytes: Buffer): void {
    if (this.buffer.length - this.filled < bytes.length) {
      const larger = Buffer.allocUnsafe(this.buffer.length * 2);
      this.buffer.copy(larger, 0, 0, this.filled);
      this.buffer = larger;
    }
    bytes.copy(this.buffer, this.filled);
    this.filled += bytes.length;
  }

  private takeWholeLines(): void {
    const end = this.buffer.subarray(0, this.filled).lastIndexOf(10) + 1;
    if (end > 0) {
      this.emitLines(end, false);
      this.buffer.copyWithin(0, end, this.filled);
      this.base += end;
      this.filled -= end;
      return;
    }
    if (this.filled < MAXIMUM_LINE_BYTES) return;
    if (!this.skipping) this.give("", TOO_LONG, 0);
    this.skipping = true;
    this.base += this.filled;
    this.filled = 0;
  }

  /** The lines of buffer[0 .. end); the last one may lack its line break. */
  private emitLines(end: number, isLast: boolean): void {
    const block = this.buffer.subarray(0, end);
    const wholeEncoding = this.blockEncoding(block);
    let start = 0;
    while (start < end) {
      const found = block.indexOf(10, start);
      const stop = found < 0 ? end : found;
      if (this.skipping) this.skipping = false;
      else if (stop - start > MAXIMUM_LINE_BYTES) this.give("", TOO_LONG, start);
      else if (stop > start) this.emit(block, start, stop, wholeEncoding);
      if (found >= 0 || isLast) this.line++;
      start = stop + 1;
    }
  }

  /** How every line of the block can be decoded without a further check; undefined when lines must be checked. */
  private blockEncoding(block: Buffer): "latin1" | "utf8" | undefined {
    if (isAscii(block)) return "latin1";
    return this.options.encoding === "utf-8" && isUtf8(block) ? "utf8" : undefined;
  }

  private emit(block: Buffer, start: number, stop: number, whole: "latin1" | "utf8" | undefined): void {
    const text =
      whole === undefined
        ? decodeBytes(block.subarray(start, stop), this.options.encoding)
        : block.toString(whole, start, stop);
    if (text === undefined) {
      this.give("", undecodable(this.options.encoding), start);
    } else if (text.charCodeAt(0) > 32 || text.trim() !== "") {
      this.give(text, undefined, start);
    }
  }

  private give(text: string, problem: string | undefined, start: number): void {
    this.options.onLine({ line: this.line, text, problem, offsetBytes: this.base + start });
  }
}
