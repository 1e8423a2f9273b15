import { describe, expect, it } from "vitest";
import { epochBatches, tokeniseTexts } from "./batches.js";
import { fillDropoutMask } from "./dropout.js";

const sequences = Array.from({ length: 500 }, (_, i) => new Int32Array(1 + ((i * 7) % 23)));
const rows = Uint32Array.from({ length: 450 }, (_, i) => i + 10);

describe("epoch batches", () => {
  it("hold every row exactly once", () => {
    const seen = epochBatches(rows, sequences, { batchSize: 16, seed: 3, epoch: 1 }).flatMap((batch) =>
      Array.from(batch),
    );
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from(rows));
  });

  it("are a function of seed and epoch", () => {
    const at = (seed: number, epoch: number): number[] =>
      epochBatches(rows, sequences, { batchSize: 16, seed, epoch }).flatMap((batch) => Array.from(batch));
    expect(at(3, 1)).toEqual(at(3, 1));
    expect(at(3, 1)).not.toEqual(at(3, 2));
    expect(at(3, 1)).not.toEqual(at(4, 1));
  });

  it("put texts of similar length together", () => {
    let padded = 0;
    for (const batch of epochBatches(rows, sequences, { batchSize: 16, seed: 3, epoch: 1 })) {
      const lengths = Array.from(batch, (row) => sequences[row]?.length ?? 0);
      padded += Math.max(...lengths) * lengths.length;
    }
    const tokens = rows.reduce((sum, row) => sum + (sequences[row]?.length ?? 0), 0);
    expect(padded / tokens).toBeLessThan(1.15);
  });
});

describe("token types", () => {
  it("are shared by texts, whatever the case", () => {
    const config = { towers: 1 as const, layers: 1, width: 4, heads: 1, feedForward: 8, buckets: 1024, maxTokens: 2 };
    const { sequences: cut } = tokeniseTexts(["Card lost", "lost CARD twice", ""], config);
    expect(cut.map((sequence) => Array.from(sequence))).toEqual([[1, 2], [2, 1], [0]]);
  });
});

describe("dropout masks", () => {
  it("are a function of seed, step and site, and keep the mean", () => {
    const mask = fillDropoutMask(new Float32Array(10_001), 0.25, 1, 7, "layer0");
    expect(fillDropoutMask(new Float32Array(10_001), 0.25, 1, 7, "layer0")).toEqual(mask);
    expect(fillDropoutMask(new Float32Array(10_001), 0.25, 1, 8, "layer0")).not.toEqual(mask);
    expect(mask.reduce((sum, x) => sum + x, 0) / mask.length).toBeCloseTo(1, 1);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(4 / 3)]));
  });
});
