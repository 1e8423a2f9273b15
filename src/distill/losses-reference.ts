/** @file The losses once more, in float64 and written as loops over one row at a time: the second formulation that the
 *  self-check and the tests hold the graph against. Shares no code with losses.ts. */
import type { LossSpec } from "./losses.js";

export interface ReferenceRow {
  /** Logits of this row, [C]; `twin` is its second view. */
  readonly logits: ArrayLike<number>;
  readonly twin?: ArrayLike<number>;
  readonly label: number;
  readonly weight: number;
  /** Teacher probabilities as the log gives them, [C + 1]. */
  readonly soft?: ArrayLike<number>;
}

function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function temper(probabilities: readonly number[], temperature: number): number[] {
  return softmax(probabilities.map((p) => (p > 0 ? Math.log(p) / temperature : -Infinity)));
}

function klDivergence(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, pk, k) => (pk > 0 ? sum + pk * Math.log(pk / (q[k] ?? 0)) : sum), 0);
}

/** Named labels and one tail: teacher and student categories of the same length. */
function buckets(soft: readonly number[], student: readonly number[]): { readonly p: number[]; readonly q: number[] } {
  const named = student.map((_, c) => c).filter((c) => (soft[c] ?? 0) > 0);
  const p = named.map((c) => soft[c] ?? 0);
  const q = named.map((c) => student[c] ?? 0);
  if (named.length === student.length) return { p, q };
  return { p: [...p, soft[student.length] ?? 0], q: [...q, Math.max(0, 1 - q.reduce((sum, x) => sum + x, 0))] };
}

/** Mean over both views, where there are two. */
function rowLoss(spec: LossSpec, row: ReferenceRow): number {
  if (spec.kind === "r-drop" || row.twin === undefined) return viewLoss(spec, row);
  return (viewLoss(spec, row) + viewLoss(spec, { ...row, logits: row.twin })) / 2;
}

function viewLoss(spec: LossSpec, row: ReferenceRow): number {
  const student = softmax(Array.from(row.logits));
  if (spec.kind === "cross-entropy") {
    const target = (c: number): number =>
      spec.labelSmoothing / student.length + (c === row.label ? 1 - spec.labelSmoothing : 0);
    return student.reduce((sum, q, c) => sum - target(c) * Math.log(q), 0);
  }
  if (spec.kind === "r-drop") {
    const twin = softmax(Array.from(row.twin ?? row.logits));
    return (klDivergence(student, twin) + klDivergence(twin, student)) / 2;
  }
  const { p, q } = buckets(Array.from(row.soft ?? []), student);
  return spec.temperature ** 2 * klDivergence(temper(p, spec.temperature), temper(q, spec.temperature));
}

/** The objective of an optimiser step made of these rows. */
export function referenceLoss(specs: readonly LossSpec[], rows: readonly ReferenceRow[]): number {
  let sum = 0;
  for (const spec of specs) {
    const used = rows.filter((row) => spec.kind !== "forward-kl" || Array.from(row.soft ?? []).some((p) => p > 0));
    const weight = used.reduce((total, row) => total + row.weight, 0);
    if (weight > 0)
      sum += (spec.weight * used.reduce((total, row) => total + row.weight * rowLoss(spec, row), 0)) / weight;
  }
  return sum;
}
