/** @file Opens the sealed rows: a fresh process answers them from the exported folders, then the gate is chosen and the figures are
 *  taken. How often the sealed rows of a dataset have been opened is kept beside the datasets. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { measureCalibration, type CalibrationResult } from "../evaluate/calibration.js";
import { chooseThreshold, type GateResult } from "../evaluate/gate.js";
import { readArrays } from "../store/arrays.js";
import { writeFileAtomic, writeJsonAtomic } from "../store/files.js";
import type { StudentManifest } from "../student/manifest.js";
import { runProof, type ProvedStudent } from "./prove-job.js";
import { readJson } from "./run-folder.js";
import type { OutOfFold, TrainContext } from "./rungs.js";

/** Largest probability that the gate's promise fails. */
const GATE_DELTA = 0.05;

/** Counts this run as one that opened the sealed rows; a run counts once, however often it is resumed. */
export function countOpening(stateFolder: string, datasetHash: string, runId: string): number {
  const path = join(stateFolder, "openings", `${datasetHash}.json`);
  const runs = existsSync(path) ? z.array(z.string()).parse(readJson(path)) : [];
  if (!runs.includes(runId)) {
    runs.push(runId);
    writeJsonAtomic(path, runs);
  }
  return runs.indexOf(runId) + 1;
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
  readonly gate: GateResult;
}

/** What the gate was chosen from, one JSON line per row: `fold` (-1 is sealed), `score`, and `correct`, 1 where the answer is the teacher's. */
function gateLines(folds: readonly number[], { scores, outcomes }: CalibrationResult): string {
  return folds
    .map((fold, i) => `${JSON.stringify({ fold, score: scores[i] ?? 0, correct: outcomes[i] ?? 0 })}\n`)
    .join("");
}

/** Calibration and gate of a student from its out-of-fold and its sealed logits; the risk is disagreement with the teacher. What they
 *  were taken from is kept as `gate.jsonl`. */
export function proveStudent(
  context: TrainContext,
  manifest: StudentManifest,
  outOfFold: OutOfFold,
  sealed: Float32Array,
  epsilon: number,
): Proof {
  const classes = manifest.labels.length;
  const unsealed = measureCalibration(manifest.calibrator, {
    logits: outOfFold.logits,
    classes,
    labels: Array.from(outOfFold.rows, (r) => context.rows[r]?.label ?? -1),
  });
  const calibration = measureCalibration(manifest.calibrator, {
    logits: sealed,
    classes,
    labels: context.dataset.rows.filter((row) => row.sealed).map((row) => row.label),
  });
  const folds = Array.from(outOfFold.rows, (r) => context.rows[r]?.fold ?? 0);
  const sealedFolds = new Array<number>(calibration.outcomes.length).fill(-1);
  writeFileAtomic(context.folder.file("gate.jsonl"), gateLines(folds, unsealed) + gateLines(sealedFolds, calibration));
  const gate = chooseThreshold({
    oofScores: unsealed.scores,
    oofCorrect: unsealed.outcomes,
    sealedScores: calibration.scores,
    sealedCorrect: calibration.outcomes,
    epsilon,
    delta: GATE_DELTA,
  });
  return { outOfFold: unsealed, calibration, gate };
}
