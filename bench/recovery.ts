/** @file At which rate a cut recovers best. A pretrained encoder is fine-tuned on some of the training rows, cut as the product does, half first and the third from
 *  the recovered half, and each cut recovers at several rates for the same steps. Judges are all training rows that no fit has seen: right labels, and the mean
 *  divergence from the teacher's answers, which varies less. The official test rows only report. Prints JSON lines: one per seed, cut and rate.
 *
 *      node dist/bench/recovery.js --base DIR [--set banking77] [--seeds 1] [--rows 4000] [--rates 3e-4,6e-4,1e-3] [--dropouts 0.1] [--teacher-epochs 4] [--epochs 6] [--threads 2] [--data DIR]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allParts, cutEncoder, type EncoderWeights } from "../src/compress/cut.js";
import { bestOf, chooseLayers, measureImportance } from "../src/compress/importance.js";
import { softAnswers } from "../src/distill/answers.js";
import { keptLayers } from "../src/distill/inner-losses.js";
import { UsageError } from "../src/errors.js";
import { openBase } from "../src/pipeline/pretrained/base.js";
import { bestLabels } from "../src/pipeline/pretrained/spec.js";
import { PRETRAINED_RUNGS, UNCUT } from "../src/plan/candidates.js";
import { loadDataSet } from "./datasets.js";
import {
  answerLoss,
  CALIBRATION_TEXTS,
  fineTuned,
  fit,
  labelLoss,
  modelOf,
  rightOf,
  type Rows,
  rowsAt,
  shareOf,
  type Trial,
  trialOf,
} from "./pretrained-trial.js";
import { printJson } from "./product.js";

interface Settings {
  readonly rates: readonly number[];
  readonly dropouts: readonly number[];
  readonly epochs: number;
}

/** An encoder and what its layers were in the teacher. */
interface Step {
  readonly encoder: EncoderWeights;
  readonly layers: Uint32Array;
}

const answersOf = (trial: Trial, encoder: EncoderWeights, { sequences }: Pick<Rows, "sequences">) =>
  softAnswers(modelOf(trial, encoder), encoder.values, sequences, { threads: trial.threads });

/** Mean over rows of the divergence KL(teacher ‖ student), in nats; rows are label probabilities and a last cell that is not theirs. */
function divergence(teacher: Float32Array, student: Float32Array, columns: number): number {
  let sum = 0;
  for (let i = 0; i < teacher.length; i += 1) {
    const wanted = teacher[i] ?? 0;
    if ((i + 1) % columns !== 0 && wanted > 0) sum += wanted * Math.log(wanted / Math.max(student[i] ?? 0, 1e-12));
  }
  return sum / (teacher.length / columns);
}

async function cutFurther(trial: Trial, { encoder, layers }: Step, layerCount: number, neurons: number): Promise<Step> {
  const texts = trial.labelled.sequences.slice(0, CALIBRATION_TEXTS);
  const options = { threads: trial.threads };
  const kept = await chooseLayers(encoder, texts, layerCount, options);
  const shallow = cutEncoder(encoder, { ...allParts(encoder.config), layers: kept });
  const { feedForward } = await measureImportance(shallow, texts, options);
  return {
    encoder: cutEncoder(shallow, {
      ...allParts(shallow.config),
      feedForward: feedForward.map((scores) => bestOf(scores, neurons)),
    }),
    layers: kept.map((layer) => layers[layer] ?? 0),
  };
}

async function runTrial(trial: Trial, teacherEpochs: number, { rates, dropouts, epochs }: Settings): Promise<void> {
  const { seed, labelled, texts, heldOut, test, labelCount } = trial;
  const teacher = await fineTuned(trial, teacherEpochs);
  const unseen = rowsAt(
    texts,
    texts.texts.flatMap((_, row) => (row < labelled.texts.length ? [] : [row])),
  );
  const judges: Rows = {
    texts: [...heldOut.texts, ...unseen.texts],
    sequences: [...heldOut.sequences, ...unseen.sequences],
    labels: Int32Array.from([...heldOut.labels, ...unseen.labels]),
  };
  const softLabels = await answersOf(trial, teacher, labelled);
  const taught = await answersOf(trial, teacher, judges);
  const report = async (encoder: EncoderWeights, facts: object): Promise<void> => {
    const soft = await answersOf(trial, encoder, judges);
    const accuracyOf = (answers: Float32Array, labels: Int32Array): number =>
      shareOf(rightOf(bestLabels(answers, labelCount + 1), labels));
    printJson({
      bench: "recovery",
      seed,
      ...facts,
      rows: labelled.labels.length,
      judges: judges.labels.length,
      accuracyUnseen: accuracyOf(soft, judges.labels),
      agreement: accuracyOf(soft, Int32Array.from(bestLabels(taught, labelCount + 1))),
      divergence: divergence(taught, soft, labelCount + 1),
      accuracy: accuracyOf(await answersOf(trial, encoder, test), test.labels),
    });
  };
  await report(teacher, { cut: "teacher", seconds: teacher.seconds });
  await recoverPath({ trial, teacher, softLabels, report }, { rates, dropouts, epochs });
}

interface Taught {
  readonly trial: Trial;
  readonly teacher: EncoderWeights;
  readonly softLabels: Float32Array;
  readonly report: (encoder: EncoderWeights, facts: object) => Promise<void>;
}

/** Each cut at every rate; the smaller one is cut from the larger one at the first rate. */
async function recoverPath(
  { trial, teacher, softLabels, report }: Taught,
  { rates, dropouts, epochs }: Settings,
): Promise<void> {
  const { config } = trial.base;
  let above: Step = { encoder: teacher, layers: Uint32Array.from(config.layers.keys()) };
  for (const { name, layersRatio, feedForwardRatio } of PRETRAINED_RUNGS.toReversed()) {
    if (name === UNCUT) continue;
    const layerCount = Math.round(layersRatio * config.layers.length);
    const start = await cutFurther(trial, above, layerCount, Math.round(feedForwardRatio * config.feedForward));
    const inside = {
      model: { config: teacher.config },
      weights: teacher.values,
      losses: [{ kind: "hidden-mse", weight: 0.5, layers: keptLayers(start.layers) }],
    } as const;
    let first: EncoderWeights | undefined;
    for (const dropout of dropouts)
      for (const learningRate of rates) {
        const fitted = await fit(trial, {
          rows: trial.labelled,
          start: start.encoder,
          epochs,
          learningRate,
          losses: [labelLoss(0.2), answerLoss(0.8)],
          more: { dropout, softLabels, teacher: inside },
        });
        first ??= fitted;
        await report(fitted, { cut: name, learningRate, dropout, epochs, seconds: fitted.seconds });
      }
    if (first !== undefined) above = { encoder: first, layers: start.layers };
  }
}

const { values: flags } = parseArgs({
  options: {
    base: { type: "string" },
    set: { type: "string", default: "banking77" },
    seeds: { type: "string", default: "1" },
    rows: { type: "string", default: "4000" },
    rates: { type: "string", default: "3e-4,6e-4,1e-3" },
    dropouts: { type: "string", default: "0.1" },
    "teacher-epochs": { type: "string", default: "4" },
    epochs: { type: "string", default: "6" },
    threads: { type: "string", default: "2" },
    data: { type: "string", default: join("..", "shared", "data") },
  },
});
if (flags.base === undefined) throw new UsageError("--base: name the folder of a pretrained encoder");
const base = openBase(flags.base);
const data = loadDataSet(flags.set, flags.data);
const numbers = (list: string): number[] => list.split(",").map(Number);
for (const seed of numbers(flags.seeds))
  await runTrial(
    trialOf(base, data, { seed, threads: Number(flags.threads), rows: Number(flags.rows) }),
    Number(flags["teacher-epochs"]),
    { rates: numbers(flags.rates), dropouts: numbers(flags.dropouts), epochs: Number(flags.epochs) },
  );
