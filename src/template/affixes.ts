/** @file Takes the constant beginning and end off a user message. Line breaks may be written otherwise (\r\n, \n, \r) and the white space
 *  around an affix may differ; what may be the customer's own words stays. Walks from both ends, so that its time grows with the length
 *  of the affixes and the white space alone. Runs in browsers. */

/** A message without its affixes. */
export interface Stripped {
  readonly text: string;
  /** Both stood there; an empty affix always does. */
  readonly complete: boolean;
}

/** Direction in which an affix is read: the prefix from the start, the suffix from the end. */
type Step = 1 | -1;

/** Where a text may follow a prefix, or end before a suffix, with any white space between or none. */
const MARK = /[:：<>«»"“”「」『』`]/;
const WORD = /[\p{L}\p{N}]/u;
const LINE_BREAK = /[\r\n]/;
const SPACE = /\s/;

/** Length of the line break at a place, read in a direction; 0 where there is none. */
function breakLength(text: string, at: number, step: Step): number {
  const unit = text.charAt(at);
  if (unit !== "\n" && unit !== "\r") return 0;
  const pair = step === 1 ? unit + text.charAt(at + 1) : text.charAt(at - 1) + unit;
  return pair === "\r\n" ? 2 : 1;
}

/** The place behind `part`, which begins at `at` and may not reach beyond `stop`; undefined where it does not stand there. */
function passPart(text: string, at: number, part: string, step: Step, stop: number): number | undefined {
  let place = at;
  for (let i = step === 1 ? 0 : part.length - 1; i >= 0 && i < part.length;) {
    const [partBreak, textBreak] = [breakLength(part, i, step), breakLength(text, place, step)];
    if (place === stop || partBreak > 0 !== textBreak > 0) return undefined;
    if (partBreak === 0 && part.charAt(i) !== text.charAt(place)) return undefined;
    i += step * Math.max(1, partBreak);
    place += step * Math.max(1, textBreak);
  }
  return (stop - place) * step < 0 ? undefined : place;
}

function passSpace(text: string, at: number, step: Step, stop: number): number {
  let place = at;
  while (place !== stop && SPACE.test(text.charAt(place))) place += step;
  return place;
}

/** Whether white space `found` may stand where an affix has `expected` between its words and the text: words are not joined, and a line
 *  of its own stays one. */
function maySeparate(found: string, expected: string, mark: string): boolean {
  if (MARK.test(mark)) return true;
  return found !== "" && (!LINE_BREAK.test(expected) || LINE_BREAK.test(found));
}

/** As `passPart`, for an affix whose white space at either end may differ. */
function passLoosely(text: string, at: number, affix: string, step: Step, stop: number): number | undefined {
  const words = affix.trim();
  if (words === "") return undefined;
  const behind = passPart(text, passSpace(text, at, step, stop), words, step, stop);
  const expected =
    step === 1 ? affix.slice(affix.trimEnd().length) : affix.slice(0, affix.length - affix.trimStart().length);
  if (behind === undefined || expected === "") return behind;
  const place = passSpace(text, behind, step, stop);
  const found = step === 1 ? text.slice(behind, place) : text.slice(place + 1, behind + 1);
  const mark = step === 1 ? words.slice(-1) : words.charAt(0);
  return place === stop || maySeparate(found, expected, mark) ? place : undefined;
}

/** Index at which the text begins behind its prefix. */
function prefixEnd(text: string, prefix: string): number | undefined {
  if (text.startsWith(prefix)) return prefix.length;
  return passPart(text, 0, prefix, 1, text.length) ?? passLoosely(text, 0, prefix, 1, text.length);
}

/** Index at which the suffix of a text begins, `start` or later. Where the prefix is missing the suffix must stand there as it is, in
 *  words: a closing quote or bracket may be the customer's. */
function suffixStart(text: string, start: number, suffix: string, hasPrefix: boolean): number | undefined {
  if (!hasPrefix && !WORD.test(suffix)) return suffix === "" ? text.length : undefined;
  if (text.endsWith(suffix) && text.length - suffix.length >= start) return text.length - suffix.length;
  const [at, stop] = [text.length - 1, start - 1];
  const place =
    passPart(text, at, suffix, -1, stop) ?? (hasPrefix ? passLoosely(text, at, suffix, -1, stop) : undefined);
  return place === undefined ? undefined : place + 1;
}

/** `text` without `prefix` and `suffix`, each taken off where it stands. */
export function takeAffixes(text: string, prefix: string, suffix: string): Stripped {
  const begin = prefixEnd(text, prefix);
  const end = suffixStart(text, begin ?? 0, suffix, begin !== undefined);
  return { text: text.slice(begin ?? 0, end ?? text.length), complete: begin !== undefined && end !== undefined };
}

/** The text of `takeAffixes`; where both stood there as they are written, prefix + text + suffix is the message again. */
export function stripAffixes(text: string, prefix: string, suffix: string): string {
  return takeAffixes(text, prefix, suffix).text;
}
