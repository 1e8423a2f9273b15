/** @file How many planted values the detectors find, and how much of what they find was planted. */
import { fold } from "../src/redact/fold.js";
import { PATTERNED_KINDS, type Kind } from "../src/redact/kinds.js";
import { Matcher, type Match } from "../src/redact/matches.js";
import type { LabelledCase, LabelledValue } from "./redact-cases.js";

export interface KindScore {
  readonly kind: string;
  readonly language: string;
  readonly planted: number;
  /** No digit or letter of it is left, whatever kind it was taken for. */
  readonly gone: number;
  /** Taken for its own kind. */
  readonly asItsKind: number;
  /** Finds of this kind, and those of them that meet a planted value of it. */
  readonly found: number;
  readonly right: number;
}

export interface Missed {
  readonly kind: string;
  readonly text: string;
  readonly why: "left" | "wrong";
  readonly value: string;
}

const meets = (a: LabelledValue, b: Match): boolean => a.start < b.end && b.start < a.end;

function isGone(text: string, value: LabelledValue, matches: readonly Match[]): boolean {
  for (let i = value.start; i < value.end; i++) {
    if (/[\p{L}\p{N}]/u.test(fold(text.charAt(i))) && !matches.some(({ start, end }) => start <= i && i < end))
      return false;
  }
  return true;
}

interface Counts {
  planted: number;
  gone: number;
  asItsKind: number;
  found: number;
  right: number;
}

/** Scores by kind and language, and every miss. */
export function scoreCases(cases: readonly LabelledCase[]): {
  readonly scores: readonly KindScore[];
  readonly missed: readonly Missed[];
} {
  const matcher = new Matcher({ kinds: new Set<Kind>(PATTERNED_KINDS), allow: [] });
  const table = new Map<string, Counts>();
  const missed: Missed[] = [];
  const of = (kind: string, language: string): Counts => {
    const key = `${kind} ${language}`;
    const counts = table.get(key) ?? { planted: 0, gone: 0, asItsKind: 0, found: 0, right: 0 };
    table.set(key, counts);
    return counts;
  };
  for (const { text, values, language } of cases) {
    const matches = matcher.find(text);
    for (const value of values) {
      const counts = of(value.kind, language);
      counts.planted++;
      if (isGone(text, value, matches)) counts.gone++;
      else missed.push({ kind: value.kind, text, why: "left", value: text.slice(value.start, value.end) });
      if (matches.some((match) => match.kind === value.kind && meets(value, match))) counts.asItsKind++;
    }
    for (const match of matches) {
      const counts = of(match.kind, language);
      counts.found++;
      if (values.some((value) => value.kind === match.kind && meets(value, match))) counts.right++;
      else missed.push({ kind: match.kind, text, why: "wrong", value: text.slice(match.start, match.end) });
    }
  }
  const scores = [...table].map(([key, counts]) => {
    const [kind = "", language = ""] = key.split(" ");
    return { kind, language, ...counts };
  });
  return { scores, missed };
}

/** Scores of both languages together. */
export function byKind(scores: readonly KindScore[]): readonly KindScore[] {
  return PATTERNED_KINDS.map((kind) =>
    scores
      .filter((score) => score.kind === kind)
      .reduce<KindScore>(
        (sum, score) => ({
          kind,
          language: "both",
          planted: sum.planted + score.planted,
          gone: sum.gone + score.gone,
          asItsKind: sum.asItsKind + score.asItsKind,
          found: sum.found + score.found,
          right: sum.right + score.right,
        }),
        { kind, language: "both", planted: 0, gone: 0, asItsKind: 0, found: 0, right: 0 },
      ),
  );
}
