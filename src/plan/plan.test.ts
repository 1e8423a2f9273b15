/** @file The plan for a data set like Banking77 on a small machine: what fits, what does not, and why. */
import { describe, expect, it } from "vitest";
import { formatPlan } from "./format.js";
import { limitsBroken } from "./limits.js";
import { planRun, type Plan, type PlanInput } from "./plan.js";
import { BANKING77, PROFILE } from "./plan.test.fixture.js";
import { DEFAULT_TARGET, type Promised } from "./target.js";

const profile = PROFILE;
const facts = BANKING77;
const input: PlanInput = { profile, facts, target: DEFAULT_TARGET, minutes: 20, teacherPer1kUsd: 0.4 };

const statuses = (plan: Plan): Record<string, string> =>
  Object.fromEntries(plan.candidates.map(({ name, status }) => [name, status]));
const trained = (plan: Plan): string[] =>
  plan.candidates.filter(({ status }) => status === "train").map(({ name }) => name);

describe("plan", () => {
  it("takes a linear rung, then one encoder alone and joined", () => {
    expect(trained(planRun(input))).toEqual(["linear-medium", "encoder-medium", "joined-medium"]);
    expect(statuses(planRun(input))["encoder-large"]).toBe("passed-over");
  });

  it("is the same for the same input, and JSON keeps all of it", () => {
    const plan = planRun(input);
    expect(planRun(input)).toEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it("never plans more training than the minutes leave", () => {
    for (const minutes of [2, 3, 5, 10, 20, 60]) {
      const plan = planRun({ ...input, minutes });
      expect(plan.trainSeconds).toBeLessThanOrEqual(plan.budgetSeconds);
      expect(plan.budgetSeconds).toBeLessThan(minutes * 60);
    }
  });

  it("shortens the encoder before it gives it up", () => {
    const steps = (minutes: number): number | undefined =>
      planRun({ ...input, minutes }).candidates.find(
        ({ name, status }) => name === "encoder-medium" && status === "train",
      )?.encoder?.steps;
    expect(steps(60)).toBeGreaterThan(steps(6) ?? 0);
    expect(steps(0.5)).toBeUndefined();
    expect(statuses(planRun({ ...input, minutes: 0.5 }))["joined-medium"]).toBe("planned-away");
  });

  it("trains a linear student however short the time is, and says so", () => {
    const plan = planRun({ ...input, minutes: 0.01 });
    expect(trained(plan)).toEqual(["linear-medium"]);
    expect(plan.candidates.find(({ name }) => name === "linear-medium")?.because[0]?.code).toBe("over-minutes");
  });

  it("falls back to smaller students under a size limit", () => {
    const plan = planRun({ ...input, target: { ...DEFAULT_TARGET, sizeMb: 1.5 } });
    expect(trained(plan)).toEqual(["linear-medium", "encoder-small"]);
    for (const candidate of plan.candidates) {
      const broken = limitsBroken(candidate.estimate, plan.target).length > 0;
      expect(candidate.status === "infeasible").toBe(broken);
    }
  });

  it("names the nearest target when nothing fits, and that one fits", () => {
    const plan = planRun({ ...input, target: { ...DEFAULT_TARGET, sizeMb: 0.01, p95Ms: 0.001 } });
    expect(trained(plan)).toEqual([]);
    expect(plan.nearestTarget).toBeDefined();
    expect(formatPlan(plan)).toContain("nearest feasible target");
    expect(trained(planRun({ ...input, target: plan.nearestTarget ?? DEFAULT_TARGET })).length).toBeGreaterThan(0);
  });

  it("says before training that a teacher who disagrees with itself cannot be met", () => {
    expect(planRun({ ...input, facts: { ...facts, ceilingRatio: 0.9 } }).unreachable).toEqual({
      agreement: 0.98,
      ceilingRatio: 0.9,
    });
    expect(planRun({ ...input, facts: { ...facts, ceilingRatio: 0.99 } }).unreachable).toBeUndefined();
  });

  it("says what such a teacher leaves in reach, in the words of the promise", () => {
    const unsteady = { ...facts, ceilingRatio: 0.9 };
    const textOf = (promise: Promised): string =>
      formatPlan(planRun({ ...input, facts: unsteady, target: { ...DEFAULT_TARGET, promise } }));
    const alone = "the teacher agrees with itself in 90 % of its calls, so no student reaches 98 %";
    expect(textOf("delivered")).toContain(alone);
    expect(textOf("delivered")).toContain("of all answers that leave the cascade 98 % can still be the teacher's");
    expect(textOf("delivered")).toContain("can keep 20 % of them at most");
    expect(textOf("kept")).toContain(alone);
    expect(textOf("kept")).toContain("of the kept answers 98 % can be the teacher's only among calls");
    expect(formatPlan(planRun(input))).not.toContain("unreachable");
  });

  it("knows no saving where the teacher's price is unknown", () => {
    const { teacherPer1kUsd, ...unpriced } = input;
    expect(teacherPer1kUsd).toBeDefined();
    expect(planRun(unpriced).candidates.every(({ estimate }) => estimate.savedPer1kUsd === undefined)).toBe(true);
    expect(planRun(input).candidates.every(({ estimate }) => (estimate.savedPer1kUsd ?? 0) > 0)).toBe(true);
  });

  it("takes the large rungs where rows are many and time is long", () => {
    const plan = planRun({ ...input, minutes: 6000, facts: { ...facts, trainRows: 200_000 } });
    expect(trained(plan)).toEqual(["linear-large", "encoder-large", "joined-large"]);
  });

  it("estimates grow with labels, tokens and a slower machine", () => {
    const seconds = (changed: Partial<PlanInput>): number[] =>
      planRun({ ...input, ...changed }).candidates.map(({ estimate }) => estimate.trainSeconds);
    const base = planRun({ ...input, minutes: 1e5 }).candidates.map(({ estimate }) => estimate.trainSeconds);
    const slower = seconds({ minutes: 1e5, profile: { ...profile, gflops: 65, sparseMflops: 600 } });
    expect(slower.every((value, i) => value > (base[i] ?? Infinity))).toBe(true);
    const longer = seconds({ minutes: 1e5, facts: { ...facts, meanTokens: 26, meanFeatures: 300 } });
    expect(longer.every((value, i) => value > (base[i] ?? Infinity))).toBe(true);
  });

  it("describes every candidate on a line of its own", () => {
    const plan = planRun(input);
    const text = formatPlan(plan);
    for (const { name } of plan.candidates) expect(text).toContain(`\n${name}`);
  });
});
