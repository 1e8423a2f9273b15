/** @file The student ladder, cheapest rung first: linear models by table size, encoders by the size dial, each encoder alone and
 *  joined with the linear part. A recipe holds everything its training needs, as fixed numbers. Knows no machine and no target. */
import type { EncoderSize } from "../models/encoder.js";

export type StudentKind = "linear" | "encoder" | "joined";

export interface LinearRecipe {
  readonly wordBuckets: number;
  readonly characterBuckets: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly labelSmoothing: number;
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
