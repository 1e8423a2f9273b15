/** @file Public data sets as a user of Joryu would have them: training rows as OpenAI chat logs, test rows apart. The official test rows
 *  serve reporting only. Where a data set has no official split, a seeded one is drawn here. Knows the files of the data folder
 *  (one folder per set, each with its SOURCE.md) and nothing of students. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { InputError, UsageError } from "../src/errors.js";
import { createRandom, permutation } from "../src/random.js";

export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

export interface DataSet {
  readonly name: string;
  /** The system prompt of the made logs. */
  readonly system: string;
  /** Shuffled by a fixed seed; a text may repeat, as in traffic. */
  readonly train: readonly LabelledText[];
  readonly test: readonly LabelledText[];
}

/** Fixes the order of the logs and the splits that are drawn here; the seeds of a bench are those of the product. */
const ORDER_SEED = 77;

/** Share of the distinct texts that are tested where no official split exists. */
const TEST_RATIO = 0.2;

type Loader = (folder: string) => Omit<DataSet, "name">;

function read(...path: readonly string[]): string {
  const file = join(...path);
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new InputError(`${file}: cannot be read`, { hint: "--data names the folder of the data sets", cause });
  }
}

/** The rows in an order that the fixed seed gives. */
function shuffled<T>(rows: readonly T[], name: string): T[] {
  return Array.from(permutation(rows.length, createRandom(ORDER_SEED, name))).flatMap((i) => rows[i] ?? []);
}

function banking77(folder: string): Omit<DataSet, "name"> {
  const schema = z.array(z.object({ text: z.string(), category: z.string() }));
  const rows = (file: string): LabelledText[] =>
    schema
      .parse(parse(read(folder, "banking77", file), { columns: true }))
      .map((row) => ({ text: row.text, label: row.category }));
  const system =
    "You route messages of online-banking customers. Answer with the one intent that fits, in snake_case, and nothing else.";
  return { system, train: rows("train.csv"), test: rows("test.csv") };
}

/** 50 training rows for each of 150 intents; the out-of-scope class is left out. */
function clinc150(folder: string): Omit<DataSet, "name"> {
  const pairs = z.array(z.tuple([z.string(), z.string()]));
  const splits = z.object({ train: pairs, test: pairs }).parse(JSON.parse(read(folder, "clinc150", "data_small.json")));
  const rows = (of: z.infer<typeof pairs>): LabelledText[] => of.map(([text, label]) => ({ text, label }));
  const system = "You are the router of a voice assistant. Answer with the name of the user's intent and nothing else.";
  return { system, train: rows(splits.train), test: rows(splits.test) };
}

const SNIPS_INTENTS = [
  "AddToPlaylist",
  "BookRestaurant",
  "GetWeather",
  "PlayMusic",
  "RateBook",
  "SearchCreativeWork",
  "SearchScreeningEvent",
] as const;

/** UTF-8 where the bytes are UTF-8, Latin-1 otherwise: one file of the set is Latin-1. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}

function snipsFile(path: string): string[] {
  const schema = z.record(z.string(), z.array(z.object({ data: z.array(z.object({ text: z.string() })) })));
  const utterances = Object.values(schema.parse(JSON.parse(decode(readFileSync(path))))).flat();
  return utterances.map(({ data }) => data.map((piece) => piece.text).join(""));
}

function snips(folder: string): Omit<DataSet, "name"> {
  const rows = (fileOf: (intent: string) => string): LabelledText[] =>
    SNIPS_INTENTS.flatMap((label) =>
      snipsFile(join(folder, "snips-nlu", label, fileOf(label))).map((text) => ({ text, label })),
    );
  return {
    system: "You are the router of a voice assistant. Answer with the name of the user's intent and nothing else.",
    train: rows((intent) => `train_${intent}_full.json`),
    test: rows((intent) => `validate_${intent}.json`),
  };
}

/** No official split: a fifth of the distinct texts is tested, so the set's many copies cannot leak. Copies stay in the training logs. */
function smsSpam(folder: string): Omit<DataSet, "name"> {
  const rows = read(folder, "sms-spam", "SMSSpamCollection")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): LabelledText => ({
      label: line.slice(0, line.indexOf("\t")),
      text: line.slice(line.indexOf("\t") + 1),
    }));
  const texts = shuffled([...new Set(rows.map((row) => row.text))], "sms-spam split");
  const tested = new Set(texts.slice(0, Math.round(texts.length * TEST_RATIO)));
  const test = new Map(rows.filter((row) => tested.has(row.text)).map((row) => [row.text, row]));
  return {
    system: "Is this text message spam? Answer spam or ham.",
    train: rows.filter((row) => !tested.has(row.text)),
    test: [...test.values()],
  };
}

/** Japanese inference pairs. The official training file is not in the folder: the validation rows train, the test rows test. */
function jnli(folder: string): Omit<DataSet, "name"> {
  const schema = z.object({ sentence1: z.string(), sentence2: z.string(), label: z.string() });
  const rows = (file: string): LabelledText[] =>
    read(folder, "jglue-jnli", file)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => schema.parse(JSON.parse(line)))
      .map(({ sentence1, sentence2, label }) => ({ text: `${sentence1}\n${sentence2}`, label }));
  const system =
    "一行目の文から二行目の文が言えるかを、entailment、contradiction、neutral のどれか一語で答えてください。";
  return { system, train: rows("valid-v1.3.json"), test: rows("test-v1.3.json") };
}

/** Sentences whose entities are training rows, of 5,343: few labels, where a base tells. */
const NER_SENTENCES = 400;

/** The type of one entity of a Japanese sentence, eight types. The set has no official split: sentences are divided, so that none stands on both
 *  sides. */
function jaNer(folder: string): Omit<DataSet, "name"> {
  const entity = z.object({ name: z.string(), type: z.string() });
  const schema = z.array(z.object({ text: z.string(), entities: z.array(entity) }));
  const sentences = shuffled(schema.parse(JSON.parse(read(folder, "ja-ner-wikipedia", "ner.json"))), "ja-ner");
  const rows = (some: typeof sentences): LabelledText[] =>
    some.flatMap(({ text, entities }) => entities.map(({ name, type }) => ({ text: `${name}\n${text}`, label: type })));
  const system = "一行目は二行目の文に現れる固有名です。その種類を一語で答えてください。";
  return {
    system,
    train: rows(sentences.slice(0, NER_SENTENCES)),
    test: rows(sentences.slice(NER_SENTENCES, 4 * NER_SENTENCES)),
  };
}

const LOADERS: Readonly<Record<string, Loader>> = {
  banking77,
  clinc150,
  snips,
  "sms-spam": smsSpam,
  jnli,
  "ja-ner": jaNer,
};

/** Names that `loadDataSet` knows. */
export const DATA_SETS: readonly string[] = Object.keys(LOADERS);

/** Reads a data set from the folder of the data sets. @throws UsageError for an unknown name, InputError for a missing file. */
export function loadDataSet(name: string, folder: string): DataSet {
  const loader = LOADERS[name];
  if (loader === undefined)
    throw new UsageError(`data set ${name}: unknown`, { hint: `known: ${DATA_SETS.join(", ")}` });
  const { system, train, test } = loader(folder);
  return { name, system, train: shuffled(train, `${name} order`), test };
}

/** One OpenAI chat line: system prompt, the text, the label as the teacher's answer; no model, time or price is made up. */
export function chatLine(system: string, { text, label }: LabelledText): string {
  const messages = [
    { role: "system", content: system },
    { role: "user", content: text },
    { role: "assistant", content: label },
  ];
  return JSON.stringify({ messages });
}

/** Writes rows as chat logs and returns the path. */
export function writeChatLogs(path: string, system: string, rows: readonly LabelledText[]): string {
  writeFileSync(path, `${rows.map((row) => chatLine(system, row)).join("\n")}\n`);
  return path;
}
