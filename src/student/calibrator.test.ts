import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import {
  assertCalibratorFits,
  calibrate,
  confidenceFeatures,
  logisticScore,
  parseCalibrator,
  probabilityOf,
  type Calibrator,
} from "./calibrator.js";

const LOGISTIC: Calibrator = { kind: "logistic", modelHash: "a", temperature: 1, weights: [0, 1, 0, 0] };
const ISOTONIC: Calibrator = {
  ...LOGISTIC,
  kind: "isotonic",
  knots: { scores: [0.2, 0.6, 0.8], probabilities: [0.1, 0.5, 0.9] },
};

describe("calibrator", () => {
  it("with unit weight on the log-odds is the softmax probability of the top label", () => {
    const logits = [1, 3, -2, 0.5];
    const softmax = Math.exp(3) / logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    expect(calibrate(LOGISTIC, logits).score).toBeCloseTo(softmax, 14);
    expect(calibrate(LOGISTIC, logits)).toMatchObject({ label: 1, probability: calibrate(LOGISTIC, logits).score });
  });
  it("divides logits by the temperature", () => {
    const [odds] = confidenceFeatures([2, 0], 4);
    expect(odds).toBeCloseTo(0.5, 14);
  });
  it("computes margin and entropy as their definitions say", () => {
    const [, margin, entropy] = confidenceFeatures([Math.log(0.7), Math.log(0.2), Math.log(0.1)], 1);
    expect(margin).toBeCloseTo(0.5, 14);
    expect(entropy).toBeCloseTo(-(0.7 * Math.log(0.7) + 0.2 * Math.log(0.2) + 0.1 * Math.log(0.1)), 14);
  });
  it("answers with the highest logit, the first of equal ones, and knows its rivals at any temperature", () => {
    const logits = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(logits, fc.constantFrom(0.5, 1, 3), (row, temperature) => {
        const masses = row.map((logit) => Math.exp(logit / temperature));
        const total = masses.reduce((sum, mass) => sum + mass, 0);
        const shares = masses.map((mass) => mass / total);
        const [first = 0, second = 0] = shares.toSorted((a, b) => b - a);
        const [odds, margin, entropy] = confidenceFeatures(row, temperature);
        expect(calibrate({ ...LOGISTIC, temperature }, row).label).toBe(row.indexOf(Math.max(...row)));
        expect(odds).toBeCloseTo(Math.log(first / (1 - first)), 6);
        expect(margin).toBeCloseTo(first - second, 12);
        expect(entropy).toBeCloseTo(-shares.reduce((sum, share) => sum + share * Math.log(share), 0), 12);
      }),
    );
  });
  it("is certain of a label that has no other beside it", () => {
    expect(confidenceFeatures([5], 2)).toEqual([30, 1, 0]);
    expect(confidenceFeatures([0, -Infinity], 1)).toEqual([30, 1, 0]);
  });
  it("scores by constant, log-odds, margin and entropy, each with its weight", () => {
    expect(logisticScore([0.25, 0.5, -2, 3], [1.5, 0.75, 0.125])).toBeCloseTo(1 / (1 + Math.exp(0.125)), 14);
    expect(logisticScore([0, 1, 0, 0], [100, 0, 0])).toBe(logisticScore([0, 1, 0, 0], [30, 0, 0]));
    expect(logisticScore([0, -1, 0, 0], [100, 0, 0])).toBe(logisticScore([0, -1, 0, 0], [30, 0, 0]));
  });
  it("stays finite for extreme, equal, infinite and lone logits", () => {
    for (const logits of [[1e30, -1e30], [0, 0, 0], [5], [0, -Infinity], [-1000, -1001], [800, -800, 3]]) {
      const { probability, score } = calibrate(LOGISTIC, logits);
      expect(Number.isFinite(probability) && score > 0 && score < 1, String(logits)).toBe(true);
    }
  });
  it("interpolates isotonic knots and is constant outside them", () => {
    expect(
      [0, 0.1, 0.2, 0.4, 0.7, 0.8, 0.9, 1]
        .map((score) => probabilityOf(ISOTONIC, score))
        .map((p) => Number(p.toFixed(12))),
    ).toEqual([0.1, 0.1, 0.1, 0.3, 0.7, 0.9, 0.9, 0.9]);
    const alone: Calibrator = { ...ISOTONIC, knots: { scores: [0.5], probabilities: [0.7] } };
    expect([0.4, 0.5, 0.6].map((score) => probabilityOf(alone, score))).toEqual([0.7, 0.7, 0.7]);
  });
  it("survives JSON and refuses malformed calibrators with the field's name", () => {
    for (const calibrator of [LOGISTIC, ISOTONIC]) {
      expect(parseCalibrator(JSON.parse(JSON.stringify(calibrator)))).toEqual(calibrator);
    }
    const level = { scores: [0.2, 0.4, 0.6], probabilities: [0.1, 0.1, 0.9] };
    expect(parseCalibrator({ ...ISOTONIC, knots: level })).toMatchObject({ knots: level });
    expect(() => parseCalibrator({ ...LOGISTIC, temperature: 0 })).toThrow(/temperature/);
    expect(() => parseCalibrator({ ...ISOTONIC, knots: { scores: [0.5, 0.4], probabilities: [0, 1] } })).toThrow(
      /knots/,
    );
    expect(() => parseCalibrator({ ...ISOTONIC, knots: { scores: [0.4], probabilities: [0, 1] } })).toThrow(/knots/);
    for (const value of [null, [], "x", { kind: "other" }]) expect(() => parseCalibrator(value)).toThrow(InputError);
  });
  it("loads with no other weights than its own", () => {
    expect(() => assertCalibratorFits(LOGISTIC, "b")).toThrow(InputError);
    expect(() => assertCalibratorFits(LOGISTIC, "a")).not.toThrow();
  });
});
