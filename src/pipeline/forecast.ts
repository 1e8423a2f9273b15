/** @file What the promise of a run may be expected to give before anything is trained for it: the linear rung out of fold on some open rows,
 *  and the gate tried on draws of what it answered. Of sealed rows it takes groups and counts, never an answer. Deterministic by seed. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { moneyOf, type TeacherPrice } from "../cost.js";
import type { LabelDataset, Row } from "../dataset/types.js";
import { fitCalibrator, measureCalibration } from "../evaluate/calibration.js";
import { callsByGroup, shareByGroup, type CallOutcomes } from "../evaluate/calls.js";
import { forecast, FORECAST_AGREEMENTS, neededGroups } from "../evaluate/outlook.js";
import { LEAST_FORECAST_GROUPS, type ExpectedPromise, type NeededCalls, type PlanForecast } from "../plan/forecast.js";
import type { Plan, PlannedCandidate } from "../plan/plan.js";
import { createRandom, permutation } from "../random.js";
import { inputsToSeal, leastSealedCalls, MOST_SEALED, rowsToSeal, wantedRows } from "../sealing.js";
import { readArrays, writeArrays } from "../store/arrays.js";
import { VERSION } from "../version.js";
import { callOutcomes, logitRows } from "./outcomes.js";
import type { Progress } from "./progress.js";
import { GATE_DELTA, riskOf } from "./prove.js";
import { linearOutOfFold, type LinearContext } from "./rungs.js";

/** Open rows that are asked at most: coverage within some points, in seconds. Many labels take as many times longer, so fewer rows then. */
const MOST_ROWS = 4_000;
const MOST_ROWS_TIMES_LABELS = 400_000;
const LEAST_ROWS = 1_000;
/** Independent calls that draws are made from at most: more would hardly move a tenth of the draws, but take minutes. */
const MOST_GROUPS = 20_000;
/** A label of fewer open calls is not learned: where one call is held out, one is left, and one example in a space of n-grams is remembered,
 *  not generalised. */
export const LEAST_LABEL_CALLS = 3;
/** Rare labels that are named. */
const SHOWN_LABELS = 3;

export interface ForecastInput {
  readonly dataset: LabelDataset;
  readonly plan: Plan;
  readonly teacher: TeacherPrice;
  readonly callsPerMonth?: number;
  readonly machineUsdPerHour: number;
  readonly seed: number;
  /** Where fitted logits are kept. */
  readonly cacheFolder: string;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** How many rows are asked at most where there are so many labels. */
export function mostRows(labels: number): number {
  return Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.floor(MOST_ROWS_TIMES_LABELS / Math.max(1, labels))));
}

/** At most so many rows, whole groups in an order that the seed draws; a group that does not fit is passed over. */
export function drawRows(rows: readonly Row[], most: number, seed: number): readonly Row[] {
  if (rows.length <= most) return rows;
  const groups = callsByGroup(rows.map(({ group }) => group));
  const taken = new Set<Row>();
  for (const place of permutation(groups.length, createRandom(seed, "forecast rows"))) {
    const members = groups[place] ?? [];
    if (taken.size + members.length > most) continue;
    for (const at of members) {
      const row = rows[at];
      if (row !== undefined) taken.add(row);
    }
  }
  return rows.filter((row) => taken.has(row));
}

/** How many independent units the calls of rows fall into. */
function groupsOf(rows: readonly Pick<Row, "group" | "weight" | "recurring">[]): number {
  const own = rows.filter(({ recurring }) => recurring === true).reduce((sum, { weight }) => sum + weight, 0);
  return own + new Set(rows.filter(({ recurring }) => recurring !== true).map(({ group }) => group)).size;
}

function weightOf(rows: readonly Pick<Row, "weight">[]): number {
  return rows.reduce((sum, { weight }) => sum + weight, 0);
}

/** At most so many whole groups of calls, drawn by the seed. */
function thinned(calls: CallOutcomes, seed: number): CallOutcomes {
  const groups = callsByGroup(calls.groups);
  if (groups.length <= MOST_GROUPS) return calls;
  const drawn = permutation(groups.length, createRandom(seed, "forecast calls")).subarray(0, MOST_GROUPS);
  const picked = Array.from(drawn, (place) => groups[place] ?? []).flat();
  return {
    ...calls,
    scores: Float64Array.from(picked, (call) => calls.scores[call] ?? 0),
    right: Float64Array.from(picked, (call) => calls.right[call] ?? 0),
    groups: Int32Array.from(picked, (call) => calls.groups[call] ?? 0),
  };
}

/** The linear rung that the plan would train, else the one it names first. */
function linearOf({ candidates }: Plan): PlannedCandidate | undefined {
  const linear = candidates.filter(({ kind, linear: recipe }) => kind === "linear" && recipe?.taughtBy === undefined);
  return linear.find(({ status }) => status === "train") ?? linear[0];
}

/** Logits that were fitted once, beside the datasets: `run` goes on with those of `plan`. */
function keptStages(folder: string, name: string): LinearContext["folder"] {
  return {
    async weights(stage, produce) {
      const path = join(folder, `${name}-${stage}.bin`);
      if (!existsSync(path)) writeArrays(path, await produce());
      return readArrays(path);
    },
  };
}

/** Calls of drawn open rows as the linear rung answers them out of fold. */
async function outOfFoldCalls(
  input: ForecastInput,
  { linear }: PlannedCandidate,
  rows: readonly Row[],
): Promise<CallOutcomes> {
  const { dataset, seed, cacheFolder } = input;
  if (linear === undefined || rows.length === 0) return { scores: [], right: [], groups: [] };
  const name = createHash("sha256")
    .update(JSON.stringify([VERSION, dataset.hash, linear, seed, rows.length]))
    .digest("hex");
  const context = { ...input, rows, folder: keptStages(cacheFolder, name.slice(0, 32)) };
  const { logits } = await linearOutOfFold(context, "forecast", linear);
  const data = logitRows(rows, logits, dataset.labels.length);
  const { scores, outcomes } = measureCalibration(fitCalibrator(data, ""), data);
  return thinned(callOutcomes(rows, scores, outcomes), seed);
}

/** Distinct inputs of a log like the open rows of which so many groups are sealed. */
function neededCalls(sealedGroups: number, open: readonly Row[]): NeededCalls {
  const inputsPerGroup = open.length / Math.max(1, groupsOf(open));
  const inputs = inputsToSeal(sealedGroups, inputsPerGroup);
  return { sealedGroups, ...(inputs === undefined ? {} : { inputs }) };
}

/** Whether calls are enough to draw from. */
function tellsOfOthers({ groups }: CallOutcomes): boolean {
  return callsByGroup(groups).length >= LEAST_FORECAST_GROUPS;
}

/** What the promise of the target needs: for a student without a fault, and for this one. */
function needsOf(
  { plan, seed }: ForecastInput,
  calls: CallOutcomes,
  open: readonly Row[],
): Pick<PlanForecast, "neededFaultless" | "needed"> {
  const { agreement, promise } = plan.target;
  const epsilon = riskOf(agreement);
  const least = leastSealedCalls(epsilon, GATE_DELTA);
  if (!Number.isFinite(least)) return {};
  const needed = tellsOfOthers(calls)
    ? neededGroups(calls, MOST_SEALED, { epsilon, delta: GATE_DELTA, promise, seed })
    : undefined;
  return {
    neededFaultless: neededCalls(least, open),
    ...(needed === undefined
      ? {}
      : { needed: { ...neededCalls(needed.sealedGroups, open), coverage: needed.coverage.value } }),
  };
}

/** Both promises at usual agreements and the target's own, with what they save. */
function expectedOf(
  input: ForecastInput,
  candidate: PlannedCandidate,
  calls: CallOutcomes,
  groups: number,
): ExpectedPromise[] {
  if (!tellsOfOthers(calls)) return [];
  const { plan, teacher, callsPerMonth, machineUsdPerHour, seed } = input;
  const agreements = [...new Set([...FORECAST_AGREEMENTS, plan.target.agreement])].sort((a, b) => a - b);
  // More groups than are ever sealed as rows would hardly move the coverage.
  const expected = forecast(calls, Math.min(groups, MOST_SEALED), agreements, { delta: GATE_DELTA, seed });
  return expected.map((each): ExpectedPromise => {
    if (each.foundRatio === 0) return each;
    const { savedRatio, monthly } = moneyOf({
      teacher,
      throughputPerSecond: (1000 / candidate.estimate.latencyMs) * plan.machine.cores,
      coverage: each.coverage,
      trainingSeconds: plan.trainSeconds,
      machineUsdPerHour,
      ...(callsPerMonth === undefined ? {} : { callsPerMonth }),
    });
    return {
      ...each,
      ...(savedRatio === undefined ? {} : { savedRatio }),
      ...(monthly === undefined ? {} : { savedUsdPerMonth: monthly.savedUsd }),
    };
  });
}

/** Labels of which the open rows have too few calls. */
export function rareLabelsOf(open: readonly Row[], labels: readonly string[]): PlanForecast["rareLabels"] {
  const counts = new Float64Array(labels.length);
  for (const { label, answers, weight } of open)
    for (const [answer, times] of answers ?? [[label, weight] as const])
      if (answer >= 0) counts[answer] = (counts[answer] ?? 0) + times;
  const rare = [...counts.entries()]
    .filter(([, calls]) => calls < LEAST_LABEL_CALLS)
    .sort(([a, x], [b, y]) => y - x || a - b);
  const total = counts.reduce((sum, calls) => sum + calls, 0);
  return {
    leastCalls: LEAST_LABEL_CALLS,
    labels: rare.length,
    ofLabels: labels.length,
    callsRatio: rare.reduce((sum, [, calls]) => sum + calls, 0) / Math.max(1, total),
    examples: rare.slice(0, SHOWN_LABELS).map(([label]) => labels[label] ?? ""),
  };
}

/** The forecast of a planned run; absent where the plan has no linear rung. */
export async function forecastRun(input: ForecastInput): Promise<PlanForecast | undefined> {
  const { dataset, plan, teacher, callsPerMonth, seed } = input;
  const candidate = linearOf(plan);
  if (candidate === undefined) return undefined;
  const open = dataset.rows.filter(({ sealed }) => !sealed);
  const sealed = dataset.rows
    .filter((row) => row.sealed)
    .map(({ group, weight, recurring }) => ({ group, weight, ...(recurring === true && { recurring }) }));
  const rows = drawRows(open, mostRows(dataset.labels.length), seed);
  const calls = await outOfFoldCalls(input, candidate, rows);
  const sealedGroups = groupsOf(sealed);
  const assumedGroups = sealedGroups > 0 ? sealedGroups : wantedRows(rowsToSeal(1) ?? 0);
  const { promise, agreement } = plan.target;
  const ceilingRatio = plan.unreachable?.ceilingRatio;
  return {
    student: candidate.name,
    target: { promise, agreement },
    openInputs: open.length,
    sampledInputs: rows.length,
    sampledGroups: callsByGroup(calls.groups).length,
    sealed: { inputs: sealed.length, calls: weightOf(sealed), groups: sealedGroups },
    assumedGroups,
    ...needsOf(input, calls, open),
    agreement: shareByGroup(calls.right, calls.groups),
    expected: expectedOf(input, candidate, calls, assumedGroups),
    teacher,
    ...(callsPerMonth === undefined ? {} : { callsPerMonth }),
    rareLabels: rareLabelsOf(open, dataset.labels),
    unknownLabelCalls: dataset.units.unknownLabelCalls,
    ...(ceilingRatio === undefined ? {} : { ceilingRatio }),
  };
}
