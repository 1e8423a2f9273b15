/** @file The patterns of a tokenizer.json. They come from an untrusted file, so they are matched in time linear in the length of a text
 *  (`pattern-matcher.ts`), never by a regular expression of the runtime. They are written for Oniguruma; the library
 *  `@huggingface/tokenizers` translates them into JavaScript's syntax, and nothing else of it is used: its normalisers, splits and
 *  models differ from the reference (ideographs beyond the BMP, `\w`, compiled character maps, split behaviours) and know no
 *  offsets. */
import * as library from "@huggingface/tokenizers";
import { InputError, InvariantError } from "../errors.js";
import { type JsonObject, isJsonObject } from "../json.js";
import { Matcher, type Found } from "./pattern-matcher.js";
import { writeProgram } from "./pattern-program.js";
import { parsePattern } from "./pattern-syntax.js";

/** All matches in a text, in order and apart. */
export type Pattern = (text: string) => readonly Found[];

/** Longer patterns than any in use (some 700 characters). */
const MAXIMUM_PATTERN_LENGTH = 10_000;

/** What would break the line of a message. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** The library's translation; its own types do not resolve under nodenext, so nothing of them is believed. */
function translate(pattern: JsonObject): unknown {
  const normalizerClass: unknown = Reflect.get(library, "ReplaceNormalizer");
  if (typeof normalizerClass !== "function") throw new InvariantError("the tokenizer library has no ReplaceNormalizer");
  const normalizer: unknown = Reflect.construct(normalizerClass, [{ pattern, content: "" }]);
  return typeof normalizer === "function" ? Reflect.get(normalizer, "pattern") : undefined;
}

/** An expression of this program, which is known to take linear time. */
export function trustedPattern(expression: RegExp): Pattern {
  return (text) =>
    Array.from(text.matchAll(expression), ({ 0: found, index }) => ({ start: index, end: index + found.length }));
}

/** The places of a text that is not empty. Half a surrogate pair is nowhere. */
export function literalPattern(wanted: string): Pattern {
  if (/\p{Surrogate}/u.test(wanted)) return () => [];
  return (text) => {
    const found: Found[] = [];
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      found.push({ start: at, end: at + wanted.length });
    }
    return found;
  };
}

/** Matches as JavaScript does, in linear time. @throws InputError for what cannot be matched so */
export function linearPattern(expression: RegExp, where: string): Pattern {
  const program = writeProgram(parsePattern(expression, where), where);
  return (text) => new Matcher(program, text).findAll();
}

/** Compiles {"String": text} or {"Regex": text}. @throws InputError */
export function compilePattern(pattern: unknown, where: string): Pattern {
  const source = isJsonObject(pattern) ? (pattern["String"] ?? pattern["Regex"]) : undefined;
  if (!isJsonObject(pattern) || typeof source !== "string" || source === "" || source.length > MAXIMUM_PATTERN_LENGTH) {
    throw new InputError(`${where}: pattern: expected {"String": text} or {"Regex": text}`);
  }
  if (source === pattern["String"]) return literalPattern(source);
  const named = `${where}: pattern cannot be used: ${source.slice(0, 80).replace(CONTROLS, " ")}`;
  let compiled: unknown;
  try {
    compiled = translate(pattern);
  } catch (cause) {
    throw new InputError(named, { cause });
  }
  if (!(compiled instanceof RegExp)) throw new InputError(named);
  return linearPattern(compiled, named);
}
