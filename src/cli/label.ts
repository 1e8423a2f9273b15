/** @file `joryu label`: texts in, a teacher's answers out, as records that `joryu run` imports. */
import type { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { checkTextFormat } from "../dataset/texts.js";
import { FAILED_ENDS, labelFiles } from "../pipeline/teach.js";
import type { LabelResult } from "../teacher/label.js";
import { interruptible } from "./interrupt.js";
import { createProgress, note, printJson, printLine } from "./output.js";
import { ACKNOWLEDGE_FLAG, INPUT_FLAG, numberFlag, withAcknowledged } from "./run-options.js";
import { addTeacherFlags, teacherConfigOf, type TeacherFlags } from "./teacher-options.js";

interface LabelFlags extends TeacherFlags {
  readonly config?: string;
  readonly format: string;
  readonly input?: string;
  readonly seed?: string;
  readonly out?: string;
  readonly acknowledge?: string[];
  readonly json?: boolean;
}

function printSummary({ summary, recordsPath, rejectsPath }: LabelResult): void {
  const { texts, occurrences, labelledTexts, accepted, rejected, unanswered, agreement } = summary;
  const rejections = Object.entries(rejected);
  printLine(`labelled ${labelledTexts} of ${texts} texts (${occurrences} rows): ${accepted} answers accepted`);
  for (const [reason, count] of rejections) printLine(`rejected ${count}: ${reason}`);
  if (unanswered > 0)
    printLine(`unanswered ${unanswered}${summary.ended === "budget" ? ": the budget is used up" : ""}`);
  for (const [reason, count] of Object.entries(summary.failures)) printLine(`failures ${count}: ${reason}`);
  for (const [reason, count] of Object.entries(summary.withoutLogprobs)) {
    printLine(`without log-probabilities ${count}: ${reason}`);
  }
  if (summary.plainAnswers > 0) printLine(`read from plain text ${summary.plainAnswers}`);
  if (agreement.pairs > 0)
    printLine(`the teacher agrees with itself in ${agreement.agreeing} of ${agreement.pairs} pairs`);
  if (summary.spentUsd !== undefined) {
    const possibly = summary.possiblySpentUsd ?? 0;
    printLine(
      `spent ${summary.spentUsd.toFixed(4)} USD${possibly > 0 ? `, possibly ${possibly.toFixed(4)} USD more` : ""}`,
    );
  }
  if (summary.boundCosts > 0)
    printLine(`without token counts ${summary.boundCosts}: counted at the most they can cost`);
  if (rejections.length > 0) printLine(`rejected answers: ${rejectsPath}`);
  printLine(`records: ${recordsPath}`);
  printLine(`next: joryu run --logs ${recordsPath}`);
}

async function label(files: string[], flags: LabelFlags): Promise<void> {
  const columns = { input: flags.input };
  const given = { out: flags.out, seed: numberFlag("--seed", flags.seed), columns, ...teacherConfigOf(flags) };
  const config = withAcknowledged(loadConfig(flags.config, given), flags.acknowledge);
  const format = checkTextFormat(flags.format);
  const progress = createProgress();
  try {
    const result = await labelFiles(files, config, { format, progress, signal: interruptible(progress).signal });
    progress.stop();
    finish(result, flags.json === true);
  } finally {
    progress.stop();
  }
}

function finish(result: LabelResult, json: boolean): void {
  const { summary, recordsPath, rejectsPath } = result;
  if (json) printJson({ ...summary, records: recordsPath, rejects: rejectsPath });
  else printSummary(result);
  const failed = FAILED_ENDS.get(summary.ended);
  if (failed === undefined) return;
  note(`joryu: ${failed}`);
  process.exitCode = 1;
}

export function addLabel(program: Command): void {
  const command = program
    .command("label")
    .description("asks a teacher for the labels of texts; the answers become records for `joryu run`")
    .argument("<file...>", "texts: CSV, JSON lines or plain lines")
    .option("--config <file>", "configuration (YAML), section `label`");
  addTeacherFlags(command)
    .option(...INPUT_FLAG)
    .option(...ACKNOWLEDGE_FLAG)
    .option("--format <name>", "auto, csv, jsonl or lines", "auto")
    .option("--seed <n>", "seed of the waits and of the teacher's sampling (default 1)")
    .option("--out <dir>", "folder of the project's state (default .joryu)")
    .option("--json", "print the counts as a JSON line")
    .action(label);
}
