/** @file Runtimes besides Node's: whether their answers to the sealed rows prove the gate too. Tried where they are installed. */
import { measureCalibration } from "../evaluate/calibration.js";
import { isProvedAt, type GatePlan, type GateResult } from "../evaluate/gate.js";
import type { Row } from "../dataset/types.js";
import { compareLogits } from "../export/parity.js";
import { answersOf } from "../student/student.js";
import type { StudentManifest } from "../student/manifest.js";
import { callOutcomes, logitRows } from "./outcomes.js";

export type RuntimeProof = NonNullable<StudentManifest["runtimes"]>[number];

/** Names the int8 student under WebAssembly among those that answer the sealed rows. */
export const WASM_STUDENT = "student-wasm";

/** Whether onnxruntime-web stands beside this package, as it does where a student is meant for a browser. */
export function hasWebRuntime(): boolean {
  try {
    import.meta.resolve("onnxruntime-web");
    return true;
  } catch {
    return false;
  }
}

export interface RuntimeAnswers {
  readonly manifest: StudentManifest;
  readonly sealedRows: readonly Row[];
  /** Of this runtime and of Node, [rows, labels]. */
  readonly logits: Float32Array;
  readonly reference: Float32Array;
  readonly plan: GatePlan;
  readonly gate: GateResult;
}

/** What a runtime made of the sealed rows that Node's answers chose the gate on. */
export function proveRuntime(runtime: RuntimeProof["runtime"], answers: RuntimeAnswers): RuntimeProof {
  const { sealedRows, logits, reference, plan, gate } = answers;
  const manifest = { ...answers.manifest, gate: { ...answers.manifest.gate, threshold: gate.threshold } };
  const classes = manifest.labels.length;
  const texts = sealedRows.map(({ text }) => text);
  const own = answersOf(manifest, texts, logits);
  const expected = answersOf(manifest, texts, reference);
  const { scores, outcomes } = measureCalibration(manifest.calibrator, logitRows(sealedRows, logits, classes));
  const calls = callOutcomes(sealedRows, scores, outcomes);
  return {
    runtime,
    rows: sealedRows.length,
    sameAnswers: own.filter(
      ({ label, decision }, i) => label === expected[i]?.label && decision === expected[i]?.decision,
    ).length,
    maxProbabilityDifference: compareLogits(runtime, reference, logits, classes).maxProbabilityDifference,
    isProved: gate.threshold !== null && isProvedAt(gate.threshold, plan, calls),
  };
}
