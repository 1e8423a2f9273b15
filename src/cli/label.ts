/** @file `joryu label`: texts in, a teacher's answers out, as records that `joryu run` imports. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { loadConfig, secretFromEnvironment } from "../config/load.js";
import type { Config } from "../config/schema.js";
import { checkTextFormat, readTexts, type TextsRead } from "../dataset/texts.js";
import { InputError, UsageError } from "../errors.js";
import { labelTexts, type Ended, type LabelResult } from "../teacher/label.js";
import { defaultMaxTokens, type TeacherSettings } from "../teacher/question.js";
import { createChatClient } from "../wire/client.js";
import { interruptible } from "./interrupt.js";
import { createProgress, note, printJson, printLine } from "./output.js";
import { numberFlag } from "./run-options.js";

interface LabelFlags {
  readonly config?: string;
  readonly teacher?: string;
  readonly model?: string;
  readonly apiKeyEnv?: string;
  readonly labels?: string;
  readonly labelsFile?: string;
  readonly prompt?: string[];
  readonly promptFile?: string[];
  readonly input?: string;
  readonly format: string;
  readonly samples?: string;
  readonly temperature?: string;
  readonly maxTokens?: string;
  readonly topLogprobs?: string;
  readonly concurrency?: string;
  readonly timeoutSeconds?: string;
  readonly attempts?: string;
  readonly budgetUsd?: string;
  readonly inputUsdPerMillion?: string;
  readonly outputUsdPerMillion?: string;
  readonly seed?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** Prompts and label sets are read by people. */
const MAXIMUM_SMALL_BYTES = 1024 * 1024;

/** What is said of an end that is not one; the others exit with 0. */
const FAILED_ENDS: ReadonlyMap<Ended, string> = new Map([
  ["failed", "some questions got no answer after every attempt; run the same command again to ask them"],
  ["server-down", "the server gave no answer to many questions in a row; run the same command again when it is back"],
  ["unusable-answers", "none of the first answers is a label; check --prompt, --labels and --max-tokens"],
]);

function readSmallFile(flag: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new InputError(`${flag} ${path}: cannot be read`, { hint: "name a file that you may read", cause });
  }
  if (text.length > MAXIMUM_SMALL_BYTES) {
    throw new InputError(`${flag} ${path}: larger than ${MAXIMUM_SMALL_BYTES} bytes`);
  }
  return text.replace(/^\uFEFF/, "");
}

function labelsOf(flags: LabelFlags): string[] | undefined {
  if (flags.labels !== undefined && flags.labelsFile !== undefined) {
    throw new UsageError("--labels and --labels-file: expected one of them");
  }
  if (flags.labels !== undefined) return flags.labels.split(",").map((label) => label.trim());
  if (flags.labelsFile === undefined) return undefined;
  const lines = readSmallFile("--labels-file", flags.labelsFile).split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

function promptsOf(flags: LabelFlags): string[] | undefined {
  const fromFiles = (flags.promptFile ?? []).map((path) => readSmallFile("--prompt-file", path).trim());
  const prompts = [...(flags.prompt ?? []), ...fromFiles];
  return prompts.length === 0 ? undefined : prompts;
}

function configOf(flags: LabelFlags): Config {
  return loadConfig(flags.config, {
    out: flags.out,
    seed: numberFlag("--seed", flags.seed),
    columns: { input: flags.input },
    teacher: {
      inputUsdPerMillion: numberFlag("--input-usd-per-million", flags.inputUsdPerMillion),
      outputUsdPerMillion: numberFlag("--output-usd-per-million", flags.outputUsdPerMillion),
    },
    label: {
      teacher: flags.teacher,
      model: flags.model,
      apiKeyEnv: flags.apiKeyEnv,
      labels: labelsOf(flags),
      prompts: promptsOf(flags),
      samples: numberFlag("--samples", flags.samples),
      temperature: numberFlag("--temperature", flags.temperature),
      maxTokens: numberFlag("--max-tokens", flags.maxTokens),
      topLogprobs: numberFlag("--top-logprobs", flags.topLogprobs),
      concurrency: numberFlag("--concurrency", flags.concurrency),
      timeoutSeconds: numberFlag("--timeout-seconds", flags.timeoutSeconds),
      attempts: numberFlag("--attempts", flags.attempts),
      budgetUsd: numberFlag("--budget-usd", flags.budgetUsd),
    },
  });
}

function needed<T>(value: T | undefined, flag: string, what: string): T {
  if (value === undefined) throw new UsageError(`${flag}: not given`, { hint: what });
  return value;
}

function priceOf(config: Config): TeacherSettings["price"] {
  const { inputUsdPerMillion, outputUsdPerMillion } = config.teacher;
  if (inputUsdPerMillion === undefined && outputUsdPerMillion === undefined) return undefined;
  const hint = "a price needs both: input and output";
  return {
    inputUsdPerMillion: needed(inputUsdPerMillion, "--input-usd-per-million", hint),
    outputUsdPerMillion: needed(outputUsdPerMillion, "--output-usd-per-million", hint),
  };
}

function settingsOf(config: Config): TeacherSettings {
  const { label } = config;
  const labels = needed(label.labels, "--labels", "give the closed label set, or a file with --labels-file");
  const price = priceOf(config);
  return {
    model: needed(label.model, "--model", "name the model that answers"),
    labels,
    prompts: needed(label.prompts, "--prompt", "say what the labels mean, or name a file with --prompt-file"),
    samples: label.samples,
    temperature: label.temperature ?? (label.samples > 1 ? 1 : 0),
    maxTokens: label.maxTokens ?? defaultMaxTokens(labels),
    topLogprobs: label.topLogprobs,
    seed: config.seed,
    ...(price === undefined ? {} : { price }),
  };
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

function noteRead(read: TextsRead): void {
  for (const [reason, count] of read.rejectCounts) note(`left out ${count} rows: ${reason}`);
  if (read.rows > read.texts.length) note(`${read.rows - read.texts.length} rows repeat a text, which is asked once`);
}

async function label(files: string[], flags: LabelFlags): Promise<void> {
  const config = configOf(flags);
  const settings = settingsOf(config);
  const { label: asked, columns } = config;
  const client = createChatClient({
    baseUrl: needed(asked.teacher, "--teacher", "give the server's address, such as http://127.0.0.1:8000/v1"),
    timeoutMs: asked.timeoutSeconds * 1000,
    ...(asked.apiKeyEnv === undefined ? {} : { apiKey: secretFromEnvironment(asked.apiKeyEnv) }),
  });
  const progress = createProgress();
  const { signal } = interruptible();
  try {
    const given = Object.entries(columns ?? {}).filter(([, name]) => name !== undefined);
    const read = await readTexts(files, {
      format: checkTextFormat(flags.format),
      columns: Object.fromEntries(given),
      signal,
      onProgress: (doneRatio) => progress.update("read", doneRatio),
    });
    progress.stop();
    noteRead(read);
    const result = await labelTexts({
      texts: read.texts,
      settings,
      client,
      folder: join(config.out, "labels"),
      concurrency: asked.concurrency,
      attempts: asked.attempts,
      ...(asked.budgetUsd === undefined ? {} : { budgetUsd: asked.budgetUsd }),
      onProgress: (doneRatio) => progress.update("label", doneRatio),
      note: (text) => progress.note(text),
      signal,
    });
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

const collect = (value: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), value];

export function addLabel(program: Command): void {
  program
    .command("label")
    .description("asks a teacher for the labels of texts; the answers become records for `joryu run`")
    .argument("<file...>", "texts: CSV, JSON lines or plain lines")
    .option("--config <file>", "configuration (YAML), section `label`")
    .option("--teacher <url>", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1")
    .option("--model <name>", "the model that answers")
    .option("--api-key-env <name>", "environment variable that holds the key")
    .option("--labels <list>", "the label set, separated by commas")
    .option("--labels-file <file>", "the label set, one a line")
    .option("--prompt <text>", "what the teacher is told; again for a second prompt", collect)
    .option("--prompt-file <file>", "a prompt in a file; again for a second prompt", collect)
    .option("--input <column>", "column or field with the text")
    .option("--format <name>", "auto, csv, jsonl or lines", "auto")
    .option("--samples <n>", "answers to each text and prompt (default 1)")
    .option("--temperature <n>", "sampling temperature (default 0, with several samples 1)")
    .option("--max-tokens <n>", "most tokens of an answer (default: what the longest label needs)")
    .option("--top-logprobs <n>", "alternatives to each token, 0 to 20 (default 20)")
    .option("--concurrency <n>", "requests in flight at a time (default 8)")
    .option("--timeout-seconds <n>", "longest time of one request (default 120)")
    .option("--attempts <n>", "attempts at one question (default 6)")
    .option("--budget-usd <n>", "most that the labelling may cost over all its runs; needs prices")
    .option("--input-usd-per-million <n>", "price of a million input tokens")
    .option("--output-usd-per-million <n>", "price of a million output tokens")
    .option("--seed <n>", "seed of the waits and of the teacher's sampling (default 1)")
    .option("--out <dir>", "folder of the project's state (default .joryu)")
    .option("--json", "print the counts as a JSON line")
    .action(label);
}
