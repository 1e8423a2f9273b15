/** @file The path of a pretrained encoder in the plan: from the whole one down, each cut from the one above, its control last. */
import { describe, expect, it } from "vitest";
import { controlRates, PRETRAINED_TEACHER } from "./candidates.js";
import type { BaseFacts, PlanFacts } from "./facts.js";
import { formatPlan } from "./format.js";
import { planRun, type Plan, type PlannedCandidate } from "./plan.js";
import { BANKING77, MINILM, PROFILE } from "./plan.test.fixture.js";
import { DEFAULT_TARGET } from "./target.js";

const profile = PROFILE;
/** Banking77 under MiniLM. */
const facts: PlanFacts = { ...BANKING77, base: MINILM };
const planOf = (minutes: number, sizeMb?: number): Plan =>
  planRun({ profile, facts, minutes, target: { ...DEFAULT_TARGET, ...(sizeMb !== undefined && { sizeMb }) } });
const steps = (plan: Plan): PlannedCandidate[] => plan.candidates.filter(({ kind }) => kind === "pretrained");
const statuses = (plan: Plan): string[] => steps(plan).map(({ status }) => status);

describe("the path of a pretrained encoder", () => {
  it("is planned whole where the minutes allow, the smaller cut from the larger one", () => {
    const plan = planOf(120);
    expect(steps(plan).map(({ name, status, parts }) => [name, status, parts])).toEqual([
      ["cut-third", "train", [PRETRAINED_TEACHER, "cut-half", "cut-third"]],
      ["cut-half", "train", [PRETRAINED_TEACHER, "cut-half"]],
      ["uncut", "train", [PRETRAINED_TEACHER]],
    ]);
    const [third, half] = steps(plan);
    expect(third?.pretrained?.from).toEqual({ name: "cut-half", recipe: half?.pretrained });
    expect(half?.pretrained?.from).toBeUndefined();
    expect(formatPlan(plan)).toContain("2 layers, 256 neurons of cut-half");
  });

  it("is not trained on a machine whose memory is too small, which is said", () => {
    const plan = planRun({ profile: { ...profile, memoryGb: 1 }, facts, minutes: 120, target: DEFAULT_TARGET });
    expect(steps(plan).map(({ because }) => because.map(({ code }) => code))).toEqual(
      Array(3).fill(["memory-of-machine"]),
    );
    expect(formatPlan(plan)).toMatch(/uncut +infeasible .* this machine has 1,000 MB/);
    expect(plan.candidates.some(({ status }) => status === "train")).toBe(true);
  });

  it("goes down as far as the time reaches, and says why it ends", () => {
    const found = new Set<string>();
    for (const minutes of [2, 17, 22, 24, 120]) {
      const plan = planOf(minutes);
      expect(plan.trainSeconds).toBeLessThanOrEqual(plan.budgetSeconds);
      found.add(statuses(plan).join(" "));
      const reasons = steps(plan).map(({ because }) => because.map(({ code }) => code).join());
      expect(reasons).toEqual(statuses(plan).map((status) => (status === "train" ? "" : "time-planned-away")));
    }
    expect([...found]).toEqual([
      "planned-away planned-away planned-away",
      "planned-away planned-away train",
      "train planned-away train",
      "train train train",
    ]);
  });

  it("loses no step where there are more minutes, and leaves the rest of them to students from scratch", () => {
    const trained = (minutes: number): number => statuses(planOf(minutes)).filter((each) => each === "train").length;
    const counts = Array.from({ length: 60 }, (_, i) => trained(2 + 2 * i));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    const scratch = planOf(60).candidates.find(({ name }) => name === "encoder-medium");
    expect(scratch?.status).toBe("train");
  });

  it("takes the longest schedule that fits before students from scratch take their share", () => {
    const recovery = (minutes: number) => steps(planOf(minutes))[1]?.pretrained?.recovery?.epochs;
    expect([30, 34, 40, 120].map(recovery)).toEqual([2, 4, 6, 6]);
    const [tight, roomy] = [40, 60].map((minutes) =>
      planOf(minutes).candidates.find(({ name }) => name === "encoder-medium"),
    );
    expect(tight?.encoder?.epochs).toBeLessThan(roomy?.encoder?.epochs ?? 0);
  });

  it("leaves out a step that the target forbids and cuts the next one from the teacher", () => {
    const plan = planOf(120, 4);
    expect(statuses(plan)).toEqual(["train", "infeasible", "infeasible"]);
    expect(steps(plan)[0]?.pretrained?.from).toBeUndefined();
    expect(steps(plan)[0]?.parts).toEqual([PRETRAINED_TEACHER, "cut-third"]);
  });

  it("counts the trial of poolings where the base does not tell its own", () => {
    const secondsOf = (base: BaseFacts) =>
      planRun({ profile, facts: { ...facts, base }, minutes: 120, target: {} }).trainSeconds;
    const more = secondsOf({ ...MINILM, poolingIsKnown: false }) - secondsOf(MINILM);
    expect(more).toBeGreaterThan(10);
    expect(more).toBeLessThan(120);
  });

  it("ends at 3.5 MB on Banking77 under MiniLM", () => {
    const [third] = steps(planOf(120));
    expect(third?.pretrained).toMatchObject({ layers: 2, feedForward: 256 });
    expect(third?.estimate.sizeBytes).toBeGreaterThan(3.4e6);
    expect(third?.estimate.sizeBytes).toBeLessThan(3.6e6);
  });
});

describe("the control of a cut", () => {
  it("has rates around the cut's own and is planned with its seconds", () => {
    const plan = planOf(240);
    const { control } = plan;
    const recipe = steps(plan)[1]?.pretrained;
    expect(control).toMatchObject({ status: "train", because: [], learningRates: [1e-4, 3e-4, 5e-4] });
    expect(recipe === undefined ? [] : controlRates(recipe)).toEqual(control?.learningRates);
    const { control: _, ...without } = plan;
    const candidates = formatPlan(without);
    expect(formatPlan(plan)).toMatch(/\ncontrol +train +[\d,]+ s \(every cut of the untaught base on labels alone/);
    expect(formatPlan(plan)).toContain(
      "(forward KL at temperature 2, weight 0.8; labels 0.2) and hidden states (MSE, weight 0.5)",
    );
    expect(candidates).not.toContain("control");
  });

  it("comes before longer schedules of students from scratch", () => {
    const [before, from, roomy] = [50, 60, 68].map((minutes) => {
      const plan = planOf(minutes);
      const scratch = plan.candidates.find(({ name }) => name === "encoder-medium");
      return { control: plan.control?.status, status: scratch?.status, epochs: scratch?.encoder?.epochs ?? 0 };
    });
    expect([before?.control, from?.control, roomy?.control]).toEqual(["planned-away", "train", "train"]);
    expect(from?.status).toBe("train");
    expect(from?.epochs).toBeLessThan(roomy?.epochs ?? 0);
  });

  it("is planned for every cut where the time is there, for the one that is chosen where it is not", () => {
    const [one, all] = [planOf(68), planOf(90)];
    expect([one.control?.of, all.control?.of]).toEqual(["chosen-cut", "every-cut"]);
    expect(all.control?.seconds).toBeGreaterThan(1.5 * (one.control?.seconds ?? Infinity));
  });

  it("is planned away with the reason where the path leaves no time, and absent where nothing is cut", () => {
    const tight = planOf(50);
    expect(statuses(tight)).toEqual(["train", "train", "train"]);
    expect(tight?.control?.because).toEqual([
      { code: "time-planned-away", facts: { seconds: tight?.control?.seconds, leftSeconds: expect.any(Number) } },
    ]);
    expect(planOf(0.5).control).toBeUndefined();
    expect(planRun({ profile, facts: { ...facts, folds: 2 }, minutes: 240, target: {} }).control).toBeUndefined();
  });
});
