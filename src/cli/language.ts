/** @file The language that a command speaks in: that of --lang, else of the configuration. What the stages say arrives in English and
 *  is put into Japanese clause by clause (`japanese.ts`). */
import { CLAUSES } from "./japanese.js";
import { NOTE_CLAUSES } from "./japanese-notes.js";

export type Spoken = "en" | "ja";

let spoken: Spoken = "en";

/** From here on notes, progress and errors are in this language. */
export function speak(language: Spoken): void {
  spoken = language;
}

/** The language of the last `--lang` among arguments; what is wrong with it the command itself says. */
export function languageOf(args: readonly string[]): Spoken | undefined {
  const values = args.flatMap((arg, at) =>
    arg === "--lang" ? [args[at + 1]] : arg.startsWith("--lang=") ? [arg.slice(7)] : [],
  );
  const last = values.at(-1);
  return last === "ja" || last === "en" ? last : undefined;
}

interface Pattern {
  /** It holds several clauses and is looked for before a text is taken apart. */
  readonly isWhole: boolean;
  readonly expression: RegExp;
  readonly japanese: string;
  /** Places of names, which stay as they are. */
  readonly quoted: ReadonlySet<string>;
}

/** Spaces of an aligned row count as one. */
function patternOf([english, japanese]: readonly [string, string]): Pattern {
  const parts = english.split(/\{\d+\}/).map(escaped);
  const quoted = new Set([...english.matchAll(/[`"]\{(\d)\}[`"]/g)].map(([, place]) => place ?? ""));
  const expression = new RegExp(`^${parts.join("(.+?)")}$`, "u");
  return { isWhole: english.includes("; "), expression, japanese, quoted };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}

/** Characters that a clause holds itself: the more, the less another clause is taken for it. */
const ownLength = ([english]: readonly [string, string]): number => english.replace(/\{\d+\}/g, "").length;

const PATTERNS: readonly Pattern[] = [...CLAUSES, ...NOTE_CLAUSES]
  .toSorted((a, b) => ownLength(b) - ownLength(a))
  .map(patternOf);

const WHOLE_PATTERNS = PATTERNS.filter(({ isWhole }) => isWhole);

/** A clause in Japanese, with what it holds; undefined where none is known. */
function clauseOf(text: string, patterns: readonly Pattern[] = PATTERNS): string | undefined {
  for (const { expression, japanese, quoted } of patterns) {
    const found = expression.exec(text);
    if (found === null) continue;
    return japanese.replace(/\{(\d)\}/g, (_whole, place: string) => {
      const held = found[Number(place)] ?? "";
      if (quoted.has(place)) return held;
      return held.includes("; ") ? joined(held.split("; ").map(known)) : known(held);
    });
  }
  return undefined;
}

function known(clause: string): string {
  return clauseOf(clause) ?? clause;
}

const isJapanese = (text: string): boolean => /[\u3040-\u30ff\u4e00-\u9fff]/u.test(text);

/** Clauses one behind the other; a full stop between those that lack one. */
function joined(clauses: readonly string[]): string {
  return clauses.reduce((text, clause) => {
    if (text === "") return clause;
    if (/[。：]$/u.test(text)) return text + clause;
    return isJapanese(text) || isJapanese(clause) ? `${text}。${clause}` : `${text}; ${clause}`;
  }, "");
}

/** A row of a plan holds its reasons, which are clauses themselves: it is looked for before a text is taken apart. */
const isPlanRow = (text: string): boolean => / MB, .* ms, /.test(text);

/** Clause by clause. */
function takenApart(text: string): string {
  const row = isPlanRow(text) ? clauseOf(text) : undefined;
  return row ?? joined(text.split("; ").map(known));
}

/** A text in the language that is spoken: whole, else clause by clause; what is not known stays as it is. */
export function say(text: string): string {
  return spoken === "ja" ? inJapanese(text) : text;
}

/** A text in Japanese, as far as it is known. */
export function inJapanese(text: string): string {
  const indent = /^ */.exec(text)?.[0] ?? "";
  const plain = text.trim().replace(/ {2,}/g, " ");
  const promise = /^(delivered|kept) (\d.*)$/.exec(plain);
  const [lead, body] = promise === null ? ["", plain] : [`「${promise[1]}」`, promise[2] ?? ""];
  const whole = clauseOf(body, WHOLE_PATTERNS);
  const said = whole ?? takenApart(body);
  return said === body ? text : `${indent}${lead}${said.replace(/(\d) %/g, "$1%").replace(/ to (?=\d)/g, "～")}`;
}
