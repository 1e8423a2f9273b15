/** @file Every setting of a project: unit, default, meaning. Flags win over the file, the file over the defaults. */
import { z } from "zod";

const ratio = z.number().min(0).max(1);
const positive = z.number().positive();

const promise = z.enum(["delivered", "kept"]);

export const targetSchema = z.strictObject({
  promise: promise.optional().describe("The same as `promise` beside `target`."),
  agreement: ratio.default(0.98).describe("Least agreement with the teacher, a ratio; proved with 95 % confidence."),
  p95Ms: positive.optional().describe("Longest answer time of one query at the 95th percentile, milliseconds."),
  sizeMb: positive.optional().describe("Largest sum of the files that `predict` opens, megabytes (10^6 bytes)."),
  memoryMb: positive.optional().describe("Largest resident memory of a process that answers, megabytes."),
  costPer1kUsd: positive.optional().describe("Highest cost per 1,000 calls, deferrals included, US dollars."),
});

export const teacherSchema = z.strictObject({
  pricePer1kUsd: positive
    .optional()
    .describe("What 1,000 calls of the teacher cost, US dollars: used where the log has no cost."),
  inputUsdPerMillion: positive.optional().describe("Price of a million input tokens, US dollars."),
  outputUsdPerMillion: positive.optional().describe("Price of a million output tokens, US dollars."),
});

export const labelSchema = z.strictObject({
  teacher: z.string().optional().describe("Address of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1."),
  model: z.string().min(1).optional().describe("Name of the model that answers."),
  apiKeyEnv: z
    .string()
    .optional()
    .describe("Name of the environment variable that holds the key; the key itself stands in no file."),
  labels: z.array(z.string()).optional().describe("The closed label set."),
  prompts: z
    .array(z.string().min(1))
    .optional()
    .describe("What the teacher is told; each is asked. {labels} is the list."),
  samples: z.int().min(1).max(100).default(1).describe("Answers to each text and prompt."),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe("Sampling temperature; 0 for one sample, 1 for several when absent."),
  maxTokens: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe("Most tokens of an answer; what the longest label needs when absent. A reasoning model needs more."),
  topLogprobs: z.int().min(0).max(20).default(20).describe("Alternatives to each token of an answer; 0 asks for none."),
  concurrency: z.int().min(1).max(1000).default(8).describe("Requests in flight at a time."),
  timeoutSeconds: positive
    .max(300, "expected at most 300: fetch waits no longer for an answer to begin")
    .default(120)
    .describe("Longest time of one request, seconds; at most 300, since fetch waits no longer for an answer to begin."),
  attempts: z.int().min(1).max(100).default(6).describe("Attempts at one question."),
  order: z
    .enum(["file", "informative"])
    .optional()
    .describe("What is asked first; for `run` informative where there is a budget, otherwise the order of the file."),
  budgetUsd: z
    .number()
    .min(0)
    .optional()
    .describe("Most that the folder's labelling may cost over all its runs, US dollars; never exceeded."),
});

export const columnsSchema = z.strictObject({
  input: z.string().optional().describe("Column or field with the text."),
  output: z.string().optional().describe("Column or field with the teacher's answer."),
  gold: z.string().optional().describe("Column or field with the right answer, where one is known."),
  time: z.string().optional().describe("Column or field with the time of the call."),
  cost: z.string().optional().describe("Column or field with the cost of the call, US dollars."),
  user: z.string().optional().describe("Column or field with the user."),
  conversation: z
    .string()
    .optional()
    .describe("Column or field with the conversation; one conversation never straddles a split."),
  model: z.string().optional().describe("Column or field with the name of the model that answered."),
  split: z.string().optional().describe("Column or field that says `train` or `test`."),
});

export const redactSchema = z.strictObject({
  keep: z.array(z.string()).default([]).describe("Kinds of personal data that stay (docs/personal-data.md)."),
  allow: z
    .array(z.string().min(1))
    .default([])
    .describe('Values that stay, and ends of e-mail addresses such as "@example.org".'),
  names: z
    .string()
    .optional()
    .describe("JavaScript file, relative to the configuration file, that exports a detector of people's names."),
});

export const configSchema = z.strictObject({
  logs: z.array(z.string()).optional().describe("Log files, relative to the configuration file."),
  texts: z
    .array(z.string())
    .optional()
    .describe("Files with texts and no answers, relative to the configuration file: the teacher labels them first."),
  unlabelled: z
    .array(z.string())
    .optional()
    .describe(
      "Files with texts that nobody answers, relative to the configuration file: a base teaches its students by them.",
    ),
  unlabelledInput: z
    .string()
    .optional()
    .describe("Column or field with the text in the files of `unlabelled`; `columns.input` when absent."),
  reviewed: z
    .string()
    .optional()
    .describe(
      "Table of `joryu mistakes`, relative to the configuration file, with right answers in its column `gold`.",
    ),
  name: z
    .string()
    .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, "expected letters, digits, dots, dashes and underscores, at most 64")
    .optional()
    .describe("Name of the model; made of the labels when absent."),
  yenPerUsd: positive
    .optional()
    .describe(
      "Yen for one US dollar: amounts stand in yen too, with this rate beside them; dollars alone when absent.",
    ),
  format: z.string().optional().describe("Log format; found out when absent."),
  columns: columnsSchema.optional().describe("Names of columns of generic CSV or JSONL logs."),
  workload: z.string().optional().describe("Name of the workload to learn; the largest label workload when absent."),
  sheet: z
    .string()
    .min(1)
    .optional()
    .describe("Name of the sheet that is read of a spreadsheet; the first with rows when absent."),
  merge: z
    .array(z.array(z.string().min(1)).min(2))
    .optional()
    .describe("Lists of workloads that are one task, such as one whose prompt was reworded."),
  answerPath: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Where the label stands in JSON answers or function calls, such as `result.label`; found out when absent.",
    ),
  out: z.string().default(".joryu").describe("Folder of the project's state."),
  base: z
    .string()
    .optional()
    .describe(
      "Pretrained encoder to fine-tune and cut: a folder (Hugging Face layout), or hf:ORG/NAME[@REVISION] of a model hub.",
    ),
  acknowledged: z
    .array(z.string().min(1))
    .default([])
    .describe("Licences by name that stop a run no more: you have read their terms."),
  promise: promise
    .optional()
    .describe(
      "What the agreement is of: `delivered`, all answers that leave the cascade (the default), or `kept`, those that the student keeps.",
    ),
  target: targetSchema.prefault({}),
  minutes: positive
    .max(100_000)
    .default(20)
    .describe("Time to plan for, minutes; turned into a fixed number of steps."),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1)
    .describe("Seed of every random draw."),
  lang: z.enum(["en", "ja"]).default("en").describe("Language of the report."),
  teacher: teacherSchema.prefault({}),
  redact: redactSchema
    .optional()
    .describe("Where present, personal data are taken out of the logs before anything is learned or kept."),
  label: labelSchema.prefault({}).describe("How `joryu label` asks a teacher."),
  callsPerMonth: positive.optional().describe("Calls of the workload per month; from the log's times when absent."),
  machineUsdPerHour: positive
    .default(0.1)
    .describe("Price of the machine that the student runs on, US dollars per hour: an assumption."),
  resolveLeaks: z
    .enum(["error", "drop-train"])
    .default("error")
    .describe("What to do with rows that stand on both sides of a split of yours."),
});

export type Config = z.infer<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
