/** @file Logistic regression against its definition: where the penalised log-loss has no slope, fits that are known in closed form, drawn data. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { fitLogistic, logLoss, type LogisticData } from "./logistic.js";

describe("logistic regression", () => {
  it("recovers the weights that the outcomes were drawn with, in the units of the features", () => {
    const random = createRandom(1, "logistic");
    const features = Array.from({ length: 20000 }, () => [10 + 5 * random.normal(), 0.1 * random.normal()]);
    const outcomes = features.map(([a = 0, b = 0]) =>
      random.float() < 1 / (1 + Math.exp(-(-2 + 0.3 * a - 8 * b))) ? 1 : 0,
    );
    const [constant = 0, first = 0, second = 0] = fitLogistic({ features, outcomes });
    expect(constant / -2).toBeCloseTo(1, 0);
    expect(first).toBeCloseTo(0.3, 1);
    expect(second / -8).toBeCloseTo(1, 1);
  });
  it("has no gradient left at its optimum", () => {
    const random = createRandom(2, "logistic");
    const features = Array.from({ length: 200 }, () => [random.normal()]);
    const outcomes = features.map(([x = 0]) => (x + random.normal() > 0 ? 1 : 0));
    const fitted = fitLogistic({ features, outcomes }, 1e-9);
    const lossAt = (constant: number, slope: number): number =>
      logLoss(
        features.map(([x = 0]) => 1 / (1 + Math.exp(-(constant + slope * x)))),
        outcomes,
      );
    const [constant = 0, slope = 0] = fitted;
    for (const step of [-1e-4, 1e-4]) {
      expect(lossAt(constant + step, slope)).toBeGreaterThanOrEqual(lossAt(constant, slope) - 1e-12);
      expect(lossAt(constant, slope + step)).toBeGreaterThanOrEqual(lossAt(constant, slope) - 1e-12);
    }
  });
  it("stays finite on separable data, thanks to the penalty", () => {
    const weights = fitLogistic({ features: [[-2], [-1], [1], [2]], outcomes: [0, 0, 1, 1] });
    expect(weights.every(Number.isFinite)).toBe(true);
  });

  /** Slopes of the penalised log-loss at the fitted weights, by the definition: features of mean 0 and deviation 1, the constant free. */
  function slopesAt({ features, outcomes, weights }: LogisticData, fitted: readonly number[], l2: number): number[] {
    const width = fitted.length - 1;
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const columns = Array.from({ length: width }, (_, k) => features.map((row) => row[k] ?? 0));
    const deviations = columns.map((column) => Math.sqrt(mean(column.map((value) => (value - mean(column)) ** 2))));
    const slopes = [0, ...deviations.map((deviation, k) => l2 * deviation * (fitted[k + 1] ?? 0))];
    for (const [i, row] of features.entries()) {
      const activation = row.reduce((sum, value, k) => sum + value * (fitted[k + 1] ?? 0), fitted[0] ?? 0);
      const gap = (weights?.[i] ?? 1) * (1 / (1 + Math.exp(-activation)) - (outcomes[i] ?? 0));
      slopes[0] = (slopes[0] ?? 0) + gap;
      for (const [k, column] of columns.entries())
        slopes[k + 1] = (slopes[k + 1] ?? 0) + (gap * ((row[k] ?? 0) - mean(column))) / (deviations[k] ?? 1);
    }
    return slopes;
  }

  it.each([0.01, 1, 30])("ends where the log-loss of weighed shares and the penalty of %d have no slope", (l2) => {
    for (const seed of [1, 2, 3]) {
      const random = createRandom(seed, "weighed shares");
      const features = Array.from({ length: 40 }, () => {
        const shared = random.normal();
        return [100 + 3 * shared + random.normal(), 0.01 * (shared - random.normal()), random.normal()];
      });
      const data = {
        features,
        outcomes: features.map(() => Math.round(4 * random.float()) / 4),
        weights: features.map(() => 1 + random.int(5)),
      };
      for (const slope of slopesAt(data, fitLogistic(data, l2), l2)) expect(Math.abs(slope)).toBeLessThan(1e-4);
    }
  });

  it("gets there also where features say nearly the same, as confidence features do", () => {
    const random = createRandom(5, "alike");
    const features = Array.from({ length: 60 }, () => {
      const shared = random.normal();
      return [shared, -shared + 0.02 * random.normal(), 2 * shared + 0.02 * random.normal()];
    });
    const outcomes = features.map(([a = 0, b = 0]) => Number(a + 30 * (a + b) + random.normal() > 0));
    for (const slope of slopesAt({ features, outcomes }, fitLogistic({ features, outcomes }, 0.001), 0.001))
      expect(Math.abs(slope)).toBeLessThan(1e-3);
  });

  it("keeps to the share of all rows where all are right, or all wrong", () => {
    for (const outcome of [0, 1]) {
      const data = { features: [[-1], [0], [1]], outcomes: [outcome, outcome, outcome] };
      const [constant = 0, slope = 1] = fitLogistic(data);
      expect(slope).toBeCloseTo(0, 9);
      expect(Number.isFinite(constant)).toBe(true);
      expect(Math.sign(constant)).toBe(outcome === 1 ? 1 : -1);
    }
  });

  it("gets there also where whole steps of Newton's method would go too far", () => {
    const features = Array.from({ length: 400 }, (_, i) => [i < 4 ? 40 + i : Math.sin(i), i < 3 ? -30 : Math.cos(i)]);
    const data = { features, outcomes: features.map((_, i) => Number(i < 4 || i === 200)) };
    for (const slope of slopesAt(data, fitLogistic(data, 1e-4), 1e-4)) expect(Math.abs(slope)).toBeLessThan(1e-4);
  });

  it("has a penalty of one observation unless told", () => {
    const data = { features: [[0], [1], [2], [3]], outcomes: [0, 1, 0, 1] };
    expect(fitLogistic(data)).toEqual(fitLogistic(data, 1));
    expect(fitLogistic(data)).not.toEqual(fitLogistic(data, 2));
  });

  it("gives each of two values its own share where nothing is penalised", () => {
    const [constant, slope] = fitLogistic(
      { features: [[5], [7], [7]], outcomes: [0.25, 0.5, 1], weights: [6, 2, 2] },
      1e-12,
    );
    expect(slope).toBeCloseTo(Math.log(3), 5);
    expect(constant).toBeCloseTo(-Math.log(3) - 5 * Math.log(3), 4);
  });

  it("gives a feature that never changes no weight", () => {
    const [constant, first, second] = fitLogistic(
      {
        features: [
          [3, 0],
          [3, 1],
          [3, 2],
          [3, 3],
        ],
        outcomes: [0, 0, 1, 1],
      },
      0.5,
    );
    expect(first).toBe(0);
    expect([constant, second].every(Number.isFinite)).toBe(true);
    expect(second).toBeGreaterThan(0);
  });
});

describe("the log-loss", () => {
  it("is the mean over what the rows count, in nats", () => {
    expect(logLoss([0.5, 0.9], [1, 0])).toBeCloseTo((Math.log(2) + Math.log(10)) / 2, 12);
    expect(logLoss([0.5, 0.9], [1, 0], [3, 1])).toBeCloseTo((3 * Math.log(2) + Math.log(10)) / 4, 12);
    expect(logLoss([0.8], [0.25])).toBeCloseTo(-0.25 * Math.log(0.8) - 0.75 * Math.log(0.2), 12);
    expect(logLoss([], [])).toBe(0);
  });

  it("of a certainty that is wrong is large, not endless", () => {
    expect(logLoss([0], [1])).toBeCloseTo(12 * Math.log(10), 6);
    expect(logLoss([1], [0])).toBeCloseTo(12 * Math.log(10), 3);
    expect(logLoss([1, 0], [1, 0])).toBeCloseTo(0, 11);
  });
});
