/** @file 64-bit content hashes and an open-addressing set of them in typed arrays: at most 32 bytes per entry, growing
 *  included. Two lanes of multiply-xorshift mixing (after MurmurHash3); not for adversaries, only for equality of logs. */

/** Two 32-bit lanes of a running hash. */
export interface Hasher {
  low: number;
  high: number;
}

/** A fresh hash state. */
export function startHash(): Hasher {
  return { low: 0x9e3779b9, high: 0x85ebca6b };
}

/** Adds a text and its length, so that ("ab","c") and ("a","bc") differ. */
export function addText(state: Hasher, text: string): void {
  let { low, high } = state;
  const whole = text.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const first = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
    const second = text.charCodeAt(i + 2) | (text.charCodeAt(i + 3) << 16);
    low = Math.imul(low ^ first, 0xcc9e2d51) ^ (high >>> 13);
    high = Math.imul(high ^ second, 0x1b873593) ^ (low >>> 15);
  }
  for (let i = whole; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0xcc9e2d51) ^ (high >>> 13);
    high = Math.imul(high ^ low, 0x1b873593) ^ (low >>> 15);
  }
  state.low = mix(low ^ text.length);
  state.high = mix(high ^ Math.imul(text.length, 0x27d4eb2f));
}

function mix(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

/** 16 hexadecimal digits of texts taken in order. */
export function hashTexts(...texts: readonly string[]): string {
  const state = startHash();
  for (const text of texts) addText(state, text);
  return (state.low >>> 0).toString(16).padStart(8, "0") + (state.high >>> 0).toString(16).padStart(8, "0");
}

const FIRST_CAPACITY = 1 << 12;
const MAXIMUM_LOAD_RATIO = 0.75;

/** A set of 64-bit hashes; 8 bytes a slot, doubled at three quarters full. */
export class HashSet64 {
  private lows = new Uint32Array(FIRST_CAPACITY);
  private highs = new Uint32Array(FIRST_CAPACITY);
  private entries = 0;

  /** Number of distinct hashes. */
  get size(): number {
    return this.entries;
  }

  /** Bytes held by the table. */
  get sizeBytes(): number {
    return this.lows.byteLength + this.highs.byteLength;
  }

  /** Adds a hash; false when it was there. */
  add(hash: Hasher): boolean {
    const low = hash.low >>> 0;
    const high = (hash.high | 1) >>> 0; // zero marks an empty slot
    const slot = this.find(low, high);
    if (this.highs[slot] !== 0) return false;
    this.lows[slot] = low;
    this.highs[slot] = high;
    this.entries++;
    if (this.entries > this.lows.length * MAXIMUM_LOAD_RATIO) this.grow();
    return true;
  }

  private find(low: number, high: number): number {
    const mask = this.lows.length - 1;
    let slot = (low ^ (high >>> 7)) & mask;
    while (this.highs[slot] !== 0 && (this.highs[slot] !== high || this.lows[slot] !== low)) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { lows, highs } = this;
    this.lows = new Uint32Array(lows.length * 2);
    this.highs = new Uint32Array(highs.length * 2);
    for (let i = 0; i < lows.length; i++) {
      const high = highs[i] ?? 0;
      if (high === 0) continue;
      const low = lows[i] ?? 0;
      const slot = this.find(low, high);
      this.lows[slot] = low;
      this.highs[slot] = high;
    }
  }
}
