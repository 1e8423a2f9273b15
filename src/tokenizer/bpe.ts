/** @file Byte-pair encoding: of all neighbours that may be merged, the pair of the lowest rank (then the leftmost) is, until none is left.
 *  Follows Hugging Face tokenizers 0.23. */
import { InputError } from "../errors.js";
import { arrayOf, isTokenId, textOf } from "./json-fields.js";
import { byteFallback, parseVocabulary, remembering, type Piece, type SubwordModel } from "./model.js";
import type { JsonObject } from "../json.js";

interface Merge {
  readonly rank: number;
  readonly id: number;
}

/** Merges by pair of ids: the first times this, plus the second. */
type Merges = ReadonlyMap<number, Merge>;
const PAIR_FACTOR = 2 ** 24;
/** Positions in the queue stay below this, and rank times it below 2^53. */
const POSITION_FACTOR = 2 ** 26;

const pairKey = (left: number, right: number): number => left * PAIR_FACTOR + right;

/** The two pieces of a merge: ["a", "b"], or "a b" in older files. */
export function mergePair(merge: unknown, where: string): readonly [string, string] {
  const parts: readonly unknown[] = typeof merge === "string" ? merge.split(" ") : arrayOf(merge, where);
  const [left, right, more] = parts;
  if (typeof left !== "string" || typeof right !== "string" || more !== undefined) {
    throw new InputError(`${where}: expected two pieces, came ${(JSON.stringify(merge) ?? "nothing").slice(0, 60)}`);
  }
  return [left, right];
}

function parseMerges(config: JsonObject, vocabulary: ReadonlyMap<string, number>, where: string): Merges {
  const merges = new Map<number, Merge>();
  const prefix = textOf(config["continuing_subword_prefix"] ?? "", `${where}.continuing_subword_prefix`);
  for (const [rank, merge] of arrayOf(config["merges"], `${where}.merges`).entries()) {
    const [left, right] = mergePair(merge, `${where}.merges[${rank}]`);
    const ids = [left, right, left + right.slice(prefix.length)].map((piece) => vocabulary.get(piece));
    const [leftId, rightId, id] = ids;
    if (!isTokenId(leftId) || !isTokenId(rightId) || !isTokenId(id)) {
      throw new InputError(`${where}.merges[${rank}]: a piece is not in the vocabulary`);
    }
    const key = pairKey(leftId, rightId);
    merges.set(key, { rank, id });
  }
  return merges;
}

/** Puts a number into a heap whose least is first. */
function pushHeap(heap: number[], value: number): void {
  let at = heap.push(value) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if ((heap[parent] ?? 0) <= value) break;
    heap[at] = heap[parent] ?? 0;
    at = parent;
  }
  heap[at] = value;
}

/** Takes the least number out of a heap. */
function popHeap(heap: number[]): number | undefined {
  const least = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return least;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child++;
    if ((heap[child] ?? 0) >= last) break;
    heap[at] = heap[child] ?? 0;
    at = child;
  }
  heap[at] = last;
  return least;
}

/** Merges neighbours until no pair is left; `onMerge` hears of every piece on the way. */
function mergeAll(symbols: readonly Piece[], merges: Merges, onMerge?: (id: number) => void): Piece[] {
  const pieces: (Piece | undefined)[] = [...symbols];
  const next = Int32Array.from(symbols, (_, i) => i + 1);
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  const queue: number[] = [];
  const mergeAt = (at: number): Merge | undefined => {
    const left = pieces[at];
    const right = pieces[next[at] ?? 0];
    return left === undefined || right === undefined ? undefined : merges.get(pairKey(left.id, right.id));
  };
  const offer = (at: number): void => {
    const merge = at < 0 ? undefined : mergeAt(at);
    if (merge !== undefined) pushHeap(queue, merge.rank * POSITION_FACTOR + at);
  };
  for (let at = 0; at < symbols.length - 1; at++) offer(at);
  for (let entry = popHeap(queue); entry !== undefined; entry = popHeap(queue)) {
    const at = entry % POSITION_FACTOR;
    const merge = mergeAt(at);
    const left = pieces[at];
    const rightAt = next[at] ?? 0;
    const right = pieces[rightAt];
    // What was offered may have been merged away, or have become another pair.
    if (merge === undefined || left === undefined || right === undefined) continue;
    if (merge.rank !== Math.floor(entry / POSITION_FACTOR)) continue;
    pieces[at] = { id: merge.id, start: left.start, end: right.end };
    onMerge?.(merge.id);
    pieces[rightAt] = undefined;
    const after = next[rightAt] ?? symbols.length;
    next[at] = after;
    if (after < symbols.length) previous[after] = at;
    offer(previous[at] ?? -1);
    offer(at);
  }
  return pieces.filter((piece) => piece !== undefined);
}

interface Alphabet {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly unknownId: number | undefined;
  readonly usesBytes: boolean;
  readonly fusesUnknown: boolean;
  readonly prefix: string;
  readonly suffix: string;
}

/** Whether a text begins and ends a word. */
interface Edges {
  readonly begins: boolean;
  readonly ends: boolean;
}

const WHOLE_WORD: Edges = { begins: true, ends: true };

/** The symbols of a word before any merge: characters, bytes, or the unknown piece. */
function symbolsOf(word: string, alphabet: Alphabet, edges = WHOLE_WORD): Piece[] {
  const { vocabulary, unknownId, prefix, suffix } = alphabet;
  const symbols: Piece[] = [];
  let start = 0;
  let afterUnknown = false;
  for (const character of word) {
    const end = start + character.length;
    const before = start > 0 || !edges.begins ? prefix : "";
    const spelled = before + character + (end === word.length && edges.ends ? suffix : "");
    const id = vocabulary.get(spelled);
    const ids = id !== undefined ? [id] : alphabet.usesBytes ? byteFallback(spelled, vocabulary) : undefined;
    const last = symbols.at(-1);
    if (ids !== undefined) for (const one of ids) symbols.push({ id: one, start, end });
    else if (unknownId !== undefined && alphabet.fusesUnknown && afterUnknown && last !== undefined) {
      symbols[symbols.length - 1] = { ...last, end };
    } else if (unknownId !== undefined) symbols.push({ id: unknownId, start, end });
    afterUnknown = ids === undefined;
    start = end;
  }
  return symbols;
}

/** The pieces that a piece of the vocabulary is merged from, step by step. */
function stepsOf(piece: string, alphabet: Alphabet, merges: Merges): readonly number[] {
  const { vocabulary, prefix, suffix } = alphabet;
  const begins = prefix === "" || !piece.startsWith(prefix);
  const ends = suffix === "" || piece.endsWith(suffix);
  const inner = piece.slice(begins ? 0 : prefix.length, ends ? piece.length - suffix.length : piece.length);
  const symbols = symbolsOf(inner, alphabet, { begins, ends });
  const own = vocabulary.get(piece);
  const steps = [...(own === undefined ? [] : [own]), ...symbols.map(({ id }) => id)];
  mergeAll(symbols, merges, (id) => steps.push(id));
  return steps;
}

/** @throws InputError when vocabulary or merges are damaged */
export function createBpe(config: JsonObject, where: string): SubwordModel {
  const vocabulary = parseVocabulary(config, where);
  const merges = parseMerges(config, vocabulary, where);
  const unknown = config["unk_token"];
  const alphabet: Alphabet = {
    vocabulary,
    unknownId: typeof unknown === "string" ? vocabulary.get(unknown) : undefined,
    usesBytes: config["byte_fallback"] === true,
    fusesUnknown: config["fuse_unk"] === true,
    prefix: textOf(config["continuing_subword_prefix"] ?? "", `${where}.continuing_subword_prefix`),
    suffix: textOf(config["end_of_word_suffix"] ?? "", `${where}.end_of_word_suffix`),
  };
  const ignoresMerges = config["ignore_merges"] === true;
  const encode = (word: string): readonly Piece[] => {
    const whole = ignoresMerges ? vocabulary.get(word) : undefined;
    if (whole !== undefined) return [{ id: whole, start: 0, end: word.length }];
    return mergeAll(symbolsOf(word, alphabet), merges);
  };
  return {
    encode: remembering(encode),
    vocabulary,
    unknownId: alphabet.unknownId,
    stepsOf: (piece) => stepsOf(piece, alphabet, merges),
  };
}
