/** @file What log-probabilities in the logs are worth: the same logs with and without them, paired. A local teacher, itself a student of
 *  the product trained on one half of a data set's training rows, answers the other half; its answers become chat logs, once bare and
 *  once with the five best log-probabilities in OpenAI's format (one token per label). Both students are asked the test rows, and how
 *  often each gives the teacher's answer is compared. Prints JSON lines: one per seed, a last one over all seeds.
 *
 *      node dist/bench/soft-labels.js [--set banking77] [--seeds 1,2,3] [--minutes 5] [--teacher-minutes 5] [--data DIR] [--work DIR] [--machine FILE] */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { comparePaired } from "../src/evaluate/compare.js";
import { createRandom, permutation } from "../src/random.js";
import { openStudent } from "../src/student/open.js";
import { loadDataSet, writeChatLogs, type DataSet } from "./datasets.js";
import { datasetOf, predictTexts, printJson, runProduct, type RunSettings, spread, withFolder } from "./product.js";

/** Log-probabilities per token, as OpenAI's `top_logprobs` is often set. */
const TOP = 5;

/** A teacher's answer: labels and natural-log probabilities, best first, at most TOP of them. */
type Answer = readonly { readonly label: string; readonly logprob: number }[];

/** Log-softmax of one row of logits, cut to the best. */
function topOf(logits: Float32Array, labels: readonly string[]): Answer {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const logSum = largest + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  return Array.from(logits, (value, i) => ({ label: labels[i] ?? "", logprob: value - logSum }))
    .sort((a, b) => b.logprob - a.logprob)
    .slice(0, TOP);
}

/** The teacher's answers to texts. */
async function askTeacher(model: string, texts: readonly string[]): Promise<Answer[]> {
  const teacher = await openStudent(model);
  try {
    const { labels } = teacher.manifest;
    const logits = await teacher.logits(texts);
    return texts.map((_, i) => topOf(logits.subarray(i * labels.length, (i + 1) * labels.length), labels));
  } finally {
    await teacher.close();
  }
}

/** One exchange in the shape of the chat API; the answer is a single token. */
function exchangeLine(system: string, text: string, answer: Answer, withLogprobs: boolean): string {
  const [best] = answer;
  const token = best?.label ?? "";
  const top = answer.map(({ label, logprob }) => ({ token: label, logprob }));
  const choice = {
    index: 0,
    finish_reason: "stop",
    message: { role: "assistant", content: token },
    logprobs: withLogprobs ? { content: [{ token, logprob: best?.logprob ?? 0, top_logprobs: top }] } : null,
  };
  const messages = [
    { role: "system", content: system },
    { role: "user", content: text },
  ];
  return JSON.stringify({ request: { messages }, response: { choices: [choice] } });
}

interface Halves {
  readonly teacher: DataSet["train"];
  readonly student: DataSet["train"];
}

function halvesOf(train: DataSet["train"], seed: number): Halves {
  const rows = Array.from(permutation(train.length, createRandom(seed, "soft-labels halves"))).flatMap(
    (i) => train[i] ?? [],
  );
  const middle = rows.length >> 1;
  return { teacher: rows.slice(0, middle), student: rows.slice(middle) };
}

interface Trained {
  readonly labels: readonly string[];
  readonly sealedTexts: string;
  readonly softRows: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Trains a student of the product on logs and asks it the test texts. */
async function trainAndAsk(settings: RunSettings, texts: readonly string[]): Promise<Trained> {
  const run = await runProduct(settings);
  const { rows } = datasetOf(run, settings.out);
  const labels = (await predictTexts(run.model, texts)).map(({ label }) => label);
  const chosen = run.candidates.find(({ status }) => status === "chosen");
  return {
    labels,
    sealedTexts: JSON.stringify(rows.flatMap((row) => (row.sealed ? [row.text] : []))),
    softRows: rows.filter((row) => row.softLabels !== undefined).length,
    facts: {
      candidate: chosen?.name,
      verdict: run.verdict,
      coverage: run.metrics["coverage"],
      sealedAgreement: run.metrics["agreement"],
    },
  };
}

interface Outcomes {
  readonly soft: readonly number[];
  readonly hard: readonly number[];
}

interface Settings {
  readonly teacherMinutes: number;
  readonly minutes: number;
  readonly machine: Pick<RunSettings, "machine">;
}

function pairedFacts({ soft, hard }: Outcomes): Record<string, unknown> {
  const { difference, pValue, onlyFirst, onlySecond } = comparePaired(soft, hard);
  const ratio = (outcomes: readonly number[]): number =>
    outcomes.reduce((sum, value) => sum + value, 0) / Math.max(1, outcomes.length);
  return {
    soft: ratio(soft),
    hard: ratio(hard),
    gain: difference.value,
    low: difference.low,
    high: difference.high,
    pValue,
    onlySoft: onlyFirst,
    onlyHard: onlySecond,
  };
}

const matches = (labels: readonly string[], wanted: readonly string[]): number[] =>
  wanted.map((label, i) => (labels[i] === label ? 1 : 0));

async function runSeed(data: DataSet, folder: string, seed: number, settings: Settings): Promise<Outcomes> {
  mkdirSync(folder, { recursive: true });
  const { teacherMinutes, minutes, machine } = settings;
  const halves = halvesOf(data.train, seed);
  const teacherLogs = writeChatLogs(join(folder, "teacher.jsonl"), data.system, halves.teacher);
  const teacher = await runProduct({
    logs: teacherLogs,
    out: join(folder, "teacher"),
    seed,
    minutes: teacherMinutes,
    ...machine,
  });
  const texts = data.test.map((row) => row.text);
  const answers = await askTeacher(
    teacher.model,
    halves.student.map((row) => row.text),
  );
  const write = (name: string, withLogprobs: boolean): string => {
    const path = join(folder, `${name}.jsonl`);
    const lines = halves.student.map((row, i) => exchangeLine(data.system, row.text, answers[i] ?? [], withLogprobs));
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  };
  const student = async (name: string, withLogprobs: boolean): Promise<Trained> =>
    trainAndAsk({ logs: write(name, withLogprobs), out: join(folder, name), seed, minutes, ...machine }, texts);
  const hard = await student("hard", false);
  const soft = await student("soft", true);
  const taught = (await askTeacher(teacher.model, texts)).map((answer) => answer[0]?.label ?? "");
  const gold = data.test.map((row) => row.label);
  const outcomes = { soft: matches(soft.labels, taught), hard: matches(hard.labels, taught) };
  printJson({
    bench: "soft-labels",
    set: data.name,
    seed,
    testRows: texts.length,
    agreement: pairedFacts(outcomes),
    goldAccuracy: pairedFacts({ soft: matches(soft.labels, gold), hard: matches(hard.labels, gold) }),
    teacherAccuracy: spread(matches(taught, gold)).mean,
    meanTopMass: spread(answers.map((answer) => answer.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0))).mean,
    meanBestProbability: spread(answers.map((answer) => Math.exp(answer[0]?.logprob ?? 0))).mean,
    rowsWithSoftLabels: soft.softRows,
    sameSealedRows: soft.sealedTexts === hard.sealedTexts,
    softStudent: soft.facts,
    hardStudent: hard.facts,
  });
  return outcomes;
}

const { values: flags } = parseArgs({
  options: {
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1,2,3" },
    minutes: { type: "string", default: "5" },
    "teacher-minutes": { type: "string", default: "5" },
    data: { type: "string", default: join("..", "shared", "data") },
    work: { type: "string" },
    machine: { type: "string" },
  },
});

await withFolder(flags.work, async (folder) => {
  const data = loadDataSet(flags.set, flags.data);
  const settings: Settings = {
    teacherMinutes: Number(flags["teacher-minutes"]),
    minutes: Number(flags.minutes),
    machine: flags.machine === undefined ? {} : { machine: flags.machine },
  };
  const results: Outcomes[] = [];
  for (const seed of flags.seeds.split(",").map(Number))
    results.push(await runSeed(data, join(folder, `${flags.set}-${seed}`), seed, settings));
  const gains = results.map(({ soft, hard }) => spread(soft).mean - spread(hard).mean);
  const all = pairedFacts({ soft: results.flatMap(({ soft }) => soft), hard: results.flatMap(({ hard }) => hard) });
  printJson({
    bench: "soft-labels",
    set: flags.set,
    summary: true,
    seeds: flags.seeds,
    gain: spread(gains),
    pooled: all,
  });
});
