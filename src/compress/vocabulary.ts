/** @file A smaller vocabulary for the texts of one workload: pieces that the data use stay, with what spells everything else (single
 *  characters, bytes) and what leads to them (merges). Every text still has tokens, and a text whose pieces all stay has the same
 *  ones. Follows Ushio et al. 2023 (vocabulary trimming). Knows no weights. */
import { InputError } from "../errors.js";
import { mergePair } from "../tokenizer/bpe.js";
import { arrayOf, isTokenId, objectOf } from "../tokenizer/json-fields.js";
import type { SubwordModel } from "../tokenizer/model.js";
import { openModel, openTokenizer } from "../tokenizer/tokenizer.js";
import { type JsonObject, isJsonObject } from "../json.js";

export interface TrimmedVocabulary {
  /** The new tokenizer.json. */
  readonly tokenizerJson: JsonObject;
  /** Old id of each new id, ascending [new size]: the rows of the embedding table that stay, in order. */
  readonly keptIds: Int32Array;
  /** New id of each old id, -1 where the piece is gone [old size]. */
  readonly newIds: Int32Array;
}

/** How often each piece occurs in tokenised texts, [vocabularySize]. */
export function countPieces(vocabularySize: number, sequences: Iterable<Int32Array>): Uint32Array {
  const counts = new Uint32Array(vocabularySize);
  for (const sequence of sequences) for (const id of sequence) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/;

/** New id of an old one that stays. */
type Renumber = (id: number) => number;

/** What differs between the kinds of model. */
interface TrimRule {
  /** How a character is written at the beginning of a word, inside, and at its end. */
  readonly forms: (config: JsonObject) => readonly ((character: string) => string)[];
  /** Ids beyond characters and bytes without which texts that need no removed piece would change. */
  readonly anchors: (config: JsonObject) => readonly number[];
  readonly rewrite: (config: JsonObject, kept: ReadonlySet<string>, renumber: Renumber) => JsonObject;
}

const affix = (config: JsonObject, key: string, absent: string): string => {
  const value = config[key];
  return typeof value === "string" ? value : absent;
};

function rewriteVocabulary(config: JsonObject, kept: ReadonlySet<string>, renumber: Renumber): JsonObject {
  const entries = Object.entries(objectOf(config["vocab"], "tokenizer.json: model.vocab"));
  const vocab = entries.flatMap(([piece, id]) => (kept.has(piece) && isTokenId(id) ? [[piece, renumber(id)]] : []));
  return { ...config, vocab: Object.fromEntries(vocab) };
}

/** Whether both parts and the result of a merge stay. */
function staysMerge(merge: unknown, kept: ReadonlySet<string>, prefix: string): boolean {
  const [left, right] = mergePair(merge, "tokenizer.json: model.merges");
  return kept.has(left) && kept.has(right) && kept.has(left + right.slice(prefix.length));
}

/** The id of the worst score: the score of unknown characters is counted from it. */
function worstPiece(config: JsonObject): number {
  let [worst, least] = [0, Infinity];
  for (const [id, row] of arrayOf(config["vocab"], "tokenizer.json: model.vocab").entries()) {
    const score = Array.isArray(row) ? Number(row[1]) : Infinity;
    if (score < least) [worst, least] = [id, score];
  }
  return worst;
}

const RULES: Readonly<Record<string, TrimRule>> = {
  WordPiece: {
    forms: (config) => {
      const prefix = affix(config, "continuing_subword_prefix", "##");
      return [(character) => character, (character) => prefix + character];
    },
    anchors: () => [],
    rewrite: rewriteVocabulary,
  },
  BPE: {
    forms: (config) => {
      const prefix = affix(config, "continuing_subword_prefix", "");
      const suffix = affix(config, "end_of_word_suffix", "");
      return ["", prefix].flatMap((before) => ["", suffix].map((after) => (character) => before + character + after));
    },
    anchors: () => [],
    rewrite: (config, kept, renumber) => {
      const prefix = affix(config, "continuing_subword_prefix", "");
      const merges = arrayOf(config["merges"], "tokenizer.json: model.merges");
      return {
        ...rewriteVocabulary(config, kept, renumber),
        merges: merges.filter((merge) => staysMerge(merge, kept, prefix)),
      };
    },
  },
  Unigram: {
    forms: () => [(character) => character],
    anchors: (config) => [worstPiece(config)],
    rewrite: (config, kept, renumber) => ({
      ...config,
      vocab: arrayOf(config["vocab"], "tokenizer.json: model.vocab").filter(
        (row) => Array.isArray(row) && kept.has(String(row[0])),
      ),
      unk_id: renumber(Number(config["unk_id"])),
    }),
  },
};

/** The single characters of a vocabulary in every form that it writes them, and how pieces are taken apart into them. */
function createAlphabet(model: SubwordModel, forms: readonly ((character: string) => string)[]) {
  const characters = new Set<string>();
  for (const piece of model.vocabulary.keys()) for (const character of piece) characters.add(character);
  const written = new Set<string>();
  for (const character of characters) {
    for (const form of forms) if (model.vocabulary.has(form(character))) written.add(form(character));
  }
  return written;
}

/** Whether every text can be spelled in the bytes of a vocabulary. */
function spellsBytes(config: JsonObject, model: SubwordModel): boolean {
  return (
    config["byte_fallback"] === true && [...model.vocabulary.keys()].filter((p) => BYTE_PIECE.test(p)).length === 256
  );
}

/** Whether the characters of a piece are pieces themselves, so that texts can be spelled without it. */
function isSpelledByCharacters(piece: string, config: JsonObject, alphabet: ReadonlySet<string>): boolean {
  const isPart = config["type"] === "WordPiece";
  const prefix = affix(config, "continuing_subword_prefix", isPart ? "##" : "");
  const suffix = affix(config, "end_of_word_suffix", "");
  const inside = prefix !== "" && piece.startsWith(prefix);
  const atEnd = suffix !== "" && piece.endsWith(suffix);
  const characters = Array.from(piece.slice(inside ? prefix.length : 0, atEnd ? -suffix.length : undefined));
  return characters.every((character, i) => {
    const before = i > 0 || inside ? prefix : "";
    const after = i === characters.length - 1 && atEnd ? suffix : "";
    return alphabet.has(before + character + after);
  });
}

/** Ids that stay, ascending. */
function chooseIds(json: JsonObject, counts: ArrayLike<number>, minimumCount: number): Int32Array {
  const { config, model } = openModel(json);
  const rule = ruleFor(config);
  const alphabet = createAlphabet(model, rule.forms(config));
  const hasBytes = spellsBytes(config, model);
  const kept = new Set<number>(rule.anchors(config));
  if (model.unknownId !== undefined) kept.add(model.unknownId);
  for (const [piece, id] of model.vocabulary) {
    const needed = (counts[id] ?? 0) >= minimumCount || alphabet.has(piece) || BYTE_PIECE.test(piece);
    if (needed || !(hasBytes || isSpelledByCharacters(piece, config, alphabet))) kept.add(id);
  }
  for (const [piece, id] of model.vocabulary) {
    if (kept.has(id)) for (const step of model.stepsOf(piece)) kept.add(step);
  }
  for (const id of addedIds(json, model)) kept.add(id);
  return Int32Array.from(kept).sort();
}

function ruleFor(config: JsonObject): TrimRule {
  const type = String(config["type"]);
  const rule = Object.hasOwn(RULES, type) ? RULES[type] : undefined;
  if (rule === undefined) throw new InputError(`tokenizer.json: a vocabulary of type ${type} cannot be trimmed`);
  return rule;
}

function addedIds(json: JsonObject, model: SubwordModel): number[] {
  return arrayOf(json["added_tokens"] ?? [], "tokenizer.json: added_tokens").flatMap((token) => {
    if (!isJsonObject(token)) return [];
    const id = model.vocabulary.get(String(token["content"])) ?? token["id"];
    return isTokenId(id) ? [id] : [];
  });
}

/** Copies a value with every token id in it renumbered; `isId` says where ids stand. */
function renumbered(value: unknown, renumber: Renumber, isId: (path: readonly string[]) => boolean): unknown {
  const walk = (part: unknown, path: readonly string[]): unknown => {
    if (isTokenId(part) && isId(path)) return renumber(part);
    if (Array.isArray(part)) return part.map((item: unknown, i) => walk(item, [...path, String(i)]));
    if (!isJsonObject(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return walk(value, []);
}

/** Ids in post-processors: special_tokens.*.ids.* of templates, and the second places of cls and sep. */
function isIdOfPostProcessor(path: readonly string[]): boolean {
  const [kind, place] = path.slice(-2);
  return (kind === "ids" && path.includes("special_tokens")) || ((kind === "cls" || kind === "sep") && place === "1");
}

/** Cuts a tokenizer.json down to the pieces that occur at least `minimumCount` times (1 unless told), and all that they need.
 *  `counts` is indexed by id, see `countPieces`. @throws InputError when the file is damaged */
export function trimVocabulary(
  tokenizerJson: unknown,
  counts: ArrayLike<number>,
  { minimumCount = 1 }: { readonly minimumCount?: number } = {},
): TrimmedVocabulary {
  const json = objectOf(tokenizerJson, "tokenizer.json");
  const { vocabularySize, pieceOf } = openTokenizer(json);
  const { config } = openModel(json);
  const keptIds = chooseIds(json, counts, minimumCount);
  const newIds = new Int32Array(vocabularySize).fill(-1);
  keptIds.forEach((id, row) => (newIds[id] = row));
  const kept = new Set(Array.from(keptIds, (id) => pieceOf(id) ?? ""));
  const renumber: Renumber = (id) => newIds[id] ?? -1;
  const parts = {
    model: ruleFor(config).rewrite(config, kept, renumber),
    added_tokens: renumbered(json["added_tokens"] ?? [], renumber, ([, key]) => key === "id"),
    post_processor: renumbered(json["post_processor"] ?? null, renumber, isIdOfPostProcessor),
    padding: renumbered(json["padding"] ?? null, renumber, ([key]) => key === "pad_id"),
  };
  return { tokenizerJson: { ...json, ...parts }, keptIds, newIds };
}
