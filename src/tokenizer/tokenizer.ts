/** @file Any tokenizer.json (WordPiece, byte-level or plain BPE, Unigram) in Node and browsers: text to ids, each with its place in the
 *  original text. Ids agree with Hugging Face tokenizers 0.23; lone surrogates are read as U+FFFD. Knows no model's weights. */
import { InputError } from "../errors.js";
import { createSectioner, parseAddedTokens, type AddedToken, type Section } from "./added-tokens.js";
import { originalEnd, originalStart, type AlignedText } from "./aligned.js";
import { createBpe } from "./bpe.js";
import { objectOf, rowFor, tokenIdOf } from "./json-fields.js";
import type { SubwordModel } from "./model.js";
import { createNormalizer } from "./normalizers.js";
import { createSplitter } from "./splits.js";
import { createTemplate, type Template, type TemplateItem } from "./template.js";
import { createUnigram } from "./unigram.js";
import { createWordPiece } from "./wordpiece.js";
import { type JsonObject, isJsonObject } from "../json.js";

export interface Encoding {
  /** Ids [tokens]. */
  readonly ids: Int32Array;
  /** Start and end of each token in its text, in UTF-16 units [tokens * 2]; 0, 0 for special tokens. White space at the edges of a
   *  token is left out. */
  readonly offsets: Int32Array;
  /** Segment of each token [tokens], what BERT calls token types. */
  readonly typeIds: Uint8Array;
  /** Which text the token comes from [tokens]: 0, 1 (the pair) or -1 for special tokens of the template. */
  readonly sequences: Int8Array;
}

export interface EncodeOptions {
  /** Most tokens, special ones included; what is too long is cut off at the end. */
  readonly maxTokens?: number;
  /** A second text. */
  readonly pair?: string;
  /** Whether the template's special tokens are written; true unless told. */
  readonly addSpecialTokens?: boolean;
}

export interface Tokenizer {
  /** Number of rows that an embedding table needs: the highest id and one. */
  readonly vocabularySize: number;
  readonly padId: number | undefined;
  readonly unknownId: number | undefined;
  /** Added tokens that are marked special. */
  readonly specialIds: ReadonlySet<number>;
  /** Longest input that the files tell of, in tokens. */
  readonly maxTokens: number | undefined;
  encode(text: string, options?: EncodeOptions): Encoding;
  idOf(piece: string): number | undefined;
  pieceOf(id: number): string | undefined;
}

const MODELS: Readonly<Record<string, (config: JsonObject, where: string) => SubwordModel>> = {
  WordPiece: createWordPiece,
  BPE: createBpe,
  Unigram: createUnigram,
};

/** The model of a tokenizer.json; older files leave its type out. */
function modelConfigOf(json: JsonObject): JsonObject {
  const config = objectOf(json["model"], "tokenizer.json: model");
  if (typeof config["type"] === "string") return config;
  if (Array.isArray(config["vocab"])) return { ...config, type: "Unigram" };
  return { ...config, type: "merges" in config ? "BPE" : "WordPiece" };
}

/** The subword model of a tokenizer.json and its configuration, the type filled in. @throws InputError */
export function openModel(json: JsonObject): { readonly config: JsonObject; readonly model: SubwordModel } {
  const config = modelConfigOf(json);
  return { config, model: rowFor(MODELS, config, "tokenizer.json: model")(config, "tokenizer.json: model") };
}

const LONE_SURROGATES = /\p{Surrogate}/gu;

/** The tokens of one text. */
interface TokenList {
  readonly ids: number[];
  readonly offsets: number[];
}

/** Appends a token with units [start, end) of a word, white space at the edges left out unless nothing else is there. */
function pushToken(into: TokenList, id: number, text: string, start: number, end: number): void {
  let [from, to] = [start, end];
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  into.ids.push(id);
  if (from === to) into.offsets.push(start, end);
  else into.offsets.push(from, to);
}

function isSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 32 || (unit >= 9 && unit <= 13);
  return unit === 0x85 || unit === 0xa0 || (unit >= 0x1680 && /^\p{White_Space}$/u.test(String.fromCharCode(unit)));
}

interface Parts {
  readonly sections: (text: string) => readonly Section[];
  readonly split: (source: AlignedText) => readonly AlignedText[];
  readonly model: SubwordModel;
}

/** Tokens of one text, at least the first `most` of them. */
function tokensOf(written: string, most: number, { sections, split, model }: Parts): TokenList {
  const text = written.replace(LONE_SURROGATES, "\ufffd");
  const tokens: TokenList = { ids: [], offsets: [] };
  for (const { source, token } of sections(text)) {
    if (token !== undefined) {
      pushToken(tokens, token.id, text, originalStart(source, 0), originalEnd(source, source.text.length - 1));
      continue;
    }
    if (source.text === "") continue;
    for (const word of split(source)) {
      if (tokens.ids.length >= most) return tokens;
      for (const { id, start, end } of model.encode(word.text)) {
        pushToken(tokens, id, text, originalStart(word, start), originalEnd(word, end - 1));
      }
    }
  }
  return tokens;
}

/** How many tokens of each text stay: the longer one is cut first (strategy "longest first" of the reference). */
function keptLengths(lengths: readonly [number, number], most: number): readonly [number, number] {
  const [first, second] = lengths;
  if (first + second <= most) return lengths;
  const shorter = Math.min(first, second);
  let [less, more] = shorter > most ? [shorter, shorter] : [shorter, Math.max(shorter, most - shorter)];
  if (less + more > most) [less, more] = [Math.floor(most / 2), Math.floor(most / 2) + (most % 2)];
  return first > second ? [more, less] : [less, more];
}

/** Lays the tokens out along a template. */
function assemble(items: readonly TemplateItem[], texts: readonly TokenList[], kept: readonly number[]): Encoding {
  const lengthOf = (item: TemplateItem): number => (item.kind === "special" ? 1 : (kept[item.sequence] ?? 0));
  const length = items.reduce((sum, item) => sum + lengthOf(item), 0);
  const ids = new Int32Array(length);
  const offsets = new Int32Array(2 * length);
  const typeIds = new Uint8Array(length);
  const sequences = new Int8Array(length).fill(-1);
  let at = 0;
  for (const item of items) {
    const end = at + lengthOf(item);
    typeIds.fill(item.typeId, at, end);
    const tokens = item.kind === "special" ? undefined : texts[item.sequence];
    if (item.kind === "special") ids[at] = item.id;
    else if (tokens !== undefined) {
      for (let i = at; i < end; i++) ids[i] = tokens.ids[i - at] ?? 0;
      for (let i = 2 * at; i < 2 * end; i++) offsets[i] = tokens.offsets[i - 2 * at] ?? 0;
      sequences.fill(item.sequence, at, end);
    }
    at = end;
  }
  return { ids, offsets, typeIds, sequences };
}

function createEncoder(parts: Parts, template: Template): Tokenizer["encode"] {
  return (text, { maxTokens = Infinity, pair, addSpecialTokens = true } = {}) => {
    const items = (pair === undefined ? template.single : template.pair).filter(
      ({ kind }) => addSpecialTokens || kind === "sequence",
    );
    const specials = items.filter(({ kind }) => kind === "special").length;
    if (!(maxTokens >= specials)) {
      throw new InputError(`tokenizer: maxTokens ${maxTokens} leaves no room for ${specials} special tokens`);
    }
    const most = maxTokens - specials;
    const texts = (pair === undefined ? [text] : [text, pair]).map((one) => tokensOf(one, most + 1, parts));
    return assemble(items, texts, keptLengths([texts[0]?.ids.length ?? 0, texts[1]?.ids.length ?? 0], most));
  };
}

const PAD_CONTENTS = ["[PAD]", "<pad>", "<|pad|>", "<|endoftext|>"];

/** The id that fills up batches: the file's, the configuration's, or a token that is named so. @throws InputError */
function findPadId(json: JsonObject, config: JsonObject, idOf: Tokenizer["idOf"]): number | undefined {
  const padding = json["padding"];
  const told = isJsonObject(padding) ? padding["pad_id"] : undefined;
  if (told !== undefined && told !== null) return tokenIdOf(told, "tokenizer.json: padding.pad_id");
  const token = config["pad_token"];
  const content = isJsonObject(token) ? token["content"] : token;
  const named = typeof content === "string" ? idOf(content) : undefined;
  return named ?? PAD_CONTENTS.map(idOf).find((id) => id !== undefined);
}

/** The shorter of what tokenizer.json truncates to and tokenizer_config.json allows; values beyond reason mean no limit. */
function findMaxTokens(json: JsonObject, config: JsonObject): number | undefined {
  const truncation = json["truncation"];
  const told = [isJsonObject(truncation) ? truncation["max_length"] : undefined, config["model_max_length"]];
  const limits = told.filter((limit): limit is number => typeof limit === "number" && limit > 0 && limit < 1e9);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function piecesById(model: SubwordModel, added: readonly AddedToken[]): Map<number, string> {
  const pieces = new Map<number, string>();
  for (const [piece, id] of model.vocabulary) pieces.set(id, piece);
  for (const { id, content } of added) pieces.set(id, content);
  return pieces;
}

/** Opens a tokenizer from the parsed tokenizer.json and, where there is one, tokenizer_config.json.
 *  @throws InputError naming the field that is damaged or not supported */
export function openTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown = {}): Tokenizer {
  const json = objectOf(tokenizerJson, "tokenizer.json");
  const config = objectOf(tokenizerConfig, "tokenizer_config.json");
  const { model } = openModel(json);
  const normalize = createNormalizer(json["normalizer"], "tokenizer.json: normalizer");
  const split = createSplitter(json["pre_tokenizer"], "tokenizer.json: pre_tokenizer");
  const template = createTemplate(json["post_processor"], "tokenizer.json: post_processor");
  const added = parseAddedTokens(json["added_tokens"], model.vocabulary, "tokenizer.json: added_tokens");
  const pieces = piecesById(model, added);
  const addedIds = new Map(added.map(({ content, id }) => [content, id]));
  const idOf = (piece: string): number | undefined => addedIds.get(piece) ?? model.vocabulary.get(piece);
  let highest = -1;
  for (const id of pieces.keys()) highest = Math.max(highest, id);
  return {
    vocabularySize: highest + 1,
    padId: findPadId(json, config, idOf),
    unknownId: model.unknownId,
    specialIds: new Set(added.filter(({ special }) => special).map(({ id }) => id)),
    maxTokens: findMaxTokens(json, config),
    encode: createEncoder({ sections: createSectioner(added, normalize), split, model }, template),
    idOf,
    pieceOf: (id) => pieces.get(id),
  };
}
