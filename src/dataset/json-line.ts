/** @file One line of a JSON-lines file as an object, or the reason why not. Guards against nesting that would overflow a
 *  recursion later, and replaces halves of surrogate pairs. Knows no log format. */
import { type Rejection } from "./fields.js";
import { type JsonObject, isJsonObject } from "../json.js";

export interface ParsedLine {
  readonly value: JsonObject;
  readonly replacedSurrogates: boolean;
}

/** Real logs nest tens of levels (tools, JSON schemas); recursion over thousands overflows the stack. */
const MAXIMUM_DEPTH = 512;
const NESTED: Rejection = { reject: "the line is nested too deep" };
const BROKEN: Rejection = { reject: "the line is not valid JSON (cut off or damaged)" };
const NO_OBJECT: Rejection = { reject: "the line is not a JSON object" };

/** The object of a line. */
export function parseLine(text: string): ParsedLine | Rejection {
  if (text.includes("[[[[[[[[") && depthOf(text) > MAXIMUM_DEPTH) return NESTED;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof RangeError) return NESTED;
    const mended = withoutPythonNumbers(text);
    return mended === undefined ? BROKEN : parseLine(mended);
  }
  if (!isJsonObject(value)) return NO_OBJECT;
  if (!text.includes("\\ud") && !text.includes("\\uD")) return { value, replacedSurrogates: false };
  const mended = JSON.stringify(value);
  if (!/\\ud[89a-f]/.test(mended)) return { value, replacedSurrogates: false };
  // JSON.stringify escapes lone halves only; an escaped backslash before is not an escape.
  const replaced: unknown = JSON.parse(
    mended.replace(/(\\\\)|\\ud[89a-f][0-9a-f]{2}/g, (_, backslash?: string) => backslash ?? "\ufffd"),
  );
  return isJsonObject(replaced) ? { value: replaced, replacedSurrogates: true } : NO_OBJECT;
}

/** The text with null for Python's NaN and Infinity, which JSON does not have; undefined where it holds none. */
function withoutPythonNumbers(text: string): string | undefined {
  if (!/\b(NaN|Infinity)\b/.test(text)) return undefined;
  const mended = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : "null",
  );
  return mended === text ? undefined : mended;
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c) i++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x5b || unit === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return deepest;
}
