/** @file Near-duplicates among texts: MinHash with LSH, verified by the Jaccard similarity of character 4-grams. Seeded, pure.
 *  Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3. */
import { createRandom } from "../random.js";

const SHINGLE_LENGTH = 4;
const BANDS = 16;
const BAND_ROWS = 4;
const HASHES = BANDS * BAND_ROWS;
/** Texts are compared by their beginning: enough to tell documents apart, bounded for a 1 MB text. */
const COMPARED_CHARACTERS = 8_192;
/** A new row is compared with this many earlier ones of each bucket, so that a crowded bucket costs no square. */
const BUCKET_COMPARISONS = 4;
/** What is kept of each row's shingles: 512 bytes, 100 MB for the most rows there are. */
const SKETCH = 128;
/** Spaces (once punctuation) beside scripts that are written without them. */
const UNSPACED = /(?<=[\u3040-\u30ff\u3400-\u9fff]) | (?=[\u3040-\u30ff\u3400-\u9fff])/g;
export const NEAR_DUPLICATE_SIMILARITY = 0.8;

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

/** The smallest `SKETCH` distinct hashes of the character 4-grams of a text (letters and digits only), ascending. */
export function shinglesOf(text: string): Uint32Array {
  const words = text
    .slice(0, COMPARED_CHARACTERS)
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
  const plain = words.replace(UNSPACED, "");
  const source = plain === "" ? text.slice(0, COMPARED_CHARACTERS) : ` ${plain} `;
  const count = Math.max(1, source.length - SHINGLE_LENGTH + 1);
  const hashes = new Uint32Array(count);
  for (let i = 0; i < count; i++) hashes[i] = shingleHash(source, i);
  if (count <= 4 * SKETCH) return smallest(hashes);
  // Of a long text only about three sketches' worth of the smallest need sorting.
  const few = smallest(hashes.filter((hash) => hash < (0xffffffff / count) * 3 * SKETCH));
  return few.length === SKETCH ? few : smallest(hashes);
}

function shingleHash(source: string, start: number): number {
  let hash = 0x811c9dc5;
  const end = Math.min(start + SHINGLE_LENGTH, source.length);
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Sorts in place; the first `SKETCH` distinct members. */
function smallest(hashes: Uint32Array): Uint32Array {
  hashes.sort();
  const kept = new Uint32Array(Math.min(hashes.length, SKETCH));
  let length = 0;
  for (let i = 0; i < hashes.length && length < SKETCH; i++) {
    const hash = hashes[i] ?? 0;
    if (i === 0 || hash !== hashes[i - 1]) kept[length++] = hash;
  }
  return kept.slice(0, length);
}

/** Jaccard similarity of two ascending sets, read off the smallest `SKETCH` members of their union (Broder's bottom-k): exact
 *  for texts of up to about 128 characters, within about 4 % beyond. */
export function similarityOf(a: Uint32Array, b: Uint32Array): number {
  let [i, j, both, union] = [0, 0, 0, 0];
  while (i < a.length && j < b.length && union < SKETCH) {
    const [x, y] = [a[i] ?? 0, b[j] ?? 0];
    union++;
    if (x === y) both++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return both / Math.max(1, Math.min(SKETCH, union + a.length - i + b.length - j));
}

/** Joins near-duplicates among `members` (indices into `texts`) in `sets`. */
export function joinNearDuplicates(
  texts: readonly string[],
  members: readonly number[],
  seed: number,
  sets: DisjointSets,
): void {
  const { factors, offsets } = hashFunctions(seed);
  const buckets = Array.from({ length: BANDS }, () => new Map<number, number[]>());
  const shingles = new Map<number, Uint32Array>();
  for (const member of members) {
    const own = shinglesOf(texts[member] ?? "");
    shingles.set(member, own);
    const signature = signatureOf(own, factors, offsets);
    for (let band = 0; band < BANDS; band++) {
      const key = bandKey(signature, band);
      const bucket = buckets[band]?.get(key);
      if (bucket === undefined) {
        buckets[band]?.set(key, [member]);
        continue;
      }
      for (const earlier of bucket) {
        if (sets.find(earlier) === sets.find(member)) continue;
        const theirs = shingles.get(earlier);
        if (theirs !== undefined && similarityOf(own, theirs) >= NEAR_DUPLICATE_SIMILARITY) sets.join(earlier, member);
      }
      if (bucket.length < BUCKET_COMPARISONS) bucket.push(member);
    }
  }
}

/** Hash functions of the signatures that `seed` draws. */
function hashFunctions(seed: number): { readonly factors: Uint32Array; readonly offsets: Uint32Array } {
  const random = createRandom(seed, "minhash");
  return {
    factors: Uint32Array.from({ length: HASHES }, () => random.int(0x7fffffff) * 2 + 1),
    offsets: Uint32Array.from({ length: HASHES }, () => random.int(0xffffffff)),
  };
}

/** A function that says whether a text is a near-duplicate of one of `known`. All texts of a bucket are compared, so that a crowded
 *  one hides none. */
export function nearDuplicateFinder(known: readonly string[], seed: number): (text: string) => boolean {
  const { factors, offsets } = hashFunctions(seed);
  const buckets = Array.from({ length: BANDS }, () => new Map<number, Uint32Array[]>());
  const keysOf = (own: Uint32Array): number[] => {
    const signature = signatureOf(own, factors, offsets);
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
    return keysOf(own).some((key, band) =>
      buckets[band]?.get(key)?.some((theirs) => similarityOf(own, theirs) >= NEAR_DUPLICATE_SIMILARITY),
    );
  };
}

function signatureOf(shingles: Uint32Array, factors: Uint32Array, offsets: Uint32Array): Uint32Array {
  const signature = new Uint32Array(HASHES);
  for (let k = 0; k < HASHES; k++) {
    const [factor, offset] = [factors[k] ?? 1, offsets[k] ?? 0];
    let least = 0xffffffff;
    for (let i = 0; i < shingles.length; i++) {
      const hash = (Math.imul(shingles[i] ?? 0, factor) + offset) >>> 0;
      if (hash < least) least = hash;
    }
    signature[k] = least;
  }
  return signature;
}

function bandKey(signature: Uint32Array, band: number): number {
  let key = 0x811c9dc5;
  for (let r = 0; r < BAND_ROWS; r++)
    key = Math.imul(key ^ (signature[band * BAND_ROWS + r] ?? 0), 0x01000193) ^ (key >>> 13);
  return key;
}
