/** @file The student ladder, cheapest rung first: linear models by table size, encoders by the size dial, each encoder alone and
 *  joined with the linear part, then what is left of a pretrained encoder. A recipe holds everything its training needs, as fixed numbers. Knows no machine and no target. */
import type { EncoderSize } from "../models/encoder.js";

export type StudentKind = "linear" | "encoder" | "joined" | "pretrained";

export interface LinearRecipe {
  readonly wordBuckets: number;
  readonly characterBuckets: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly labelSmoothing: number;
  /** Absent where it learns from the labels alone. */
  readonly taughtBy?: TaughtBy;
}

/** The fine-tuned base as the teacher of a linear student. */
export interface TaughtBy {
  /** The base as it is fine-tuned, nothing cut. */
  readonly pretrained: PretrainedRecipe;
  /** Texts without answers that it answers for the student. */
  readonly transferRows: number;
  /** Of its answers to labelled rows; the labels have the rest. */
  readonly softWeight: number;
}

export interface EncoderRecipe {
  readonly size: EncoderSize;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Folds that are predicted by a model of the others: their rows choose, stop and calibrate. */
  readonly folds: number;
  /** Linear half of a local teacher, the other half being this encoder, whose out-of-fold answers soften the hard labels. */
  readonly localTeacher?: LinearRecipe;
}

export interface LinearRung {
  readonly name: string;
  /** Buckets of words and of character n-grams, each. */
  readonly buckets: number;
}

/** Linear students, small to large; training time hardly depends on the table. */
export const LINEAR_RUNGS: readonly LinearRung[] = [
  { name: "linear-small", buckets: 2048 },
  { name: "linear-medium", buckets: 8192 },
  { name: "linear-large", buckets: 32_768 },
];

/** The linear rung that public intent data sets saturate at: a larger table is taken only where rows are many. */
export const DEFAULT_LINEAR = "linear-medium";
/** From this many rows on there are n-grams enough to fill the large table. */
export const LARGE_LINEAR_MIN_ROWS = 50_000;

const LINEAR_TRAINING = { learningRate: 0.2, l2: 0, labelSmoothing: 0.05 } as const;
/** Passes over the rows, from the best to the least that still learns. */
const LINEAR_EPOCHS = [6, 4, 3] as const;

/** Recipes of one linear rung, best first. */
export function linearRecipes(rung: LinearRung): LinearRecipe[] {
  return LINEAR_EPOCHS.map((epochs) => ({
    wordBuckets: rung.buckets,
    characterBuckets: rung.buckets,
    epochs,
    ...LINEAR_TRAINING,
  }));
}

export const ENCODER_RUNGS: readonly EncoderSize[] = ["small", "medium", "large"];

const ENCODER_TRAINING = { batchSize: 32, learningRate: 2e-3 } as const;
/** Epochs and folds, best first. Folds before epochs: on one fold a joined student that is better by a point cannot prove that it saves. */
const ENCODER_SCHEDULES = [
  { epochs: 16, folds: 3 },
  { epochs: 12, folds: 3 },
  { epochs: 8, folds: 3 },
  { epochs: 8, folds: 1 },
  { epochs: 6, folds: 1 },
  { epochs: 4, folds: 1 },
  { epochs: 3, folds: 1 },
] as const;

/** Epochs under a local teacher, which judges by one fold: see pipeline/local-teacher.ts. */
const TAUGHT_EPOCHS = [16, 12] as const;

/** Recipes of one encoder size, best first; taught by a local teacher with this linear half where one is given and the time allows. */
export function encoderRecipes(size: EncoderSize, localTeacher?: LinearRecipe): EncoderRecipe[] {
  const taught = localTeacher === undefined ? [] : TAUGHT_EPOCHS.map((epochs) => ({ epochs, folds: 1, localTeacher }));
  return [...taught, ...ENCODER_SCHEDULES].map((schedule) => ({ size, ...ENCODER_TRAINING, ...schedule }));
}

/** A recovered cut on the way down. */
export interface PretrainedStep {
  readonly name: string;
  readonly recipe: PretrainedRecipe;
}

export interface SelfTaught {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Of its answers; the labels have the rest. */
  readonly softWeight: number;
  readonly temperature: number;
  readonly transferRows: number;
}

/** A pretrained encoder that is fine-tuned and then serves as the teacher of what a cut leaves of it. */
export interface PretrainedRecipe {
  /** The recovered cut that this one is cut from; absent: the teacher itself. */
  readonly from?: PretrainedStep;
  /** Sizes after the cut; those of the base where nothing is cut. */
  readonly layers: number;
  readonly feedForward: number;
  readonly folds: 1;
  readonly batchSize: number;
  readonly teacher: {
    readonly epochs: number;
    readonly learningRate: number;
    /** Few labels: their names are texts too. */
    readonly fewLabels: boolean;
    /** Then it learns its own answers to texts without any, beside the labels; see LOG.md for what that gains where labels are few. */
    readonly selfTaught?: SelfTaught;
  };
  /** Absent where nothing is cut: then the teacher itself answers. */
  readonly recovery?: {
    readonly epochs: number;
    readonly learningRate: number;
    /** Of the teacher's answers; the labels have the rest. */
    readonly softWeight: number;
    readonly temperature: number;
    /** Of the distance between hidden states. */
    readonly hiddenWeight: number;
    /** Texts without answers that the teacher answers for the cut; none when absent. */
    readonly transferRows?: number;
  };
}

interface PretrainedRung {
  readonly name: string;
  readonly layersRatio: number;
  readonly feedForwardRatio: number;
}

/** Name of the linear student that the fine-tuned base teaches. */
export const TAUGHT_LINEAR = "linear-taught";

/** Name of the whole base as a student. */
export const UNCUT = "uncut";

/** What is kept of a pretrained encoder, small to whole: the path from teacher to student, upwards. Two thirds of the neurons, so that half of MiniLM
 *  answers a query in about a millisecond on one thread; a sixth, so that a third of it with some 4,000 pieces stays below 3.5 MB in int8. */
export const PRETRAINED_RUNGS: readonly PretrainedRung[] = [
  { name: "cut-third", layersRatio: 1 / 3, feedForwardRatio: 1 / 6 },
  { name: "cut-half", layersRatio: 1 / 2, feedForwardRatio: 2 / 3 },
  { name: UNCUT, layersRatio: 1, feedForwardRatio: 1 },
];

/** Name of the training that all cuts share. */
export const PRETRAINED_TEACHER = "pretrained";

/** How a teacher's answers are learned, and the rest of a recovery: temperature, weights and rates as in public trials of the same cut; see docs/results. */
export const ANSWERS = { softWeight: 0.8, temperature: 2 } as const;
const RECOVERY = { ...ANSWERS, learningRate: 3e-4, hiddenWeight: 0.5 } as const;
const TEACHER_LEARNING_RATE = 2e-4;
/** Rates that the control of a cut chooses from, as parts of the cut's own. */
const CONTROL_RATE_RATIOS = [1 / 3, 1, 5 / 3] as const;

/** Learning rates of the control of a cut: the same cut of the untaught base, trained on labels alone. */
export function controlRates({ recovery }: PretrainedRecipe): readonly number[] {
  return CONTROL_RATE_RATIOS.map((ratio) => Number(((recovery?.learningRate ?? 0) * ratio).toPrecision(6)));
}

/** Recipes that the control of a taught linear student chooses from: the same table on labels alone, for as many steps at several rates, or as it is
 *  trained without a teacher. */
export function linearControlRecipes({ taughtBy, ...alone }: LinearRecipe, trainRows: number): LinearRecipe[] {
  const transferRows = taughtBy?.transferRows ?? 0;
  const epochs = alone.epochs + Math.ceil((alone.epochs * transferRows) / Math.max(1, trainRows));
  const rates = CONTROL_RATE_RATIOS.map((ratio) => Number((alone.learningRate * ratio).toPrecision(6)));
  return [
    ...(epochs === alone.epochs ? [] : [alone]),
    ...rates.map((learningRate) => ({ ...alone, epochs, learningRate })),
  ];
}

/** Epochs of the control on `controlRows` texts: as many steps as the cut and the cuts above it took, on so many rows and on the texts without answers. */
export function controlEpochs(
  { recovery, from }: PretrainedRecipe,
  trainRows: number,
  controlRows: number = trainRows,
): number {
  const { epochs = 0, transferRows = 0 } = recovery ?? {};
  const above = from === undefined ? 0 : controlEpochs(from.recipe, trainRows, controlRows);
  return above + Math.ceil((epochs * (trainRows + transferRows)) / Math.max(1, controlRows));
}

/** Epochs of teacher and recovery, best first. */
const PRETRAINED_EPOCHS = [
  { teacher: 5, recovery: 6 },
  { teacher: 4, recovery: 4 },
  { teacher: 3, recovery: 2 },
] as const;

/** Fewer rows to a label than this are few: the passes above would end after some dozen steps. */
export const FEW_ROWS_PER_LABEL = 30;
/** Optimiser steps of teacher and recovery where labels are few, best first: steps, not passes, make up for few rows, at a quarter of the
 *  rate and in small batches. Chosen on training rows of Banking77 with ten labels of each class; see LOG.md. */
const FEW_LABEL_STEPS = [
  { teacher: 400, recovery: 1000 },
  { teacher: 300, recovery: 600 },
  { teacher: 200, recovery: 300 },
] as const;
const FEW_LABEL_BATCH = 16;
const FEW_LABEL_RATE_RATIOS = { teacher: 0.25, recovery: 0.5 } as const;
/** A teacher of few labels on its own answers: the steps of a first trial (LOG.md), as passes within limits. */
const SELF_TAUGHT = {
  batchSize: 32,
  learningRate: 1e-4,
  ...ANSWERS,
} as const;
const SELF_TAUGHT_STEPS = 500;
const SELF_TAUGHT_MOST_EPOCHS = 6;
/** Passes over the same few rows beyond this only repeat them. */
const MOST_EPOCHS = 60;

interface PretrainedSchedule {
  readonly batchSize: number;
  readonly rateRatios: { readonly teacher: number; readonly recovery: number };
  readonly fewLabels: boolean;
  readonly epochs: readonly { readonly teacher: number; readonly recovery: number }[];
}

/** Rows to learn from, and the labels that they have. */
export interface LabelledRows {
  readonly trainRows: number;
  readonly labels: number;
  /** Texts without answers; none when absent. */
  readonly transferRows?: number;
}

/** Shares of the texts without answers that a recipe may take, best first; none at all is the last resort of every recipe. */
const TRANSFER_RATIOS = [1, 1 / 2, 1 / 4, 1 / 8] as const;

function hasFewLabels({ trainRows, labels }: LabelledRows): boolean {
  return trainRows / Math.max(1, labels) < FEW_ROWS_PER_LABEL;
}

/** Whether a linear student taught by a base is worth its time: more text or fewer labels than a student alone learns well from. */
export function isTeachingWorthwhile(rows: LabelledRows): boolean {
  return hasFewLabels(rows) || (rows.transferRows ?? 0) > 0;
}

/** Recipes for every share of the texts without answers, best first: rather fewer of them than a shorter schedule. */
function withTransfer<R>(transferRows: number, recipesOf: (transferRows: number) => readonly R[]): R[] {
  const shares = transferRows === 0 ? [] : TRANSFER_RATIOS.map((ratio) => Math.ceil(transferRows * ratio));
  const placed = shares.flatMap((share) => recipesOf(share).map((recipe, at) => ({ recipe, at })));
  return [...placed.toSorted((a, b) => a.at - b.at).map(({ recipe }) => recipe), ...recipesOf(0)];
}

/** How long and how fast a pretrained encoder is trained, by rows per label; a cut of it with so many texts without answers. */
function pretrainedSchedule(rows: LabelledRows, transferRows: number): PretrainedSchedule {
  if (!hasFewLabels(rows))
    return { batchSize: 32, rateRatios: { teacher: 1, recovery: 1 }, fewLabels: false, epochs: PRETRAINED_EPOCHS };
  const epochs = FEW_LABEL_STEPS.map((steps, at) => {
    const passes = (part: "teacher" | "recovery", count: number): number =>
      Math.max(PRETRAINED_EPOCHS[at]?.[part] ?? 1, passesOf(steps[part], count));
    const { trainRows } = rows;
    return { teacher: passes("teacher", trainRows), recovery: passes("recovery", trainRows + transferRows) };
  });
  return { batchSize: FEW_LABEL_BATCH, rateRatios: FEW_LABEL_RATE_RATIOS, fewLabels: true, epochs };
}

/** Passes over so many rows that make so many steps. */
function passesOf(steps: number, rows: number, batchSize: number = FEW_LABEL_BATCH): number {
  return Math.min(MOST_EPOCHS, Math.ceil(steps / Math.max(1, Math.ceil(rows / batchSize))));
}

/** How a teacher of few labels goes on with so many texts without answers. */
function selfTaughtOn(transferRows: number, trainRows: number): SelfTaught {
  const passes = passesOf(SELF_TAUGHT_STEPS, trainRows + transferRows, SELF_TAUGHT.batchSize);
  return { ...SELF_TAUGHT, epochs: Math.min(SELF_TAUGHT_MOST_EPOCHS, passes), transferRows };
}

/** A trial of each pooling where the base does not tell: rows that it learns from and is asked, at most; enough to tell the two apart. */
export const POOLING_TRIAL = { trainRows: 1024, askedRows: 512, epochs: 3 } as const;

/** Whether two recipes have one teacher. */
export function haveSameTeacher({ teacher: a }: PretrainedRecipe, { teacher: b }: PretrainedRecipe): boolean {
  return a.epochs === b.epochs && a.selfTaught?.transferRows === b.selfTaught?.transferRows;
}

/** Recipes of one rung on a base of these sizes for these rows, best first. */
export function pretrainedRecipes(
  rung: PretrainedRung,
  base: { readonly layers: number; readonly feedForward: number },
  rows: LabelledRows,
): PretrainedRecipe[] {
  const kept = (size: number, ratio: number): number => Math.max(1, Math.round(size * ratio));
  const sizes = {
    layers: kept(base.layers, rung.layersRatio),
    feedForward: kept(base.feedForward, rung.feedForwardRatio),
  };
  const isCut = sizes.layers < base.layers || sizes.feedForward < base.feedForward;
  const recipesOf = (transferRows: number): PretrainedRecipe[] => {
    const { batchSize, rateRatios, fewLabels, epochs } = pretrainedSchedule(rows, transferRows);
    const rate = { ...RECOVERY, learningRate: RECOVERY.learningRate * rateRatios.recovery };
    const selfTaught = fewLabels && transferRows > 0 ? selfTaughtOn(transferRows, rows.trainRows) : undefined;
    return epochs.map(({ teacher, recovery }) => ({
      ...sizes,
      folds: 1,
      batchSize,
      teacher: {
        epochs: teacher,
        learningRate: TEACHER_LEARNING_RATE * rateRatios.teacher,
        fewLabels,
        ...(selfTaught !== undefined && { selfTaught }),
      },
      ...(isCut && { recovery: { ...rate, epochs: recovery, ...(transferRows > 0 && { transferRows }) } }),
    }));
  };
  return withTransfer(isCut || hasFewLabels(rows) ? (rows.transferRows ?? 0) : 0, recipesOf);
}

/** Recipes of a linear student that the fine-tuned base teaches, best first. */
export function taughtLinearRecipes(
  linear: LinearRecipe,
  base: { readonly layers: number; readonly feedForward: number },
  rows: LabelledRows,
): (LinearRecipe & { readonly taughtBy: TaughtBy })[] {
  const whole = PRETRAINED_RUNGS.filter(({ name }) => name === UNCUT).flatMap((rung) =>
    pretrainedRecipes(rung, base, rows),
  );
  const { softWeight } = ANSWERS;
  return withTransfer(rows.transferRows ?? 0, (transferRows) =>
    whole
      .filter(({ teacher: { selfTaught } }) => (selfTaught?.transferRows ?? transferRows) === transferRows)
      .map((pretrained) => ({ ...linear, taughtBy: { pretrained, transferRows, softWeight } })),
  );
}
