/** @file Texts without answers, for a teacher to label: CSV, JSON lines (or one array) of business data, or plain lines. Each distinct
 *  text once, with how often it stood there and what its first row knows of it (id, time, user, conversation, right answer). Knows no
 *  teacher; encodings, columns and fields are those of the log import. */
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { InputError, UsageError } from "../errors.js";
import { groupRows } from "./groups.js";
import { headerOf, readCsv } from "./csv.js";
import { decodeBytes, encodingNotes, refuseMarkup, sampleFile, type FileSample } from "./encoding.js";
import { isRejection, type RecordMeta, type Rejection, type Writable } from "./fields.js";
import type { ColumnMap } from "./formats/index.js";
import { named } from "./formats/column-names.js";
import { parseQuestion, usualNames } from "./formats/generic.js";
import { hashTexts } from "./hashes.js";
import { parseLine } from "./json-line.js";
import { foldLabel } from "./labels.js";
import { readLines } from "./lines.js";
import { normaliseText, type RowDraft } from "./rows.js";
import { stripTemplate } from "../template/template.js";
import { expandPaths, Unpacking, type ReadableFile } from "./unpack.js";
import { type JsonObject, isJsonObject } from "../json.js";

export type TextMeta = Pick<RecordMeta, "id" | "timestampMs" | "user" | "conversation" | "gold" | "split">;

/** One distinct text. */
export interface TextRow {
  readonly text: string;
  /** How often it stands in the files, at least 1. */
  readonly occurrences: number;
  /** Of the first row that holds it. */
  readonly meta: TextMeta;
}

export interface TextsRead {
  readonly texts: readonly TextRow[];
  /** Rows with a text, repeats counted. */
  readonly rows: number;
  readonly rejectCounts: ReadonlyMap<string, number>;
  /** Files that are not UTF-8, and what they were read as. */
  readonly notes: readonly string[];
}

/** What `--format` takes. */
export const textFormats = ["auto", "csv", "jsonl", "lines"] as const;
export type TextFormat = (typeof textFormats)[number];

export interface ReadTextsOptions {
  readonly format?: TextFormat;
  readonly columns?: ColumnMap;
  /** The flag that names the column with the text, `--input` unless told. */
  readonly inputFlag?: string;
  readonly onProgress?: (doneRatio: number) => void;
  readonly signal?: AbortSignal;
}

/** Texts are held in memory; more than this many are no labelling job but a log. */
export const MAXIMUM_TEXTS = 2_000_000;
const INPUT_FLAG = "--input";
const NO_TEMPLATE = { system: "", userPrefix: "", userSuffix: "" };
const KEPT_META = ["id", "timestampMs", "user", "conversation", "gold", "split"] as const;

/** Checks a name of `textFormats`. @throws UsageError */
export function checkTextFormat(name: string): TextFormat {
  const found = textFormats.find((format) => format === name);
  if (found === undefined) throw new UsageError(`--format ${name}: expected one of ${textFormats.join(", ")}`);
  return found;
}

function keptMeta(meta: RecordMeta): TextMeta {
  return Object.fromEntries(KEPT_META.flatMap((key) => (meta[key] === undefined ? [] : [[key, meta[key]]])));
}

/** Gathers distinct texts in order of first appearance. */
class Gathering {
  readonly rejectCounts = new Map<string, number>();
  readonly notes: string[] = [];
  rows = 0;
  private readonly found = new Map<string, Writable<TextRow>>();

  constructor(private readonly columns: ColumnMap) {}

  addText(text: string, meta: TextMeta = {}): void {
    const trimmed = text.trim();
    if (trimmed === "") return this.reject("the text is empty");
    this.rows++;
    const known = this.found.get(trimmed);
    if (known !== undefined) known.occurrences++;
    else this.found.set(trimmed, { text: trimmed, occurrences: 1, meta });
    if (this.found.size > MAXIMUM_TEXTS) {
      throw new InputError(`more than ${MAXIMUM_TEXTS} distinct texts`, { hint: "give a sample of them" });
    }
  }

  addObject(value: JsonObject): void {
    const question = parseQuestion(value, this.columns);
    if (isRejection(question)) this.reject(question.reject);
    else this.addText(stripTemplate(question.messages, NO_TEMPLATE), keptMeta(question.meta));
  }

  addLine(line: string): void {
    const parsed = parseLine(line);
    if (!isRejection(parsed)) return this.addObject(parsed.value);
    const text = jsonString(line);
    if (text === undefined) this.reject(parsed.reject);
    else this.addText(text);
  }

  reject(reason: string): void {
    this.rejectCounts.set(reason, (this.rejectCounts.get(reason) ?? 0) + 1);
  }

  result(): TextsRead {
    const { rows, rejectCounts, notes } = this;
    return { texts: [...this.found.values()], rows, rejectCounts, notes };
  }
}

function jsonString(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function knowsInput(header: readonly string[], columns: ColumnMap): boolean {
  const { input } = columns;
  return input === undefined ? named(header, usualNames.input).length > 0 : header.includes(input);
}

function formatOfSample(path: string, sample: FileSample, columns: ColumnMap): Exclude<TextFormat, "auto"> {
  if ([".csv", ".tsv"].includes(extname(path).toLowerCase())) return "csv";
  if (/^\s*(\{|\[\s*\{)/.test(sample.text)) return "jsonl";
  const header = headerOf(sample.text);
  return header.length > 1 && knowsInput(header, columns) ? "csv" : "lines";
}

/** True when columns are numbers, so that the first row is data. @throws InputError when the column with the text is not found. */
function isWithoutHeader(path: string, sample: FileSample, columns: ColumnMap, inputFlag: string): boolean {
  const header = headerOf(sample.text);
  if (knowsInput(header, columns)) return false;
  const number = Number(columns.input ?? "");
  if (Number.isInteger(number) && number >= 1 && number <= header.length) return true;
  const wanted =
    columns.input === undefined ? `a column with the text (${usualNames.input.join(", ")})` : columns.input;
  const found = header.slice(0, 20).map((name) => JSON.stringify(name.slice(0, 40)));
  throw new InputError(
    `${path}: expected ${columns.input === undefined ? "" : "a column "}${wanted}, found ${found.join(", ")}`,
    {
      hint: `name it with ${inputFlag} COLUMN (by number where there is no header line)`,
    },
  );
}

async function readArray(path: string, sample: FileSample, gathering: Gathering): Promise<void> {
  const bytes = await readFile(path);
  const text = decodeBytes(bytes.subarray(sample.bomBytes), sample.encoding) ?? "";
  const parsed = parseLine(`{"rows":${text}}`);
  const rows: unknown = isRejection(parsed) ? undefined : parsed.value["rows"];
  if (!Array.isArray(rows)) {
    throw new InputError(`${path}: expected a JSON array, found broken JSON`, { hint: "use JSON lines" });
  }
  for (const row of rows as readonly unknown[]) {
    if (isJsonObject(row)) gathering.addObject(row);
    else if (typeof row === "string") gathering.addText(row);
    else gathering.reject("the entry is neither an object nor a text");
  }
}

async function readOne(file: ReadableFile, options: ReadTextsOptions, gathering: Gathering): Promise<void> {
  const { columns = {}, inputFlag = INPUT_FLAG, signal, onProgress } = options;
  const { path } = file;
  const sample = sampleFile(path, file.given);
  refuseMarkup(file.given, sample.text);
  gathering.notes.push(...file.notes, ...encodingNotes(file.given, sample.encoding));
  const format = options.format === undefined || options.format === "auto" ? undefined : options.format;
  const kind = format ?? formatOfSample(file.source, sample, columns);
  const reading = {
    ...(signal === undefined ? {} : { signal }),
    onBytes: (readBytes: number) => onProgress?.(readBytes / sample.sizeBytes),
  };
  if (kind === "csv") {
    await readCsv(path, {
      ...reading,
      sample,
      withoutHeader: isWithoutHeader(file.given, sample, columns, inputFlag),
      onRow: (row) => gathering.addObject(row),
      onReject: (_line, reason) => gathering.reject(reason),
    });
    return;
  }
  if (kind === "jsonl" && /^\s*\[/.test(sample.text)) return readArray(path, sample, gathering);
  await readLines(path, {
    ...reading,
    encoding: sample.encoding,
    bomBytes: sample.bomBytes,
    onLine: ({ text, problem }) => {
      if (problem !== undefined) gathering.reject(problem);
      else if (kind === "jsonl") gathering.addLine(text);
      else gathering.addText(text);
    },
  });
}

function mostFrequent(counts: ReadonlyMap<string, number>): Rejection {
  return { reject: [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? "no row" };
}

/** The distinct texts of files, in order. @throws InputError when a file is none of these or no row holds a text, StoreError when the
 *  disk fails, the signal's reason when aborted. */
export async function readTexts(files: readonly string[], options: ReadTextsOptions = {}): Promise<TextsRead> {
  if (files.length === 0) throw new InputError("no file given", { hint: "name at least one file with texts" });
  const gathering = new Gathering(options.columns ?? {});
  const unpacking = new Unpacking();
  try {
    for (const path of expandPaths(files)) await readOne(await unpacking.open(path), options, gathering);
  } finally {
    unpacking.close();
  }
  const read = gathering.result();
  if (read.texts.length > 0) return read;
  throw new InputError(
    `${files[0] ?? ""}: no row holds a text; most often: ${mostFrequent(read.rejectCounts).reject}`,
    {
      hint: `name the field with ${options.inputFlag ?? INPUT_FLAG}`,
    },
  );
}

/** Group of each text, from 0: equal but for case and space, near-duplicates and texts of one conversation belong together. */
export function groupTexts(texts: readonly TextRow[], seed: number): Int32Array {
  const drafts = texts.map(({ text, occurrences, meta }): RowDraft => ({
    text,
    folded: hashTexts(foldLabel(normaliseText(text))),
    side: "train",
    answers: new Map(),
    golds: undefined,
    conversations: meta.conversation === undefined ? undefined : new Set([`c${meta.conversation}`]),
    softSum: undefined,
    softCount: 0,
    weight: occurrences,
    quarters: 0,
    place: "",
  }));
  return groupRows(drafts, seed).groups;
}
