/** @file `joryu evaluate`: a student against records that it has not seen, with intervals. */
import type { Command } from "commander";
import type { ImportResult } from "../dataset/import.js";
import { readLabelRecords, type LabelRecord } from "../dataset/records.js";
import { InputError } from "../errors.js";
import { openStudent } from "../student/open.js";
import { shareOf, wilson, type Estimate } from "../stats.js";
import type { Precision } from "../student/manifest.js";
import { answersOf, type Answer } from "../student/student.js";
import { COLUMNS_FLAG, parseColumns } from "./columns-option.js";
import { note, printJson, printLine } from "./output.js";
import { precisionOption } from "./predict.js";
import { redactionNotes } from "../pipeline/redaction.js";
import { addRedactFlags, modelRedactor, type RedactFlags } from "./redact-options.js";
import { ANSWER_PATH_FLAG } from "./run-options.js";

function percent(value: number): string {
  return `${(100 * value).toFixed(2)} %`;
}

function withInterval(estimate: Estimate): string {
  return `${percent(estimate.value)} (95 %: ${percent(estimate.low)} to ${percent(estimate.high)})`;
}

export interface Comparison {
  readonly records: number;
  readonly outsideLabels: number;
  readonly agreement: Estimate;
  readonly goldAccuracy?: Estimate;
  readonly coverage: Estimate;
  /** Absent where nothing is kept. */
  readonly keptAgreement?: Estimate;
  /** Of all answers that leave the cascade, deferred records being answered by the teacher: 1 - share of all records kept and wrong. */
  readonly deliveredAgreement: Estimate;
}

/** A student's predictions beside the answers of the records, in their order. */
export function comparisonOf(
  records: readonly LabelRecord[],
  predictions: readonly Answer[],
  labels: readonly string[],
): Comparison {
  const agree = records.map(({ label }, i) => (labels[label] === predictions[i]?.label ? 1 : 0));
  const kept = predictions.flatMap((prediction, i) => (prediction.decision === "keep" ? [agree[i] ?? 0] : []));
  const gold = records.flatMap((record, i) =>
    record.gold === undefined ? [] : [labels[record.gold] === predictions[i]?.label ? 1 : 0],
  );
  return {
    records: records.length,
    outsideLabels: records.filter((record) => record.label < 0).length,
    agreement: shareOf(agree),
    ...(gold.length === 0 ? {} : { goldAccuracy: shareOf(gold) }),
    coverage: wilson(kept.length, records.length),
    ...(kept.length === 0 ? {} : { keptAgreement: shareOf(kept) }),
    deliveredAgreement: shareOf(predictions.map(({ decision }, i) => (decision === "keep" ? (agree[i] ?? 0) : 1))),
  };
}

/** The lines that a person reads. */
export function comparisonLines(comparison: Comparison): string[] {
  const { records, outsideLabels, agreement, goldAccuracy, coverage, keptAgreement, deliveredAgreement } = comparison;
  const kept =
    keptAgreement === undefined
      ? "nothing: every record is deferred to the teacher"
      : `${percent(coverage.value)} of the records, ${percent(keptAgreement.value)} of them like the teacher`;
  return [
    `records         ${records} (${outsideLabels} with an answer outside the label set)`,
    `agreement       ${withInterval(agreement)}`,
    ...(goldAccuracy === undefined ? [] : [`gold accuracy   ${withInterval(goldAccuracy)}`]),
    `kept            ${kept}`,
    `delivered       ${withInterval(deliveredAgreement)} of all answers are the teacher's where it answers what is deferred`,
  ];
}

interface Options extends RedactFlags {
  readonly model: string;
  readonly records: string;
  readonly columns?: string;
  readonly answerPath?: string;
  readonly precision: Precision;
  readonly json?: boolean;
}

function noteImport({ notes, rejectCounts }: ImportResult): void {
  for (const text of notes) note(text);
  for (const [reason, count] of rejectCounts) note(`rejected ${count}: ${reason}`);
}

async function evaluate(options: Options): Promise<void> {
  const columns = parseColumns(options.columns);
  const redactor = await modelRedactor(options, options.model);
  const student = await openStudent(options.model, { precision: options.precision });
  try {
    const { labels, template } = student.manifest;
    const { answerPath } = options;
    const reading = {
      columns,
      ...(answerPath !== undefined && { answerPath }),
      ...(redactor !== undefined && { redact: redactor.redactRecord }),
    };
    const { records, imported } = await readLabelRecords(options.records, { labels, template }, reading);
    noteImport(imported);
    for (const text of redactor === undefined ? [] : redactionNotes(redactor.facts())) note(text);
    if (records.length === 0) throw new InputError(`${options.records}: no record with an answer`);
    // The template was taken off when the records were read; `predict` would look for it once more.
    const texts = records.map((record) => record.text);
    const answers = answersOf(student.manifest, texts, await student.logits(texts));
    const comparison = comparisonOf(records, answers, labels);
    if (options.json === true) printJson({ ...comparison, rejected: imported.counts.rejected });
    else for (const line of comparisonLines(comparison)) printLine(line);
  } finally {
    await student.close();
  }
}

export function addEvaluate(program: Command): void {
  const command = program
    .command("evaluate")
    .description("compares a student with the answers in a file of records")
    .requiredOption("--model <dir>", "model folder that a run printed")
    .requiredOption("--records <file>", "records in any importable format")
    .addOption(precisionOption())
    .option(...COLUMNS_FLAG)
    .option(...ANSWER_PATH_FLAG)
    .option("--json", "print a JSON line");
  addRedactFlags(command).action(evaluate);
}
