/** @file The flags that say which teacher is asked and how, and how they become a configuration; `label` and `run` share them. */
import type { Command } from "commander";
import type { ConfigInput } from "../config/schema.js";
import { encodingNotes, readSmallText } from "../dataset/encoding.js";
import { InputError, UsageError } from "../errors.js";
import { note } from "./output.js";
import { numberFlag } from "./run-options.js";

export interface TeacherFlags {
  readonly teacher?: string;
  readonly model?: string;
  readonly apiKeyEnv?: string;
  readonly labels?: string;
  readonly labelsFile?: string;
  readonly prompt?: string[];
  readonly promptFile?: string[];
  readonly order?: string;
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
}

/** Prompts and label sets are read by people. */
const MAXIMUM_SMALL_BYTES = 1024 * 1024;

/** What the teacher is sent must be what was written: an encoding that was found out is told. */
function readSmallFile(flag: string, path: string): string {
  try {
    const { text, encoding } = readSmallText(path, MAXIMUM_SMALL_BYTES);
    for (const told of encodingNotes(path, encoding)) note(told);
    return text;
  } catch (cause) {
    throw cause instanceof InputError ? new InputError(`${flag} ${cause.message}`, { cause }) : cause;
  }
}

function labelsOf(flags: TeacherFlags): string[] | undefined {
  if (flags.labels !== undefined && flags.labelsFile !== undefined) {
    throw new UsageError("--labels and --labels-file: expected one of them");
  }
  if (flags.labels !== undefined) return flags.labels.split(",").map((label) => label.trim());
  if (flags.labelsFile === undefined) return undefined;
  const lines = readSmallFile("--labels-file", flags.labelsFile).split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

function promptsOf(flags: TeacherFlags): string[] | undefined {
  const fromFiles = (flags.promptFile ?? []).map((path) => readSmallFile("--prompt-file", path).trim());
  const prompts = [...(flags.prompt ?? []), ...fromFiles];
  return prompts.length === 0 ? undefined : prompts;
}

function orderFlag(value: string | undefined): "file" | "informative" | undefined {
  if (value === undefined || value === "file" || value === "informative") return value;
  throw new UsageError(`--order: expected file or informative, got ${value}`);
}

/** The sections of a configuration that the flags give. @throws UsageError, InputError */
export function teacherConfigOf(flags: TeacherFlags): Pick<ConfigInput, "teacher" | "label"> {
  return {
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
      order: orderFlag(flags.order),
      samples: numberFlag("--samples", flags.samples),
      temperature: numberFlag("--temperature", flags.temperature),
      maxTokens: numberFlag("--max-tokens", flags.maxTokens),
      topLogprobs: numberFlag("--top-logprobs", flags.topLogprobs),
      concurrency: numberFlag("--concurrency", flags.concurrency),
      timeoutSeconds: numberFlag("--timeout-seconds", flags.timeoutSeconds),
      attempts: numberFlag("--attempts", flags.attempts),
      budgetUsd: numberFlag("--budget-usd", flags.budgetUsd),
    },
  };
}

const collect = (value: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), value];

/** Adds the flags of a teacher to a command. */
export function addTeacherFlags(command: Command): Command {
  return command
    .option("--teacher <url>", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1")
    .option("--model <name>", "the model that answers")
    .option("--api-key-env <name>", "environment variable that holds the key")
    .option("--labels <list>", "the label set, separated by commas")
    .option("--labels-file <file>", "the label set, one a line")
    .option("--prompt <text>", "what the teacher is told; again for a second prompt", collect)
    .option("--prompt-file <file>", "a prompt in a file; again for a second prompt", collect)
    .option("--order <how>", "what is asked first: file or informative")
    .option("--samples <n>", "answers to each text and prompt (default 1)")
    .option("--temperature <n>", "sampling temperature (default 0, with several samples 1)")
    .option("--max-tokens <n>", "most tokens of an answer (default: what the longest label needs)")
    .option("--top-logprobs <n>", "alternatives to each token, 0 to 20 (default 20)")
    .option("--concurrency <n>", "requests in flight at a time (default 8)")
    .option("--timeout-seconds <n>", "longest time of one request, at most 300 (default 120)")
    .option("--attempts <n>", "attempts at one question (default 6)")
    .option("--budget-usd <n>", "most that the labelling may cost over all its runs; needs prices")
    .option("--input-usd-per-million <n>", "price of a million input tokens")
    .option("--output-usd-per-million <n>", "price of a million output tokens");
}
