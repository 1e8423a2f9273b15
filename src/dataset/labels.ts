/** @file The label set of a workload: spellings that differ in case or space are one label under its most frequent spelling.
 *  Labels are keys of Maps, so `__proto__` and `constructor` are labels like any other. Pure. */

export interface LabelSet {
  /** Kept spellings in code-unit order. */
  readonly labels: readonly string[];
  /** Spellings that were folded: [written, kept], in code-unit order of the written one. */
  readonly folded: readonly (readonly [string, string])[];
  /** Index of a spelling, known or foldable, or -1. */
  indexOf(spelling: string): number;
}

/** What spellings of one label share: NFC, lower case, single spaces. */
export function foldLabel(spelling: string): string {
  return spelling.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Builds the label set of counted spellings. */
export function buildLabelSet(counts: ReadonlyMap<string, number>): LabelSet {
  const kept = new Map<string, string>();
  for (const [spelling, count] of [...counts].toSorted((a, b) => byCodeUnits(a[0], b[0]))) {
    const key = foldLabel(spelling);
    const best = kept.get(key);
    if (best === undefined || count > (counts.get(best) ?? 0)) kept.set(key, spelling);
  }
  const labels = [...kept.values()].toSorted(byCodeUnits);
  const folded = [...counts.keys()]
    .map((spelling): readonly [string, string] => [spelling, kept.get(foldLabel(spelling)) ?? spelling])
    .filter(([written, keeps]) => written !== keeps)
    .toSorted((a, b) => byCodeUnits(a[0], b[0]));
  return { labels, folded, indexOf: labelFinder(labels) };
}

/** A function from any spelling of a label to its index, -1 when it is none. */
export function labelFinder(labels: readonly string[]): (spelling: string) => number {
  const indices = new Map(labels.map((label, i) => [foldLabel(label), i]));
  const cache = new Map(labels.map((label, i) => [label, i]));
  return (spelling) => cache.get(spelling) ?? indices.get(foldLabel(spelling)) ?? -1;
}
