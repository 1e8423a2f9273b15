/** @file Which bytes a text file holds: UTF-8 (with or without BOM), else Shift_JIS (CP932), EUC-JP or Latin-1 (Windows-1252), else
 *  an InputError that says what it is instead (compressed, UTF-16, HTML). Knows no log format. Follows the WHATWG encodings. */
import { isAscii, isUtf8 } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { InputError, StoreError } from "../errors.js";

const ENCODING_NAMES = {
  "utf-8": "UTF-8",
  shift_jis: "Shift_JIS (CP932)",
  "euc-jp": "EUC-JP",
  "windows-1252": "Latin-1 (Windows-1252)",
} as const;

export type TextEncoding = keyof typeof ENCODING_NAMES;

export interface FileSample {
  readonly sizeBytes: number;
  readonly encoding: TextEncoding;
  /** Bytes of the byte-order mark to skip. */
  readonly bomBytes: number;
  /** The decoded beginning, whole lines only unless the file has a single one. */
  readonly text: string;
  /** True when the sample is the whole file. */
  readonly complete: boolean;
}

const SAMPLE_BYTES = 1 << 20;
/** A sample holds a whole line, however long a line may be. */
const LARGEST_SAMPLE_BYTES = 64 << 20;

const MAGIC: readonly (readonly [string, readonly number[]])[] = [
  ["gzip-compressed", [0x1f, 0x8b]],
  ["zstd-compressed", [0x28, 0xb5, 0x2f, 0xfd]],
  ["a zip archive or spreadsheet", [0x50, 0x4b, 0x03, 0x04]],
  ["a Parquet file", [0x50, 0x41, 0x52, 0x31]],
  ["UTF-16 text", [0xff, 0xfe]],
  ["UTF-16 text", [0xfe, 0xff]],
];

/** Windows-1252 for 0x80..0x9f, which Node 20's decoder leaves as control characters. */
const C1 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** What the user is told of a file that is not UTF-8; nothing of one that is. */
export function encodingNotes(path: string, encoding: TextEncoding): string[] {
  return encoding === "utf-8" ? [] : [`${basename(path)}: not UTF-8; read as ${ENCODING_NAMES[encoding]}`];
}

/** Decodes bytes; all but Windows-1252 give undefined where they are invalid. */
export function decodeBytes(bytes: Uint8Array, encoding: TextEncoding): string | undefined {
  if (encoding === "windows-1252") {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    return text.replace(/[\u0080-\u009f]/g, (control) => C1.charAt(control.charCodeAt(0) - 0x80));
  }
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Opens a file of the user's for reading; a missing one is an InputError, a forbidden one a StoreError. */
export function openInput(path: string): number {
  try {
    const file = openSync(path, "r");
    if (!fstatSync(file).isDirectory()) return file;
    closeSync(file);
  } catch (cause) {
    throw inputFailure(path, cause);
  }
  throw new InputError(`${path}: expected a file, found a folder`, { hint: "name the files in it" });
}

function inputFailure(path: string, cause: unknown): Error {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  if (code === "ENOENT") return new InputError(`${path}: no such file`, { cause });
  return new StoreError(`${path}: cannot be read (${code})`, { cause });
}

const BEGINNING_BYTES = 1 << 14;

/** The first bytes of a file. */
export function readBeginning(path: string): Buffer {
  const file = openInput(path);
  try {
    const bytes = Buffer.alloc(BEGINNING_BYTES);
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

/** Reads the beginning of a file and tells its encoding; throws InputError for an empty or unreadable kind of file. */
export function sampleFile(path: string, name = path): FileSample {
  const file = openInput(path);
  try {
    const sizeBytes = fstatSync(file).size;
    for (let wanted = SAMPLE_BYTES; ; wanted *= 2) {
      const bytes = Buffer.alloc(Math.min(wanted, sizeBytes));
      const read = bytes.length === 0 ? 0 : readSync(file, bytes, 0, bytes.length, 0);
      const isEnough = read >= sizeBytes || bytes.includes(10) || wanted >= LARGEST_SAMPLE_BYTES;
      if (isEnough) return sampleOf(name, bytes.subarray(0, read), sizeBytes);
    }
  } finally {
    closeSync(file);
  }
}

/** A whole small file, which may be a pipe; no more of it is read than the limit. @throws InputError when it is larger, empty or not text,
 *  StoreError when it cannot be read. */
export function readSmallText(path: string, maximumBytes: number): Pick<FileSample, "text" | "encoding"> {
  const bytes = readUpTo(path, maximumBytes + 1);
  if (bytes.length > maximumBytes) throw new InputError(`${path}: larger than ${maximumBytes} bytes`);
  if (bytes.length === 0) throw new InputError(`${path}: the file is empty`);
  const { encoding, bomBytes } = sampleOf(path, bytes, bytes.length);
  const text = decodeBytes(bytes.subarray(bomBytes), encoding);
  if (text !== undefined) return { text, encoding };
  throw new InputError(`${path}: expected UTF-8 text, found lines in another encoding`, { hint: "save it as UTF-8" });
}

function readUpTo(path: string, count: number): Buffer {
  const file = openInput(path);
  const bytes = Buffer.alloc(count);
  let filled = 0;
  try {
    for (let read = -1; read !== 0 && filled < count; filled += read) {
      read = readSync(file, bytes, filled, count - filled, null);
    }
  } catch (cause) {
    throw inputFailure(path, cause);
  } finally {
    closeSync(file);
  }
  return bytes.subarray(0, filled);
}

function sampleOf(path: string, bytes: Buffer, sizeBytes: number): FileSample {
  if (sizeBytes === 0)
    throw new InputError(`${path}: the file is empty`, { hint: "give a file with at least 20 records" });
  for (const [what, magic] of MAGIC) {
    if (!magic.every((byte, i) => bytes[i] === byte)) continue;
    throw new InputError(`${path}: expected UTF-8 text, found ${what}`, {
      hint: "convert it to text in UTF-8 (a log to JSONL or CSV)",
    });
  }
  const bomBytes = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const complete = bytes.length === sizeBytes;
  const lastBreak = complete ? bytes.length : bytes.lastIndexOf(10);
  const body = bytes.subarray(bomBytes, lastBreak > bomBytes ? lastBreak : bytes.length);
  if (body.toString("latin1").trim() === "") throw new InputError(`${path}: the file holds nothing but white space`);
  const encoding = bomBytes > 0 ? "utf-8" : encodingOf(body);
  const text = decodeBytes(body, encoding) ?? body.toString("utf8");
  return { sizeBytes, encoding, bomBytes, text, complete };
}

/** The encoding of whole lines: UTF-8 unless most lines with other than ASCII bytes are not valid UTF-8. */
export function encodingOf(bytes: Buffer): TextEncoding {
  if (isUtf8(bytes)) return "utf-8";
  let valid = 0;
  const invalid: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end + 1);
    start += line.length;
    if (isAscii(line)) continue;
    if (isUtf8(line)) valid++;
    else invalid.push(line);
  }
  return valid >= invalid.length ? "utf-8" : legacyEncodingOf(Buffer.concat(invalid));
}

/** Any bytes are Windows-1252: Japanese is taken where all of them decode so, and most of what comes out reads as Japanese. */
function legacyEncodingOf(bytes: Buffer): TextEncoding {
  const [shiftJis, eucJp] = [japaneseRatio(bytes, "shift_jis"), japaneseRatio(bytes, "euc-jp")];
  if (Math.max(shiftJis, eucJp) <= 0.5) return "windows-1252";
  return shiftJis >= eucJp ? "shift_jis" : "euc-jp";
}

const NOT_ASCII = /[\u0080-\uffff]+/g;
/** Three characters side by side, or fewer that touch no letter. Western text read as Japanese has neither: "Gérard" and "don’t" give
 *  a kanji between letters, "£5" one halfwidth character. */
const JAPANESE_RUN =
  /[\u0080-\uffff]{3,}|(?<![A-Za-z\u0080-\uffff])(?:[\u0080-\uffff]{2}|[\u3005-\u9fff])(?![A-Za-z\u0080-\uffff])/g;
/** Kana, fullwidth letters and digits, and their punctuation. */
const FULLWIDTH = /[\u3000-\u30fe\uff01-\uff5e]/;
/** Without the punctuation, which every other byte of kana in EUC-JP would be in Shift_JIS. */
const HALFWIDTH_KATAKANA = /[\uff66-\uff9f]/;
/** Less than a fullwidth character: EUC-JP read as Shift_JIS is halfwidth katakana in the main. */
const HALFWIDTH_WEIGHT = 0.9;
/** The kanji of JIS level 1 (rows 16 to 47), nearly all of what is written; bytes of another encoding give others as well. */
const COMMON_KANJI: ReadonlySet<string> = new Set(
  new TextDecoder("euc-jp").decode(
    Uint8Array.from({ length: 32 * 94 * 2 }, (_, i) =>
      i % 2 === 0 ? 0xb0 + Math.floor(i / 188) : 0xa1 + ((i >> 1) % 94),
    ),
  ),
);

/** How Japanese bytes read in an encoding, from 0 to 1: the share of common characters among all that are not ASCII; 0 where they are
 *  invalid in it. */
function japaneseRatio(bytes: Buffer, encoding: TextEncoding): number {
  const text = decodeBytes(bytes, encoding) ?? "";
  const runs = text.match(JAPANESE_RUN)?.join("") ?? "";
  let common = 0;
  for (const character of runs) {
    if (FULLWIDTH.test(character) || COMMON_KANJI.has(character)) common++;
    else if (HALFWIDTH_KATAKANA.test(character)) common += HALFWIDTH_WEIGHT;
  }
  return runs === "" ? 0 : common / (text.length - text.replace(NOT_ASCII, "").length);
}

/** Throws InputError when the text is an HTML or XML page instead of a log. */
export function refuseMarkup(path: string, text: string): void {
  const start = text.trimStart().slice(0, 200).toLowerCase();
  if (!/^<(!doctype|html|head|body|\?xml|!--)/.test(start)) return;
  const title = /<title>([^<]{1,80})/.exec(text.slice(0, 4096).replace(/\s+/g, " "))?.[1]?.trim();
  throw new InputError(`${path}: expected a log, found an HTML or XML page${title ? ` ("${title}")` : ""}`, {
    hint: "the download probably failed; fetch the file again",
  });
}
