/** @file What a student reads of a text, and how texts are put into batches: every text once, short ones with short ones. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openTokenizer } from "../tokenizer/tokenizer.js";
import { batchesOf, pieceIds } from "./student.js";

describe("batches of texts", () => {
  it("hold every text once, 64 at most, and at most a tenth of padding", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 256 }), { maxLength: 300 }), (lengths) => {
        const batches = batchesOf(lengths);
        expect(batches.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
        for (const batch of batches) {
          const sizes = batch.map((place) => lengths[place] ?? 0);
          const used = sizes.reduce((sum, size) => sum + size, 0);
          expect(batch.length).toBeLessThanOrEqual(64);
          expect(Math.max(...sizes) * batch.length).toBeLessThanOrEqual(1.1 * used + 1e-9);
        }
      }),
    );
  });

  it("keep texts of one length together in their order", () => {
    expect(batchesOf([5, 5, 9, 5])).toEqual([[0, 1, 3], [2]]);
  });

  it("hold a text alone that fills the memory of a batch", () => {
    expect(batchesOf([9_000_000, 9_000_000])).toEqual([[0], [1]]);
  });
});

describe("a text that a tokenizer makes no piece of", () => {
  it("is one token all the same", () => {
    const json = JSON.parse(readFileSync("test/reference/tokenizers/wordpiece.json", "utf8")) as object;
    const tokenizer = openTokenizer({ ...json, post_processor: null });
    expect(tokenizer.encode("\u200b").ids).toHaveLength(0);
    expect([...pieceIds(tokenizer, "\u200b", 8)]).toEqual([0]);
  });
});
