/** @file Calls of one workload gathered into rows: one row per distinct input (and side of a user's split), its answers
 *  counted. More distinct inputs than `MAXIMUM_ROWS` are thinned by hash, the same ones whatever their order. Pure but for
 *  its state. */
import { hashString } from "../random.js";
import { hashTexts } from "./hashes.js";
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

/** A row before it is grouped and split. */
export interface RowDraft {
  readonly text: string;
  /** Hash of the text but for case and space: what "the same input" means across a split. */
  readonly folded: string;
  readonly side: "train" | "test";
  readonly answers: Map<number, number>;
  golds: Map<number, number> | undefined;
  conversations: Set<string> | undefined;
  softSum: Float64Array | undefined;
  softCount: number;
  weight: number;
  /** When the input was first seen; undefined when a call has no time. */
  firstMs: number | undefined;
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

export class RowCollector {
  private drafts = new Map<string, RowDraft>();
  private mask = 0;
  private outside = 0;
  private empty = 0;
  private untimed = 0;
  private splits = 0;
  private readonly soften: SoftLabeller;

  constructor(
    private readonly template: PromptTemplate,
    private readonly labelSet: LabelSet,
  ) {
    this.soften = createSoftLabeller(labelSet.labels);
  }

  add(record: LlmRecord): void {
    const label = this.labelSet.indexOf(record.answer.trim());
    const text = stripTemplate(record.messages, this.template);
    const normalised = normaliseText(text);
    if (label < 0) this.outside++;
    if (normalised === "") this.empty++;
    if (label < 0 || normalised === "") return;
    if (this.mask !== 0 && (hashString(normalised) & this.mask) !== 0) return;
    const side = record.split === "test" ? "test" : "train";
    if (side === "test") this.splits++;
    const draft = this.draftOf(hashTexts(side, normalised), () => start(record, text, normalised, side));
    this.count(draft, record, label);
    if (this.drafts.size > MAXIMUM_ROWS) this.thin();
  }

  /** The rows in order of first appearance, with notes for the user. */
  finish(): { drafts: readonly RowDraft[]; timed: boolean; userSplit: boolean; notes: readonly string[] } {
    const notes: string[] = [];
    if (this.outside > 0) notes.push(`${this.outside} calls have an answer outside the label set and were left out`);
    if (this.empty > 0) notes.push(`${this.empty} calls have no input beside the template and were left out`);
    if (this.mask > 0)
      notes.push(`more than ${MAXIMUM_ROWS} distinct inputs: one of ${this.mask + 1} was kept, chosen by hash`);
    return { drafts: [...this.drafts.values()], timed: this.untimed === 0, userSplit: this.splits > 0, notes };
  }

  private draftOf(key: string, create: () => RowDraft): RowDraft {
    const known = this.drafts.get(key);
    if (known !== undefined) return known;
    const draft = create();
    this.drafts.set(key, draft);
    return draft;
  }

  private count(draft: RowDraft, record: LlmRecord, label: number): void {
    draft.weight += record.occurrences ?? 1;
    draft.answers.set(label, (draft.answers.get(label) ?? 0) + 1);
    if (record.gold !== undefined) {
      const gold = this.labelSet.indexOf(record.gold);
      const golds = (draft.golds ??= new Map<number, number>());
      golds.set(gold, (golds.get(gold) ?? 0) + 1);
    }
    const conversation = conversationOf(record);
    if (conversation !== "") {
      const conversations = (draft.conversations ??= new Set<string>());
      if (conversations.size <= COMMON_CONVERSATIONS) conversations.add(conversation);
    }
    if (record.timestampMs === undefined) this.untimed++;
    else draft.firstMs = Math.min(draft.firstMs ?? Infinity, record.timestampMs);
    if (record.logprobs !== undefined) this.addSoft(draft, record, label);
  }

  private addSoft(draft: RowDraft, record: LlmRecord, label: number): void {
    if (this.drafts.size * (this.labelSet.labels.length + 1) > MAXIMUM_SOFT_NUMBERS) return;
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

function start(record: LlmRecord, text: string, normalised: string, side: "train" | "test"): RowDraft {
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
    firstMs: undefined,
    place: `${record.source}:${record.line}`,
  };
}

/** The conversations that tie a row to others; none for a common phrase. */
export function tyingConversations(draft: RowDraft): readonly string[] {
  const { conversations } = draft;
  return conversations === undefined || conversations.size > COMMON_CONVERSATIONS ? [] : [...conversations];
}

/** The named conversation, or for a dialogue without one its first exchange, which later calls repeat. */
function conversationOf(record: LlmRecord): string {
  if (record.conversation !== undefined) return `c${record.conversation}`;
  const turns = record.messages.filter((message) => message.role !== "system");
  return turns.length < 3
    ? ""
    : `t${turns
        .slice(0, 2)
        .map((turn) => turn.content)
        .join("\n")}`;
}

/** The teacher's agreement with itself over repeated inputs: pairs of its answers to one input that agree, and the share of
 *  all answers that are their input's majority answer, which no student can exceed. Undefined when no input repeats. */
export function selfAgreementOf(drafts: readonly RowDraft[]): LabelDataset["teacherSelfAgreement"] {
  let [agreeing, pairs, majority, answers] = [0, 0, 0, 0];
  for (const draft of drafts) {
    const counts = [...draft.answers.values()];
    const given = counts.reduce((sum, count) => sum + count, 0);
    pairs += (given * (given - 1)) / 2;
    for (const count of counts) agreeing += (count * (count - 1)) / 2;
    majority += Math.max(...counts);
    answers += given;
  }
  return pairs === 0 ? undefined : { agreeing, pairs, ceilingRatio: majority / answers };
}
