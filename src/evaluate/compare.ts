/** @file Which of several predictors to take: the majority baseline, paired comparison on the same rows, and the choice by money
 *  of design section 3. Knows outcomes and prices per call; knows no model and no source of prices. */
import { InputError } from "../errors.js";
import { bootstrapMean, mcnemarExact, pairedDifference, type Estimate } from "../stats.js";

/** The most frequent label of the training rows (the lower index wins a tie); -1 without rows. */
export function majorityLabel(labels: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i] ?? -1, (counts.get(labels[i] ?? -1) ?? 0) + 1);
  let [best, most] = [-1, 0];
  for (const [label, count] of counts)
    if (count > most || (count === most && label < best)) [best, most] = [label, count];
  return best;
}

/** First minus second, on the same rows. */
export interface PairedComparison {
  readonly rows: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Difference of the ratios of right answers, Newcombe's paired 95 % interval. */
  readonly difference: Estimate;
  /** McNemar's exact two-sided test. */
  readonly pValue: number;
}

/** Compares two vectors of outcomes (1 right, 0 wrong) row by row. @throws InputError for unequal lengths. */
export function comparePaired(first: ArrayLike<number>, second: ArrayLike<number>): PairedComparison {
  if (first.length !== second.length) {
    throw new InputError(`paired comparison: expected the same rows, came ${first.length} and ${second.length}`);
  }
  const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (let row = 0; row < first.length; row++) {
    if (first[row]) counts[second[row] ? "both" : "onlyFirst"] += 1;
    else counts[second[row] ? "onlySecond" : "neither"] += 1;
  }
  const { onlyFirst, onlySecond } = counts;
  return {
    rows: first.length,
    onlyFirst,
    onlySecond,
    difference: pairedDifference(counts),
    pValue: mcnemarExact(onlyFirst, onlySecond),
  };
}

/** A trained rung on the out-of-fold rows that all candidates share. Candidates are given cheapest rung first. */
export interface CostCandidate {
  readonly name: string;
  /** 1 where its answer is the teacher's. */
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
    { seed: options.seed },
  );
  const agreement = comparePaired(challenger.correct, incumbent.correct);
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
