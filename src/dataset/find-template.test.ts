/** @file The search for constant parts gives what its plain definition gives, and takes time linear in the length of the messages. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findAffixes } from "./find-template.js";

const STRUCTURAL_END = /(\n|[:：>»"“「『`]\s*|[\])】」]\s+)$/;
const STRUCTURAL_START = /^(\s*\n|\s*["”」』`«]|\s*<\/|\s*[\])】])/;
const QUOTES: Readonly<Record<string, string>> = { '"': '"', "“": "”", "「": "」", "『": "』", "`": "`", "'": "'" };

/** The definition, tried for every place: of messages that all have the run, and nothing else, in common. */
function plainPrefix(run: string, messages: number): string {
  for (let end = run.length; end >= 4; end--) {
    if (STRUCTURAL_END.test(run.slice(0, end)) && !/\s/.test(run.charAt(end))) return run.slice(0, end);
  }
  const plain = /^[^]*\s/.exec(run)?.[0] ?? "";
  return plain.length >= 24 && messages >= 50 ? plain : "";
}

function plainSuffix(run: string, prefix: string, messages: number): string {
  const quote = QUOTES[prefix.trimEnd().slice(-1)];
  for (let start = 0; start < run.length; start++) {
    const cut = run.slice(start);
    if (STRUCTURAL_START.test(cut) && (cut.trim().length > 1 || cut.trim() === quote)) return cut;
  }
  const plain = /\s[^]*$/.exec(run)?.[0] ?? "";
  return plain.length >= 24 && messages >= 50 ? plain : "";
}

const piece = fc.constantFrom(
  ..."\n :：>»\"“「『`])】」”』«'\t\u3000\r",
  "</",
  "a",
  "word",
  "<b>",
  "一語",
  "plain words ",
);
const run = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
/** Middles that begin and end with nothing in common. */
const middles = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}middle${i}`);

describe("findAffixes", () => {
  it("finds the beginning and end that the definition finds, wherever breaks, quotes and tags stand", () => {
    fc.assert(
      fc.property(run, run, fc.constantFrom(12, 60), (before, after, count) => {
        // Two kinds of message, so that no digit of the middle is shared by a quorum.
        const messages = middles(count).map(
          (middle, i) => before + (i % 2 === 0 ? `x${middle}y` : `z${middle}w`) + after,
        );
        const prefix = plainPrefix(before, count);
        expect(findAffixes(messages)).toEqual({ prefix, suffix: plainSuffix(after, prefix, count) });
      }),
      { numRuns: 3000 },
    );
  });

  it("looks at every character once, whatever the common part holds", () => {
    for (const common of ["x", "  ", "x \n\t", ") "]) {
      const long = common.repeat(400_000 / common.length);
      const messages = middles(12).map(
        (middle, i) => `T:${long}${i % 2 === 0 ? "a" : "b"}${middle}${i % 2 === 0 ? "a" : "b"}${long}`,
      );
      const { prefix, suffix } = findAffixes(messages);
      expect(prefix.length).toBeLessThanOrEqual(long.length + 2);
      expect(suffix.length).toBeLessThanOrEqual(long.length);
    }
  });
});
