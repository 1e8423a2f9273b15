/** @file What the three kinds of subword model have in common: a word becomes pieces of the vocabulary, and words that were seen are
 *  remembered. Knows no normalisation and no text beyond the word. */
import { InputError } from "../errors.js";
import { isTokenId, objectOf } from "./json-fields.js";
import type { JsonObject } from "../json.js";

/** A piece of a word: units [start, end) (UTF-16) of it; several byte pieces may share the units of one character. */
export interface Piece {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

export interface SubwordModel {
  encode(word: string): readonly Piece[];
  /** Ids by piece, without added tokens. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly unknownId: number | undefined;
  /** Ids of the pieces that spelling a piece of the vocabulary goes through, its own among them. */
  stepsOf(piece: string): readonly number[];
}

/** Longer words are rare and large; remembering them would cost more than it saves. */
const LONGEST_REMEMBERED_WORD = 64;
const REMEMBERED_WORDS = 20_000;

/** Remembers the pieces of short words. */
export function remembering(encode: (word: string) => readonly Piece[]): (word: string) => readonly Piece[] {
  const seen = new Map<string, readonly Piece[]>();
  return (word) => {
    if (word.length > LONGEST_REMEMBERED_WORD) return encode(word);
    const known = seen.get(word);
    if (known !== undefined) return known;
    const pieces = encode(word);
    if (seen.size >= REMEMBERED_WORDS) seen.clear();
    seen.set(word, pieces);
    return pieces;
  };
}

/** The vocabulary of a WordPiece or BPE model, {piece: id}. @throws InputError */
export function parseVocabulary(model: JsonObject, where: string): Map<string, number> {
  const vocabulary = new Map<string, number>();
  for (const [piece, id] of Object.entries(objectOf(model["vocab"], `${where}.vocab`))) {
    if (!isTokenId(id)) throw new InputError(`${where}.vocab: the id of ${JSON.stringify(piece.slice(0, 60))} is none`);
    vocabulary.set(piece, id);
  }
  return vocabulary;
}

const encoder = new TextEncoder();

/** Ids of the pieces `<0x00>` that spell a text in UTF-8; undefined where the vocabulary lacks one. */
export function byteFallback(text: string, vocabulary: ReadonlyMap<string, number>): number[] | undefined {
  const ids: number[] = [];
  for (const byte of encoder.encode(text)) {
    const id = vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    if (id === undefined) return undefined;
    ids.push(id);
  }
  return ids;
}

/** The steps of a model that takes pieces whole. */
export function stepsOfWhole(piece: string, vocabulary: ReadonlyMap<string, number>): readonly number[] {
  const id = vocabulary.get(piece);
  return id === undefined ? [] : [id];
}
