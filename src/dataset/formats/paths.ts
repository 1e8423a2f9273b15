/** @file A format whose lines are one record each and differ from others in field names alone, as a row of paths. Knows no platform:
 *  the rows are in `platforms.ts`. */
import { isRejection, readMeta, setMeta, textOf, type MetaRole, type RecordMeta, type Writable } from "../fields.js";
import { Reading } from "../reading.js";
import { timeMsOf } from "../times.js";
import type { ColumnMap, ParsedLine, RecordFormat } from "./format.js";
import { assembleAll, readBodies } from "./exchange.js";
import { CALL_FAILED, failureOf } from "./finished.js";
import { answersOf } from "./responses.js";
import { answersOfOutput, messagesOfInput } from "./generic.js";
import { contentOf } from "./messages.js";
import { embedded, firstAt, firstFilled, isNothing, valueAt } from "./path.js";
import type { JsonObject } from "../../json.js";

export interface PathShape {
  readonly name: string;
  readonly expects: string;
  /** Paths that a line of this shape has, every one; alternatives are separated by `|`. */
  readonly has: readonly string[];
  /** A field with one of these values, where the names alone would not do. */
  readonly is?: readonly [path: string, pattern: RegExp];
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly system?: readonly string[];
  /** The output is the body of a response, not an answer that may be any JSON. */
  readonly isBody?: true;
  /** Where what is known of a call stands, by role; beside the usual names. */
  readonly meta?: { readonly [R in MetaRole]?: readonly string[] };
  /** Objects whose usual names say more of the call. */
  readonly more?: readonly string[];
  /** Begin and end of a call, for its latency. */
  readonly span?: readonly [begin: string, end: string];
  /** An error beside an answer is a verdict on it, not on the call. */
  readonly judges?: true;
  /** A call that failed, where the usual fields do not say so. */
  readonly failed?: readonly [path: string, pattern: RegExp];
  /** Lines that are no model call, and what they are. */
  readonly passOver?: readonly [path: string, pattern: RegExp, reason: string];
}

const matches = (value: JsonObject, [path, pattern]: readonly [string, RegExp, ...unknown[]]): boolean => {
  const found = valueAt(value, path);
  return !isNothing(found) && pattern.test(textOf(found) ?? "");
};

function hasAll(value: JsonObject, paths: readonly string[]): boolean {
  return paths.every((path) => path.split("|").some((one) => valueAt(value, one) !== undefined));
}

function metaOf(value: JsonObject, shape: PathShape, reading: Reading): Writable<RecordMeta> {
  const meta: Writable<RecordMeta> = {};
  for (const [role, paths] of Object.entries(shape.meta ?? {}) as [MetaRole, readonly string[]][])
    setMeta(meta, role, firstAt(value, paths), reading);
  readMeta(value, meta, reading);
  for (const path of shape.more ?? []) readBodies(valueAt(value, path), meta, reading);
  if (shape.span !== undefined) {
    const [begin, end] = shape.span.map((path) => timeMsOf(valueAt(value, path), reading.dateOrder));
    if (begin !== undefined && end !== undefined && end > begin) meta.latencyMs ??= end - begin;
  }
  return meta;
}

function parseShape(value: JsonObject, shape: PathShape, reading: Reading): ParsedLine {
  if (shape.passOver !== undefined && matches(value, shape.passOver)) return { reject: shape.passOver[2] };
  if (shape.failed !== undefined && matches(value, shape.failed)) return CALL_FAILED;
  const output = firstAt(value, shape.output);
  const isJudged = shape.judges === true && !isNothing(output);
  const failure = isJudged ? undefined : failureOf(value);
  if (failure !== undefined) return failure;
  const asked = messagesOfInput(firstFilled(value, shape.input));
  if (isRejection(asked)) return asked;
  const system = contentOf(embedded(shape.system === undefined ? undefined : firstAt(value, shape.system)));
  const messages =
    isRejection(system) || system.text === "" ? asked : [{ role: "system" as const, content: system.text }, ...asked];
  const isBody = shape.isBody === true && typeof embedded(output) === "object";
  const answers = isBody ? answersOf(embedded(output)) : answersOfOutput(output, shape.output[0] ?? "output");
  if (isRejection(answers)) return answers;
  const meta = metaOf(value, shape, reading);
  for (const path of [...shape.output, ...shape.input]) readBodies(valueAt(value, path), meta, reading);
  return assembleAll(meta, messages, answers);
}

/** The format of a row of paths. */
export function pathFormat(shape: PathShape): RecordFormat {
  const format: RecordFormat = {
    name: shape.name,
    expects: shape.expects,
    detect: (value: JsonObject) => hasAll(value, shape.has) && (shape.is === undefined || matches(value, shape.is)),
    parse: (value: JsonObject, _columns: ColumnMap, reading = new Reading()) => parseShape(value, shape, reading),
    fit: (rows) => {
      const used = (paths: readonly string[]): string =>
        paths.find((path) => rows.some((row) => !isNothing(valueAt(row, path)))) ?? paths[0] ?? "";
      return { format, columns: { input: used(shape.input), output: used(shape.output) }, notes: [] };
    },
  };
  return format;
}
