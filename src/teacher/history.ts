/** @file What was asked and answered, in a journal that outlives the process: a request is written down before it is sent, its end
 *  after. A request without an end was in flight when the process died and counts as possibly spent. Money in US dollars. */
import { z } from "zod";
import { StoreError } from "../errors.js";
import { Journal, type Place } from "../store/journal.js";
import { CUT_OFF } from "./answer.js";

const id = z.string().regex(/^[0-9a-f]{32}$/);
const usd = z.number().min(0).optional();
const count = z.number().min(0).optional();
const pair = z.object({ token: z.string(), logprob: z.number() });

const answerSchema = z.object({
  kind: z.literal("answer"),
  id,
  /** The label, or why there is none. */
  label: z.string().optional(),
  rejected: z.string().optional(),
  content: z.string(),
  isJson: z.boolean(),
  withoutLogprobs: z.enum(["not asked", "refused", "absent", "not aligned"]).optional(),
  logprobs: z.array(pair.extend({ top_logprobs: z.array(pair) })).optional(),
  model: z.string().optional(),
  inputTokens: count,
  outputTokens: count,
  costUsd: usd,
  /** The server told no token counts: the cost is the most it can have been. */
  isCostBound: z.boolean().optional(),
  latencyMs: z.number().min(0),
  maxTokens: z.number().min(1),
});

const entrySchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("sent"), id, usd }),
  /** `usd` is what the server may bill; `isFinal` when asking again cannot help. */
  z.object({ kind: z.literal("failed"), id, usd, reason: z.string(), isFinal: z.boolean() }),
  answerSchema,
  /** A budget that did not reach every question, and the longest answer that it was reserved for. */
  z.object({ kind: z.literal("used-up"), usd: z.number().min(0), maxTokens: z.number().min(1) }),
]);

export type AnswerEntry = z.infer<typeof answerSchema>;
type Entry = z.infer<typeof entrySchema>;

/** What is kept in memory of an answer; the rest is read from the journal. */
export interface Known {
  readonly kind: "answer" | "refused";
  readonly label?: string;
  readonly rejected?: string;
  readonly maxTokens: number;
  readonly place: Place;
}

/** The journal of one folder with what it adds up to. */
export class History {
  /** Money that answers cost. */
  spentUsd = 0;
  /** Money that failures and requests in flight at a kill may have cost. */
  possiblySpentUsd = 0;
  /** Requests that were in flight when an earlier process died. */
  lostRequests = 0;
  private usedUp: { readonly usd: number; readonly maxTokens: number } | undefined;
  private readonly known = new Map<string, Known>();
  private readonly open = new Map<string, number>();
  private readonly journal: Journal;

  /** Opens the journal of a folder. @throws StoreError */
  constructor(private readonly path: string) {
    this.journal = Journal.open(path, (value, place) => {
      const parsed = entrySchema.safeParse(value);
      if (!parsed.success) throw new StoreError(`${path}: byte ${place.offset}: not an entry of a labelling journal`);
      this.take(parsed.data, place);
    });
    for (const usdOpen of this.open.values()) this.lose(usdOpen);
    this.open.clear();
  }

  /** Bytes of a line that a kill had cut off. */
  get cutBytes(): number {
    return this.journal.cutBytes;
  }

  /** What is known of a question; undefined when it has to be asked. An answer that was cut off is asked for again with more tokens. */
  find(question: string, maxTokens: number): Known | undefined {
    const known = this.known.get(question);
    return known?.rejected === CUT_OFF && known.maxTokens < maxTokens ? undefined : known;
  }

  /** True where an earlier run has used up this budget: what would still fit into the rest is not asked either, so that equal runs leave equal records. */
  isUsedUp(budgetUsd: number, maxTokens: number): boolean {
    return this.usedUp !== undefined && budgetUsd <= this.usedUp.usd && maxTokens >= this.usedUp.maxTokens;
  }

  /** The whole answer of a question that was answered. */
  answerOf(known: Known): AnswerEntry {
    const parsed = answerSchema.safeParse(this.journal.read(known.place));
    if (parsed.success) return parsed.data;
    throw new StoreError(`${this.path}: byte ${known.place.offset}: the entry changed on the disk`);
  }

  /** Writes an entry down; it is on the disk when this resolves. @throws StoreError */
  async add(entry: Entry): Promise<void> {
    this.take(entry, await this.journal.append(entry));
  }

  close(): void {
    this.journal.close();
  }

  private take(entry: Entry, place: Place): void {
    if (entry.kind === "used-up") {
      this.usedUp = entry;
      return;
    }
    const wasOpen = this.open.get(entry.id);
    if (entry.kind === "sent") {
      if (wasOpen !== undefined) this.lose(wasOpen);
      this.open.set(entry.id, entry.usd ?? 0);
      return;
    }
    this.open.delete(entry.id);
    if (entry.kind === "failed") {
      this.possiblySpentUsd += entry.usd ?? 0;
      if (entry.isFinal) this.known.set(entry.id, { kind: "refused", rejected: entry.reason, maxTokens: 0, place });
      return;
    }
    this.spentUsd += entry.costUsd ?? 0;
    this.known.set(entry.id, {
      kind: "answer",
      maxTokens: entry.maxTokens,
      place,
      ...(entry.label === undefined ? {} : { label: entry.label }),
      ...(entry.rejected === undefined ? {} : { rejected: entry.rejected }),
    });
  }

  private lose(usdOpen: number): void {
    this.lostRequests++;
    this.possiblySpentUsd += usdOpen;
  }
}
