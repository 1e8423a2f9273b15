/** @file The kernel's bits against the same arithmetic in TypeScript, and both against float64. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { adamTail } from "./adam-kernel.js";
import { createAdamMemory, LARGEST_ADAM_LENGTH } from "./adam-memory.js";

const OPTIONS = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 };
const AT = { step: 3, learningRate: 0.01, weightDecay: 0.05, gradientScale: 0.7 };
const LENGTH = 23;

function filled() {
  const memory = createAdamMemory(LENGTH, OPTIONS);
  for (const name of ["weights", "first", "second", "gradient"] as const) {
    const random = createRandom(1, name);
    for (let i = 0; i < LENGTH; i++) memory[name][i] = name === "second" ? random.float() : random.normal();
  }
  return memory;
}

describe("Adam memory", () => {
  it("gives the bits of float32 arithmetic in TypeScript, and leaves the rest alone", () => {
    const [memory, before] = [filled(), filled()];
    memory.update(2, 21, AT);
    const round = Math.fround;
    adamTail(before, 2, 21, {
      gradientScale: round(0.7),
      keepFirst: round(0.9),
      takeFirst: round(1 - 0.9),
      keepSecond: round(0.98),
      takeSecond: round(1 - 0.98),
      keepWeight: round(1 - 0.01 * 0.05),
      rate: round(0.01 / (1 - 0.9 ** 3)),
      correction: round(1 / (1 - 0.98 ** 3)),
      epsilon: round(1e-8),
    });
    for (const name of ["weights", "first", "second", "gradient"] as const) expect(memory[name]).toEqual(before[name]);
    expect(memory.weights).not.toEqual(filled().weights);
  });

  it("follows AdamW in float64", () => {
    const [memory, before] = [filled(), filled()];
    memory.update(0, LENGTH, AT);
    for (let i = 0; i < LENGTH; i++) {
      const slope = 0.7 * (before.gradient[i] ?? 0);
      const m = 0.9 * (before.first[i] ?? 0) + 0.1 * slope;
      const v = 0.98 * (before.second[i] ?? 0) + 0.02 * slope ** 2;
      const step = (0.01 * m) / (1 - 0.9 ** 3) / (Math.sqrt(v / (1 - 0.98 ** 3)) + 1e-8);
      expect(memory.first[i]).toBeCloseTo(m, 6);
      expect(memory.second[i]).toBeCloseTo(v, 6);
      expect(memory.weights[i]).toBeCloseTo((before.weights[i] ?? 0) * (1 - 0.01 * 0.05) - step, 6);
    }
  });

  it("sums squares of any span", () => {
    const { gradient, gradientSquares } = filled();
    for (const [start, end] of [
      [0, LENGTH],
      [3, 5],
      [1, 17],
      [4, 4],
    ] as const) {
      const sum = gradient.slice(start, end).reduce((total, value) => total + value ** 2, 0);
      expect(gradientSquares(start, end)).toBeCloseTo(sum, 10);
    }
  });

  it("refuses more weights than one memory holds", () => {
    expect(() => createAdamMemory(LARGEST_ADAM_LENGTH + 1, OPTIONS)).toThrow("split the weights");
  });
});
