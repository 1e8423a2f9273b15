/** @file What the benches of pretrained encoders share: the rows of a data set as token ids, some held out, some without their labels; fits and
 *  answers with all threads. Knows no student and prints nothing. */
import { nowMs } from "../src/clock.js";
import type { EncoderWeights } from "../src/compress/cut.js";
import { softAnswers } from "../src/distill/answers.js";
import { headStart } from "../src/distill/head-start.js";
import type { LossSpec } from "../src/distill/losses.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "../src/distill/spec.js";
import { trainEncoder } from "../src/distill/train.js";
import { type Base, piecesOf } from "../src/pipeline/pretrained/base.js";
import { bestLabels } from "../src/pipeline/pretrained/spec.js";
import { createRandom, permutation } from "../src/random.js";
import type { LabelledText } from "./datasets.js";

/** Share of the training rows that is held out, as the product seals. */
const HELD_OUT_RATIO = 0.15;
/** Texts that a cut is chosen by. */
export const CALIBRATION_TEXTS = 512;

export const labelLoss = (weight: number): LossSpec => ({ kind: "cross-entropy", weight, labelSmoothing: 0.05 });
export const answerLoss = (weight: number): LossSpec => ({ kind: "forward-kl", weight, temperature: 2 });

export interface Rows {
  readonly texts: readonly string[];
  readonly sequences: readonly Int32Array[];
  readonly labels: Int32Array;
}

export interface Trial {
  readonly base: Base;
  readonly seed: number;
  readonly threads: number;
  readonly labelCount: number;
  readonly labelNames: readonly string[];
  /** Rows with labels. */
  readonly labelled: Rows;
  /** These, then those whose labels are set aside. */
  readonly texts: Rows;
  readonly heldOut: Rows;
  readonly test: Rows;
}

export const rowsAt = ({ texts, sequences, labels }: Rows, rows: readonly number[]): Rows => ({
  texts: rows.map((row) => texts[row] ?? ""),
  sequences: rows.flatMap((row) => sequences[row] ?? []),
  labels: Int32Array.from(rows, (row) => labels[row] ?? -1),
});

export interface TrialOptions {
  readonly seed: number;
  readonly threads: number;
  /** Rows of each class that keep their labels; all where absent. */
  readonly perClass?: number;
  /** Rows that keep their labels, whatever their class; all where absent. */
  readonly rows?: number;
}

/** A trial on the training rows of a data set, `seed` deciding what is held out and what keeps its label. */
export function trialOf(
  base: Base,
  { train, test }: { readonly train: readonly LabelledText[]; readonly test: readonly LabelledText[] },
  { seed, threads, perClass = Infinity, rows = Infinity }: TrialOptions,
): Trial {
  const names = [...new Set(train.map(({ label }) => label))].sort();
  const index = new Map(names.map((name, i) => [name, i]));
  const encode = (rows: readonly LabelledText[]): Rows => ({
    texts: rows.map(({ text }) => text),
    sequences: rows.map(({ text }) => piecesOf(base, text)),
    labels: Int32Array.from(rows, ({ label }) => index.get(label) ?? -1),
  });
  const all = encode(train);
  const order = Array.from(permutation(train.length, createRandom(seed, "distillation held out")));
  const cut = Math.round(HELD_OUT_RATIO * train.length);
  const seen = new Int32Array(names.length);
  const [kept, left]: [number[], number[]] = [[], []];
  for (const row of order.slice(cut)) {
    const label = all.labels[row] ?? 0;
    seen[label] = (seen[label] ?? 0) + 1;
    ((seen[label] ?? 0) <= perClass && kept.length < rows ? kept : left).push(row);
  }
  return {
    base,
    seed,
    threads,
    labelCount: names.length,
    labelNames: names,
    labelled: rowsAt(all, kept),
    texts: rowsAt(all, [...kept, ...left]),
    heldOut: rowsAt(all, order.slice(0, cut)),
    test: encode(test),
  };
}

export interface Fit {
  readonly rows: Omit<Rows, "texts">;
  readonly start: EncoderWeights;
  readonly epochs: number;
  readonly learningRate: number;
  readonly losses: readonly LossSpec[];
  readonly more?: Partial<PretrainedTrainSpec>;
}

export interface Fitted extends EncoderWeights {
  readonly seconds: number;
}

export function modelOf({ base, labelCount }: Trial, { config }: Pick<EncoderWeights, "config">) {
  return { config, pooling: base.pooling, maxTokens: base.maxTokens, labelCount };
}

/** The encoder with a label layer to start from, by the rows that it will learn. */
export async function started(
  trial: Trial,
  encoder: EncoderWeights,
  rows: Omit<Rows, "texts">,
): Promise<EncoderWeights> {
  const head = await headStart(modelOf(trial, encoder), encoder.values, rows, { threads: trial.threads });
  return { ...encoder, values: new Map([...encoder.values, ...head]) };
}

export async function fit(trial: Trial, { rows, start, epochs, learningRate, losses, more }: Fit): Promise<Fitted> {
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
    { threads: trial.threads },
  );
  return { config: start.config, values: weights, seconds: (nowMs() - startMs) / 1000 };
}

const TEACHER_LEARNING_RATE = 2e-4;

/** The base fine-tuned on the labelled rows: the teacher of a trial. */
export async function fineTuned(trial: Trial, epochs: number, more?: Partial<PretrainedTrainSpec>): Promise<Fitted> {
  const { base, labelled } = trial;
  const start = await started(trial, { config: base.config, values: base.weights }, labelled);
  const learningRate = TEACHER_LEARNING_RATE;
  return fit(trial, { rows: labelled, start, epochs, learningRate, losses: [labelLoss(1)], ...(more && { more }) });
}

/** Best label of each text. */
export async function answer(trial: Trial, encoder: EncoderWeights, { sequences }: Rows): Promise<number[]> {
  const soft = await softAnswers(modelOf(trial, encoder), encoder.values, sequences, { threads: trial.threads });
  return bestLabels(soft, trial.labelCount + 1);
}

export const rightOf = (came: readonly number[], wanted: ArrayLike<number>): number[] =>
  came.map((label, i) => Number(label === wanted[i]));
export const shareOf = (outcomes: readonly number[]): number =>
  outcomes.reduce((sum, outcome) => sum + outcome, 0) / Math.max(1, outcomes.length);
