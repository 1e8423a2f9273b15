/** @file Pairs of Batch request and result lines by `custom_id`, whatever the order of files and lines. Keeps where each
 *  request stands (16 bytes and a slot), never its text: results then fetch their request from the file. */
import { closeSync, readSync } from "node:fs";
import { decodeBytes, openInput, type TextEncoding } from "./encoding.js";
import { isRejection } from "./fields.js";
import { parseBatchPair } from "./formats/openai-batch.js";
import type { ParsedLine } from "./formats/format.js";
import type { Reading } from "./reading.js";
import { addText, startHash } from "./hashes.js";
import { parseLine } from "./json-line.js";
import { MAXIMUM_LINE_BYTES } from "./lines.js";
import type { JsonObject } from "../json.js";

/** Where a request's line begins; `path` is the file as given. */
export interface LinePlace {
  readonly path: string;
  readonly line: number;
  readonly offsetBytes: number;
  readonly encoding: TextEncoding;
}

interface RequestFile {
  readonly path: string;
  readonly encoding: TextEncoding;
  descriptor?: number;
}

/** Words of an entry: 32 bits of hash, the offset's low 32 bits, the line, and the rest packed. */
const [TAG, OFFSET, LINE, PACKED] = [0, 1, 2, 3];
const ENTRY_WORDS = 4;
const ENTRIES_PER_CHUNK = 1 << 12;
const FIRST_SLOTS = 1 << 12;
const MAXIMUM_LOAD_RATIO = 0.75;

/** Packed word: bits 0 and 1 are flags, 2 to 17 the file, 18 to 31 the offset's high bits (files up to 70 TB). */
const ANSWERED = 1;
const AMBIGUOUS = 2;
const FILE_SHIFT = 2;
const FILE_MASK = 0xffff;
const OFFSET_SHIFT = 18;
const TWO_32 = 2 ** 32;

const READ_BYTES = 1 << 14;

/** Requests by `custom_id`; open until `close`. */
export class BatchRequests {
  private readonly chunks: Uint32Array[] = [];
  private slots = new Uint32Array(FIRST_SLOTS); // entry + 1; 0 is empty
  private entries = 0;
  private readonly files: RequestFile[] = [];

  /** Bytes held by the table. */
  get sizeBytes(): number {
    return this.slots.byteLength + this.chunks.length * ENTRIES_PER_CHUNK * ENTRY_WORDS * 4;
  }

  /** Registers a request line; false when its `custom_id` is taken already. */
  add(customId: string, place: LinePlace): boolean {
    const tag = tagOf(customId);
    const { slot, entry } = this.find(tag, customId);
    if (entry !== undefined) {
      this.mark(entry, AMBIGUOUS);
      return false;
    }
    this.append(tag, place);
    this.slots[slot] = this.entries;
    if (this.entries > this.slots.length * MAXIMUM_LOAD_RATIO) this.grow();
    return true;
  }

  /** The record of a result line with its request, or why there is none. */
  join(customId: string, result: JsonObject, reading?: Reading): ParsedLine {
    const { entry, request } = this.find(tagOf(customId), customId);
    if (entry === undefined || request === undefined) {
      return { reject: "no batch request with this custom_id: give the input file too" };
    }
    if ((this.word(entry, PACKED) & AMBIGUOUS) !== 0) {
      return { reject: "several batch requests have this custom_id" };
    }
    this.mark(entry, ANSWERED);
    return parseBatchPair(request, result, reading);
  }

  /** Requests that no result answered, in order of registration. */
  *unanswered(): Generator<LinePlace> {
    for (let entry = 0; entry < this.entries; entry++) {
      if ((this.word(entry, PACKED) & (ANSWERED | AMBIGUOUS)) === 0) yield this.placeOf(entry);
    }
  }

  close(): void {
    for (const file of this.files) if (file.descriptor !== undefined) closeSync(file.descriptor);
    this.files.length = 0;
  }

  private word(entry: number, word: number): number {
    return this.chunks[Math.floor(entry / ENTRIES_PER_CHUNK)]?.[(entry % ENTRIES_PER_CHUNK) * ENTRY_WORDS + word] ?? 0;
  }

  private mark(entry: number, flag: number): void {
    const chunk = this.chunks[Math.floor(entry / ENTRIES_PER_CHUNK)];
    const at = (entry % ENTRIES_PER_CHUNK) * ENTRY_WORDS + PACKED;
    if (chunk !== undefined) chunk[at] = (chunk[at] ?? 0) | flag;
  }

  private append(tag: number, place: LinePlace): void {
    const at = this.entries % ENTRIES_PER_CHUNK;
    if (at === 0) this.chunks.push(new Uint32Array(ENTRIES_PER_CHUNK * ENTRY_WORDS));
    const highOffset = Math.floor(place.offsetBytes / TWO_32);
    const packed = (highOffset << OFFSET_SHIFT) | (this.fileIndex(place) << FILE_SHIFT);
    this.chunks.at(-1)?.set([tag, place.offsetBytes % TWO_32, place.line, packed], at * ENTRY_WORDS);
    this.entries++;
  }

  /** Requests of a file come together: its row is the last one, or new. */
  private fileIndex({ path, encoding }: LinePlace): number {
    if (this.files.at(-1)?.path !== path) this.files.push({ path, encoding });
    return this.files.length - 1;
  }

  private fileOf(entry: number): RequestFile | undefined {
    return this.files[(this.word(entry, PACKED) >>> FILE_SHIFT) & FILE_MASK];
  }

  private placeOf(entry: number): LinePlace {
    const { path = "", encoding = "utf-8" } = this.fileOf(entry) ?? {};
    const offsetBytes = this.word(entry, OFFSET) + (this.word(entry, PACKED) >>> OFFSET_SHIFT) * TWO_32;
    return { path, encoding, offsetBytes, line: this.word(entry, LINE) };
  }

  /** The entry of a `custom_id` with its request as the file has it, or the empty slot where it would stand. */
  private find(tag: number, customId: string): { slot: number; entry?: number; request?: JsonObject } {
    const mask = this.slots.length - 1;
    for (let slot = tag & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.slots[slot] ?? 0) - 1;
      if (entry < 0) return { slot };
      if (this.word(entry, TAG) !== tag) continue;
      const request = this.read(entry);
      if (request !== undefined && String(request["custom_id"]) === customId) return { slot, entry, request };
    }
  }

  private grow(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let entry = 0; entry < this.entries; entry++) {
      let slot = this.word(entry, TAG) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = entry + 1;
    }
  }

  /** Undefined when the file has changed since. */
  private read(entry: number): JsonObject | undefined {
    const file = this.fileOf(entry);
    if (file === undefined) return undefined;
    file.descriptor ??= openInput(file.path);
    const bytes = readLineAt(file.descriptor, this.placeOf(entry).offsetBytes);
    const parsed = parseLine(decodeBytes(bytes, file.encoding) ?? "");
    return isRejection(parsed) ? undefined : parsed.value;
  }
}

function tagOf(customId: string): number {
  const hash = startHash();
  addText(hash, customId);
  return (hash.low ^ hash.high) >>> 0;
}

/** The bytes from an offset up to the next line break or the end of the file. */
function readLineAt(descriptor: number, offsetBytes: number): Buffer {
  for (let wanted = READ_BYTES; ; wanted *= 4) {
    const bytes = Buffer.allocUnsafe(wanted);
    const read = readSync(descriptor, bytes, 0, wanted, offsetBytes);
    const found = bytes.subarray(0, read).indexOf(10);
    if (found >= 0) return bytes.subarray(0, found);
    if (read < wanted || wanted > MAXIMUM_LINE_BYTES) return bytes.subarray(0, read);
  }
}
