/** @file Checks of the training mathematics on the user's own rows, before the first step: the graph's loss against a
 *  float64 formulation, identical teacher and student, 1 x 8 against 8 x 1 accumulation, no gradient at masked
 *  positions. Existing tools shipped each of these faults unnoticed (reference/distillation-practice.md, 4d). Knows no
 *  optimiser. */
import { InputError, InvariantError } from "../errors.js";
import type { Session } from "../runtime/session.js";
import type { Tensor } from "../tensor/tensor.js";
import { sortedByLength } from "./batches.js";
import { microBatch, type PreparedData, type StepTotals, stepTotals } from "./feeds.js";
import { needsSoftLabels } from "./losses.js";
import { referenceLoss, type ReferenceRow } from "./losses-reference.js";
import { floatsOf } from "./adam.js";
import type { TrainingGraph } from "./training-graph.js";

export interface CheckedTraining {
  /** Session of the training graph; its outputs include `logits`. */
  readonly session: Session;
  readonly graph: Pick<TrainingGraph, "sites">;
  /** Dense weights, fixed ones included. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly table: Float32Array;
  /** Totals that a micro-batch of a step divides by; replaced only by tests that plant the fault of a mean of means. */
  readonly totalsOf?: (data: PreparedData, step: Uint32Array, micro: Uint32Array) => StepTotals;
}

const CHECK_ROWS = 8;
/** float32 sums of a few hundred terms, against float64. */
const LOSS_TOLERANCE = 2e-4;
const GRADIENT_TOLERANCE = 2e-3;

interface Pass {
  readonly loss: number;
  /** The part of the loss that compares inner representations. */
  readonly inner: number;
  /** [V * R, labels], the views of all rows below each other. */
  readonly logits: Float32Array;
  /** Largest gradient of a masked position. */
  readonly paddingGradient: number;
  /** Dense gradients, by output name. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Runs every check. @throws InvariantError naming the check, InputError when the soft labels cannot be this task's. */
export async function selfCheck(data: PreparedData, training: CheckedTraining): Promise<void> {
  checkTeacher(data);
  const rows = checkRows(data);
  const weights = data.spec.weights.slice();
  for (const [i, row] of rows.entries()) weights[row] = 1 + (i % 3); // uneven, so that a mean of means shows
  const checked: PreparedData = { ...data, spec: { ...data.spec, weights } };
  const whole = await pass(checked, training, rows, rows, 0);
  checkLoss(checked, rows, whole);
  checkMask(whole);
  await checkAccumulation(checked, training, rows, whole);
  if (needsSoftLabels(data.spec.losses)) await checkIdentical(checked, training, rows, whole);
}

/** The shortest and the longest of the first rows, and what lies between: padding is present unless all are equally
 *  long. */
function checkRows(data: PreparedData): Uint32Array {
  const ordered = sortedByLength(data.trainRows.subarray(0, 256), data.encoder.sequences);
  const count = Math.min(CHECK_ROWS, ordered.length);
  return Uint32Array.from(
    { length: count },
    (_, i) => ordered[Math.round((i * (ordered.length - 1)) / Math.max(1, count - 1))] ?? 0,
  );
}

async function pass(
  data: PreparedData,
  training: CheckedTraining,
  step: Uint32Array,
  rows: Uint32Array,
  micro: number,
): Promise<Pass> {
  const totals = training.totalsOf?.(data, step, rows) ?? stepTotals(data, step);
  const batch = microBatch(data, training.graph, rows, { step: 0, micro, totals, dropout: false });
  const fronted = batch.front.feeds(training.table);
  const results = await training.session.run({ ...training.feeds, ...batch.feeds, ...fronted });
  const gradients = new Map<string, Float32Array>();
  for (const { name } of data.encoder.layout.parameters)
    gradients.set(name, floatsOf(results[`gradient.${name}`], name));
  return {
    loss: floatsOf(results["loss"], "loss")[0] ?? NaN,
    inner: results["inner"] === undefined ? 0 : (floatsOf(results["inner"], "inner")[0] ?? NaN),
    logits: floatsOf(results["logits"], "logits"),
    paddingGradient: batch.front.paddingGradient(results),
    gradients,
  };
}

function near(came: number, expected: number): boolean {
  return Math.abs(came - expected) <= LOSS_TOLERANCE * (1 + Math.abs(expected));
}

/** Rows of the check in the form of the float64 formulation. */
function referenceRows(data: PreparedData, rows: Uint32Array, logits: Float32Array): ReferenceRow[] {
  const { labelCount, softLabels, labels, weights } = data.spec;
  const width = labelCount + 1;
  const twins = logits.subarray(rows.length * labelCount);
  return Array.from(rows, (row, i) => ({
    logits: logits.subarray(i * labelCount, (i + 1) * labelCount),
    ...(twins.length > 0 && { twin: twins.subarray(i * labelCount, (i + 1) * labelCount) }),
    label: labels[row] ?? 0,
    weight: weights[row] ?? 0,
    ...(softLabels && { soft: softLabels.subarray(row * width, (row + 1) * width) }),
  }));
}

function checkLoss(data: PreparedData, rows: Uint32Array, whole: Pass): void {
  if (!Number.isFinite(whole.loss) || whole.loss < -LOSS_TOLERANCE) {
    throw new InvariantError(`self-check: the loss is ${whole.loss}, expected a finite number of at least 0`);
  }
  const { inner } = whole;
  if (!Number.isFinite(inner) || inner < -LOSS_TOLERANCE) {
    throw new InvariantError(
      `self-check: the loss on inner representations is ${inner}, expected a finite number of at least 0`,
    );
  }
  const expected = referenceLoss(data.spec.losses, referenceRows(data, rows, whole.logits)) + inner;
  if (!near(whole.loss, expected)) {
    throw new InvariantError(`self-check: the graph's loss is ${whole.loss}, its formula in float64 gives ${expected}`);
  }
}

function checkMask(whole: Pass): void {
  const { paddingGradient: leak } = whole;
  if (leak !== 0) throw new InvariantError(`self-check: a masked position has gradient ${leak}, expected 0`);
}

async function checkAccumulation(
  data: PreparedData,
  training: CheckedTraining,
  rows: Uint32Array,
  whole: Pass,
): Promise<void> {
  let loss = 0;
  const sums = new Map(Array.from(whole.gradients, ([name, gradient]) => [name, new Float64Array(gradient.length)]));
  for (let i = 0; i < rows.length; i++) {
    const part = await pass(data, training, rows, rows.subarray(i, i + 1), i);
    loss += part.loss;
    for (const [name, gradient] of part.gradients) {
      const sum = sums.get(name);
      if (sum !== undefined) for (let j = 0; j < sum.length; j++) sum[j] = (sum[j] ?? 0) + (gradient[j] ?? 0);
    }
  }
  if (!near(loss, whole.loss)) {
    throw new InvariantError(
      `self-check: ${rows.length} micro-batches of 1 give loss ${loss}, one of ${rows.length} gives ${whole.loss}`,
    );
  }
  for (const [name, gradient] of whole.gradients) {
    const sum = sums.get(name) ?? new Float64Array();
    let [squares, error] = [0, 0];
    for (let j = 0; j < gradient.length; j++) {
      squares += (gradient[j] ?? 0) ** 2;
      error += ((gradient[j] ?? 0) - (sum[j] ?? 0)) ** 2;
    }
    if (Math.sqrt(error) > GRADIENT_TOLERANCE * Math.sqrt(squares) + 1e-6) {
      throw new InvariantError(
        `self-check: accumulated ${name} is off by ${Math.sqrt(error)} at norm ${Math.sqrt(squares)}`,
      );
    }
  }
}

/** The first view as the teacher: its own KL is 0, and the second view's, where there is one, what float64 gives. */
async function checkIdentical(
  data: PreparedData,
  training: CheckedTraining,
  rows: Uint32Array,
  whole: Pass,
): Promise<void> {
  const { labelCount, losses, softLabels } = data.spec;
  const width = labelCount + 1;
  const soft = softLabels?.slice() ?? new Float32Array();
  for (const [i, row] of rows.entries()) {
    const logits = Array.from(whole.logits.subarray(i * labelCount, (i + 1) * labelCount));
    const most = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - most));
    const total = powers.reduce((sum, power) => sum + power, 0);
    let tail = 0;
    for (let c = 0; c < labelCount; c++) {
      const probability = (powers[c] ?? 0) / total;
      if ((soft[row * width + c] ?? 0) > 0) soft[row * width + c] = probability;
      else tail += probability;
    }
    soft[row * width + labelCount] = tail;
  }
  const twin = { ...data, spec: { ...data.spec, softLabels: soft } };
  const { loss, inner, logits } = await pass(twin, training, rows, rows, 0);
  const expected = referenceLoss(losses, referenceRows(twin, rows, logits)) + inner;
  if (!near(loss, expected))
    throw new InvariantError(`self-check: with the student as its own teacher the loss is off by ${loss - expected}`);
}

/** The teacher's soft labels must know its own answers better than chance. */
function checkTeacher(data: PreparedData): void {
  const { labelCount, labels, softLabels, losses } = data.spec;
  if (softLabels === undefined || !needsSoftLabels(losses)) return;
  const width = labelCount + 1;
  let [sum, count] = [0, 0];
  for (const row of data.trainRows) {
    const soft = softLabels.subarray(row * width, (row + 1) * width);
    if (!soft.some((p) => p > 0)) continue;
    sum -= Math.log(Math.max(soft[labels[row] ?? 0] ?? 0, 1 / (10 * labelCount)));
    count += 1;
  }
  if (count > 0 && sum / count > Math.log(labelCount)) {
    throw new InputError(
      `soft labels: the teacher's own answers have a mean negative log-likelihood of ${(sum / count).toFixed(2)}, ` +
        "worse than chance",
      {
        hint: "log-probabilities that belong to other rows (import the log again), or a teacher that has learned nothing",
      },
    );
  }
}
