/** @file Names of people: found by a function that the user brings, never by us. Surrogates are common names that belong to many. */
import type { Draw } from "./draw.js";
import type { Span } from "./kinds.js";

/** Finds the names of people in a text: the names themselves, or where they stand (UTF-16 units, the end excluded). It must answer at once. */
export type NameDetector = (text: string) => Iterable<string | Span>;

const FAMILIES = [
  "佐藤",
  "鈴木",
  "高橋",
  "田中",
  "伊藤",
  "渡辺",
  "山本",
  "中村",
  "小林",
  "加藤",
  "吉田",
  "山田",
  "佐々木",
  "山口",
  "松本",
  "井上",
] as const;
const GIVEN = [
  "太郎",
  "花子",
  "健",
  "直樹",
  "美咲",
  "陽子",
  "翔太",
  "恵",
  "誠",
  "由美",
  "拓也",
  "愛",
  "学",
  "真理",
  "大輔",
  "彩",
] as const;
const FIRST = [
  "Alex",
  "Casey",
  "Drew",
  "Jamie",
  "Jordan",
  "Kelly",
  "Lee",
  "Morgan",
  "Pat",
  "Quinn",
  "Riley",
  "Robin",
  "Sam",
  "Sidney",
  "Taylor",
  "Terry",
] as const;
const LAST = [
  "Smith",
  "Jones",
  "Brown",
  "Taylor",
  "Wilson",
  "Davies",
  "Evans",
  "Clark",
  "Walker",
  "Hall",
  "Green",
  "Baker",
  "Hill",
  "Cooper",
  "Ward",
  "Cook",
] as const;

/** A name in the same script with as many parts. */
export function otherName(value: string, draw: Draw): string {
  if (/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u.test(value)) {
    const between = /\s/.exec(value)?.[0];
    if (between === undefined && value.length <= 2) return draw.pick(FAMILIES);
    return `${draw.pick(FAMILIES)}${between ?? ""}${draw.pick(GIVEN)}`;
  }
  return /\s/.test(value) ? `${draw.pick(FIRST)} ${draw.pick(LAST)}` : draw.pick(FIRST);
}

function isSpan(value: unknown): value is Span {
  return (
    typeof value === "object" &&
    value !== null &&
    "start" in value &&
    "end" in value &&
    Number.isInteger(value.start) &&
    Number.isInteger(value.end)
  );
}

/** The places that a detector names. @throws TypeError for an answer that is none */
export function* findNames(text: string, detect: NameDetector): Generator<Span> {
  for (const found of detect(text) as Iterable<unknown>) {
    if (typeof found === "string") {
      if (found === "") continue;
      for (let at = text.indexOf(found); at >= 0; at = text.indexOf(found, at + found.length))
        yield { start: at, end: at + found.length };
    } else if (isSpan(found) && found.start >= 0 && found.start < found.end && found.end <= text.length) {
      yield { start: found.start, end: found.end };
    } else throw new TypeError("expected names, or places {start, end} within the text");
  }
}
