/** @file The label set of a workload: spellings that differ in case, space or decoration (a full stop, quotes, Markdown, an emoji, the width of
 *  characters) are one label under its most frequent spelling, or under the one that the prompt names. Two labels that the prompt names are
 *  never one. Labels are keys of Maps, so `__proto__` and `constructor` are labels like any other. Pure. */

export interface LabelSet {
  /** Kept spellings in code-unit order. */
  readonly labels: readonly string[];
  /** Spellings that were folded: [written, kept], in code-unit order of the written one. */
  readonly folded: readonly (readonly [string, string])[];
  /** Whether a spelling lists several labels. */
  isSeveral(spelling: string): boolean;
  /** Index of a spelling, known or foldable, or -1. */
  indexOf(spelling: string): number;
}

/** What spellings of one label share: NFC, lower case, single spaces. */
export function foldLabel(spelling: string): string {
  return spelling.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
}

const INVISIBLE = /[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]|[\u{fe00}-\u{fe0f}]/gu;
/** Quotes, brackets, Markdown and punctuation around a label; `+`, `#`, `-` and `%` may be a part of it. */
const LEADING = /^[\s"'`*_~“”‘’「」『』【】()[\]{}<>《》〈〉.,;:!。、，；：·•・>]+|^\p{Extended_Pictographic}+\u20e3?/u;
const TRAILING = /[\s"'`*_~“”‘’「」『』【】()[\]{}<>《》〈〉.,;:!。、，；：·•・]+$|\p{Extended_Pictographic}+$/u;
const PLAIN_LABEL = /^[a-z0-9](?:[a-z0-9 _/-]*[a-z0-9])?$/;

/** A spelling without its decoration, folded; a spelling that is nothing but decoration stays. */
export function bareLabel(spelling: string): string {
  if (PLAIN_LABEL.test(spelling) && !spelling.includes("  ")) return spelling;
  const visible = spelling.normalize("NFKC").replace(INVISIBLE, "");
  let text = visible;
  for (let before = ""; before !== text;) {
    before = text;
    text = closeBracket(text, text.replace(LEADING, "").replace(TRAILING, ""));
  }
  return foldLabel(text === "" ? visible : text);
}

/** A bracket that the label itself opens stays: `returns (other)`. */
function closeBracket(before: string, after: string): string {
  const open = after.lastIndexOf("(");
  const at = before.indexOf(after);
  return open >= 0 && !after.includes(")", open) && before.charAt(at + after.length) === ")" ? `${after})` : after;
}

/** As `bareLabel`, without what joins words: `card_arrival`, `card-arrival` and `Card arrival?` alike. Sure only where the prompt names one. */
function looseLabel(spelling: string): string {
  return bareLabel(spelling.replace(/^\s*(?:\d{1,2}|[（(]\d{1,2}[）)])[.)]?\s+/u, ""))
    .replace(/[?？]+$/u, "")
    .replace(/(?<=[\p{L}\p{N}])[\s_-]+(?=[\p{L}\p{N}])/gu, "");
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type Key = (spelling: string) => string;

/** Spellings by key. */
function grouped(spellings: Iterable<string>, key: Key): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const spelling of spellings) {
    const group = groups.get(key(spelling));
    if (group === undefined) groups.set(key(spelling), [spelling]);
    else group.push(spelling);
  }
  return groups;
}

/** The one that a prompt names under a key; undefined where it names none, or several. */
function onlyNamed(named: readonly string[], key: Key): (spelling: string) => string | undefined {
  const groups = grouped(new Set(named), key);
  return (spelling) => {
    const found = groups.get(key(spelling));
    return found?.length === 1 ? found[0] : undefined;
  };
}

/** The most frequent spelling, the first in code-unit order where counts tie. */
function mostFrequent(spellings: readonly string[], counts: ReadonlyMap<string, number>): string {
  return [...spellings].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || byCodeUnits(a, b))[0] ?? "";
}

/** What each spelling is kept as: what the prompt names first, then the most frequent of those that differ in decoration. */
function keptSpellings(counts: ReadonlyMap<string, number>, named: ReadonlySet<string>): Map<string, string> {
  const kept = new Map<string, string>();
  const names = [...named];
  // Exact first: two names that differ in case or decoration only stay two.
  const finders = [foldLabel, bareLabel, looseLabel].map((key) => onlyNamed(names, key));
  const rest: string[] = [];
  for (const spelling of counts.keys()) {
    const name = named.has(spelling)
      ? spelling
      : finders.map((find) => find(spelling)).find((found) => found !== undefined);
    if (name === undefined) rest.push(spelling);
    else kept.set(spelling, name);
  }
  // The spelling that is shown is one that was written, where only case and space differ.
  for (const [name, group] of grouped([...kept.keys()], (spelling) => kept.get(spelling) ?? spelling)) {
    const alike = group.filter((spelling) => foldLabel(spelling) === foldLabel(name));
    const shown =
      named.has(name) && alike.length > 0 && !distinguishes(names, name) ? mostFrequent(alike, counts) : name;
    for (const spelling of group) kept.set(spelling, shown);
  }
  for (const group of grouped(rest, bareLabel).values()) {
    const clean = group.filter((spelling) => foldLabel(spelling) === bareLabel(spelling));
    const best = mostFrequent(clean.length > 0 ? clean : group, counts);
    for (const spelling of group) kept.set(spelling, best);
  }
  return kept;
}

/** True where the prompt names another label that differs from this one in case or space only. */
function distinguishes(names: readonly string[], name: string): boolean {
  return names.some((other) => other !== name && foldLabel(other) === foldLabel(name));
}

const JOINED = /\s*[,;、，；|\n]\s*(?:(?:and|or|および|または)\s+)?|\s+(?:[/+&]|and|or)\s+/u;

/** Separates labels and hardly ever the words of one. */
const LISTED = /\s*[,;、，；|\n]\s*/u;
/** Several labels that stand together in so many combinations are labels though none stands alone. */
const LEAST_COMBINATIONS = 2;

/** Parts that stand in several lists, each beside others: labels, though they may never stand alone. */
function listedParts(spellings: readonly string[]): Set<string> {
  const combinations = new Map<string, number>();
  for (const spelling of spellings) {
    if (!LISTED.test(spelling)) continue;
    for (const part of new Set(spelling.split(LISTED).map(bareLabel)))
      combinations.set(part, (combinations.get(part) ?? 0) + 1);
  }
  return new Set([...combinations].flatMap(([part, lists]) => (lists >= LEAST_COMBINATIONS ? [part] : [])));
}

/** Spellings that list several labels which also stand alone or in other lists, unless the prompt names them so. */
export function severalOf(counts: ReadonlyMap<string, number>, named: ReadonlySet<string>): Set<string> {
  const spellings = [...counts.keys()];
  const alone = new Set(spellings.map(bareLabel));
  const names = new Set([...named].map(bareLabel));
  const listed = listedParts(spellings);
  const isList = (spelling: string, separator: RegExp, isLabel: (part: string) => boolean): boolean => {
    const parts = spelling.split(separator).map(bareLabel);
    return new Set(parts).size > 1 && parts.every((part) => part !== "" && isLabel(part));
  };
  const isSeveral = (spelling: string): boolean =>
    !names.has(bareLabel(spelling)) &&
    (isList(spelling, JOINED, (part) => alone.has(part) || names.has(part)) ||
      isList(spelling, LISTED, (part) => alone.has(part) || names.has(part) || listed.has(part)));
  return new Set(spellings.filter((spelling) => JOINED.test(spelling) && isSeveral(spelling)));
}

/** Builds the label set of counted spellings; `named` are labels that the prompt names. */
export function buildLabelSet(counts: ReadonlyMap<string, number>, named: ReadonlySet<string> = new Set()): LabelSet {
  const several = severalOf(counts, named);
  const single = new Map([...counts].filter(([spelling]) => !several.has(spelling)));
  const kept = keptSpellings(single, named);
  const labels = [...new Set(kept.values())].toSorted(byCodeUnits);
  const folded = [...kept].filter(([written, keeps]) => written !== keeps).toSorted((a, b) => byCodeUnits(a[0], b[0]));
  const indices = new Map(labels.map((label, i) => [label, i]));
  const known = new Map([...kept].map(([spelling, label]) => [spelling, indices.get(label) ?? -1]));
  const find = decoratedFinder(labels);
  return {
    labels,
    folded,
    isSeveral: (spelling) => several.has(spelling) || listsLabels(spelling, find),
    indexOf: (spelling) => known.get(spelling) ?? (several.has(spelling) ? -1 : find(spelling)),
  };
}

/** Whether a spelling that is no label joins several. */
function listsLabels(spelling: string, find: (spelling: string) => number): boolean {
  if (!JOINED.test(spelling) || find(spelling) >= 0) return false;
  const parts = spelling.split(JOINED);
  return new Set(parts.map(bareLabel)).size > 1 && parts.every((part) => find(part) >= 0);
}

/** A function from any spelling of a label (case and space may differ) to its index, -1 when it is none. */
export function labelFinder(labels: readonly string[]): (spelling: string) => number {
  const exact = new Map(labels.map((label, i) => [label, i]));
  const folded = new Map(labels.map((label, i) => [foldLabel(label), i]));
  return (spelling) => exact.get(spelling) ?? folded.get(foldLabel(spelling)) ?? -1;
}

/** As `labelFinder`; decoration may differ too, where that leaves one label. */
export function decoratedFinder(labels: readonly string[]): (spelling: string) => number {
  const find = labelFinder(labels);
  const alone = [...grouped(labels, bareLabel)].filter(([, group]) => group.length === 1);
  const bare = new Map(alone.map(([key, group]) => [key, find(group[0] ?? "")]));
  return (spelling) => {
    const index = find(spelling);
    return index >= 0 ? index : (bare.get(bareLabel(spelling)) ?? -1);
  };
}
