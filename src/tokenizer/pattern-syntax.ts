/** @file Reads the source of a compiled JavaScript regular expression with the flag "u" as a tree. Since the expression has compiled, its
 *  syntax is not checked again. Anchors and word boundaries become look-arounds, which they are short for. Knows no text. */
import { InputError } from "../errors.js";

export type Tree =
  /** One code point of a set, written as an expression with its flags; `.`, a letter and `[a-z]` are sets. */
  | { readonly kind: "set"; readonly source: string; readonly flags: string }
  | { readonly kind: "sequence"; readonly parts: readonly Tree[] }
  /** The first of several that leads to a match. */
  | { readonly kind: "choice"; readonly options: readonly Tree[] }
  | { readonly kind: "repeat"; readonly body: Tree; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: "look"; readonly body: Tree; readonly behind: boolean; readonly negative: boolean };

/** Deeper than any in use, and no depth that a call stack would feel. */
const MAXIMUM_DEPTH = 100;

const ESCAPE = [
  String.raw`\\[pP]\{[^}]*\}`,
  String.raw`\\u\{[^}]*\}`,
  String.raw`\\u[dD][89abAB]..\\u[dD][c-fC-F]..`,
  String.raw`\\u.{4}|\\x..|\\c.|\\k<[^>]*>|\\\d+|\\.`,
].join("|");
const CLASS = String.raw`\[(?:\\.|[^\]\\])*\]`;
const OPENING = String.raw`\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:))?`;
const QUANTIFIER = String.raw`(?:[*+?]|\{\d+(?:,\d*)?\})\??`;
const PIECES = new RegExp(`${ESCAPE}|${CLASS}|${OPENING}|${QUANTIFIER}|.`, "gsu");
const IS_QUANTIFIER = new RegExp(`^${QUANTIFIER}$`, "u");

const EMPTY: Tree = { kind: "sequence", parts: [] };

/** `body` ahead of a place, or behind it; or not there. */
function look(source: string, { behind = false, negative = false, flags = "" }): Tree {
  return { kind: "look", body: { kind: "set", source, flags }, behind, negative };
}

function wordBoundary(flags: string, negated: boolean): Tree {
  const side = (behind: boolean, negative: boolean): Tree => look("\\w", { behind, negative, flags });
  const options = [true, false].map((wordBefore): Tree => {
    const wordAfter = wordBefore === negated;
    return { kind: "sequence", parts: [side(true, !wordBefore), side(false, !wordAfter)] };
  });
  return { kind: "choice", options };
}

/** Flags of the inside of `(?im-s:`. */
function modified(flags: string, opening: string): string {
  const [added = "", removed = ""] = opening.slice(2, -1).split("-");
  return [...new Set(flags + added)].filter((flag) => !removed.includes(flag)).join("");
}

class Reader {
  private at = 0;

  constructor(
    private readonly pieces: readonly string[],
    private readonly where: string,
  ) {}

  /** Options up to the end or the closing bracket, which is read too. */
  choice(flags: string, depth: number): Tree {
    if (depth > MAXIMUM_DEPTH)
      throw new InputError(`${this.where}: more than ${MAXIMUM_DEPTH} groups inside each other`);
    const options: Tree[] = [];
    let parts: Tree[] = [];
    for (let piece = this.next(); piece !== undefined && piece !== ")"; piece = this.next()) {
      if (piece === "|") {
        options.push({ kind: "sequence", parts });
        parts = [];
      } else parts.push(this.quantified(this.atom(piece, flags, depth)));
    }
    const last: Tree = parts.length === 0 ? EMPTY : { kind: "sequence", parts };
    return options.length === 0 ? last : { kind: "choice", options: [...options, last] };
  }

  private next(): string | undefined {
    return this.pieces[this.at++];
  }

  private quantified(body: Tree): Tree {
    const piece = this.pieces[this.at] ?? "";
    if (!IS_QUANTIFIER.test(piece)) return body;
    this.at++;
    const lazy = piece.length > 1 && piece.endsWith("?");
    const counts = /^\{(\d+)(,?)(\d*)\}/.exec(piece);
    if (counts === null) {
      return {
        kind: "repeat",
        body,
        min: piece.startsWith("+") ? 1 : 0,
        max: piece.startsWith("?") ? 1 : Infinity,
        lazy,
      };
    }
    const min = Number(counts[1]);
    const max = counts[3] !== "" ? Number(counts[3]) : counts[2] === "" ? min : Infinity;
    return { kind: "repeat", body, min, max, lazy };
  }

  private atom(piece: string, flags: string, depth: number): Tree {
    const many = flags.includes("m");
    if (piece.startsWith("(")) return this.group(piece, flags, depth);
    if (piece === "^" || piece === "$") {
      const line = flags.replace("s", "");
      return look(many ? "." : "[^]", { behind: piece === "^", negative: true, flags: line });
    }
    if (piece === "\\b" || piece === "\\B") return wordBoundary(flags, piece === "\\B");
    if (/^\\(?:k|[1-9])/.test(piece)) {
      throw new InputError(
        `${this.where}: refers back to what a group has matched, which can take time beyond all bounds`,
      );
    }
    return { kind: "set", source: piece, flags };
  }

  private group(opening: string, flags: string, depth: number): Tree {
    const inner = /^\(\?[a-z-]+:$/.test(opening) ? modified(flags, opening) : flags;
    const body = this.choice(inner, depth + 1);
    const kind = /^\(\?(<?)([=!])$/.exec(opening);
    return kind === null ? body : { kind: "look", body, behind: kind[1] === "<", negative: kind[2] === "!" };
  }
}

/** @throws InputError for back references and groups that are nested beyond reason */
export function parsePattern({ source, flags }: RegExp, where: string): Tree {
  const pieces = Array.from(source.matchAll(PIECES), ([piece]) => piece);
  return new Reader(pieces, where).choice(flags.replace(/[^ims]/g, ""), 0);
}
