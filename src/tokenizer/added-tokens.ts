/** @file Added tokens: texts that are one token wherever they stand, such as [MASK]. They are cut out before normalisation (or after it,
 *  where the file says so). Follows Hugging Face tokenizers 0.23. */
import { InputError } from "../errors.js";
import { originalText, sliceAligned, type AlignedText } from "./aligned.js";
import { arrayOf, objectOf, textOf, tokenIdOf } from "./json-fields.js";
import type { Normalizer } from "./normalizers.js";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Looked for in the normalised text. */
  readonly normalized: boolean;
  /** Not inside a word. */
  readonly singleWord: boolean;
  /** Takes the white space before or after it. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
}

/** A stretch of text, or an added token in it. */
export interface Section {
  readonly source: AlignedText;
  readonly token: AddedToken | undefined;
}

/** Code models add runs of some hundred spaces, others some thousand reserved tokens. */
const MAXIMUM_CONTENT = 1000;
const MAXIMUM_ADDED = 50_000;

/** Tokens that the vocabulary has too keep the vocabulary's id. @throws InputError */
export function parseAddedTokens(value: unknown, vocabulary: ReadonlyMap<string, number>, where: string): AddedToken[] {
  const entries = arrayOf(value ?? [], where);
  if (entries.length > MAXIMUM_ADDED)
    throw new InputError(`${where}: ${entries.length} tokens, expected at most ${MAXIMUM_ADDED}`);
  return entries.map((entry, i) => {
    const row = objectOf(entry, `${where}[${i}]`);
    const content = textOf(row["content"], `${where}[${i}].content`);
    if (content.length > MAXIMUM_CONTENT)
      throw new InputError(`${where}[${i}].content: ${content.length} characters, expected at most ${MAXIMUM_CONTENT}`);
    return {
      id: vocabulary.get(content) ?? tokenIdOf(row["id"], `${where}[${i}].id`),
      content,
      special: row["special"] === true,
      normalized: row["normalized"] === true,
      singleWord: row["single_word"] === true,
      stripsLeft: row["lstrip"] === true,
      stripsRight: row["rstrip"] === true,
    };
  });
}

const WORD_BEFORE = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]$/u;
const WORD_AFTER = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;

function isInsideWord(text: string, start: number, end: number): boolean {
  return WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) || WORD_AFTER.test(text.slice(end, end + 2));
}

const WHITE_SPACE = /\p{White_Space}/u;

/** [start, end) with the white space that the token takes, not before `least`. */
function widened(text: string, token: AddedToken, start: number, end: number, least: number): [number, number] {
  let [from, to] = [start, end];
  if (token.stripsLeft) while (from > least && WHITE_SPACE.test(text[from - 1] ?? "")) from--;
  if (token.stripsRight) while (to < text.length && WHITE_SPACE.test(text[to] ?? "")) to++;
  return [from, to];
}

/** A function that cuts the given tokens out of a text; the longest wins where several begin. */
function createFinder(tokens: ReadonlyMap<string, AddedToken>): (source: AlignedText) => readonly Section[] {
  const contents = [...tokens.keys()].filter((content) => content !== "").sort((a, b) => b.length - a.length);
  if (contents.length === 0) return (source) => [{ source, token: undefined }];
  const pattern = new RegExp(
    contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"),
    "gu",
  );
  return (source) => {
    const sections: Section[] = [];
    let done = 0;
    for (const { 0: found, index } of source.text.matchAll(pattern)) {
      const token = tokens.get(found);
      const isWanted = token !== undefined && index >= done;
      if (!isWanted || (token.singleWord && isInsideWord(source.text, index, index + found.length))) continue;
      const [start, end] = widened(source.text, token, index, index + found.length, done);
      if (start > done) sections.push({ source: sliceAligned(source, done, start), token: undefined });
      sections.push({ source: sliceAligned(source, start, end), token });
      done = end;
    }
    if (done < source.text.length)
      sections.push({ source: sliceAligned(source, done, source.text.length), token: undefined });
    return sections;
  };
}

/** Cuts a text into added tokens and normalised stretches between them. */
export function createSectioner(
  tokens: readonly AddedToken[],
  normalize: Normalizer,
): (text: string) => readonly Section[] {
  const asWritten = new Map(tokens.filter(({ normalized }) => !normalized).map((token) => [token.content, token]));
  const asNormalized = new Map(
    tokens.filter(({ normalized }) => normalized).map((token) => [normalize(originalText(token.content)).text, token]),
  );
  const findWritten = createFinder(asWritten);
  const findNormalized = createFinder(asNormalized);
  return (text) =>
    findWritten(originalText(text)).flatMap((section) =>
      section.token === undefined ? findNormalized(normalize(section.source)) : [section],
    );
}
