/** @file CSV and TSV as objects keyed by the header's names, streamed. Wrong rows are reported, not thrown; csv-parse does the
 *  quoting (RFC 4180, embedded line breaks). Knows nothing of what the columns mean. */
import { createReadStream } from "node:fs";
import { Transform } from "node:stream";
import { isUtf8 } from "node:buffer";
import { CsvError, parse, type Parser } from "csv-parse";
import { parse as parseNow } from "csv-parse/sync";
import { decodeBytes, type FileSample, type TextEncoding } from "./encoding.js";
import { MAXIMUM_LINE_BYTES, undecodable } from "./lines.js";
import type { JsonObject } from "../json.js";

export interface ReadCsvOptions {
  readonly sample: FileSample;
  /** True when columns are named by number: the first row is then data. */
  readonly withoutHeader: boolean;
  readonly onRow: (row: JsonObject, line: number) => void;
  readonly onReject: (line: number, reason: string) => void;
  readonly onBytes?: (readBytes: number) => void;
  readonly signal?: AbortSignal;
}

const DELIMITED_LINES = 50;

/** Excel's own first line, which names the delimiter. */
const SEPARATOR_LINE = /^sep=(.)\r?\n/i;

/** A tab where most lines hold one (prose has none), else a semicolon where the first line has more of them than commas. */
export function delimiterOf(text: string): string {
  const named = SEPARATOR_LINE.exec(text)?.[1];
  if (named !== undefined) return named;
  const lines = text.split("\n", DELIMITED_LINES).filter((line) => line.trim() !== "");
  const tabbed = lines.filter((line) => line.includes("\t")).length;
  if (tabbed * 5 >= lines.length * 4) return "\t";
  const header = lines[0] ?? "";
  return header.split(";").length > header.split(",").length ? ";" : ",";
}

/** The quote character; false for tab-separated lines that are whole rows and hold quotes that nothing closes (prose). */
function quoteOf(text: string, delimiter: string): string | false {
  if (delimiter !== "\t") return '"';
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const columns = lines[0]?.split("\t").length;
  if (!lines.every((line) => line.split("\t").length === columns)) return '"';
  const cells = lines.flatMap((line) => line.trimEnd().split("\t")).filter((cell) => cell.startsWith('"'));
  return cells.every((cell) => cell.length > 1 && cell.endsWith('"')) ? '"' : false;
}

/** The first rows of a table as cells; a row that the sample cuts is left out. */
function sampleCells(text: string, maximumRows: number): readonly (readonly string[])[] {
  const table = text.replace(SEPARATOR_LINE, "");
  const delimiter = delimiterOf(text);
  const options = {
    delimiter,
    quote: quoteOf(table, delimiter),
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
  };
  for (let to = maximumRows; to >= 1; to = Math.floor(to / 4)) {
    try {
      return parseNow(table, { ...options, to }).map((row: readonly unknown[]) => row.map(String));
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
    }
  }
  return [];
}

/** The header's column names as they will key the rows; the second of two alike is numbered. */
export function headerOf(text: string): readonly string[] {
  return (sampleCells(text, 1)[0] ?? []).map((name) => name.trim());
}

const SAMPLED_ROWS = 400;

/** The first rows as objects. */
export function sampleRows(text: string, withoutHeader: boolean): readonly JsonObject[] {
  const [header = [], ...rows] = sampleCells(text, SAMPLED_ROWS);
  const names = withoutHeader ? header.map((_, i) => String(i + 1)) : uniqueNames(header);
  const body = withoutHeader ? [header, ...rows] : rows;
  return body
    .filter((row) => row.length === names.length)
    .map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ""])));
}

/** Stands for bytes that are none of the encoding's: a noncharacter of Unicode, which text for interchange does not hold. */
const INVALID = "\uffff";

/** Whole lines as text, bytes that are none of the encoding's as `INVALID`. */
function decodeLines(bytes: Buffer, encoding: TextEncoding): string {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end + 1);
    start += line.length;
    const replaced = (): string => new TextDecoder(encoding, { ignoreBOM: true }).decode(line);
    lines.push(decodeBytes(line, encoding) ?? replaced().replaceAll("\ufffd", INVALID));
  }
  return lines.join("");
}

/** Decodes chunks into whole lines. */
function decoder(encoding: TextEncoding): Transform {
  let rest = Buffer.alloc(0);
  const decode = (bytes: Buffer): string => {
    if (encoding === "utf-8" && isUtf8(bytes)) return bytes.toString("utf8");
    return decodeBytes(bytes, encoding) ?? decodeLines(bytes, encoding);
  };
  return new Transform({
    decodeStrings: true,
    readableObjectMode: false,
    transform(chunk: Buffer, _encoding, done) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = bytes.lastIndexOf(10) + 1;
      rest = Buffer.from(bytes.subarray(end));
      done(null, end === 0 ? undefined : decode(bytes.subarray(0, end)));
    },
    flush(done) {
      done(null, rest.length === 0 ? undefined : decode(rest));
    },
  });
}

function startParser(sample: FileSample): Parser {
  const delimiter = delimiterOf(sample.text);
  const table = sample.text.replace(SEPARATOR_LINE, "");
  return parse({
    delimiter,
    from_line: table === sample.text ? 1 : 2,
    quote: quoteOf(table, delimiter),
    info: true,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAXIMUM_LINE_BYTES,
  });
}

/** Calls `onRow` for every row, `onReject` for rows that do not fit the header. */
export async function readCsv(path: string, options: ReadCsvOptions): Promise<void> {
  const { sample, onRow, onReject, onBytes, signal } = options;
  const file = createReadStream(path, { start: sample.bomBytes, highWaterMark: 1 << 18 });
  let readBytes = sample.bomBytes;
  file.on("data", (chunk) => {
    readBytes += chunk.length;
    onBytes?.(readBytes);
  });
  const decoding = decoder(sample.encoding);
  const parser = startParser(sample);
  file.on("error", (error) => parser.destroy(error));
  file.pipe(decoding).pipe(parser);
  let names: readonly string[] | undefined;
  let previousLine = 0;
  let pairs = 0;
  try {
    for await (const entry of parser as AsyncIterable<{ info: { lines: number }; record: string[] }>) {
      signal?.throwIfAborted();
      const line = previousLine + 1;
      // csv-parse counts a CR LF inside quotes as two lines.
      pairs += entry.record.reduce((sum, cell) => sum + cell.split("\r\n").length - 1, 0);
      previousLine = entry.info.lines - pairs;
      if (names === undefined) {
        names = options.withoutHeader ? entry.record.map((_, i) => String(i + 1)) : uniqueNames(entry.record);
        if (!options.withoutHeader) continue;
      }
      if (entry.record.some((cell) => cell.includes(INVALID))) onReject(line, undecodable(sample.encoding));
      else giveRow(names, entry.record, line, onRow, onReject);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    onReject(previousLine + 1, `the rest of the file cannot be read as CSV (${error.code})`);
  } finally {
    file.destroy();
  }
}

/** The header's names, the second of two alike numbered. */
function uniqueNames(header: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return header.map((cell) => {
    const name = cell.trim();
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name} (${times})`;
  });
}

function giveRow(
  names: readonly string[],
  cells: readonly string[],
  line: number,
  onRow: ReadCsvOptions["onRow"],
  onReject: ReadCsvOptions["onReject"],
): void {
  if (cells.length !== names.length) return onReject(line, "the row has another number of columns than the header");
  onRow(Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ""])), line);
}
