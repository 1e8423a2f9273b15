/** @file Text to hashed bucket ids: the one featuriser of Node and browser. Words are cut on the original text, so every token keeps
 *  its offsets; each token is normalised (NFKC, lower case) on its own. In Chinese and Japanese every character is a token.
 *  Knows no weights: what a bucket means stands in the model's graph. */

/** Longest text that is looked at, in UTF-16 code units: beyond it a label workload repeats itself, and time must be bounded. */
export const MAX_TEXT_LENGTH = 32_768;
/** Longest word whose character n-grams are taken; longer ones are identifiers or noise. */
const MAX_WORD_LENGTH = 64;

const CJK = "\\p{Script_Extensions=Han}\\p{Script_Extensions=Hiragana}\\p{Script_Extensions=Katakana}";
const TOKEN_PATTERN = new RegExp(`[${CJK}][\\p{M}\\uFF9E\\uFF9F]*|(?:(?![${CJK}])[\\p{L}\\p{N}\\p{M}_])+|\\S`, "gu");
const CJK_PATTERN = new RegExp(`^[${CJK}]`, "u");

/** A token of the text: `text.slice(start, end)` is what stands there. */
export interface Token {
  readonly start: number;
  readonly end: number;
  /** Normalised form. */
  readonly form: string;
  /** A single Chinese or Japanese character, which joins its neighbours in n-grams. */
  readonly cjk: boolean;
}

/** Cuts a text into tokens; white space lies between them, nothing else is lost. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.slice(0, MAX_TEXT_LENGTH).matchAll(TOKEN_PATTERN)) {
    const written = match[0];
    const form = written.normalize("NFKC").toLowerCase();
    tokens.push({ start: match.index, end: match.index + written.length, form, cjk: CJK_PATTERN.test(written) });
  }
  return tokens;
}

const FNV_PRIME = 0x01000193;

/** Finishes a running FNV-1a hash so that neighbours spread over all buckets (murmur3's last mix). */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function extend(hash: number, text: string): number {
  let h = hash;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  return h;
}

const WORD_SEED = extend(0x811c9dc5, "word");
const PAIR_SEED = extend(0x811c9dc5, "pair");
const CHAR_SEED = extend(0x811c9dc5, "char");

/** Appends the hashes of all character n-grams of a form. */
function pushCharacterNgrams(form: string, least: number, most: number, into: number[]): void {
  for (let start = 0; start < form.length; start++) {
    let hash = CHAR_SEED;
    const end = Math.min(form.length, start + most);
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ form.charCodeAt(i), FNV_PRIME);
      if (i - start + 1 >= least) into.push(finish(hash));
    }
  }
}

export interface LinearFeatureOptions {
  /** Buckets of word 1- and 2-grams; ids 0 .. wordBuckets - 1. */
  readonly wordBuckets: number;
  /** Buckets of character 2- to 5-grams; ids follow the words'. */
  readonly characterBuckets: number;
}

/** Sparse features of one text: bucket ids in ascending order and their values (sublinear counts, signs spread collisions). */
export interface SparseFeatures {
  readonly ids: Uint32Array;
  readonly values: Float32Array;
}

/** Sums 1 + ln(count) of equal hashes into buckets. */
function addToBuckets(hashes: number[], buckets: number, offset: number, sums: Map<number, number>): void {
  const sorted = Uint32Array.from(hashes).sort();
  for (let i = 0; i < sorted.length;) {
    const hash = sorted[i] ?? 0;
    let end = i + 1;
    while (end < sorted.length && sorted[end] === hash) end++;
    const value = 1 + Math.log(end - i);
    const bucket = offset + ((hash >>> 1) % buckets);
    sums.set(bucket, (sums.get(bucket) ?? 0) + ((hash & 1) === 0 ? value : -value));
    i = end;
  }
}

/** Features of the linear student: word 1-2-grams and character 2-5-grams inside words (or runs of CJK characters). */
export function linearFeatures(text: string, options: LinearFeatureOptions): SparseFeatures {
  const tokens = tokenize(text);
  const words: number[] = [];
  const characters: number[] = [];
  let run = "";
  for (const [i, token] of tokens.entries()) {
    const before = tokens[i - 1];
    words.push(finish(extend(WORD_SEED, token.form)));
    if (before !== undefined) words.push(finish(extend(extend(PAIR_SEED, before.form) ^ 0x20, token.form)));
    if (token.cjk) {
      run += token.form;
      const next = tokens[i + 1];
      if (next?.cjk === true && next.start === token.end && run.length < MAX_WORD_LENGTH) continue;
      pushCharacterNgrams(run, 2, 5, characters);
      run = "";
    } else if (token.form.length <= MAX_WORD_LENGTH) {
      pushCharacterNgrams(` ${token.form} `, 2, 5, characters);
    }
  }
  const sums = new Map<number, number>();
  addToBuckets(words, options.wordBuckets, 0, sums);
  addToBuckets(characters, options.characterBuckets, options.wordBuckets, sums);
  const ids = Uint32Array.from(sums.keys()).sort();
  return { ids, values: Float32Array.from(ids, (id) => sums.get(id) ?? 0) };
}

export interface TokenFeatureOptions {
  readonly buckets: number;
  /** Tokens beyond this are cut off. */
  readonly maxTokens: number;
}

/** A token as the encoder sees it: the bucket of the form itself first, then those of its character 3-5-grams. */
export interface TokenFeatures {
  readonly start: number;
  readonly end: number;
  readonly ids: Uint32Array;
}

/** Bucket ids of a token's form, a pure function of the form. A CJK character has only its own. */
function formBuckets(form: string, buckets: number): Uint32Array {
  const hashes = [finish(extend(WORD_SEED, form))];
  if (form.length > 1 && form.length <= MAX_WORD_LENGTH) pushCharacterNgrams(`<${form}>`, 3, 5, hashes);
  return Uint32Array.from(hashes, (hash) => hash % buckets);
}

/** Features of the encoder students, one entry per token, at most `maxTokens`. An empty text has none. */
export function tokenFeatures(text: string, options: TokenFeatureOptions): TokenFeatures[] {
  const tokens = tokenize(text).slice(0, options.maxTokens);
  return tokens.map((token, i) => {
    const next = tokens[i + 1];
    const ids = formBuckets(token.form, options.buckets);
    if (!token.cjk || next?.cjk !== true || next.start !== token.end)
      return { start: token.start, end: token.end, ids };
    const pair = finish(extend(extend(PAIR_SEED, token.form), next.form)) % options.buckets;
    return { start: token.start, end: token.end, ids: Uint32Array.from([...ids, pair]) };
  });
}
