/** @file Trains the rungs of the ladder: out-of-fold logits first (they choose, stop and calibrate), the final fit later, on all unsealed
 *  rows, for the rung that was chosen. Each fit is a stage of the run folder. */
import { rmSync } from "node:fs";
import type { Row } from "../dataset/types.js";
import { fitLinear } from "../distill/linear-fit.js";
import type { LinearFit, LinearFitJob } from "../distill/linear-job.js";
import type { EncoderTrainResult, TrainSpec } from "../distill/spec.js";
import { trainEncoder } from "../distill/train.js";
import { softmaxRow } from "../softmax.js";
import type { EncoderRecipe, LinearRecipe } from "../plan/candidates.js";
import { encoderSpec } from "./encoder-spec.js";
import type { RunFolder } from "./run-folder.js";
import { trainingLabel, type OutOfFold, type TrainContext } from "./train-context.js";

/** What a linear fit takes of it; its stages may be kept anywhere. */
export interface LinearContext extends Pick<TrainContext, "dataset" | "rows" | "progress" | "threads" | "seed"> {
  readonly folder: Pick<RunFolder, "weights">;
  readonly signal?: AbortSignal;
}

/** The fit of a linear student on `train`, which then answers `heldOut`. */
export function linearJob(
  context: Pick<LinearContext, "dataset" | "seed">,
  recipe: LinearRecipe,
  train: readonly Row[],
  heldOut: readonly Row[],
): LinearFitJob {
  return {
    texts: train.map((row) => row.text),
    targets: targetsOf(train, context.dataset.labels.length, recipe.labelSmoothing),
    classes: context.dataset.labels.length,
    features: { wordBuckets: recipe.wordBuckets, characterBuckets: recipe.characterBuckets },
    heldOut: heldOut.map((row) => row.text),
    epochs: recipe.epochs,
    learningRate: recipe.learningRate,
    l2: recipe.l2,
    labelSmoothing: recipe.labelSmoothing,
    seed: context.seed,
  };
}

/** Class of each row, or, where the log holds soft labels, each row's distribution [rows * classes] (tail shared out evenly). */
function targetsOf(rows: readonly Row[], classes: number, smoothing: number): Int32Array | Float32Array {
  if (rows.every((row) => row.softLabels === undefined)) return Int32Array.from(rows, trainingLabel);
  const targets = new Float32Array(rows.length * classes);
  for (const [r, row] of rows.entries()) {
    const soft = row.softLabels;
    const tail = (soft?.[classes] ?? 0) / classes;
    for (let c = 0; c < classes; c++) {
      const hard = (c === trainingLabel(row) ? 1 - smoothing : 0) + smoothing / classes;
      targets[r * classes + c] = soft === undefined ? hard : (soft[c] ?? 0) + tail;
    }
  }
  return targets;
}

/** Runs jobs side by side, `width` at a time, results in order. All that began have ended when it rejects: a failure of one must not
 *  leave another writing. */
export async function sideBySide<T>(jobs: readonly (() => Promise<T>)[], width: number): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < jobs.length; i = next++) {
      const job = jobs[i];
      if (job !== undefined) results[i] = await job();
    }
  };
  const lanes = Array.from({ length: Math.max(1, width) }, lane);
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
  return results;
}

/** Out-of-fold logits of the linear rung: every fold is predicted by a model of the others. */
export async function linearOutOfFold(context: LinearContext, name: string, recipe: LinearRecipe): Promise<OutOfFold> {
  const { rows, dataset, progress } = context;
  const classes = dataset.labels.length;
  const total = dataset.folds * recipe.epochs;
  let done = 0;
  const fold = (k: number) => async (): Promise<ReadonlyMap<string, Float32Array>> =>
    context.folder.weights(`${name}-fold${k}`, async () => {
      const train = rows.filter((row) => row.fold !== k);
      const heldOut = rows.filter((row) => row.fold === k);
      const fit = await fitLinear(linearJob(context, recipe, train, heldOut), {
        onEpoch: () => progress.update(`${name}, folds`, ++done / total),
        ...(context.signal === undefined ? {} : { signal: context.signal }),
      });
      return new Map([["logits", fit.heldOutLogits]]);
    });
  const parts = await sideBySide(
    Array.from({ length: dataset.folds }, (_, k) => fold(k)),
    context.threads,
  );
  const logits = new Float32Array(rows.length * classes);
  const positions = new Array<number>(dataset.folds).fill(0);
  for (const [r, row] of rows.entries()) {
    const at = positions[row.fold] ?? 0;
    positions[row.fold] = at + 1;
    const part = parts[row.fold]?.get("logits");
    if (part !== undefined) logits.set(part.subarray(at * classes, (at + 1) * classes), r * classes);
  }
  return { rows: Uint32Array.from(rows.keys()), logits };
}

/** Weights of the linear student on all unsealed rows: `linear.idf`, `linear.table`, `linear.bias`. */
export function linearFinal(
  context: TrainContext,
  name: string,
  recipe: LinearRecipe,
): Promise<ReadonlyMap<string, Float32Array>> {
  return context.folder.weights(`${name}-weights`, async () => {
    const { weights } = await fitLinear(linearJob(context, recipe, context.rows, []), {
      onEpoch: (epoch) => context.progress.update(`${name}, final fit`, (epoch + 1) / recipe.epochs),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
    return linearWeights({ weights });
  });
}

/** Weights of a fitted linear student by the names of the serving graph. */
export function linearWeights({ weights }: Pick<LinearFit, "weights">): Map<string, Float32Array> {
  return new Map([
    ["linear.idf", weights.idf],
    ["linear.table", weights.table],
    ["linear.bias", weights.bias],
  ]);
}

/** Trains an encoder to the end as a stage and keeps what `collect` takes from the result. An abort keeps the checkpoint and rejects with
 *  the signal's reason. */
export async function encoderStage(
  context: TrainContext,
  stage: string,
  specOf: () => Promise<TrainSpec> | TrainSpec,
  collect: (result: EncoderTrainResult) => Promise<Map<string, Float32Array>> | Map<string, Float32Array>,
): Promise<ReadonlyMap<string, Float32Array>> {
  const checkpointPath = context.folder.file(`${stage}.checkpoint`);
  const arrays = await context.folder.weights(stage, async () => {
    const result = await trainEncoder(await specOf(), {
      threads: context.threads,
      checkpointPath,
      onProgress: ({ step, steps }) => context.progress.update(stage, steps > 0 ? step / steps : 0),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
    if (result.stopped === "aborted") context.signal?.throwIfAborted();
    return collect(result);
  });
  rmSync(checkpointPath, { force: true });
  context.progress.update(stage, 1);
  return arrays;
}

export interface EncoderOutOfFold extends OutOfFold {
  /** Epoch with the least held-out loss, the median over the folds: how long the final fit trains. */
  readonly bestEpoch: number;
}

/** What an encoder is trained by. */
export interface EncoderTask {
  readonly name: string;
  readonly recipe: EncoderRecipe;
  /** Soft labels of a local teacher, [rows, labels + 1]. */
  readonly localSoftLabels?: Float32Array;
}

/** Unsealed rows of a fold. */
export function rowsOfFold(context: TrainContext, k: number): Uint32Array {
  return Uint32Array.from([...context.rows.entries()].flatMap(([r, row]) => (row.fold === k ? [r] : [])));
}

/** Unsealed rows at some places. */
export function rowsAt({ rows }: TrainContext, places: Uint32Array): Row[] {
  return Array.from(places, (place) => rows[place]).flatMap((row) => row ?? []);
}

/** What a training says of its held-out rows, as arrays of a stage: log-probabilities and the best epoch. */
export function heldOutArrays({ holdoutProbabilities, bestEpoch }: EncoderTrainResult): Map<string, Float32Array> {
  const probabilities = holdoutProbabilities ?? new Float32Array();
  return new Map([
    ["logits", probabilities.map((p) => Math.log(Math.max(p, 1e-12)))],
    ["bestEpoch", Float32Array.of(bestEpoch)],
  ]);
}

/** The same read back. */
export function heldOutOf(
  rows: Uint32Array,
  arrays: ReadonlyMap<string, Float32Array>,
  epochs: number,
): EncoderOutOfFold {
  const logits = arrays.get("logits") ?? new Float32Array();
  return { rows, logits, bestEpoch: arrays.get("bestEpoch")?.[0] ?? epochs };
}

/** Log-probabilities of the rows of one fold by an encoder of the other folds, and its best epoch. */
export async function encoderFold(context: TrainContext, task: EncoderTask, k: number): Promise<EncoderOutOfFold> {
  const holdout = rowsOfFold(context, k);
  const spec = { ...encoderSpec(context, task.recipe, task.localSoftLabels), holdout };
  const arrays = await encoderStage(context, `${task.name}-fold${k}`, () => spec, heldOutArrays);
  return heldOutOf(holdout, arrays, task.recipe.epochs);
}

/** An epoch in the last eighth of the schedule counts as its end: the rate is close to 0 there, and the weights hardly move. */
const END_OF_SCHEDULE_RATIO = 7 / 8;

/** Folds below each other, in the order of the rows. */
export function joinFolds(parts: readonly EncoderOutOfFold[], classes: number, epochs: number): EncoderOutOfFold {
  const places = parts
    .flatMap(({ rows, logits }) =>
      Array.from(rows, (row, i) => ({ row, logits: logits.subarray(i * classes, (i + 1) * classes) })),
    )
    .sort((a, b) => a.row - b.row);
  const logits = new Float32Array(places.length * classes);
  for (const [i, place] of places.entries()) logits.set(place.logits, i * classes);
  const best = parts.map(({ bestEpoch }) => bestEpoch).sort((a, b) => a - b);
  const median = best[best.length >> 1] ?? epochs;
  return {
    rows: Uint32Array.from(places, ({ row }) => row),
    logits,
    bestEpoch: median >= END_OF_SCHEDULE_RATIO * epochs ? epochs : median,
  };
}

/** Weights of an encoder on all unsealed rows, `encoder.` before each name. */
export async function encoderFinal(
  context: TrainContext,
  task: EncoderTask,
  epochs: number,
): Promise<ReadonlyMap<string, Float32Array>> {
  const spec = { ...encoderSpec(context, task.recipe, task.localSoftLabels), stopAfterEpochs: epochs };
  return encoderStage(
    context,
    `${task.name}-weights${epochs}`,
    () => spec,
    ({ weights }) => new Map([...weights].map(([key, data]) => [`encoder.${key}`, data])),
  );
}

/** Weighted mean of log-probabilities, rows of `a` looked up by row index: out-of-fold logits of a joined student. */
export function joinOutOfFold(linear: OutOfFold, encoder: OutOfFold, classes: number, linearRatio: number): OutOfFold {
  const at = new Map([...linear.rows.entries()].map(([i, row]) => [row, i]));
  const logits = new Float32Array(encoder.logits.length);
  for (const [i, row] of encoder.rows.entries()) {
    const a = softmaxRow(linear.logits, (at.get(row) ?? 0) * classes, classes);
    const b = softmaxRow(encoder.logits, i * classes, classes);
    for (let c = 0; c < classes; c++) {
      logits[i * classes + c] =
        linearRatio * Math.log(Math.max(a[c] ?? 0, 1e-12)) + (1 - linearRatio) * Math.log(Math.max(b[c] ?? 0, 1e-12));
    }
  }
  return { rows: encoder.rows, logits };
}
