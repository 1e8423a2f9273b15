/** @file The tensors of one gradient computation: labels, each row's share of the optimiser step, soft labels, dropout
 *  masks. A pure function of (spec, rows, step). Knows no session. */
import { f32, i64, type Tensor } from "../tensor/tensor.js";
import { fillDropoutMask, tokenKeepMask } from "./dropout.js";
import { needsSoftLabels, needsTwoViews, softTargets } from "./losses.js";
import type { TrainSettings } from "./spec.js";
import type { Front, TrainedEncoder } from "./trained-encoder.js";
import { type TrainingGraph, viewCopies } from "./training-graph.js";

/** Everything that is prepared once per training. */
export interface PreparedData {
  readonly spec: TrainSettings;
  readonly encoder: TrainedEncoder;
  /** Rows that are trained on. */
  readonly trainRows: Uint32Array;
}

/** Sums over the optimiser step that the shares divide by. */
export interface StepTotals {
  readonly weight: number;
  readonly softWeight: number;
  /** Each token weighs what its row does. */
  readonly tokenWeight: number;
}

/** Whether the log gives soft labels for a row. */
function hasSoftLabels(spec: TrainSettings, row: number): boolean {
  const width = spec.labelCount + 1;
  return spec.softLabels?.subarray(row * width, (row + 1) * width).some((p) => p > 0) ?? false;
}

/** Total weights of the rows of one optimiser step. */
export function stepTotals({ spec, encoder }: PreparedData, rows: Uint32Array): StepTotals {
  let [weight, softWeight, tokenWeight] = [0, 0, 0];
  const soft = needsSoftLabels(spec.losses);
  for (const row of rows) {
    const own = spec.weights[row] ?? 0;
    weight += own;
    if (soft && hasSoftLabels(spec, row)) softWeight += own;
    tokenWeight += own * (encoder.sequences[row]?.length ?? 0);
  }
  return { weight, softWeight, tokenWeight };
}

export interface MicroBatch {
  readonly front: Front;
  /** Every feed but those of the front and the weights. */
  readonly feeds: Readonly<Record<string, Tensor>>;
}

export interface MicroBatchAt {
  /** 1-based optimiser step and the place inside it: they choose the dropout masks. */
  readonly step: number;
  readonly micro: number;
  readonly totals: StepTotals;
  /** false feeds masks of ones. */
  readonly dropout: boolean;
}

/** Plans and feeds of some rows of a step, every view of each; see `buildTrainingGraph`. */
export function microBatch(
  data: PreparedData,
  graph: Pick<TrainingGraph, "sites">,
  rows: Uint32Array,
  at: MicroBatchAt,
): MicroBatch {
  const { spec, encoder } = data;
  const copies = viewCopies(encoder, spec.losses);
  const views = copies * encoder.towers;
  let tokens = 0;
  for (const row of rows) tokens += (encoder.sequences[row]?.length ?? 0) * copies;
  const drops = at.dropout && spec.tokenDropout > 0;
  const keep = drops ? tokenKeepMask(tokens, spec.tokenDropout, spec.seed, at.step * 4096 + at.micro) : undefined;
  const front = encoder.front(rows, { copies, ...(keep && { keep }) });
  const viewed = Uint32Array.from({ length: views * rows.length }, (_, v) => rows[v % rows.length] ?? 0);
  const feeds: Record<string, Tensor> = {
    mask: f32([front.rows, front.columns], front.mask),
    labels: i64(
      [viewed.length],
      Int32Array.from(viewed, (row) => spec.labels[row] ?? 0),
    ),
    rowShares: f32(
      [viewed.length],
      shares(viewed, (row) => spec.weights[row] ?? 0, at.totals.weight * views),
    ),
    ...(needsTwoViews(spec.losses) && {
      pairShares: f32(
        [rows.length],
        shares(rows, (row) => spec.weights[row] ?? 0, at.totals.weight),
      ),
    }),
    ...softFeeds(spec, viewed, at.totals.softWeight * views),
    ...(encoder.innerFormulas.length > 0 && {
      tokenShares: tokenShares(front, (b) => (spec.weights[rows[b % rows.length] ?? 0] ?? 0) / copies, at.totals),
    }),
  };
  for (const { name, shape } of graph.sites) {
    const sizesOfSite = [front.rows, ...shape.map((size) => (size === "T" ? front.columns : size))];
    const mask = new Float32Array(sizesOfSite.reduce((product, size) => product * size, 1));
    fillDropoutMask(mask, at.dropout ? spec.dropout : 0, spec.seed, at.step, `${at.micro}/${name}`);
    feeds[name] = f32(sizesOfSite, mask);
  }
  return { front, feeds };
}

function shares(rows: Uint32Array, weightOf: (row: number) => number, total: number): Float32Array {
  return Float32Array.from(rows, (row) => (total > 0 ? weightOf(row) / total : 0));
}

/** Each token's share of the optimiser step, [rows, columns], padding 0. */
function tokenShares({ rows, columns, mask }: Front, weightOf: (b: number) => number, totals: StepTotals): Tensor {
  const share = (place: number): number => weightOf(Math.floor(place / columns)) / Math.max(totals.tokenWeight, 1e-30);
  return f32(
    [rows, columns],
    mask.map((kept, place) => kept * share(place)),
  );
}

function softFeeds(spec: TrainSettings, rows: Uint32Array, total: number): Record<string, Tensor> {
  const loss = spec.losses.find((candidate) => candidate.kind === "forward-kl" && candidate.weight !== 0);
  if (loss?.kind !== "forward-kl" || spec.softLabels === undefined) return {};
  const width = spec.labelCount + 1;
  const gathered = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries())
    gathered.set(spec.softLabels.subarray(row * width, (row + 1) * width), i * width);
  const { probabilities, known } = softTargets(gathered, spec.labelCount, loss.temperature);
  return {
    softTargets: f32([rows.length, width], probabilities),
    softKnown: f32([rows.length, spec.labelCount], known),
    softShares: f32(
      [rows.length],
      shares(rows, (row) => (hasSoftLabels(spec, row) ? (spec.weights[row] ?? 0) : 0), total),
    ),
  };
}
