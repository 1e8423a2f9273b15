/** @file Size, latency, training time, memory and money of a candidate before it exists, from sizes, the machine's profile and the
 *  table of costs. Pure arithmetic: the same input gives the same plan anywhere. */
import { studentPer1kUsd } from "../cost.js";
import { InvariantError } from "../errors.js";
import {
  encoderAccounting,
  KEPT_STATE_BYTES,
  type ModelAccounting,
  pretrainedAccounting,
  stateBytes,
} from "../models/accounting.js";
import { ENCODER_SIZES, tableWidth } from "../models/encoder.js";
import {
  controlEpochs,
  controlRates,
  type EncoderRecipe,
  linearControlRecipes,
  type LinearRecipe,
  type PretrainedRecipe,
  POOLING_TRIAL,
  type SelfTaught,
  type StudentKind,
} from "./candidates.js";
import {
  BUDGET_COSTS,
  EXPECTED_COVERAGE_RATIO,
  MEMORY_COSTS,
  SERVE_COSTS,
  SIZE_COSTS,
  TRAIN_COSTS,
} from "./costs-table.js";
import type { BaseFacts, PlanFacts } from "./facts.js";
import type { MachineProfile } from "./profile.js";

/** A student as the planner sees it: a linear part, an encoder, or both, or what is left of a pretrained encoder. */
export interface StudentParts {
  readonly linear?: LinearRecipe;
  readonly encoder?: EncoderRecipe;
  readonly pretrained?: PretrainedRecipe;
}

export interface CandidateEstimate {
  /** Sum of the files that `predict` opens. */
  readonly sizeBytes: number;
  /** One query, featurising included, median. */
  readonly latencyMs: number;
  readonly p95Ms: number;
  /** Out-of-fold fits and the final fit of all its parts. */
  readonly trainSeconds: number;
  readonly trainMemoryMb: number;
  readonly serveMemoryMb: number;
  /** Student first, expected deferrals at the teacher's price; absent when that price is unknown. */
  readonly costPer1kUsd?: number;
  readonly savedPer1kUsd?: number;
}

const buckets = (linear: LinearRecipe): number => linear.wordBuckets + linear.characterBuckets;

function baseOf({ base }: PlanFacts): BaseFacts {
  if (base === undefined) throw new InvariantError("plan: a pretrained candidate without a base");
  return base;
}

/** A pretrained encoder after its cut, its vocabulary trimmed. */
function cutAccounting({ layers, feedForward }: PretrainedRecipe, facts: PlanFacts): ModelAccounting {
  const { config, pooling, keptPieces, meanPieces } = baseOf(facts);
  const sizes = { layers: config.layers.slice(0, layers), feedForward, vocabularySize: keptPieces };
  return pretrainedAccounting({ ...config, ...sizes }, { labelCount: facts.labels, pooling }, meanPieces);
}

/** Which of the kinds these parts make. */
export function kindOf(parts: StudentParts): StudentKind {
  if (parts.pretrained !== undefined) return "pretrained";
  if (parts.linear === undefined) return "encoder";
  return parts.encoder === undefined ? "linear" : "joined";
}

/** Weights of a student. */
export function parametersOf(parts: StudentParts, facts: PlanFacts): number {
  const { labels } = facts;
  if (parts.pretrained !== undefined) return cutAccounting(parts.pretrained, facts).parameters;
  const linear = parts.linear === undefined ? 0 : buckets(parts.linear) * labels + labels;
  const encoder =
    parts.encoder === undefined ? 0 : encoderAccounting(ENCODER_SIZES[parts.encoder.size], labels).parameters;
  return linear + encoder;
}

/** Bytes of the int8 model folder. */
export function sizeBytesOf(parts: StudentParts, facts: PlanFacts): number {
  const { labels, labelBytes } = facts;
  let bytes = SIZE_COSTS.manifestBytes + labelBytes + labels * SIZE_COSTS.labelBytes;
  if (parts.pretrained !== undefined) {
    bytes += SIZE_COSTS.tokenizerBytes + baseOf(facts).keptPieces * SIZE_COSTS.pieceBytes;
    bytes += SIZE_COSTS.pretrainedBytes + parts.pretrained.layers * SIZE_COSTS.pretrainedLayerBytes;
    bytes += cutAccounting(parts.pretrained, facts).bytesInt8;
  }
  if (parts.linear !== undefined) {
    bytes += SIZE_COSTS.linearBytes + buckets(parts.linear) * (labels + SIZE_COSTS.bytesPerBucket) + 4 * labels;
  }
  if (parts.encoder !== undefined) {
    const config = ENCODER_SIZES[parts.encoder.size];
    const { bytesInt8 } = encoderAccounting(config, labels);
    bytes += SIZE_COSTS.encoderBytes + config.layers * SIZE_COSTS.layerBytes + bytesInt8;
  }
  return Math.round(bytes);
}

/** Median milliseconds of one query on one thread. */
export function latencyMsOf(parts: StudentParts, facts: PlanFacts, profile: MachineProfile): number {
  const { featureMs, tokenBucketMs, nodeHops, linearNodes, encoderNodes, layerNodes, joinNodes, gatherFlopsPerCell } =
    SERVE_COSTS;
  const productsMs = (flops: number): number =>
    flops / (profile.singleThreadGflops * 1e6 * SERVE_COSTS.encoderEfficiencyRatio);
  const gatherMs = (cells: number): number => (cells * gatherFlopsPerCell) / (profile.sparseMflops * 1e3);
  const nodesMs = (nodes: number): number => nodes * nodeHops * profile.hopMs;
  let ms = profile.hopMs + (kindOf(parts) === "joined" ? nodesMs(joinNodes) : 0);
  if (parts.linear !== undefined) {
    ms += facts.meanFeatures * featureMs + nodesMs(linearNodes) + gatherMs(facts.meanFeatures * facts.labels);
  }
  if (parts.encoder !== undefined) {
    const config = ENCODER_SIZES[parts.encoder.size];
    const entries = facts.meanTokens * TRAIN_COSTS.bucketsPerToken;
    const flops = facts.meanTokens * encoderAccounting(config, facts.labels, facts.meanTokens).flopsPerToken;
    ms +=
      entries * tokenBucketMs +
      gatherMs(entries * tableWidth(config)) +
      nodesMs(config.towers * (encoderNodes + config.layers * layerNodes));
    ms += productsMs(flops);
  }
  if (parts.pretrained !== undefined) {
    ms += nodesMs(SERVE_COSTS.pretrainedNodes + parts.pretrained.layers * layerNodes);
    ms += productsMs(baseOf(facts).meanPieces * cutAccounting(parts.pretrained, facts).flopsPerToken);
  }
  return ms;
}

/** Seconds of one linear fit on `rows` rows; fits of the folds run side by side, one per core, and slow each other down. */
export function linearFitSeconds(
  recipe: LinearRecipe,
  rows: number,
  facts: PlanFacts,
  profile: MachineProfile,
  alone: boolean,
): number {
  const { sparseFlopsPerCell, linearEfficiencyRatio, linearSecondsPer1kRows, linearOverheadSeconds } = TRAIN_COSTS;
  const flopsPerRow = recipe.epochs * facts.meanFeatures * facts.labels * sparseFlopsPerCell;
  const perRow = flopsPerRow / (profile.sparseMflops * 1e6 * linearEfficiencyRatio) + linearSecondsPer1kRows / 1000;
  const efficiency = alone || profile.cores === 1 ? 1 : TRAIN_COSTS.parallelEfficiencyRatio;
  return linearOverheadSeconds + (rows * perRow) / efficiency;
}

/** Seconds of the control of a taught linear student: a fit of each recipe without judging and choosing fold, then one without the judging fold. */
function linearControlSeconds(recipe: LinearRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const without = (folds: number): number => (facts.trainRows * Math.max(0, facts.folds - folds)) / facts.folds;
  const tried = linearControlRecipes(recipe, without(1));
  const longest = tried.at(-1) ?? recipe;
  return (
    laneSeconds(
      tried.map((one) => linearFitSeconds(one, without(2), facts, profile, false)),
      profile.cores,
    ) + linearFitSeconds(longest, without(1), facts, profile, true)
  );
}

/** Seconds of all fits of a linear part: those of the folds, then the final one. A taught one is judged by one fold; the time of its
 *  teacher's training is not counted, that of its answers is. */
export function linearSecondsOf(recipe: LinearRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const foldRows = (facts.trainRows * (facts.folds - 1)) / facts.folds;
  if (recipe.taughtBy !== undefined) {
    const { transferRows } = recipe.taughtBy;
    const fits = [foldRows, facts.trainRows].map((rows) =>
      linearFitSeconds(recipe, rows + transferRows, facts, profile, true),
    );
    const answers = answerSeconds(facts.trainRows + transferRows, facts, profile);
    return fits.reduce((sum, seconds) => sum + seconds, 0) + answers + linearControlSeconds(recipe, facts, profile);
  }
  const rounds = Math.ceil(facts.folds / profile.cores);
  const folds = rounds * linearFitSeconds(recipe, foldRows, facts, profile, false);
  return folds + linearFitSeconds(recipe, facts.trainRows, facts, profile, true);
}

/** Optimiser steps of one pass over `rows`. */
export function stepsOf(recipe: EncoderRecipe, rows: number): number {
  return recipe.epochs * Math.ceil(rows / recipe.batchSize);
}

/** Seconds of one encoder fit on `rows` rows, on one thread. */
export function encoderFitSeconds(
  recipe: EncoderRecipe,
  rows: number,
  facts: PlanFacts,
  profile: MachineProfile,
): number {
  const config = ENCODER_SIZES[recipe.size];
  const width = tableWidth(config);
  const { flopsPerToken } = encoderAccounting(config, facts.labels, facts.meanTokens);
  const tokens = recipe.epochs * rows * facts.meanTokens;
  const perToken =
    TRAIN_COSTS.backwardFactor * flopsPerToken + TRAIN_COSTS.elementwiseFlopsPerCell * config.layers * width;
  const denseFlops = tokens * TRAIN_COSTS.paddingFactor * perToken;
  const tableFlops = tokens * TRAIN_COSTS.bucketsPerToken * width * TRAIN_COSTS.tableFlopsPerCell;
  return (
    denseFlops / (profile.singleThreadGflops * 1e9 * TRAIN_COSTS.encoderEfficiencyRatio) +
    tableFlops / (profile.sparseMflops * 1e6) +
    stepsOf(recipe, rows) * TRAIN_COSTS.stepOverheadSeconds +
    TRAIN_COSTS.encoderOverheadSeconds
  );
}

/** Wall seconds of jobs in lanes: each lane takes the next job when it is free. */
export function laneSeconds(jobs: readonly number[], width: number): number {
  const lanes = new Array<number>(Math.max(1, width)).fill(0);
  for (const seconds of jobs) {
    const free = lanes.indexOf(Math.min(...lanes));
    lanes[free] = (lanes[free] ?? 0) + seconds;
  }
  return Math.max(...lanes);
}

/** Seconds of jobs that run side by side, one per core, in the order in which they begin: they share caches and slow each other down. */
function sideBySideSeconds(jobs: readonly number[], cores: number): number {
  return laneSeconds(jobs, cores) / (cores === 1 ? 1 : TRAIN_COSTS.parallelEfficiencyRatio);
}

/** Seconds of an encoder's fits: those of its local teacher, then the final one and its folds. */
export function encoderSecondsOf(recipe: EncoderRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const without = (folds: number): number => (facts.trainRows * (facts.folds - folds)) / facts.folds;
  const fit = (rows: number): number => encoderFitSeconds(recipe, rows, facts, profile);
  const folds = new Array<number>(Math.min(recipe.folds, facts.folds)).fill(fit(without(1)));
  const { localTeacher } = recipe;
  const teachers =
    localTeacher === undefined
      ? []
      : new Array<number>(facts.folds - 1).fill(
          fit(without(2)) + linearFitSeconds(localTeacher, without(2), facts, profile, true),
        );
  return sideBySideSeconds(teachers, profile.cores) + sideBySideSeconds([fit(without(0)), ...folds], profile.cores);
}

/** Seconds of one fit of a pretrained encoder or a cut on `rows` rows, on one thread. */
function pretrainedFitSeconds(
  { batchSize }: PretrainedRecipe,
  facts: PlanFacts,
  profile: MachineProfile,
): (epochs: number, flopsPerToken: number, rows: number) => number {
  const { meanPieces } = baseOf(facts);
  const { paddingFactor, pretrainedEfficiencyRatio, stepOverheadSeconds, encoderOverheadSeconds } = TRAIN_COSTS;
  const flopsPerSecond = profile.singleThreadGflops * 1e9 * pretrainedEfficiencyRatio;
  return (epochs, flopsPerToken, rows) =>
    (epochs * rows * meanPieces * paddingFactor * flopsPerToken) / flopsPerSecond +
    epochs * Math.ceil(rows / batchSize) * stepOverheadSeconds +
    encoderOverheadSeconds;
}

/** Seconds of the control of a cut: a fit at each rate without judging and choosing fold, then one without the judging fold. */
export function controlSecondsOf(recipe: PretrainedRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const { trainRows, folds } = facts;
  const fit = pretrainedFitSeconds(recipe, facts, profile);
  const flops = TRAIN_COSTS.backwardFactor * cutAccounting(recipe, facts).flopsPerToken;
  const without = (held: number): number => {
    const rows = (trainRows * Math.max(0, folds - held)) / folds;
    return fit(controlEpochs(recipe, rows), flops, rows);
  };
  return (
    sideBySideSeconds(
      controlRates(recipe).map(() => without(2)),
      profile.cores,
    ) + without(1)
  );
}

/** Seconds in which the fine-tuned bases of the fold and of the final fit answer so many texts. */
function answerSeconds(rows: number, facts: PlanFacts, profile: MachineProfile): number {
  const { config, pooling, meanPieces } = baseOf(facts);
  const whole = pretrainedAccounting(config, { labelCount: facts.labels, pooling }, meanPieces).flopsPerToken;
  const { paddingFactor, pretrainedEfficiencyRatio } = TRAIN_COSTS;
  const flops = 2 * rows * meanPieces * paddingFactor * whole;
  return flops / (profile.singleThreadGflops * 1e9 * pretrainedEfficiencyRatio);
}

/** Seconds of a short fit with each pooling. */
function poolingTrialSeconds(recipe: PretrainedRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const { config, pooling, meanPieces } = baseOf(facts);
  const { flopsPerToken } = pretrainedAccounting(config, { labelCount: facts.labels, pooling }, meanPieces);
  const { epochs, trainRows } = POOLING_TRIAL;
  const rows = Math.min(trainRows, facts.trainRows);
  const seconds = pretrainedFitSeconds(recipe, facts, profile)(
    epochs,
    TRAIN_COSTS.backwardFactor * flopsPerToken,
    rows,
  );
  return sideBySideSeconds([seconds, seconds], profile.cores);
}

type Recovery = NonNullable<PretrainedRecipe["recovery"]>;

/** Bytes of the teacher's hidden states that a recovery keeps; 0 where it asks the teacher in every epoch instead. */
function keptStateBytes({ layers, recovery }: PretrainedRecipe, facts: PlanFacts): number {
  const { config, meanPieces } = baseOf(facts);
  const { epochs = 0, transferRows = 0 } = recovery ?? {};
  const tokens = (facts.trainRows + transferRows) * meanPieces;
  const bytes = stateBytes({ tokens, width: config.width, layers });
  return epochs > 1 && bytes <= KEPT_STATE_BYTES ? bytes : 0;
}

/** Seconds of the fits of a pretrained encoder: those of the teacher, which all cuts share, and those of this cut. The teacher's label layer
 *  starts from a pass over the rows; a cut needs its answers, and its hidden states once or in every epoch. */
export function pretrainedSecondsOf(
  recipe: PretrainedRecipe,
  facts: PlanFacts,
  profile: MachineProfile,
): { readonly teacher: number; readonly recovery: number } {
  const { config, pooling, poolingIsKnown, meanPieces } = baseOf(facts);
  const fit = pretrainedFitSeconds(recipe, facts, profile);
  const both = (epochs: number, flopsPerToken: number, more = 0): number =>
    sideBySideSeconds(
      [facts.trainRows, (facts.trainRows * (facts.folds - 1)) / facts.folds].map((rows) =>
        fit(epochs, flopsPerToken, rows + more),
      ),
      profile.cores,
    );
  const whole = pretrainedAccounting(config, { labelCount: facts.labels, pooling }, meanPieces).flopsPerToken;
  const cut = cutAccounting(recipe, facts).flopsPerToken;
  const { teacher, recovery } = recipe;
  const { selfTaught } = teacher;
  const again = ({ epochs, transferRows }: SelfTaught): number =>
    both(epochs, TRAIN_COSTS.backwardFactor * whole + whole / epochs, transferRows);
  const taught = ({ epochs, transferRows = 0 }: Recovery): number => {
    const asked = 1 + (keptStateBytes(recipe, facts) > 0 ? 1 : epochs);
    return both(epochs, TRAIN_COSTS.backwardFactor * cut + (asked / epochs) * whole, transferRows);
  };
  return {
    teacher:
      (poolingIsKnown ? 0 : poolingTrialSeconds(recipe, facts, profile)) +
      both(teacher.epochs, TRAIN_COSTS.backwardFactor * whole + whole / teacher.epochs) +
      (selfTaught === undefined ? 0 : again(selfTaught)),
    recovery: recovery === undefined ? 0 : taught(recovery),
  };
}

/** Seconds of everything that a recipe needs: the teacher, the cuts above it, its own fits. */
function pathSecondsOf(recipe: PretrainedRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const { teacher, recovery } = pretrainedSecondsOf(recipe, facts, profile);
  const { from } = recipe;
  return recovery + (from === undefined ? teacher : pathSecondsOf(from.recipe, facts, profile));
}

/** Seconds that export and proof of one step of the path take, by its latency. */
export function proofSecondsOf(latencyMs: number): number {
  return (BUDGET_COSTS.proofQueries * latencyMs) / 1000;
}

function trainMemoryMbOf(parts: StudentParts, facts: PlanFacts, profile: MachineProfile): number {
  const { baseMb, linearBytesPerCell, encoderBytesPerParameter, activationsPerWidth, activationsPerFeedForward } =
    MEMORY_COSTS;
  let [linear, encoder] = [0, 0];
  const pretrained = parts.pretrained ?? parts.linear?.taughtBy?.pretrained;
  if (pretrained !== undefined) {
    const { config, pooling, meanPieces } = baseOf(facts);
    const { layers, width, feedForward } = config;
    const perToken = layers.length * (activationsPerWidth * width + activationsPerFeedForward * feedForward) * 4;
    const weights =
      pretrainedAccounting(config, { labelCount: facts.labels, pooling }).parameters * encoderBytesPerParameter;
    const states = keptStateBytes(pretrained, facts);
    encoder = Math.min(2, profile.cores) * (weights + states + pretrained.batchSize * meanPieces * perToken);
  }
  if (parts.linear !== undefined) {
    linear = buckets(parts.linear) * facts.labels * linearBytesPerCell * Math.min(profile.cores, facts.folds);
  }
  if (parts.encoder !== undefined) {
    const config = ENCODER_SIZES[parts.encoder.size];
    const { towers, layers, width, feedForward } = config;
    const tokens = parts.encoder.batchSize * facts.meanTokens * TRAIN_COSTS.paddingFactor;
    const perToken = towers * layers * (activationsPerWidth * width + activationsPerFeedForward * feedForward) * 4;
    encoder = encoderAccounting(config, facts.labels).parameters * encoderBytesPerParameter + tokens * perToken;
  }
  return baseMb + Math.max(linear, encoder) / 1e6;
}

/** All estimates of one student; `machineUsdPerHour` is an assumption that the caller states. */
export function estimateOf(
  parts: StudentParts,
  facts: PlanFacts,
  profile: MachineProfile,
  prices: { readonly teacherPer1kUsd?: number; readonly machineUsdPerHour?: number },
): CandidateEstimate {
  const sizeBytes = sizeBytesOf(parts, facts);
  const latencyMs = latencyMsOf(parts, facts, profile);
  const linearSeconds = parts.linear === undefined ? 0 : linearSecondsOf(parts.linear, facts, profile);
  const encoderSeconds = parts.encoder === undefined ? 0 : encoderSecondsOf(parts.encoder, facts, profile);
  const recipe = parts.pretrained ?? parts.linear?.taughtBy?.pretrained;
  const pretrainedSeconds = recipe === undefined ? 0 : pathSecondsOf(recipe, facts, profile);
  const estimate = {
    sizeBytes,
    latencyMs,
    p95Ms: latencyMs * SERVE_COSTS.p95Ratio,
    trainSeconds: linearSeconds + encoderSeconds + pretrainedSeconds,
    trainMemoryMb: trainMemoryMbOf(parts, facts, profile),
    serveMemoryMb: SERVE_COSTS.baseMemoryMb + (sizeBytes * SERVE_COSTS.memoryPerByte) / 1e6,
  };
  const teacher = prices.teacherPer1kUsd;
  if (teacher === undefined) return estimate;
  const student = studentPer1kUsd((1000 / latencyMs) * profile.cores, prices.machineUsdPerHour);
  const costPer1kUsd = student + (1 - EXPECTED_COVERAGE_RATIO[kindOf(parts)]) * teacher;
  return { ...estimate, costPer1kUsd, savedPer1kUsd: teacher - costPer1kUsd };
}
