import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { averageAnswers } from "./answers.js";

describe("answers of several teachers", () => {
  const [sure, unsure] = [Float32Array.of(1, 0, 0), Float32Array.of(0.5, 0.5, 0)];

  it("are the mean of their probabilities, which stays a distribution", () => {
    const mean = averageAnswers([sure, unsure]);
    expect(Array.from(mean)).toEqual([0.75, 0.25, 0]);
    expect(mean.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
  });

  it("count by their weights, whatever these add up to", () => {
    expect(Array.from(averageAnswers([sure, unsure], [2, 6]))).toEqual([0.625, 0.375, 0]);
    expect(averageAnswers([sure, unsure], [1, 3])).toEqual(averageAnswers([sure, unsure], [2, 6]));
  });

  it("are those of the only teacher where there is one", () => {
    expect(averageAnswers([unsure])).toEqual(unsure);
  });

  it("are refused without a teacher, of different sizes, or with weights that cannot count", () => {
    expect(() => averageAnswers([])).toThrow(ConfigError);
    expect(() => averageAnswers([sure, Float32Array.of(1)])).toThrow("teachers of 3 and 1 probabilities");
    for (const weights of [[1], [1, 0], [1, -1], [1, NaN]])
      expect(() => averageAnswers([sure, unsure], weights), String(weights)).toThrow(ConfigError);
  });
});
