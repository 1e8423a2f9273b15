/** @file Which columns of a file hold what, decided once from a sample of its rows: by their names, and by what stands in them. Beside
 *  a column of answers the right answers never stand in; where a file has none, its annotation is the answer and that is said. */
import { isMetaName, roleOfOtherSpelling, type MetaRole } from "../fields.js";
import type { ColumnMap } from "./format.js";
import {
  GOLD_NAMES,
  INPUT_NAMES,
  LABEL_NAMES,
  named,
  OUTPUT_NAMES,
  SYSTEM_NAMES,
  isNamed,
  REPLY_NAMES,
} from "./column-names.js";
import { isCallStatus } from "./finished.js";
import { isNothing, valueAt } from "./path.js";
import { type JsonObject } from "../../json.js";

export interface Roles {
  readonly input: string;
  readonly output: string;
  /** Columns of the right answer, of which the first that holds one is it. */
  readonly golds: readonly string[];
  readonly system: string | undefined;
  /** The answer is an annotation, a person's or another source's: no model's output stands in the file. */
  readonly isAnnotation: boolean;
  /** `ideal` of evals: the first of a list is the answer, the others are accepted spellings. */
  readonly isFirstOfList: boolean;
  /** A column `status` tells how calls ended; otherwise it is business data. */
  readonly hasCallStatus: boolean;
  /** Columns in another spelling of a known name. */
  readonly others: readonly (readonly [string, MetaRole])[];
  readonly notes: readonly string[];
}

function keysOf(rows: readonly JsonObject[]): readonly string[] {
  const keys = new Set<string>();
  for (const row of rows) for (const key in row) keys.add(key);
  return [...keys];
}

const texts = (rows: readonly JsonObject[], key: string): readonly string[] =>
  rows.flatMap((row) => {
    const value = row[key];
    return isNothing(value) ? [] : [typeof value === "string" ? value : JSON.stringify(value)];
  });

const LEAST_ROWS = 12;
const LONG_CHARACTERS = 60;

/** A closed set of short values, as labels are. */
function isClosedSet(values: readonly string[]): boolean {
  if (values.length < LEAST_ROWS) return false;
  const distinct = new Set(values).size;
  return distinct <= Math.max(2, values.length / 3) && medianLength(values) <= LONG_CHARACTERS;
}

/** Free text: long, and hardly ever the same, and no JSON. */
function isFreeText(values: readonly string[]): boolean {
  if (values.length < LEAST_ROWS || values.some((value) => /^\s*[{[`<]/.test(value))) return false;
  return new Set(values).size > values.length / 2 && medianLength(values) > LONG_CHARACTERS;
}

function medianLength(values: readonly string[]): number {
  return values.map((value) => value.length).toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

const has = (rows: readonly JsonObject[], key: string): boolean => rows.some((row) => !isNothing(row[key]));

/** The first column by name that holds something; numbers alone are ids where another column is at hand. */
function inputColumn(rows: readonly JsonObject[], keys: readonly string[]): string | undefined {
  const candidates = named(keys, INPUT_NAMES).filter((key) => has(rows, key));
  const isText = (key: string): boolean =>
    texts(rows, key).some((text) => !/^[\d.\s-]*$/.test(text)) && !isClosedSet(texts(rows, key));
  return candidates.find(isText) ?? candidates[0];
}

interface OutputChoice {
  readonly output: string;
  readonly isAnnotation: boolean;
  readonly notes: readonly string[];
}

function outputColumn(
  rows: readonly JsonObject[],
  keys: readonly string[],
  taken: string | undefined,
): OutputChoice | undefined {
  const rest = keys.filter((key) => key !== taken);
  const outputs = named(rest, OUTPUT_NAMES);
  const labels = named(rest, LABEL_NAMES).filter((key) => has(rows, key));
  const output = outputs.find((key) => has(rows, key)) ?? outputs[0];
  if (output !== undefined) {
    const label = labels.find((key) => isClosedSet(texts(rows, key)));
    if (label !== undefined && isNamed(output, REPLY_NAMES) && isFreeText(texts(rows, output))) {
      const note = `the labels in \`${label}\` are the answers; \`${output}\` holds free text (--columns output=${output} takes it)`;
      return { output: label, isAnnotation: false, notes: [note] };
    }
    return { output, isAnnotation: false, notes: [] };
  }
  const annotation =
    labels[0] ??
    named(rest, GOLD_NAMES).find((key) => has(rows, key)) ??
    named(rest, [...LABEL_NAMES, ...GOLD_NAMES])[0];
  if (annotation === undefined) return undefined;
  return {
    output: annotation,
    isAnnotation: true,
    notes: [`no column holds a model's answer: \`${annotation}\` is taken as the teacher's`],
  };
}

const outputOfMap = (output: string): OutputChoice => ({ output, isAnnotation: false, notes: [] });

function goldColumns(keys: readonly string[], rows: readonly JsonObject[], output: OutputChoice): readonly string[] {
  const names = output.isAnnotation ? GOLD_NAMES : [...GOLD_NAMES, ...LABEL_NAMES];
  return named(keys, names).filter((key) => has(rows, key) && (key !== output.output || output.isAnnotation));
}

/** The roles of columns; undefined where no input or no output is found. */
export function chooseRoles(rows: readonly JsonObject[], columns: ColumnMap): Roles | undefined {
  const keys = keysOf(rows);
  const input =
    columns.input ??
    inputColumn(
      rows,
      keys.filter((key) => key !== columns.output),
    );
  const output = columns.output === undefined ? outputColumn(rows, keys, input) : outputOfMap(columns.output);
  if (input === undefined || output === undefined) return undefined;
  const askedFor = keys.filter((key) => key !== input);
  const golds = columns.gold === undefined ? goldColumns(askedFor, rows, output) : [columns.gold];
  const system = named(keys, SYSTEM_NAMES).find((key) => key !== input && key !== output.output && has(rows, key));
  const taken = new Set([input, output.output, system]);
  const others = keys.flatMap((key): (readonly [string, MetaRole])[] => {
    const role = taken.has(key) || / \(\d+\)$/.test(key) ? undefined : roleOfOtherSpelling(key);
    return role === undefined || role === "gold" ? [] : [[key, role]];
  });
  return {
    input,
    output: output.output,
    golds,
    system,
    isAnnotation: output.isAnnotation,
    isFirstOfList: output.output === "ideal",
    hasCallStatus: !taken.has("status") && rows.every((row) => isCallStatus(row["status"])),
    others,
    notes: output.notes,
  };
}

/** Columns whose names say what is known of a call, for display. */
export const metaColumns = (rows: readonly JsonObject[]): readonly string[] => keysOf(rows).filter(isMetaName);

/** The value of a column or path. */
export const columnOf = (value: JsonObject, path: string): unknown => valueAt(value, path);
