/** @file Joins rows that are near-duplicates, without comparing all with all. A row meets earlier ones that share its rarest shingles (a
 *  near-duplicate shares at least one of the rarest fifth, whatever template both are written by), then those that agree with it in
 *  a band of the signature. Chains and buckets that are crowded are looked at only so far, so that no template costs a square.
 *  Chaudhuri, Ganti, Kaushik, A primitive operator for similarity joins, 2006 (the rarest shingles). */
import type { DisjointSets } from "./disjoint-sets.js";
import {
  areNear,
  bandKey,
  BANDS,
  HASHES,
  hashFunctions,
  NEAR_DUPLICATE_SIMILARITY,
  signatureOf,
  SKETCH,
  type HashFunctions,
} from "./shingles.js";

/** Of 64 hashes near-duplicates differ in 13, give or take 3: that they differ in more than this does not happen. */
const MOST_DISAGREEMENTS = 27;
/** How many earlier rows a row is compared with by its rarest shingles, and by its bands. */
const RARE_COMPARISONS = 32;
const BAND_COMPARISONS = 128;
/** How many rows of one chain or bucket, the latest first, are looked at. */
const LOOKED_AT = 64;
/** Of rows that were joined already, a bucket that is fuller than this takes no more of a set than some to compare with. */
const CROWDED_BUCKET = 256;
const MEMBERS_OF_SET = 32;

/** How many of the rarest of `size` shingles are sure to hold one that a near-duplicate has too. */
const rareCount = (size: number): number => size - Math.ceil(NEAR_DUPLICATE_SIMILARITY * size) + 1;
const MOST_RARE = rareCount(SKETCH);
const SLOTS_PER_ROW = 16;

/** Rows by their rarest shingles: chains in typed arrays, the latest row first. */
class RareShingles {
  private readonly shift: number;
  /** Shingles of all rows in each slot, and the latest entry of its chain. */
  private readonly counts: Uint32Array;
  private readonly heads: Int32Array;
  /** The entry before each in its chain [rows, MOST_RARE]. */
  private readonly previous: Int32Array;

  constructor(shingles: readonly Uint32Array[]) {
    const bits = Math.min(24, Math.ceil(Math.log2(SLOTS_PER_ROW * shingles.length + 2)));
    this.shift = 32 - bits;
    this.counts = new Uint32Array(2 ** bits);
    this.heads = new Int32Array(2 ** bits).fill(-1);
    this.previous = new Int32Array(MOST_RARE * shingles.length);
    for (const own of shingles) for (const shingle of own) this.count(this.slotOf(shingle));
  }

  /** Slots of the rarest shingles of a set that another may have, the rarest first. */
  slotsOf(own: Uint32Array): readonly number[] {
    const slots = Float64Array.from(own, (shingle) => {
      const slot = this.slotOf(shingle);
      return (this.counts[slot] ?? 0) * 2 ** 32 + slot;
    });
    const rare = Array.from(slots.sort().subarray(0, rareCount(own.length)), (key) => key % 2 ** 32);
    return rare.filter((slot) => (this.counts[slot] ?? 0) > 1);
  }

  /** The latest rows of a slot, at most `most`. */
  rowsAt(slot: number, most: number): readonly number[] {
    const rows: number[] = [];
    for (let entry = this.heads[slot] ?? -1; entry >= 0 && rows.length < most; entry = this.previous[entry] ?? -1) {
      rows.push(Math.floor(entry / MOST_RARE));
    }
    return rows;
  }

  add(row: number, slots: readonly number[]): void {
    slots.forEach((slot, i) => {
      this.previous[row * MOST_RARE + i] = this.heads[slot] ?? -1;
      this.heads[slot] = row * MOST_RARE + i;
    });
  }

  private slotOf(shingle: number): number {
    return Math.imul(shingle, 0x9e3779b1) >>> this.shift;
  }

  private count(slot: number): void {
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
  }
}

interface ComparisonCounts {
  /** Rows that were new to the row, and rows of its set. */
  readonly compared: number;
  readonly together: number;
}

const NONE = new Uint32Array(0);

/** The rows of one search, taken in by number from 0. */
export class Neighbours {
  /** Comparisons of two rows so far: no more than a fixed number for each row. */
  comparisons = 0;
  private readonly bands: readonly Map<number, number[]>[] = Array.from({ length: BANDS }, () => new Map());
  private readonly rare: RareShingles;
  private readonly hashes: HashFunctions;
  /** Lower halves of each row's signature [rows, HASHES]. */
  private readonly signatures: Uint16Array;
  /** The row that each row was last compared with. */
  private readonly comparedWith: Int32Array;

  constructor(
    private readonly shingles: readonly Uint32Array[],
    seed: number,
    private readonly sets: DisjointSets,
  ) {
    this.hashes = hashFunctions(seed);
    this.rare = new RareShingles(shingles);
    this.signatures = new Uint16Array(shingles.length * HASHES);
    this.comparedWith = new Int32Array(shingles.length).fill(-1);
  }

  /** Joins a row to its near-duplicates among those before it. */
  join(row: number): void {
    const own = this.shingles[row] ?? NONE;
    const signature = signatureOf(own, this.hashes);
    this.signatures.set(signature, row * HASHES);
    this.joinByRarest(row, own);
    const buckets = this.bands.map((band, i) => bucketOf(band, bandKey(signature, i)));
    let left = BAND_COMPARISONS;
    for (const bucket of buckets.sort((a, b) => a.length - b.length)) {
      const latest = bucket.slice(Math.max(0, bucket.length - Math.min(left, LOOKED_AT)));
      const { compared, together } = this.compare(row, latest.reverse());
      left -= compared;
      if (bucket.length < CROWDED_BUCKET || together < MEMBERS_OF_SET) bucket.push(row);
    }
  }

  private joinByRarest(row: number, own: Uint32Array): void {
    const slots = this.rare.slotsOf(own);
    let left = RARE_COMPARISONS;
    for (const slot of slots) left -= this.compare(row, this.rare.rowsAt(slot, Math.min(left, LOOKED_AT))).compared;
    this.rare.add(row, slots);
  }

  private compare(row: number, others: readonly number[]): ComparisonCounts {
    const { sets } = this;
    let [compared, together] = [0, 0];
    let set = sets.find(row);
    for (const other of others) {
      if (sets.find(other) === set) together++;
      else if (this.comparedWith[other] !== row) {
        compared++;
        this.comparedWith[other] = row;
        if (this.agree(row, other) && areNear(this.shingles[row] ?? NONE, this.shingles[other] ?? NONE)) {
          sets.join(row, other);
          set = sets.find(row);
        }
      }
    }
    this.comparisons += compared;
    return { compared, together };
  }

  /** Whether the signatures allow two rows to be near-duplicates. */
  private agree(a: number, b: number): boolean {
    const { signatures } = this;
    let different = 0;
    for (let k = 0; k < HASHES; k++) {
      if (signatures[a * HASHES + k] !== signatures[b * HASHES + k] && ++different > MOST_DISAGREEMENTS) return false;
    }
    return true;
  }
}

function bucketOf(band: Map<number, number[]>, key: number): number[] {
  const known = band.get(key);
  if (known !== undefined) return known;
  const bucket: number[] = [];
  band.set(key, bucket);
  return bucket;
}
