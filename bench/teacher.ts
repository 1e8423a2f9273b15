/** @file Fine-tuning beside PyTorch: the same base, rows, recipe and threads, once by the product's training and once by the plain script of
 *  peers/finetune-torch.py. With one thread each both run at the same time, pinned to a core of their own (cores alternate by seed); with more
 *  they run one after the other (the order alternates). A share of the training rows is held out; the official test rows only report.
 *
 *      node dist/bench/teacher.js --base DIR [--set banking77] [--seeds 1,2,3] [--epochs 5] [--threads 1] [--rows N] [--group-by-length] [--data DIR] */
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PRETRAINED_TRAIN_DEFAULTS } from "../src/distill/spec.js";
import { SessionError, UsageError } from "../src/errors.js";
import { type Base, openBase } from "../src/pipeline/pretrained/base.js";
import { teacherLosses } from "../src/pipeline/encoder-spec.js";
import { createRandom, permutation } from "../src/random.js";
import { type DataSet, loadDataSet, type LabelledText } from "./datasets.js";
import { type FitResult, fitResultSchema, type FitRows, teacherRecipe } from "./finetune.js";
import { peerPython } from "./peers/linear-sklearn.js";
import { printJson, spread, withFolder } from "./product.js";

const OURS = fileURLToPath(new URL("./finetune.js", import.meta.url));
const PEER = join("bench", "peers", "finetune-torch.py");
/** Share of the training rows that is held out, as the product seals. */
const HELD_OUT_RATIO = 0.15;

/** The rows of one seed: those that are not held out, at most `limit` of them. */
function fitRows({ train, test }: DataSet, seed: number, limit: number): FitRows {
  const names = [...new Set(train.map(({ label }) => label))].sort();
  const places = new Map(names.map((name, place) => [name, place]));
  const numbered = (rows: readonly LabelledText[]) =>
    rows.map(({ text, label }) => ({ text, label: places.get(label) ?? 0 }));
  const order = permutation(train.length, createRandom(seed, "distillation held out"));
  const cut = Math.round(HELD_OUT_RATIO * train.length);
  const at = (rows: Uint32Array): LabelledText[] => Array.from(rows).flatMap((row) => train[row] ?? []);
  return {
    labelCount: names.length,
    train: numbered(at(order.subarray(cut)).slice(0, limit)),
    heldOut: numbered(at(order.subarray(0, cut))),
    test: numbered(test),
  };
}

/** Runs a program and reads its last line; pinned to a core where one is named. */
function runFit(command: readonly string[], core: number | undefined): Promise<FitResult> {
  const [program = "", ...args] = core === undefined ? command : ["taskset", "-c", String(core), ...command];
  return new Promise((done, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) return done(fitResultSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")));
      reject(
        new SessionError(`${command[1] ?? program}: stopped with code ${code}: ${stderr.trim().split("\n").at(-1)}`),
      );
    });
  });
}

interface Settings {
  readonly base: Base;
  readonly basePath: string;
  readonly epochs: number | undefined;
  readonly threads: number;
  readonly groupByLength: boolean;
}

/** What the peer must know of the plan's recipe. */
function peerRecipe(base: Base, rows: FitRows) {
  const { weightDecay, warmupRatio, gradientClip, dropout } = PRETRAINED_TRAIN_DEFAULTS;
  const [labels] = teacherLosses(false);
  const labelSmoothing = labels?.kind === "cross-entropy" ? labels.labelSmoothing : 0;
  const { batchSize, teacher } = teacherRecipe(base, rows);
  const { learningRate } = teacher;
  const { maxTokens } = base;
  return { batchSize, learningRate, weightDecay, warmupRatio, gradientClip, dropout, labelSmoothing, maxTokens };
}

/** Ours, and the peer's where there is one. */
async function bothFits(
  settings: Settings,
  rows: FitRows,
  seed: number,
  folder: string,
): Promise<(FitResult | undefined)[]> {
  const { base, basePath, threads, groupByLength } = settings;
  const epochs = settings.epochs ?? teacherRecipe(base, rows).teacher.epochs;
  const path = join(folder, `rows-${seed}.json`);
  writeFileSync(path, JSON.stringify(rows));
  const flags = [
    "--base",
    basePath,
    "--rows",
    path,
    "--epochs",
    `${epochs}`,
    "--seed",
    `${seed}`,
    "--threads",
    `${threads}`,
  ];
  const python = peerPython();
  const recipe = ["--recipe", JSON.stringify(peerRecipe(base, rows)), ...(groupByLength ? ["--group-by-length"] : [])];
  const ours = [process.execPath, OURS, ...flags];
  const theirs = python === undefined ? undefined : [python, PEER, ...flags, ...recipe];
  const turn = seed % 2;
  if (threads === 1 && canPin())
    return Promise.all([runFit(ours, turn), theirs === undefined ? undefined : runFit(theirs, 1 - turn)]);
  const peerFirst = turn === 1 && theirs !== undefined ? await runFit(theirs, undefined) : undefined;
  const own = await runFit(ours, undefined);
  return [own, peerFirst ?? (theirs === undefined ? undefined : await runFit(theirs, undefined))];
}

/** Whether processes can be pinned to a core here. */
const canPin = (): boolean => spawnSync("taskset", ["--version"]).status === 0;

async function run(
  settings: Settings,
  set: DataSet,
  seeds: readonly number[],
  limit: number,
  folder: string,
): Promise<void> {
  const found: { readonly ratio: number; readonly gain: number }[] = [];
  for (const seed of seeds) {
    const rows = fitRows(set, seed, limit);
    const [ours, theirs] = await bothFits(settings, rows, seed, folder);
    const head = { bench: "teacher", set: set.name, seed, threads: settings.threads, rows: rows.train.length };
    printJson({ ...head, side: "joryu", ...ours });
    if (ours === undefined || theirs === undefined) {
      printJson({ ...head, side: "torch", note: "peer absent" });
      continue;
    }
    printJson({ ...head, side: "torch", groupByLength: settings.groupByLength, ...theirs });
    const ratio = theirs.seconds / ours.seconds;
    const gain = ours.accuracy - theirs.accuracy;
    found.push({ ratio, gain });
    const processorRatio = theirs.processorSeconds / ours.processorSeconds;
    printJson({ ...head, ratio, processorRatio, accuracyGain: gain });
  }
  if (found.length === 0) return;
  const ratio = spread(found.map((one) => one.ratio));
  printJson({ bench: "teacher", summary: true, ratio, accuracyGain: spread(found.map(({ gain }) => gain)) });
}

const { values: flags } = parseArgs({
  options: {
    base: { type: "string" },
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1,2,3" },
    epochs: { type: "string" },
    threads: { type: "string", default: "1" },
    rows: { type: "string" },
    "group-by-length": { type: "boolean", default: false },
    data: { type: "string", default: join("..", "shared", "data") },
  },
});
const { base: basePath } = flags;
if (basePath === undefined) throw new UsageError("--base: name the folder of a pretrained encoder");
const settings: Settings = {
  base: openBase(basePath),
  basePath,
  epochs: flags.epochs === undefined ? undefined : Number(flags.epochs),
  threads: Number(flags.threads),
  groupByLength: flags["group-by-length"],
};
const seeds = flags.seeds.split(",").map(Number);
const limit = flags.rows === undefined ? Infinity : Number(flags.rows);
await withFolder(undefined, (folder) => run(settings, loadDataSet(flags.set, flags.data), seeds, limit, folder));
