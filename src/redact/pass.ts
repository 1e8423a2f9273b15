/** @file The texts of one record read twice: the first reading learns every value, the second writes surrogates. */
import { changeJson } from "./json-text.js";
import type { Kind } from "./kinds.js";
import type { Match } from "./matches.js";
import { Surrogates } from "./surrogates.js";

/** Writes surrogates also where a value stands that no detector would know there: a number without the word that told what it is. */
export class Pass {
  readonly counts = new Map<Kind, number>();
  private readonly surrogates: Surrogates;
  private readonly found = new Map<string, readonly Match[]>();
  private readonly values = new Map<string, Match>();
  private anywhere: RegExp | undefined;

  constructor(
    key: string,
    private readonly find: (text: string) => readonly Match[],
  ) {
    this.surrogates = new Surrogates(key);
  }

  get isClean(): boolean {
    return this.values.size === 0;
  }

  /** How many values the text holds. */
  learn(text: string, scope: string): number {
    let values = 0;
    const learnPart = (part: string): string => {
      values += this.learnPart(part, scope);
      return part;
    };
    if (changeJson(text, learnPart) === undefined) learnPart(text);
    return values;
  }

  private learnPart(text: string, scope: string): number {
    const matches = this.find(text);
    if (matches.length === 0) return 0;
    this.found.set(text, matches);
    for (const match of matches) {
      this.surrogates.learn(match, scope);
      for (const form of formsOf(match, text.slice(match.start, match.end)))
        if (!this.values.has(form)) this.values.set(form, match);
    }
    return matches.length;
  }

  change(text: string): string {
    return changeJson(text, (part) => this.changePart(part)) ?? this.changePart(text);
  }

  private changePart(text: string): string {
    let changed = "";
    let at = 0;
    for (const match of this.found.get(text) ?? []) {
      changed += this.changeKnown(text.slice(at, match.start));
      changed += this.write(match, text.slice(match.start, match.end));
      at = match.end;
    }
    return changed + this.changeKnown(text.slice(at));
  }

  private changeKnown(text: string): string {
    if (text === "") return text;
    this.anywhere ??= anyOf([...this.values.keys()]);
    return text.replace(this.anywhere, (value) => {
      const match = this.values.get(value);
      return match === undefined ? value : this.write(match, value);
    });
  }

  private write(match: Match, original: string): string {
    this.counts.set(match.kind, (this.counts.get(match.kind) ?? 0) + 1);
    const isOtherForm = original.length !== match.value.length;
    return this.surrogates.of(isOtherForm ? { ...match, value: original } : match, original);
  }
}

/** Kinds that an answer may hold without the signs between the digits. */
const OF_DIGITS: ReadonlySet<Kind> = new Set(["telephone", "card", "my-number", "ssn", "bank-account", "postal-code"]);
const LEAST_UNITS = 5;

/** How a value may be written elsewhere in the record. */
function formsOf({ kind }: Match, original: string): readonly string[] {
  if (kind === "name") return original.length < 2 ? [] : [original];
  if (original.length < LEAST_UNITS) return [];
  const digits = original.replace(/\D/g, "");
  return OF_DIGITS.has(kind) && digits.length >= 7 && digits !== original && !original.startsWith("+")
    ? [original, digits]
    : [original];
}

/** The values literally, the longest first, where no letter or digit goes on. */
function anyOf(values: readonly string[]): RegExp {
  const sources = [...values]
    .sort((a, b) => b.length - a.length)
    .map((value) => {
      const [first, last] = [
        /^[A-Za-z0-9]/.test(value) ? "(?<![A-Za-z0-9])" : "",
        /[A-Za-z0-9]$/.test(value) ? "(?![A-Za-z0-9])" : "",
      ];
      return first + value.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`) + last;
    });
  return new RegExp(sources.length === 0 ? "(?!)" : sources.join("|"), "g");
}
