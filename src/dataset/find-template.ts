/** @file Finds what nearly all user messages of a workload begin and end with, so that instructions repeated in every call are
 *  not taken for the customer's words. Cuts at line breaks, quotes, colons and tags, never inside a word. Pure. */

export interface Affixes {
  readonly prefix: string;
  readonly suffix: string;
}

/** Share of the distinct messages that must carry a constant part. */
const QUORUM_RATIO = 0.95;
/** Of fewer messages nothing is known to be constant. */
export const LEAST_MESSAGES = 10;
/** Without a structural end (line break, colon, quote, tag) a shared beginning must be long, and seen often, to be a template. */
const LEAST_PLAIN_LENGTH = 24;
const LEAST_PLAIN_MESSAGES = 50;
const LEAST_PREFIX_LENGTH = 4;
/** What a constant beginning may end with, white space after it or not; with white space; what a constant end may begin with. */
const OPENS = new Set(':：>»"“「『`');
const CLOSES = new Set("])】」");
const STARTS = new Set('"”」』`«])】');
const isSpace = (unit: string): boolean => unit !== "" && unit.trim() === "";
const QUOTES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["“", "”"],
  ["「", "」"],
  ["『", "』"],
  ["`", "`"],
  ["'", "'"],
]);

/** The constant beginning and end of distinct messages; empty strings where there is none. */
export function findAffixes(messages: readonly string[]): Affixes {
  if (messages.length < LEAST_MESSAGES) return { prefix: "", suffix: "" };
  const prefix = trimPrefix(
    shared(messages, (text, i) => text.charAt(i)),
    messages.length,
  );
  const rests = messages.map((text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text));
  const reversed = shared(rests, (text, i) => text.charAt(text.length - 1 - i));
  const suffix = trimSuffix([...reversed].toReversed().join(""), prefix, messages.length);
  return leavesText(messages, prefix, suffix) ? { prefix, suffix } : { prefix, suffix: "" };
}

/** The longest run of characters on which the quorum agrees, read by `at`. */
function shared(messages: readonly string[], at: (text: string, i: number) => string): string {
  const quorum = Math.ceil(messages.length * QUORUM_RATIO);
  let agreeing = messages;
  let run = "";
  for (;;) {
    const first = at(agreeing[0] ?? "", run.length);
    if (first !== "" && agreeing.every((text) => at(text, run.length) === first)) {
      run += first;
      continue;
    }
    const counts = new Map<string, number>();
    for (const text of agreeing) counts.set(at(text, run.length), (counts.get(at(text, run.length)) ?? 0) + 1);
    let best = "";
    for (const [unit, count] of counts) if (unit !== "" && count > (counts.get(best) ?? 0)) best = unit;
    if (best === "" || (counts.get(best) ?? 0) < quorum) return run;
    agreeing = agreeing.filter((text) => at(text, run.length) === best);
    run += best;
  }
}

/** The run cut back to its last structural end, or to a word when it is long. */
function trimPrefix(run: string, messages: number): string {
  let lastEnd = 0;
  let beforeSpace = "";
  for (let end = 1; end <= run.length; end++) {
    const unit = run.charAt(end - 1);
    const spaced = isSpace(unit);
    if (!spaced) beforeSpace = unit;
    const structural = unit === "\n" || OPENS.has(beforeSpace) || (spaced && CLOSES.has(beforeSpace));
    if (structural && !isSpace(run.charAt(end))) lastEnd = end;
  }
  if (lastEnd >= LEAST_PREFIX_LENGTH) return run.slice(0, lastEnd);
  const plain = /^[^]*\s/.exec(run)?.[0] ?? "";
  return plain.length >= LEAST_PLAIN_LENGTH && messages >= LEAST_PLAIN_MESSAGES ? plain : "";
}

/** The run from its first structural start on, or from a word when it is long. */
function trimSuffix(run: string, prefix: string, messages: number): string {
  const quote = QUOTES.get(prefix.trimEnd().slice(-1));
  const trimmedEnd = run.trimEnd().length;
  let firstStart = -1;
  let afterSpace = run.length;
  let breaksLine = false;
  for (let start = run.length - 1; start >= 0; start--) {
    const unit = run.charAt(start);
    if (!isSpace(unit)) [afterSpace, breaksLine] = [start, false];
    else if (unit === "\n") breaksLine = true;
    const structural = breaksLine || STARTS.has(run.charAt(afterSpace)) || run.startsWith("</", afterSpace);
    const trimmed = trimmedEnd - afterSpace;
    if (structural && (trimmed > 1 || (trimmed === 1 && run.charAt(afterSpace) === quote))) firstStart = start;
  }
  if (firstStart >= 0) return run.slice(firstStart);
  const plain = /\s[^]*$/.exec(run)?.[0] ?? "";
  return plain.length >= LEAST_PLAIN_LENGTH && messages >= LEAST_PLAIN_MESSAGES ? plain : "";
}

/** True unless stripping both would leave some message without a word. */
function leavesText(messages: readonly string[], prefix: string, suffix: string): boolean {
  return messages.every(
    (text) => text.trim() === "" || text.length > prefix.length + suffix.length || !text.endsWith(suffix),
  );
}
