/** @file Near-duplicates among texts, joined into sets: MinHash with LSH, verified by the Jaccard similarity of their shingles. Seeded, pure.
 *  Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3. */
import { DisjointSets } from "./disjoint-sets.js";
import { Neighbours } from "./neighbours.js";
import { areNear, bandKey, BANDS, hashFunctions, shinglesOf, signatureOf } from "./shingles.js";

export { NEAR_DUPLICATE_SIMILARITY, shinglesOf, similarityOf } from "./shingles.js";

/** Joins near-duplicates among `members` (indices into `texts`) in `sets`. */
export function joinNearDuplicates(
  texts: readonly string[],
  members: readonly number[],
  seed: number,
  sets: DisjointSets,
): void {
  const found = new DisjointSets(members.length);
  const shingles = members.map((member) => shinglesOf(texts[member] ?? ""));
  const neighbours = new Neighbours(shingles, seed, found);
  for (let i = 0; i < members.length; i++) neighbours.join(i);
  members.forEach((member, i) => sets.join(member, members[found.find(i)] ?? member));
}

/** A function that says whether a text is a near-duplicate of one of `known`. All texts of a bucket are compared, so that a crowded
 *  one hides none. */
export function nearDuplicateFinder(known: readonly string[], seed: number): (text: string) => boolean {
  const hashes = hashFunctions(seed);
  const buckets = Array.from({ length: BANDS }, () => new Map<number, Uint32Array[]>());
  const keysOf = (own: Uint32Array): number[] => {
    const signature = signatureOf(own, hashes);
    return Array.from({ length: BANDS }, (_, band) => bandKey(signature, band));
  };
  for (const text of known) {
    const own = shinglesOf(text);
    for (const [band, key] of keysOf(own).entries()) {
      const bucket = buckets[band]?.get(key);
      if (bucket === undefined) buckets[band]?.set(key, [own]);
      else bucket.push(own);
    }
  }
  return (text) => {
    const own = shinglesOf(text);
    return keysOf(own).some((key, band) => buckets[band]?.get(key)?.some((theirs) => areNear(own, theirs)));
  };
}
