/** @file Calls of one workload gathered into rows: one row per distinct input (and side of a split), its answers
 *  counted. More distinct inputs than `MAXIMUM_ROWS` are thinned by hash, the same ones whatever their order. Pure but for
 *  its state. */
import { hashString } from "../random.js";
import type { Conversations } from "./conversations.js";
import { hashTexts } from "./hashes.js";
import type { LabelReader } from "./label-reader.js";
import { foldLabel, type LabelSet } from "./labels.js";
import { createSoftLabeller, type SoftLabeller } from "./soft-labels.js";
import { stripTemplate, type PromptTemplate } from "../template/template.js";
import type { LabelDataset, LlmRecord } from "./types.js";

/** Training takes no more rows than this on a CPU in the minutes users give; texts of rows are held in memory. */
export const MAXIMUM_ROWS = 200_000;
/** Soft labels are dense [rows, labels + 1]; above this many numbers (400 MB) they are left out. */
const MAXIMUM_SOFT_NUMBERS = 50_000_000;
/** An input that occurs in more conversations than this is a common phrase and says nothing of any of them. */
const COMMON_CONVERSATIONS = 3;

/** Which part of a split that is decided by call: a split of the user's, or older and newest period. */
export type Side = "train" | "test";

/** A row before it is grouped and split. */
export interface RowDraft {
  readonly text: string;
  /** Hash of the text but for case and space: what "the same input" means across a split. */
  readonly folded: string;
  readonly side: Side;
  /** Answers with how many records gave each; with how many calls, once weighed. */
  readonly answers: Map<number, number>;
  /** Calls beyond one of the records that stand for several. */
  further?: Map<number, number>;
  /** A call was answered several times: its answers are samples of one call. */
  isSampled?: boolean;
  golds: Map<number, number> | undefined;
  conversations: Set<string> | undefined;
  softSum: Float64Array | undefined;
  softCount: number;
  /** Calls. */
  weight: number;
  /** Quarters of the log, in its order, in which the input was asked: one bit each. */
  quarters: number;
  /** Where it was first seen, for messages. */
  readonly place: string;
}

/** An input as it is compared: NFC, single spaces. */
export function normaliseText(text: string): string {
  return text.normalize("NFC").trim().replace(/\s+/g, " ");
}

/** The most frequent key (the smallest where counts tie), -1 for an empty map. */
export function majorityOf(counts: ReadonlyMap<number, number>): number {
  let best = -1;
  for (const [key, count] of counts) {
    const bestCount = counts.get(best) ?? 0;
    if (count > bestCount || (count === bestCount && key < best)) best = key;
  }
  return best;
}

/** What a workload's calls are read by. */
export interface CollectedWorkload {
  readonly template: PromptTemplate;
  readonly labelSet: LabelSet;
  readonly reader: LabelReader;
  readonly conversations: Conversations;
  readonly sideOf: (record: LlmRecord) => Side;
  /** How many records it has. */
  readonly records: number;
}

export class RowCollector {
  private drafts = new Map<string, RowDraft>();
  private mask = 0;
  private empty = 0;
  private seen = 0;
  private readonly soften: SoftLabeller;

  constructor(private readonly workload: CollectedWorkload) {
    this.soften = createSoftLabeller(workload.labelSet.labels);
  }

  add(record: LlmRecord): void {
    const { template, reader, sideOf } = this.workload;
    this.seen++;
    const text = stripTemplate(record.messages, template);
    const label = this.indexOf(reader.count(record, text, record.occurrences ?? 1).label);
    const normalised = normaliseText(text);
    if (normalised === "") this.empty++;
    if (normalised === "") return;
    if (this.mask !== 0 && (hashString(normalised) & this.mask) !== 0) return;
    const side = sideOf(record);
    const draft = this.draftOf(hashTexts(side, normalised), () => start(record, text, normalised, side));
    this.count(draft, record, label);
    if (this.drafts.size > MAXIMUM_ROWS) this.thin();
  }

  /** The row that a record was counted in, with the index of its answer; undefined for one that was left out. */
  rowOf(record: LlmRecord): { readonly draft: RowDraft; readonly label: number } | undefined {
    const { template, reader, sideOf } = this.workload;
    const normalised = normaliseText(stripTemplate(record.messages, template));
    const draft = this.drafts.get(hashTexts(sideOf(record), normalised));
    return draft === undefined ? undefined : { draft, label: this.indexOf(reader.read(record).label) };
  }

  /** The rows in order of first appearance, with notes for the user. */
  finish(): { drafts: readonly RowDraft[]; notes: readonly string[] } {
    const notes: string[] = [];
    const { outsideCalls, noLabels } = this.workload.reader.facts();
    for (const [reason, calls] of noLabels)
      notes.push(
        `${calls} calls have no label (${reason}${reason.startsWith("several") ? "; multi-label comes later" : ""}): sealed ones count as wrong, the others teach nothing`,
      );
    if (outsideCalls > 0)
      notes.push(
        `${outsideCalls} calls have an answer outside the label set: sealed ones count as wrong, the others teach nothing`,
      );
    if (this.empty > 0) notes.push(`${this.empty} calls have no input beside the template and were left out`);
    if (this.mask > 0)
      notes.push(`more than ${MAXIMUM_ROWS} distinct inputs: one of ${this.mask + 1} was kept, chosen by hash`);
    return { drafts: [...this.drafts.values()], notes };
  }

  /** The number of labels stands for an answer that is none of them, which nothing can learn. */
  private indexOf(label: number): number {
    return label < 0 ? this.workload.labelSet.labels.length : label;
  }

  private draftOf(key: string, create: () => RowDraft): RowDraft {
    const known = this.drafts.get(key);
    if (known !== undefined) return known;
    const draft = create();
    this.drafts.set(key, draft);
    return draft;
  }

  private count(draft: RowDraft, record: LlmRecord, label: number): void {
    const calls = record.occurrences ?? 1;
    draft.weight += calls;
    if (calls === 0) draft.isSampled = true;
    if (calls > 1) {
      const further = (draft.further ??= new Map<number, number>());
      further.set(label, (further.get(label) ?? 0) + calls - 1);
    }
    draft.quarters |= 1 << Math.min(3, Math.floor((4 * (this.seen - 1)) / Math.max(1, this.workload.records)));
    draft.answers.set(label, (draft.answers.get(label) ?? 0) + 1);
    if (record.gold !== undefined) {
      const gold = this.workload.reader.read({ answer: record.gold }).label;
      const golds = (draft.golds ??= new Map<number, number>());
      golds.set(gold, (golds.get(gold) ?? 0) + 1);
    }
    for (const name of this.workload.conversations.of(record)) {
      const known = (draft.conversations ??= new Set<string>());
      if (known.size <= 2 * COMMON_CONVERSATIONS) known.add(name);
    }
    const isLabel = label < this.workload.labelSet.labels.length;
    // The tokens of a wrapped answer spell the wrapping too.
    if (record.logprobs !== undefined && isLabel && this.workload.reader.read(record).unwrapped.length === 0)
      this.addSoft(draft, record, label);
  }

  private addSoft(draft: RowDraft, record: LlmRecord, label: number): void {
    if (this.drafts.size * (this.workload.labelSet.labels.length + 1) > MAXIMUM_SOFT_NUMBERS) return;
    const probabilities = this.soften(record.logprobs ?? [], record.answer, label);
    if (probabilities === undefined) return;
    const sum = (draft.softSum ??= new Float64Array(probabilities.length));
    probabilities.forEach((probability, i) => (sum[i] = (sum[i] ?? 0) + probability));
    draft.softCount++;
  }

  private thin(): void {
    this.mask = this.mask * 2 + 1;
    const kept = [...this.drafts].filter(([, draft]) => (hashString(normaliseText(draft.text)) & this.mask) === 0);
    this.drafts = new Map(kept);
  }
}

function start(record: LlmRecord, text: string, normalised: string, side: Side): RowDraft {
  return {
    text,
    folded: hashTexts(foldLabel(normalised)),
    side,
    answers: new Map(),
    golds: undefined,
    conversations: undefined,
    softSum: undefined,
    softCount: 0,
    weight: 0,
    quarters: 0,
    place: `${record.source}:${record.line}`,
  };
}

/** Counts the answers of rows by calls instead of records: one that stands for several calls gave that many answers. Where a call was answered
 *  several times each answer counts once. What recurs and how the teacher agrees with itself is decided before, by what was seen. */
export function weighAnswers(drafts: readonly RowDraft[]): void {
  for (const { answers, further, isSampled } of drafts) {
    if (further === undefined || isSampled === true) continue;
    for (const [label, calls] of further) answers.set(label, (answers.get(label) ?? 0) + calls);
  }
}

/** The conversations that tie a row to others; none for a common phrase. A call has at most two names of its conversation: the log's and its
 *  history's. */
export function tyingConversations({ conversations }: RowDraft): readonly string[] {
  if (conversations === undefined) return [];
  const names = [...conversations];
  const isCommon = (kind: string): boolean =>
    names.filter((name) => name.startsWith(kind)).length > COMMON_CONVERSATIONS;
  const common = ["c", "t"].filter(isCommon);
  return names.filter((name) => !common.some((kind) => name.startsWith(kind)));
}

/** The teacher's agreement with itself over repeated inputs: pairs of its answers to one input that agree, and the share of
 *  all answers that are their input's majority answer, which no student can exceed. Undefined when no input repeats. */
export function selfAgreementOf(drafts: readonly RowDraft[]): LabelDataset["teacherSelfAgreement"] {
  let [agreeing, pairs, majority, answers] = [0, 0, 0, 0];
  const byText = new Map<string, Map<number, number>>();
  for (const { text, answers: given } of drafts) {
    const known = byText.get(text);
    if (known === undefined) byText.set(text, given);
    else byText.set(text, addCounts(known, given));
  }
  for (const given of byText.values()) {
    const counts = [...given.values()];
    const total = counts.reduce((sum, count) => sum + count, 0);
    pairs += (total * (total - 1)) / 2;
    for (const count of counts) agreeing += (count * (count - 1)) / 2;
    majority += Math.max(...counts);
    answers += total;
  }
  return pairs === 0 ? undefined : { agreeing, pairs, ceilingRatio: majority / answers };
}

function addCounts(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): Map<number, number> {
  const sum = new Map(a);
  for (const [key, count] of b) sum.set(key, (sum.get(key) ?? 0) + count);
  return sum;
}
