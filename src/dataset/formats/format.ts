/** @file The row of the format table: how a log line of one shape is recognised and turned into a record.
 *  Knows no file; lines arrive as parsed JSON objects (CSV rows too, keyed by column name). */
import type { Rejection } from "../fields.js";
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

export interface RecordFormat {
  /** What `--format` takes. */
  readonly name: string;
  /** What a line looks like, for messages. */
  readonly expects: string;
  /** True when an object has this shape. */
  detect(value: JsonObject, columns: ColumnMap): boolean;
  /** The record, or why it cannot be one. */
  parse(value: JsonObject, columns: ColumnMap): Parsed | Rejection;
}
