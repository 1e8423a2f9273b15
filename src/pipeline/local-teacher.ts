/** @file Soft labels where the log has only hard ones: a local teacher, the mean of a linear model and an encoder, answers each row
 *  without having seen it. Fold 0 stays unseen by every teacher, so that a student taught by them is still judged on rows that nothing in
 *  its training has touched; its rows are answered by the mean of all teachers. */
import { fitLinear } from "../distill/linear-fit.js";
import { softmaxRow } from "../softmax.js";
import type { EncoderRecipe, LinearRecipe } from "../plan/candidates.js";
import { encoderSpec } from "./encoder-spec.js";
import { mergedProgress } from "./progress.js";
import { encoderStage, type EncoderTask, linearJob, sideBySide } from "./rungs.js";
import type { TrainContext } from "./train-context.js";

/** Weight of the linear model's log-probabilities; any between 0.3 and 0.5 does. */
const LINEAR_RATIO = 0.4;

type TaughtRecipe = EncoderRecipe & { readonly localTeacher: LinearRecipe };

interface Answers {
  /** Indices into the unsealed rows. */
  readonly rows: Uint32Array;
  /** [rows, labels] probabilities. */
  readonly probabilities: Float32Array;
}

/** Rows of fold `k` and of fold 0, answered by a teacher of the others. */
async function teacherOf(context: TrainContext, name: string, recipe: TaughtRecipe, k: number): Promise<Answers> {
  const classes = context.dataset.labels.length;
  const unseen = [...context.rows.entries()].filter(([, row]) => row.fold === k || row.fold === 0);
  const rows = Uint32Array.from(unseen, ([r]) => r);
  const spec = { ...encoderSpec(context, recipe), holdout: rows };
  const arrays = await encoderStage(
    context,
    `${name}-teacher${k}`,
    () => spec,
    async ({ holdoutProbabilities }) => {
      const own = holdoutProbabilities ?? new Float32Array();
      const seen = context.rows.filter((row) => row.fold !== k && row.fold !== 0);
      const heldOut = unseen.map(([, row]) => row);
      const { heldOutLogits } = await fitLinear(
        linearJob(context, recipe.localTeacher, seen, heldOut),
        context.signal === undefined ? {} : { signal: context.signal },
      );
      return new Map([["probabilities", geometricMean(heldOutLogits, own, classes)]]);
    },
  );
  return { rows, probabilities: arrays.get("probabilities") ?? new Float32Array() };
}

/** Normalised weighted geometric mean of the linear model's answers (logits) and the encoder's (probabilities). */
function geometricMean(logits: Float32Array, probabilities: Float32Array, classes: number): Float32Array {
  const mean = new Float32Array(probabilities.length);
  for (let at = 0; at < mean.length; at += classes) {
    const linear = softmaxRow(logits, at, classes);
    let total = 0;
    for (let c = 0; c < classes; c++) {
      total += mean[at + c] = (linear[c] ?? 0) ** LINEAR_RATIO * (probabilities[at + c] ?? 0) ** (1 - LINEAR_RATIO);
    }
    for (let c = 0; c < classes; c++) mean[at + c] = (mean[at + c] ?? 0) / Math.max(total, 1e-30);
  }
  return mean;
}

/** Soft labels of all unsealed rows, [rows, labels + 1] (the tail is 0), each from teachers that have not seen the row. */
async function softLabelsOf(context: TrainContext, name: string, recipe: TaughtRecipe): Promise<Float32Array> {
  const classes = context.dataset.labels.length;
  const count = context.dataset.folds - 1;
  const progress = mergedProgress(context.progress, `${name}, local teacher`, count);
  const single = { ...context, threads: 1, progress };
  const answers = await sideBySide(
    Array.from({ length: count }, (_, i) => async () => teacherOf(single, name, recipe, i + 1)),
    context.threads,
  );
  const soft = new Float32Array(context.rows.length * (classes + 1));
  for (const { rows, probabilities } of answers) {
    for (const [i, row] of rows.entries()) {
      const share = context.rows[row]?.fold === 0 ? 1 / count : 1;
      for (let c = 0; c < classes; c++) {
        const at = row * (classes + 1) + c;
        soft[at] = (soft[at] ?? 0) + share * (probabilities[i * classes + c] ?? 0);
      }
    }
  }
  return soft;
}

/** What an encoder is trained by: its recipe, and soft labels where the recipe has a local teacher (trained here, or read back). */
export async function encoderTask(context: TrainContext, name: string, recipe: EncoderRecipe): Promise<EncoderTask> {
  const { localTeacher } = recipe;
  if (localTeacher === undefined) return { name, recipe };
  return { name, recipe, localSoftLabels: await softLabelsOf(context, name, { ...recipe, localTeacher }) };
}
