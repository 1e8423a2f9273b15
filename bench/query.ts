/** @file One query at a time, tokenisation included, as a service asks a student: the student in int8 on one and on two threads, and the uncut
 *  teacher in fp32 on one. Each is alone in a process of its own, because idle threads of another session would take its core; the processes
 *  take turns. Texts are test rows of Banking77 of 16 pieces. Prints a JSON line per setting and round, then one with medians and their ratios.
 *
 *      node dist/bench/query.js --model DIR --teacher DIR [--rounds 5] [--queries 1000] [--data DIR] */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";
import { nowMs } from "../src/clock.js";
import { UsageError } from "../src/errors.js";
import { openStudent } from "../src/index.js";
import { percentile } from "../src/stats.js";
import { openTokenizer } from "../src/tokenizer/tokenizer.js";
import { loadDataSet } from "./datasets.js";
import { printJson, spread } from "./product.js";

/** Pieces of a query, special ones included. */
const QUERY_PIECES = 16;
const WARM_UP_QUERIES = 200;

const quantilesSchema = z.object({ p10Ms: z.number(), p50Ms: z.number(), p95Ms: z.number() });

interface Setting {
  readonly name: string;
  readonly model: string;
  readonly precision: "fp32" | "int8";
  readonly threads: number;
}

/** Asks a student one text after the other and prints the quantiles of its times. */
async function ask({ model, precision, threads }: Omit<Setting, "name">, data: string, queries: number): Promise<void> {
  const tokenizer = openTokenizer(JSON.parse(readFileSync(join(model, "tokenizer.json"), "utf8")));
  const texts = loadDataSet("banking77", data).test.flatMap(({ text }) =>
    tokenizer.encode(text).ids.length === QUERY_PIECES ? [text] : [],
  );
  if (texts.length === 0) throw new UsageError(`query: no test text has ${QUERY_PIECES} pieces for ${model}`);
  const student = await openStudent(model, { precision, threads });
  const times: number[] = [];
  for (let i = 0; i < WARM_UP_QUERIES + queries; i++) {
    const started = nowMs();
    await student.predict([texts[i % texts.length] ?? ""]);
    if (i >= WARM_UP_QUERIES) times.push(nowMs() - started);
  }
  await student.close();
  times.sort((a, b) => a - b);
  const at = (probability: number): number => Number(percentile(times, probability).toFixed(3));
  printJson({ p10Ms: at(0.1), p50Ms: at(0.5), p95Ms: at(0.95) });
}

const { values: flags } = parseArgs({
  options: {
    model: { type: "string" },
    teacher: { type: "string" },
    rounds: { type: "string", default: "5" },
    queries: { type: "string", default: "1000" },
    data: { type: "string", default: join("..", "shared", "data") },
    /** Of the process of one setting. */
    precision: { type: "string" },
    threads: { type: "string" },
  },
});
const { model, teacher, data, queries } = flags;
if (model === undefined) throw new UsageError("query: name the folder of a pretrained student: --model DIR");

/** The quantiles of a setting, from a process of its own. */
function timesOf(setting: Setting) {
  const own = ["--model", setting.model, "--precision", setting.precision, "--threads", String(setting.threads)];
  const args = [fileURLToPath(import.meta.url), ...own, "--data", data, "--queries", queries];
  return quantilesSchema.parse(JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })));
}

function compare(settings: readonly Setting[], rounds: number): void {
  const medians = new Map(settings.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    const turns = round % 2 === 0 ? settings : settings.toReversed();
    for (const setting of turns) {
      const { name, precision, threads } = setting;
      const times = timesOf(setting);
      medians.get(name)?.push(times.p50Ms);
      printJson({ bench: "query", round, student: name, precision, threads, ...times });
    }
  }
  const [one = []] = medians.values();
  for (const [name, values] of medians)
    printJson({
      bench: "query",
      summary: true,
      student: name,
      p50Ms: spread(values),
      timesOfFirst: spread(values.map((value, round) => value / (one[round] ?? NaN))),
    });
}

if (flags.precision === undefined) {
  if (teacher === undefined) throw new UsageError("query: name the folder of the uncut student: --teacher DIR");
  compare(
    [
      { name: "student, one thread", model, precision: "int8", threads: 1 },
      { name: "student, two threads", model, precision: "int8", threads: 2 },
      { name: "uncut, one thread", model: teacher, precision: "fp32", threads: 1 },
    ],
    Number(flags.rounds),
  );
} else {
  const precision = flags.precision === "fp32" ? "fp32" : "int8";
  await ask({ model, precision, threads: Number(flags.threads) }, data, Number(queries));
}
