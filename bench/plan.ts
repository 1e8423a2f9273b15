/** @file The plan's estimates beside what the run then measured: training seconds of each part (out-of-fold fits and final fit), latency
 *  of one query, size. Prints JSON lines, one per part and student, a last one with the ratios furthest from 1.
 *
 *      node dist/bench/plan.js [--sets banking77,clinc150,sms-spam] [--minutes 20] [--seed 1] [--data DIR] [--work DIR] */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { threadsFromEnvironment } from "../src/config/load.js";
import { encoderFitSeconds, linearFitSeconds, stepsOf } from "../src/plan/estimate.js";
import type { Plan, PlannedCandidate } from "../src/plan/plan.js";
import { loadDataSet, writeChatLogs } from "./datasets.js";
import { printJson, readRunFile, runProduct, withFolder, type FinishedRun } from "./product.js";

interface Seconds {
  readonly folds: number;
  /** Absent where the part did not reach the shipped student. */
  readonly final?: number;
}

/** Measured over estimated. */
interface Ratio {
  readonly set: string;
  readonly figure: "seconds" | "latency" | "size";
  readonly of: string;
  readonly ratio: number;
}

/** How far an estimate may lie from its measurement. */
const TOLERANCES = { seconds: 0.3, latency: 0.3, size: 0.05 } as const;

/** Wall seconds of jobs that lanes take in order, each the next one when it is free. */
function lanesSeconds(jobs: readonly number[], lanes: number): number {
  const busy = new Array<number>(Math.max(1, lanes)).fill(0);
  for (const job of jobs) {
    const free = busy.indexOf(Math.min(...busy));
    busy[free] = (busy[free] ?? 0) + job;
  }
  return Math.max(...busy);
}

/** Seconds that a run spent on a part; linear folds ran side by side. */
function measuredSeconds(run: FinishedRun, part: string): Seconds | undefined {
  const folds = Object.entries(run.measured.stageSeconds)
    .flatMap(([name, seconds]) =>
      name.startsWith(`${part}-fold`) ? [{ fold: Number(name.slice(`${part}-fold`.length)), seconds }] : [],
    )
    .sort((a, b) => a.fold - b.fold)
    .map(({ seconds }) => seconds);
  if (folds.length === 0) return undefined;
  const final = run.measured.stageSeconds[`${part}-weights`];
  const lanes = part.startsWith("linear") ? threadsFromEnvironment(cpus().length) : 1;
  return { folds: lanesSeconds(folds, lanes), ...(final === undefined ? {} : { final }) };
}

function estimatedSeconds({ facts, machine }: Plan, candidate: PlannedCandidate, part: string): Required<Seconds> {
  const foldRows = (facts.trainRows * (facts.folds - 1)) / facts.folds;
  const { linear, encoder } = candidate;
  if (part.startsWith("linear") && linear !== undefined) {
    const rounds = Math.ceil(facts.folds / machine.cores);
    return {
      folds: rounds * linearFitSeconds(linear, foldRows, facts, machine, false),
      final: linearFitSeconds(linear, facts.trainRows, facts, machine, true),
    };
  }
  if (encoder === undefined) return { folds: 0, final: 0 };
  return {
    folds: encoderFitSeconds(encoder, foldRows, facts, machine),
    final: encoderFitSeconds(encoder, facts.trainRows, facts, machine),
  };
}

function compareParts(set: string, plan: Plan, run: FinishedRun): Ratio[] {
  const parts = new Map(
    plan.candidates.flatMap((candidate) => candidate.parts.map((part) => [part, candidate] as const)),
  );
  return [...parts].flatMap(([part, candidate]): Ratio[] => {
    const measured = measuredSeconds(run, part);
    if (measured === undefined) return [];
    const estimated = estimatedSeconds(plan, candidate, part);
    const [took, expected] = [
      measured.folds + (measured.final ?? 0),
      estimated.folds + (measured.final === undefined ? 0 : estimated.final),
    ];
    const recipe =
      part.startsWith("encoder") && candidate.encoder !== undefined
        ? {
            epochs: candidate.encoder.epochs,
            folds: candidate.encoder.folds,
            steps: stepsOf(candidate.encoder, plan.facts.trainRows),
          }
        : {};
    printJson({ bench: "plan", set, part, ...recipe, estimated, measured, ratio: took / expected });
    return [{ set, figure: "seconds", of: part, ratio: took / expected }];
  });
}

const reportSchema = z.object({
  facts: z.object({
    student: z.object({ sizeBytes: z.number() }),
    compared: z.array(z.object({ name: z.string(), sizeBytes: z.number().optional() })),
  }),
});

/** Latency and size of the shipped student and, where it is another one, of the linear rung. */
function compareStudents(set: string, plan: Plan, run: FinishedRun): Ratio[] {
  const { facts } = reportSchema.parse(readRunFile(run.runFolder, "report.json"));
  const chosen = run.candidates.find(({ status }) => status === "chosen")?.name;
  const linear = plan.candidates.find(({ kind, status }) => kind === "linear" && status === "train")?.name;
  const served = [
    { candidate: chosen, measured: "student-int8", sizeBytes: facts.student.sizeBytes },
    {
      candidate: linear,
      measured: "linear",
      sizeBytes: facts.compared.find(({ name }) => name === "linear")?.sizeBytes,
    },
  ];
  return served.flatMap(({ candidate, measured, sizeBytes }): Ratio[] => {
    const estimate = plan.candidates.find(({ name }) => name === candidate)?.estimate;
    const p50Ms = run.measured.students.find(({ name }) => name === measured)?.latency.p50Ms;
    if (candidate === undefined || estimate === undefined || p50Ms === undefined || sizeBytes === undefined) return [];
    const estimated = { latencyMs: estimate.latencyMs, sizeBytes: estimate.sizeBytes };
    const ratios = { latencyRatio: p50Ms / estimate.latencyMs, sizeRatio: sizeBytes / estimate.sizeBytes };
    printJson({ bench: "plan", set, student: candidate, estimated, measured: { p50Ms, sizeBytes }, ...ratios });
    return [
      { set, figure: "latency", of: candidate, ratio: ratios.latencyRatio },
      { set, figure: "size", of: candidate, ratio: ratios.sizeRatio },
    ];
  });
}

/** The ratio furthest from 1, in either direction. */
function worst(ratios: readonly Ratio[]): Ratio | null {
  return ratios.toSorted((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)))[0] ?? null;
}

const { values: flags } = parseArgs({
  options: {
    sets: { type: "string", default: "banking77,clinc150,sms-spam" },
    minutes: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    data: { type: "string", default: join("..", "shared", "data") },
    work: { type: "string" },
  },
});

const ratios: Ratio[] = [];
for (const set of flags.sets.split(",")) {
  await withFolder(flags.work === undefined ? undefined : join(flags.work, set), async (folder) => {
    const data = loadDataSet(set, flags.data);
    const logs = writeChatLogs(join(folder, "train.jsonl"), data.system, data.train);
    const run = await runProduct({
      logs,
      out: join(folder, `seed-${flags.seed}`),
      minutes: Number(flags.minutes),
      seed: Number(flags.seed),
    });
    const plan = readRunFile(run.runFolder, "plan.json") as Plan;
    ratios.push(...compareParts(set, plan, run), ...compareStudents(set, plan, run));
    const { gflops, sparseMflops } = plan.machine;
    printJson({
      bench: "plan",
      set,
      minutesAsked: plan.minutes,
      minutesTaken: run.seconds / 60,
      plannedSeconds: plan.trainSeconds,
      gflops,
      sparseMflops,
    });
  });
}
const verdicts = (["seconds", "latency", "size"] as const).map((figure) => {
  const furthest = worst(ratios.filter((each) => each.figure === figure));
  const within = furthest !== null && Math.abs(furthest.ratio - 1) <= TOLERANCES[figure];
  return [figure, { ...furthest, tolerance: TOLERANCES[figure], within }] as const;
});
printJson({ bench: "plan", summary: true, ...Object.fromEntries(verdicts) });
