/** @file The path after and during the ladder: its order, where it ends, what each step ships as, and when the chosen cut has a control. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PretrainedRecipe } from "../../plan/candidates.js";
import { planFacts } from "../../plan/facts.js";
import { planRun, type Plan, type PlannedCandidate } from "../../plan/plan.js";
import { openBase } from "./base.js";
import { climb } from "../ladder.js";
import { pathSteps, plannedControls } from "./path.js";
import { openRunFolder } from "../run-folder.js";
import type { TrainContext } from "../train-context.js";
import { datasetOf, rowsOf, writeBase } from "./tiny-base.test.fixture.js";

const root = mkdtempSync(join(tmpdir(), "joryu-path-"));
beforeAll(() => writeBase(join(root, "base"), 1500));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const teacher = {
  layers: 3,
  feedForward: 32,
  folds: 1,
  batchSize: 8,
  teacher: { epochs: 12, learningRate: 1e-2, fewLabels: false },
} as const;
const recovery = { epochs: 3, learningRate: 1e-2, softWeight: 0.8, temperature: 2, hiddenWeight: 0.5 };
const half: PretrainedRecipe = { ...teacher, layers: 2, recovery };

const rows = rowsOf();
const dataset = datasetOf(rows);

let runs = 0;
function contextOf(notes: string[] = []): TrainContext {
  const progress = { update: () => undefined, note: (text: string) => void notes.push(text) };
  const folder = openRunFolder(join(root, `run${runs++}`));
  return { dataset, rows, folder, progress, threads: 1, seed: 1, base: openBase(join(root, "base")) };
}

function candidateOf(name: string, pretrained: PretrainedRecipe): PlannedCandidate {
  const estimate = { sizeBytes: 0, latencyMs: 1, p95Ms: 1, trainSeconds: 1, trainMemoryMb: 1, serveMemoryMb: 1 };
  const parameters = pretrained.layers * pretrained.feedForward;
  return { name, kind: "pretrained", parameters, pretrained, parts: [], estimate, status: "train", because: [] };
}

/** A plan of nothing but these steps, cheapest first. */
function planOf(agreement: number, cut: PretrainedRecipe, third: PretrainedRecipe): Plan {
  const profile = { format: "joryu-machine-1", cpu: "test", cores: 1, memoryGb: 1 } as const;
  const speeds = { gflops: 10, singleThreadGflops: 10, sparseMflops: 100, hopMs: 0.1 };
  const plan = planRun({
    profile: { ...profile, ...speeds },
    facts: planFacts(dataset),
    minutes: 1,
    target: { agreement },
  });
  const candidates = [candidateOf("cut-third", third), candidateOf("cut-half", cut), candidateOf("uncut", teacher)];
  return { ...plan, candidates };
}

const third = (from: PretrainedRecipe): PretrainedRecipe => ({
  ...from,
  layers: 1,
  feedForward: 8,
  from: { name: "cut-half", recipe: from },
});
const ladderOf = (context: TrainContext, plan: Plan) => climb(context, plan, { source: "unknown" }, 0.1);

describe("the path in the ladder", () => {
  it("is trained from the whole encoder down, all of it, whichever step meets the target", async () => {
    const context = contextOf();
    const ladder = await ladderOf(context, planOf(0.01, half, third(half)));
    expect(ladder.climbed.map(({ candidate }) => candidate.name)).toEqual(["cut-third", "cut-half", "uncut"]);
    expect(ladder.climbed.every(({ meetsTarget }) => meetsTarget)).toBe(true);
    const stages = Object.keys(context.folder.measured().stageSeconds).filter((name) => name.endsWith("-fold0"));
    expect(stages).toEqual(["pretrained-fold0", "cut-half-fold0", "cut-third-fold0"]);
  });

  it("ends where a step has clearly lost the target that the one above it meets", async () => {
    const notes: string[] = [];
    const spoiled = { ...half, recovery: { ...recovery, epochs: 1, learningRate: 3 } };
    const ladder = await ladderOf(contextOf(notes), planOf(0.7, spoiled, third(spoiled)));
    expect(ladder.climbed.map(({ candidate }) => candidate.name)).toEqual(["cut-half", "uncut"]);
    expect(notes).toContain("cut-half has lost the target that uncut meets; the path ends here");
  });
});

describe("the steps of the path", () => {
  it("are those that were trained, uncut first", async () => {
    const context = contextOf();
    const plan = planOf(0.01, half, third(half));
    const ladder = await ladderOf(context, plan);
    const steps = await pathSteps(context, ladder, plan.candidates);
    expect(steps.map(({ candidate }) => candidate.name)).toEqual(["uncut", "cut-half", "cut-third"]);
  });
});

describe("planned controls", () => {
  it("are those of a chosen cut or the largest, of all cuts where there is time, and none where none is planned", async () => {
    const context = contextOf();
    const plan = planOf(0.01, half, third(half));
    const ladder = await ladderOf(context, plan);
    const cut = ladder.climbed.find(({ candidate }) => candidate.name === "cut-half");
    const uncut = ladder.climbed.find(({ candidate }) => candidate.name === "uncut");
    if (cut === undefined || uncut === undefined) throw new Error("a step is missing");
    const because = [{ code: "time-planned-away", facts: {} }] as const;
    const control = { of: "chosen-cut", learningRates: [], seconds: 1, status: "train", because: [] } as const;
    const controls = (chosen: typeof cut, changed: Partial<Plan>) =>
      plannedControls(context, { ...ladder, chosen }, { ...plan, ...changed });
    expect(await controls(cut, { control: { ...control, status: "planned-away", because } })).toEqual([]);
    expect(await controls(cut, {})).toEqual([]);
    for (const chosen of [cut, uncut])
      expect(await controls(chosen, { control })).toMatchObject([{ of: "cut-half", rows: 40 }]);
    expect(Object.keys(context.folder.measured().stageSeconds).filter((name) => name.startsWith("control"))).toEqual([
      "control-cut-half-rate0",
      "control-cut-half-rate1",
      "control-cut-half-rate2",
      "control-cut-half-fold0",
    ]);
    const every = await controls(uncut, { control: { ...control, of: "every-cut" } });
    expect(every.map(({ of }) => of).sort()).toEqual(["cut-half", "cut-third"]);
  });
});
