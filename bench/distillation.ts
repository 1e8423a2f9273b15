/** @file What teaching buys: a pretrained encoder is fine-tuned, cut once, and the same cut recovers in several ways for the same steps: with each
 *  loss on and off, and on labels alone with a learning rate of its own. A share of the training rows is held out as in the product and chooses the
 *  control's rate; the official test rows only report. With `--per-class N` the teacher and the controls get N labels of each class, and the taught cuts
 *  all training texts with the teacher's answers. Prints JSON lines.
 *
 *      node dist/bench/distillation.js --base DIR [--set banking77] [--seeds 1,2,3] [--layers 3] [--teacher-epochs 5] [--epochs 6] [--per-class N] [--data DIR] */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { nowMs } from "../src/clock.js";
import { allParts, cutEncoder, type EncoderWeights } from "../src/compress/cut.js";
import { chooseLayers } from "../src/compress/importance.js";
import { softAnswers } from "../src/distill/answers.js";
import { type InnerLossSpec, keptLayers, type LayerPair, lastLayers } from "../src/distill/inner-losses.js";
import type { LossSpec } from "../src/distill/losses.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "../src/distill/spec.js";
import { trainEncoder } from "../src/distill/train.js";
import { UsageError } from "../src/errors.js";
import { comparePaired } from "../src/evaluate/compare.js";
import { type Base, openBase, piecesOf } from "../src/pipeline/base.js";
import { createRandom, permutation } from "../src/random.js";
import { loadDataSet, type LabelledText } from "./datasets.js";
import { printJson } from "./product.js";

const THREADS = 2;
/** Share of the training rows that is held out, as the product seals. */
const HELD_OUT_RATIO = 0.15;
const CALIBRATION_TEXTS = 512;
const LEARNING_RATE = 3e-4;
const TEACHER_LEARNING_RATE = 2e-4;
const CONTROL_RATES = [1e-4, 2e-4, 3e-4, 5e-4] as const;

const labels = (weight: number): LossSpec => ({ kind: "cross-entropy", weight, labelSmoothing: 0.05 });
const answers = (weight: number): LossSpec => ({ kind: "forward-kl", weight, temperature: 2 });

interface Recovery {
  readonly name: string;
  readonly losses: readonly LossSpec[];
  readonly inner: (kept: readonly LayerPair[], last: readonly LayerPair[], heads: number) => readonly InnerLossSpec[];
}

/** Each loss on and off; the first is the product's recipe. */
const RECOVERIES: readonly Recovery[] = [
  {
    name: "answers and hidden states",
    losses: [labels(0.2), answers(0.8)],
    inner: (layers) => [{ kind: "hidden-mse", weight: 0.5, layers }],
  },
  { name: "answers alone", losses: [labels(0.2), answers(0.8)], inner: () => [] },
  {
    name: "hidden states and labels",
    losses: [labels(1)],
    inner: (layers) => [{ kind: "hidden-mse", weight: 0.5, layers }],
  },
  {
    name: "answers and cosine",
    losses: [labels(0.2), answers(0.8)],
    inner: (layers) => [{ kind: "hidden-cosine", weight: 0.5, layers }],
  },
  {
    name: "answers and relations",
    losses: [labels(0.2), answers(0.8)],
    inner: (_, layers, heads) => [{ kind: "relations", weight: 0.5, layers, heads }],
  },
  {
    name: "answers, hidden states and embeddings",
    losses: [labels(0.2), answers(0.8)],
    inner: (layers) => [
      { kind: "hidden-mse", weight: 0.5, layers },
      { kind: "embedding-mse", weight: 0.5 },
    ],
  },
];

interface Rows {
  readonly sequences: readonly Int32Array[];
  readonly labels: Int32Array;
}

interface Trial {
  readonly base: Base;
  readonly seed: number;
  readonly labelCount: number;
  /** Rows with labels. */
  readonly labelled: Rows;
  /** Rows that taught cuts see: the labelled ones, and those whose labels are set aside. */
  readonly texts: Rows;
  readonly heldOut: Rows;
  readonly test: Rows;
}

const rowsAt = ({ sequences, labels: all }: Rows, rows: readonly number[]): Rows => ({
  sequences: rows.flatMap((row) => sequences[row] ?? []),
  labels: Int32Array.from(rows, (row) => all[row] ?? -1),
});

interface TrialOptions {
  readonly seed: number;
  readonly perClass: number | undefined;
}

function trialOf(
  base: Base,
  train: readonly LabelledText[],
  test: readonly LabelledText[],
  options: TrialOptions,
): Trial {
  const { seed, perClass } = options;
  const names = [...new Set(train.map(({ label }) => label))].sort();
  const index = new Map(names.map((name, i) => [name, i]));
  const encode = (rows: readonly LabelledText[]): Rows => ({
    sequences: rows.map(({ text }) => piecesOf(base, text)),
    labels: Int32Array.from(rows, ({ label }) => index.get(label) ?? -1),
  });
  const all = encode(train);
  const order = Array.from(permutation(train.length, createRandom(seed, "distillation held out")));
  const cut = Math.round(HELD_OUT_RATIO * train.length);
  const rest = order.slice(cut);
  const seen = new Int32Array(names.length);
  const labelled = rest.filter((row) => {
    const label = all.labels[row] ?? 0;
    return perClass === undefined || (seen[label] = (seen[label] ?? 0) + 1) <= perClass;
  });
  return {
    base,
    seed,
    labelCount: names.length,
    labelled: rowsAt(all, labelled),
    texts: rowsAt(all, rest),
    heldOut: rowsAt(all, order.slice(0, cut)),
    test: encode(test),
  };
}

interface Fit {
  readonly rows: Rows;
  readonly start: EncoderWeights;
  readonly epochs: number;
  readonly learningRate: number;
  readonly losses: readonly LossSpec[];
  readonly more?: Pick<PretrainedTrainSpec, "softLabels" | "teacher">;
}

interface Fitted extends EncoderWeights {
  readonly seconds: number;
}

function modelOf({ base, labelCount }: Trial, { config }: EncoderWeights) {
  return { config, pooling: base.pooling, maxTokens: base.maxTokens, labelCount };
}

async function fit(trial: Trial, { rows, start, epochs, learningRate, losses, more }: Fit): Promise<Fitted> {
  const startMs = nowMs();
  const { labelCount, ...model } = modelOf(trial, start);
  const { weights } = await trainEncoder(
    {
      ...PRETRAINED_TRAIN_DEFAULTS,
      sequences: rows.sequences,
      labels: rows.labels,
      weights: new Float32Array(rows.labels.length).fill(1),
      labelCount,
      model,
      start: start.values,
      losses,
      epochs,
      learningRate,
      seed: trial.seed,
      ...more,
    },
    { threads: THREADS },
  );
  return { config: start.config, values: weights, seconds: (nowMs() - startMs) / 1000 };
}

/** Best label of each text. */
async function answer(trial: Trial, encoder: EncoderWeights, { sequences }: Rows): Promise<number[]> {
  const soft = await softAnswers(modelOf(trial, encoder), encoder.values, sequences, { threads: THREADS });
  const width = trial.labelCount + 1;
  return sequences.map((_, i) => {
    const row = soft.subarray(i * width, i * width + trial.labelCount);
    return row.indexOf(row.reduce((most, p) => Math.max(most, p), 0));
  });
}

const rightOf = (came: readonly number[], wanted: ArrayLike<number>): number[] =>
  came.map((label, i) => Number(label === wanted[i]));
const shareOf = (outcomes: readonly number[]): number =>
  outcomes.reduce((sum, outcome) => sum + outcome, 0) / Math.max(1, outcomes.length);

/** The cut on labels alone, its rate chosen on the held-out rows. */
async function control(
  trial: Trial,
  start: EncoderWeights,
  epochs: number,
): Promise<Fitted & { readonly rate: number }> {
  let best: (Fitted & { readonly rate: number; readonly share: number }) | undefined;
  for (const rate of CONTROL_RATES) {
    const fitted = await fit(trial, { rows: trial.labelled, start, epochs, learningRate: rate, losses: [labels(1)] });
    const share = shareOf(rightOf(await answer(trial, fitted, trial.heldOut), trial.heldOut.labels));
    if (best === undefined || share > best.share) best = { ...fitted, rate, share };
  }
  if (best === undefined) throw new UsageError("bench: no rate for the control");
  return best;
}

interface Settings {
  readonly layers: number;
  readonly teacherEpochs: number;
  readonly epochs: number;
}

/** Optimiser steps of equal number on fewer rows need more epochs. */
const epochsFor = (epochs: number, all: Rows, used: Rows): number =>
  Math.max(1, Math.round((epochs * all.labels.length) / used.labels.length));

async function runTrial(trial: Trial, { layers, teacherEpochs, epochs }: Settings): Promise<void> {
  const { base, seed, labelled, texts, test, heldOut } = trial;
  const report: Report = async (name, fitted, reference, more = {}) => {
    const came = await answer(trial, fitted, test);
    printJson({
      bench: "distillation",
      seed,
      student: name,
      labelled: labelled.labels.length,
      texts: texts.labels.length,
      seconds: fitted.seconds,
      accuracy: shareOf(rightOf(came, test.labels)),
      heldOutAccuracy: shareOf(rightOf(await answer(trial, fitted, heldOut), heldOut.labels)),
      ...(reference !== undefined && { teacherAgreement: shareOf(rightOf(came, reference)) }),
      ...more,
    });
    return came;
  };
  const start = { config: base.config, values: base.weights };
  const teacher = await fit(trial, {
    rows: labelled,
    start,
    epochs: epochsFor(teacherEpochs, texts, labelled),
    learningRate: TEACHER_LEARNING_RATE,
    losses: [labels(1)],
  });
  const taught = await report("teacher", teacher);
  const calibration = texts.sequences.slice(0, CALIBRATION_TEXTS);
  const kept = await chooseLayers(teacher, calibration, layers, { threads: THREADS });
  const cut = cutEncoder(teacher, { ...allParts(teacher.config), layers: kept });
  await report("cut, not recovered", { ...cut, seconds: 0 }, taught, { kept: [...kept] });
  const untaught = cutEncoder(start, { ...allParts(base.config), layers: kept });
  const alone = await control(trial, untaught, epochsFor(epochs, texts, labelled));
  const controlled = await report("cut of the base, labels alone", alone, taught, { rate: alone.rate });
  const again = await control(trial, cut, epochsFor(epochs, texts, labelled));
  await report("cut of the teacher, labels alone", again, taught, { rate: again.rate });
  await runRecoveries(trial, { teacher, cut, kept, epochs }, report, { taught, controlled });
}

/** Labels of the texts: their own where all have one, else the teacher's answers. */
function answeredLabels({ texts, labelled, labelCount }: Trial, softLabels: Float32Array): Int32Array {
  if (texts.labels.length === labelled.labels.length) return texts.labels;
  const width = labelCount + 1;
  return Int32Array.from(texts.labels, (_, i) => {
    const row = softLabels.subarray(i * width, i * width + labelCount);
    return row.indexOf(row.reduce((most, p) => Math.max(most, p), 0));
  });
}

interface Taught {
  readonly teacher: EncoderWeights;
  readonly cut: EncoderWeights;
  readonly kept: Uint32Array;
  readonly epochs: number;
}

type Report = (name: string, fitted: Fitted, reference?: readonly number[], more?: object) => Promise<number[]>;

/** The same cut of the teacher, recovered in each way, against the control. */
async function runRecoveries(
  trial: Trial,
  { teacher, cut, kept, epochs }: Taught,
  report: Report,
  { taught, controlled }: { readonly taught: readonly number[]; readonly controlled: readonly number[] },
): Promise<void> {
  const { base, texts, test, seed } = trial;
  const softLabels = await softAnswers(modelOf(trial, teacher), teacher.values, texts.sequences, { threads: THREADS });
  const rows = { sequences: texts.sequences, labels: answeredLabels(trial, softLabels) };
  for (const { name, losses, inner } of RECOVERIES) {
    const pairs = keptLayers(kept);
    const specs = inner(pairs, lastLayers(kept.length, base.config.layers.length), base.config.heads);
    const inside = { model: { config: teacher.config }, weights: teacher.values, losses: specs };
    const more = { softLabels, ...(specs.length > 0 && { teacher: inside }) };
    const fitted = await fit(trial, { rows, start: cut, epochs, learningRate: LEARNING_RATE, losses, more });
    const came = await report(name, fitted, taught);
    const { difference, pValue } = comparePaired(rightOf(came, test.labels), rightOf(controlled, test.labels));
    const against = "cut of the base, labels alone";
    printJson({ bench: "distillation", seed, student: name, against, difference, pValue });
  }
}

const { values: flags } = parseArgs({
  options: {
    base: { type: "string" },
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1,2,3" },
    layers: { type: "string", default: "3" },
    "teacher-epochs": { type: "string", default: "5" },
    epochs: { type: "string", default: "6" },
    "per-class": { type: "string" },
    data: { type: "string", default: join("..", "shared", "data") },
  },
});
if (flags.base === undefined) throw new UsageError("--base: name the folder of a pretrained encoder");
const base = openBase(flags.base);
const { train, test } = loadDataSet(flags.set, flags.data);
const settings: Settings = {
  layers: Number(flags.layers),
  teacherEpochs: Number(flags["teacher-epochs"]),
  epochs: Number(flags.epochs),
};
const perClass = flags["per-class"] === undefined ? undefined : Number(flags["per-class"]);
for (const seed of flags.seeds.split(",").map(Number))
  await runTrial(trialOf(base, train, test, { seed, perClass }), settings);
