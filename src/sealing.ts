/** @file How many rows are sealed of how many. Arithmetic alone; which rows they are is dataset/split.ts's. Design section 3. */

export const SEALED_RATIO = 0.15;
/** Least sealed rows: 0 wrong of 149 prove 98 % at 95 % confidence; where the gate shares that confidence among starts it asks for some more. */
const LEAST_SEALED = 160;
export const MOST_SEALED = 3_000;
/** Below this, sealing what the guarantee needs would leave too little to learn from. */
const LEAST_ROWS_TO_SEAL = 300;

/** How many of some rows (or independent groups of them) are sealed: a share, but at least what the guarantee needs; none of too few. */
export function wantedRows(rows: number, ratio = SEALED_RATIO): number {
  if (rows < LEAST_ROWS_TO_SEAL) return 0;
  return Math.min(MOST_SEALED, Math.max(LEAST_SEALED, Math.round(rows * ratio)));
}

/** Share of the rows that is sealed of some rows in some groups: enough groups for the guarantee where there are enough of them. */
export function sealedShare(rows: number, groups: number, ratio = SEALED_RATIO): number {
  const ofGroups = wantedRows(groups, ratio) / Math.max(1, groups);
  const ofRows = wantedRows(rows, ratio) / Math.max(1, rows);
  return Math.min(ofGroups > 0 ? ofGroups : ofRows, MOST_SEALED / Math.max(1, rows));
}

/** Least number of rows of which so many are sealed; absent where none are enough. */
export function rowsToSeal(sealed: number): number | undefined {
  if (sealed > MOST_SEALED) return undefined;
  return sealed <= LEAST_SEALED ? LEAST_ROWS_TO_SEAL : Math.ceil((sealed - 0.5) / SEALED_RATIO);
}

/** Least number of inputs of which so many independent groups are sealed, at some inputs a group (below one where an input's calls are groups of
 *  their own); absent where more rows than are ever sealed would have to be. */
export function inputsToSeal(groups: number, inputsPerGroup: number): number | undefined {
  const all = rowsToSeal(groups);
  return all === undefined || groups * inputsPerGroup > MOST_SEALED ? undefined : Math.ceil(all * inputsPerGroup);
}

/** Least number of independent sealed calls with which even a faultless gate could prove its promise: (1 - epsilon)^n <= delta. Infinite for
 *  an epsilon that no number proves. */
export function leastSealedCalls(epsilon: number, delta: number): number {
  if (!(epsilon > 0) || epsilon >= 1) return Number.POSITIVE_INFINITY;
  return Math.ceil(Math.log(delta) / Math.log1p(-epsilon));
}
