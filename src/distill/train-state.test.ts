import { describe, expect, it } from "vitest";
import type { PretrainedTrainSpec } from "./spec.js";
import { specFingerprint } from "./train-state.js";

/** A spec with a teacher of one weight; what else it holds does not matter here. */
function specWith(weight: number): PretrainedTrainSpec {
  const teacher = { model: {}, losses: [], weights: new Map([["w", Float32Array.of(weight)]]) };
  return { seed: 1, labels: Int32Array.of(0), start: new Map(), teacher } as unknown as PretrainedTrainSpec;
}

describe("the fingerprint of a spec", () => {
  it("is that of its values, the weights of its teacher among them", () => {
    expect(specFingerprint(specWith(1))).toBe(specFingerprint(specWith(1)));
    expect(specFingerprint(specWith(1))).not.toBe(specFingerprint(specWith(2)));
  });
});
