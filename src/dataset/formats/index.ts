/** @file The table of record formats, most specific first. Batch pairs (two lines, one record) and CSV (no JSON) are read by
 *  their own readers and named here so that `--format` and messages know them. */
import { UsageError } from "../../errors.js";
import type { ColumnMap, RecordFormat } from "./format.js";
import { annotationFormats } from "./annotations.js";
import { generic } from "./generic.js";
import { batchHalf } from "./openai-batch.js";
import { openaiChat } from "./openai-chat.js";
import { openpipeDataset, openpipeReport } from "./openpipe.js";
import { opentelemetry } from "./opentelemetry.js";
import { platformFormats } from "./platforms.js";
import { sharegpt } from "./sharegpt.js";
import type { JsonObject } from "../../json.js";

export type { ColumnMap, ColumnRoles, FittedFormat, Parsed, ParsedLine, RecordFormat } from "./format.js";

/** JSON-line formats of one line per record. */
export const recordFormats: readonly RecordFormat[] = [
  openpipeReport,
  ...platformFormats,
  opentelemetry,
  ...annotationFormats,
  openaiChat,
  openpipeDataset,
  sharegpt,
  generic,
];

export const BATCH = "openai-batch";
export const CSV = "csv";

/** Every value that `--format` takes. */
export const formatNames: readonly string[] = ["auto", BATCH, CSV, ...recordFormats.map((format) => format.name)];

/** Throws UsageError when `name` is no format. */
export function checkFormatName(name: string): void {
  if (formatNames.includes(name)) return;
  throw new UsageError(`--format ${name}: expected one of ${formatNames.join(", ")}`);
}

/** The format of one object: a row of the table, BATCH, or undefined. */
export function formatOf(value: JsonObject, columns: ColumnMap): RecordFormat | typeof BATCH | undefined {
  if (columns.input !== undefined || columns.output !== undefined)
    return generic.detect(value, columns) ? generic : undefined;
  if (batchHalf(value) !== undefined) return BATCH;
  return recordFormats.find((format) => format.detect(value, columns));
}
