/** @file One cheap pass over a text that says what could stand in it, so that the detectors look only where there is something to find. It
 *  reads each unit once, allocates next to nothing and knows no kind of data. */
import type { Span } from "./kinds.js";

/** What a text may hold, as bits. */
export const HAS = {
  at: 1,
  digit: 2,
  /** Signs that need folding. */
  wide: 4,
  /** Signs of Japanese addresses: 都 道 府 県 市 区 町 村 丁 番 〒. */
  place: 8,
  colon: 16,
  dot: 32,
  /** 〒 or another sign that stands before a postal code alone. */
  postal: 64,
  /** A run of letters and digits that is long enough for a key, or a private key's dashes. */
  longRun: 128,
  /** So many digits close together as any number of a person has. */
  number: 256,
  /** A Latin letter. */
  latin: 4096,
  /** Letters and digits in one run, as words do not have them. */
  mixed: 8192,
  /** Bytes that no text has. */
  binary: 512,
} as const;

const MIX = HAS.digit | HAS.latin;
const LETTER = 1024;
const BETWEEN_DIGITS = 2048;

/** The shortest key, the shortest number of a person. */
const KEY_CHARACTERS = 15;
const NUMBER_DIGITS = 5;
/** What stands before a number tells its kind. */
const BEFORE_UNITS = 48;
const AFTER_UNITS = 32;

function classTable(): Uint16Array {
  const table = new Uint16Array(65_536);
  const mark = (units: string, bits: number): void => {
    for (const unit of units) table[unit.charCodeAt(0)] = (table[unit.charCodeAt(0)] ?? 0) | bits;
  };
  const range = (from: number, to: number, bits: number): void => {
    for (let code = from; code <= to; code++) table[code] = (table[code] ?? 0) | bits;
  };
  range(0, 8, HAS.binary);
  range(14, 26, HAS.binary);
  mark("0123456789", HAS.digit | LETTER);
  mark("０１２３４５６７８９", HAS.digit);
  range(97, 122, LETTER | HAS.latin);
  range(65, 90, LETTER | HAS.latin);
  mark("_-+/=.", LETTER);
  range(0xff01, 0xff5e, HAS.wide);
  range(0xff21, 0xff3a, HAS.latin);
  range(0xff41, 0xff5a, HAS.latin);
  mark("\u3000\u00a0‐‑‒–—―−ｰー", HAS.wide);
  mark(" -.()/ー（）－．　+＋", BETWEEN_DIGITS);
  mark("\u00a0‐‑‒–—―−ｰ", BETWEEN_DIGITS);
  mark("@＠", HAS.at);
  mark(":：", HAS.colon);
  mark(".．", HAS.dot);
  mark("都道府県市区町村丁番", HAS.place);
  mark("〒", HAS.postal);
  return table;
}

const CLASSES = classTable();

export interface Scan {
  /** Bits of `HAS`. */
  readonly has: number;
  /** The surroundings of long numbers, apart from each other and in order. */
  readonly numbers: readonly Span[];
}

const NOTHING: readonly Span[] = [];

export function scan(text: string): Scan {
  let has = 0;
  let [letters, run, digits, from, gap] = [0, 0, 0, 0, 0];
  let numbers: Span[] | undefined;
  for (let i = 0; i < text.length; i++) {
    const bits = CLASSES[text.charCodeAt(i)] ?? 0;
    has |= bits;
    if ((bits & LETTER) !== 0) {
      run |= bits & MIX;
      if (++letters === KEY_CHARACTERS) has |= HAS.longRun;
      if (run === MIX) has |= HAS.mixed;
    } else {
      letters = 0;
      run = 0;
    }
    if ((bits & HAS.digit) !== 0) {
      if (digits++ === 0) from = i;
      gap = 0;
      if (digits < NUMBER_DIGITS) continue;
      numbers ??= [];
      addWindow(numbers, from, i, text.length);
    } else if (digits > 0 && ((bits & BETWEEN_DIGITS) === 0 || ++gap > 3)) {
      digits = 0;
      gap = 0;
    }
  }
  return { has: numbers === undefined ? has : has | HAS.number, numbers: numbers ?? NOTHING };
}

/** Adds the surroundings of from .. last, joined with the one before where they touch. */
function addWindow(windows: Span[], from: number, last: number, length: number): void {
  const start = Math.max(0, from - BEFORE_UNITS);
  const end = Math.min(length, last + 1 + AFTER_UNITS);
  const before = windows.at(-1);
  if (before !== undefined && start <= before.end) windows[windows.length - 1] = { start: before.start, end };
  else windows.push({ start, end });
}
