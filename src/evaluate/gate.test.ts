import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom, type Random } from "../random.js";
import { chooseThreshold, DEFAULT_STARTS, type GateResult } from "./gate.js";

interface Scored {
  readonly scores: Float64Array;
  readonly correct: Uint8Array;
}

/** Uniform scores u, wrong with probability slope (1 - u)^bend: the risk of a threshold is known in closed form. The numbers
 *  resemble a linear model on Banking77: accuracy 0.906, risk 2 % at coverage 0.82. */
const SLOPE = 0.85;
const BEND = 8;
/** The guarantee is conditional on the out-of-fold rows, so that a few sets of them suffice. */
const DRAWS_PER_OOF = 50;
const riskAt = (threshold: number): number => (SLOPE / (BEND + 1)) * (1 - threshold) ** BEND;

function simulate(rows: number, random: Random, slope = SLOPE): Scored {
  const scores = Float64Array.from({ length: rows }, () => random.float());
  const correct = Uint8Array.from(scores, (score) => (random.float() < slope * (1 - score) ** BEND ? 0 : 1));
  return { scores, correct };
}

function gate(oof: Scored, sealed: Scored): GateResult {
  return chooseThreshold({
    oofScores: oof.scores,
    oofCorrect: oof.correct,
    sealedScores: sealed.scores,
    sealedCorrect: sealed.correct,
  });
}

interface Trials {
  readonly violationRatio: number;
  readonly nullRatio: number;
  readonly coverageGap: number;
}

function runTrials(name: string, oofSlope: number, draws = 1000): Trials {
  const random = createRandom(7, name);
  let [violations, nulls, gap] = [0, 0, 0];
  let oof = simulate(4000, random, oofSlope);
  for (let draw = 0; draw < draws; draw++) {
    if (draw % DRAWS_PER_OOF === 0) oof = simulate(4000, random, oofSlope);
    const result = gate(oof, simulate(1500, random));
    if (result.threshold === null) nulls += 1;
    else if (riskAt(result.threshold) > 0.02) violations += 1;
    gap += (result.unguaranteedCoverage - result.coverage.value) / draws;
  }
  return { violationRatio: violations / draws, nullRatio: nulls / draws, coverageGap: gap };
}

/** delta and two standard errors of a share of so many draws. */
const toleratedOf = (draws: number): number => 0.05 + 2 * Math.sqrt((0.05 * 0.95) / draws);

describe("the gate's guarantee", () => {
  it("holds in 1,000 draws with a known true risk, within 0.10 of the unguaranteed coverage", () => {
    const trials = runTrials("well predicted", SLOPE);
    expect(trials.violationRatio).toBeLessThanOrEqual(toleratedOf(1000));
    expect(trials.coverageGap).toBeLessThan(0.1);
    expect(trials.nullRatio).toBeLessThan(0.02);
  });
  it("holds where out-of-fold rows promise too much or too little", () => {
    for (const slope of [SLOPE / 2, SLOPE * 1.17]) {
      const trials = runTrials(`mispredicted ${slope}`, slope, 500);
      expect(trials.violationRatio).toBeLessThanOrEqual(toleratedOf(500));
      expect(trials.nullRatio).toBeLessThan(0.25);
    }
  });
  it("is refused in all but delta of 1,000 draws where the score says nothing and the accuracy is 0.76", () => {
    const random = createRandom(3, "uninformative");
    const draw = (rows: number): Scored => ({
      scores: Float64Array.from({ length: rows }, () => random.float()),
      correct: Uint8Array.from({ length: rows }, () => (random.float() < 0.76 ? 1 : 0)),
    });
    const oof = draw(2000);
    let passed = 0;
    for (let trial = 0; trial < 1000; trial++) if (gate(oof, draw(600)).threshold !== null) passed += 1;
    expect(passed).toBe(0);
  });
});

describe("the gate's result", () => {
  const random = createRandom(11, "result");
  const [oof, sealed] = [simulate(6000, random), simulate(1500, random)];
  const result = gate(oof, sealed);

  it("counts the kept rows and their errors at its threshold", () => {
    const threshold = result.threshold ?? 1;
    const keptRows = [...sealed.scores.keys()].filter((row) => (sealed.scores[row] ?? 0) >= threshold);
    expect(result.kept).toBe(keptRows.length);
    expect(result.errors).toBe(keptRows.filter((row) => !sealed.correct[row]).length);
    expect(result.coverage.value).toBeCloseTo(result.kept / 1500, 12);
    expect(result.keptAgreement.value).toBeCloseTo(1 - result.errors / result.kept, 12);
    expect(result.pValue ?? 1).toBeLessThanOrEqual(0.05);
  });
  it("does not depend on the order of the sealed rows", () => {
    const reversed = { scores: sealed.scores.toReversed(), correct: sealed.correct.toReversed() };
    expect(gate(oof, reversed)).toEqual(result);
  });
  it("draws a curve from coverage 1 to the strictest rows in at most 200 points", () => {
    expect(result.curve.length).toBeLessThanOrEqual(200);
    expect(result.curve[0]?.[0]).toBe(1);
    const coverages = result.curve.map(([coverage]) => coverage);
    expect(coverages).toEqual([...coverages].sort((a, b) => b - a));
  });
  it("states what even a perfect score must defer", () => {
    const correct = Uint8Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 0 : 1));
    const scores = Float64Array.from({ length: 1000 }, (_, i) => (i + 1) / 1001);
    expect(gate({ scores, correct }, { scores, correct }).minimumDeferralRatio).toBeCloseTo(0.08 / 0.98, 12);
  });
  it("keeps everything with threshold 0 where the student is never wrong", () => {
    const perfect: Scored = { scores: sealed.scores, correct: new Uint8Array(1500).fill(1) };
    const kept = gate(perfect, perfect);
    expect(kept.threshold).toBe(0);
    expect(kept.coverage.value).toBe(1);
  });
  it("finds nothing with fewer than 149 sealed rows", () => {
    const few: Scored = { scores: sealed.scores.slice(0, 148), correct: new Uint8Array(148).fill(1) };
    expect(gate(few, few).threshold).toBeNull();
  });
  it("has no threshold without sealed rows, and refuses unequal lengths and too much delta", () => {
    const none: Scored = { scores: new Float64Array(0), correct: new Uint8Array(0) };
    expect(gate(oof, none)).toMatchObject({ threshold: null, kept: 0, unguaranteedCoverage: 0 });
    expect(() => gate(none, sealed)).toThrow(InputError);
    const starts = [...DEFAULT_STARTS, { position: 1, deltaRatio: 0.1 }];
    expect(() =>
      chooseThreshold({ oofScores: [0.5], oofCorrect: [1], sealedScores: [], sealedCorrect: [], starts }),
    ).toThrow(InputError);
  });
  it("keeps rows of equal score together", () => {
    const scores = new Float64Array(1000).fill(0.9);
    const correct = Uint8Array.from({ length: 1000 }, (_, i) => (i < 970 ? 1 : 0));
    expect(gate({ scores, correct }, { scores, correct })).toMatchObject({ threshold: null, unguaranteedCoverage: 0 });
  });
});
