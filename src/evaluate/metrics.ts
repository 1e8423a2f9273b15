/** @file Quality of predictions on held-out rows: agreement, accuracy on gold, macro-F1, classes, confusions, slices.
 *  Every row counts once: the weight of a text in the traffic is reported beside (`trafficAgreement`), never mixed into an
 *  interval. Knows label indices and texts, no model. */
import { InputError, InvariantError } from "../errors.js";
import { clopperPearson, wilson, type Estimate } from "../stats.js";

/** One held-out row with its answer; label indices refer to `labels`, -1 stands for a label outside of them. */
export interface EvaluatedRow {
  readonly text: string;
  /** The teacher's answer. */
  readonly label: number;
  readonly predicted: number;
  readonly gold?: number;
  /** Occurrences in the traffic, 1 where absent. */
  readonly weight?: number;
}

export interface ClassQuality {
  readonly label: string;
  readonly support: number;
  readonly recall: Estimate;
  /** 0 where the class was never predicted. */
  readonly precision: number;
}

export type Script = "latin" | "japanese" | "other" | "mixed";

/** What the rows of a slice share: characters of the text or training rows of the label, without `to` from there up; the letters of
 *  the text. */
export type SliceOf =
  | { readonly kind: "length" | "frequency"; readonly from: number; readonly to?: number }
  | { readonly kind: "script"; readonly script: Script };

export type Slice = SliceOf & { readonly support: number; readonly agreement: Estimate };

/** Labels of a disagreement, null for one outside of the set. */
export interface Confusion {
  readonly teacher: string | null;
  readonly student: string | null;
  readonly count: number;
}

/** What `measureQuality` finds; estimates carry 95 % Clopper-Pearson intervals, slices and classes Wilson's. */
export interface Quality {
  readonly rows: number;
  readonly agreement: Estimate;
  /** Agreement with each text counted as often as it occurs; no interval. */
  readonly trafficAgreement: number;
  /** Present when gold labels exist. */
  readonly goldAccuracy?: Estimate;
  readonly teacherGoldAccuracy?: Estimate;
  /** Mean F1 over the labels that occur among the rows or the predictions. */
  readonly macroF1: number;
  /** Worst recall first. */
  readonly classes: readonly ClassQuality[];
  /** Worst upper bound first. */
  readonly slices: readonly Slice[];
  /** Most frequent first. */
  readonly confusions: readonly Confusion[];
}

export interface SliceContext {
  /** Training rows of each label, for slices by label frequency. */
  readonly trainCounts?: ArrayLike<number>;
}

const CONFUSION_LIMIT = 50;
/** Smaller slices say nothing. */
const LEAST_SLICE_ROWS = 5;
type Range = Extract<SliceOf, { readonly from: number }>;

const LENGTHS = rangesOf("length", [20, 50, 100, 200, 500, 2000]);
const FREQUENCIES = rangesOf("frequency", [9, 49, 199]);
const SCRIPTS: Readonly<Record<Script, SliceOf>> = {
  latin: { kind: "script", script: "latin" },
  japanese: { kind: "script", script: "japanese" },
  other: { kind: "script", script: "other" },
  mixed: { kind: "script", script: "mixed" },
};
const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u;
const LATIN = /\p{Script=Latin}/u;
const OTHER_LETTER = /[^\P{Letter}\p{Script=Latin}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}ー]/u;

/** The script of a text's letters: latin, japanese, other, mixed. */
export function scriptOf(text: string): Script {
  const [latin, japanese, other] = [LATIN.test(text), JAPANESE.test(text), OTHER_LETTER.test(text)];
  const kinds = Number(latin) + Number(japanese) + Number(other);
  if (kinds > 1) return "mixed";
  if (japanese) return "japanese";
  return latin ? "latin" : "other";
}

/** Ranges from 0 up to each of the ends, and one above them. */
function rangesOf(kind: Range["kind"], ends: readonly number[]): readonly Range[] {
  const froms = [0, ...ends.map((end) => end + 1)];
  return froms.map((from, i) => {
    const to = ends[i];
    return to === undefined ? { kind, from } : { kind, from, to };
  });
}

function rangeOf(ranges: readonly Range[], value: number): Range {
  const found = ranges.find(({ to }) => to === undefined || value <= to);
  if (found === undefined) throw new InvariantError("metrics: ranges without an open end");
  return found;
}

/** The range that a text's length falls into, in characters. */
export function lengthRangeOf(text: string): Range {
  return rangeOf(LENGTHS, Array.from(text.slice(0, 2 * 2000 + 2)).length);
}

function slicesOf(rows: readonly EvaluatedRow[], { trainCounts }: SliceContext): Slice[] {
  const counts = new Map(
    [...LENGTHS, ...Object.values(SCRIPTS), ...FREQUENCIES].map((cut) => [cut, { support: 0, agreeing: 0 }]),
  );
  for (const row of rows) {
    const found = [lengthRangeOf(row.text), SCRIPTS[scriptOf(row.text)]];
    if (trainCounts !== undefined) found.push(rangeOf(FREQUENCIES, trainCounts[row.label] ?? 0));
    for (const cut of found) {
      const count = counts.get(cut);
      if (count === undefined) continue;
      count.support += 1;
      count.agreeing += row.predicted === row.label ? 1 : 0;
    }
  }
  return [...counts]
    .filter(([, { support }]) => support >= LEAST_SLICE_ROWS)
    .map(([cut, { support, agreeing }]) => ({ ...cut, support, agreement: wilson(agreeing, support) }))
    .sort((a, b) => a.agreement.high - b.agreement.high || a.agreement.value - b.agreement.value);
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function confusionsOf(rows: readonly EvaluatedRow[], nameOf: (label: number) => string): Confusion[] {
  const counts = new Map<string, { teacher: string | null; student: string | null; count: number }>();
  const nameOrNull = (label: number): string | null => (label === -1 ? null : nameOf(label));
  for (const { label, predicted } of rows) {
    if (label === predicted) continue;
    const key = `${label}/${predicted}`;
    const confusion = counts.get(key) ?? { teacher: nameOrNull(label), student: nameOrNull(predicted), count: 0 };
    confusion.count += 1;
    counts.set(key, confusion);
  }
  return [...counts.values()]
    .sort(
      (a, b) =>
        b.count - a.count ||
        compareNames(a.teacher ?? "", b.teacher ?? "") ||
        compareNames(a.student ?? "", b.student ?? ""),
    )
    .slice(0, CONFUSION_LIMIT);
}

interface ClassCounts {
  readonly support: Float64Array;
  readonly predicted: Float64Array;
  readonly right: Float64Array;
}

function countClasses(rows: readonly EvaluatedRow[], labels: number): ClassCounts {
  const counts = {
    support: new Float64Array(labels),
    predicted: new Float64Array(labels),
    right: new Float64Array(labels),
  };
  for (const { label, predicted } of rows) {
    if (label >= 0) counts.support[label] = (counts.support[label] ?? 0) + 1;
    if (predicted >= 0) counts.predicted[predicted] = (counts.predicted[predicted] ?? 0) + 1;
    if (label >= 0 && label === predicted) counts.right[label] = (counts.right[label] ?? 0) + 1;
  }
  return counts;
}

function classesOf({ support, predicted, right }: ClassCounts, nameOf: (label: number) => string): ClassQuality[] {
  return Array.from(support, (rows, label) => ({
    label: nameOf(label),
    support: rows,
    recall: wilson(right[label] ?? 0, rows),
    precision: (right[label] ?? 0) / Math.max(1, predicted[label] ?? 0),
  }))
    .filter((quality) => quality.support > 0)
    .sort((a, b) => a.recall.value - b.recall.value || b.support - a.support || compareNames(a.label, b.label));
}

function macroF1Of({ support, predicted, right }: ClassCounts): number {
  let [sum, classes] = [0, 0];
  for (let label = 0; label < support.length; label++) {
    const total = (support[label] ?? 0) + (predicted[label] ?? 0);
    if (total === 0) continue;
    sum += (2 * (right[label] ?? 0)) / total;
    classes += 1;
  }
  return sum / Math.max(1, classes);
}

function goldOf(rows: readonly EvaluatedRow[]): Pick<Quality, "goldAccuracy" | "teacherGoldAccuracy"> {
  const known = rows.filter((row) => row.gold !== undefined);
  if (known.length === 0) return {};
  return {
    goldAccuracy: clopperPearson(known.filter((row) => row.predicted === row.gold).length, known.length),
    teacherGoldAccuracy: clopperPearson(known.filter((row) => row.label === row.gold).length, known.length),
  };
}

/** Quality of answers on held-out rows. @throws InputError when a label index has no name. */
export function measureQuality(
  rows: readonly EvaluatedRow[],
  labels: readonly string[],
  context: SliceContext = {},
): Quality {
  const nameOf = (label: number): string => labels[label] ?? unknownLabel(label, labels.length);
  const counts = countClasses(rows, labels.length);
  const agreeing = rows.filter((row) => row.predicted === row.label);
  const mass = (some: readonly EvaluatedRow[]): number => some.reduce((sum, row) => sum + (row.weight ?? 1), 0);
  return {
    rows: rows.length,
    agreement: clopperPearson(agreeing.length, rows.length),
    trafficAgreement: rows.length === 0 ? 0 : mass(agreeing) / mass(rows),
    ...goldOf(rows),
    macroF1: macroF1Of(counts),
    classes: classesOf(counts, nameOf),
    slices: slicesOf(rows, context),
    confusions: confusionsOf(rows, nameOf),
  };
}

function unknownLabel(label: number, labels: number): never {
  throw new InputError(`metrics: expected label indices from 0 to ${labels - 1}, came ${label}`);
}
