/** @file Texts without answers in the plan: who is taught by them, how many of them, and within the minutes. */
import { describe, expect, it } from "vitest";
import type { PlanFacts } from "./facts.js";
import { formatPlan } from "./format.js";
import { planRun, type Plan, type PlannedCandidate } from "./plan.js";
import { BANKING77, MINILM, PROFILE } from "./plan.test.fixture.js";
import { DEFAULT_TARGET } from "./target.js";

const profile = PROFILE;
const base = { ...MINILM, keptPieces: 2000 };
const facts: PlanFacts = { ...BANKING77, trainRows: 1000, sealedRows: 160, labels: 20, labelBytes: 400, base };

const plan = (changed: Partial<PlanFacts>, minutes = 60): Plan =>
  planRun({ profile, facts: { ...facts, ...changed }, target: DEFAULT_TARGET, minutes });
const named = ({ candidates }: Plan, wanted: string): PlannedCandidate | undefined =>
  candidates.find(({ name }) => name === wanted);

describe("a plan with texts without answers", () => {
  it("has a linear student taught by the base where labels are few or such texts are given, and else not", () => {
    expect(named(plan({}), "linear-taught")).toBeUndefined();
    expect(named(plan({ transferRows: 500 }), "linear-taught")).toMatchObject({ kind: "linear", status: "train" });
    expect(named(plan({ trainRows: 300 }), "linear-taught")).toMatchObject({ kind: "linear", status: "train" });
    const { base: _, ...without } = facts;
    const plain = planRun({ profile, facts: { ...without, transferRows: 500 }, target: DEFAULT_TARGET, minutes: 60 });
    expect(named(plain, "linear-taught")).toBeUndefined();
  });

  it("takes all of them where the time allows it, fewer where it does not, and stays within the minutes", () => {
    const used = (minutes: number): number =>
      named(plan({ transferRows: 40_000 }, minutes), "cut-third")?.pretrained?.recovery?.transferRows ?? 0;
    expect(used(600)).toBe(40_000);
    expect([20_000, 10_000, 5000]).toContain(used(60));
    for (const minutes of [2, 10, 40, 160])
      for (const transferRows of [1, 50_000])
        for (const trainRows of [100, 1000]) {
          const { trainSeconds, budgetSeconds } = plan({ transferRows, trainRows }, minutes);
          expect(trainSeconds).toBeLessThanOrEqual(budgetSeconds);
        }
  });

  it("counts their time", () => {
    const seconds = (transferRows: number, name: string): number =>
      named(plan({ transferRows }, 6000), name)?.estimate.trainSeconds ?? NaN;
    for (const name of ["linear-taught", "cut-third", "cut-half"])
      expect(seconds(20_000, name)).toBeGreaterThan(seconds(1000, name));
  });

  it("gives the taught student and the cuts one teacher, and the student the size and latency of a linear one", () => {
    for (const minutes of [10, 30, 120]) {
      const own = plan({ transferRows: 2000, trainRows: 200 }, minutes);
      const taught = named(own, "linear-taught");
      const teachers = own.candidates.flatMap(({ status, pretrained }) =>
        status === "train" && pretrained !== undefined ? [pretrained.teacher] : [],
      );
      for (const teacher of teachers) expect(teacher).toEqual(taught?.linear?.taughtBy?.pretrained.teacher);
      const plain = named(own, "linear-medium");
      expect(taught?.estimate).toMatchObject({
        sizeBytes: plain?.estimate.sizeBytes,
        latencyMs: plain?.estimate.latencyMs,
      });
    }
  });

  it("trains the teacher for the linear student alone where every cut is too large", () => {
    const small = planRun({
      profile,
      facts: { ...facts, transferRows: 2000 },
      target: { ...DEFAULT_TARGET, sizeMb: 1 },
      minutes: 60,
    });
    expect(named(small, "cut-third")?.status).toBe("infeasible");
    expect(named(small, "linear-taught")?.status).toBe("train");
    expect(small.trainSeconds).toBeGreaterThan(named(small, "linear-medium")?.estimate.trainSeconds ?? Infinity);
  });

  it("lets a teacher of few labels learn its own answers, and counts the time", () => {
    const few = plan({ transferRows: 2000, trainRows: 200 }, 120);
    expect(named(few, "uncut")?.pretrained?.teacher.selfTaught).toMatchObject({ transferRows: 2000, batchSize: 32 });
    expect(formatPlan(few)).toMatch(/\ncut-third .*teacher \d+ epochs and 6 on its answers to 2,000 texts; /);
    const without = named(plan({ trainRows: 200 }, 120), "uncut")?.estimate.trainSeconds ?? NaN;
    expect(named(few, "uncut")?.estimate.trainSeconds).toBeGreaterThan(2 * without);
    expect(named(plan({ transferRows: 2000 }), "uncut")?.pretrained?.teacher.selfTaught).toBeUndefined();
  });

  it("says how many texts teach whom", () => {
    const text = formatPlan(plan({ transferRows: 2000 }));
    expect(text).toMatch(/\nlinear-taught .*taught by the base on the rows and 2,000 texts without answers/);
    expect(text).toMatch(/\ncut-third .*2,000 texts without answers/);
  });
});
