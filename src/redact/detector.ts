/** @file What a detector is, and what the families of them share: where a value may begin and end, and what stands before it. */
import type { Draw } from "./draw.js";
import type { Kind, Span } from "./kinds.js";

/** One row of the table. All functions get folded text (`fold.ts`). */
export interface Detector {
  readonly kind: Kind;
  /** Bits of `HAS`, all of which a text must have. */
  readonly needs: number;
  /** Looks around long numbers only. */
  readonly aroundNumbers?: true;
  /** Every place of a value, in any order. */
  readonly find: (text: string) => Iterable<Span>;
  /** What tells one value from another however it is written; the folded value itself when absent. */
  readonly identity?: (value: string) => string;
  /** Another value that looks like it and belongs to nobody. */
  readonly surrogate: (value: string, draw: Draw) => string;
}

/** A number begins where no letter, digit or part of a longer code stands before; it may follow an escape (\n in JSON). */
export const BEGIN = String.raw`(?:(?<![A-Za-z0-9_.$#\\/+-])|(?<=(?<!\\)\\[bfnrt])|(?<=[^A-Za-z0-9]\.|[A-Za-z]\.))`;
/** And ends where none stands behind; a full stop may end the sentence. */
export const END = String.raw`(?![A-Za-z0-9_]|[-/.:]\d|,\d{3}(?!\d)|-[A-Za-z])`;

export const digitsOf = (value: string): string => value.replace(/\D/g, "");

/** The same layout with other digits. */
export function withDigits(value: string, digits: string): string {
  let i = 0;
  return value.replace(/\d/g, () => digits.charAt(i++));
}

/** Places of a pattern: of its first group where it has one, which must be the end of the match, else of all of it. */
export function* places(
  text: string,
  pattern: RegExp,
  holds: (value: string, start: number) => boolean = () => true,
): Generator<Span> {
  for (const match of text.matchAll(pattern)) {
    const value = match[1] ?? match[0];
    const end = match.index + match[0].length;
    const start = end - value.length;
    if (holds(value, start)) yield { start, end };
  }
}

/** So much before a value tells what it is. */
const CONTEXT_UNITS = 24;

/** What stands before a place, on its line. */
export function before(text: string, start: number, units = CONTEXT_UNITS): string {
  return text.slice(Math.max(0, start - units), start).replace(/^[\s\S]*(?:\n|\\n)/, "");
}

/** Words that say that a number is no one's: orders, parcels, parts, versions. */
const THINGS =
  /(?:(?<![a-z])id|order|tracking|parcel|shipment|invoice|ticket|serial|model|part|item|reference|ref|sku|isbn|jan|ean|upc|version|build|commit|batch|lot|case|booking|receipt|confirmation|transaction|注文|伝票|追跡|送り状|荷物|お?問い?合わ?せ番号|型番|品番|製品番号|製造番号|シリアル|商品(?:コード|番号)|管理番号|受付番号|会員番号|社員番号|請求書|予約番号|照会番号|参照番号|版|バージョン|ロット|ケース)(?:[ _-]?(?:number|numbers|no\.?|num|id|code|#|番号|コード))?\s*(?:is|was|:|=|#|は|が|の|：|「)?\s*["'(#]?$/i;

export function isThing(text: string, start: number): boolean {
  return THINGS.test(before(text, start, 40));
}
