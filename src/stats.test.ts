import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  betaQuantile,
  binomialCdf,
  bootstrapMean,
  clopperPearson,
  clopperPearsonLower,
  incompleteBeta,
  logGamma,
  mcnemarExact,
  normalQuantile,
  pairedDifference,
  percentile,
  signFlipPValue,
  wilson,
} from "./stats.js";

const rows2 = z.array(z.tuple([z.number(), z.number()]));
const rows3 = z.array(z.tuple([z.number(), z.number(), z.number()]));
const rows4 = z.array(z.tuple([z.number(), z.number(), z.number(), z.number()]));
const rows5 = z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]));
const reference = z
  .object({
    logGamma: rows2,
    incompleteBeta: rows4,
    binomialCdf: rows4,
    normalQuantile: rows2,
    clopperPearson: rows5,
    wilson: rows5,
    mcnemar: rows3,
    percentile: z.object({ values: z.array(z.number()), expected: rows2 }),
  })
  .parse(JSON.parse(readFileSync(join(process.cwd(), "test/reference/stats.json"), "utf8")));

const relative = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-300);

describe("stats against scipy", () => {
  it("log-gamma agrees to 1e-14 absolute or relative", () => {
    for (const [x, expected] of reference.logGamma)
      expect(Math.abs(logGamma(x) - expected)).toBeLessThan(2e-14 * Math.max(1, Math.abs(expected)));
  });
  it("the incomplete beta function agrees to 1e-11 relative", () => {
    for (const [a, b, x, expected] of reference.incompleteBeta)
      expect(relative(incompleteBeta(a, b, x), expected), `${a} ${b} ${x}`).toBeLessThan(1e-11);
  });
  it("binomial probabilities agree to 1e-11 relative", () => {
    for (const [k, n, p, expected] of reference.binomialCdf)
      expect(relative(binomialCdf(k, n, p), expected), `${k} ${n} ${p}`).toBeLessThan(1e-11);
  });
  it("normal quantiles agree to 1e-14 relative", () => {
    for (const [p, expected] of reference.normalQuantile)
      expect(Math.abs(normalQuantile(p) - expected), `${p}`).toBeLessThan(
        2e-15 * Math.max(1, Math.abs(expected)) + 1e-15,
      );
  });
  it("Clopper-Pearson bounds agree to 1e-12", () => {
    for (const [k, n, confidence, low, high] of reference.clopperPearson) {
      const estimate = clopperPearson(k, n, confidence);
      expect(Math.abs(estimate.low - low), `${k}/${n}`).toBeLessThan(1e-12);
      expect(Math.abs(estimate.high - high), `${k}/${n}`).toBeLessThan(1e-12);
    }
  });
  it("Wilson bounds agree to 1e-12", () => {
    for (const [k, n, confidence, low, high] of reference.wilson) {
      const estimate = wilson(k, n, confidence);
      expect(Math.abs(estimate.low - low), `${k}/${n}`).toBeLessThan(1e-12);
      expect(Math.abs(estimate.high - high), `${k}/${n}`).toBeLessThan(1e-12);
    }
  });
  it("McNemar's exact p-values agree to 1e-12", () => {
    for (const [b, c, expected] of reference.mcnemar)
      expect(relative(mcnemarExact(b, c), expected)).toBeLessThan(1e-12);
  });
  it("percentiles are numpy's default quantiles", () => {
    for (const [p, expected] of reference.percentile.expected)
      expect(percentile(reference.percentile.values, p)).toBeCloseTo(expected, 12);
  });
});

describe("stats by a second formulation", () => {
  it("the beta quantile inverts the incomplete beta function", () => {
    for (const p of [1e-9, 0.025, 0.5, 0.975]) {
      const x = betaQuantile(p, 12.5, 3);
      expect(incompleteBeta(12.5, 3, x)).toBeCloseTo(p, 12);
    }
  });
  it("150 rows without an error are what a 2 % risk at 95 % needs", () => {
    expect(clopperPearsonLower(149, 149)).toBeGreaterThan(0.98 - 1e-3);
    expect(clopperPearsonLower(149, 149)).toBeGreaterThanOrEqual(0.98);
    expect(clopperPearsonLower(148, 148)).toBeLessThan(0.98);
  });
  it("the paired interval reproduces Newcombe's worked example", () => {
    const { value, low, high } = pairedDifference({ both: 36, onlyFirst: 12, onlySecond: 2, neither: 0 });
    expect(value).toBeCloseTo(0.2, 12);
    expect(low).toBeCloseTo(0.0569, 4);
    expect(high).toBeCloseTo(0.3404, 4);
  });
  it("the paired interval changes sign with the order of the two", () => {
    const forth = pairedDifference({ both: 900, onlyFirst: 40, onlySecond: 20, neither: 40 });
    const back = pairedDifference({ both: 900, onlyFirst: 20, onlySecond: 40, neither: 40 });
    expect(back.value).toBeCloseTo(-forth.value, 12);
    expect(back.low).toBeCloseTo(-forth.high, 12);
    expect(forth.low).toBeGreaterThan(0);
  });
  it("the bootstrap of a mean is deterministic by seed and near the normal interval", () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => i % 2);
    const first = bootstrapMean(values, { seed: 3 });
    expect(bootstrapMean(values, { seed: 3 })).toEqual(first);
    expect(first.low).toBeCloseTo(0.5 - 1.96 * Math.sqrt(0.25 / 1000), 2);
    expect(first.high).toBeCloseTo(0.5 + 1.96 * Math.sqrt(0.25 / 1000), 2);
  });
  it("the bootstrap's interval is one of 95 %, and of whole groups where values come in groups", () => {
    const width = (values: readonly number[], groups?: readonly number[]): number => {
      const { low, high } = bootstrapMean(values, { seed: 3, ...(groups && { groups }) });
      return high - low;
    };
    const single = Array.from({ length: 400 }, (_, i) => i % 2);
    const normal = 2 * 1.96 * Math.sqrt(0.25 / 400);
    expect(Math.abs(width(single) / normal - 1)).toBeLessThan(0.06);
    const fourfold = single.flatMap((value) => [value, value, value, value]);
    const groups = fourfold.map((_, i) => Math.floor(i / 4));
    expect(Math.abs(width(fourfold, groups) / normal - 1)).toBeLessThan(0.06);
    expect(Math.abs(width(fourfold) / (normal / 2) - 1)).toBeLessThan(0.06);
  });
  it("sign flips of whole groups give the sign test's p-value, however many values a group has", () => {
    const groups = Array.from({ length: 60 }, (_, i) => Math.floor(i / 5));
    const values = groups.map((group) => (group < 10 ? 1 : -1));
    const exact = 2 * binomialCdf(2, 12, 0.5);
    expect(Math.abs(signFlipPValue(values, groups, 1) - exact)).toBeLessThan(0.01);
  });
  it("no rows give the widest interval instead of NaN", () => {
    expect(clopperPearson(0, 0)).toEqual({ value: 0, low: 0, high: 1 });
    expect(wilson(0, 0)).toEqual({ value: 0, low: 0, high: 1 });
    expect(pairedDifference({ both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 })).toEqual({
      value: 0,
      low: -1,
      high: 1,
    });
  });
});
