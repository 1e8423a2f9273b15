/** @file The known word nearest to a mistyped one. */

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The known word with the least edit distance; the empty string when nothing is known. */
export function nearest(word: string, known: readonly string[]): string {
  const short = word.slice(0, 100).toLowerCase();
  let best = "";
  let least = Infinity;
  for (const candidate of known) {
    const d = distance(short, candidate.toLowerCase());
    if (d < least) [best, least] = [candidate, d];
  }
  return best;
}

/** Names compared at most: an error message must not take seconds. */
const MAXIMUM_COMPARED = 5000;

/** The known words with the least edit distance, nearest first; `count` of them at most. */
export function nearestFew(word: string, known: readonly string[], count: number): string[] {
  const short = word.slice(0, 200).toLowerCase();
  return known
    .slice(0, MAXIMUM_COMPARED)
    .map((candidate) => ({ candidate, apart: distance(short, candidate.slice(0, 200).toLowerCase()) }))
    .sort((a, b) => a.apart - b.apart)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}
