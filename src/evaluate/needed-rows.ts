/** @file How many sealed rows the gate would need: the gate itself is tried on ever larger samples that look like the out-of-fold rows,
 *  so that whatever it asks (shared levels, grid, exact tests) is asked here too. An outlook, no promise: the next rows may differ. */
import { chooseThreshold } from "./gate.js";

export interface NeededRows {
  readonly sealedRows: number;
  /** Share that the gate would keep, and the agreement of what it keeps. */
  readonly coverage: number;
  readonly keptAgreement: number;
}

export interface NeededRowsInput {
  /** Out-of-fold scores, and 1 where the answer was the teacher's. */
  readonly scores: ArrayLike<number>;
  readonly correct: ArrayLike<number>;
  readonly epsilon: number;
  readonly delta: number;
  /** More rows than this are not asked for. */
  readonly mostRows: number;
}

/** From one trial to the next; then every number between the last failure and the first success. */
const GROWTH = 1.04;

/** The least number of sealed rows with which the gate would keep something; absent where `mostRows` do not suffice. */
export function neededSealedRows(input: NeededRowsInput): NeededRows | undefined {
  const { scores, correct, epsilon, delta, mostRows } = input;
  if (scores.length === 0 || !(epsilon > 0) || epsilon >= 1) return undefined;
  const order = Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b,
  );
  const attempt = (rows: number): NeededRows | undefined => {
    const drawn = Array.from({ length: rows }, (_, i) => order[Math.floor(((i + 0.5) * order.length) / rows)] ?? 0);
    const sealedScores = drawn.map((row) => scores[row] ?? 0);
    const sealedCorrect = drawn.map((row) => correct[row] ?? 0);
    const gate = chooseThreshold({
      oofScores: scores,
      oofCorrect: correct,
      sealedScores,
      sealedCorrect,
      epsilon,
      delta,
    });
    if (gate.threshold === null || gate.kept === 0) return undefined;
    return { sealedRows: rows, coverage: gate.coverage.value, keptAgreement: gate.keptAgreement.value };
  };
  let failed = Math.max(0, Math.ceil(Math.log(delta) / Math.log1p(-epsilon)) - 1);
  while (failed < mostRows) {
    const rows = Math.min(mostRows, Math.max(failed + 1, Math.ceil(failed * GROWTH)));
    if (attempt(rows) !== undefined) {
      for (let fewer = failed + 1; fewer <= rows; fewer++) {
        const found = attempt(fewer);
        if (found !== undefined) return found;
      }
    }
    failed = rows;
  }
  return undefined;
}
