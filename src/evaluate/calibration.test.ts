import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import {
  auroc,
  expectedCalibrationError,
  fitCalibrator,
  fitIsotonic,
  fitTemperature,
  measureCalibration,
  reliabilityBins,
  type LogitRows,
} from "./calibration.js";

/** Rows whose labels are drawn from softmax(logits / temperature): the fitted temperature is known. */
function drawRows(rows: number, temperature: number, seed: number, classes = 5): LogitRows {
  const random = createRandom(seed, "calibration rows");
  const logits = Float32Array.from({ length: rows * classes }, () => 3 * random.normal());
  const labels = Int32Array.from({ length: rows }, (_, row) => {
    const masses = Array.from(logits.subarray(row * classes, (row + 1) * classes), (logit) =>
      Math.exp(logit / temperature),
    );
    let left = random.float() * masses.reduce((a, b) => a + b, 0);
    return masses.findIndex((mass, k) => (left -= mass) < 0 || k === classes - 1);
  });
  return { logits, classes, labels };
}

describe("calibration", () => {
  it("finds the temperature that the labels were drawn with", () => {
    for (const temperature of [0.5, 1, 2.5]) {
      expect(fitTemperature(drawRows(4000, temperature, 1)) / temperature).toBeCloseTo(1, 1);
    }
  });
  it("lowers the calibration error of an overconfident student on rows it was not fitted on", () => {
    const calibrator = fitCalibrator(drawRows(4000, 3, 2), "hash");
    const measured = measureCalibration(calibrator, drawRows(4000, 3, 3));
    expect(measured.eceBefore).toBeGreaterThan(0.1);
    expect(measured.eceAfter).toBeLessThan(0.03);
    expect(calibrator.modelHash).toBe("hash");
  });
  it("is deterministic and leaves the gate's score without ties", () => {
    const data = drawRows(1500, 2, 4);
    expect(fitCalibrator(data, "h")).toEqual(fitCalibrator(data, "h"));
    const { scores } = measureCalibration(fitCalibrator(data, "h"), data);
    expect(new Set(scores).size).toBe(1500);
  });
  it("fits on rows that are all right, all wrong, few, or of unknown labels, and refuses none", () => {
    const data = drawRows(40, 1, 5);
    const all = (label: (row: number) => number): LogitRows => ({
      ...data,
      labels: Array.from({ length: 40 }, (_, row) => label(row)),
    });
    for (const rows of [all(() => -1), all(() => 0), drawRows(3, 1, 6), drawRows(1, 1, 7), drawRows(30, 1, 8, 1)]) {
      const { probabilities } = measureCalibration(fitCalibrator(rows, "h"), rows);
      expect(probabilities.every((p) => p > 0 && p < 1)).toBe(true);
    }
    expect(() => fitCalibrator(drawRows(0, 1, 9), "h")).toThrow(/out-of-fold rows/);
  });
  it("pools adjacent violators to the known solution", () => {
    const knots = fitIsotonic([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0, 1, 0, 1, 1, 1]);
    expect(knots.scores.map((score) => Number(score.toFixed(12)))).toEqual([0.1, 0.25, 0.5]);
    expect(knots.probabilities).toEqual([1 / 8, 0.5, 7 / 8]);
  });
  it("has no calibration error where every bin keeps its word, and the full gap where none does", () => {
    const probabilities = Array.from({ length: 300 }, () => 0.75);
    expect(
      expectedCalibrationError(
        probabilities,
        probabilities.map((_, i) => (i % 4 === 0 ? 0 : 1)),
      ),
    ).toBeCloseTo(0, 12);
    expect(
      expectedCalibrationError(
        probabilities,
        probabilities.map(() => 0),
      ),
    ).toBeCloseTo(0.75, 12);
  });
  it("has a calibration error where bins are wrong in opposite ways", () => {
    const isLow = (i: number): boolean => i < 140;
    const rows = Array.from({ length: 300 }, (_, i) => i);
    const probabilities = rows.map((i) => (isLow(i) ? 0.25 : 0.75));
    const outcomes = rows.map((i) => Number(isLow(i)));
    expect(expectedCalibrationError(probabilities, outcomes)).toBeCloseTo(0.75, 12);
  });
  it("takes three features for a few rows of one hardly ever: rows are predicted by fits that have not seen them", () => {
    const fits = Array.from({ length: 200 }, (_, seed) => fitCalibrator(drawRows(10, 2, 100 + seed), "h"));
    expect(fits.filter(({ weights }) => weights[2] !== 0).length).toBeLessThan(20);
  });
  it("counts a row as often as it has calls", () => {
    const data = drawRows(300, 2, 6);
    const calls = Array.from(data.labels, (_, row) => 1 + (row % 4));
    const places = calls.flatMap((count, row) => new Array<number>(count).fill(row));
    const repeated: LogitRows = {
      classes: data.classes,
      logits: Float32Array.from(places.flatMap((row) => [...data.logits.subarray(5 * row, 5 * row + 5)])),
      labels: places.map((row) => data.labels[row] ?? -1),
    };
    const [fitted, again] = [fitCalibrator({ ...data, calls }, "h"), fitCalibrator(repeated, "h")];
    expect(fitted.temperature).toBeCloseTo(again.temperature, 6);
    for (const [i, weight] of again.weights.entries()) expect(fitted.weights[i]).toBeCloseTo(weight, 3);
    const [counted, expected] = [measureCalibration(again, { ...data, calls }), measureCalibration(again, repeated)];
    for (const figure of ["eceBefore", "eceAfter", "auroc"] as const)
      expect(counted[figure]).toBeCloseTo(expected[figure], 12);
    expect(counted.eceAfter).not.toBeCloseTo(measureCalibration(again, data).eceAfter, 4);
  });
  it("cuts bins of equal mass that hold every row once", () => {
    const bins = reliabilityBins(
      Array.from({ length: 101 }, (_, i) => i / 101),
      new Uint8Array(101),
    );
    expect(bins.length).toBe(15);
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(101);
    expect(Math.max(...bins.map((bin) => bin.count)) - Math.min(...bins.map((bin) => bin.count))).toBeLessThanOrEqual(
      1,
    );
    expect(reliabilityBins([], [])).toEqual([]);
  });
  it("counts the pairs that the score puts in order, ties half", () => {
    expect(auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBeCloseTo(0.75, 12);
    expect(auroc([0.5, 0.5], [0, 1])).toBe(0.5);
    expect(auroc([0.5, 0.6], [1, 1])).toBe(0.5);
  });
});
