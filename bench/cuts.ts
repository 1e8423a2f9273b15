/** @file What to cut for one size: layers and neurons, as the product does, or heads and hidden width too. A pretrained encoder is fine-tuned, cut in
 *  each way to about the same number of weights (the vocabulary trimmed to the texts), and every cut recovers for the same steps from the same teacher, at
 *  several rates, for held-out rows to choose from. The official test rows only report. Prints JSON lines: one per cut, rate and seed.
 *
 *      node dist/bench/cuts.js --base DIR [--set banking77] [--seeds 1] [--rows N] [--teacher-epochs 5] [--epochs 4] [--threads 2] [--data DIR] */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allParts, cutEncoder, type EncoderWeights } from "../src/compress/cut.js";
import { bestOf, chooseLayers, measureImportance } from "../src/compress/importance.js";
import { softAnswers } from "../src/distill/answers.js";
import { type InnerLossSpec, keptLayers, lastLayers } from "../src/distill/inner-losses.js";
import { UsageError } from "../src/errors.js";
import { pretrainedAccounting } from "../src/models/accounting.js";
import { openBase, trimmedFor } from "../src/pipeline/pretrained/base.js";
import { loadDataSet } from "./datasets.js";
import {
  answer,
  answerLoss,
  CALIBRATION_TEXTS,
  fineTuned,
  fit,
  labelLoss,
  modelOf,
  rightOf,
  shareOf,
  type Trial,
  trialOf,
} from "./pretrained-trial.js";
import { printJson } from "./product.js";

interface Sizes {
  readonly layers: number;
  readonly heads: number;
  readonly neurons: number;
}

/** Of MiniLM (6 layers, 12 heads of 32, 1,536 neurons) with some 4,000 pieces: 3.0 to 3.3 million weights each. */
const CUTS: readonly Sizes[] = [
  { layers: 2, heads: 12, neurons: 256 },
  { layers: 3, heads: 8, neurons: 832 },
  { layers: 6, heads: 6, neurons: 576 },
];
const RATES = [3e-4, 1e-3] as const;
/** Divides the widths of all cuts and of the base. */
const RELATION_HEADS = 8;

interface Cut {
  readonly encoder: EncoderWeights;
  readonly layers: Uint32Array;
}

/** Layers by block influence, then heads, hidden width (as wide as the heads that stay) and neurons by their activations. */
async function cutTo(trial: Trial, teacher: EncoderWeights, { layers, heads, neurons }: Sizes): Promise<Cut> {
  const texts = trial.labelled.sequences.slice(0, CALIBRATION_TEXTS);
  const options = { threads: trial.threads };
  const kept = await chooseLayers(teacher, texts, layers, options);
  const shallow = cutEncoder(teacher, { ...allParts(teacher.config), layers: kept });
  const importance = await measureImportance(shallow, texts, options);
  const encoder = cutEncoder(shallow, {
    ...allParts(shallow.config),
    width: bestOf(importance.width, (heads * shallow.config.width) / shallow.config.heads),
    heads: importance.heads.map((scores) => bestOf(scores, heads)),
    feedForward: importance.feedForward.map((scores) => bestOf(scores, neurons)),
  });
  return { encoder, layers: kept };
}

/** Hidden states where widths are equal, relations where they are not: those need no projection. */
function innerLosses(trial: Trial, { encoder, layers }: Cut): readonly InnerLossSpec[] {
  const { width, layers: all } = trial.base.config;
  if (encoder.config.width === width) return [{ kind: "hidden-mse", weight: 0.5, layers: keptLayers(layers) }];
  return [{ kind: "relations", weight: 0.5, layers: lastLayers(layers.length, all.length), heads: RELATION_HEADS }];
}

async function runCut(
  trial: Trial,
  teacher: EncoderWeights,
  softLabels: Float32Array,
  sizes: Sizes,
  epochs: number,
): Promise<void> {
  const { base, seed, labelled, heldOut, test, labelCount } = trial;
  const cut = await cutTo(trial, teacher, sizes);
  const { pooling } = base;
  const vocabularySize = trimmedFor(base, labelled.sequences).keptIds.length;
  const { parameters, flopsPerToken } = pretrainedAccounting(
    { ...cut.encoder.config, vocabularySize },
    { labelCount, pooling },
  );
  const losses = [labelLoss(0.2), answerLoss(0.8)];
  const inside = { model: { config: teacher.config }, weights: teacher.values, losses: innerLosses(trial, cut) };
  for (const learningRate of RATES) {
    const more = { softLabels, teacher: inside };
    const fitted = await fit(trial, { rows: labelled, start: cut.encoder, epochs, learningRate, losses, more });
    const accuracyOn = async (rows: typeof test): Promise<number> =>
      shareOf(rightOf(await answer(trial, fitted, rows), rows.labels));
    printJson({
      bench: "cuts",
      seed,
      ...sizes,
      width: cut.encoder.config.width,
      parameters,
      flopsPerToken,
      learningRate,
      rows: labelled.labels.length,
      seconds: fitted.seconds,
      heldOutAccuracy: await accuracyOn(heldOut),
      accuracy: await accuracyOn(test),
    });
  }
}

async function runTrial(trial: Trial, teacherEpochs: number, epochs: number): Promise<void> {
  const teacher = await fineTuned(trial, teacherEpochs);
  const softLabels = await softAnswers(modelOf(trial, teacher), teacher.values, trial.labelled.sequences, {
    threads: trial.threads,
  });
  for (const sizes of CUTS) await runCut(trial, teacher, softLabels, sizes, epochs);
}

const { values: flags } = parseArgs({
  options: {
    base: { type: "string" },
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1" },
    rows: { type: "string" },
    "teacher-epochs": { type: "string", default: "5" },
    epochs: { type: "string", default: "4" },
    threads: { type: "string", default: "2" },
    data: { type: "string", default: join("..", "shared", "data") },
  },
});
if (flags.base === undefined) throw new UsageError("--base: name the folder of a pretrained encoder");
const base = openBase(flags.base);
const data = loadDataSet(flags.set, flags.data);
const options = {
  threads: Number(flags.threads),
  ...(flags.rows !== undefined && { rows: Number(flags.rows) }),
};
for (const seed of flags.seeds.split(",").map(Number))
  await runTrial(trialOf(base, data, { seed, ...options }), Number(flags["teacher-epochs"]), Number(flags.epochs));
