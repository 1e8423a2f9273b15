/** @file Files as they are found made readable: folders and patterns to files; gzip, zstd, UTF-16, Parquet and spreadsheets to a text file
 *  in a temporary folder, streamed. Knows no log format. */
import { createReadStream, createWriteStream, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Decompress } from "fzstd";
import { InputError, StoreError } from "../errors.js";
import { readBeginning } from "./encoding.js";
import { parquetLines, spreadsheetLines } from "./tables.js";

/** A file to read, and what it was before it was unpacked. */
export interface ReadableFile {
  readonly path: string;
  /** The path that the user gave. */
  readonly given: string;
  /** Its name, without the ending of a packed one. */
  readonly source: string;
  /** How it was packed, for display; undefined for a plain file. */
  readonly packed: string | undefined;
  readonly notes: readonly string[];
}

const LOG_NAMES = /\.(jsonl|ndjson|json|csv|tsv|log|parquet|xlsx)(\.(gz|gzip|zst|zstd))?$/i;
/** What an untrusted archive may grow to. */
const MAXIMUM_UNPACKED_BYTES = 64 * 2 ** 30;

/** Files of a list that may name folders and patterns (`*`, `?`, `**`), each kind in order of names. @throws InputError when nothing is found. */
export function expandPaths(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    if (existsSync(path)) return statSync(path).isDirectory() ? filesOfFolder(path) : [path];
    return /[*?]/.test(path) ? filesOfPattern(path) : [path];
  });
}

function walk(folder: string): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : entry.isFile() ? [join(folder, entry.name)] : [],
  );
}

function filesOfFolder(folder: string): readonly string[] {
  const found = walk(folder).filter((path) => LOG_NAMES.test(path));
  if (found.length > 0) return found;
  throw new InputError(`${folder}: the folder holds no log`, {
    hint: "name a folder with .jsonl, .json, .csv, .parquet or .xlsx files",
  });
}

function filesOfPattern(pattern: string): readonly string[] {
  const steps = pattern.split("/");
  const first = steps.findIndex((step) => /[*?]/.test(step));
  const folder = first === 0 ? "." : steps.slice(0, first).join("/") || "/";
  const found = existsSync(folder) ? filesOfSteps(folder, steps.slice(first)) : [];
  if (found.length > 0) return [...new Set(found)];
  throw new InputError(`${pattern}: no file fits the pattern`, { hint: "check the folder's name" });
}

/** Files below a folder that fit the steps of a pattern: each folder is read only where a step leads into it. */
function filesOfSteps(folder: string, [step = "", ...rest]: readonly string[]): readonly string[] {
  const isHidden = (name: string): boolean => name.startsWith(".") && !step.startsWith(".");
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !isHidden(name));
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (step === "**") {
    const here = rest.length === 0 ? [] : filesOfSteps(folder, rest);
    const below = sorted.flatMap((entry) => {
      if (entry.isDirectory()) return filesOfSteps(join(folder, entry.name), [step, ...rest]);
      return rest.length === 0 && entry.isFile() ? [join(folder, entry.name)] : [];
    });
    return [...here, ...below];
  }
  const wanted = patternOf(step);
  const fitting = sorted.filter(({ name }) => wanted.test(name));
  if (rest.length === 0) return fitting.flatMap((entry) => (entry.isFile() ? [join(folder, entry.name)] : []));
  return fitting.flatMap((entry) => (entry.isDirectory() ? filesOfSteps(join(folder, entry.name), rest) : []));
}

function patternOf(step: string): RegExp {
  const source = step
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "u");
}

/** Unpacked copies, in a temporary folder that `close` removes. */
export class Unpacking {
  private folder: string | undefined;
  private count = 0;

  /** `sheet` names the one that is read of every spreadsheet. */
  constructor(private readonly sheet?: string) {}

  /** The file itself where it is plain text, else an unpacked copy. @throws InputError when it is damaged. */
  async open(path: string): Promise<ReadableFile> {
    let file: ReadableFile = { path, given: path, source: basename(path), packed: undefined, notes: [] };
    for (let layers = 0; layers < 3; layers++) {
      const next = await this.unwrap(file, path);
      if (next === undefined) return file;
      file = next;
    }
    throw new InputError(`${path}: packed more than three times over`, { hint: "unpack it first" });
  }

  close(): void {
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
    this.folder = undefined;
  }

  private target(): string {
    this.folder ??= mkdtempSync(join(tmpdir(), "joryu-unpacked-"));
    return join(this.folder, `${this.count++}.txt`);
  }

  private async unwrap(file: ReadableFile, path: string): Promise<ReadableFile | undefined> {
    const begin = readBeginning(file.path);
    const kind = kindOf(begin, path);
    if (kind === undefined) return undefined;
    const target = this.target();
    try {
      const notes = await UNPACKERS[kind](file.path, target, {
        begin,
        ...(this.sheet !== undefined && { sheet: this.sheet }),
      });
      const source = /^(gzip|zstd)$/.test(kind) ? file.source.replace(/\.(gz|gzip|zst|zstd)$/i, "") : file.source;
      return {
        path: target,
        given: path,
        source,
        packed: kind,
        notes: [...file.notes, ...notes.map((note) => `${file.source}: ${note}`)],
      };
    } catch (cause) {
      if (cause instanceof InputError || cause instanceof StoreError) throw cause;
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
      if (["ENOSPC", "EACCES", "EROFS"].includes(code))
        throw new StoreError(`${dirname(target)}: cannot be written (${code})`, { cause });
      const said = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
      throw new InputError(`${path}: cannot be read as ${kind} (${said ?? "damaged"})`, {
        hint: "the file is damaged or cut off; fetch it again",
        cause,
      });
    }
  }
}

type Kind = "gzip" | "zstd" | "UTF-16LE" | "UTF-16BE" | "Parquet" | "Excel";

function kindOf(bytes: Buffer, path: string): Kind | undefined {
  const starts = (...magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
  if (starts(0x1f, 0x8b)) return "gzip";
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  if (starts(0x50, 0x41, 0x52, 0x31)) return "Parquet";
  if (starts(0x50, 0x4b, 0x03, 0x04) && /^\.xls[xm]$/i.test(extname(path))) return "Excel";
  if (starts(0xff, 0xfe)) return "UTF-16LE";
  if (starts(0xfe, 0xff)) return "UTF-16BE";
  return utf16WithoutMark(bytes);
}

/** Text of ASCII in the main has a zero in every second byte. */
function utf16WithoutMark(bytes: Buffer): Kind | undefined {
  const [zeros, length] = [[0, 0], bytes.length - (bytes.length % 2)];
  for (let i = 0; i < length; i++) if (bytes[i] === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const least = length / 2 / 10;
  if (length < 4 || Math.max(even, odd) <= least) return undefined;
  if (odd > even * 20) return "UTF-16LE";
  return even > odd * 20 ? "UTF-16BE" : undefined;
}

interface UnpackOptions {
  /** First bytes of the file. */
  readonly begin: Buffer;
  readonly sheet?: string;
}

type Unpacker = (from: string, to: string, options: UnpackOptions) => Promise<readonly string[]>;

const UNPACKERS: Readonly<Record<Kind, Unpacker>> = {
  gzip: async (from, to) => {
    await pipeline(createReadStream(from), createGunzip(), limited(), createWriteStream(to));
    return [];
  },
  zstd: async (from, to) => {
    await pipeline(createReadStream(from), zstd(), limited(), createWriteStream(to));
    return ["zstd; its checksums are not verified"];
  },
  "UTF-16LE": (from, to, { begin }) => decoded(from, to, "utf-16le", begin),
  "UTF-16BE": (from, to, { begin }) => decoded(from, to, "utf-16be", begin),
  Parquet: async (from, to) => {
    await pipeline(parquetLines(from), limited(), createWriteStream(to));
    return [];
  },
  Excel: async (from, to, { sheet }) => {
    const { lines, notes } = await spreadsheetLines(from, sheet);
    await pipeline(lines, createWriteStream(to));
    return notes;
  },
};

async function decoded(
  from: string,
  to: string,
  encoding: "utf-16le" | "utf-16be",
  begin: Buffer,
): Promise<readonly string[]> {
  const decoder = new TextDecoder(encoding);
  const transform = new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, decoder.decode(chunk, { stream: true })),
    flush: (done) => done(null, decoder.decode()),
  });
  await pipeline(createReadStream(from), transform, createWriteStream(to));
  const hasMark = begin[0] === 0xff || begin[0] === 0xfe;
  return [`not UTF-8; read as ${encoding.toUpperCase()}${hasMark ? "" : " (told from its zero bytes)"}`];
}

function zstd(): Transform {
  const pieces: Uint8Array[] = [];
  const decompress = new Decompress((piece) => pieces.push(piece.slice()));
  const give = (transform: Transform, work: () => void, done: (error?: Error | null) => void): void => {
    try {
      work();
      for (const piece of pieces.splice(0)) transform.push(piece);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      give(this, () => decompress.push(chunk), done);
    },
    flush(done) {
      give(this, () => decompress.push(new Uint8Array(0), true), done);
    },
  });
}

function limited(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= MAXIMUM_UNPACKED_BYTES) done(null, chunk);
      else done(new InputError(`unpacks to more than ${MAXIMUM_UNPACKED_BYTES / 2 ** 30} GB`, { hint: "split it" }));
    },
  });
}
