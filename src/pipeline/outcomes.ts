/** @file From rows of a dataset and a student's answers to the calls that evaluate/ knows: an input with several answers is right in the share of
 *  its calls, a recurring input's calls are groups of their own. */
import { LARGEST_CAP, shareByGroup, type CallOutcomes } from "../evaluate/calls.js";
import type { LogitRows } from "../evaluate/calibration.js";
import type { EvaluatedCall } from "../evaluate/metrics.js";
import type { Row } from "../dataset/types.js";
import type { Estimate } from "../stats.js";

/** In which share of a row's calls an answer is the teacher's. */
export function shareRight(row: Row, answer: number): number {
  if (answer < 0) return 0;
  if (row.answers === undefined) return Number(row.label === answer);
  const total = row.answers.reduce((sum, [, count]) => sum + count, 0);
  const right = row.answers.find(([label]) => label === answer)?.[1] ?? 0;
  return right / Math.max(1, total);
}

/** Whether the calls of a row and its answers are as many, so that each call has one answer. */
function hasOneAnswerACall({ answers, weight }: Row): boolean {
  return answers === undefined || answers.reduce((sum, [, count]) => sum + count, 0) === weight;
}

/** Logits of rows with what is right in them; calls beyond what a test counts of one group do not weigh more. */
export function logitRows(rows: readonly Row[], logits: Float32Array, classes: number): LogitRows {
  return {
    logits,
    classes,
    labels: rows.map(({ label }) => label),
    shareRight: (row, answer) => {
      const found = rows[row];
      return found === undefined ? 0 : shareRight(found, answer);
    },
    calls: rows.map(({ weight }) => Math.min(weight, LARGEST_CAP)),
  };
}

/** The calls of rows: of each its row, and its group. */
export interface Calls {
  readonly rows: Int32Array;
  readonly groups: Int32Array;
  /** Place of each call among those of its row. */
  readonly places: Int32Array;
  readonly shared: boolean;
}

export function callsOf(rows: readonly Row[]): Calls {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0);
  const calls = { rows: new Int32Array(total), groups: new Int32Array(total), places: new Int32Array(total) };
  let at = 0;
  for (const [r, row] of rows.entries()) {
    for (let place = 0; place < row.weight; place++, at++) {
      calls.rows[at] = r;
      // Groups of rows are numbered from 0; a recurring input's calls have numbers below.
      calls.groups[at] = row.recurring === true ? -1 - at : row.group;
      calls.places[at] = place;
    }
  }
  return { ...calls, shared: rows.some((row) => !hasOneAnswerACall(row)) };
}

/** Values of rows as values of their calls. */
export function perCall(calls: Calls, values: ArrayLike<number>): Float64Array {
  return Float64Array.from(calls.rows, (row) => values[row] ?? 0);
}

/** Shares of right calls as right and wrong calls: the first ones of a row are right. */
export function rightPerCall(calls: Calls, rows: readonly Row[], shares: ArrayLike<number>): Float64Array {
  return Float64Array.from(calls.rows, (r, at) => {
    const [row, share] = [rows[r], shares[r] ?? 0];
    if (row === undefined || share === 0 || share === 1 || !hasOneAnswerACall(row)) return share;
    return Number((calls.places[at] ?? 0) < Math.round(share * row.weight));
  });
}

/** Rows with their calls: on them shares of right answers are counted. */
export interface Asked {
  readonly rows: readonly Row[];
  readonly calls: Calls;
}

export function asked(rows: readonly Row[]): Asked {
  return { rows, calls: callsOf(rows) };
}

/** In which calls the answers to rows are right. */
export function rightOf({ rows, calls }: Asked, answers: ArrayLike<number>): Float64Array {
  return rightPerCall(
    calls,
    rows,
    rows.map((row, r) => shareRight(row, answers[r] ?? -1)),
  );
}

/** Agreement per call, its interval by group. */
export function agreementOf(given: Asked, answers: ArrayLike<number>): Estimate {
  return shareByGroup(rightOf(given, answers), given.calls.groups);
}

/** Calls as a gate takes them. */
export function callOutcomes(rows: readonly Row[], scores: ArrayLike<number>, shares: ArrayLike<number>): CallOutcomes {
  const calls = callsOf(rows);
  return {
    scores: perCall(calls, scores),
    right: rightPerCall(calls, rows, shares),
    groups: calls.groups,
    shared: calls.shared,
  };
}

/** Calls as the metrics take them, each with its answer, or with the share in which it is right where it got several. */
export function evaluatedCalls(
  rows: readonly Row[],
  predicted: ArrayLike<number>,
  seen: ReadonlySet<string> = new Set(),
): EvaluatedCall[] {
  const calls = callsOf(rows);
  const answers = rows.map((row) =>
    row.answers === undefined || !hasOneAnswerACall(row)
      ? []
      : row.answers.flatMap(([label, count]) => new Array<number>(count).fill(label)),
  );
  return Array.from(calls.rows, (r, at): EvaluatedCall => {
    const row = rows[r];
    return {
      text: row?.text ?? "",
      label: answers[r]?.[calls.places[at] ?? 0] ?? row?.label ?? -1,
      predicted: predicted[r] ?? -1,
      group: calls.groups[at] ?? 0,
      ...(row?.gold === undefined ? {} : { gold: row.gold }),
      ...(row === undefined || hasOneAnswerACall(row) ? {} : { right: shareRight(row, predicted[r] ?? -1) }),
      ...(row?.answers === undefined ? {} : { mostFrequent: row.label }),
      ...(seen.has(row?.text ?? "") ? { seen: true } : {}),
    };
  });
}
