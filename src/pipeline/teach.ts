/** @file The stage before the import where texts have no answers: a teacher behind an API labels them, and the records become the logs of
 *  the run. Resumable by the labelling's own journal. */
import { join } from "node:path";
import { secretFromEnvironment } from "../config/load.js";
import type { Config } from "../config/schema.js";
import type { TokenPrice } from "../cost.js";
import { checkTextFormat, readTexts, type TextFormat, type TextRow, type TextsRead } from "../dataset/texts.js";
import { UpstreamError, UsageError } from "../errors.js";
import { labelTexts, type Ended, type LabelOptions, type LabelResult } from "../teacher/label.js";
import { defaultMaxTokens, type TeacherSettings } from "../teacher/question.js";
import { createChatClient, type ChatClient } from "../wire/client.js";
import { informativeOrder } from "./ask-order.js";
import { checkAcknowledged, licencesOf, stopAtBlocked } from "./licence-gate.js";
import type { Progress } from "./progress.js";

export interface TeachOptions {
  /** What the files of texts are; found out unless told. */
  readonly format?: TextFormat;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

function needed<T>(value: T | undefined, flag: string, hint: string): T {
  if (value === undefined) throw new UsageError(`${flag}: not given`, { hint });
  return value;
}

function priceOf(config: Config): TokenPrice | undefined {
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

function clientOf(config: Config): ChatClient {
  const { teacher, timeoutSeconds, apiKeyEnv } = config.label;
  return createChatClient({
    baseUrl: needed(teacher, "--teacher", "give the server's address, such as http://127.0.0.1:8000/v1"),
    timeoutMs: timeoutSeconds * 1000,
    ...(apiKeyEnv === undefined ? {} : { apiKey: secretFromEnvironment(apiKeyEnv) }),
  });
}

function noteRead(read: TextsRead, progress: Progress): void {
  for (const note of read.notes) progress.note(note);
  for (const [reason, count] of read.rejectCounts) progress.note(`left out ${count} rows: ${reason}`);
  const repeats = read.rows - read.texts.length;
  if (repeats > 0) progress.note(`${repeats} rows repeat a text, which is asked once`);
}

function orderOf(
  config: Config,
  texts: readonly TextRow[],
  options: TeachOptions,
): Pick<LabelOptions, "order" | "sideOf"> {
  if (config.label.order !== "informative") return {};
  return informativeOrder(texts, config.label.labels?.length ?? 0, config.seed, {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onRound: (round, answers) =>
      options.progress.note(`round ${round + 1}: what ${answers} answers leave uncertain is asked next`),
  });
}

/** Reads texts and has them labelled, as the section `label` of the configuration says; a teacher whose terms nobody acknowledged is not asked.
 *  @throws UsageError, ConfigError, InputError before anything is asked, and what `labelTexts` throws. */
export async function labelFiles(
  files: readonly string[],
  config: Config,
  options: TeachOptions,
): Promise<LabelResult & { readonly texts: readonly TextRow[] }> {
  const [settings, client] = [settingsOf(config), clientOf(config)];
  checkAcknowledged(config.acknowledged);
  stopAtBlocked(licencesOf({ acknowledged: config.acknowledged }, [settings.model]));
  const { progress, signal, format = "auto" } = options;
  const columns = Object.entries(config.columns ?? {}).filter(([, name]) => name !== undefined);
  const read = await readTexts(files, {
    format,
    columns: Object.fromEntries(columns),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (doneRatio) => progress.update("read", doneRatio),
  });
  noteRead(read, progress);
  const { concurrency, attempts, budgetUsd } = config.label;
  const result = await labelTexts({
    texts: read.texts,
    settings,
    client,
    folder: join(config.out, "labels"),
    concurrency,
    attempts,
    ...(budgetUsd === undefined ? {} : { budgetUsd }),
    ...orderOf(config, read.texts, options),
    onProgress: (doneRatio) => progress.update("label", doneRatio),
    note: (text) => progress.note(text),
    ...(signal === undefined ? {} : { signal }),
  });
  return { ...result, texts: read.texts };
}

/** What is said of an end that is a failure. */
export const FAILED_ENDS: ReadonlyMap<Ended, string> = new Map([
  ["failed", "some questions got no answer after every attempt; run the same command again to ask them"],
  ["server-down", "the server gave no answer to many questions in a row; run the same command again when it is back"],
  [
    "unusable-answers",
    "none of the first answers is a label (labels/rejected.jsonl holds them); check --prompt, --labels and --max-tokens",
  ],
  [
    "below-chance",
    "where the right answer is known, the answers are worse than chance; check --prompt and --labels, and whether the right answers belong to their texts",
  ],
]);

function formatOf({ format }: Config): Pick<TeachOptions, "format"> {
  return format === undefined ? {} : { format: checkTextFormat(format) };
}

/** A run whose texts have answers. */
export interface Taught {
  readonly config: Config;
  /** The texts, where the budget did not reach all of them. */
  readonly notAsked: readonly string[];
}

/** The configuration of a run whose texts have answers: with `texts`, the teacher labels them and the records join the logs.
 *  @throws what `labelFiles` throws; UpstreamError when the labelling did not end well. */
export async function withTeacher(config: Config, options: TeachOptions): Promise<Taught> {
  const { texts, label } = config;
  if (texts === undefined) return { config, notAsked: [] };
  if (config.logs !== undefined) throw new UsageError("--logs and --texts: expected one of them");
  const order = label.order ?? (label.budgetUsd === undefined ? "file" : "informative");
  const {
    summary,
    recordsPath,
    texts: read,
  } = await labelFiles(texts, { ...config, label: { ...label, order } }, { ...options, ...formatOf(config) });
  const failed = FAILED_ENDS.get(summary.ended);
  if (failed !== undefined)
    throw new UpstreamError(`${label.teacher}: ${failed}`, { isForAll: true, mayHaveCost: false });
  const { accepted, unanswered } = summary;
  if (accepted === 0)
    throw new UsageError("--budget-usd: pays for no answer", { hint: "give more, or give answered logs" });
  options.progress.note(
    `${accepted} answers of the teacher${unanswered > 0 ? `, ${unanswered} not asked: budget` : ""}`,
  );
  const { columns: _columns, format: _format, ...rest } = config;
  // Sides of a split are drawn by group; where the import ties more together, the proof wins.
  return {
    config: { ...rest, logs: [recordsPath], resolveLeaks: unanswered > 0 ? "drop-train" : config.resolveLeaks },
    notAsked: unanswered > 0 ? read.map(({ text }) => text) : [],
  };
}
