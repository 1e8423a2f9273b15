/** @file Accuracy of the shipped int8 student on test rows that nothing was chosen on, beside scikit-learn's linear model trained on the
 *  very same rows, with paired tests. The product runs as a user would run it, its own hold-out in force. Prints JSON lines: one per
 *  seed, a last one with mean, least and greatest.
 *
 *      node dist/bench/accuracy.js --set banking77 --seeds 1,2,3,4,5 --minutes 20 [--data DIR] [--work DIR] [--machine FILE] [--base DIR] [--target LIST] */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { comparePaired, type PairedComparison } from "../src/evaluate/compare.js";
import { percentile } from "../src/stats.js";
import { loadDataSet, writeChatLogs, type DataSet, type LabelledText } from "./datasets.js";
import { pathFigures, pathOf } from "./path.js";
import { peerPython, runPeer, type PeerResult } from "./peers/linear-sklearn.js";
import {
  datasetOf,
  evaluateProduct,
  predictTexts,
  printJson,
  runProduct,
  spread,
  withFolder,
  type FinishedRun,
} from "./product.js";

interface Settings {
  readonly minutes: number;
  readonly machine?: string;
  readonly base?: string;
  readonly target?: string;
}

/** What one seed gives: the figures that the summary averages, and what is printed beside them. */
interface SeedResult {
  readonly figures: Readonly<Record<string, number | null>>;
  readonly printed: Readonly<Record<string, unknown>>;
}

const ratioOf = (outcomes: readonly number[]): number =>
  outcomes.reduce((sum, value) => sum + value, 0) / Math.max(1, outcomes.length);

function outcomesOf(labels: readonly string[], test: readonly LabelledText[]): number[] {
  return test.map((row, i) => (labels[i] === row.label ? 1 : 0));
}

/** 1 where a student has a test row right. */
async function outcomesIn(folder: string, test: readonly LabelledText[]): Promise<number[]> {
  const predictions = await predictTexts(
    folder,
    test.map(({ text }) => text),
  );
  return outcomesOf(
    predictions.map(({ label }) => label),
    test,
  );
}

/** The rows that the product was free to train on, as another learner needs them. */
function unsealedRows(run: FinishedRun, out: string): LabelledText[] {
  const { rows, labels } = datasetOf(run, out);
  return rows.flatMap((row) => (row.sealed ? [] : [{ text: row.text, label: labels[row.gold ?? row.label] ?? "" }]));
}

/** Folder of the linear rung of a run: the shipped model itself when that is linear. */
function linearFolder(run: FinishedRun): string | undefined {
  const chosen = run.candidates.find(({ status }) => status === "chosen");
  if (chosen?.kind === "linear") return run.model;
  const students = join(run.runFolder, "students");
  const name = existsSync(students) ? readdirSync(students).find((each) => each.startsWith("linear")) : undefined;
  return name === undefined ? undefined : join(students, name);
}

/** Seconds of the final fit of the linear rung, features included; null when a run did not fit it. */
function linearFitSeconds(run: FinishedRun): number | null {
  const stage = Object.entries(run.measured.stageSeconds).find(([name]) => /^linear.*-weights$/.test(name));
  return stage?.[1] ?? null;
}

function pairedFacts({ difference, pValue, onlyFirst, onlySecond }: PairedComparison): Record<string, unknown> {
  return { difference: difference.value, low: difference.low, high: difference.high, pValue, onlyFirst, onlySecond };
}

function peerFacts(
  peer: PeerResult | undefined,
  student: readonly number[],
  linear: readonly number[] | undefined,
  test: readonly LabelledText[],
): SeedResult {
  if (peer === undefined) return { figures: {}, printed: { peer: "peer absent" } };
  const theirs = outcomesOf(peer.predictions, test);
  const paired = comparePaired(student, theirs);
  const printed = {
    studentMinusPeer: pairedFacts(paired),
    ...(linear === undefined ? {} : { linearMinusPeer: pairedFacts(comparePaired(linear, theirs)) }),
  };
  return {
    figures: {
      peerAccuracy: ratioOf(theirs),
      peerFitSeconds: peer.fitSeconds,
      studentMinusPeer: paired.difference.value,
    },
    printed,
  };
}

async function runSeed(
  data: DataSet,
  logs: string,
  folder: string,
  seed: number,
  settings: Settings,
): Promise<SeedResult> {
  const out = join(folder, `seed-${seed}`);
  mkdirSync(out, { recursive: true });
  const run = await runProduct({ logs, out, seed, ...settings });
  const student = await outcomesIn(run.model, data.test);
  const evaluation = await evaluateProduct(run.model, join(folder, "test.jsonl"));
  const linearModel = linearFolder(run);
  const linear = linearModel === undefined ? undefined : await outcomesIn(linearModel, data.test);
  const python = peerPython();
  const peer = python === undefined ? undefined : runPeer(python, out, unsealedRows(run, out), data.test);
  const beside = peerFacts(peer, student, linear, data.test);
  const { metrics, measured } = run;
  const path = await pathOf(run, data.test);
  const figures = {
    accuracy: ratioOf(student),
    linearAccuracy: linear === undefined ? null : ratioOf(linear),
    ...beside.figures,
    sealedAgreement: metrics["agreement"] ?? null,
    coverage: metrics["coverage"] ?? null,
    unguaranteedCoverage: metrics["unguaranteedCoverage"] ?? null,
    testCoverage: evaluation.coverage.value,
    testKeptAgreement: evaluation.keptAgreement?.value ?? null,
    sizeBytes: metrics["sizeBytes"] ?? null,
    p50Ms: metrics["p50Ms"] ?? null,
    p95Ms: metrics["p95Ms"] ?? null,
    linearFitSeconds: linearFitSeconds(run),
    minutes: run.seconds / 60,
    ...pathFigures(path),
  };
  const chosen = run.candidates.find(({ status }) => status === "chosen");
  const printed = {
    ...beside.printed,
    verdict: run.verdict,
    reasons: run.reasons.map(({ code }) => code),
    exitCode: run.exitCode,
    candidate: chosen?.name,
    kind: chosen?.kind,
    evaluatedAgreement: evaluation.agreement.value,
    trainRows: metrics["trainRows"],
    sealedRows: metrics["sealedRows"],
    testRows: data.test.length,
    ...(linear === undefined ? {} : { studentMinusLinear: pairedFacts(comparePaired(student, linear)) }),
    path,
    stageSeconds: measured.stageSeconds,
  };
  return { figures, printed };
}

function summary(results: readonly SeedResult[]): Record<string, unknown> {
  const names = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))];
  const valuesOf = (name: string): number[] => results.flatMap(({ figures }) => figures[name] ?? []);
  const spreads = names
    .filter((name) => valuesOf(name).length > 0)
    .map((name) => [name, spread(valuesOf(name))] as const);
  const median = (name: string): number =>
    percentile(
      valuesOf(name).sort((a, b) => a - b),
      0.5,
    );
  const withGap = results.flatMap(({ figures }) => (figures["unguaranteedCoverage"] ?? 0) - (figures["coverage"] ?? 0));
  return { ...Object.fromEntries(spreads), medianCoverage: median("coverage"), coverageGap: spread(withGap) };
}

const { values: flags } = parseArgs({
  options: {
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1,2,3,4,5" },
    minutes: { type: "string", default: "20" },
    data: { type: "string", default: join("..", "shared", "data") },
    work: { type: "string" },
    machine: { type: "string" },
    base: { type: "string" },
    target: { type: "string" },
  },
});

const minutes = Number(flags.minutes);
const settings: Settings = {
  minutes,
  ...(flags.machine !== undefined && { machine: flags.machine }),
  ...(flags.base !== undefined && { base: flags.base }),
  ...(flags.target !== undefined && { target: flags.target }),
};
for (const set of flags.set.split(",")) {
  await withFolder(flags.work === undefined ? undefined : join(flags.work, set), async (folder) => {
    const data = loadDataSet(set, flags.data);
    const logs = writeChatLogs(join(folder, "train.jsonl"), data.system, data.train);
    writeChatLogs(join(folder, "test.jsonl"), data.system, data.test);
    const results: SeedResult[] = [];
    for (const seed of flags.seeds.split(",").map(Number)) {
      const result = await runSeed(data, logs, folder, seed, settings);
      results.push(result);
      printJson({ bench: "accuracy", set, seed, minutesAsked: minutes, ...result.figures, ...result.printed });
    }
    printJson({
      bench: "accuracy",
      set,
      summary: true,
      minutesAsked: minutes,
      seeds: flags.seeds,
      ...summary(results),
    });
  });
}
