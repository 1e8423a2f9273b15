/** @file What a file's values mean where a value alone cannot tell (day or month first, seconds or milliseconds), and a count of the
 *  values that could not be read. One per file. Knows no format. */
import { dateOrderOf, type DateOrder } from "./times.js";

export type UnreadRole = "cost" | "time" | "latency" | "tokens";

/** Values of one role that could not be read: how many, and the first lines. */
export interface Unread {
  readonly role: UnreadRole;
  readonly count: number;
  readonly lines: readonly number[];
}

const KEPT_LINES = 3;

export class Reading {
  line = 0;
  dateOrder: DateOrder = "month-first";
  /** Of a latency whose name says no unit: milliseconds to one of it. */
  latencyScale = 1;
  private readonly counts = new Map<UnreadRole, { count: number; lines: number[] }>();

  /** Counts a value that holds something and could not be read. */
  failed(role: UnreadRole): void {
    const found = this.counts.get(role) ?? { count: 0, lines: [] };
    found.count++;
    if (found.lines.length < KEPT_LINES && found.lines.at(-1) !== this.line) found.lines.push(this.line);
    this.counts.set(role, found);
  }

  unread(): readonly Unread[] {
    return [...this.counts].map(([role, { count, lines }]) => ({ role, count, lines }));
  }

  /** Decides from a sample of the file's times and of its latencies without unit. */
  decide(times: readonly unknown[], latencies: readonly number[]): readonly string[] {
    const notes: string[] = [];
    const { order, isGuess } = dateOrderOf(times);
    this.dateOrder = order;
    if (isGuess) notes.push("dates like 03/04/2025 do not say whether day or month comes first; read as month first");
    const isSeconds =
      latencies.length > 0 &&
      latencies.every((value) => value < 600) &&
      latencies.some((value) => value < 60 && !Number.isInteger(value));
    if (isSeconds) {
      this.latencyScale = 1000;
      notes.push("the latencies are fractions below 600: read as seconds");
    }
    return notes;
  }
}
