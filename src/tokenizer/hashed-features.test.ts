import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { linearFeatures, MAX_TEXT_LENGTH, tokenFeatures, tokenize } from "./hashed-features.js";

const LINEAR = { wordBuckets: 1000, characterBuckets: 3000 };
const TOKENS = { buckets: 500, maxTokens: 128 };
const anyText = fc.string({ unit: "binary", maxLength: 200 });
/** Any UTF-16 code units, halves of surrogate pairs among them. */
const brokenText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
  .map((units) => String.fromCharCode(...units));

describe("tokenize", () => {
  it("round-trips every character: tokens and the white space between them are the text", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, brokenText), (text) => {
        let [rebuilt, end] = ["", 0];
        for (const token of tokenize(text)) {
          const gap = text.slice(end, token.start);
          expect(gap).toMatch(/^\s*$/);
          rebuilt += gap + text.slice(token.start, token.end);
          end = token.end;
        }
        expect(text.slice(end)).toMatch(/^\s*$/);
        expect(rebuilt + text.slice(end)).toBe(text);
      }),
    );
  });

  it("cuts Japanese into characters with their marks, Latin and numbers into words", () => {
    const text = "東京でﾊﾟﾝを3個 buy naïve_café!";
    expect(tokenize(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      "東",
      "京",
      "で",
      "ﾊﾟ",
      "ﾝ",
      "を",
      "3",
      "個",
      "buy",
      "naïve_café",
      "!",
    ]);
  });

  it("normalises each token on its own, so that offsets stay those of the text", () => {
    expect(tokenize("ＡＢＣ ﬁx").map(({ form, start, end }) => [form, start, end])).toEqual([
      ["abc", 0, 3],
      ["fix", 4, 6],
    ]);
  });

  it("looks at no more than MAX_TEXT_LENGTH code units", () => {
    const tokens = tokenize("ab ".repeat(MAX_TEXT_LENGTH));
    expect(tokens.at(-1)?.end).toBeLessThanOrEqual(MAX_TEXT_LENGTH);
  });
});

describe("linearFeatures", () => {
  it("gives ascending ids inside the tables and finite values for any text", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, brokenText), (text) => {
        const { ids, values } = linearFeatures(text, LINEAR);
        expect(values).toHaveLength(ids.length);
        ids.forEach((id, i) =>
          expect(id < 4000 && (i === 0 || id > (ids[i - 1] ?? 0)) && Number.isFinite(values[i])).toBe(true),
        );
      }),
    );
  });

  it("ignores case, width and the amount of white space, but not the order of words", () => {
    const base = linearFeatures("cancel my card", LINEAR);
    expect(linearFeatures("  CANCEL  my ｃａｒｄ\n", LINEAR)).toEqual(base);
    expect(linearFeatures("card my cancel", LINEAR)).not.toEqual(base);
  });

  it("counts sublinearly: a word ten times weighs 1 + ln 10", () => {
    const options = { wordBuckets: 1 << 20, characterBuckets: 1 << 20 };
    const one = linearFeatures("zebra", options);
    const id = one.ids[0] ?? -1;
    const ten = linearFeatures("zebra ".repeat(10), options);
    const value = ten.values[ten.ids.indexOf(id)] ?? 0;
    expect(Math.abs(value)).toBeCloseTo(1 + Math.log(10), 6);
  });

  it("is empty for an empty text and bounded for a megabyte", () => {
    expect(linearFeatures("", LINEAR).ids).toHaveLength(0);
    expect(linearFeatures("x".repeat(1 << 20), LINEAR).ids.length).toBeLessThan(10);
    expect(linearFeatures("東京".repeat(1 << 18), LINEAR).ids.length).toBeLessThan(4000);
  });

  it("never changes from version to version: models rest on it", () => {
    const { ids, values } = linearFeatures("Café 東京!", { wordBuckets: 8192, characterBuckets: 8192 });
    const stored = JSON.parse(readFileSync("test/fixtures/features.json", "utf8")) as {
      ids: number[];
      values: number[];
      tokens: number[][];
    };
    expect({ ids: [...ids], values: [...values] }).toEqual({ ids: stored.ids, values: stored.values });
    expect(tokenFeatures("Café 東京!", { buckets: 8192, maxTokens: 128 }).map((token) => [...token.ids])).toEqual(
      stored.tokens,
    );
  });
});

describe("tokenFeatures", () => {
  it("gives each token its own bucket first and those of its 3- to 5-grams after it", () => {
    const [token] = tokenFeatures("card", TOKENS);
    // <card>: 4 of three, 3 of four, 2 of five characters, and the form.
    expect(token?.ids).toHaveLength(10);
    expect(token?.ids[0]).toBe(tokenFeatures("CARD!", TOKENS)[0]?.ids[0]);
  });

  it("joins neighbouring Japanese characters to pairs", () => {
    expect(tokenFeatures("東京 で", TOKENS).map(({ ids }) => ids.length)).toEqual([2, 1, 1]);
  });

  it("cuts off behind maxTokens and keeps every id inside the table", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, brokenText), (text) => {
        const tokens = tokenFeatures(text, { buckets: 50, maxTokens: 5 });
        expect(tokens.length).toBeLessThanOrEqual(5);
        for (const { ids } of tokens) expect(ids.length > 0 && ids.every((id) => id < 50)).toBe(true);
      }),
    );
  });
});
