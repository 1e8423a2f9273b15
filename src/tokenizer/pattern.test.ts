/** @file Patterns match as the runtime's regular expressions do, but never in more than linear time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { Matcher } from "./pattern-matcher.js";
import { writeProgram } from "./pattern-program.js";
import { parsePattern } from "./pattern-syntax.js";
import { compilePattern, linearPattern, literalPattern, trustedPattern } from "./pattern.js";

const regex = (source: string) => compilePattern({ Regex: source }, "here");

/** A pattern whose `(?i:` is written out, which not every runtime knows. */
const spelled = (source: string): string =>
  source.replace(
    /\(\?i:([^)]*)\)/g,
    (_, inner: string) => `(?:${inner.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)})`,
  );

/** Instructions that a matcher carries out for all matches in a text. */
function stepsFor(source: string, text: string): number {
  const matcher = new Matcher(writeProgram(parsePattern(new RegExp(spelled(source), "gu"), "here"), "here"), text);
  matcher.findAll();
  return matcher.steps;
}

/** Pre-tokenizers in use. */
const PUBLIC: Readonly<Record<string, string>> = {
  gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  llama3:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  qwen2:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  o200k:
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  deepseek:
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  digits: "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))",
};

const atom = fc.constantFrom(
  "a",
  "b",
  ".",
  "[ab]",
  "[^a]",
  "\\p{L}",
  "\\s",
  "\\w",
  "\\u{1F600}",
  "c",
  "^",
  "$",
  "\\b",
  "\\B",
);
const quantifier = fc.constantFrom("*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{0,2}?");
const patterns = fc.letrec<{ tree: string; sequence: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    atom,
    tie("sequence"),
    fc.tuple(tie("tree"), quantifier).map(([inner, times]) => `(?:${inner})${times}`),
    fc.tuple(tie("sequence"), tie("sequence")).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(fc.constantFrom("(?=", "(?!", "(?<=", "(?<!"), tie("tree")).map(([open, inner]) => `${open}${inner})`),
  ),
  sequence: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
}));
const shortText = fc
  .array(fc.constantFrom("a", "b", "c", " ", "\n", "😀", "é"), { maxLength: 9 })
  .map((of) => of.join(""));

/** Some runtimes find empty matches between the halves of a surrogate pair, where the language has none. */
const matchesInsidePair = (expression: RegExp, text: string): boolean =>
  trustedPattern(expression)(text).some(({ start }) => start > 0 && (text.codePointAt(start - 1) ?? 0) > 0xffff);

describe("a pattern in linear time", () => {
  it("matches what a regular expression of the runtime matches", () => {
    let compared = 0;
    fc.assert(
      fc.property(
        patterns.tree,
        fc.constantFrom("gu", "giu", "gmu", "gsu"),
        fc.array(shortText, { minLength: 4 }),
        (source, flags, texts) => {
          const expression = new RegExp(source, flags);
          let pattern;
          try {
            pattern = linearPattern(expression, "here");
          } catch (error) {
            expect(String(error)).toMatch(/repeats a part that may match nothing/);
            return;
          }
          compared++;
          for (const text of texts.filter((one) => !matchesInsidePair(expression, one)))
            expect(pattern(text)).toEqual(trustedPattern(expression)(text));
        },
      ),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(1500);
  });

  it.each(Object.keys(PUBLIC))("matches what the public pattern %s does", (name) => {
    const source = PUBLIC[name] ?? "";
    const expression = new RegExp(spelled(source), "gu");
    const words = "it's|IT'S|card|ÉCOLE|東京|12345| |  |\r\n|\n|\t|!?|😀|e\u0301|(|/".split("|");
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), (parts) => {
        const text = parts.join("");
        expect(regex(source)(text)).toEqual(trustedPattern(expression)(text));
      }),
      { numRuns: 300 },
    );
  });

  it.each<string[]>([
    ["(a|a)+!", "a"],
    ["(a+)+$", "a"],
    ["(a|aa|aaa)+!", "a"],
    ["(?:a?a?a?b?)c+", "a"],
    ["a*a*a*a*a*b", "a"],
    ["\\s*x", " "],
    ["a*?a*?b", "a"],
    ["a(?=a*b)", "a"],
    ["a(?=a*$)", "a"],
    ["(?<=b.*)a", "a"],
    ["(?<!ba*)a", "a"],
    ["(?=(?:a|a)*$)a", "a"],
    ["a+b|a+c|a", "a"],
    ["[^]*x|[^]", "ab\n"],
    ["(?:.{1,40}){1,20}x", "a"],
    ...Object.values(PUBLIC).flatMap((source) => ["a", " ", "A", "\n", "東", "1", "' "].map((unit) => [source, unit])),
  ])("takes %s over many %j step by step, not more per unit for more of them", (source = "", unit = "") => {
    const [few, many] = [unit.repeat(400), unit.repeat(3200)];
    expect(stepsFor(source, `${many}\n!`)).toBeLessThan(9 * stepsFor(source, `${few}\n!`) + 1000);
  });

  it("takes no more than its instructions for every unit", () => {
    expect(stepsFor("(a|a)+!", "a".repeat(30_000))).toBeLessThan(12 * 30_000);
    expect(stepsFor("\\s*x", " ".repeat(1_000_000))).toBeLessThan(6 * 1_000_000);
  });
});

describe("a pattern of a file", () => {
  it.each([
    ["(a)\\1", /here: pattern cannot be used: \(a\)\\1: refers back/],
    ["(?<x>a)\\k<x>", /refers back/],
    ["(a?)*", /repeats a part that may match nothing/],
    [".{5000}", /more than 2000 steps when its repetitions are written out/],
    ["((.{100}){100}){100}", /more than 2000 steps/],
    [`${"(".repeat(200)}a${")".repeat(200)}`, /more than 100 groups inside each other/],
    ["(\n", /cannot be used: \( $/],
  ])("is refused in one line that names it: %j", (source, message) => {
    expect(() => regex(source)).toThrow(InputError);
    expect(() => regex(source)).toThrow(message);
    expect(() => regex(source)).toThrow(/^[^\n]+$/);
  });

  it("is taken as it stands where it is a text, signs of regular expressions and all", () => {
    for (const sign of "\\^$.*+?()[]{}|/-&") {
      expect(compilePattern({ String: sign }, "here")(`a${sign}${sign}b`)).toEqual([
        { start: 1, end: 2 },
        { start: 2, end: 3 },
      ]);
    }
    expect(literalPattern("\ud83d")("😀")).toEqual([]);
  });
});
