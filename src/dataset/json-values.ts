/** @file The objects of a JSON document that is not one object a line: written over many lines, in one array, or in an array inside an
 *  object ({"data": [...]}). Streamed; holds one object at a time. Knows no log format. */
import { createReadStream } from "node:fs";
import { InputError } from "../errors.js";
import { decodeBytes, type TextEncoding } from "./encoding.js";

/** The text of one object, or of an entry that is none. */
export interface FoundValue {
  readonly text: string;
  /** From 1: the line where an object of its own begins, the number of an array's entry. */
  readonly line: number;
}

/** One object longer than this is no record; whole files are never held. */
const MAXIMUM_VALUE_CHARACTERS = 64 * 1024 * 1024;
const TRACKED_DEPTH = 6;

interface Level {
  readonly isArray: boolean;
  key: string;
  /** In an array: an entry may begin here. */
  awaits: boolean;
}

/** Finds objects in text that comes in pieces. `target` is the path of the array that holds them ("" for the document itself), undefined for
 *  objects that stand alone, one after the other. */
export class ValueScanner {
  private buffer = "";
  /** The next character of the buffer to take. */
  private position = 0;
  private line = 1;
  private entries = 0;
  private start = -1;
  private startLine = 1;
  private depth = 0;
  private inString = false;
  private escaped = false;
  private stringStart = -1;
  private lastString = "";
  private readonly levels: Level[] = [];

  constructor(
    private readonly target: string | undefined,
    private readonly onValue: (value: FoundValue) => void,
    private readonly onArray?: (path: string) => void,
  ) {}

  push(text: string): void {
    this.buffer += text;
    for (; this.position < this.buffer.length; this.position++) this.take(this.position);
    this.drop();
  }

  /** True when the text ends inside an object. */
  get isCut(): boolean {
    return this.start >= 0 || this.levels.length > 0;
  }

  /** Lets go of what is done with. */
  private drop(): void {
    const keepFrom =
      this.start >= 0 ? this.start : this.inString && this.stringStart >= 0 ? this.stringStart : this.position;
    this.buffer = this.buffer.slice(keepFrom);
    this.position -= keepFrom;
    if (this.start >= 0) this.start = 0;
    if (this.stringStart >= 0) this.stringStart = Math.max(0, this.stringStart - keepFrom);
    if (this.buffer.length > MAXIMUM_VALUE_CHARACTERS) {
      throw new InputError(`one JSON object is longer than ${MAXIMUM_VALUE_CHARACTERS >> 20} MB`, {
        hint: "write the log as JSON lines",
      });
    }
  }

  private take(position: number): void {
    const unit = this.buffer.charCodeAt(position);
    if (unit === 10) this.line++;
    if (this.inString) {
      if (unit === 0x5c) {
        this.escaped = !this.escaped;
        return;
      }
      if (unit === 0x22 && !this.escaped) this.endString(position);
      this.escaped = false;
      return;
    }
    if (unit === 0x22) this.beginString(position);
    else if (unit === 0x7b || unit === 0x5b) this.open(position, unit === 0x5b);
    else if (unit === 0x7d || unit === 0x5d) this.close(position);
    else if (this.start < 0) this.other(unit);
  }

  private beginString(position: number): void {
    this.inString = true;
    this.escaped = false;
    if (this.start >= 0) return;
    this.stringStart = position + 1;
    this.entry();
  }

  private endString(position: number): void {
    this.inString = false;
    if (this.start >= 0) return;
    this.lastString = this.buffer.slice(this.stringStart, Math.min(position, this.stringStart + 200));
    this.stringStart = -1;
  }

  /** Where the scanner stands, but for array places; none so deep that nothing wanted lies there. */
  private path(): string | undefined {
    if (this.levels.length > TRACKED_DEPTH) return undefined;
    return this.levels.flatMap((level) => (level.isArray ? [] : [level.key])).join(".");
  }

  private isTarget(): boolean {
    if (this.target === undefined) return this.levels.length === 0;
    const top = this.levels.at(-1);
    return top?.isArray === true && this.path() === this.target;
  }

  private open(position: number, isArray: boolean): void {
    if (this.start >= 0) {
      this.depth++;
      return;
    }
    if (!isArray && this.isTarget()) {
      this.start = position;
      this.startLine = this.line;
      this.depth = 1;
      const top = this.levels.at(-1);
      if (top !== undefined) top.awaits = false;
      return;
    }
    this.entry();
    this.levels.push({ isArray, key: "", awaits: isArray });
    const path = isArray ? this.path() : undefined;
    if (path !== undefined) this.onArray?.(path);
  }

  private close(position: number): void {
    if (this.start < 0) {
      this.levels.pop();
      return;
    }
    if (--this.depth > 0) return;
    this.entries++;
    const line = this.target === undefined ? this.startLine : this.entries;
    const text = this.buffer.slice(this.start, position + 1);
    this.start = -1;
    this.onValue({ text, line });
  }

  private other(unit: number): void {
    const top = this.levels.at(-1);
    if (unit === 0x3a && top !== undefined && !top.isArray) top.key = this.lastString;
    else if (unit === 0x2c && top?.isArray === true) top.awaits = true;
    else if (unit > 0x20 && unit !== 0x2c && unit !== 0x3a) this.entry();
  }

  /** An entry of the wanted array that is no object. */
  private entry(): void {
    const top = this.levels.at(-1);
    if (top?.isArray !== true || !top.awaits) return;
    top.awaits = false;
    if (this.target === undefined || this.path() !== this.target) return;
    this.entries++;
    this.onValue({ text: "null", line: this.entries });
  }
}

/** The objects of a sample's text and the arrays it holds; a cut sample gives the whole ones. */
export function scanSample(
  text: string,
  target: string | undefined,
  limit: number,
): { readonly values: readonly string[]; readonly arrays: readonly string[] } {
  const values: string[] = [];
  const arrays = new Set<string>();
  const scanner = new ValueScanner(
    target,
    ({ text: found }) => values.length < limit && values.push(found),
    (path) => arrays.add(path),
  );
  scanner.push(text);
  return { values, arrays: [...arrays] };
}

export interface ReadValuesOptions {
  readonly encoding: TextEncoding;
  readonly bomBytes: number;
  readonly target: string | undefined;
  readonly onValue: (value: FoundValue) => void;
  readonly onBytes?: (readBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Calls `onValue` for every object of a document; true when the document is whole. */
export async function readValues(path: string, options: ReadValuesOptions): Promise<boolean> {
  const { encoding, bomBytes, target, onValue, onBytes, signal } = options;
  const scanner = new ValueScanner(target, onValue);
  const decoder = encoding === "windows-1252" ? undefined : new TextDecoder(encoding, { ignoreBOM: true });
  let readBytes = bomBytes;
  for await (const chunk of createReadStream(path, { start: bomBytes, highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    const bytes = chunk as Buffer;
    readBytes += bytes.length;
    scanner.push(decoder?.decode(bytes, { stream: true }) ?? decodeBytes(bytes, "windows-1252") ?? "");
    onBytes?.(readBytes);
  }
  return !scanner.isCut;
}
