/** @file Trials of the label encoder on a split of Banking77 training rows (every fifth row held out; the test file is
 *  never read). Usage: node encoder-tuning.js <train.csv> '<json of spec overrides>' ... One JSON line per epoch and
 *  trial. */
import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";
import { nowMs } from "../src/clock.js";
import { ENCODER_TRAIN_DEFAULTS, type EncoderTrainSpec } from "../src/distill/spec.js";
import { trainEncoder } from "../src/distill/train.js";
import { lossesOf } from "../src/pipeline/encoder-spec.js";
import { ENCODER_SIZES } from "../src/models/encoder.js";
import { createRandom, permutation } from "../src/random.js";

const HELD_OUT_EVERY = 5;
const THREADS = 2;

async function readRows(path: string): Promise<{ texts: string[]; labels: Int32Array; labelCount: number }> {
  const rows = parse(await readFile(path, "utf8"), { columns: true }) as { text: string; category: string }[];
  const names = [...new Set(rows.map((row) => row.category))].sort();
  const index = new Map(names.map((name, i) => [name, i]));
  return {
    texts: rows.map((row) => row.text),
    labels: Int32Array.from(rows, (row) => index.get(row.category) ?? 0),
    labelCount: names.length,
  };
}

async function trial(path: string, overrides: Partial<EncoderTrainSpec>): Promise<void> {
  const data = await readRows(path);
  const order = permutation(data.texts.length, createRandom(1, "holdout"));
  const spec: EncoderTrainSpec = {
    ...ENCODER_TRAIN_DEFAULTS,
    ...data,
    weights: new Float32Array(data.texts.length).fill(1),
    config: ENCODER_SIZES.medium,
    losses: lossesOf(false),
    seed: 1,
    holdout: order.filter((_, i) => i % HELD_OUT_EVERY === 0),
    ...overrides,
  };
  const started = nowMs();
  const processorBefore = process.cpuUsage();
  let first = 0;
  let steps = 0;
  const result = await trainEncoder(spec, {
    threads: THREADS,
    onProgress: ({ phase, step }) => {
      if (phase === "train" && first === 0) first = nowMs();
      if (phase === "train") steps = step;
    },
  });
  const best = result.history[result.bestEpoch - 1];
  const accuracy = result.history.map((entry) => Number(entry.holdoutAccuracy?.toFixed(4)));
  const losses = result.history.map((entry) => Number(entry.holdoutLoss?.toFixed(4)));
  const seconds = (nowMs() - started) / 1000;
  const processor = process.cpuUsage(processorBefore);
  const processorSeconds = (processor.user + processor.system) / 1e6;
  const msPerStep = (nowMs() - first) / steps;
  const { bestEpoch } = result;
  console.log(
    JSON.stringify({
      overrides,
      accuracy,
      losses,
      bestEpoch,
      best: best?.holdoutAccuracy,
      seconds,
      processorSeconds,
      msPerStep,
    }),
  );
}

const [path = "", ...trials] = process.argv.slice(2);
for (const text of trials.length === 0 ? ["{}"] : trials)
  await trial(path, JSON.parse(text) as Partial<EncoderTrainSpec>);
