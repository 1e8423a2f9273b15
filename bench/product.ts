/** @file The product as a user drives it: the command line in a process of its own, JSON lines read back. What a bench needs besides
 *  (plan, stage seconds, frozen rows) is read from the files that a run leaves. Knows no data set and no peer. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { nowMs } from "../src/clock.js";
import { readDataset } from "../src/dataset/snapshot.js";
import type { LabelDataset } from "../src/dataset/types.js";
import { SessionError } from "../src/errors.js";

const CLI = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

/** Exit codes of a run that came to a verdict. */
const DEPLOY = 0;
const KEEP_TEACHER = 3;

const estimateSchema = z.object({ value: z.number(), low: z.number(), high: z.number() });

const resultSchema = z.object({
  verdict: z.string(),
  reasons: z.array(z.object({ code: z.string(), facts: z.record(z.string(), z.union([z.number(), z.string()])) })),
  model: z.string(),
  report: z.string(),
  metrics: z.record(z.string(), z.number().nullable()),
  candidates: z.array(z.object({ name: z.string(), kind: z.string(), status: z.string() })),
});

const measuredSchema = z.object({
  stageSeconds: z.record(z.string(), z.number()),
  students: z.array(z.object({ name: z.string(), latency: z.object({ p50Ms: z.number() }) })),
});

const evaluationSchema = z.object({
  records: z.number(),
  agreement: estimateSchema,
  coverage: estimateSchema,
  /** Absent where nothing is kept. */
  keptAgreement: estimateSchema.optional(),
});

const predictionSchema = z.object({
  text: z.string(),
  label: z.string(),
  probability: z.number(),
  decision: z.enum(["keep", "defer"]),
});

export type Prediction = z.infer<typeof predictionSchema>;
export type Evaluation = z.infer<typeof evaluationSchema>;

export interface RunSettings {
  readonly logs: string;
  readonly out: string;
  readonly minutes: number;
  readonly seed: number;
  /** A machine profile that fixes the plan. */
  readonly machine?: string;
  /** Folder of a pretrained encoder. */
  readonly base?: string;
  /** Requirements, as `--target` takes them. */
  readonly target?: string;
}

/** What a finished run printed and left. */
export interface FinishedRun extends z.infer<typeof resultSchema> {
  readonly exitCode: number;
  /** Wall time of the command, start of Node and import included. */
  readonly seconds: number;
  /** `<out>/runs/<id>` */
  readonly runFolder: string;
  readonly measured: z.infer<typeof measuredSchema>;
}

interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `joryu` with arguments; `input` goes to its standard input. */
function joryu(args: readonly string[], input?: string): Promise<Finished> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => undefined); // a child that stops early closes the pipe; its exit code tells why
    child.once("error", reject);
    child.once("close", (code) => done({ exitCode: code ?? 1, stdout, stderr }));
    child.stdin.end(input ?? "");
  });
}

function jsonLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

function failure(command: string, { exitCode, stderr }: Finished): SessionError {
  return new SessionError(
    `joryu ${command} stopped with code ${exitCode}: ${stderr.trim().split("\n").slice(-3).join(" | ")}`,
  );
}

/** `joryu run`. @throws SessionError when it came to no verdict. */
export async function runProduct({
  logs,
  out,
  minutes,
  seed,
  machine,
  base,
  target,
}: RunSettings): Promise<FinishedRun> {
  const startMs = nowMs();
  const args = ["run", "--logs", logs, "--out", out, "--minutes", String(minutes), "--seed", String(seed), "--json"];
  if (machine !== undefined) args.push("--machine", machine);
  if (base !== undefined) args.push("--base", base);
  if (target !== undefined) args.push("--target", target);
  const finished = await joryu(args);
  const seconds = (nowMs() - startMs) / 1000;
  if (finished.exitCode !== DEPLOY && finished.exitCode !== KEEP_TEACHER) throw failure("run", finished);
  const result = resultSchema.parse(jsonLines(finished.stdout).at(-1));
  const runFolder = dirname(result.report);
  const measured = measuredSchema.parse(readRunFile(runFolder, "measured.json"));
  return { ...result, exitCode: finished.exitCode, seconds, runFolder, measured };
}

/** A JSON file of a run's folder. */
export function readRunFile(runFolder: string, name: string): unknown {
  return JSON.parse(readFileSync(join(runFolder, name), "utf8"));
}

/** The frozen dataset that a run was trained and proved on. */
export function datasetOf(run: FinishedRun, out: string): LabelDataset {
  const report = z
    .object({ facts: z.object({ dataset: z.object({ hash: z.string() }) }) })
    .parse(readRunFile(run.runFolder, "report.json"));
  return readDataset(join(out, "datasets", report.facts.dataset.hash));
}

/** `joryu predict --json`, each text a JSON string on a line of standard input. @throws SessionError unless one answer came per text. */
export async function predictTexts(model: string, texts: readonly string[]): Promise<Prediction[]> {
  const finished = await joryu(
    ["predict", "--model", model, "--json"],
    `${texts.map((text) => JSON.stringify(text)).join("\n")}\n`,
  );
  if (finished.exitCode !== 0) throw failure("predict", finished);
  const predictions = jsonLines(finished.stdout).map((line) => predictionSchema.parse(line));
  if (predictions.length !== texts.length) {
    throw new SessionError(`joryu predict: expected ${texts.length} answers, came ${predictions.length}`);
  }
  return predictions;
}

/** `joryu evaluate --json`. */
export async function evaluateProduct(model: string, records: string): Promise<Evaluation> {
  const finished = await joryu(["evaluate", "--model", model, "--records", records, "--json"]);
  if (finished.exitCode !== 0) throw failure("evaluate", finished);
  return evaluationSchema.parse(jsonLines(finished.stdout).at(-1));
}

/** Gives `work` a folder: the one that is named and kept (a second run goes on in it), else a temporary one that is removed. */
export async function withFolder<T>(kept: string | undefined, work: (folder: string) => Promise<T>): Promise<T> {
  if (kept !== undefined) {
    mkdirSync(kept, { recursive: true });
    return work(resolve(kept));
  }
  const folder = mkdtempSync(join(tmpdir(), "joryu-bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Mean, least and greatest of some values, with how many there are. */
export function spread(values: readonly number[]): {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly n: number;
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return { mean, min: Math.min(...values), max: Math.max(...values), n: values.length };
}

/** Prints a JSON line. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
