/** @file One model folder, served by this package and by transformers.js: the same graphs, tokenizer and texts, in one process, by turns. States the
 *  latency of one query of 16 pieces and the time of a batch of 32 texts of mixed length, tokenisation included. Prints JSON lines.
 *
 *      node dist/bench/serving.js --model DIR [--rounds 300] [--threads 1,2] [--data DIR]
 *
 *  DIR is the folder of a pretrained student; the texts are the test rows of Banking77. `ratio` is their median time over ours. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { env, pipeline } from "@huggingface/transformers";
import { nowMs } from "../src/clock.js";
import { UsageError } from "../src/errors.js";
import { openStudent } from "../src/index.js";
import { createRandom } from "../src/random.js";
import { percentile } from "../src/stats.js";
import { parseManifest, type Precision } from "../src/student/manifest.js";
import { loadDataSet } from "./datasets.js";

/** Pieces of a query, special ones included. */
const QUERY_PIECES = 16;
const BATCH_TEXTS = 32;
/** A batch takes some twenty queries' time. */
const QUERIES_PER_BATCH = 20;
const WARM_UP_ROUNDS = 20;
/** What transformers.js calls our precisions; int4 is measured where the folder has it. */
const THEIR_NAMES = { fp32: "fp32", int8: "int8", int4: "q4" } as const satisfies Readonly<Record<Precision, string>>;

type Answer = (texts: readonly string[]) => Promise<readonly string[]>;

interface Server {
  readonly answer: Answer;
  close(): Promise<void>;
}

interface Opened {
  readonly ours: Server;
  readonly theirs: Server;
  readonly piecesOf: (text: string) => number;
}

async function openBoth(folder: string, precision: Precision, threads: number): Promise<Opened> {
  const student = await openStudent(folder, { precision, threads });
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  const classify = await pipeline("text-classification", folder, {
    dtype: THEIR_NAMES[precision],
    session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
  });
  return {
    ours: {
      answer: async (texts) => (await student.predict(texts)).map(({ label }) => label),
      close: () => student.close(),
    },
    theirs: {
      answer: async (texts) => (await classify([...texts])).flat().map(({ label }) => label),
      close: () => classify.dispose(),
    },
    piecesOf: (text) => classify.tokenizer.encode(text).length,
  };
}

interface Times {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  /** Processor time of all threads over all questions, theirs over ours: what a busy machine does not distort. */
  readonly processorRatio: number;
  /** Share of texts that got the same label. */
  readonly sameLabelRatio: number;
}

/** Milliseconds per question, both asked the same in every round, who comes first by turns. */
async function timeBoth({ ours, theirs }: Opened, questions: readonly (readonly string[])[]): Promise<Times> {
  const times = { ours: [] as number[], theirs: [] as number[] };
  const processorUs = { ours: 0, theirs: 0 };
  let [same, total] = [0, 0];
  for (const [round, texts] of questions.entries()) {
    const answers: Partial<Record<"ours" | "theirs", readonly string[]>> = {};
    const turns = round % 2 === 0 ? (["ours", "theirs"] as const) : (["theirs", "ours"] as const);
    for (const name of turns) {
      const [started, used] = [nowMs(), process.cpuUsage()];
      answers[name] = await (name === "ours" ? ours : theirs).answer(texts);
      if (round < WARM_UP_ROUNDS) continue;
      times[name].push(nowMs() - started);
      const { user, system } = process.cpuUsage(used);
      processorUs[name] += user + system;
    }
    total += texts.length;
    same += texts.filter((_, i) => answers.ours?.[i] === answers.theirs?.[i]).length;
  }
  const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);
  const processorRatio = processorUs.theirs / processorUs.ours;
  return { ours: sorted(times.ours), theirs: sorted(times.theirs), processorRatio, sameLabelRatio: same / total };
}

const rounded = (value: number): number => Number(value.toFixed(3));

function quantiles(times: readonly number[]): Record<string, number> {
  const at = (probability: number): number => rounded(percentile(times, probability));
  return { p10Ms: at(0.1), p50Ms: at(0.5), p95Ms: at(0.95) };
}

/** `count` questions of `size` texts each, drawn from `texts`. */
function questionsOf(texts: readonly string[], size: number, count: number): readonly (readonly string[])[] {
  const random = createRandom(1, `serving ${size}`);
  const draw = (): string => texts[Math.floor(random.float() * texts.length)] ?? "";
  return Array.from({ length: count + WARM_UP_ROUNDS }, () => Array.from({ length: size }, draw));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: "string" },
      rounds: { type: "string", default: "300" },
      threads: { type: "string", default: "1,2" },
      data: { type: "string", default: "../shared/data" },
    },
  });
  if (values.model === undefined) throw new UsageError("serving: name the folder of a pretrained student: --model DIR");
  const [folder, rounds] = [resolve(values.model), Number(values.rounds)];
  const path = join(folder, "joryu.json");
  const precisions = Object.keys(parseManifest(readFileSync(path, "utf8"), path).files) as Precision[];
  const texts = loadDataSet("banking77", values.data).test.map(({ text }) => text);
  for (const threads of values.threads.split(",").map(Number)) {
    for (const precision of precisions) {
      const opened = await openBoth(folder, precision, threads);
      const ofSixteen = texts.filter((text) => opened.piecesOf(text) === QUERY_PIECES);
      const asked = {
        query: questionsOf(ofSixteen, 1, rounds),
        batch: questionsOf(texts, BATCH_TEXTS, Math.ceil(rounds / QUERIES_PER_BATCH)),
      };
      for (const [what, questions] of Object.entries(asked)) {
        const { ours, theirs, processorRatio, sameLabelRatio } = await timeBoth(opened, questions);
        const ratioAt = (at: number): number => rounded(percentile(theirs, at) / percentile(ours, at));
        const settings = { bench: "serving", threads, precision, what, texts: questions[0]?.length ?? 0 };
        const ratios = { ratio: ratioAt(0.5), ratioAtP10: ratioAt(0.1), processorRatio: rounded(processorRatio) };
        const result = { ours: quantiles(ours), theirs: quantiles(theirs), ...ratios, sameLabelRatio };
        console.log(JSON.stringify({ ...settings, rounds: ours.length, ...result }));
      }
      await opened.ours.close();
      await opened.theirs.close();
    }
  }
}

await main();
