/** @file Which regular expressions can take time beyond all bounds: a repeated group that itself repeats ("(a+)+") has exponentially many ways
 *  to read a text that it does not match. Not found are alternatives that overlap ("(a|a)+"), optional pieces ("(aa?)+") and repetitions in
 *  a row ("a*a*a*"), which look like harmless ones. Reads the source of a compiled expression with the flag "u". */

const ESCAPE_OR_CLASS = String.raw`\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]`;
const OPENING = String.raw`\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:))?`;
const REPETITION = String.raw`[*+]\??|\{\d+(?:,\d*)?\}\??`;
const PIECES = new RegExp(`${ESCAPE_OR_CLASS}|${OPENING}|${REPETITION}|.`, "gsu");
/** So many times exactly: no choice of its own, but one more for every choice inside. */
const EXACTLY = /^\{\d+\}/;
const AT_MOST_ONCE = /^\{(?:0,)?[01]\}/;

/** Whether a repeated group holds a repetition. */
export function repeatsRepetition(source: string): boolean {
  /** Of the groups that are open, outermost first: whether each holds a repetition. */
  const open = [false];
  let repeatsInside = false;
  for (const [piece] of source.matchAll(PIECES)) {
    const repeats = /^[*+{]/.test(piece) && !AT_MOST_ONCE.test(piece);
    if (repeats && repeatsInside) return true;
    repeatsInside = piece === ")" && open.pop() === true;
    if (piece.startsWith("(")) open.push(false);
    else if ((repeats && !EXACTLY.test(piece)) || repeatsInside) open[open.length - 1] = true;
  }
  return false;
}
