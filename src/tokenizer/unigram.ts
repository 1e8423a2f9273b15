/** @file Unigram: the spelling of a word with the highest sum of scores (Viterbi). What no piece spells is unknown, neighbours fused.
 *  Follows Hugging Face tokenizers 0.23. */
import { InputError } from "../errors.js";
import { arrayOf, isTokenId } from "./json-fields.js";
import { byteFallback, remembering, stepsOfWhole, type Piece, type SubwordModel } from "./model.js";
import type { JsonObject } from "../json.js";

/** How much worse than the worst piece an unknown character is. */
const UNKNOWN_PENALTY = 10;

interface Pieces {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly scores: Float64Array;
  readonly unknownId: number;
  readonly unknownScore: number;
  /** UTF-16 length of the longest piece. */
  readonly longest: number;
}

function parsePieces(config: JsonObject, where: string): Pieces {
  const rows = arrayOf(config["vocab"], `${where}.vocab`);
  const vocabulary = new Map<string, number>();
  const scores = new Float64Array(rows.length);
  let longest = 0;
  for (const [id, row] of rows.entries()) {
    const [piece, score] = arrayOf(row, `${where}.vocab[${id}]`);
    if (typeof piece !== "string" || typeof score !== "number" || !Number.isFinite(score)) {
      throw new InputError(`${where}.vocab[${id}]: expected [piece, score]`);
    }
    const before = vocabulary.get(piece);
    if (before !== undefined) {
      throw new InputError(
        `${where}.vocab[${id}]: the piece ${JSON.stringify(piece.slice(0, 60))} has id ${before} already`,
      );
    }
    vocabulary.set(piece, id);
    scores[id] = score;
    longest = Math.max(longest, piece.length);
  }
  const unknownId = config["unk_id"];
  if (!isTokenId(unknownId) || unknownId >= rows.length) {
    throw new InputError(`${where}.unk_id: expected an id of the vocabulary`);
  }
  const unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
  return { vocabulary, scores, unknownId, unknownScore, longest };
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

interface Lattice {
  /** Best score of a spelling of the first i units. */
  readonly best: Float64Array;
  /** Where its last piece begins, and that piece's id. */
  readonly from: Int32Array;
  readonly ids: Int32Array;
}

function offer(lattice: Lattice, start: number, end: number, id: number, score: number): void {
  const total = (lattice.best[start] ?? 0) + score;
  if (lattice.from[end] !== -1 && total <= (lattice.best[end] ?? 0)) return;
  lattice.best[end] = total;
  lattice.from[end] = start;
  lattice.ids[end] = id;
}

function fillLattice(word: string, pieces: Pieces): Lattice {
  const { vocabulary, scores, unknownId, unknownScore, longest } = pieces;
  const best = new Float64Array(word.length + 1);
  const lattice = { best, from: new Int32Array(best.length).fill(-1), ids: new Int32Array(best.length) };
  for (let start = 0; start < word.length;) {
    const next = start + (isHighSurrogate(word.charCodeAt(start)) ? 2 : 1);
    let spellsOne = false;
    for (let end = next; end <= Math.min(word.length, start + longest); end++) {
      if (isHighSurrogate(word.charCodeAt(end - 1))) continue;
      const id = vocabulary.get(word.slice(start, end));
      if (id === undefined) continue;
      offer(lattice, start, end, id, scores[id] ?? 0);
      if (end === next) spellsOne = true;
    }
    if (!spellsOne) offer(lattice, start, next, unknownId, unknownScore);
    start = next;
  }
  return lattice;
}

/** Pieces of the best spelling, neighbouring unknown ones fused. */
function bestSpelling(word: string, pieces: Pieces): Piece[] {
  const { from, ids } = fillLattice(word, pieces);
  const spelled: Piece[] = [];
  for (let end = word.length; end > 0;) {
    const start = from[end] ?? 0;
    const id = ids[end] ?? 0;
    const after = spelled.at(-1);
    if (id === pieces.unknownId && after?.id === id) spelled[spelled.length - 1] = { ...after, start };
    else spelled.push({ id, start, end });
    end = start;
  }
  return spelled.reverse();
}

/** @throws InputError when the vocabulary is damaged */
export function createUnigram(config: JsonObject, where: string): SubwordModel {
  const pieces = parsePieces(config, where);
  const { vocabulary, unknownId } = pieces;
  const bytesFor = (word: string, piece: Piece): Piece[] => {
    if (piece.id !== unknownId) return [piece];
    const written = word.slice(piece.start, piece.end);
    const whole = vocabulary.get(written);
    return (
      (whole === undefined ? byteFallback(written, vocabulary) : [whole])?.map((id) => ({ ...piece, id })) ?? [piece]
    );
  };
  const encode = (word: string): readonly Piece[] => {
    const spelled = bestSpelling(word, pieces);
    return config["byte_fallback"] === true ? spelled.flatMap((piece) => bytesFor(word, piece)) : spelled;
  };
  return { encode: remembering(encode), vocabulary, unknownId, stepsOf: (piece) => stepsOfWhole(piece, vocabulary) };
}
