/** @file What a base would add is said by size, and only where it could help. */
import { describe, expect, it } from "vitest";
import type { PlanFacts } from "./facts.js";
import { formatPlan, planJson } from "./format.js";
import { planRun } from "./plan.js";
import { BANKING77, PROFILE } from "./plan.test.fixture.js";
import { DEFAULT_TARGET } from "./target.js";
import { typicalBase } from "./typical-base.js";

const profile = PROFILE;
const facts: PlanFacts = { ...BANKING77, trainRows: 500, sealedRows: 150, labels: 20, labelBytes: 400 };

describe("typicalBase", () => {
  it("spans the smallest cut on narrow texts and the whole encoder with its vocabulary", () => {
    const base = typicalBase(facts, DEFAULT_TARGET);
    expect(base?.smallestBytes).toBeGreaterThan(1e6);
    expect(base?.smallestBytes).toBeLessThan(5e6);
    expect(base?.largestBytes).toBeGreaterThan(22e6);
    expect(base?.largestBytes).toBeLessThan(26e6);
  });

  it("says nothing under a size that no rung meets, or of a teacher that no student can follow so far", () => {
    expect(typicalBase(facts, { ...DEFAULT_TARGET, sizeMb: 1 })).toBeUndefined();
    expect(typicalBase(facts, { ...DEFAULT_TARGET, sizeMb: 10 })).toBeDefined();
    expect(typicalBase({ ...facts, ceilingRatio: 0.9 }, DEFAULT_TARGET)).toBeUndefined();
  });

  it("is a field beside a plan without a base, which the plan's own hash does not hold", () => {
    const plan = planRun({ profile, facts, target: DEFAULT_TARGET, minutes: 20 });
    expect(planJson(plan)).toEqual({ plan, typicalBase: typicalBase(facts, DEFAULT_TARGET) });
    const unreachable = { ...plan, facts: { ...facts, ceilingRatio: 0.9 } };
    expect(planJson(unreachable)).toEqual({ plan: unreachable });
  });

  it("is one line of a plan without a base, and none of a plan with one", () => {
    const input = { profile, target: DEFAULT_TARGET, minutes: 20 };
    const lines = formatPlan(planRun({ ...input, facts })).split("\n");
    expect(lines.filter((line) => line.includes("--base DIR"))).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/^a pretrained encoder \(--base DIR\) would add rungs: .* about [\d.]+ to [\d.]+ MB;/);
    const config = {
      family: "bert" as const,
      vocabularySize: 1000,
      width: 64,
      heads: 2,
      feedForward: 128,
      maxPositions: 64,
      tokenTypes: 2,
      layers: ["global", "global"] as const,
      epsilon: 1e-12,
      reach: 0,
      rotaryBases: undefined,
      biases: { attention: true, feedForward: true, norm: true, classifier: true },
    };
    const pooling = { pooling: "mean" as const, poolingIsKnown: true };
    const base = { sha256: "a", config, ...pooling, keptPieces: 500, meanPieces: 15, cutTexts: 0 };
    const plan = planRun({ ...input, facts: { ...facts, base } });
    expect(formatPlan(plan)).not.toContain("--base");
    const teachers = plan.candidates.flatMap(({ pretrained }) => pretrained?.teacher.epochs ?? []);
    expect(new Set(teachers).size).toBe(1);
    expect(teachers[0]).toBeGreaterThan(5);
  });
});
