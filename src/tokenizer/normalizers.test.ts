/** @file Normalisers rewrite texts as the language does, and every unit of the result still knows its place. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { originalEnd, originalStart, originalText, sliceAligned, type AlignedText } from "./aligned.js";
import { createNormalizer } from "./normalizers.js";

const JOINING = "\u1112\u1161\u11ab\uac00\u11a8\uff76\uff9e\uff8a\uff9f\u304b\u3099\u3131\u314f\uffa1\uffc2";
const marked = fc
  .array(fc.constantFrom(...JOINING, "e", "\u0301", "\u0323", "\u0344", "Σ", "İ", "ﬁ", "㍿", "👨", "\u200d", " "))
  .map((characters) => characters.join(""));
const anyText = fc.oneof(marked, fc.string({ unit: "binary", maxLength: 30 }), fc.string({ unit: "grapheme" }));

const normalizer = (config: unknown) => createNormalizer(config, "normalizer");

function places(aligned: AlignedText): [number, number][] {
  return Array.from(aligned.text, (_, i) => i).map((i) => [originalStart(aligned, i), originalEnd(aligned, i)]);
}

/** Planes in which newer Unicode takes apart more than the reference does. */
const NEWER = /[\u32ff\ua7f1-\ua7f4\uab69\u{105c9}-\u{11938}\u{16121}-\u{16d6a}\u{1ccd6}-\u{1fbf9}]/u;

describe("Unicode forms", () => {
  it("leave whole what the reference's tables do not know", () => {
    expect(normalizer({ type: "NFKC" })(originalText("㋿①㍿\u{1fbf1}")).text).toBe("㋿1株式会社\u{1fbf1}");
  });

  it.each(["NFC", "NFD", "NFKC", "NFKD"] as const)("%s cluster by cluster is that of the whole", (type) => {
    const normalize = normalizer({ type });
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(!NEWER.test(text));
        const aligned = normalize(originalText(text));
        expect(aligned.text).toBe(text.normalize(type));
        let last = 0;
        for (const [start, end] of places(aligned)) {
          expect(start >= last && end > start && end <= text.length).toBe(true);
          last = start;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a sequence of normalisers", () => {
  it("keeps places through insertions, removals and replacements", () => {
    const normalize = normalizer({
      type: "Sequence",
      normalizers: [
        { type: "Strip", strip_left: true, strip_right: true },
        { type: "NFKD" },
        { type: "StripAccents" },
        { type: "Lowercase" },
        { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
        { type: "Prepend", prepend: "▁" },
      ],
    });
    const aligned = normalize(originalText("  ﬁÉ   X "));
    expect(aligned.text).toBe("▁fie x");
    expect(places(aligned)).toEqual([
      [2, 2],
      [2, 3],
      [2, 3],
      [3, 4],
      [4, 7],
      [7, 8],
    ]);
    expect(places(sliceAligned(aligned, 3, 6))).toEqual([
      [3, 4],
      [4, 7],
      [7, 8],
    ]);
  });

  it("makes no text endless", () => {
    const normalize = normalizer({ type: "Replace", pattern: { String: "." }, content: "z".repeat(1 << 18) });
    expect(() => normalize(originalText("......"))).toThrow(/makes more than 1048576 characters of a text/);
  });

  it("writes replacements as they stand, dollar signs too", () => {
    const normalize = normalizer({ type: "Replace", pattern: { String: "." }, content: "$&" });
    expect(normalize(originalText("a.b")).text).toBe("a$&b");
  });
});

describe("BERT's normaliser", () => {
  it("lowers every character for itself and sets all ideographs apart", () => {
    const normalize = normalizer({
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      lowercase: true,
    });
    expect(normalize(originalText("ΟΔΟΣ x𠀋y\u0000\u200b\ufffd\u3000Àé")).text).toBe("οδοσ x 𠀋 y ae");
  });
});
