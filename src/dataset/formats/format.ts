/** @file The row of the format table: how a log line of one shape is recognised and turned into records.
 *  Knows no file; lines arrive as parsed JSON objects (CSV rows too, keyed by column name). */
import type { Rejection } from "../fields.js";
import type { Reading } from "../reading.js";
import type { LlmRecord } from "../types.js";
import type { JsonObject } from "../../json.js";

/** Which column or field (dots reach into objects) holds what; names that are absent are found by their usual names. */
export interface ColumnMap {
  readonly input?: string;
  readonly output?: string;
  readonly gold?: string;
  readonly time?: string;
  readonly cost?: string;
  readonly user?: string;
  readonly conversation?: string;
  readonly model?: string;
  readonly split?: string;
}

export type Parsed = Omit<LlmRecord, "source" | "line">;

/** What a line gives: a record, several (choices of one call, spans of one trace), or why there is none. */
export type ParsedLine = Parsed | readonly (Parsed | Rejection)[] | Rejection;

/** Each record or rejection of a line. */
export function recordsOf(parsed: ParsedLine): readonly (Parsed | Rejection)[] {
  return Array.isArray(parsed) ? (parsed as readonly (Parsed | Rejection)[]) : [parsed as Parsed | Rejection];
}

/** Which column or path became what, for display. */
export type ColumnRoles = Readonly<Record<string, string>>;

/** A format settled on one file from a sample of its rows. */
export interface FittedFormat {
  readonly format: RecordFormat;
  readonly columns: ColumnRoles;
  readonly notes: readonly string[];
}

export interface RecordFormat {
  /** What `--format` takes. */
  readonly name: string;
  /** What a line looks like, for messages. */
  readonly expects: string;
  /** True when an object has this shape. */
  detect(value: JsonObject, columns: ColumnMap): boolean;
  /** The records, or why there is none. */
  parse(value: JsonObject, columns: ColumnMap, reading?: Reading): ParsedLine;
  /** Decides once for a file what a single row cannot tell. */
  fit?(rows: readonly JsonObject[], columns: ColumnMap): FittedFormat;
}
