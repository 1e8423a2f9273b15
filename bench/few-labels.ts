/** @file Few labels and much text: a pretrained encoder learns from N labels of each class, then its own answers to the other training texts, whose
 *  labels are set aside, and teaches a linear student and a cut of itself by its answers to all. Beside each the same student on the labels alone, its epochs or rate chosen on
 *  held-out rows. The official test rows only report. Prints JSON lines, a last one with the spread over the seeds.
 *
 *      node dist/bench/few-labels.js --base DIR [--set banking77] [--seeds 1,2,3,4,5] [--per-class 10] [--layers 3] [--epochs 4] [--rates 1e-4,2e-4,3e-4] [--teachers 1] [--teacher-alone] [--threads 2] [--data DIR]
 *
 *  With `--teachers K` the base is fine-tuned K times, by seeds of their own, and the first learns the mean of their answers; with `--teacher-alone`
 *  no student is trained. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allParts, cutEncoder, type EncoderWeights } from "../src/compress/cut.js";
import { chooseLayers } from "../src/compress/importance.js";
import { labelTexts } from "../src/dataset/label-text.js";
import { averageAnswers, softAnswers } from "../src/distill/answers.js";
import { keptLayers } from "../src/distill/inner-losses.js";
import { fitLinear } from "../src/distill/linear-fit.js";
import { InvariantError, UsageError } from "../src/errors.js";
import { comparePaired } from "../src/evaluate/compare.js";
import { openBase, piecesOf } from "../src/pipeline/pretrained/base.js";
import { bestLabels } from "../src/pipeline/pretrained/spec.js";
import {
  LINEAR_RUNGS,
  linearRecipes,
  PRETRAINED_RUNGS,
  type PretrainedRecipe,
  pretrainedRecipes,
  UNCUT,
} from "../src/plan/candidates.js";
import { loadDataSet } from "./datasets.js";
import {
  answer,
  answerLoss,
  CALIBRATION_TEXTS,
  fit,
  type Fitted,
  labelLoss,
  modelOf,
  rightOf,
  type Rows,
  shareOf,
  started,
  type Trial,
  trialOf,
} from "./pretrained-trial.js";
import { printJson, spread } from "./product.js";

const RECOVERY_RATE = 3e-4;
const LINEAR_EPOCHS = [6, 20, 60] as const;

interface Settings {
  readonly layers: number;
  /** Of the taught cut, over all texts. */
  readonly epochs: number;
  /** Of which the cut on labels alone takes the best on held-out rows. */
  readonly rates: readonly number[];
  /** Fine-tuned bases whose answers the teacher learns. */
  readonly teachers: number;
  readonly isTeacherAlone: boolean;
}

/** Between the seeds of the teachers of a trial. */
const TEACHER_SEED_STEP = 1000;

/** Answers to held-out and to test rows. */
interface Answered {
  readonly heldOut: readonly number[];
  readonly test: readonly number[];
  readonly chosen?: number;
}

const accuracyOf = (came: readonly number[], rows: Rows): number => shareOf(rightOf(came, rows.labels));

/** The candidate that answers held-out rows best. */
async function best(
  trial: Trial,
  values: readonly number[],
  answered: (value: number) => Promise<Answered>,
): Promise<Answered> {
  let found: Answered | undefined;
  for (const value of values) {
    const came = { ...(await answered(value)), chosen: value };
    const isBetter = accuracyOf(came.heldOut, trial.heldOut) > accuracyOf(found?.heldOut ?? [], trial.heldOut);
    if (found === undefined || isBetter) found = came;
  }
  if (found === undefined) throw new UsageError("bench: nothing to choose from");
  return found;
}

async function answered(trial: Trial, encoder: EncoderWeights): Promise<Answered> {
  return { heldOut: await answer(trial, encoder, trial.heldOut), test: await answer(trial, encoder, trial.test) };
}

/** The labelled rows and the names of the labels. */
function withNames({ base, labelled, labelNames }: Trial): Omit<Rows, "texts"> {
  const names = labelTexts(labelNames);
  return {
    sequences: [...labelled.sequences, ...names.map(({ text }) => piecesOf(base, text))],
    labels: Int32Array.from([...labelled.labels, ...names.map(({ label }) => label)]),
  };
}

/** The recipe that the plan has for a whole encoder, so few labels and these texts. */
function recipeOf({ labelled, texts, labelCount }: Trial, { config }: EncoderWeights): PretrainedRecipe {
  const uncut = PRETRAINED_RUNGS.find(({ name }) => name === UNCUT);
  const sizes = { layers: config.layers.length, feedForward: config.feedForward };
  const trainRows = labelled.labels.length;
  const counts = { trainRows, labels: labelCount, transferRows: texts.labels.length - trainRows };
  const recipe = uncut === undefined ? undefined : pretrainedRecipes(uncut, sizes, counts)[0];
  if (recipe === undefined) throw new InvariantError("bench: no recipe");
  return recipe;
}

/** Fine-tuning on the labels alone by the plan's recipe, or with another rate. */
async function onLabels(
  trial: Trial,
  start: EncoderWeights,
  { learningRate, seed = trial.seed }: { readonly learningRate?: number; readonly seed?: number } = {},
): Promise<Fitted> {
  const recipe = recipeOf(trial, start);
  const rows = withNames(trial);
  return fit(trial, {
    rows,
    start: await started(trial, start, rows),
    epochs: recipe.teacher.epochs,
    learningRate: learningRate ?? recipe.teacher.learningRate,
    losses: [labelLoss(1)],
    more: { batchSize: recipe.batchSize, seed },
  });
}

/** The linear student of the default table on these texts, its targets classes or distributions. */
async function linear(
  { heldOut, test, labelCount, seed }: Trial,
  texts: readonly string[],
  targets: Int32Array | Float32Array,
  epochs?: number,
): Promise<Answered> {
  const recipe = LINEAR_RUNGS.filter(({ name }) => name === "linear-medium").flatMap(linearRecipes)[0];
  if (recipe === undefined) throw new InvariantError("bench: no recipe");
  const { wordBuckets, characterBuckets, ...training } = recipe;
  const { heldOutLogits } = await fitLinear({
    ...training,
    ...(epochs !== undefined && { epochs }),
    texts,
    targets,
    classes: labelCount,
    features: { wordBuckets, characterBuckets },
    heldOut: [...heldOut.texts, ...test.texts],
    seed,
  });
  const came = bestLabels(heldOutLogits, labelCount);
  return { heldOut: came.slice(0, heldOut.texts.length), test: came.slice(heldOut.texts.length) };
}

/** Distributions over the labels [texts, labels]: the label where there is one, else the teacher's answer. */
function targetsOf({ texts, labelled, labelCount }: Trial, softLabels: Float32Array): Float32Array {
  const targets = new Float32Array(texts.labels.length * labelCount);
  for (let i = 0; i < texts.labels.length; i++) {
    const at = i * (labelCount + 1);
    if (i < labelled.labels.length) targets[i * labelCount + (labelled.labels[i] ?? 0)] = 1;
    else targets.set(softLabels.subarray(at, at + labelCount), i * labelCount);
  }
  return targets;
}

/** All texts, each with its label or a teacher's likeliest answer. */
function answeredRows({ texts, labelled, labelCount }: Trial, softLabels: Float32Array): Omit<Rows, "texts"> {
  const labels = Int32Array.from(bestLabels(softLabels, labelCount + 1));
  labels.set(labelled.labels);
  return { sequences: texts.sequences, labels };
}

/** The teacher on answers to all texts, its own or the mean of several teachers', by the plan's recipe. */
async function selfTaught(trial: Trial, teacher: EncoderWeights, softLabels: Float32Array): Promise<Fitted> {
  const { selfTaught: recipe } = recipeOf(trial, teacher).teacher;
  if (recipe === undefined) throw new InvariantError("bench: the plan's teacher does not teach itself");
  const { epochs, learningRate, batchSize, softWeight } = recipe;
  return fit(trial, {
    rows: answeredRows(trial, softLabels),
    start: teacher,
    epochs,
    learningRate,
    losses: [labelLoss(1 - softWeight), answerLoss(softWeight)],
    more: { softLabels, batchSize },
  });
}

/** The cut of a teacher, recovered on all texts by its answers and hidden states. */
async function taughtCut(
  trial: Trial,
  teacher: EncoderWeights,
  kept: Uint32Array,
  softLabels: Float32Array,
  epochs: number,
): Promise<Fitted> {
  const inner = [{ kind: "hidden-mse", weight: 0.5, layers: keptLayers(kept) }] as const;
  return fit(trial, {
    rows: answeredRows(trial, softLabels),
    start: cutEncoder(teacher, { ...allParts(teacher.config), layers: kept }),
    epochs,
    learningRate: RECOVERY_RATE,
    losses: [labelLoss(0.2), answerLoss(0.8)],
    more: { softLabels, teacher: { model: { config: teacher.config }, weights: teacher.values, losses: inner } },
  });
}

type Name = "teacher" | "teachers" | "selfTaught" | "linearAlone" | "linearTaught" | "cutAlone" | "cutTaught";
type Students = Readonly<Partial<Record<Name, Answered>>>;

/** The mean answers of several encoders to some rows. */
async function meanAnswers(trial: Trial, encoders: readonly EncoderWeights[], { sequences }: Rows) {
  const answers: Float32Array[] = [];
  for (const { config, values } of encoders)
    answers.push(await softAnswers(modelOf(trial, { config }), values, sequences, { threads: trial.threads }));
  return averageAnswers(answers);
}

async function train(trial: Trial, { layers, epochs, rates, teachers, isTeacherAlone }: Settings): Promise<Students> {
  const { base, texts, labelled, heldOut, test, labelCount, threads } = trial;
  const start = { config: base.config, values: base.weights };
  const first = await onLabels(trial, start);
  const all = [first];
  for (let k = 1; k < teachers; k++)
    all.push(await onLabels(trial, start, { seed: trial.seed + k * TEACHER_SEED_STEP }));
  const bestOf = async (rows: Rows) => bestLabels(await meanAnswers(trial, all, rows), labelCount + 1);
  const teacher = await selfTaught(trial, first, await meanAnswers(trial, all, texts));
  const tuned = {
    teacher: await answered(trial, first),
    ...(teachers > 1 && { teachers: { heldOut: await bestOf(heldOut), test: await bestOf(test) } }),
    selfTaught: await answered(trial, teacher),
  };
  if (isTeacherAlone) return tuned;
  const softLabels = await meanAnswers(trial, [teacher], texts);
  const kept = await chooseLayers(teacher, texts.sequences.slice(0, CALIBRATION_TEXTS), layers, { threads });
  const untaught = cutEncoder(start, { ...allParts(base.config), layers: kept });
  return {
    ...tuned,
    linearAlone: await best(trial, LINEAR_EPOCHS, (value) => linear(trial, labelled.texts, labelled.labels, value)),
    linearTaught: await linear(trial, texts.texts, targetsOf(trial, softLabels)),
    cutAlone: await best(trial, rates, async (learningRate) =>
      answered(trial, await onLabels(trial, untaught, { learningRate })),
    ),
    cutTaught: await answered(trial, await taughtCut(trial, teacher, kept, softLabels, epochs)),
  };
}

const PAIRS: readonly (readonly [Name, Name])[] = [
  ["linearTaught", "linearAlone"],
  ["cutTaught", "cutAlone"],
  ["linearTaught", "teacher"],
  ["cutTaught", "teacher"],
  ["selfTaught", "teacher"],
  ["linearTaught", "selfTaught"],
  ["cutTaught", "selfTaught"],
  ["teachers", "teacher"],
  ["selfTaught", "teachers"],
];

/** Prints what a seed gave and returns its figures. */
async function runSeed(trial: Trial, settings: Settings): Promise<ReadonlyMap<string, number>> {
  const students = await train(trial, settings);
  const { test, heldOut, labelled, texts, seed } = trial;
  const figures = new Map(
    Object.entries(students).flatMap(([name, came]) => [
      [name, accuracyOf(came.test, test)] as const,
      [`${name}HeldOut`, accuracyOf(came.heldOut, heldOut)] as const,
    ]),
  );
  const paired = PAIRS.flatMap(([first, second]) => {
    const [ours, theirs] = [students[first], students[second]];
    if (ours === undefined || theirs === undefined) return [];
    const { difference, pValue } = comparePaired(rightOf(ours.test, test.labels), rightOf(theirs.test, test.labels));
    figures.set(`${first}Minus${second.replace(/^./, (letter) => letter.toUpperCase())}`, difference.value);
    return { first, second, ...difference, pValue };
  });
  const chosen = { linearEpochs: students.linearAlone?.chosen, cutRate: students.cutAlone?.chosen };
  const counts = { labelled: labelled.labels.length, texts: texts.labels.length };
  printJson({ bench: "few-labels", seed, ...counts, ...chosen, ...Object.fromEntries(figures), paired });
  return figures;
}

const { values: flags } = parseArgs({
  options: {
    base: { type: "string" },
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1,2,3,4,5" },
    "per-class": { type: "string", default: "10" },
    layers: { type: "string", default: "3" },
    epochs: { type: "string", default: "4" },
    rates: { type: "string", default: "1e-4,2e-4,3e-4" },
    teachers: { type: "string", default: "1" },
    "teacher-alone": { type: "boolean", default: false },
    threads: { type: "string", default: "2" },
    data: { type: "string", default: join("..", "shared", "data") },
  },
});
if (flags.base === undefined) throw new UsageError("--base: name the folder of a pretrained encoder");
const base = openBase(flags.base);
const data = loadDataSet(flags.set, flags.data);
const settings: Settings = {
  layers: Number(flags.layers),
  epochs: Number(flags.epochs),
  rates: flags.rates.split(",").map(Number),
  teachers: Number(flags.teachers),
  isTeacherAlone: flags["teacher-alone"],
};
if (!(settings.teachers >= 1)) throw new UsageError(`--teachers: expected a count from 1 on, got ${flags.teachers}`);
const perClass = Number(flags["per-class"]);
const results: ReadonlyMap<string, number>[] = [];
for (const seed of flags.seeds.split(",").map(Number))
  results.push(await runSeed(trialOf(base, data, { seed, threads: Number(flags.threads), perClass }), settings));
const names = [...(results[0]?.keys() ?? [])];
const spreads = names.map((name) => [name, spread(results.flatMap((figures) => figures.get(name) ?? []))] as const);
printJson({ bench: "few-labels", summary: true, seeds: flags.seeds, ...Object.fromEntries(spreads) });
