/** @file Rows of Parquet files and of a spreadsheet's first sheet as JSON lines keyed by column name. Parquet is read row group by row
 *  group; a spreadsheet is read whole and therefore limited. Knows nothing of what columns mean. */
import { statSync } from "node:fs";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import readSheets from "read-excel-file/node";
import { InputError } from "../errors.js";
import { unpacksBeyond } from "./zip-size.js";

/** A spreadsheet is held as cells, tens of bytes for each of its packed ones. */
const MAXIMUM_SPREADSHEET_BYTES = 64 * 2 ** 20;
const MAXIMUM_UNPACKED_SPREADSHEET_BYTES = 2 ** 30;
const ROWS_AT_ONCE = 2_000;

/** Values that JSON does not have: dates and large integers as text, bytes left out. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value instanceof Uint8Array ? undefined : value;
}

/** Rows of a Parquet file as JSON lines. */
export async function* parquetLines(path: string): AsyncGenerator<string> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const rows = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < rows; rowStart += ROWS_AT_ONCE) {
    const rowEnd = Math.min(rows, rowStart + ROWS_AT_ONCE);
    const part = await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd });
    yield part.map((row) => `${JSON.stringify(row, plain)}\n`).join("");
  }
}

/** Rows of the named sheet, else of the first that holds any, keyed by the first row. @throws InputError when it is too large, or holds none. */
export async function spreadsheetLines(
  path: string,
  name?: string,
): Promise<{ readonly lines: readonly string[]; readonly notes: readonly string[] }> {
  if (statSync(path).size > MAXIMUM_SPREADSHEET_BYTES) {
    throw new InputError(`${path}: a spreadsheet of more than ${MAXIMUM_SPREADSHEET_BYTES >> 20} MB`, {
      hint: "save it as CSV",
    });
  }
  if (await unpacksBeyond(path, MAXIMUM_UNPACKED_SPREADSHEET_BYTES)) {
    throw new InputError(
      `${path}: the spreadsheet unpacks to more than ${MAXIMUM_UNPACKED_SPREADSHEET_BYTES >> 20} MB`,
      {
        hint: "save it as CSV",
      },
    );
  }
  const sheets = await readSheets(path);
  const first = sheets.find(({ sheet, data }) => data.length > 1 && (name === undefined || sheet === name));
  if (first === undefined) {
    const named = name === undefined ? "no sheet" : `no sheet "${name}"`;
    throw new InputError(`${path}: ${named} holds a header and rows`, {
      hint: `put the column names into the first row; the sheets are ${sheets.map(({ sheet }) => `"${sheet}"`).join(", ")}`,
    });
  }
  const [header = [], ...rows] = first.data;
  const names = header.map((cell, i) => (cell === null ? `column ${i + 1}` : String(cell).trim()));
  const lines = rows
    .filter((row) => row.some((cell) => cell !== null))
    .map((row) => `${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])))}\n`);
  const notes =
    sheets.length > 1 && name === undefined
      ? [`the sheet "${first.sheet}" is read, the first of ${sheets.length} that holds rows; --sheet names another`]
      : [];
  return { lines, notes };
}
