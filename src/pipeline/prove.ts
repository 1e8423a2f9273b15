/** @file Opens the sealed rows: a fresh process answers them from the exported folders, then the gate is chosen and the figures are
 *  taken. How often the sealed rows of a dataset have been opened is kept beside the datasets. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { wallClockMs } from "../clock.js";
import { measureCalibration, type CalibrationResult } from "../evaluate/calibration.js";
import type { CallOutcomes } from "../evaluate/calls.js";
import { openGate, planGate, type GatePlan, type GateResult } from "../evaluate/gate.js";
import type { Promised } from "../evaluate/risk-test.js";
import type { Row } from "../dataset/types.js";
import { readArrays } from "../store/arrays.js";
import { makeFolder, writeFileAtomic, writeJsonAtomic } from "../store/files.js";
import type { StudentManifest } from "../student/manifest.js";
import { type ProvedStudent } from "./prove-job.js";
import { runProof } from "./run-proof.js";
import { readJson } from "./run-folder.js";
import { callOutcomes, callsOf, logitRows } from "./outcomes.js";
import { proveRuntime, type RuntimeProof } from "./runtimes.js";
import type { OutOfFold, TrainContext } from "./train-context.js";

/** Largest probability that the gate's promise fails. */
export const GATE_DELTA = 0.05;

/** The largest risk that a target allows: 1 - agreement without the dust of binary fractions. */
export function riskOf(agreement: number): number {
  return Number((1 - agreement).toFixed(12));
}

/** What names a sealed row in the count of openings, whatever else its dataset holds: its text. */
function rowHash({ text }: Row): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

const openingSchema = z.strictObject({ looks: z.int().min(1), rows: z.array(z.string()) });

/** Notes which sealed rows this run has opened; how many runs had by then, this one included, opened some of them. A run counts once, however
 *  often it is resumed, and a row that stands in another dataset (one line more, another seed) counts there too. */
export function countOpening(stateFolder: string, sealed: readonly Row[], runId: string): number {
  const folder = join(stateFolder, "openings");
  const path = join(folder, `${runId}.json`);
  if (existsSync(path)) return openingSchema.parse(readJson(path)).looks;
  const own = new Set(sealed.map(rowHash));
  if (own.size === 0) return 0;
  makeFolder(folder);
  const names = readdirSync(folder).filter((name) => /^[0-9a-f]{12}\.json$/.test(name));
  const others = names.filter((name) =>
    openingSchema.parse(readJson(join(folder, name))).rows.some((hash) => own.has(hash)),
  );
  const looks = others.length + 1;
  writeJsonAtomic(path, { looks, rows: [...own].sort() });
  return looks;
}

/** Runs the proof unless it was run already, and gives the logits of each student on the sealed rows. */
export async function openSealed(
  context: TrainContext,
  datasetFolder: string,
  students: readonly ProvedStudent[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const out = context.folder.path;
  if (context.folder.measured().students.length < students.length) {
    context.progress.update("prove", 0.05);
    context.folder.record({
      students: await runProof({ dataset: datasetFolder, out, students: [...students] }, context.signal),
      provedMs: wallClockMs(),
    });
  }
  context.progress.update("prove", 1);
  const logits = new Map<string, Float32Array>();
  for (const { name } of students) {
    logits.set(name, readArrays(join(out, `sealed-${name}.bin`)).get("logits") ?? new Float32Array());
  }
  return logits;
}

export interface Proof {
  /** Of the out-of-fold rows, scored by the shipped calibrator. */
  readonly outOfFold: CalibrationResult;
  readonly calibration: CalibrationResult;
  readonly outOfFoldCalls: CallOutcomes;
  readonly sealedCalls: CallOutcomes;
  readonly gate: GateResult;
  /** What other runtimes made of the same rows. */
  readonly runtimes: readonly RuntimeProof[] | undefined;
  /** What the other promise would have kept on the same calls: information, not what was decided by. */
  readonly other: GateResult;
}

/** What the gate was chosen from, one JSON line per call: `fold` (-1 is sealed), `score`, `group`, and `correct`: the share in which the answer
 *  is the teacher's. */
function gateLines(folds: readonly number[], { scores, right, groups }: CallOutcomes): string {
  return folds
    .map((fold, i) => {
      const line = { fold, score: scores[i] ?? 0, correct: right[i] ?? 0, group: groups[i] ?? 0 };
      return `${JSON.stringify(line)}\n`;
    })
    .join("");
}

/** Of the int8 graph on the sealed rows, [rows, labels], by runtime. */
export interface SealedLogits {
  readonly node: Float32Array;
  readonly wasm?: Float32Array;
}

export interface ProofSettings {
  readonly promise: Promised;
  /** Largest risk, a ratio. */
  readonly epsilon: number;
}

/** Calibration and gate of a student from its out-of-fold and its sealed logits; the risk is that of a call to differ from the teacher's answer in
 *  that very call. What they were taken from is kept as `gate.jsonl`. */
export function proveStudent(
  context: TrainContext,
  manifest: StudentManifest,
  outOfFold: OutOfFold,
  logits: SealedLogits,
  { promise, epsilon }: ProofSettings,
): Proof {
  const sealed = logits.node;
  const classes = manifest.labels.length;
  const open = Array.from(outOfFold.rows, (r) => context.rows[r]).flatMap((row) => row ?? []);
  const sealedRows = context.dataset.rows.filter((row) => row.sealed);
  const unsealed = measureCalibration(manifest.calibrator, logitRows(open, outOfFold.logits, classes));
  const calibration = measureCalibration(manifest.calibrator, logitRows(sealedRows, sealed, classes));
  const outOfFoldCalls = callOutcomes(open, unsealed.scores, unsealed.outcomes);
  const sealedCalls = callOutcomes(sealedRows, calibration.scores, calibration.outcomes);
  const folds = Array.from(callsOf(open).rows, (r) => open[r]?.fold ?? 0);
  const sealedFolds = new Array<number>(sealedCalls.scores.length).fill(-1);
  writeFileAtomic(
    context.folder.file("gate.jsonl"),
    gateLines(folds, outOfFoldCalls) + gateLines(sealedFolds, sealedCalls),
  );
  const planOf = (promised: Promised): GatePlan =>
    planGate(outOfFoldCalls, sealedCalls, { promise: promised, epsilon, delta: GATE_DELTA, seed: context.seed });
  const plan = planOf(promise);
  const gate = openGate(plan, sealedCalls);
  const other = openGate(planOf(promise === "delivered" ? "kept" : "delivered"), sealedCalls);
  const runtimes =
    logits.wasm === undefined || sealedRows.length === 0
      ? undefined
      : [proveRuntime("wasm", { manifest, sealedRows, logits: logits.wasm, reference: sealed, plan, gate })];
  return { outOfFold: unsealed, calibration, outOfFoldCalls, sealedCalls, gate, other, runtimes };
}
