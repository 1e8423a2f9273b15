/** @file The patterns of a tokenizer.json as JavaScript regular expressions. They are written for Oniguruma; the library
 *  `@huggingface/tokenizers` translates them, and nothing else of it is used: its normalisers, splits and models differ from the
 *  reference (ideographs beyond the BMP, `\w`, compiled character maps, split behaviours) and know no offsets. */
import * as library from "@huggingface/tokenizers";
import { InputError, InvariantError } from "../errors.js";
import { type JsonObject, isJsonObject } from "../json.js";
import { repeatsRepetition } from "./repetition.js";

/** Longer patterns than any in use (some 700 characters); a pattern comes from an untrusted file. */
const MAXIMUM_PATTERN_LENGTH = 10_000;

/** The library's translation; its own types do not resolve under nodenext, so nothing of them is believed. */
function translate(pattern: JsonObject): unknown {
  const normalizerClass: unknown = Reflect.get(library, "ReplaceNormalizer");
  if (typeof normalizerClass !== "function") throw new InvariantError("the tokenizer library has no ReplaceNormalizer");
  const normalizer: unknown = Reflect.construct(normalizerClass, [{ pattern, content: "" }]);
  return typeof normalizer === "function" ? Reflect.get(normalizer, "pattern") : undefined;
}

/** Compiles {"String": text} or {"Regex": text} with the flags "gu". @throws InputError */
export function compilePattern(pattern: unknown, where: string): RegExp {
  const source = isJsonObject(pattern) ? (pattern["String"] ?? pattern["Regex"]) : undefined;
  if (!isJsonObject(pattern) || typeof source !== "string" || source === "" || source.length > MAXIMUM_PATTERN_LENGTH) {
    throw new InputError(`${where}: pattern: expected {"String": text} or {"Regex": text}`);
  }
  let compiled: unknown;
  try {
    compiled = translate(pattern);
  } catch (cause) {
    throw new InputError(`${where}: pattern cannot be used: ${source.slice(0, 80)}`, { cause });
  }
  if (!(compiled instanceof RegExp)) throw new InputError(`${where}: pattern cannot be used: ${source.slice(0, 80)}`);
  if (repeatsRepetition(compiled.source)) {
    throw new InputError(`${where}: pattern repeats a repetition, which may never end: ${source.slice(0, 80)}`, {
      hint: "a group that repeats may not hold *, + or {m,n}",
    });
  }
  return compiled;
}
