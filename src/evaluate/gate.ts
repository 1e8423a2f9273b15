/** @file The gate: the loosest score threshold of which it is proved that P(risk of the kept answers > epsilon) <= delta.
 *  Learn-then-Test (Angelopoulos et al. 2021) with exact binomial p-values. Candidates and their order come from out-of-fold
 *  scores alone; sealed rows only test. The levels are shared among several starts and handed from each candidate that passes to
 *  the next looser one (the fallback procedure, Wiens and Dmitrienko 2005), which keeps the family-wise error within delta. */
import { InputError } from "../errors.js";
import { binomialCdf, clopperPearson, type Estimate } from "../stats.js";

/** One start of the walk: where, and which share of delta it holds. */
export interface GateStart {
  /** 0 is the safest predicted coverage, 1 the loosest predicted to keep the risk, -1 coverage zero; between them linear. */
  readonly position: number;
  readonly deltaRatio: number;
}

/** Scores in (0, 1), a higher one meaning more trust; correct: 1 where the kept answer would be right. */
export interface GateInput {
  readonly oofScores: ArrayLike<number>;
  readonly oofCorrect: ArrayLike<number>;
  readonly sealedScores: ArrayLike<number>;
  readonly sealedCorrect: ArrayLike<number>;
  /** Largest risk of a kept answer, a ratio. */
  readonly epsilon?: number;
  /** Largest probability that the promise fails. */
  readonly delta?: number;
  readonly starts?: readonly GateStart[];
}

export interface GateResult {
  /** Keep where score >= threshold (0 keeps all); null when no threshold can keep the promise. */
  readonly threshold: number | null;
  readonly epsilon: number;
  readonly delta: number;
  readonly sealedRows: number;
  /** Sealed rows kept, and the wrong ones among them. */
  readonly kept: number;
  readonly errors: number;
  /** Binomial p-value of the threshold, null without one. */
  readonly pValue: number | null;
  readonly coverage: Estimate;
  readonly keptAgreement: Estimate;
  /** Coverage of the loosest threshold whose observed risk on the same rows is at most epsilon: without any guarantee. */
  readonly unguaranteedCoverage: number;
  /** What even a perfect score must defer: (mu - epsilon) / (1 - epsilon), mu the risk of keeping all. */
  readonly minimumDeferralRatio: number;
  /** Sealed rows from loosest to strictest: [coverage, risk], at most 200 points. */
  readonly curve: readonly (readonly [number, number])[];
}

export const DEFAULT_EPSILON = 0.02;
export const DEFAULT_DELTA = 0.05;
/** Most of delta on the safest prediction, the rest for a prediction that was too bright or too dark (bench/gate.ts). */
export const DEFAULT_STARTS: readonly GateStart[] = [
  { position: -0.4, deltaRatio: 0.15 },
  { position: 0, deltaRatio: 0.7 },
  { position: 0.6, deltaRatio: 0.15 },
];
/** Candidates: one per per cent of out-of-fold coverage. Finer grids end walks early, coarser ones waste coverage. */
const GRID_STEPS = 100;
const CURVE_POINTS = 200;

/** Rows ordered by falling score with running counts of errors: errors[i] among the i best. */
interface Ranked {
  readonly scores: Float64Array;
  readonly errors: Uint32Array;
}

function rank(scores: ArrayLike<number>, correct: ArrayLike<number>): Ranked {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b,
  );
  const errors = new Uint32Array(order.length + 1);
  for (const [i, row] of order.entries()) errors[i + 1] = (errors[i] ?? 0) + (correct[row] ? 0 : 1);
  return { scores: Float64Array.from(order, (row) => scores[row] ?? 0), errors };
}

/** How many of the ranked rows have a score of at least `threshold`. */
function countKept({ scores }: Ranked, threshold: number): number {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((scores[middle] ?? 0) >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Candidate {
  readonly threshold: number;
  /** Out-of-fold share kept and risk; the p-value predicted for as many sealed rows. */
  readonly coverage: number;
  readonly risk: number;
  readonly predictedP: number;
}

/** The candidates, strictest first, thresholds strictly falling, the last one keeping all. */
function candidatesOf(oof: Ranked, sealedRows: number, epsilon: number): Candidate[] {
  const rows = oof.scores.length;
  const candidates: Candidate[] = [];
  for (let step = 1; step <= GRID_STEPS; step++) {
    const threshold =
      step === GRID_STEPS ? 0 : (oof.scores[Math.max(0, Math.round((rows * step) / GRID_STEPS) - 1)] ?? 0);
    if (threshold >= (candidates.at(-1)?.threshold ?? Infinity)) continue;
    const kept = countKept(oof, threshold);
    const coverage = kept / rows;
    const risk = ((oof.errors[kept] ?? 0) + 0.5) / (kept + 1);
    const sealedKept = Math.round(coverage * sealedRows);
    candidates.push({
      threshold,
      coverage,
      risk,
      predictedP: binomialCdf(Math.round(risk * sealedKept), sealedKept, epsilon),
    });
  }
  return candidates;
}

/** The share of delta that each candidate holds at first. */
function initialLevels(candidates: readonly Candidate[], starts: readonly GateStart[], epsilon: number): Float64Array {
  const levels = new Float64Array(candidates.length);
  const safest = candidates.reduce((best, candidate) => (candidate.predictedP < best.predictedP ? candidate : best));
  const loosest = candidates.findLast((candidate) => candidate.risk <= epsilon) ?? safest;
  const reach = Math.max(0, loosest.coverage - safest.coverage);
  for (const { position, deltaRatio } of starts) {
    const wanted = safest.coverage + position * (position < 0 ? safest.coverage : reach);
    let nearest = 0;
    for (const [i, candidate] of candidates.entries()) {
      const gap = Math.abs(candidate.coverage - wanted);
      if (gap < Math.abs((candidates[nearest]?.coverage ?? 0) - wanted)) nearest = i;
    }
    levels[nearest] = (levels[nearest] ?? 0) + deltaRatio;
  }
  return levels;
}

interface Passed {
  readonly threshold: number;
  readonly kept: number;
  readonly errors: number;
  readonly pValue: number;
}

/** Walks from strict to loose; a candidate that passes hands its level on. Returns the loosest that passed. */
function walk(
  candidates: readonly Candidate[],
  shares: Float64Array,
  sealed: Ranked,
  epsilon: number,
  delta: number,
): Passed | null {
  let level = 0;
  let best: Passed | null = null;
  for (const [i, { threshold }] of candidates.entries()) {
    level += (shares[i] ?? 0) * delta;
    if (level <= 0) continue;
    const kept = countKept(sealed, threshold);
    const errors = sealed.errors[kept] ?? 0;
    const pValue = kept === 0 ? 1 : binomialCdf(errors, kept, epsilon);
    if (pValue <= level) best = { threshold, kept, errors, pValue };
    else level = 0;
  }
  return best;
}

/** The most rows that a threshold can keep while the observed risk is at most epsilon; rows of equal score stay together. */
function unguaranteedKept({ scores, errors }: Ranked, epsilon: number): number {
  for (let kept = scores.length; kept > 0; kept--) {
    if (kept < scores.length && scores[kept] === scores[kept - 1]) continue;
    if ((errors[kept] ?? 0) <= epsilon * kept) return kept;
  }
  return 0;
}

function curveOf({ scores, errors }: Ranked): [number, number][] {
  const rows = scores.length;
  const points = Math.min(CURVE_POINTS, rows);
  return Array.from({ length: points }, (_, i) => {
    const kept = Math.round((rows * (points - i)) / points);
    return [kept / rows, (errors[kept] ?? 0) / kept];
  });
}

function assertGateInput(input: GateInput, shares: readonly GateStart[]): void {
  const { oofScores, oofCorrect, sealedScores, sealedCorrect } = input;
  if (
    oofScores.length !== oofCorrect.length ||
    sealedScores.length !== sealedCorrect.length ||
    oofScores.length === 0
  ) {
    const came = `${oofScores.length}/${oofCorrect.length} and ${sealedScores.length}/${sealedCorrect.length}`;
    throw new InputError(`gate: expected as many scores as outcomes and some out-of-fold rows, came ${came}`);
  }
  const total = shares.reduce((sum, start) => sum + start.deltaRatio, 0);
  if (total > 1 + 1e-9) throw new InputError(`gate: the starts hold ${total} of delta, expected at most 1`);
}

/** The loosest threshold with the guarantee, and what belongs to it. Deterministic. @throws InputError for unequal lengths. */
export function chooseThreshold(input: GateInput): GateResult {
  const { epsilon = DEFAULT_EPSILON, delta = DEFAULT_DELTA, starts = DEFAULT_STARTS } = input;
  assertGateInput(input, starts);
  const sealed = rank(input.sealedScores, input.sealedCorrect);
  const sealedRows = sealed.scores.length;
  const candidates = candidatesOf(rank(input.oofScores, input.oofCorrect), sealedRows, epsilon);
  const passed = walk(candidates, initialLevels(candidates, starts, epsilon), sealed, epsilon, delta);
  const [kept, errors] = [passed?.kept ?? 0, passed?.errors ?? 0];
  const risk = sealedRows === 0 ? 1 : (sealed.errors[sealedRows] ?? 0) / sealedRows;
  return {
    threshold: passed?.threshold ?? null,
    epsilon,
    delta,
    sealedRows,
    kept,
    errors,
    pValue: passed?.pValue ?? null,
    coverage: passed === null ? { value: 0, low: 0, high: 0 } : clopperPearson(kept, sealedRows),
    keptAgreement: clopperPearson(kept - errors, kept),
    unguaranteedCoverage: sealedRows === 0 ? 0 : unguaranteedKept(sealed, epsilon) / sealedRows,
    minimumDeferralRatio: Math.max(0, (risk - epsilon) / (1 - epsilon)),
    curve: curveOf(sealed),
  };
}
