import { describe, expect, it } from "vitest";
import { pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { openReference } from "../models/pretrained.test.fixture.js";
import { createRandom } from "../random.js";
import { softAnswers } from "./answers.js";
import { headStart, linearDiscriminant } from "./head-start.js";

/** Two labels that differ in dimension 1, where they vary little, and vary widely along dimension 0. */
function stretched(): { readonly vectors: Float32Array; readonly labels: Int32Array } {
  const random = createRandom(1, "stretched");
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 2);
  const vectors = Float32Array.from({ length: 120 }, (_, i) =>
    i % 2 === 0 ? 10 * (random.float() - 0.5) : (labels[i >> 1] ?? 0) + 0.2 * (random.float() - 0.5),
  );
  return { vectors, labels };
}

describe("the linear discriminant", () => {
  it("trusts the directions in which a label varies little", () => {
    const { vectors, labels } = stretched();
    const { weight, bias } = linearDiscriminant(vectors, labels, { labelCount: 2, width: 2 });
    const margin = (i: number): number =>
      [0, 1].reduce(
        (sum, d) => sum + (vectors[2 * i + d] ?? 0) * ((weight[2 + d] ?? 0) - (weight[d] ?? 0)),
        (bias[1] ?? 0) - (bias[0] ?? 0),
      );
    for (const [i, label] of labels.entries()) expect(margin(i) > 0).toBe(label === 1);
  });

  it("is no steeper than a rate can hold where the vectors hardly differ", () => {
    const { vectors, labels } = stretched();
    const close = vectors.map((value) => 1 + value / 1000);
    const steep = linearDiscriminant(close, labels, { labelCount: 2, width: 2 }).weight;
    const gentle = linearDiscriminant(vectors, labels, { labelCount: 2, width: 2 }).weight;
    expect(Math.hypot(...steep)).toBeCloseTo(8 * Math.SQRT2, 4);
    expect(Math.hypot(...gentle)).toBeLessThan(8);
  });

  it("is finite for a label without texts and for texts that are all alike", () => {
    const { weight, bias } = linearDiscriminant(new Float32Array(8).fill(1), Int32Array.of(0, 0, 2, 2), {
      labelCount: 3,
      width: 2,
    });
    expect([...weight, ...bias].every(Number.isFinite)).toBe(true);
  });
});

describe("a head start", () => {
  const { config, source } = openReference("bert");
  const weights = readParameters(source, config, pretrainedParameters(config));
  const model = { config, pooling: "mean" as const, maxTokens: 16, labelCount: 4 };
  const sequences = Array.from({ length: 24 }, (_, i) =>
    Int32Array.of(1, 3 + (i % 4) * 8, 4 + (i % 4) * 8, 5 + (i % 4) * 8 + (i % 3), 2),
  );
  const labels = Int32Array.from(sequences, (_, i) => i % 4);

  it("answers its own texts before any training", async () => {
    const head = await headStart(model, weights, { sequences, labels }, { threads: 1 });
    const soft = await softAnswers(model, new Map([...weights, ...head]), sequences, { threads: 1 });
    const right = sequences.filter((_, i) => {
      const row = soft.subarray(i * 5, i * 5 + 4);
      return row.indexOf(Math.max(...row)) === labels[i];
    });
    expect(right.length).toBeGreaterThanOrEqual(22);
  });

  it("is not there where the family's own classifier lies in between", async () => {
    const cls = { ...model, pooling: "cls" as const };
    expect(await headStart(cls, weights, { sequences, labels }, { threads: 1 })).toEqual(new Map());
  });
});
