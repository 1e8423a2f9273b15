/** @file The pre-tokenizers of a tokenizer.json: an aligned text is cut into words, the units that a model sees. Follows Hugging Face
 *  tokenizers 0.23. Knows no model. */
import { InputError } from "../errors.js";
import { applyEdits, originalStart, Rewriter, sliceAligned, type AlignedText } from "./aligned.js";
import { objectOf, rowFor, sequenceSteps, textOf } from "./json-fields.js";
import { compilePattern, literalPattern, trustedPattern, type Pattern } from "./pattern.js";
import type { JsonObject } from "../json.js";

export type Splitter = (source: AlignedText) => readonly AlignedText[];

interface Span {
  readonly start: number;
  readonly end: number;
  readonly matched: boolean;
}

/** Matches and what lies between them, without empty ones. */
function spansOf(text: string, pattern: Pattern, inverted: boolean): Span[] {
  const spans: Span[] = [];
  let done = 0;
  for (const { start, end } of pattern(text)) {
    if (start > done) spans.push({ start: done, end: start, matched: inverted });
    if (end > start) spans.push({ start, end, matched: !inverted });
    done = end;
  }
  if (done < text.length) spans.push({ start: done, end: text.length, matched: inverted });
  return spans;
}

/** Joins neighbours for which `joins` holds. */
function joined(spans: readonly Span[], joins: (last: Span, next: Span) => boolean): Span[] {
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last !== undefined && joins(last, span)) result[result.length - 1] = { ...span, start: last.start };
    else result.push(span);
  }
  return result;
}

/** What becomes of the matches of a split, by the name of the behaviour. */
const BEHAVIORS = new Map<string, (spans: readonly Span[]) => readonly Span[]>([
  ["removed", (spans) => spans.filter(({ matched }) => !matched)],
  ["isolated", (spans) => spans],
  ["contiguous", (spans) => joined(spans, (last, next) => last.matched === next.matched)],
  ["mergedwithprevious", (spans) => joined(spans, (last, next) => next.matched && !last.matched)],
  ["mergedwithnext", (spans) => joined(spans, (last, next) => last.matched && !next.matched)],
]);

function splitBy(pattern: Pattern, behavior: string, where: string, inverted = false): Splitter {
  const arrange = BEHAVIORS.get(behavior.toLowerCase().replaceAll("_", ""));
  if (arrange === undefined) {
    throw new InputError(`${where}: behavior: expected one of ${[...BEHAVIORS.keys()].join(", ")}, came ${behavior}`);
  }
  return (source) =>
    arrange(spansOf(source.text, pattern, inverted)).map(({ start, end }) => sliceAligned(source, start, end));
}

/** Words that a pattern matches; nothing else is kept. */
function matching(expression: RegExp): Splitter {
  const pattern = trustedPattern(expression);
  return (source) => pattern(source.text).map(({ start, end }) => sliceAligned(source, start, end));
}

const PUNCTUATION = "\\p{P}!-/:-@\\[-`{-~";
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
const GPT2_PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

const encoder = new TextEncoder();

/** The printable character that stands for each byte in GPT-2's vocabulary. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : next++);
  });
})();

function bytesOf(character: string): string {
  return Array.from(encoder.encode(character), (byte) => BYTE_CHARACTERS[byte] ?? "").join("");
}

/** Writes every byte as its character. */
function toBytes(source: AlignedText): AlignedText {
  const rewriter = new Rewriter(source);
  for (const { 0: part, index } of source.text.matchAll(/[!-~]+|[^]/gu)) {
    if (/^[!-~]/.test(part)) rewriter.copy(index, part);
    else rewriter.put(index, index + part.length, bytesOf(part));
  }
  return rewriter.finish();
}

function byteLevel(config: JsonObject, where: string): Splitter {
  const split = config["use_regex"] === false ? undefined : splitBy(trustedPattern(GPT2_PATTERN), "isolated", where);
  const prefix = config["add_prefix_space"] !== false;
  return (source) => {
    const prefixed =
      prefix && !source.text.startsWith(" ") ? applyEdits(source, [{ start: 0, end: 0, text: " " }]) : source;
    return (split?.(prefixed) ?? [prefixed]).map(toBytes);
  };
}

/** When a Metaspace writes its mark before the first word. */
const PREPENDS = new Map<string, (source: AlignedText) => boolean>([
  ["always", () => true],
  ["first", (source) => originalStart(source, 0) === 0],
  ["never", () => false],
]);

function metaspace(config: JsonObject, where: string): Splitter {
  const mark = textOf(config["replacement"] ?? "\u2581", `${where}.replacement`);
  const scheme = textOf(
    config["prepend_scheme"] ?? (config["add_prefix_space"] === false ? "never" : "always"),
    `${where}.prepend_scheme`,
  );
  const prepends = PREPENDS.get(scheme);
  if (prepends === undefined || [...mark].length !== 1) {
    throw new InputError(`${where}: expected one replacement character and prepend_scheme always, first or never`);
  }
  const split = config["split"] === false ? undefined : splitBy(literalPattern(mark), "mergedWithNext", where);
  return (source) => {
    const spaces = [...source.text.matchAll(/ /g)].map(({ index }) => ({ start: index, end: index + 1, text: mark }));
    const marked = /^[ ]/.test(source.text) || source.text.startsWith(mark);
    const before = !marked && prepends(source) ? [{ start: 0, end: 0, text: mark }] : [];
    const replaced = applyEdits(source, [...before, ...spaces]);
    return split?.(replaced) ?? [replaced];
  };
}

const SPLITTERS: Readonly<Record<string, (config: JsonObject, where: string) => Splitter>> = {
  BertPreTokenizer: () => matching(new RegExp(`[${PUNCTUATION}]|[^\\p{White_Space}${PUNCTUATION}]+`, "gu")),
  Whitespace: () => matching(new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, "gu")),
  WhitespaceSplit: () => matching(/\P{White_Space}+/gu),
  Punctuation: (config, where) =>
    splitBy(
      trustedPattern(new RegExp(`[${PUNCTUATION}]`, "gu")),
      textOf(config["behavior"] ?? "isolated", where),
      where,
    ),
  Digits: (config, where) =>
    splitBy(trustedPattern(/\p{N}/gu), config["individual_digits"] === true ? "isolated" : "contiguous", where),
  Split: (config, where) => {
    const behavior = textOf(config["behavior"], `${where}.behavior`);
    return splitBy(compilePattern(config["pattern"], where), behavior, where, config["invert"] === true);
  },
  CharDelimiterSplit: (config, where) =>
    splitBy(compilePattern({ String: config["delimiter"] }, where), "removed", where),
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Sequence: (config, where) => {
    const steps = sequenceSteps(config, "pretokenizers", where).map((step) => createSplitter(step.config, step.where));
    return (source) => steps.reduce<readonly AlignedText[]>((words, step) => words.flatMap(step), [source]);
  },
};

/** The pre-tokenizer that a tokenizer.json describes; null leaves a text in one piece. @throws InputError */
export function createSplitter(config: unknown, where: string): Splitter {
  if (config === null || config === undefined) return (source) => [source];
  const row = objectOf(config, where);
  return rowFor(SPLITTERS, row, where)(row, where);
}
