/** @file The compiled character map of a SentencePiece tokenizer (normalizer "Precompiled"): a double-array trie over UTF-8 and the texts
 *  that its values point to. Follows spm_precompiled: a cluster of at most five bytes is looked up whole, then character by
 *  character. */
import { InputError } from "../errors.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Clusters of this many bytes or more are mapped character by character. */
const WHOLE_CLUSTER_BYTES = 6;

function decodeBase64(text: string, where: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new InputError(`${where}: precompiled_charsmap: expected base64`, { cause });
  }
}

const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1;
const valueOf = (unit: number): number => unit & 0x7fffffff;
const labelOf = (unit: number): number => (unit & 0x800000ff) >>> 0;
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);

/** Value of the shortest stored prefix of `key`, as the reference takes it; undefined where none is stored. */
function firstPrefix(units: Uint32Array, key: Uint8Array): number | undefined {
  let unit = units[0] ?? 0;
  let position = offsetOf(unit);
  for (const byte of key) {
    if (byte === 0) return undefined;
    position ^= byte;
    unit = units[position] ?? 0;
    if (labelOf(unit) !== byte) return undefined;
    position ^= offsetOf(unit);
    if (hasLeaf(unit)) return valueOf(units[position] ?? 0);
  }
  return undefined;
}

/** The mapping of one cluster (a character and its marks). @throws InputError when the map is damaged */
export function compileCharsmap(base64: string, where: string): (cluster: string) => string {
  const bytes = decodeBase64(base64, where);
  const trieBytes = bytes.length < 4 ? -1 : new DataView(bytes.buffer).getUint32(0, true);
  if (trieBytes < 4 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
    throw new InputError(`${where}: precompiled_charsmap: expected a map, came one that is cut off or damaged`);
  }
  const view = new DataView(bytes.buffer, 4, trieBytes);
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 * i, true));
  const texts = bytes.subarray(4 + trieBytes);
  const lookUp = (part: string): string | undefined => {
    const value = firstPrefix(units, encoder.encode(part));
    if (value === undefined) return undefined;
    const end = texts.indexOf(0, value);
    return decoder.decode(texts.subarray(value, end < 0 ? texts.length : end));
  };
  return (cluster) => {
    const whole = encoder.encode(cluster).length < WHOLE_CLUSTER_BYTES ? lookUp(cluster) : undefined;
    return whole ?? Array.from(cluster, (character) => lookUp(character) ?? character).join("");
  };
}
