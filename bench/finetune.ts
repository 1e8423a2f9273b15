/** @file One fine-tuning of a pretrained encoder by the product's own training and the plan's teacher recipe, in a process of its own, so that
 *  teacher.ts can pin it to a core. Prints one JSON line: seconds of the training, accuracies, tokens with and without padding.
 *
 *      node dist/bench/finetune.js --base DIR --rows FILE --epochs N --seed N --threads N [--layer-decay X]
 *
 *  FILE is what teacher.ts writes (see `fitRowsSchema`). */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";
import { nowMs } from "../src/clock.js";
import { softAnswers } from "../src/distill/answers.js";
import { headStart } from "../src/distill/head-start.js";
import { epochBatches, stepsPerEpoch } from "../src/distill/batches.js";
import { PRETRAINED_TRAIN_DEFAULTS, type PretrainedTrainSpec } from "../src/distill/spec.js";
import { trainEncoder } from "../src/distill/train.js";
import { InvariantError, UsageError } from "../src/errors.js";
import { type Base, openBase, piecesOf } from "../src/pipeline/pretrained/base.js";
import { teacherLosses } from "../src/pipeline/encoder-spec.js";
import { PRETRAINED_RUNGS, pretrainedRecipes, UNCUT } from "../src/plan/candidates.js";
import { printJson } from "./product.js";

const rowsSchema = z.array(z.object({ text: z.string(), label: z.number().int().nonnegative() }));

/** Rows of one fit; labels are places in a list of `labelCount`. */
export const fitRowsSchema = z.object({
  labelCount: z.number().int().positive(),
  train: rowsSchema,
  heldOut: rowsSchema,
  test: rowsSchema,
});
export type FitRows = z.infer<typeof fitRowsSchema>;
type Row = FitRows["train"][number];

/** What one side of the comparison prints. */
export const fitResultSchema = z.object({
  /** Wall and processor time of the training, without loading. */
  seconds: z.number(),
  processorSeconds: z.number(),
  steps: z.number(),
  tokensPerStep: z.number(),
  paddedTokensPerStep: z.number(),
  heldOutAccuracy: z.number(),
  accuracy: z.number(),
});
export type FitResult = z.infer<typeof fitResultSchema>;

/** The plan's best teacher recipe for these rows. */
export function teacherRecipe(base: Base, { train, labelCount }: FitRows) {
  const rung = PRETRAINED_RUNGS.find(({ name }) => name === UNCUT);
  const sizes = { layers: base.config.layers.length, feedForward: base.config.feedForward };
  const [recipe] =
    rung === undefined ? [] : pretrainedRecipes(rung, sizes, { trainRows: train.length, labels: labelCount });
  if (recipe === undefined) throw new InvariantError("bench: the plan has no recipe for the whole base");
  return recipe;
}

interface Schedule {
  readonly epochs: number;
  readonly seed: number;
  readonly layerDecay: number;
}

function specOf(base: Base, rows: FitRows, { epochs, seed, layerDecay }: Schedule): PretrainedTrainSpec {
  const { batchSize, teacher } = teacherRecipe(base, rows);
  return {
    ...PRETRAINED_TRAIN_DEFAULTS,
    sequences: rows.train.map(({ text }) => piecesOf(base, text)),
    labels: Int32Array.from(rows.train, ({ label }) => label),
    weights: new Float32Array(rows.train.length).fill(1),
    labelCount: rows.labelCount,
    losses: teacherLosses(false),
    model: { config: base.config, pooling: base.pooling, maxTokens: base.maxTokens },
    start: base.weights,
    epochs,
    batchSize,
    learningRate: teacher.learningRate,
    layerDecay,
    seed,
  };
}

/** Mean tokens of an optimiser step, as the texts have them and as the padded batches do. */
function tokensOf(spec: PretrainedTrainSpec): Pick<FitResult, "steps" | "tokensPerStep" | "paddedTokensPerStep"> {
  const rows = Uint32Array.from(spec.sequences.keys());
  const lengthOf = (row: number): number => spec.sequences[row]?.length ?? 0;
  let [real, padded] = [0, 0];
  for (let epoch = 1; epoch <= spec.epochs; epoch++)
    for (const batch of epochBatches(rows, spec.sequences, { batchSize: spec.batchSize, seed: spec.seed, epoch })) {
      real += batch.reduce((sum, row) => sum + lengthOf(row), 0);
      padded += batch.length * batch.reduce((most, row) => Math.max(most, lengthOf(row)), 0);
    }
  const steps = stepsPerEpoch(rows.length, spec.batchSize) * spec.epochs;
  return { steps, tokensPerStep: real / steps, paddedTokensPerStep: padded / steps };
}

/** Trains, timed as a whole: the start of the label layer, the compiling of the graphs, the self-check and the steps. */
async function timedTraining(spec: PretrainedTrainSpec, threads: number) {
  const startMs = nowMs();
  const startProcessor = process.cpuUsage();
  const head = await headStart({ ...spec.model, labelCount: spec.labelCount }, spec.start, spec, { threads });
  const { weights } = await trainEncoder({ ...spec, start: new Map([...spec.start, ...head]) }, { threads });
  const { user, system } = process.cpuUsage(startProcessor);
  return { weights, spent: { seconds: (nowMs() - startMs) / 1e3, processorSeconds: (user + system) / 1e6 } };
}

interface Fitted {
  readonly base: Base;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly labelCount: number;
  readonly threads: number;
}

async function accuracyOf({ base, weights, labelCount, threads }: Fitted, rows: readonly Row[]): Promise<number> {
  const model = { config: base.config, pooling: base.pooling, maxTokens: base.maxTokens, labelCount };
  const sequences = rows.map(({ text }) => piecesOf(base, text));
  const soft = await softAnswers(model, weights, sequences, { threads });
  const width = labelCount + 1;
  const right = rows.filter(({ label }, i) => {
    const row = soft.subarray(i * width, i * width + labelCount);
    return row.indexOf(row.reduce((most, p) => Math.max(most, p), 0)) === label;
  });
  return right.length / Math.max(1, rows.length);
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      base: { type: "string" },
      rows: { type: "string" },
      epochs: { type: "string" },
      seed: { type: "string", default: "1" },
      threads: { type: "string", default: "1" },
      "layer-decay": { type: "string", default: "1" },
    },
  });
  if (flags.base === undefined || flags.rows === undefined)
    throw new UsageError("finetune: --base and --rows are needed");
  const base = openBase(flags.base);
  const rows = fitRowsSchema.parse(JSON.parse(readFileSync(flags.rows, "utf8")));
  const { labelCount, heldOut, test } = rows;
  const threads = Number(flags.threads);
  const spec = specOf(base, rows, {
    epochs: Number(flags.epochs ?? teacherRecipe(base, rows).teacher.epochs),
    seed: Number(flags.seed),
    layerDecay: Number(flags["layer-decay"]),
  });
  const { weights, spent } = await timedTraining(spec, threads);
  const fitted = { base, weights, labelCount, threads };
  const heldOutAccuracy = await accuracyOf(fitted, heldOut);
  printJson({ ...spent, ...tokensOf(spec), heldOutAccuracy, accuracy: await accuracyOf(fitted, test) });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
