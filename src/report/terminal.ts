/** @file Text for a terminal: lines cut at words, tables that fit a width, colour where it is wanted. Everything is measured in display
 *  columns, so Japanese lines up too. It knows no facts and no terminal: width and colour are given. */
import stringWidth from "string-width";
import type { Language } from "./format.js";
import type { Column } from "./table.js";

/** What is written on. */
export interface Paper {
  /** Columns of a line. */
  readonly width: number;
  readonly colour: boolean;
}

/** A pipe: the width of an old terminal, no colour. */
export const PLAIN_PAPER: Paper = { width: 80, colour: false };
/** Longer lines are hard to read, however wide the terminal is. */
export const WIDEST_COLUMNS = 100;
/** A column of a table is not made narrower. */
const NARROWEST_COLUMNS = 5;
/** Words up to this width are not cut to make room. */
const LONGEST_WORD_COLUMNS = 24;
const GAP = "  ";

const STYLES = { bold: "1", dim: "2", good: "1;32", caution: "1;33", stop: "1;31" } as const;
export type Style = keyof typeof STYLES;

/** Text in a style, or as it is where no colour is wanted. */
export function paint(value: string, style: Style, { colour }: Paper): string {
  return colour && value !== "" ? `\u001b[${STYLES[style]}m${value}\u001b[0m` : value;
}

/** Labels and names come from logs: no control character of theirs may reach the terminal. */
export function printable(value: string): string {
  return value.replace(/\p{Cc}/gu, " ");
}

const WORDS = new Intl.Segmenter("ja", { granularity: "word" });
/** What no Japanese line may begin with, and what none may end with. */
const NO_BEGINNING = /^[、。）」』】％・：ー～〜，．！？)\]]/u;
const NO_END = /[（「『【([￥¥$約]$/u;
const WIDE = /[\u3000-\u9fff\uff00-\uffef]/u;
const ENDS_WIDE = /[\u3000-\u9fff\uff00-\uffef]$/u;

/** Pieces between which a line may be cut, each with the spaces behind it. */
function pieces(value: string): readonly string[] {
  return value.match(/\s*\S+\s*/gu)?.flatMap((word) => (WIDE.test(word) ? japanesePieces(word) : [word])) ?? [];
}

/** Words of a run without spaces; letters and figures of another script stay together, and so does what stands at brackets and full stops. */
function japanesePieces(run: string): readonly string[] {
  const found: string[] = [];
  for (const { segment } of WORDS.segment(run)) {
    const last = found.at(-1);
    const sticks =
      last !== undefined &&
      (NO_BEGINNING.test(segment) || NO_END.test(last) || (!ENDS_WIDE.test(last) && !WIDE.test(segment)));
    if (sticks) found[found.length - 1] = last + segment;
    else found.push(segment);
  }
  return found;
}

/** A piece that is wider than a line, in parts that are not. */
function cutPiece(piece: string, width: number): readonly string[] {
  const parts: string[] = [];
  let part = "";
  for (const character of piece) {
    if (part !== "" && stringWidth(part + character) > width) {
      parts.push(part);
      part = "";
    }
    part += character;
  }
  return [...parts, part];
}

/** Lines of at most `width` columns, cut between words; lines after the first begin with `hanging`. */
export function wrap(value: string, width: number, hanging = ""): readonly string[] {
  const room = Math.max(NARROWEST_COLUMNS, width - stringWidth(hanging));
  const lines: string[] = [];
  let line = "";
  for (const piece of pieces(value).flatMap((each) =>
    stringWidth(each.trimEnd()) > room ? cutPiece(each, room) : [each],
  )) {
    const isFirst = lines.length === 0;
    if (line !== "" && stringWidth((line + piece).trimEnd()) > (isFirst ? Math.max(width, NARROWEST_COLUMNS) : room)) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += line === "" && lines.length > 0 ? piece.trimStart() : piece;
  }
  lines.push(line.trimEnd());
  return lines.map((each, at) => (at === 0 ? each : hanging + each));
}

function pad(value: string, width: number, numeric: boolean): string {
  const space = " ".repeat(Math.max(0, width - stringWidth(value)));
  return numeric ? space + value : value + space;
}

/** The narrowest that cuts no word, but for words that are longer than a name ought to be. */
function leastWidth(lines: readonly string[]): number {
  const words = lines.flatMap(pieces).map((word) => stringWidth(word.trim()));
  return Math.min(LONGEST_WORD_COLUMNS, Math.max(NARROWEST_COLUMNS, ...words));
}

/** Widths of the columns; the one with the most room above its longest word gives way until the table fits, then the widest. */
function fittingWidths(columns: readonly (readonly string[])[], width: number): readonly number[] {
  const widths = columns.map((lines) => Math.max(0, ...lines.map((line) => stringWidth(line))));
  const least = columns.map((lines, at) => Math.min(widths[at] ?? 0, leastWidth(lines)));
  const room = width - GAP.length * Math.max(0, widths.length - 1);
  const total = (): number => widths.reduce((sum, each) => sum + each, 0);
  const narrow = (spare: readonly number[]): boolean => {
    const widest = spare.indexOf(Math.max(...spare));
    if ((spare[widest] ?? 0) <= 0) return false;
    widths[widest] = (widths[widest] ?? 0) - 1;
    return true;
  };
  while (total() > room) {
    const canGive = widths.map((each, at) => each - (least[at] ?? 0));
    if (!narrow(canGive) && !narrow(widths.map((each) => each - NARROWEST_COLUMNS))) break;
  }
  return widths;
}

/** Lines of an aligned table of at most `width` columns; cells are cut at words, a line break in a cell is kept. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] {
  const all = [columns.map(({ title }) => title), ...rows].map((row) =>
    row.map((cell) => cell.split("\n").map(printable)),
  );
  const widths = fittingWidths(
    columns.map((_column, at) => all.flatMap((row) => row[at] ?? [])),
    width,
  );
  return all.flatMap((row) => {
    const cells = row.map((lines, at) => lines.flatMap((line) => wrap(line, widths[at] ?? 0)));
    const height = Math.max(...cells.map((lines) => lines.length));
    return Array.from({ length: height }, (_unused, line) =>
      cells
        .map((lines, at) => pad(lines[line] ?? "", widths[at] ?? 0, columns[at]?.numeric ?? false))
        .join(GAP)
        .trimEnd(),
    );
  });
}

/** Columns that a text takes. */
export function displayWidth(value: string): number {
  return stringWidth(value);
}

/** A text cut to a width, its end told by a mark. */
export function cutTo(value: string, width: number): string {
  if (stringWidth(value) <= width) return value;
  return `${cutPiece(value, width - 1)[0] ?? ""}…`;
}

/** Reasons one below the other, cut at words. */
export function bulletLines(texts: readonly string[], { width }: Paper): readonly string[] {
  return texts.flatMap((each) => wrap(`  - ${printable(each)}`, width, "    "));
}

/** Between two values in a running line. */
export const SEPARATOR: Readonly<Record<Language, string>> = { en: "; ", ja: "、" };
