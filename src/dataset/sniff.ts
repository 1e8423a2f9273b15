/** @file What kind of log a file is, told from its beginning: its container (lines, a JSON document, a table), its format settled on
 *  the file's own columns, its encoding, notes for the user, or an InputError that says what it is instead and how to map it. */
import { basename, extname } from "node:path";
import { InputError } from "../errors.js";
import { headerOf, sampleRows } from "./csv.js";
import { encodingNotes, refuseMarkup, sampleFile, type FileSample } from "./encoding.js";
import { isRejection, META_NAMES } from "./fields.js";
import { usualNames } from "./formats/generic.js";
import { named } from "./formats/column-names.js";
import { batchHalf } from "./formats/openai-batch.js";
import {
  BATCH,
  CSV,
  formatOf,
  recordFormats,
  type ColumnMap,
  type ColumnRoles,
  type RecordFormat,
} from "./formats/index.js";
import { platformFormats } from "./formats/platforms.js";
import { embedded, valueAt } from "./formats/path.js";
import { parseLine } from "./json-line.js";
import { scanSample } from "./json-values.js";
import { Reading } from "./reading.js";
import { suggestColumns } from "./suggest.js";
import type { JsonObject } from "../json.js";

export interface SniffedFile {
  readonly path: string;
  /** File name without folders: what records and messages carry. */
  readonly source: string;
  readonly sample: FileSample;
  readonly format: RecordFormat | typeof BATCH;
  readonly container: "lines" | "document" | "table";
  /** Of a document: the array that holds the records, undefined where they stand one after the other. */
  readonly arrayPath?: string | undefined;
  /** The user named the format, so lines of another shape are rejected. */
  readonly isNamed: boolean;
  /** A table without header line, columns named by number. */
  readonly withoutHeader: boolean;
  readonly notes: readonly string[];
  readonly columns: ColumnRoles;
  readonly reading: Reading;
}

const SAMPLED_LINES = 1000;

/** Looks at a file; `format` is "auto" or a name of the format table. `source` is its name where the path is that of an unpacked copy. */
export function sniffFile(
  path: string,
  format: string,
  columns: ColumnMap,
  source = basename(path),
  given = path,
): SniffedFile {
  const sample = sampleFile(path, given);
  refuseMarkup(given, sample.text);
  const base = { path, source, sample, isNamed: format !== "auto" && format !== CSV, withoutHeader: false };
  const found = documentOf(sample, columns);
  const isTable =
    format === CSV || (found.objects.length === 0 && format === "auto" && looksLikeTable(given, sample.text, columns));
  if (isTable) return { ...base, ...sniffTable(given, sample, columns) };
  const { objects, container, arrayPath } = found;
  const kind = format === "auto" ? mostFrequentFormat(objects, columns) : namedFormat(given, format, objects, columns);
  if (kind === undefined) throw unknownShape(given, objects, columns);
  if (kind === BATCH && container !== "lines") {
    throw new InputError(`${source}: batch files are read as JSON lines, found one JSON document`, {
      hint: "write one object per line",
    });
  }
  return { ...base, container, arrayPath, ...settled(source, sample, kind, objects, columns) };
}

interface Settled {
  readonly format: RecordFormat | typeof BATCH;
  readonly columns: ColumnRoles;
  readonly notes: readonly string[];
  readonly reading: Reading;
}

/** The format settled on a sample of the file's rows. */
function settled(
  source: string,
  sample: FileSample,
  kind: RecordFormat | typeof BATCH,
  rows: readonly JsonObject[],
  columns: ColumnMap,
): Settled {
  const reading = new Reading();
  const decided = reading.decide(sampled(rows, "time", columns.time), sampled(rows, "latency").map(Number));
  const own = kind === BATCH ? rows : rows.filter((row) => kind.detect(row, columns));
  const ofUnits =
    kind !== BATCH && platformFormats.includes(kind) ? decided.filter((note) => !note.includes("latencies")) : decided;
  const fitted = kind === BATCH ? undefined : kind.fit?.(own, columns);
  const notes = [
    ...encodingNotes(source, sample.encoding),
    ...[...(fitted?.notes ?? []), ...ofUnits].map((note) => `${source}: ${note}`),
  ];
  const unused = kind === BATCH ? Object.keys(columns) : unusedColumns(rows, columns);
  for (const key of unused)
    notes.push(`${source}: --columns ${key}=${String(columns[key as keyof ColumnMap])} is not used: no row has it`);
  const others = metaRoles(rows);
  return { format: fitted?.format ?? kind, columns: { ...others, ...fitted?.columns }, notes, reading };
}

function unusedColumns(rows: readonly JsonObject[], columns: ColumnMap): readonly string[] {
  return Object.entries(columns).flatMap(([key, path]: [string, string | undefined]) =>
    path === undefined || rows.some((row) => valueAt(row, path) !== undefined) ? [] : [key],
  );
}

/** Values of a role under its usual names, at the top and one object down. */
function sampled(rows: readonly JsonObject[], role: "time" | "latency", column?: string): readonly unknown[] {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const names = column === undefined ? named(keys, META_NAMES[role]) : [column];
  const values = rows.flatMap((row) => names.map((name) => valueAt(row, name)));
  return values.filter((value) => value !== undefined && value !== null && value !== "");
}

function metaRoles(rows: readonly JsonObject[]): ColumnRoles {
  const keys = [...new Set(rows.slice(0, 50).flatMap((row) => Object.keys(row)))];
  const roles: Record<string, string> = {};
  for (const role of ["id", "time", "conversation", "user", "model", "cost", "latency"] as const) {
    const found = named(keys, META_NAMES[role])[0];
    if (found !== undefined) roles[role] = found;
  }
  return roles;
}

interface FoundObjects {
  readonly objects: readonly JsonObject[];
  readonly container: "lines" | "document";
  readonly arrayPath?: string | undefined;
}

/** The objects at the beginning of a file and how they are packed. */
function documentOf(sample: FileSample, columns: ColumnMap): FoundObjects {
  const text = sample.text.trimStart();
  if (!/^[{[]/.test(text)) return { objects: lineObjects(sample.text), container: "lines" };
  const lines = text.startsWith("{") ? lineObjects(sample.text) : [];
  const isKnown = (value: JsonObject): boolean => formatOf(value, columns) !== undefined;
  if (lines.some(isKnown)) return { objects: lines, container: "lines" };
  const { values, arrays } = scanSample(text, undefined, SAMPLED_LINES);
  const whole = parseAll(values);
  if (text.startsWith("{") && lines.length === 0 && whole.some(isKnown))
    return { objects: whole, container: "document" };
  const paths = text.startsWith("{") ? arraysOf(text) : ["", ...arrays];
  for (const path of paths) {
    const objects = parseAll(scanSample(text, path, SAMPLED_LINES).values);
    if (objects.some(isKnown) && (path !== "" || text.startsWith("[")))
      return { objects, container: "document", arrayPath: path };
  }
  if (text.startsWith("["))
    return { objects: parseAll(scanSample(text, "", SAMPLED_LINES).values), container: "document", arrayPath: "" };
  return lines.length > 0 || whole.length === 0
    ? { objects: lines, container: "lines" }
    : { objects: whole, container: "document" };
}

/** Arrays of a document that is one object: all of them, the outer ones first. */
function arraysOf(text: string): readonly string[] {
  return scanSample(text, "\u0000", 0).arrays.toSorted((a, b) => a.split(".").length - b.split(".").length);
}

function parseAll(texts: readonly string[]): readonly JsonObject[] {
  return texts.flatMap((text) => {
    const parsed = parseLine(text);
    return isRejection(parsed) ? [] : [parsed.value];
  });
}

function lineObjects(text: string): readonly JsonObject[] {
  const lines: string[] = [];
  let start = 0;
  while (lines.length < SAMPLED_LINES && start < text.length) {
    const found = text.indexOf("\n", start);
    const line = text.slice(start, found < 0 ? text.length : found).trim();
    start = found < 0 ? text.length : found + 1;
    if (line !== "") lines.push(line);
  }
  return parseAll(lines);
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
  source: string,
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
  throw new InputError(`${source}: not in the format ${name} that was named: expected ${expects}${found}`, {
    hint: "leave --format out to let each file be recognised",
  });
}

function looksLikeTable(source: string, text: string, columns: ColumnMap): boolean {
  if ([".csv", ".tsv"].includes(extname(source).toLowerCase()) || /^sep=.\r?\n/i.test(text)) return true;
  if (/^\s*[{[]/.test(text)) return false;
  const header = headerOf(text);
  return (
    header.length > 1 &&
    (mapped(columns).length > 0 ||
      (named(header, usualNames.input).length > 0 && named(header, usualNames.output).length > 0))
  );
}

function mapped(columns: ColumnMap): readonly string[] {
  return Object.values(columns).filter((name) => name !== undefined);
}

/** Cells that hold JSON as what they hold, so that a table of a platform's export is known by its shape. */
const withoutText = (row: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(row).map(([key, value]) => [key, embedded(value)]));

function sniffTable(
  source: string,
  sample: FileSample,
  columns: ColumnMap,
): Settled & Pick<SniffedFile, "container" | "withoutHeader"> {
  const header = headerOf(sample.text);
  const withoutHeader = isWithoutHeader(header, columns);
  const rows = sampleRows(sample.text, withoutHeader);
  const counted = mostFrequentFormat(rows.map(withoutText), columns);
  const platform =
    counted === undefined || counted === BATCH || counted.name === "generic" || counted.fit === undefined
      ? undefined
      : counted;
  if (platform === undefined) checkTable(source, header, rows, columns, withoutHeader);
  const generic = recordFormats.find((format) => format.name === "generic");
  const kind = platform ?? generic;
  if (kind === undefined) throw unknownShape(source, rows, columns);
  const found = settled(basename(source), sample, kind, platform === undefined ? rows : rows.map(withoutText), columns);
  const twice = header.filter((name, i) => name !== "" && header.indexOf(name) !== i);
  const notes = twice.map(
    (name) => `${basename(source)}: the header names the column "${name}" more than once; the first is used`,
  );
  return { ...found, notes: [...found.notes, ...notes], container: "table", withoutHeader };
}

/** True when the columns are named by number, so that the first row is data. */
function isWithoutHeader(header: readonly string[], columns: ColumnMap): boolean {
  const wanted = mapped(columns);
  const isNumbered = wanted.every((name) => /^\d+$/.test(name) && Number(name) <= header.length);
  return wanted.length > 0 && isNumbered && wanted.some((name) => !header.includes(name));
}

/** Throws InputError when columns are missing. */
function checkTable(
  source: string,
  header: readonly string[],
  rows: readonly JsonObject[],
  columns: ColumnMap,
  withoutHeader: boolean,
): void {
  if (withoutHeader) return;
  const missing = mapped(columns).filter(
    (name) => !header.includes(name) && !rows.some((row) => valueAt(row, name) !== undefined),
  );
  const found = `found ${header
    .slice(0, 20)
    .map((name) => JSON.stringify(name.slice(0, 40)))
    .join(", ")}`;
  const hint = `map them with ${suggestColumns(rows) ?? "--columns input=NAME,output=NAME"} (by number where there is no header line)`;
  if (missing.length > 0) throw new InputError(`${source}: no column ${missing.join(", ")}; ${found}`, { hint });
  if (columns.input === undefined && named(header, usualNames.input).length === 0) {
    throw new InputError(`${source}: expected an input column (${shown(usualNames.input)}); ${found}`, { hint });
  }
  if (columns.output === undefined && named(header, usualNames.output).length === 0) {
    throw new InputError(`${source}: expected an output column (${shown(usualNames.output)}); ${found}`, { hint });
  }
}

const shown = (names: readonly string[]): string => `${names.slice(0, 8).join(", ")}, ...`;

function unknownShape(source: string, objects: readonly JsonObject[], columns: ColumnMap): InputError {
  const keys =
    objects[0] === undefined ? "no JSON object" : `fields ${Object.keys(objects[0]).slice(0, 12).join(", ")}`;
  const map = mapped(columns).length > 0 ? ` with the columns ${mapped(columns).join(", ")}` : "";
  const suggestion = suggestColumns(objects);
  return new InputError(`${source}: expected a log (JSON lines or CSV)${map}, found ${keys} at its beginning`, {
    hint:
      suggestion === undefined
        ? `known shapes: ${[BATCH, CSV, ...recordFormats.map((format) => format.name)].join(", ")}`
        : `say which field holds what: ${suggestion}`,
    facts: { expected: recordFormats.map((format) => format.expects) },
  });
}
