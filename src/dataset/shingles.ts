/** @file What a text is compared by: the smallest hashes of its character n-grams (Broder's bottom-k sketch), their similarity, and the
 *  MinHash signatures that near-duplicates likely agree in, band by band. Seeded, pure; knows no rows.
 *  Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3. */
import { createRandom } from "../random.js";

const SHINGLE_LENGTH = 4;
/** Nearly every sequence of four letters stands somewhere in a long document: beyond its beginning longer ones tell two apart. */
const BEGINNING_CHARACTERS = 8_192;
const LATER_SHINGLE_LENGTH = 8;
export const BANDS = 16;
const BAND_ROWS = 4;
export const HASHES = BANDS * BAND_ROWS;
/** What is kept of each row's shingles: 512 bytes, 100 MB for the most rows there are. */
export const SKETCH = 128;
/** Spaces (once punctuation) beside scripts that are written without them. */
const UNSPACED = /(?<=[\u3040-\u30ff\u3400-\u9fff]) | (?=[\u3040-\u30ff\u3400-\u9fff])/g;
export const NEAR_DUPLICATE_SIMILARITY = 0.8;
/** Two sets of near-duplicates differ in no more members than this share of the smaller one. */
const MOST_DIFFERENT_RATIO = 1 / NEAR_DUPLICATE_SIMILARITY - 1;

/** The smallest `SKETCH` distinct hashes of the character 4-grams (8-grams beyond the beginning) of a text, letters and digits only,
 *  ascending. */
export function shinglesOf(text: string): Uint32Array {
  const words = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
  const plain = words.replace(UNSPACED, "");
  const source = plain === "" ? text : ` ${plain} `;
  const count = Math.max(1, source.length - SHINGLE_LENGTH + 1);
  const hashes = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    hashes[i] = shingleHash(source, i, i < BEGINNING_CHARACTERS ? SHINGLE_LENGTH : LATER_SHINGLE_LENGTH);
  }
  if (count <= 4 * SKETCH) return smallest(hashes);
  // Of a long text only about three sketches' worth of the smallest need sorting.
  const few = smallest(hashes.filter((hash) => hash < (0xffffffff / count) * 3 * SKETCH));
  return few.length === SKETCH ? few : smallest(hashes);
}

function shingleHash(source: string, start: number, length: number): number {
  let hash = 0x811c9dc5;
  const end = Math.min(start + length, source.length);
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

/** Whether two sets are near-duplicates by `similarityOf`; stops as soon as they cannot be. */
export function areNear(a: Uint32Array, b: Uint32Array): boolean {
  const most = MOST_DIFFERENT_RATIO * Math.min(SKETCH, a.length, b.length);
  let [i, j, different] = [0, 0, 0];
  for (let union = 0; i < a.length && j < b.length && union < SKETCH; union++) {
    const [x, y] = [a[i] ?? 0, b[j] ?? 0];
    if (x !== y && ++different > most) return false;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return similarityOf(a, b) >= NEAR_DUPLICATE_SIMILARITY;
}

/** Hash functions of signatures. */
export interface HashFunctions {
  readonly factors: Uint32Array;
  readonly offsets: Uint32Array;
}

/** Those that `seed` draws. */
export function hashFunctions(seed: number): HashFunctions {
  const random = createRandom(seed, "minhash");
  return {
    factors: Uint32Array.from({ length: HASHES }, () => random.int(0x7fffffff) * 2 + 1),
    offsets: Uint32Array.from({ length: HASHES }, () => random.int(0xffffffff)),
  };
}

export function signatureOf(shingles: Uint32Array, { factors, offsets }: HashFunctions): Uint32Array {
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

export function bandKey(signature: Uint32Array, band: number): number {
  let key = 0x811c9dc5;
  for (let r = 0; r < BAND_ROWS; r++)
    key = Math.imul(key ^ (signature[band * BAND_ROWS + r] ?? 0), 0x01000193) ^ (key >>> 13);
  return key;
}
