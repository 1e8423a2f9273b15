/** @file WordPiece: the longest piece of the vocabulary that fits, again and again; a word that cannot be spelled is unknown as a whole.
 *  Follows Hugging Face tokenizers 0.23. */
import { InputError } from "../errors.js";
import { textOf } from "./json-fields.js";
import { parseVocabulary, remembering, stepsOfWhole, type Piece, type SubwordModel } from "./model.js";
import type { JsonObject } from "../json.js";

/** The reference's default: longer words are unknown. */
const LONGEST_WORD = 100;

interface WordPieces {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly prefix: string;
  /** UTF-16 length of the longest piece, prefix included. */
  readonly longest: number;
}

/** The longest piece at `start`, or undefined. */
function longestAt(word: string, start: number, { vocabulary, prefix, longest }: WordPieces): Piece | undefined {
  const before = start > 0 ? prefix : "";
  const furthest = Math.min(word.length, start + longest - before.length);
  for (let end = furthest; end > start; end--) {
    const id = vocabulary.get(before + word.slice(start, end));
    if (id !== undefined) return { id, start, end };
  }
  return undefined;
}

function spell(word: string, pieces: WordPieces): Piece[] | undefined {
  const spelled: Piece[] = [];
  for (let start = 0; start < word.length;) {
    const piece = longestAt(word, start, pieces);
    if (piece === undefined) return undefined;
    spelled.push(piece);
    start = piece.end;
  }
  return spelled;
}

/** Number of characters, counted only where it can matter. */
function isTooLong(word: string, most: number): boolean {
  return word.length > most && (word.length > 2 * most || Array.from(word).length > most);
}

/** @throws InputError when vocabulary or settings are damaged */
export function createWordPiece(config: JsonObject, where: string): SubwordModel {
  const vocabulary = parseVocabulary(config, where);
  const prefix = textOf(config["continuing_subword_prefix"] ?? "##", `${where}.continuing_subword_prefix`);
  const unknownId = vocabulary.get(textOf(config["unk_token"] ?? "[UNK]", `${where}.unk_token`));
  if (unknownId === undefined) throw new InputError(`${where}.unk_token: expected a piece of the vocabulary`);
  const most = config["max_input_chars_per_word"];
  const longestWord = typeof most === "number" ? most : LONGEST_WORD;
  let longest = 0;
  for (const piece of vocabulary.keys()) longest = Math.max(longest, piece.length);
  const encode = (word: string): readonly Piece[] => {
    const spelled = isTooLong(word, longestWord) ? undefined : spell(word, { vocabulary, prefix, longest });
    return spelled ?? [{ id: unknownId, start: 0, end: word.length }];
  };
  return { encode: remembering(encode), vocabulary, unknownId, stepsOf: (piece) => stepsOfWhole(piece, vocabulary) };
}
