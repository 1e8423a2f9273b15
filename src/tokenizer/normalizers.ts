/** @file The normalisers of a tokenizer.json, each rewriting a text without losing its alignment. Follows Hugging Face tokenizers 0.23
 *  (the Rust reference): case and marks go character by character, so Σ is σ even at the end of a word. Knows no model. */
import { InputError } from "../errors.js";
import { applyEdits, Rewriter, sliceAligned, type AlignedText } from "./aligned.js";
import { compileCharsmap } from "./charsmap.js";
import { objectOf, rowFor, sequenceSteps, textOf } from "./json-fields.js";
import { compilePattern } from "./pattern.js";
import type { JsonObject } from "../json.js";

export type Normalizer = (source: AlignedText) => AlignedText;

/** What joins the character before it under normalisation: marks, conjoining Hangul of every kind, halfwidth sound marks. */
const JOINING = "[\\p{M}\\u1100-\\u11FF\\u3131-\\u318E\\uA960-\\uA97F\\uD7B0-\\uD7FF\\uFF9E\\uFF9F\\uFFA0-\\uFFDC]";
/** All but what only newer Unicode takes apart (㋿ and its like): the tables of the reference are older, and those of runtimes differ. */
const NORMALISED =
  /[^\u32FF\uA7F1-\uA7F4\uAB69\u{105C9}\u{105E4}\u{10781}-\u{107BA}\u{11383}-\u{113C8}\u{11938}\u{16121}-\u{16128}\u{16D63}-\u{16D6A}\u{1CCD6}-\u{1CCF9}\u{1E030}-\u{1E06D}\u{1F16C}\u{1FBF0}-\u{1FBF9}]+/gu;
/** Printable ASCII, up to the character before a mark; or one character with all that joins it. */
const CLUSTERS = new RegExp(`[ -~]+(?![^ -~])|[^]${JOINING}*`, "gu");
/** The same as user-perceived characters, which is how a compiled map reads. */
const GRAPHEMES = new RegExp(
  "\\r\\n|[ -~]+(?![^ -~])|[\\p{Cc}\\p{Zl}\\p{Zp}]|(?![\\u200C\\u200D])\\p{Cf}|[^][\\p{M}\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\u200C\\u200D]*",
  "gu",
);
const PRINTABLE_ASCII = /^[ -~]*$/;
/** Mapped clusters remembered for each normaliser. */
const CACHE_SIZE = 4096;

interface ClusterRule {
  /** For printable ASCII; keeps the length. */
  readonly ascii: (text: string) => string;
  readonly cluster: (text: string) => string;
}

/** Applies a rule cluster by cluster. */
function byCluster({ ascii, cluster }: ClusterRule, clusters = CLUSTERS): Normalizer {
  const cache = new Map<string, string>();
  const mapped = (text: string): string => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    const result = cluster(text);
    if (cache.size >= CACHE_SIZE) cache.clear();
    cache.set(text, result);
    return result;
  };
  return (source) => {
    if (PRINTABLE_ASCII.test(source.text)) return { ...source, text: ascii(source.text) };
    const rewriter = new Rewriter(source);
    for (const { 0: text, index } of source.text.matchAll(clusters)) {
      if (PRINTABLE_ASCII.test(text)) rewriter.copy(index, ascii(text));
      else {
        const result = mapped(text);
        if (result === text) rewriter.copy(index, text);
        else rewriter.put(index, index + text.length, result);
      }
    }
    return rewriter.finish();
  };
}

const same = (text: string): string => text;
const lowered = (text: string): string => text.toLowerCase();
/** Character by character: no rule for the end of a word applies. */
const loweredEach = (text: string): string => Array.from(text, lowered).join("");

type UnicodeForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/** A Unicode form by the reference's tables. */
const normalised = (text: string, form: UnicodeForm): string =>
  text.replace(NORMALISED, (part) => part.normalize(form));

const unicodeForm = (form: UnicodeForm): (() => Normalizer) => {
  return () => byCluster({ ascii: same, cluster: (text) => normalised(text, form) });
};

/** The blocks of ideographs that BERT sets apart. */
const BERT_IDEOGRAPHS =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu;
const BERT_REMOVED = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]/gu;

function bertNormalizer(config: JsonObject): Normalizer {
  const { clean_text: cleans, handle_chinese_chars: spaces, lowercase, strip_accents: strips } = config;
  const stripped = (strips ?? lowercase) === true;
  const cluster = (text: string): string => {
    let result = text;
    if (cleans === true) result = result.replace(BERT_REMOVED, "").replace(/\p{White_Space}/gu, " ");
    if (spaces === true) result = result.replace(BERT_IDEOGRAPHS, " $& ");
    if (stripped) result = normalised(result, "NFD").replace(/\p{Mn}/gu, "");
    return lowercase === true ? loweredEach(result) : result;
  };
  return byCluster({ ascii: lowercase === true ? lowered : same, cluster });
}

function strip(config: JsonObject): Normalizer {
  return (source) => {
    const start = config["strip_left"] === true ? (/^\p{White_Space}*/u.exec(source.text)?.[0].length ?? 0) : 0;
    let end = source.text.length;
    if (config["strip_right"] === true)
      while (end > start && /\p{White_Space}/u.test(source.text[end - 1] ?? "")) end--;
    return sliceAligned(source, start, end);
  };
}

function replace(config: JsonObject, where: string): Normalizer {
  const pattern = compilePattern(config["pattern"], where);
  const content = textOf(config["content"], `${where}.content`);
  return (source) => {
    const edits = pattern(source.text).map(({ start, end }) => ({ start, end, text: content }));
    return edits.length === 0 ? source : applyEdits(source, edits);
  };
}

function prepend(config: JsonObject, where: string): Normalizer {
  const text = textOf(config["prepend"], `${where}.prepend`);
  return (source) => (source.text === "" ? source : applyEdits(source, [{ start: 0, end: 0, text }]));
}

function precompiled(config: JsonObject, where: string): Normalizer {
  const cluster = compileCharsmap(textOf(config["precompiled_charsmap"], `${where}.precompiled_charsmap`), where);
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  if (ascii.some((character) => cluster(character) !== character)) {
    throw new InputError(`${where}: precompiled_charsmap changes printable ASCII, which is not supported`);
  }
  return byCluster({ ascii: same, cluster }, GRAPHEMES);
}

const NORMALIZERS: Readonly<Record<string, (config: JsonObject, where: string) => Normalizer>> = {
  BertNormalizer: bertNormalizer,
  NFC: unicodeForm("NFC"),
  NFD: unicodeForm("NFD"),
  NFKC: unicodeForm("NFKC"),
  NFKD: unicodeForm("NFKD"),
  Lowercase: () => byCluster({ ascii: lowered, cluster: loweredEach }),
  StripAccents: () => byCluster({ ascii: same, cluster: (text) => text.replace(/\p{M}/gu, "") }),
  Strip: strip,
  Replace: replace,
  Prepend: prepend,
  Precompiled: precompiled,
  Sequence: (config, where) => {
    const steps = sequenceSteps(config, "normalizers", where).map((step) => createNormalizer(step.config, step.where));
    return (source) => steps.reduce((text, step) => step(text), source);
  },
};

/** The normaliser that a tokenizer.json describes; null leaves texts as they are. @throws InputError */
export function createNormalizer(config: unknown, where: string): Normalizer {
  if (config === null || config === undefined) return (source) => source;
  const row = objectOf(config, where);
  return rowFor(NORMALIZERS, row, where)(row, where);
}
