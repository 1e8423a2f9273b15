/** @file The training loop of label encoders in the calling thread: gradients, fused AdamW, evaluation, checkpoints.
 *  train.ts runs it in a worker. It never reads the clock; the same spec and thread count give the same bits, resumed
 *  or not. */
import { ConfigError } from "../errors.js";
import type { AdamStep } from "../runtime/adam-memory.js";
import { openSession } from "../runtime/onnxruntime.js";
import type { LocalSession, Session, SessionOptions } from "../runtime/session.js";
import { f32, type Tensor } from "../tensor/tensor.js";
import { epochBatches, stepsPerEpoch } from "./batches.js";
import { evaluateRows } from "./evaluation.js";
import { microBatch, type PreparedData, stepTotals } from "./feeds.js";
import { checkGradient, checkLoss, checkState } from "./finite.js";
import { hashedEncoder } from "./hashed-encoder.js";
import { lossFormulas, needsSoftLabels } from "./losses.js";
import { adamUpdate, floatsOf, gradientSquares, scheduledRate } from "./adam.js";
import { checkPretrainedSpec, pretrainedEncoder } from "./pretrained-encoder.js";
import { selfCheck } from "./self-check.js";
import type { EncoderTrainResult, EpochHistory, TrainProgress, TrainSpec } from "./spec.js";
import { taughtStates } from "./taught-states.js";
import { loadState, saveState, specFingerprint, startState, type TrainState } from "./train-state.js";
import type { TrainedEncoder } from "./trained-encoder.js";
import { compileTrainingGraph, type TrainingGraph } from "./training-graph.js";

export interface TrainHooks {
  readonly threads: number;
  /** Written after each epoch and every `CHECKPOINT_STEPS` steps; resumed when it exists. */
  readonly checkpointPath?: string;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Asked between steps. */
  readonly shouldStop?: () => boolean;
  /** Stops after this many steps in this call, as a kill would: for tests of resuming. */
  readonly stepLimit?: number;
}

const CHECKPOINT_STEPS = 500;

interface Trainer {
  readonly data: PreparedData;
  readonly hooks: TrainHooks;
  readonly graph: TrainingGraph;
  readonly session: LocalSession;
  readonly evaluation: Session;
  readonly state: TrainState;
  readonly steps: number;
  readonly fingerprint: string;
}

/** Trains in this thread, which is blocked while a step runs. @throws ConfigError for an unusable spec, StoreError for
 *  a checkpoint. */
export async function runTraining(spec: TrainSpec, hooks: TrainHooks): Promise<EncoderTrainResult> {
  checkSpec(spec);
  report(hooks, { phase: "prepare", step: 0, steps: 0, loss: NaN, epoch: 0 });
  const data = await prepareData(spec, hooks);
  const { encoder } = data;
  const graph = encoder.buildGraph();
  const fingerprint = specFingerprint(spec);
  const resumed =
    hooks.checkpointPath === undefined ? undefined : await loadState(hooks.checkpointPath, fingerprint, spec, encoder);
  const state = resumed ?? startState(encoder);
  const session = await openSession(compileTrainingGraph(graph), sessionOptions(hooks));
  const evaluation = await openSession(encoder.compileEvaluation(), sessionOptions(hooks));
  const steps = stepsPerEpoch(data.trainRows.length, spec.batchSize) * spec.epochs;
  const trainer: Trainer = {
    data,
    hooks,
    graph,
    session,
    evaluation,
    state,
    steps,
    fingerprint,
  };
  try {
    report(hooks, { phase: "self-check", step: state.step, steps, loss: NaN, epoch: state.history.length });
    await selfCheck(data, {
      session,
      graph,
      feeds: weightFeeds(encoder, state.dense.weights),
      table: state.table.weights,
    });
    return result(trainer, await runEpochs(trainer));
  } finally {
    await Promise.all([session.close(), evaluation.close()]);
  }
}

/** Shapes vary from batch to batch, so arenas only grow: without them memory halves and a step takes the same time. */
function sessionOptions({ threads }: TrainHooks): SessionOptions {
  return { threads, lean: true, spin: false };
}

/** Tokens, types and the rows to train on. */
export async function prepareData(spec: TrainSpec, hooks: TrainHooks): Promise<PreparedData> {
  const held = new Set(spec.holdout ?? []);
  const trainRows = Uint32Array.from(spec.labels.keys()).filter(
    (row) => !held.has(row) && (spec.weights[row] ?? 0) > 0,
  );
  if (trainRows.length === 0)
    throw new ConfigError("training: no row is left to train on", { hint: "hold out fewer rows" });
  if ("texts" in spec) return { spec, encoder: hashedEncoder(spec), trainRows };
  checkPretrainedSpec(spec);
  return { spec, encoder: pretrainedEncoder(spec, await taughtStates(spec, trainRows, hooks)), trainRows };
}

function checkSpec(spec: TrainSpec): void {
  const count = "texts" in spec ? spec.texts.length : spec.sequences.length;
  if (spec.labels.length !== count || spec.weights.length !== count) {
    throw new ConfigError(
      `training: ${count} texts, ${spec.labels.length} labels, ${spec.weights.length} weights; they must be equal`,
    );
  }
  const soft = spec.softLabels?.length ?? count * (spec.labelCount + 1);
  if (soft !== count * (spec.labelCount + 1)) {
    throw new ConfigError(`training: soft labels have ${soft} values, expected ${count} x ${spec.labelCount + 1}`);
  }
  if (spec.softLabels === undefined && needsSoftLabels(spec.losses)) {
    throw new ConfigError("training: forward-kl needs soft labels, the spec has none", {
      hint: "use cross-entropy alone",
    });
  }
  const stray = spec.labels.find((label) => label < 0 || label >= spec.labelCount);
  if (stray !== undefined) throw new ConfigError(`training: label ${stray} is outside 0 .. ${spec.labelCount - 1}`);
}

function report(hooks: TrainHooks, progress: TrainProgress): void {
  hooks.onProgress?.(progress);
}

/** Views of the flat vector, and the fixed weights, as the feeds of the graph. */
function weightFeeds({ layout, fixed }: TrainedEncoder, dense: Float32Array): Record<string, Tensor> {
  const trained = layout.parameters.map(({ name, shape, offset, length }): [string, Tensor] => [
    name,
    f32(shape, dense.subarray(offset, offset + length)),
  ]);
  return { ...fixed, ...Object.fromEntries(trained) };
}

async function runEpochs(trainer: Trainer): Promise<EncoderTrainResult["stopped"]> {
  const { data, hooks, state } = trainer;
  const { spec } = data;
  const perEpoch = stepsPerEpoch(data.trainRows.length, spec.batchSize);
  const last = Math.min(spec.epochs, spec.stopAfterEpochs ?? spec.epochs);
  const firstStep = state.step;
  while (state.history.length < last) {
    const epoch = state.history.length + 1;
    const batches = epochBatches(data.trainRows, data.encoder.sequences, {
      batchSize: spec.batchSize,
      seed: spec.seed,
      epoch,
    });
    for (let i = state.step - (epoch - 1) * perEpoch; i < perEpoch; i++) {
      if (hooks.shouldStop?.() === true || state.step - firstStep >= (hooks.stepLimit ?? Infinity)) {
        await save(trainer);
        return "aborted";
      }
      const loss = await trainStep(trainer, batches[i] ?? new Uint32Array(0));
      report(hooks, { phase: "train", step: state.step, steps: trainer.steps, loss, epoch });
      if (state.step % CHECKPOINT_STEPS === 0 && i + 1 < perEpoch) await save(trainer);
    }
    await endEpoch(trainer, epoch, perEpoch);
    await save(trainer);
  }
  return "finished";
}

async function save(trainer: Trainer): Promise<void> {
  const path = trainer.hooks.checkpointPath;
  if (path === undefined) return;
  checkState(trainer.state);
  await saveState(path, trainer.fingerprint, trainer.state);
}

/** One optimiser step: gradients of every micro-batch summed, clipped, applied. Returns the step's loss. */
async function trainStep(trainer: Trainer, rows: Uint32Array): Promise<number> {
  const { data, state } = trainer;
  const { spec, encoder } = data;
  const step = state.step + 1;
  const totals = stepTotals(data, rows);
  const size = spec.microBatchSize ?? spec.batchSize;
  const touched = new Set<number>();
  const feeds = weightFeeds(encoder, state.dense.weights);
  let loss = 0;
  for (let start = 0, micro = 0; start < rows.length; start += size, micro++) {
    const batch = microBatch(data, trainer.graph, rows.subarray(start, start + size), {
      step,
      micro,
      totals,
      dropout: true,
    });
    const fronted = batch.front.feeds(state.table.weights);
    const results = await runGradients(trainer, { ...feeds, ...batch.feeds, ...fronted }, micro === 0);
    loss += floatsOf(results["loss"], "loss")[0] ?? NaN;
    batch.front.addTableGradient(results, state.table.gradient);
    for (const row of batch.front.touched) touched.add(row);
  }
  checkLoss(loss, "loss", step);
  applyStep(trainer, Uint32Array.from(touched).sort(), step, loss);
  state.step = step;
  state.epochLoss += loss;
  return loss;
}

/** Runs the graph; the dense gradients are written to the state, or added to what is there. Gives the other outputs. */
async function runGradients(
  { session, state, data }: Trainer,
  feeds: Readonly<Record<string, Tensor>>,
  isFirst: boolean,
): Promise<Readonly<Record<string, Tensor>>> {
  const { parameters } = data.encoder.layout;
  if (isFirst) {
    const { gradient } = state.dense;
    const into = parameters.map(({ name, shape, offset, length }): [string, Tensor] => [
      `gradient.${name}`,
      f32(shape, gradient.subarray(offset, offset + length)),
    ]);
    const dense = new Map(into);
    return session.runInto(
      feeds,
      Object.fromEntries(into),
      session.outputNames.filter((name) => !dense.has(name)),
    );
  }
  const results = await session.run(feeds);
  for (const { name, offset } of parameters)
    addInto(state.dense.gradient, offset, floatsOf(results[`gradient.${name}`], name));
  return results;
}

function addInto(target: Float32Array, offset: number, source: Float32Array): void {
  for (let i = 0; i < source.length; i++) target[offset + i] = (target[offset + i] ?? 0) + (source[i] ?? 0);
}

/** Clips by the norm of all gradients, which must be finite, updates the dense weights and the touched rows, and clears the
 *  gradient of those rows: that of all others is 0. */
function applyStep(trainer: Trainer, touched: Uint32Array, step: number, loss: number): void {
  const { state } = trainer;
  const { spec, encoder } = trainer.data;
  const { weightDecay, gradientClip } = spec;
  const { layout } = encoder;
  const { width } = encoder.table;
  const starts = touched.map((row) => row * width);
  const squares = state.dense.gradientSquares(0, layout.length) + gradientSquares(state.table, starts, width);
  checkGradient(state, layout, { step, loss, squares, starts, width });
  const learningRate = scheduledRate(step, trainer.steps, {
    peak: spec.learningRate,
    warmupRatio: spec.warmupRatio,
    decay: spec.decay,
  });
  const at: AdamStep = {
    step,
    learningRate,
    weightDecay,
    gradientScale: Math.min(1, gradientClip / Math.sqrt(squares)),
  };
  for (const { start, end, decayed, rateRatio } of encoder.rates)
    state.dense.update(start, end, {
      ...at,
      learningRate: learningRate * rateRatio,
      weightDecay: decayed ? weightDecay : 0,
    });
  const tableRate = learningRate * spec.tableLearningRateRatio * encoder.tableRateRatio;
  adamUpdate(state.table, starts, width, { ...at, weightDecay: 0, learningRate: tableRate });
  for (const start of starts) state.table.gradient.fill(0, start, start + width);
}

/** The weights that are evaluated and returned. */
function weightsOf({ dense, table }: TrainState): { readonly dense: Float32Array; readonly table: Float32Array } {
  return { dense: dense.weights, table: table.weights };
}

async function endEpoch(trainer: Trainer, epoch: number, perEpoch: number): Promise<void> {
  const { state, data, hooks } = trainer;
  const { holdout } = data.spec;
  let entry: EpochHistory = { epoch, step: state.step, trainLoss: state.epochLoss / perEpoch };
  if (holdout !== undefined && holdout.length > 0) {
    report(hooks, { phase: "evaluate", step: state.step, steps: trainer.steps, loss: entry.trainLoss, epoch });
    const { dense, table } = weightsOf(state);
    const found = await evaluateRows(trainer.evaluation, data, holdout, {
      feeds: weightFeeds(data.encoder, dense),
      table,
    });
    checkLoss(found.loss, "the held-out loss", state.step);
    entry = { ...entry, holdoutLoss: found.loss, holdoutAccuracy: found.accuracyRatio };
    if (trainer.data.spec.keepLast === true || found.loss < (state.best?.loss ?? Infinity)) {
      state.best = {
        epoch,
        loss: found.loss,
        dense: dense.slice(),
        table: table.slice(),
        probabilities: found.probabilities,
      };
    }
  }
  state.history.push(entry);
  state.epochLoss = 0;
}

function result(trainer: Trainer, stopped: EncoderTrainResult["stopped"]): EncoderTrainResult {
  const { state, data } = trainer;
  checkState(state);
  const { dense, table } = state.best ?? weightsOf(state);
  report(trainer.hooks, {
    phase: "done",
    step: state.step,
    steps: trainer.steps,
    loss: NaN,
    epoch: state.history.length,
  });
  return {
    weights: data.encoder.weightsOf(dense, table),
    history: state.history,
    bestEpoch: state.best?.epoch ?? state.history.length,
    stopped,
    formula: [...lossFormulas(data.spec.losses, data.spec.labelCount), ...data.encoder.innerFormulas],
    ...(state.best && { holdoutProbabilities: state.best.probabilities }),
  };
}
