/** @file The flags that `run` and `plan` share, and how they become a configuration. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { loadConfig, threadsFromEnvironment } from "../config/load.js";
import type { Config, ConfigInput } from "../config/schema.js";
import { UsageError } from "../errors.js";
import { checkPromise, DEFAULT_TARGET, parseTarget, toTarget, type Promised } from "../plan/target.js";
import { COLUMNS_FLAG, parseColumns } from "./columns-option.js";
import { addRedactFlags, redactionOf, type RedactFlags } from "./redact-options.js";

export interface RunFlags extends RedactFlags {
  readonly config?: string;
  readonly logs?: string[];
  readonly texts?: string[];
  readonly input?: string;
  readonly columns?: string;
  readonly unlabelled?: string[];
  readonly unlabelledInput?: string;
  readonly out?: string;
  readonly target?: string;
  readonly promise?: string;
  readonly minutes?: string;
  readonly machine?: string;
  readonly workload?: string;
  readonly sheet?: string;
  readonly merge?: string[];
  readonly answerPath?: string;
  readonly base?: string;
  readonly acknowledge?: string[];
  readonly reviewed?: string;
  readonly name?: string;
  readonly yenPerUsd?: string;
  readonly format?: string;
  readonly seed?: string;
  readonly lang?: string;
  readonly callsPerMonth?: string;
  readonly resolveLeaks?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const INPUT_FLAG = ["--input <column>", "column or field with the text"] as const;

export const ANSWER_PATH_FLAG = [
  "--answer-path <path>",
  "where the label stands in JSON answers or function calls, such as result.label (default: found out)",
] as const;

export const SHEET_FLAG = ["--sheet <name>", "sheet of a spreadsheet; the first with rows unless told"] as const;

export const MERGE_FLAG = [
  "--merge <names...>",
  "workloads that are one task, such as one whose prompt was reworded: A,B",
] as const;

/** Lists of names, each as `A,B`. @throws UsageError */
export function mergesOf(lists: readonly string[] | undefined): string[][] | undefined {
  return lists?.map((list) => {
    const names = list.split(",").map((name) => name.trim());
    if (names.length > 1 && !names.includes("")) return names;
    throw new UsageError(`--merge: expected names of workloads such as A,B, got ${list}`);
  });
}

export const ACKNOWLEDGE_FLAG = [
  "--acknowledge <name...>",
  "licences by name whose terms you have read: they stop a run no more",
] as const;

/** Adds the flags of a run to a command. */
export function addRunFlags(command: Command): Command {
  return addRedactFlags(command)
    .option("--config <file>", "configuration (YAML); `joryu init` writes one")
    .option("--logs <file...>", "log files: OpenAI chat JSONL, Batch, OpenPipe, JSONL, CSV")
    .option("--format <name>", "log format, when it is not to be found out")
    .option(...COLUMNS_FLAG)
    .option(...INPUT_FLAG)
    .option("--out <dir>", "folder of the project's state (default .joryu)")
    .option(
      "--target <list>",
      "requirements: agreement=0.98,p95Ms=5,sizeMb=10,memoryMb=300,costPer1kUsd=0.1,promise=delivered",
    )
    .option(
      "--promise <name>",
      "what the agreement is of: delivered (default), all answers that leave the cascade, or kept",
    )
    .option("--minutes <n>", "time to plan for, minutes (default 20)")
    .option("--machine <file>", "plan for this machine profile (`joryu doctor --profile`)")
    .option(
      "--base <dir>",
      "pretrained encoder to fine-tune and cut: a folder (Hugging Face layout) or hf:ORG/NAME[@REVISION]",
    )
    .option("--unlabelled <file...>", "texts without answers that the fine-tuned base teaches its students by")
    .option("--unlabelled-input <column>", "column or field with the text in the files of --unlabelled")
    .option(...ACKNOWLEDGE_FLAG)
    .option("--workload <name>", "the workload to learn (default: the largest label workload)")
    .option(...SHEET_FLAG)
    .option(...MERGE_FLAG)
    .option(...ANSWER_PATH_FLAG)
    .option("--reviewed <file>", "table of `joryu mistakes` with right answers in its column gold")
    .option("--name <name>", "name of the model (default: made of its labels)")
    .option("--yen-per-usd <n>", "yen for one US dollar: amounts stand in yen too")
    .option("--seed <n>", "seed of every random draw (default 1)")
    .option("--calls-per-month <n>", "calls of the workload per month: the verdict compares the bills of a month")
    .option("--resolve-leaks <how>", "rows on both sides of your own split: error or drop-train")
    .option("--lang <language>", "language of the report: en or ja")
    .option("--json", "print JSON lines");
}

/** A flag's value as a number. @throws UsageError */
export function numberFlag(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) throw new UsageError(`${name}: expected a number, got ${value}`);
  return number;
}

function languageFlag(value: string | undefined): "en" | "ja" | undefined {
  if (value === undefined || value === "en" || value === "ja") return value;
  throw new UsageError(`--lang: expected en or ja, got ${value}`);
}

function leaksFlag(value: string | undefined): "error" | "drop-train" | undefined {
  if (value === undefined || value === "error" || value === "drop-train") return value;
  throw new UsageError(`--resolve-leaks: expected error or drop-train, got ${value}`);
}

function columnsOf(flags: RunFlags): ConfigInput["columns"] {
  const columns = parseColumns(flags.columns);
  if (flags.input === undefined) return columns;
  if (columns.input !== undefined) throw new UsageError("--input: --columns names the column with the text already");
  return { ...columns, input: flags.input };
}

/** The configuration that file and flags give together; `more` are sections of further flags. @throws UsageError, ConfigError */
export function configOf(flags: RunFlags, more: Partial<ConfigInput> = {}): Config {
  const file = loadConfig(flags.config, {
    ...more,
    logs: flags.logs,
    texts: flags.texts,
    columns: columnsOf(flags),
    unlabelled: flags.unlabelled,
    unlabelledInput: flags.unlabelledInput,
    out: flags.out,
    format: flags.format,
    workload: flags.workload,
    sheet: flags.sheet,
    merge: mergesOf(flags.merge),
    answerPath: flags.answerPath,
    base: flags.base,
    reviewed: flags.reviewed,
    name: flags.name,
    yenPerUsd: numberFlag("--yen-per-usd", flags.yenPerUsd),
    minutes: numberFlag("--minutes", flags.minutes),
    seed: numberFlag("--seed", flags.seed),
    callsPerMonth: numberFlag("--calls-per-month", flags.callsPerMonth),
    lang: languageFlag(flags.lang),
    resolveLeaks: leaksFlag(flags.resolveLeaks),
  });
  const redact = redactionOf(flags, file.redact);
  const config = withAcknowledged({ ...file, ...(redact === undefined ? {} : { redact }) }, flags.acknowledge);
  const { target: settings } = config;
  const target = flags.target === undefined ? toTarget(settings) : parseTarget(flags.target, toTarget(settings));
  return { ...config, target: { ...target, promise: promiseOf(flags, config) } };
}

/** The promise that flags, else the file name; two names that differ are an error. @throws UsageError */
function promiseOf(flags: RunFlags, config: Config): Promised {
  const ofTarget = /(?:^|,)\s*promise\s*=\s*([^,\s]+)/.exec(flags.target ?? "")?.[1];
  const fromFlags = agreed([flags.promise, ofTarget], "--promise and --target");
  const fromFile = agreed([config.promise, config.target.promise], "the configuration");
  return checkPromise(fromFlags ?? fromFile ?? DEFAULT_TARGET.promise, "--promise");
}

function agreed(names: readonly (string | undefined)[], where: string): string | undefined {
  const [first, ...others] = names.filter((name) => name !== undefined);
  if (others.some((other) => other !== first))
    throw new UsageError(`${where}: two promises, ${[first, ...others].join(" and ")}; expected one`);
  return first;
}

/** The licences that the configuration acknowledges, and these. */
export function withAcknowledged(config: Config, names: readonly string[] = []): Config {
  return { ...config, acknowledged: [...new Set([...config.acknowledged, ...names])] };
}

/** Threads that one training may use. */
export function trainingThreads(): number {
  return threadsFromEnvironment(Math.max(1, availableParallelism()));
}
