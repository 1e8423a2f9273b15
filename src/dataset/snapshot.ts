/** @file The frozen dataset folder: `manifest.json`, `rows.jsonl` and `calls.jsonl`, named by the hash of manifest and rows, written whole or
 *  not at all (temporary folder, fsync, rename). The calls are hashed apart, for people in them are named under a key of the project. Soft
 *  labels are stored sparse. Knows nothing of how rows were made. */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { StoreError } from "../errors.js";
import { syncFolder } from "../store/files.js";
import { replaceFolder } from "../store/folders.js";
import { writeFailure } from "./spool.js";
import type { Call, LabelDataset, Row } from "./types.js";

const MANIFEST = "manifest.json";
const ROWS = "rows.jsonl";
const CALLS = "calls.jsonl";
const FORMAT_VERSION = 2;

interface StoredRow extends Omit<Row, "softLabels"> {
  /** [index, probability] of the entries above zero, and the length. */
  readonly soft?: readonly (readonly [number, number])[];
}

interface Manifest extends Omit<LabelDataset, "rows"> {
  readonly formatVersion: number;
  readonly rowCount: number;
  readonly rowsSha256: string;
  readonly callsSha256: string;
}

function rowLine(row: Row): string {
  const { softLabels, ...rest } = row;
  if (softLabels === undefined) return `${JSON.stringify(rest)}\n`;
  const soft = softLabels.flatMap((probability, i) => (probability > 0 ? [[i, probability]] : []));
  return `${JSON.stringify({ ...rest, soft })}\n`;
}

function parseRow(line: string, labels: number): Row {
  const { soft, ...rest } = JSON.parse(line) as StoredRow;
  if (soft === undefined) return rest;
  const softLabels = new Array<number>(labels + 1).fill(0);
  for (const [i, probability] of soft) softLabels[i] = probability;
  return { ...rest, softLabels };
}

/** The rows file in pieces, so that it never stands in memory whole. */
function* rowChunks(rows: readonly Row[]): Generator<string> {
  for (let i = 0; i < rows.length; i += 1000)
    yield rows
      .slice(i, i + 1000)
      .map(rowLine)
      .join("");
}

function* concatenated(first: string, rest: Iterable<string>): Generator<string> {
  yield first;
  yield* rest;
}

function sha256(pieces: Iterable<string>): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

/** Fills in the hash (32 hexadecimal digits over everything else) of a dataset. */
export function hashDataset(dataset: Omit<LabelDataset, "hash">): LabelDataset {
  const { rows, ...facts } = dataset;
  return { hash: sha256(concatenated(JSON.stringify(facts), rowChunks(rows))).slice(0, 32), ...dataset };
}

/** The calls of a dataset, written to a file of their own as they come. */
export class CallsFile {
  private readonly file: number;
  private readonly hash = createHash("sha256");
  private pending: string[] = [];

  constructor(readonly path: string) {
    try {
      this.file = openSync(path, "w");
    } catch (cause) {
      throw writeFailure(path, cause);
    }
  }

  write(call: Call): void {
    this.pending.push(`${JSON.stringify(call)}\n`);
    if (this.pending.length >= 1000) this.flush();
  }

  /** Ends the file. The hash of its contents. @throws StoreError */
  close(): string {
    this.flush();
    fsyncSync(this.file);
    closeSync(this.file);
    return this.hash.digest("hex");
  }

  private flush(): void {
    const text = this.pending.join("");
    this.pending = [];
    this.hash.update(text);
    try {
      writeFileSync(this.file, text);
    } catch (cause) {
      throw writeFailure(this.path, cause);
    }
  }
}

/** Writes `<outDir>/datasets/<hash>/` and returns that folder; an equal one that is there already is kept. The file of the calls is moved there.
 *  Throws StoreError naming the path when the disk is full or forbidden. */
export function writeDataset(
  outDir: string,
  dataset: LabelDataset,
  calls: { readonly path: string; readonly sha256: string },
): string {
  const parent = join(outDir, "datasets");
  const folder = join(parent, dataset.hash);
  if (existsSync(join(folder, MANIFEST))) return folder;
  const temporary = join(parent, `.writing-${dataset.hash}`);
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    const { rows, ...facts } = dataset;
    const manifest: Manifest = {
      formatVersion: FORMAT_VERSION,
      ...facts,
      rowCount: rows.length,
      rowsSha256: sha256(rowChunks(rows)),
      callsSha256: calls.sha256,
    };
    writeSynced(join(temporary, ROWS), rowChunks(rows));
    renameSync(calls.path, join(temporary, CALLS));
    writeSynced(join(temporary, MANIFEST), [`${JSON.stringify(manifest, undefined, 1)}\n`]);
    syncFolder(temporary);
  } catch (cause) {
    throw writeFailure(folder, cause);
  }
  replaceFolder(temporary, folder);
  return folder;
}

function writeSynced(path: string, pieces: Iterable<string>): void {
  const file = openSync(path, "w");
  try {
    for (const piece of pieces) writeFileSync(file, piece);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads a dataset folder back; throws StoreError when it is missing, damaged or of another version. */
export function readDataset(folder: string): LabelDataset {
  const { formatVersion, rowCount, rowsSha256, callsSha256: _, ...facts } = readManifest(folder);
  if (formatVersion !== FORMAT_VERSION) {
    throw new StoreError(`${folder}: expected dataset format ${FORMAT_VERSION}, found ${String(formatVersion)}`, {
      hint: "import the logs again",
    });
  }
  const text = readStored(join(folder, ROWS));
  const rows = text.split("\n").slice(0, -1);
  if (rows.length !== rowCount || sha256([text]) !== rowsSha256) {
    throw new StoreError(`${join(folder, ROWS)}: damaged (its hash differs from the manifest's)`, {
      hint: "delete the folder and import again",
    });
  }
  return { ...facts, rows: rows.map((line) => parseRow(line, facts.labels.length)) };
}

/** The calls of a dataset folder. @throws StoreError when they are missing or damaged */
export function readCalls(folder: string): Call[] {
  const { callsSha256 } = readManifest(folder);
  const path = join(folder, CALLS);
  const text = readStored(path);
  if (sha256([text]) !== callsSha256) {
    throw new StoreError(`${path}: damaged (its hash differs from the manifest's)`, {
      hint: "delete the folder and import again",
    });
  }
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Call);
}

function readStored(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new StoreError(`${path}: cannot be read`, { cause, hint: "import the logs again" });
  }
}

function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST);
  try {
    return JSON.parse(readStored(path)) as Manifest;
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(`${path}: damaged (not valid JSON)`, { cause, hint: "delete the folder and import again" });
  }
}
