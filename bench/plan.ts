/** @file The plan's estimates beside what the run then measured: training seconds of each candidate (all its fits), latency
 *  of one query, size. Prints JSON lines, one per candidate and student, a last one with the ratios furthest from 1.
 *
 *      node dist/bench/plan.js [--sets banking77,clinc150,sms-spam] [--minutes 20] [--seed 1] [--data DIR] [--work DIR] */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import type { Plan } from "../src/plan/plan.js";
import { loadDataSet, writeChatLogs } from "./datasets.js";
import { printJson, readRunFile, runProduct, withFolder, type FinishedRun } from "./product.js";

/** Measured over estimated. */
interface Ratio {
  readonly set: string;
  readonly figure: "seconds" | "latency" | "size";
  readonly of: string;
  readonly ratio: number;
}

/** How far an estimate may lie from its measurement. */
const TOLERANCES = { seconds: 0.3, latency: 0.3, size: 0.05 } as const;

const reportSchema = z.object({
  facts: z.object({
    student: z.object({ sizeBytes: z.number() }),
    compared: z.array(z.object({ name: z.string(), sizeBytes: z.number().optional() })),
    measured: z.object({ trainSeconds: z.record(z.string(), z.number()) }),
  }),
});

/** Wall seconds of all fits of each trained candidate, parts that candidates share counted in each. */
function compareTraining(set: string, plan: Plan, run: FinishedRun): Ratio[] {
  const { facts } = reportSchema.parse(readRunFile(run.runFolder, "report.json"));
  return plan.candidates.flatMap(({ name, estimate, linear, encoder }): Ratio[] => {
    const measured = facts.measured.trainSeconds[name];
    if (measured === undefined) return [];
    const epochs = encoder?.epochs ?? linear?.epochs;
    const ratio = measured / estimate.trainSeconds;
    const [trainSeconds, folds] = [{ estimated: estimate.trainSeconds, measured }, encoder?.folds];
    printJson({
      bench: "plan",
      set,
      candidate: name,
      epochs,
      ...(folds !== undefined && { folds }),
      trainSeconds,
      ratio,
    });
    return [{ set, figure: "seconds", of: name, ratio }];
  });
}

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
    ratios.push(...compareTraining(set, plan, run), ...compareStudents(set, plan, run));
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
