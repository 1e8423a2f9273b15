/** @file Quality of predictions on held-out calls: agreement, accuracy on gold, macro-F1, classes, confusions, slices.
 *  Every call counts once, with the answer that the teacher gave in that very call; intervals go by group. Knows label indices and texts,
 *  no model. */
import { InputError, InvariantError } from "../errors.js";
import type { Estimate } from "../stats.js";
import { shareByGroup } from "./calls.js";

/** One held-out call with its answer; label indices refer to `labels`, -1 stands for a label outside of them. */
export interface EvaluatedCall {
  readonly text: string;
  /** The teacher's answer in this call. */
  readonly label: number;
  readonly predicted: number;
  readonly gold?: number;
  /** Calls of one group are not independent. */
  readonly group: number;
  /** In which share of its answers the call is right, where it got several; `label` is then the most frequent. */
  readonly right?: number;
  /** The teacher's most frequent answer to this input. */
  readonly mostFrequent?: number;
  /** Whether the input stands in the rows that were learned from, too. */
  readonly seen?: boolean;
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
  | { readonly kind: "script"; readonly script: Script }
  /** Answers that no open row has, and inputs that stand in the open rows too. */
  | { readonly kind: "unlearned" | "seen" };

export type Slice = SliceOf & { readonly support: number; readonly agreement: Estimate };

/** Labels of a disagreement, null for one outside of the set. */
export interface Confusion {
  readonly teacher: string | null;
  readonly student: string | null;
  readonly count: number;
}

/** What `measureQuality` finds; estimates carry 95 % intervals by group. */
export interface Quality {
  readonly calls: number;
  readonly agreement: Estimate;
  /** With the most frequent answer to each input instead of the one that was given: present where inputs got several answers. */
  readonly mostFrequentAgreement?: Estimate;
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
const LEAST_SLICE_CALLS = 5;
const UNLEARNED: SliceOf = { kind: "unlearned" };
const SEEN: SliceOf = { kind: "seen" };
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

function agreementOf(calls: readonly EvaluatedCall[]): Estimate {
  return shareByGroup(
    calls.map(({ predicted, label, right }) => right ?? Number(predicted === label && label >= 0)),
    calls.map(({ group }) => group),
  );
}

function slicesOf(calls: readonly EvaluatedCall[], { trainCounts }: SliceContext): Slice[] {
  const cuts = new Map<SliceOf, EvaluatedCall[]>();
  const add = (cut: SliceOf, call: EvaluatedCall): void => {
    const found = cuts.get(cut);
    if (found === undefined) cuts.set(cut, [call]);
    else found.push(call);
  };
  for (const call of calls) {
    add(lengthRangeOf(call.text), call);
    add(SCRIPTS[scriptOf(call.text)], call);
    if (call.label < 0) add(UNLEARNED, call);
    else if (trainCounts !== undefined) add(rangeOf(FREQUENCIES, trainCounts[call.label] ?? 0), call);
    if (call.seen === true) add(SEEN, call);
  }
  return [...cuts]
    .filter(([cut, { length }]) => length >= LEAST_SLICE_CALLS || cut === UNLEARNED)
    .map(([cut, some]) => ({ ...cut, support: some.length, agreement: agreementOf(some) }))
    .sort((a, b) => a.agreement.high - b.agreement.high || a.agreement.value - b.agreement.value);
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function confusionsOf(rows: readonly EvaluatedCall[], nameOf: (label: number) => string): Confusion[] {
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

function countClasses(calls: readonly EvaluatedCall[], labels: number): ClassCounts {
  const counts = {
    support: new Float64Array(labels),
    predicted: new Float64Array(labels),
    right: new Float64Array(labels),
  };
  for (const { label, predicted } of calls) {
    if (label >= 0) counts.support[label] = (counts.support[label] ?? 0) + 1;
    if (predicted >= 0) counts.predicted[predicted] = (counts.predicted[predicted] ?? 0) + 1;
    if (label >= 0 && label === predicted) counts.right[label] = (counts.right[label] ?? 0) + 1;
  }
  return counts;
}

function classesOf(
  calls: readonly EvaluatedCall[],
  { support, predicted, right }: ClassCounts,
  nameOf: (label: number) => string,
): ClassQuality[] {
  const byLabel = new Map<number, EvaluatedCall[]>();
  for (const call of calls) {
    const same = byLabel.get(call.label);
    if (same === undefined) byLabel.set(call.label, [call]);
    else same.push(call);
  }
  return Array.from(support, (count, label) => ({
    label: nameOf(label),
    support: count,
    recall: agreementOf(byLabel.get(label) ?? []),
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

function goldOf(calls: readonly EvaluatedCall[]): Pick<Quality, "goldAccuracy" | "teacherGoldAccuracy"> {
  const known = calls.filter((call) => call.gold !== undefined);
  if (known.length === 0) return {};
  const groups = known.map(({ group }) => group);
  const share = (isRight: (call: EvaluatedCall) => boolean): Estimate =>
    shareByGroup(
      known.map((call) => Number(isRight(call))),
      groups,
    );
  return {
    goldAccuracy: share(({ predicted, gold }) => predicted === gold),
    teacherGoldAccuracy: share(({ label, gold }) => label === gold && label >= 0),
  };
}

function toMostFrequent(call: EvaluatedCall): EvaluatedCall {
  const label = call.mostFrequent ?? call.label;
  return { ...call, label, right: Number(label === call.predicted && label >= 0) };
}

/** Quality of answers on held-out calls. @throws InputError when a label index has no name. */
export function measureQuality(
  calls: readonly EvaluatedCall[],
  labels: readonly string[],
  context: SliceContext = {},
): Quality {
  const nameOf = (label: number): string => labels[label] ?? unknownLabel(label, labels.length);
  const counts = countClasses(calls, labels.length);
  const several = calls.some(({ mostFrequent }) => mostFrequent !== undefined);
  return {
    calls: calls.length,
    agreement: agreementOf(calls),
    ...(several ? { mostFrequentAgreement: agreementOf(calls.map(toMostFrequent)) } : {}),
    ...goldOf(calls),
    macroF1: macroF1Of(counts),
    classes: classesOf(calls, counts, nameOf),
    slices: slicesOf(calls, context),
    confusions: confusionsOf(calls, nameOf),
  };
}

function unknownLabel(label: number, labels: number): never {
  throw new InputError(`metrics: expected label indices from 0 to ${labels - 1}, came ${label}`);
}
