/** @file The per-record verdict of an import: accepted, duplicate (a copy) or repeat (the same call made again), rejected with
 *  its reason. Counts everything, keeps the first rejects. Knows no file format.
 *
 *  What is the same: two records with the same messages, the same answer and the same id are one record imported twice; so are
 *  two without id but with the same time. Without id and time nothing tells a copy from a call made again, so identical ones
 *  count as a repeat: a duplicate in the counts, and one more call in the traffic (weight). The same id with other content
 *  stays a record of its own. A further answer to one call (`occurrences` 0) may be the same as an earlier one without being a copy. */
import type { RecordMeta } from "./fields.js";
import { addText, HashSet64, startHash, type Hasher } from "./hashes.js";
import type { ImportCounts, LlmRecord } from "./types.js";

export interface RejectedLine {
  readonly source: string;
  readonly line: number;
  readonly reason: string;
}

/** A reason with how often it came and its first lines. */
export interface RejectedKind {
  readonly reason: string;
  readonly count: number;
  readonly lines: readonly Omit<RejectedLine, "reason">[];
}

const LINES_OF_KIND = 5;

/** Enough to see what is wrong with a file, little enough to keep and print. */
export const KEPT_REJECTS = 1_000;

/** Accepted: new. Repeat: a call made again, counts as duplicate and as weight. Copy: imported before. */
export type Verdict = "accepted" | "repeat" | "copy";

export class Verdicts {
  readonly rejects: RejectedLine[] = [];
  readonly rejectCounts = new Map<string, number>();
  private readonly firstLines = new Map<string, Omit<RejectedLine, "reason">[]>();
  private readonly seen = new HashSet64();
  private accepted = 0;
  private duplicates = 0;
  private rejected = 0;
  /** Whether the last call that counts was a copy: its further answers are copies too. */
  private isCopy = false;
  private system = { text: "", hash: startHash() };

  /** Judges a record and counts it. */
  judge(record: LlmRecord): Verdict {
    const isNew = this.seen.add(this.identity(record));
    const isFurther = record.occurrences === 0;
    if (!isFurther) this.isCopy = !isNew && (record.id !== undefined || record.timestampMs !== undefined);
    if (isNew) {
      this.accepted++;
      return "accepted";
    }
    this.duplicates++;
    return this.isCopy ? "copy" : "repeat";
  }

  reject(source: string, line: number, reason: string): void {
    this.rejected++;
    this.rejectCounts.set(reason, (this.rejectCounts.get(reason) ?? 0) + 1);
    if (this.rejects.length < KEPT_REJECTS) this.rejects.push({ source, line, reason });
    const first = this.firstLines.get(reason) ?? [];
    if (first.length < LINES_OF_KIND) first.push({ source, line });
    this.firstLines.set(reason, first);
  }

  /** The most frequent first. */
  rejections(): readonly RejectedKind[] {
    const kinds = [...this.rejectCounts].map(([reason, count]) => ({
      reason,
      count,
      lines: this.firstLines.get(reason) ?? [],
    }));
    return kinds.toSorted((a, b) => b.count - a.count);
  }

  counts(): ImportCounts {
    const { accepted, duplicates, rejected } = this;
    return { records: accepted + duplicates + rejected, accepted, duplicates, rejected };
  }

  /** Bytes of the table of seen records. */
  get tableBytes(): number {
    return this.seen.sizeBytes;
  }

  private identity(record: LlmRecord): Hasher {
    const state = startHash();
    addText(state, identityOf(record));
    for (const message of record.messages) {
      if (message.role === "system") this.addSystem(state, message.content);
      else addText(state, message.content);
      for (const call of message.toolCalls ?? []) addText(state, call.arguments);
    }
    addText(state, record.answer);
    for (const call of record.toolCalls ?? []) addText(state, `${call.name} ${call.arguments}`);
    return state;
  }

  /** System prompts repeat from call to call: the last one's hash is kept. */
  private addSystem(state: Hasher, text: string): void {
    if (text !== this.system.text) {
      const hash = startHash();
      addText(hash, text);
      this.system = { text, hash };
    }
    state.low ^= this.system.hash.low;
    state.high ^= this.system.hash.high;
    addText(state, "system");
  }
}

function identityOf(meta: RecordMeta): string {
  if (meta.id !== undefined) return `i${meta.id}`;
  if (meta.timestampMs === undefined) return "";
  return `t${meta.timestampMs}|${meta.conversation ?? ""}|${meta.user ?? ""}`;
}
