/** @file What teaching buys where every row has its label: a pretrained encoder is fine-tuned, cut once, and the same cut recovers in several
 *  ways for the same steps: with each loss on and off; beside them the same cut of the untaught base on labels alone with a learning rate of its own.
 *  A share of the training rows is held out as in the product and chooses the control's rate; the official test rows only report. Prints JSON lines:
 *  one per student and seed, last each student over the seeds with its difference to the control.
 *
 *      node dist/bench/distillation.js --base DIR [--set banking77] [--seeds 1,2,3] [--rows N] [--layers 3] [--teacher-epochs 5] [--epochs 6] [--teachers 1] [--threads 2] [--data DIR]
 *
 *  With `--teachers K` the answers are the mean of K teachers that differ by seed; the cut and the hidden states are those of the first. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allParts, cutEncoder, type EncoderWeights } from "../src/compress/cut.js";
import { chooseLayers } from "../src/compress/importance.js";
import { averageAnswers, softAnswers } from "../src/distill/answers.js";
import { type InnerLossSpec, keptLayers, type LayerPair, lastLayers } from "../src/distill/inner-losses.js";
import type { LossSpec } from "../src/distill/losses.js";
import { UsageError } from "../src/errors.js";
import { comparePaired } from "../src/evaluate/compare.js";
import { openBase } from "../src/pipeline/pretrained/base.js";
import { loadDataSet } from "./datasets.js";
import {
  answer,
  answerLoss,
  CALIBRATION_TEXTS,
  fineTuned,
  fit,
  type Fitted,
  labelLoss,
  modelOf,
  rightOf,
  shareOf,
  started,
  type Trial,
  trialOf,
} from "./pretrained-trial.js";
import { printJson, spread } from "./product.js";

const LEARNING_RATE = 3e-4;
/** Between the seeds of the teachers of a trial. */
const TEACHER_SEED_STEP = 1000;
const CONTROL = "cut of the base, labels alone";
const CONTROL_RATES = [1e-4, 3e-4, 5e-4] as const;

interface Recovery {
  readonly name: string;
  readonly losses: readonly LossSpec[];
  readonly inner: (kept: readonly LayerPair[], last: readonly LayerPair[], heads: number) => readonly InnerLossSpec[];
}

/** Each loss on and off; the first is the product's recipe. */
const RECOVERIES: readonly Recovery[] = [
  {
    name: "answers and hidden states",
    losses: [labelLoss(0.2), answerLoss(0.8)],
    inner: (layers) => [{ kind: "hidden-mse", weight: 0.5, layers }],
  },
  { name: "labels alone", losses: [labelLoss(1)], inner: () => [] },
  { name: "answers alone", losses: [labelLoss(0.2), answerLoss(0.8)], inner: () => [] },
  {
    name: "hidden states and labels",
    losses: [labelLoss(1)],
    inner: (layers) => [{ kind: "hidden-mse", weight: 0.5, layers }],
  },
  {
    name: "answers and cosine",
    losses: [labelLoss(0.2), answerLoss(0.8)],
    inner: (layers) => [{ kind: "hidden-cosine", weight: 0.5, layers }],
  },
  {
    name: "answers and relations",
    losses: [labelLoss(0.2), answerLoss(0.8)],
    inner: (_, layers, heads) => [{ kind: "relations", weight: 0.5, layers, heads }],
  },
  {
    name: "answers, hidden states and embeddings",
    losses: [labelLoss(0.2), answerLoss(0.8)],
    inner: (layers) => [
      { kind: "hidden-mse", weight: 0.5, layers },
      { kind: "embedding-mse", weight: 0.5 },
    ],
  },
];

/** The cut on labels alone, its rate chosen on the held-out rows. */
async function control(
  trial: Trial,
  start: EncoderWeights,
  epochs: number,
): Promise<Fitted & { readonly rate: number }> {
  const from = await started(trial, start, trial.labelled);
  let best: (Fitted & { readonly rate: number; readonly share: number }) | undefined;
  for (const rate of CONTROL_RATES) {
    const fitted = await fit(trial, {
      rows: trial.labelled,
      start: from,
      epochs,
      learningRate: rate,
      losses: [labelLoss(1)],
    });
    const share = shareOf(rightOf(await answer(trial, fitted, trial.heldOut), trial.heldOut.labels));
    if (best === undefined || share > best.share) best = { ...fitted, rate, share };
  }
  if (best === undefined) throw new UsageError("bench: no rate for the control");
  return best;
}

interface Settings {
  readonly layers: number;
  readonly teacherEpochs: number;
  /** Teachers whose answers are averaged. */
  readonly teachers: number;
  readonly epochs: number;
}

/** Accuracy on the official test rows by student. */
type Accuracies = Map<string, number>;

async function runTrial(trial: Trial, { layers, teacherEpochs, teachers, epochs }: Settings): Promise<Accuracies> {
  const { base, seed, labelled, test, heldOut } = trial;
  const accuracies: Accuracies = new Map();
  const report: Report = async (name, fitted, reference, more = {}) => {
    const came = await answer(trial, fitted, test);
    const accuracy = shareOf(rightOf(came, test.labels));
    accuracies.set(name, accuracy);
    printJson({
      bench: "distillation",
      seed,
      student: name,
      rows: labelled.labels.length,
      seconds: fitted.seconds,
      accuracy,
      heldOutAccuracy: shareOf(rightOf(await answer(trial, fitted, heldOut), heldOut.labels)),
      ...(reference !== undefined && { teacherAgreement: shareOf(rightOf(came, reference)) }),
      ...more,
    });
    return came;
  };
  const start = { config: base.config, values: base.weights };
  const teacher = await fineTuned(trial, teacherEpochs);
  const taught = await report("teacher", teacher);
  const more: Fitted[] = [];
  for (let k = 1; k < teachers; k++)
    more.push(await fineTuned(trial, teacherEpochs, { seed: seed + k * TEACHER_SEED_STEP }));
  const calibration = labelled.sequences.slice(0, CALIBRATION_TEXTS);
  const kept = await chooseLayers(teacher, calibration, layers, { threads: trial.threads });
  const cut = cutEncoder(teacher, { ...allParts(teacher.config), layers: kept });
  await report("cut, not recovered", { ...cut, seconds: 0 }, taught, { kept: [...kept] });
  const untaught = cutEncoder(start, { ...allParts(base.config), layers: kept });
  const alone = await control(trial, untaught, epochs);
  const controlled = await report(CONTROL, alone, taught, { rate: alone.rate });
  await runRecoveries(trial, { teacher, more, cut, kept, epochs }, report, { taught, controlled });
  return accuracies;
}

/** Each student over the seeds, and its difference to the control. */
function printSummary(seeds: readonly Accuracies[]): void {
  for (const student of seeds[0]?.keys() ?? []) {
    const of = (name: string): number[] => seeds.map((accuracies) => accuracies.get(name) ?? NaN);
    const control = of(CONTROL);
    const gain = of(student).map((accuracy, i) => accuracy - (control[i] ?? NaN));
    printJson({ bench: "distillation", summary: true, student, accuracy: spread(of(student)), gain: spread(gain) });
  }
}

interface Taught {
  readonly teacher: EncoderWeights;
  /** Further ones, of which only the answers are learned. */
  readonly more: readonly EncoderWeights[];
  readonly cut: EncoderWeights;
  readonly kept: Uint32Array;
  readonly epochs: number;
}

type Report = (name: string, fitted: Fitted, reference?: readonly number[], more?: object) => Promise<number[]>;

/** The same cut of the teacher, recovered in each way, against the control. */
async function runRecoveries(
  trial: Trial,
  { teacher, more: others, cut, kept, epochs }: Taught,
  report: Report,
  { taught, controlled }: { readonly taught: readonly number[]; readonly controlled: readonly number[] },
): Promise<void> {
  const { base, labelled, test, seed } = trial;
  const answers: Float32Array[] = [];
  for (const one of [teacher, ...others])
    answers.push(await softAnswers(modelOf(trial, one), one.values, labelled.sequences, { threads: trial.threads }));
  const softLabels = averageAnswers(answers);
  for (const { name, losses, inner } of RECOVERIES) {
    const pairs = keptLayers(kept);
    const specs = inner(pairs, lastLayers(kept.length, base.config.layers.length), base.config.heads);
    const inside = { model: { config: teacher.config }, weights: teacher.values, losses: specs };
    const more = { softLabels, ...(specs.length > 0 && { teacher: inside }) };
    const fitted = await fit(trial, { rows: labelled, start: cut, epochs, learningRate: LEARNING_RATE, losses, more });
    const came = await report(name, fitted, taught);
    const { difference, pValue } = comparePaired(rightOf(came, test.labels), rightOf(controlled, test.labels));
    printJson({ bench: "distillation", seed, student: name, against: CONTROL, difference, pValue });
  }
}

const { values: flags } = parseArgs({
  options: {
    base: { type: "string" },
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1,2,3" },
    rows: { type: "string" },
    layers: { type: "string", default: "3" },
    "teacher-epochs": { type: "string", default: "5" },
    epochs: { type: "string", default: "6" },
    teachers: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
    data: { type: "string", default: join("..", "shared", "data") },
  },
});
if (flags.base === undefined) throw new UsageError("--base: name the folder of a pretrained encoder");
const base = openBase(flags.base);
const data = loadDataSet(flags.set, flags.data);
const settings: Settings = {
  layers: Number(flags.layers),
  teacherEpochs: Number(flags["teacher-epochs"]),
  teachers: Number(flags.teachers),
  epochs: Number(flags.epochs),
};
const options = {
  threads: Number(flags.threads),
  ...(flags.rows !== undefined && { rows: Number(flags.rows) }),
};
const found: Accuracies[] = [];
for (const seed of flags.seeds.split(",").map(Number))
  found.push(await runTrial(trialOf(base, data, { seed, ...options }), settings));
printSummary(found);
