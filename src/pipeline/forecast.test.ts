/** @file The forecast against populations whose truth is known, and what it may not look at. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { LabelDataset, Row } from "../dataset/types.js";
import { fitCalibrator, measureCalibration } from "../evaluate/calibration.js";
import type { CallOutcomes } from "../evaluate/calls.js";
import { openGate, planGate } from "../evaluate/gate.js";
import { planFacts } from "../plan/facts.js";
import type { PlanForecast } from "../plan/forecast.js";
import { planRun } from "../plan/plan.js";
import { PROFILE } from "../plan/plan.test.fixture.js";
import { createRandom } from "../random.js";
import { drawRows, forecastRun, LEAST_LABEL_CALLS, mostRows, rareLabelsOf, type ForecastInput } from "./forecast.js";
import { callOutcomes, logitRows } from "./outcomes.js";
import { linearOutOfFold } from "./rungs.js";

const FOLDS = 5;
const LABELS = ["card", "fee", "transfer"];
const UNCLEAR_RATIO = 0.2;
const folder = mkdtempSync(join(tmpdir(), "joryu-forecast-"));
const progress = { update: () => undefined, note: () => undefined };
let caches = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Four of five calls name their label; the others begin with "perhaps" and are of the first two labels by a coin. */
function population(count: number, sealed: number, seed: number): Row[] {
  const random = createRandom(seed, "population");
  return Array.from({ length: count }, (_, i): Row => {
    const unclear = random.float() < UNCLEAR_RATIO;
    const label = unclear ? random.int(2) : random.int(LABELS.length);
    const isSealed = i < sealed;
    return {
      text: unclear ? `perhaps maybe ${seed} ${i}` : `about a ${LABELS[label] ?? ""} ${seed} ${i}`,
      label,
      weight: 1,
      group: i,
      sealed: isSealed,
      fold: isSealed ? -1 : i % FOLDS,
    };
  });
}

function datasetOf(rows: readonly Row[], labels: readonly string[] = LABELS): LabelDataset {
  return {
    hash: `d${rows.length}`,
    workload: "test",
    others: [],
    template: { system: "", userPrefix: "", userSuffix: "" },
    labels,
    foldedLabels: [],
    folds: FOLDS,
    rows,
    counts: { records: rows.length, accepted: rows.length, duplicates: 0, rejected: 0 },
    nearDuplicates: 0,
    sealedBy: rows.some(({ sealed }) => sealed) ? "group" : "none",
    units: {
      templatedRows: 0,
      recurringRows: 0,
      recurringCalls: 0,
      repeatedSealedCalls: 0,
      nearLeaks: 0,
      unknownLabelCalls: 0,
    },
    traffic: { calls: rows.length, models: [] },
  };
}

function inputOf(rows: readonly Row[], agreement = 0.96): ForecastInput {
  const dataset = datasetOf(rows);
  const plan = planRun({ profile: PROFILE, facts: planFacts(dataset), target: { agreement }, minutes: 20 });
  const cacheFolder = join(folder, `cache${caches++}`);
  const teacher = { source: "unknown" as const };
  return { dataset, plan, teacher, machineUsdPerHour: 0.1, seed: 1, cacheFolder, threads: 2, progress };
}

async function forecastOf(rows: readonly Row[], more: Partial<ForecastInput> = {}): Promise<PlanForecast> {
  const found = await forecastRun({ ...inputOf(rows), ...more });
  if (found === undefined) throw new Error("the plan has no linear rung");
  return found;
}

/** Calls of a population as the planned linear student answers them unseen. */
async function answered(rows: readonly Row[]): Promise<CallOutcomes> {
  const { dataset, plan } = inputOf(rows);
  const recipe = plan.candidates.find(({ name }) => name === "linear-medium")?.linear;
  if (recipe === undefined) throw new Error("the plan has no linear rung");
  const stages = { weights: (_: string, produce: () => Promise<ReadonlyMap<string, Float32Array>>) => produce() };
  const context = { dataset, rows, progress, threads: 2, seed: 1, folder: stages };
  const { logits } = await linearOutOfFold(context, "linear", recipe);
  const data = logitRows(rows, logits, LABELS.length);
  const { scores, outcomes } = measureCalibration(fitCalibrator(data, ""), data);
  return callOutcomes(rows, scores, outcomes);
}

function part({ scores, right, groups }: CallOutcomes, from: number, to: number): CallOutcomes {
  const cut = (values: ArrayLike<number>): number[] => Array.from(values).slice(from, to);
  return { scores: cut(scores), right: cut(right), groups: cut(groups) };
}

describe("a forecast", () => {
  it("foretells the coverage that gates find on fresh calls of the same population", async () => {
    const [sealed, gates] = [300, 8];
    const found = await forecastOf(population(1500, sealed, 1));
    const fresh = await answered(population(1200 + gates * sealed, 0, 2));
    const plan = (promise: "delivered" | "kept") =>
      planGate(
        part(fresh, 0, 1200),
        { groups: Int32Array.from({ length: sealed }, (_, i) => i) },
        {
          promise,
          epsilon: 0.04,
          delta: 0.05,
          seed: 1,
        },
      );
    for (const promise of ["delivered", "kept"] as const) {
      const coverages = Array.from({ length: gates }, (_, gate) => {
        const from = 1200 + gate * sealed;
        return openGate(plan(promise), part(fresh, from, from + sealed)).coverage.value;
      });
      const mean = coverages.reduce((sum, coverage) => sum + coverage, 0) / gates;
      const expected = found.expected.find((each) => each.promise === promise && each.agreement === 0.96);
      expect(mean, promise).toBeGreaterThanOrEqual(expected?.coverage.low ?? 1);
      expect(mean, promise).toBeLessThanOrEqual(expected?.coverage.high ?? 0);
    }
  });

  it("knows the truth of a population: how often the student agrees, and what each promise can keep", async () => {
    const { agreement, expected } = await forecastOf(population(1500, 300, 1));
    const truth = 1 - UNCLEAR_RATIO / 2;
    expect(agreement.low).toBeLessThan(truth);
    expect(agreement.high).toBeGreaterThan(truth);
    const at = (promise: string, ratio: number) =>
      expected.find((each) => each.promise === promise && each.agreement === ratio)?.coverage.value ?? 0;
    // All clear calls, and of the unclear ones, half of them wrong, what the risk allows at most.
    for (const [ratio, most] of [
      [0.94, 0.92],
      [0.96, 0.88],
      [0.98, 0.84],
    ] as const) {
      expect(at("delivered", ratio)).toBeLessThan(most);
      expect(at("delivered", ratio)).toBeGreaterThan(0.76);
      expect(at("kept", ratio)).toBeLessThan(at("delivered", ratio) + 0.01);
    }
    expect(expected.map((each) => each.agreement)).toEqual([0.94, 0.96, 0.98, 0.94, 0.96, 0.98]);
  });

  it("does not look at what sealed rows were answered", async () => {
    const rows = population(600, 200, 3);
    const turned = rows.map((row) => (row.sealed ? { ...row, label: -1, text: "other" } : row));
    expect(await forecastOf(turned)).toEqual(await forecastOf(rows));
  });

  it("is the same again from what it kept, and keeps it where it was told to alone", async () => {
    const input = inputOf(population(600, 200, 3), 0.97);
    const first = await forecastRun(input);
    const kept = readdirSync(input.cacheFolder);
    expect(kept).toHaveLength(FOLDS);
    expect(await forecastRun({ ...input, threads: 1 })).toEqual(first);
    expect(readdirSync(input.cacheFolder)).toEqual(kept);
    expect(existsSync(join(folder, "runs"))).toBe(false);
    expect(first?.expected.map(({ agreement }) => agreement).slice(0, 4)).toEqual([0.94, 0.96, 0.97, 0.98]);
  });

  it("has what a target needs where nothing is sealed, and figures as if the least were", async () => {
    const found = await forecastOf(population(250, 0, 4));
    expect(found.sealed).toEqual({ inputs: 0, calls: 0, groups: 0 });
    expect(found.assumedGroups).toBe(160);
    expect(found.neededFaultless).toEqual({ sealedGroups: 74, inputs: 300 });
    expect(found.expected).toHaveLength(6);
  });

  it("foretells nothing from fewer than a hundred independent calls", async () => {
    const found = await forecastOf(population(90, 0, 5));
    expect(found.expected).toEqual([]);
    expect(found.needed).toBeUndefined();
    expect(found.agreement.value).toBeGreaterThan(0.5);
  });

  it("counts in independent calls: of conversations as many times more inputs are needed", async () => {
    const rows = population(900, 300, 6).map((row, i) => ({
      ...row,
      group: Math.floor(i / 3),
      fold: row.sealed ? -1 : Math.floor(i / 3) % FOLDS,
    }));
    const found = await forecastOf(rows, inputOf(rows, 0.98));
    expect(found.sealed).toEqual({ inputs: 300, calls: 300, groups: 100 });
    expect(found.neededFaultless).toEqual({ sealedGroups: 149, inputs: 3 * 300 });
  });

  it("counts the calls of an input that comes from anywhere as units of their own", async () => {
    const rows = population(600, 200, 3).map((row, i) =>
      i === 0 ? { ...row, weight: 40, recurring: true as const } : row,
    );
    expect((await forecastOf(rows)).sealed).toEqual({ inputs: 200, calls: 239, groups: 239 });
  });

  it("says savings by the teacher's price alone, and by month where the volume is known", async () => {
    const input = inputOf(population(600, 200, 3));
    const unpriced = await forecastRun(input);
    expect(unpriced?.expected.every(({ savedRatio }) => savedRatio === undefined)).toBe(true);
    const teacher = { per1kUsd: 2, source: "config" as const };
    const priced = await forecastRun({ ...input, teacher, callsPerMonth: 1_000_000 });
    for (const { coverage, foundRatio, savedRatio, savedUsdPerMonth } of priced?.expected ?? []) {
      if (foundRatio === 0) continue;
      expect(savedRatio?.value).toBeCloseTo(coverage.value, 2);
      expect(savedUsdPerMonth?.value).toBeCloseTo(2000 * coverage.value - 73, 0);
    }
    expect(priced?.expected.some(({ savedRatio }) => savedRatio !== undefined)).toBe(true);
  });
});

describe("the rows of a forecast", () => {
  const rows = population(1000, 0, 7).map((row, i) => ({ ...row, group: Math.floor(i / 7) }));

  it("are whole groups, at most so many, another draw for another seed", () => {
    const drawn = drawRows(rows, 300, 1);
    expect(drawn.length).toBeLessThanOrEqual(300);
    expect(drawn.length).toBeGreaterThan(290);
    const groups = new Set(drawn.map(({ group }) => group));
    expect(rows.filter(({ group }) => groups.has(group))).toEqual(drawn);
    expect(drawRows(rows, 300, 1)).toEqual(drawn);
    expect(drawRows(rows, 300, 2)).not.toEqual(drawn);
    expect(drawRows(rows, 1000, 1)).toBe(rows);
  });

  it("are fewer where labels are many, and never too few", () => {
    expect([2, 77, 200, 5000].map(mostRows)).toEqual([4000, 4000, 2000, 1000]);
  });
});

describe("rare labels", () => {
  it("are those with fewer open calls than can be learned from, the most frequent first", () => {
    const row = (label: number, weight: number, answers?: Row["answers"]): Row => ({
      text: `${label}`,
      label,
      weight,
      group: label,
      sealed: false,
      fold: 0,
      ...(answers === undefined ? {} : { answers }),
    });
    const open = [
      row(0, 10, [
        [0, 8],
        [1, 2],
      ]),
      row(2, 1),
      row(3, LEAST_LABEL_CALLS),
      row(4, 6),
    ];
    expect(rareLabelsOf(open, ["a", "b", "c", "d", "e"])).toEqual({
      leastCalls: 3,
      labels: 2,
      ofLabels: 5,
      callsRatio: 3 / 20,
      examples: ["b", "c"],
    });
  });
});
