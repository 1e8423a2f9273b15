/** @file Recall and precision of every kind of personal data on planted values, and the rate of the search. Prints JSON lines.
 *  `node dist/bench/redact.js [--seed 5] [--per-kind 300] [--rounds 5] [--mb 20] [--data DIR] [--write FILE] [--missed] [--only second]`. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { nowMs } from "../src/clock.js";
import { createRedactor } from "../src/redact/redactor.js";
import { chatLine, loadDataSet } from "./datasets.js";
import { makeCases, WRITTEN, type Carriers, type LabelledCase } from "./redact-cases.js";
import { makeSecondCases } from "./redact-second.js";
import { byKind, scoreCases } from "./redact-score.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "5" },
    "per-kind": { type: "string", default: "300" },
    rounds: { type: "string", default: "5" },
    mb: { type: "string", default: "20" },
    data: { type: "string", default: "../shared/data" },
    write: { type: "string" },
    missed: { type: "boolean", default: false },
    only: { type: "string" },
  },
});

function print(facts: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const textsOf = (path: string, fields: readonly string[]): string[] =>
  lines(readFileSync(path, "utf8")).flatMap((line) => {
    const value = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return fields.flatMap((field) => (typeof value[field] === "string" ? [value[field]] : []));
  });

/** A field of every object of a JSON array. */
function textsWithin(path: string, field: string): string[] {
  const list = JSON.parse(readFileSync(path, "utf8")) as readonly Readonly<Record<string, unknown>>[];
  return list.flatMap((value) => (typeof value[field] === "string" ? [value[field]] : []));
}

/** Texts of public data sets; none of them was looked at while a detector was written, but for finds in them that were wrong. */
function carriersOf(folder: string): Carriers {
  const japanese = textsOf(join(folder, "jglue-jnli", "test-v1.3.json"), ["sentence1"]);
  const questions = textsOf(join(folder, "jglue-jcommonsenseqa", "test-v1.3.json"), ["question"]);
  const english = [...loadDataSet("banking77", folder).test, ...loadDataSet("clinc150", folder).test].map(
    ({ text }) => text,
  );
  const sums = textsOf(join(folder, "gsm8k", "test.jsonl"), ["question"]);
  return { ja: [...japanese, ...questions], en: [...english, ...sums] };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

/** Chat lines with about so many bytes: the carriers in turn under a system prompt. */
function chatLines(texts: readonly string[], megabytes: number): Buffer[] {
  const made: Buffer[] = [];
  for (let bytes = 0, i = 0; bytes < megabytes * 1e6; i++) {
    const line = Buffer.from(
      chatLine("You route messages of customers.", { text: texts[i % texts.length] ?? "", label: "other" }),
    );
    made.push(line);
    bytes += line.length;
  }
  return made;
}

interface ChatLine {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

const parsed = (line: Buffer): ChatLine => JSON.parse(line.toString("utf8")) as ChatLine;

function secondsOf(work: () => void): number {
  const startMs = nowMs();
  work();
  return (nowMs() - startMs) / 1000;
}

/** Both in one process and in turn, so that what else the machine does hits both. */
function measureRate(name: string, texts: readonly string[]): void {
  const buffers = chatLines(texts, Number(values.mb));
  const megabytes = buffers.reduce((sum, { length }) => sum + length, 0) / 1e6;
  const redactor = createRedactor({ key: "bench" });
  const redact = (): void => {
    for (const line of buffers) {
      const { messages } = parsed(line);
      redactor.redactRecord({ messages: messages.slice(0, -1), answer: messages.at(-1)?.content ?? "" });
    }
  };
  const decode = (): void => {
    for (const line of buffers) if (parsed(line).messages.length === 0) throw new RangeError("a line without messages");
  };
  decode();
  redact();
  const rounds = Array.from({ length: Number(values.rounds) }, () => ({
    parse: secondsOf(decode),
    both: secondsOf(redact),
  }));
  const alone = rounds.map(({ parse, both }) => both - parse);
  print({
    bench: "redact-rate",
    texts: name,
    megabytes,
    parseMbPerSecond: megabytes / median(rounds.map(({ parse }) => parse)),
    redactMbPerSecond: megabytes / median(alone),
    redactOverParseSeconds: median(rounds.map(({ parse }, i) => (alone[i] ?? 0) / parse)),
    values: Object.values(redactor.facts().counts).reduce((sum, count) => sum + count, 0),
  });
}

const casesOf = (carriers: Carriers): LabelledCase[] =>
  makeCases(Number(values.seed), carriers, Number(values["per-kind"]));

function score(name: string, cases: readonly LabelledCase[]): void {
  const { scores, missed } = scoreCases(cases);
  for (const facts of [...scores, ...byKind(scores)]) {
    const { planted, gone, found, right } = facts;
    print({
      bench: "redact",
      carriers: name,
      ...facts,
      recall: gone / planted,
      precision: found === 0 ? 1 : right / found,
    });
  }
  if (values.missed) for (const facts of missed) print({ bench: "redact-missed", carriers: name, ...facts });
}

/** What is found in texts where nothing was planted: by eye, what of it is right. */
function unplanted(name: string, texts: readonly string[]): void {
  const { scores, missed } = scoreCases(texts.map((text) => ({ language: "en", text, values: [] })));
  const found = Object.fromEntries(scores.map(({ kind, found: count }) => [kind, count]));
  print({
    bench: "redact-unplanted",
    texts: name,
    megabytes: Buffer.byteLength(texts.join("")) / 1e6,
    found,
    examples: missed.slice(0, 40).map(({ kind, value }) => [kind, value]),
  });
}

/** Real messages with real numbers of the United Kingdom: how many of the runs of digits that begin as a number there does are gone. */
function smsNumbers(folder: string): void {
  const run = /(?<![\d£.])0[1-9]\d{8,9}(?!\d)/g;
  const redactor = createRedactor({ key: "bench" });
  let [numbers, left] = [0, 0];
  for (const line of lines(readFileSync(join(folder, "sms-spam", "SMSSpamCollection"), "utf8"))) {
    const found = line.match(run) ?? [];
    const changed = redactor.redactText(line, line);
    numbers += found.length;
    left += found.filter((number) => typeof changed === "string" && changed.includes(number)).length;
  }
  print({ bench: "redact-sms", numbers, left, recall: 1 - left / numbers });
}

score("second", makeSecondCases(Number(values.seed), Number(values["per-kind"])));
if (values.only === "second") process.exit(0);
score("written", casesOf(WRITTEN));
if (values.write !== undefined) {
  const made = makeCases(Number(values.seed), WRITTEN, Number(values["per-kind"]));
  writeFileSync(values.write, gzipSync(`${made.map((one) => JSON.stringify(one)).join("\n")}\n`, { level: 9 }));
}
if (existsSync(join(values.data, "banking77"))) {
  const carriers = carriersOf(values.data);
  score("public", casesOf(carriers));
  unplanted("Japanese", carriers.ja);
  unplanted("English", carriers.en);
  unplanted("Japanese Wikipedia", textsWithin(join(values.data, "ja-ner-wikipedia", "ner.json"), "text"));
  unplanted("English sums", textsOf(join(values.data, "gsm8k", "train.jsonl"), ["question", "answer"]));
  smsNumbers(values.data);
  measureRate("Japanese", carriers.ja);
  measureRate("English", carriers.en);
  measureRate("English sums", textsOf(join(values.data, "gsm8k", "test.jsonl"), ["question"]));
  measureRate("SMS", lines(readFileSync(join(values.data, "sms-spam", "SMSSpamCollection"), "utf8")));
}
