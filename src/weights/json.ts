/** @file JSON of untrusted model files: size limit, keys given twice and nesting are refused before the parser sees the text.
 *  Knows no model format. */
import { readFileSync, statSync } from "node:fs";
import { InputError } from "../errors.js";
import { type JsonObject, isJsonObject } from "../json.js";

/** Headers and configurations nest three to eight levels. */
const MAXIMUM_DEPTH = 64;
const GET_AGAIN = "download or export the file again";

/** Index behind the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

const COLON = /\s*:/y;

function isKey(text: string, end: number): boolean {
  COLON.lastIndex = end;
  return COLON.test(text);
}

/** Why a JSON text is refused before parsing: a key given twice in one object, `__proto__`, or deep nesting. */
function findRefusal(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "{" || character === "[") {
      if (open.push(new Set()) > MAXIMUM_DEPTH) return `JSON nested deeper than ${MAXIMUM_DEPTH} levels`;
    } else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const end = stringEnd(text, i);
      const raw = text.slice(i, end);
      i = end - 1;
      const keys = open.at(-1);
      if (keys === undefined || !isKey(text, end)) continue;
      const key = raw.includes("\\") ? String(JSON.parse(raw)) : raw.slice(1, -1);
      if (keys.has(key)) return `key ${JSON.stringify(key.slice(0, 100))} is given twice`;
      if (key === "__proto__") return 'key "__proto__" is not allowed';
      keys.add(key);
    }
  }
  return undefined;
}

/** Parses a JSON text. @throws InputError, starting with `where`, when it is damaged or refused. */
export function parseJson(text: string, where: string): unknown {
  let refusal: string | undefined;
  try {
    refusal = findRefusal(text);
    if (refusal === undefined) return JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${where}: expected JSON, came text that is cut off or damaged`, { hint: GET_AGAIN, cause });
  }
  throw new InputError(`${where}: ${refusal}`, { hint: GET_AGAIN });
}

/** The object that a JSON text holds. @throws InputError, starting with `where` */
export function parseJsonObject(text: string, where: string): JsonObject {
  const value = parseJson(text, where);
  if (!isJsonObject(value)) throw new InputError(`${where}: expected a JSON object`, { hint: GET_AGAIN });
  return value;
}

/** Turns a failed read into one line. */
export function readError(path: string, cause: unknown): InputError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  return new InputError(`${path}: cannot read (${code})`, { hint: "name a file that exists and may be read", cause });
}

/** Reads a JSON file of at most `maximumBytes`. @throws InputError */
export function readJson(path: string, maximumBytes: number): unknown {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > maximumBytes) throw new InputError(`${path}: ${size} bytes, expected at most ${maximumBytes}`);
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw cause instanceof InputError ? cause : readError(path, cause);
  }
  return parseJson(text, path);
}

/** Reads a JSON object file of at most `maximumBytes`. @throws InputError */
export function readJsonObject(path: string, maximumBytes: number): JsonObject {
  const value = readJson(path, maximumBytes);
  if (!isJsonObject(value)) throw new InputError(`${path}: expected a JSON object`, { hint: GET_AGAIN });
  return value;
}
