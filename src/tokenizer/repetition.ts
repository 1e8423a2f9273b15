/** @file Which regular expressions can take time beyond all bounds: a repeated group that itself repeats ("(a+)+") has exponentially many ways
 *  to read a text that it does not match. Alternatives that overlap ("(a|a)+") are not told from harmless ones. Reads the source of a compiled expression with the flag "u". */

const ESCAPE_OR_CLASS = String.raw`\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]`;
const OPENING = String.raw`\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:))?`;
const REPETITION = String.raw`[*+]\??|\{\d+(?:,\d*)?\}\??`;
const PIECES = new RegExp(`${ESCAPE_OR_CLASS}|${OPENING}|${REPETITION}|.`, "gsu");
/** So many times exactly, which leaves no choice. */
const EXACTLY = /^\{\d+\}/;

/** Whether a repeated group holds a repetition. */
export function repeatsRepetition(source: string): boolean {
  /** Of the groups that are open, outermost first: whether each holds a repetition. */
  const open = [false];
  let repeatsInside = false;
  for (const [piece] of source.matchAll(PIECES)) {
    const isRepetition = /^[*+{]/.test(piece) && !EXACTLY.test(piece);
    if (isRepetition && repeatsInside) return true;
    repeatsInside = piece === ")" && open.pop() === true;
    if (piece.startsWith("(")) open.push(false);
    else if (isRepetition || repeatsInside) open[open.length - 1] = true;
  }
  return false;
}
