/** @file The path from teacher to student on test rows that nothing was chosen on: every student of a run answers them, in int8. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { openedBytes } from "../src/pipeline/publish.js";
import { UNCUT } from "../src/plan/candidates.js";
import { wilson, type Estimate } from "../src/stats.js";
import type { LabelledText } from "./datasets.js";
import { predictTexts, type FinishedRun } from "./product.js";

/** One student of a run on the test rows. */
export interface BenchStep {
  readonly name: string;
  readonly accuracy: Estimate;
  /** Sum of the files that `predict` opens. */
  readonly sizeBytes: number;
  /** With the answers of the uncut teacher, gates aside; absent where the run has none. */
  readonly uncutAgreement?: Estimate;
}

const shareOf = (answers: readonly string[], wanted: readonly string[]): Estimate =>
  wilson(answers.filter((answer, i) => answer === wanted[i]).length, answers.length);

/** All students that a run has left, by name. */
export async function pathOf(run: FinishedRun, test: readonly LabelledText[]): Promise<BenchStep[]> {
  const students = join(run.runFolder, "students");
  const names = existsSync(students) ? readdirSync(students).sort() : [];
  const texts = test.map(({ text }) => text);
  const answers = new Map<string, readonly string[]>();
  for (const name of names)
    answers.set(
      name,
      (await predictTexts(join(students, name), texts)).map(({ label }) => label),
    );
  const uncut = answers.get(UNCUT);
  return Array.from(answers, ([name, own]) => ({
    name,
    accuracy: shareOf(
      own,
      test.map(({ label }) => label),
    ),
    sizeBytes: openedBytes(join(students, name), "onnx/model_int8.onnx"),
    ...(uncut !== undefined && { uncutAgreement: shareOf(own, uncut) }),
  }));
}

/** Accuracy and size of each step as figures that a summary can average. */
export function pathFigures(path: readonly BenchStep[]): Record<string, number> {
  return Object.fromEntries(
    path.flatMap(({ name, accuracy, sizeBytes }) => [
      [`${name}Accuracy`, accuracy.value],
      [`${name}SizeBytes`, sizeBytes],
    ]),
  );
}
