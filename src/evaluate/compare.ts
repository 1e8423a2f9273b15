/** @file Which of several predictors to take: the majority baseline, paired comparison on the same rows, and the choice by money
 *  of design section 3. Knows outcomes and prices per call; knows no model and no source of prices. */
import { InputError } from "../errors.js";
import {
  bootstrapMean,
  designEffect,
  mcnemarExact,
  pairedDifference,
  signFlipPValue,
  type Estimate,
} from "../stats.js";
import { isBinary } from "./calls.js";

/** The most frequent label of the training rows (the lower index wins a tie); -1 without rows. */
export function majorityLabel(labels: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i] ?? -1, (counts.get(labels[i] ?? -1) ?? 0) + 1);
  let [best, most] = [-1, 0];
  for (const [label, count] of counts)
    if (count > most || (count === most && label < best)) [best, most] = [label, count];
  return best;
}

/** First minus second, on the same calls (or rows). */
export interface PairedComparison {
  readonly rows: number;
  /** Independent groups; as many as rows where all are single. */
  readonly groups: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Difference of the ratios of right answers, Newcombe's paired 95 % interval, of the effective number of rows where they come in groups. */
  readonly difference: Estimate;
  /** McNemar's exact two-sided test; where rows come in groups or outcomes are shares, a test that flips the signs of whole groups. */
  readonly pValue: number;
}

const FLIP_SEED = 1;

/** Compares two vectors of outcomes (1 right, 0 wrong, between them a share) row by row. @throws InputError for unequal lengths. */
export function comparePaired(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  groups: ArrayLike<number> = Array.from({ length: first.length }, (_, row) => row),
): PairedComparison {
  if (first.length !== second.length || groups.length !== first.length) {
    throw new InputError(
      `paired comparison: expected the same rows, came ${first.length}, ${second.length} and groups of ${groups.length}`,
    );
  }
  const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (let row = 0; row < first.length; row++) {
    const [a, b] = [first[row] ?? 0, second[row] ?? 0];
    const both = Math.min(a, b);
    counts.both += both;
    counts.onlyFirst += a - both;
    counts.onlySecond += b - both;
    counts.neither += 1 - Math.max(a, b);
  }
  const { onlyFirst, onlySecond } = counts;
  const size = new Set(Array.from(groups)).size;
  const differences = Float64Array.from({ length: first.length }, (_, row) => (first[row] ?? 0) - (second[row] ?? 0));
  const isSimple = size === first.length && isBinary(first) && isBinary(second);
  const effect = isSimple ? 1 : designEffect(differences, groups);
  return {
    rows: first.length,
    groups: size,
    onlyFirst,
    onlySecond,
    difference: pairedDifference({
      both: counts.both / effect,
      onlyFirst: onlyFirst / effect,
      onlySecond: onlySecond / effect,
      neither: counts.neither / effect,
    }),
    pValue: isSimple ? mcnemarExact(onlyFirst, onlySecond) : signFlipPValue(differences, groups, FLIP_SEED),
  };
}

/** A trained rung on the out-of-fold calls that all candidates share. Candidates are given cheapest rung first. */
export interface CostCandidate {
  readonly name: string;
  /** 1 where its answer is the teacher's in that call. */
  readonly correct: ArrayLike<number>;
  /** 1 where its gate would keep the answer; all 1 for a rung that meets the target alone. */
  readonly kept: ArrayLike<number>;
  /** Whether it meets every constraint (quality alone or behind its gate, latency, size, memory). */
  readonly feasible: boolean;
  /** Cost of 1,000 of its own answers. */
  readonly studentPer1k: number;
}

/** Prices per 1,000 calls; without the teacher's price a deferral counts 1 and an answer of the student 0. */
export interface CostOptions {
  readonly teacherPer1kUsd?: number;
  readonly seed: number;
  /** Group of each call; every call is one when absent. */
  readonly groups?: ArrayLike<number>;
}

export interface CostComparison {
  readonly challenger: string;
  readonly incumbent: string;
  /** Incumbent's cost minus challenger's per 1,000 calls, paired bootstrap interval. */
  readonly saving: Estimate;
  readonly agreement: PairedComparison;
  readonly decidedBy: "lower-cost" | "higher-agreement" | "cheaper-rung";
}

export interface CostChoice {
  /** Name of the chosen candidate, null when none is feasible. */
  readonly chosen: string | null;
  /** Expected cost of 1,000 calls of each candidate, USD (deferrals per call times 1,000 where the price is unknown). */
  readonly costPer1k: Readonly<Record<string, number>>;
  readonly comparisons: readonly CostComparison[];
}

/** Cost of each row times 1,000: the student always answers first, the teacher answers what is deferred. */
function costsOf(candidate: CostCandidate, { teacherPer1kUsd }: CostOptions): Float64Array {
  const student = teacherPer1kUsd === undefined ? 0 : candidate.studentPer1k;
  const teacher = teacherPer1kUsd ?? 1000;
  return Float64Array.from(
    { length: candidate.kept.length },
    (_, row) => student + (candidate.kept[row] ? 0 : teacher),
  );
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function challenge(challenger: CostCandidate, incumbent: CostCandidate, options: CostOptions): CostComparison {
  const [dearer, current] = [costsOf(challenger, options), costsOf(incumbent, options)];
  if (dearer.length !== current.length) {
    throw new InputError(`choice by cost: ${challenger.name} and ${incumbent.name} have other rows, expected the same`);
  }
  const saving = bootstrapMean(
    current.map((cost, row) => cost - (dearer[row] ?? 0)),
    { seed: options.seed, ...(options.groups === undefined ? {} : { groups: options.groups }) },
  );
  const agreement = comparePaired(challenger.correct, incumbent.correct, options.groups);
  const tied = saving.low <= 0 && saving.high >= 0;
  const decidedBy =
    saving.low > 0 ? "lower-cost" : tied && agreement.difference.low > 0 ? "higher-agreement" : "cheaper-rung";
  return { challenger: challenger.name, incumbent: incumbent.name, saving, agreement, decidedBy };
}

/** Chooses by money among the feasible candidates, cheapest rung first: a dearer rung replaces the incumbent only when it lowers
 *  the cost with a paired interval above zero, or ties on cost and agrees significantly more. */
export function chooseByCost(candidates: readonly CostCandidate[], options: CostOptions): CostChoice {
  const comparisons: CostComparison[] = [];
  let incumbent: CostCandidate | null = null;
  for (const candidate of candidates.filter((each) => each.feasible)) {
    if (incumbent !== null) {
      const comparison = challenge(candidate, incumbent, options);
      comparisons.push(comparison);
      if (comparison.decidedBy === "cheaper-rung") continue;
    }
    incumbent = candidate;
  }
  const costPer1k = Object.fromEntries(
    candidates.map((candidate) => [candidate.name, meanOf(costsOf(candidate, options))]),
  );
  return { chosen: incumbent?.name ?? null, costPer1k, comparisons };
}
