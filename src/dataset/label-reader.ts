/** @file From a call to its label: the answer unwrapped, the chosen field of a JSON answer or argument of a function call taken, the spelling folded.
 *  The one place that does so, for counting, rows and evaluation. Counts what it did. */
import { isJsonObject } from "../json.js";
import { FUNCTION_PATH, leavesOf, MAXIMUM_LABEL_LENGTH, type Leaf } from "./answer-fields.js";
import { unwrapAnswer, type NoLabel, type Unwrapping } from "./answers.js";
import { headsOf } from "./explained.js";
import { bareLabel, foldLabel, type LabelSet } from "./labels.js";
import type { NamedLists } from "./prompt-labels.js";
import type { AnswerFacts, LlmRecord } from "./types.js";

/** What may be the label of a call: a text, or the values of structured answer. */
export type Candidate =
  | { readonly kind: "text"; readonly text: string; readonly unwrapped: Unwrapping }
  | { readonly kind: "fields"; readonly leaves: readonly Leaf[]; readonly unwrapped: Unwrapping }
  | { readonly kind: "none"; readonly reason: NoLabel; readonly unwrapped: Unwrapping };

type Answered = Pick<LlmRecord, "answer" | "toolCalls">;

/** Labels one a line, without bullets. */
const MOST_LISTED = 8;
const LISTED_LINE = /^[^\s.。:：!?！？—–()（）]{1,40}(?: [^\s.。:：!?！？—–()（）]{1,40}){0,3}$/u;
const EXPLANATION = "an explanation behind it";
const SEVERAL: NoLabel = "several labels in one answer";
const NO_VALUE: NoLabel = "no value (null, None, NaN)";

/** Texts that a prompt may name as labels, before answers bear it out. */
export class PossibleNames {
  private readonly folded: ReadonlySet<string>;
  private readonly bare: ReadonlySet<string>;

  constructor(lists: NamedLists) {
    this.folded = new Set(lists.flat().map(foldLabel));
    this.bare = new Set(lists.flat().map(bareLabel));
  }

  /** True for a label as it stands. */
  readonly has = (text: string): boolean => text.length <= MAXIMUM_LABEL_LENGTH && this.folded.has(foldLabel(text));

  /** True but for decoration. */
  hasBare(text: string): boolean {
    return text.length <= MAXIMUM_LABEL_LENGTH && this.bare.has(bareLabel(text));
  }
}

function callCandidate(calls: NonNullable<LlmRecord["toolCalls"]>): Candidate {
  const [call] = calls;
  const isSame = calls.every((other) => other.name === call?.name && other.arguments === call.arguments);
  if (call === undefined || !isSame) return { kind: "none", reason: SEVERAL, unwrapped: [] };
  let fields: unknown;
  try {
    fields = JSON.parse(call.arguments);
  } catch {
    fields = undefined;
  }
  const leaves = isJsonObject(fields) ? leavesOf(fields) : [];
  const name: Leaf = { path: FUNCTION_PATH, kind: "text", text: call.name };
  return { kind: "fields", leaves: [...leaves, name], unwrapped: ["a function call"] };
}

/** What may be the label of a record. */
export function candidateOf({ answer, toolCalls }: Answered, names: PossibleNames): Candidate {
  if (toolCalls !== undefined && toolCalls.length > 0) return callCandidate(toolCalls);
  const read = unwrapAnswer(answer, names.has);
  if (read.kind === "fields") return { kind: "fields", leaves: leavesOf(read.fields), unwrapped: read.unwrapped };
  if (read.kind === "none" || !read.text.includes("\n")) return read;
  const lines = read.text.split("\n").map((line) => line.trim());
  if (lines.length <= MOST_LISTED && lines.every((line) => LISTED_LINE.test(line)))
    return { ...read, text: lines.join(", ") };
  // Reasoning without a mark before a label that the prompt names.
  const last = read.text.slice(read.text.lastIndexOf("\n") + 1).trim();
  return names.hasBare(last) ? { ...read, text: last, unwrapped: [...read.unwrapped, "words before it"] } : read;
}

/** The values of a candidate at the path of the label; a text is its own. */
export function textAt(candidate: Candidate, path: string | undefined): string | NoLabelRead {
  if (candidate.kind === "none") return { reason: candidate.reason };
  if (candidate.kind === "text") return candidate.text;
  const leaf = candidate.leaves.find((other) => other.path === path);
  if (leaf === undefined) return { reason: path === undefined ? undefined : NO_VALUE };
  if (leaf.kind === "several") return { reason: SEVERAL };
  return leaf.kind === "nothing" ? { reason: NO_VALUE } : leaf.text;
}

/** An answer that is no label; without a reason it is one outside the label set. */
export interface NoLabelRead {
  readonly reason: NoLabel | undefined;
}

export interface LabelRead {
  /** Index of the label, -1 for none. */
  readonly label: number;
  /** Why there is none; absent for an answer outside the label set. */
  readonly reason?: NoLabel;
  /** The text that was taken for the label. */
  readonly text: string;
  readonly unwrapped: Unwrapping;
}

/** Answers that are remembered: most calls repeat one of few. */
const MAXIMUM_CACHED = 4_096;
const MAXIMUM_CACHED_LENGTH = 200;
/** Foldings that are listed one by one. */
const MAXIMUM_FOLDINGS = 1_000;
const SAMPLES = 3;
const SAMPLE_LENGTH = 400;
/** Layers that hold nothing but the spelling: what was written is then the whole answer. */
const SPELLINGS = new Set(["JSON", "a phrase before it", "a bullet", "tags", "boxed"]);

export interface ReaderOptions {
  readonly labelSet: LabelSet;
  readonly path?: string;
  readonly leftOut?: readonly string[];
  readonly names?: PossibleNames;
}

const cut = (text: string): string => (text.length > SAMPLE_LENGTH ? `${text.slice(0, SAMPLE_LENGTH)}…` : text);

/** The label that an answer gives before it explains it, by a function that knows labels. */
export function explainedLabel(
  text: string,
  indexOf: (spelling: string) => number,
): { readonly label: number; readonly text: string } | undefined {
  for (const head of headsOf(text).toReversed()) {
    const label = indexOf(head.text);
    if (label >= 0) return { label, text: head.text };
  }
  return undefined;
}

export class LabelReader {
  private readonly cache = new Map<string, LabelRead>();
  private readonly unwrapped = new Map<string, number>();
  private readonly noLabels = new Map<NoLabel, number>();
  private readonly foldings = new Map<string, { readonly kept: string; calls: number }>();
  private readonly labelCalls: number[];
  private readonly samples: AnswerFacts["samples"][number][] = [];
  private outside = 0;
  private readonly names: PossibleNames;

  constructor(private readonly options: ReaderOptions) {
    this.names = options.names ?? new PossibleNames([]);
    this.labelCalls = options.labelSet.labels.map(() => 0);
  }

  /** The label of a record. */
  read(record: Answered): LabelRead {
    if (record.toolCalls !== undefined || record.answer.length > MAXIMUM_CACHED_LENGTH) return this.find(record);
    const known = this.cache.get(record.answer);
    if (known !== undefined) return known;
    const found = this.find(record);
    if (this.cache.size < MAXIMUM_CACHED) this.cache.set(record.answer, found);
    return found;
  }

  /** Reads a record and counts what was done to its answer; `text` is what was asked. */
  count(record: Answered, text: string, calls: number): LabelRead {
    const read = this.read(record);
    for (const rule of new Set(read.unwrapped)) this.unwrapped.set(rule, (this.unwrapped.get(rule) ?? 0) + 1);
    if (read.label >= 0) this.labelCalls[read.label] = (this.labelCalls[read.label] ?? 0) + calls;
    else if (read.reason === undefined) this.outside++;
    else this.noLabels.set(read.reason, (this.noLabels.get(read.reason) ?? 0) + 1);
    const changed = [...new Set(read.unwrapped), ...this.fold(record, read, calls)];
    this.sample(record, read, text, changed);
    return read;
  }

  facts(): AnswerFacts {
    const { labelSet, path, leftOut } = this.options;
    const sorted = <K>(counts: ReadonlyMap<K, number>): [K, number][] => [...counts].sort((a, b) => b[1] - a[1]);
    return {
      ...(path === undefined ? {} : { path }),
      leftOut: leftOut ?? [],
      labelCounts: labelSet.labels.map((label, i): readonly [string, number] => [label, this.labelCalls[i] ?? 0]),
      unwrapped: sorted(this.unwrapped),
      noLabels: sorted(this.noLabels),
      outsideCalls: this.outside,
      foldings: [...this.foldings].map(([written, { kept, calls }]) => ({ written, kept, calls })),
      samples: this.samples,
    };
  }

  private find(record: Answered): LabelRead {
    const { labelSet, path } = this.options;
    const candidate = candidateOf(record, this.names);
    const text = textAt(candidate, path);
    const { unwrapped } = candidate;
    if (typeof text !== "string")
      return { label: -1, ...(text.reason !== undefined && { reason: text.reason }), text: "", unwrapped };
    const label = labelSet.indexOf(text);
    if (label >= 0) return { label, text, unwrapped };
    if (labelSet.isSeveral(text)) return { label, reason: SEVERAL, text, unwrapped };
    const head = explainedLabel(text, labelSet.indexOf);
    return head === undefined ? { label, text, unwrapped } : { ...head, unwrapped: [...unwrapped, EXPLANATION] };
  }

  /** Notes a spelling that is not the label's own. */
  private fold(record: Answered, read: LabelRead, calls: number): readonly string[] {
    const kept = this.options.labelSet.labels[read.label];
    if (kept === undefined) return [];
    const raw = record.answer.trim();
    const isSpelling = record.toolCalls === undefined && this.options.path === undefined;
    const isWhole = isSpelling && !raw.includes("\n") && read.unwrapped.every((rule) => SPELLINGS.has(rule));
    const written = isWhole && raw.length <= MAXIMUM_LABEL_LENGTH ? raw : read.text;
    if (written === kept) return [];
    const known = this.foldings.get(written);
    if (known !== undefined) known.calls += calls;
    else if (this.foldings.size < MAXIMUM_FOLDINGS) this.foldings.set(written, { kept, calls });
    return [`${JSON.stringify(written)} as ${JSON.stringify(kept)}`];
  }

  /** Keeps three calls: the first, then those to whose answers something new was done. */
  private sample({ answer, toolCalls }: Answered, read: LabelRead, text: string, changed: readonly string[]): void {
    if (this.samples.length >= SAMPLES) return;
    const isNew = changed.some((change) => !this.samples.some((other) => other.changed.includes(change)));
    const isLast = this.samples.length > 0 && !isNew && this.labelCalls.reduce((a, b) => a + b, 0) < 50;
    if (isLast) return;
    const label = this.options.labelSet.labels[read.label];
    const call = toolCalls?.map(({ name, arguments: given }) => `${name}(${given})`).join("\n");
    this.samples.push({
      text: cut(text),
      answer: cut(call ?? answer),
      ...(label === undefined ? {} : { label }),
      changed,
    });
  }
}
