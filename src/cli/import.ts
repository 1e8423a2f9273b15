/** @file `joryu import`: reads logs and says what they hold: what became of every record, which column became what, every workload with its
 *  labels, template and samples. Keeps nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { ImportResult } from "../dataset/import.js";
import { fileLine, shortLine } from "../dataset/opening-notes.js";
import { surveyLogs, type LogSurvey, type SurveyedWorkload } from "../dataset/survey.js";
import { redactionNotes } from "../pipeline/redaction.js";
import { COLUMNS_FLAG, parseColumns } from "./columns-option.js";
import { interruptible } from "./interrupt.js";
import { createProgress, note, printJson, printLine } from "./output.js";
import { addRedactFlags, temporaryRedactor, type RedactFlags } from "./redact-options.js";
import { ANSWER_PATH_FLAG, MERGE_FLAG, mergesOf, SHEET_FLAG } from "./run-options.js";

/** Rejected lines and labels that are printed for a person, and characters of a text. */
const SHOWN_REJECTS = 20;
const SHOWN_LABELS = 12;
const SHOWN_CHARACTERS = 160;

interface ImportFlags extends RedactFlags {
  readonly format: string;
  readonly columns?: string;
  readonly answerPath?: string;
  readonly sheet?: string;
  readonly merge?: string[];
  readonly json?: boolean;
}

const short = (text: string): string => shortLine(text, SHOWN_CHARACTERS);

function printCounts(result: ImportResult): void {
  for (const file of result.files) printLine(fileLine(file));
  const { records, accepted, duplicates, rejected } = result.counts;
  printLine(`records ${records}, accepted ${accepted}, duplicates ${duplicates}, rejected ${rejected}`);
  for (const [reason, count] of result.rejectCounts) printLine(`rejected ${count}: ${reason}`);
  for (const { source, line, reason } of result.rejects.slice(0, SHOWN_REJECTS))
    printLine(`  ${source}:${line}: ${reason}`);
}

function printWorkload({ name, kind, records, inputs, template, answers, notes }: SurveyedWorkload): void {
  printLine("");
  printLine(`${name}: ${kind}, ${records} records, ${inputs} distinct inputs`);
  const wordings = [template, ...(template.variants ?? [])];
  const constant = [
    template.system,
    ...wordings.flatMap(({ userPrefix, userSuffix }) => [userPrefix, userSuffix]),
  ].filter((text) => text.trim() !== "");
  for (const text of constant) printLine(`  template  ${short(text)}`);
  const labels = answers.labelCounts.toSorted((a, b) => b[1] - a[1]);
  const shown = labels.slice(0, SHOWN_LABELS).map(([label, count]) => `${short(label)} ${count}`);
  const more = labels.length > SHOWN_LABELS ? `, and ${labels.length - SHOWN_LABELS} more` : "";
  if (labels.length > 0) printLine(`  labels    ${labels.length}: ${shown.join(", ")}${more}`);
  for (const text of notes) printLine(`  note      ${text}`);
  if (kind !== "label") return;
  for (const [reason, count] of answers.noLabels) printLine(`  no label  ${count}: ${reason}`);
  for (const { text, answer, label, changed } of answers.samples) {
    const read = label === undefined ? "no label" : label;
    printLine(
      `  sample    ${short(text)} -> ${short(answer)} = ${read}${changed.length > 0 ? ` (${changed.join("; ")})` : ""}`,
    );
  }
}

function printTraffic({ traffic }: LogSurvey): void {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  const { callsPerMonth, costPer1kUsd, latencyP50Ms, models, firstMs, lastMs } = traffic;
  const parts = [
    ...(models.length > 0 ? [`models ${models.join(", ")}`] : []),
    ...(firstMs === undefined || lastMs === undefined ? [] : [`from ${day(firstMs)} to ${day(lastMs)} UTC`]),
    ...(callsPerMonth === undefined ? [] : [`${Math.round(callsPerMonth)} calls a month`]),
    ...(costPer1kUsd === undefined ? [] : [`${Number(costPer1kUsd.toPrecision(3))} USD per 1,000 calls`]),
    ...(latencyP50Ms === undefined ? [] : [`median latency ${Math.round(latencyP50Ms)} ms`]),
  ];
  if (parts.length > 0) printLine(`traffic: ${parts.join("; ")}`);
}

/** The last line of --json: scripts rest on it. */
function surveyJson({ imported, workloads, traffic }: LogSurvey, notes: readonly string[]): Record<string, unknown> {
  const { callsPerMonth, costPer1kUsd, latencyP50Ms, models, firstMs, lastMs } = traffic;
  const time = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  return {
    ...imported.counts,
    rejections: imported.rejections,
    unread: imported.unread,
    files: imported.files.map(({ source, format, encoding, packed, counts, columns }) => ({
      file: source,
      format,
      encoding,
      packed,
      ...counts,
      columns,
    })),
    workloads: workloads.map(({ name, kind, records, inputs, template, answers, notes: own }) => ({
      name,
      kind,
      records,
      inputs,
      labels: answers.labelCounts.map(([label, count]) => ({ label, count })),
      template,
      samples: answers.samples,
      foldings: answers.foldings,
      noLabels: answers.noLabels.map(([reason, count]) => ({ reason, count })),
      notes: own,
    })),
    traffic: { callsPerMonth, costPer1kUsd, latencyP50Ms, models, first: time(firstMs), last: time(lastMs) },
    notes,
  };
}

async function survey(files: readonly string[], options: ImportFlags): Promise<void> {
  const progress = createProgress();
  const folder = mkdtempSync(join(tmpdir(), "joryu-import-"));
  try {
    const redactor = await temporaryRedactor(options);
    const merge = mergesOf(options.merge);
    const found = await surveyLogs(files, {
      folder: join(folder, "records"),
      format: options.format,
      columns: parseColumns(options.columns),
      signal: interruptible(progress).signal,
      ...(options.answerPath === undefined ? {} : { answerPath: options.answerPath }),
      ...(options.sheet === undefined ? {} : { sheet: options.sheet }),
      ...(merge === undefined ? {} : { merge }),
      ...(redactor === undefined ? {} : { redact: redactor.redactRecord }),
      onProgress: (read, total) => progress.update("import", total > 0 ? read / total : 1),
    });
    progress.stop();
    const redaction = redactor?.facts();
    const notes = [
      ...found.imported.notes,
      ...found.notes,
      ...(redaction === undefined ? [] : redactionNotes(redaction)),
    ];
    for (const text of notes) note(text);
    if (options.json === true) {
      for (const reject of found.imported.rejects) printJson({ rejected: reject });
      return printJson({ ...surveyJson(found, notes), ...(redaction === undefined ? {} : { redaction }) });
    }
    printCounts(found.imported);
    printTraffic(found);
    for (const workload of found.workloads) printWorkload(workload);
    if (found.others > 0) printLine(`and ${found.others} smaller workloads`);
  } finally {
    progress.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export function addImport(program: Command): void {
  const command = program
    .command("import")
    .description("reads logs and shows what they hold: records, columns, workloads, labels, samples")
    .argument("<file...>", "log files")
    .option("--format <name>", "log format", "auto")
    .option(...COLUMNS_FLAG)
    .option(...ANSWER_PATH_FLAG)
    .option(...SHEET_FLAG)
    .option(...MERGE_FLAG)
    .option("--json", "print JSON lines: one per rejected record, then what the logs hold");
  addRedactFlags(command).action(survey);
}
