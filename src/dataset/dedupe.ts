/** @file Groups of rows that must stay on one side of a split: the same text but for case and space, near-duplicates (MinHash
 *  with LSH, verified by exact Jaccard similarity of character 4-grams), and rows of one conversation. Seeded, pure.
 *  Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3. */
import { Neighbours } from "./neighbours.js";
import { areNear, bandKey, BANDS, hashFunctions, shinglesOf, signatureOf } from "./shingles.js";
import { tyingConversations, type RowDraft } from "./rows.js";

export { NEAR_DUPLICATE_SIMILARITY, shinglesOf, similarityOf } from "./shingles.js";

/** Disjoint sets over 0 .. size-1 with path halving; the smallest member names a set. */
export class DisjointSets {
  private readonly parents: Int32Array;

  constructor(size: number) {
    this.parents = Int32Array.from({ length: size }, (_, i) => i);
  }

  find(member: number): number {
    let at = member;
    for (let parent = this.parents[at] ?? at; parent !== at; parent = this.parents[at] ?? at) {
      const above = this.parents[parent] ?? parent;
      this.parents[at] = above;
      at = above;
    }
    return at;
  }

  /** Joins two sets; false when they were one already. */
  join(a: number, b: number): boolean {
    const [x, y] = [this.find(a), this.find(b)];
    if (x === y) return false;
    this.parents[Math.max(x, y)] = Math.min(x, y);
    return true;
  }
}

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

export interface Groups {
  /** Group of each row, numbered from 0 in order of appearance. */
  readonly groups: Int32Array;
  /** Rows that joined an earlier one as near-duplicates. */
  readonly nearDuplicates: number;
  readonly notes: readonly string[];
}

/** A group beyond this share of the rows would leave nothing to split. */
const LARGEST_GROUP_RATIO = 0.3;

/** Groups rows; rows on different sides of a user's split never share a group. */
export function groupRows(drafts: readonly RowDraft[], seed: number): Groups {
  const sets = new DisjointSets(drafts.length);
  const texts = drafts.map((draft) => draft.text);
  joinEqual(drafts, (draft) => [draft.folded], sets);
  for (const side of ["train", "test"] as const) {
    const members = drafts.flatMap((draft, i) => (draft.side === side ? [i] : []));
    joinNearDuplicates(texts, members, seed, sets);
  }
  const nearDuplicates = drafts.length - countSets(sets, drafts.length);
  const byText = numbered(sets, drafts.length);
  joinEqual(drafts, tyingConversations, sets);
  const byAll = numbered(sets, drafts.length);
  if (largestRatio(byAll) <= Math.max(LARGEST_GROUP_RATIO, largestRatio(byText)) || drafts.length < 20) {
    return { groups: byAll, nearDuplicates, notes: [] };
  }
  const note =
    "the conversations of the log chain most rows into one group; they were left out of account in the split";
  return { groups: byText, nearDuplicates, notes: [note] };
}

function joinEqual(
  drafts: readonly RowDraft[],
  keysOf: (draft: RowDraft) => readonly string[],
  sets: DisjointSets,
): void {
  const first = new Map<string, number>();
  drafts.forEach((draft, i) => {
    for (const key of keysOf(draft)) {
      const sided = `${draft.side}:${key}`;
      const earlier = first.get(sided);
      if (earlier === undefined) first.set(sided, i);
      else sets.join(earlier, i);
    }
  });
}

function countSets(sets: DisjointSets, size: number): number {
  let count = 0;
  for (let i = 0; i < size; i++) if (sets.find(i) === i) count++;
  return count;
}

function numbered(sets: DisjointSets, size: number): Int32Array {
  const numbers = new Map<number, number>();
  return Int32Array.from({ length: size }, (_, i) => {
    const root = sets.find(i);
    const number = numbers.get(root) ?? numbers.size;
    numbers.set(root, number);
    return number;
  });
}

function largestRatio(groups: Int32Array): number {
  const counts = new Map<number, number>();
  let largest = 0;
  for (const group of groups) {
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    largest = Math.max(largest, count);
  }
  return largest / Math.max(1, groups.length);
}
