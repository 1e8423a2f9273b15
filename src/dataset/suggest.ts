/** @file The `--columns` line that would read a file of an unknown shape, made of the fields that its first rows have: the longest text
 *  as input, the shortest closed set of texts as output. */
import { isMetaName } from "./fields.js";
import { LABEL_NAMES, named, OUTPUT_NAMES } from "./formats/column-names.js";
import { type JsonObject, isJsonObject } from "../json.js";

/** Fields of the vendors' vocabularies that are neither asked nor answered. */
const FIXED_NAMES = /(^|[.\]])(role|object|type|finish_reason|stop_reason|finishReason|id|model)$/;
const MAXIMUM_DEPTH = 5;
const MAXIMUM_ROWS = 200;

function collect(value: unknown, path: string, depth: number, into: Map<string, string[]>): void {
  if (typeof value === "string") {
    const texts = into.get(path) ?? [];
    into.set(path, texts);
    if (value.trim() !== "" && !FIXED_NAMES.test(path)) texts.push(value);
  } else if (depth < MAXIMUM_DEPTH && Array.isArray(value)) {
    const last = value.length - 1;
    for (const i of new Set([0, last])) if (i >= 0) collect(value[i], `${path}[${i === 0 ? 0 : -1}]`, depth + 1, into);
  } else if (depth < MAXIMUM_DEPTH && isJsonObject(value)) {
    for (const key in value) collect(value[key], path === "" ? key : `${path}.${key}`, depth + 1, into);
  }
}

const mean = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + text.length, 0) / Math.max(1, texts.length);

/** `--columns input=...,output=...`, or undefined where the rows hold no two texts. */
export function suggestColumns(rows: readonly JsonObject[]): string | undefined {
  const sample = rows.slice(0, MAXIMUM_ROWS);
  const found = new Map<string, string[]>();
  for (const row of sample) collect(row, "", 0, found);
  const often = [...found].filter(([path, texts]) => texts.length * 2 >= sample.length && !/[,=]/.test(path));
  const [input] = often.toSorted((a, b) => mean(b[1]) - mean(a[1]));
  const others = often.filter(([path]) => path !== input?.[0] && !isMetaName(path.split(".").at(-1) ?? path));
  const varied = others.filter(([, texts]) => new Set(texts).size > 1 || texts.length === 1);
  const usual = (path: string): number => {
    const at = named(path.split(/[.[]/), [...OUTPUT_NAMES, ...LABEL_NAMES]).length;
    return at > 0 ? 0 : 1;
  };
  const [output] = varied.toSorted(
    (a, b) => usual(a[0]) - usual(b[0]) || new Set(a[1]).size - new Set(b[1]).size || mean(a[1]) - mean(b[1]),
  );
  if (input === undefined || output === undefined) return undefined;
  // All messages of a request, its system text among them, rather than one.
  const asked = input[0].replace(/(^|\.)(messages|contents)\[.*$/, "$1$2");
  return `--columns input=${asked},output=${output[0]}`;
}
