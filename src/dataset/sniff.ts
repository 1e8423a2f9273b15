/** @file What kind of log a file is, told from its beginning: its format, its encoding, notes for the user, or an InputError
 *  that says what it is instead. Reads at most the sample. */
import { basename, extname } from "node:path";
import { InputError } from "../errors.js";
import { headerOf } from "./csv.js";
import { encodingNotes, refuseMarkup, sampleFile, type FileSample } from "./encoding.js";
import { isRejection } from "./fields.js";
import { usualNames } from "./formats/generic.js";
import { batchHalf } from "./formats/openai-batch.js";
import { BATCH, CSV, formatOf, recordFormats, type ColumnMap, type RecordFormat } from "./formats/index.js";
import { parseLine } from "./json-line.js";
import type { JsonObject } from "../json.js";

export interface SniffedFile {
  readonly path: string;
  /** File name without folders: what records and messages carry. */
  readonly source: string;
  readonly sample: FileSample;
  readonly format: RecordFormat | typeof BATCH | typeof CSV;
  /** The user named the format, so lines of another shape are rejected. */
  readonly isNamed: boolean;
  /** One JSON array instead of lines. */
  readonly isArray: boolean;
  /** A table without header line, columns named by number. */
  readonly withoutHeader: boolean;
  readonly notes: readonly string[];
}

/** A whole array is parsed at once and costs several times its size in memory. */
const MAXIMUM_ARRAY_BYTES = 256 * 1024 * 1024;
const SAMPLED_LINES = 64;

/** Looks at a file; `format` is "auto" or a name of the format table. */
export function sniffFile(path: string, format: string, columns: ColumnMap): SniffedFile {
  const sample = sampleFile(path);
  const source = basename(path);
  const notes = encodingNotes(path, sample.encoding);
  const base = { path, source, sample, isNamed: format !== "auto", isArray: false, withoutHeader: false, notes };
  refuseMarkup(path, sample.text);
  const isArray = /^\s*\[\s*[{\]]/.test(sample.text);
  const objects = isArray ? arrayObjects(sample) : lineObjects(sample.text);
  if (isArray && sample.sizeBytes > MAXIMUM_ARRAY_BYTES) {
    throw new InputError(
      `${path}: one JSON array of ${Math.round(sample.sizeBytes / 1e6)} MB is too large to read at once`,
      {
        hint: "write it as JSON lines, one object per line",
      },
    );
  }
  if (format === CSV || (format === "auto" && objects.length === 0 && looksLikeTable(path, sample.text, columns))) {
    return { ...base, format: CSV, withoutHeader: checkTable(path, sample, columns) };
  }
  const found = format === "auto" ? mostFrequentFormat(objects, columns) : namedFormat(path, format, objects, columns);
  if (found === undefined) throw unknownShape(path, objects, columns);
  return { ...base, format: found, isArray: isArray && found !== BATCH };
}

function lineObjects(text: string): readonly JsonObject[] {
  const objects: JsonObject[] = [];
  let start = 0;
  for (let looked = 0; looked < SAMPLED_LINES && start < text.length;) {
    const found = text.indexOf("\n", start);
    const line = text.slice(start, found < 0 ? text.length : found).trim();
    start = found < 0 ? text.length : found + 1;
    if (line === "") continue;
    looked++;
    const parsed = parseLine(line);
    if (!isRejection(parsed)) objects.push(parsed.value);
  }
  return objects;
}

/** Objects at the beginning of an array; a sample that cuts the array is closed after its first complete object. */
function arrayObjects(sample: FileSample): readonly JsonObject[] {
  for (let end = sample.text.length, tries = 0; end > 0 && tries < 500; tries++) {
    const text = sample.text.slice(0, end);
    const parsed = parseLine(`{"rows":${sample.complete && tries === 0 ? text : `${text}]`}}`);
    const rows: unknown = isRejection(parsed) ? undefined : parsed.value["rows"];
    if (Array.isArray(rows))
      return rows.slice(0, SAMPLED_LINES).filter((row): row is JsonObject => typeof row === "object" && row !== null);
    if (sample.complete) return [];
    end = sample.text.lastIndexOf("}", end - 2) + 1;
  }
  return [];
}

function mostFrequentFormat(
  objects: readonly JsonObject[],
  columns: ColumnMap,
): RecordFormat | typeof BATCH | undefined {
  const counts = new Map<RecordFormat | typeof BATCH, number>();
  for (const value of objects) {
    const format = formatOf(value, columns);
    if (format !== undefined) counts.set(format, (counts.get(format) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

function namedFormat(
  path: string,
  name: string,
  objects: readonly JsonObject[],
  columns: ColumnMap,
): RecordFormat | typeof BATCH {
  const format = recordFormats.find((row) => row.name === name);
  const fits = (value: JsonObject): boolean =>
    format === undefined ? batchHalf(value) !== undefined : format.detect(value, columns);
  if (objects.some(fits)) return format ?? BATCH;
  const other = mostFrequentFormat(objects, columns);
  const found = other === undefined ? "" : `; it looks like ${typeof other === "string" ? other : other.name}`;
  const expects = format?.expects ?? '{"custom_id": ..., "body": ...} and {"custom_id": ..., "response": ...}';
  throw new InputError(`${path}: not in the format ${name} that was named: expected ${expects}${found}`, {
    hint: "leave --format out to let each file be recognised",
  });
}

function looksLikeTable(path: string, text: string, columns: ColumnMap): boolean {
  if ([".csv", ".tsv"].includes(extname(path).toLowerCase())) return true;
  if (/^\s*[{[]/.test(text)) return false;
  const header = headerOf(text);
  return (
    header.length > 1 &&
    (mapped(columns).length > 0 || (hasName(header, usualNames.input) && hasName(header, usualNames.output)))
  );
}

function mapped(columns: ColumnMap): readonly string[] {
  return Object.values(columns).filter((name) => name !== undefined);
}

function hasName(header: readonly string[], names: readonly string[]): boolean {
  return header.some((name) => names.includes(name));
}

/** True when the table has no header line (columns named by number); throws InputError when columns are missing. */
function checkTable(path: string, sample: FileSample, columns: ColumnMap): boolean {
  const header = headerOf(sample.text);
  const wanted = mapped(columns);
  const missing = wanted.filter((name) => !header.includes(name));
  if (
    wanted.length > 0 &&
    missing.length > 0 &&
    wanted.every((name) => /^\d+$/.test(name) && Number(name) <= header.length)
  )
    return true;
  const found = `found ${header
    .slice(0, 20)
    .map((name) => JSON.stringify(name.slice(0, 40)))
    .join(", ")}`;
  const hint = "map them with --columns input=NAME,output=NAME (by number where there is no header line)";
  if (missing.length > 0) throw new InputError(`${path}: no column ${missing.join(", ")}; ${found}`, { hint });
  if (columns.input === undefined && !hasName(header, usualNames.input)) {
    throw new InputError(`${path}: expected an input column (${usualNames.input.join(", ")}); ${found}`, { hint });
  }
  if (columns.output === undefined && !hasName(header, usualNames.output)) {
    throw new InputError(`${path}: expected an output column (${usualNames.output.join(", ")}); ${found}`, { hint });
  }
  return false;
}

function unknownShape(path: string, objects: readonly JsonObject[], columns: ColumnMap): InputError {
  const keys =
    objects[0] === undefined ? "no JSON object" : `fields ${Object.keys(objects[0]).slice(0, 12).join(", ")}`;
  const map = mapped(columns).length > 0 ? ` with the columns ${mapped(columns).join(", ")}` : "";
  return new InputError(`${path}: expected a log (JSON lines or CSV)${map}, found ${keys} at its beginning`, {
    hint: `known shapes: ${[BATCH, CSV, ...recordFormats.map((format) => format.name)].join(", ")}`,
    facts: { expected: recordFormats.map((format) => format.expects) },
  });
}
