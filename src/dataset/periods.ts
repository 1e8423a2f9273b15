/** @file The older and the newest period of a log whose calls all have a time. A call belongs to the period in which its conversation began, so
 *  that no conversation straddles; an input that comes again later stands in both, as it does in the traffic. Pure but for its state. */
import type { Conversations } from "./conversations.js";
import { sealedShare } from "../sealing.js";
import { hashString } from "../random.js";
import type { Side } from "./rows.js";
import type { LlmRecord } from "./types.js";

/** Periods so coarse that the newest takes this share of the calls are no periods. */
const MOST_NEWEST_RATIO = 0.4;
/** A conversation with more than this share of the calls is no conversation. */
const LARGEST_CONVERSATION_RATIO = 0.3;

interface Beginning {
  firstMs: number;
  calls: number;
}

export class Periods {
  private readonly timesMs: number[] = [];
  private readonly texts: number[] = [];
  private readonly names: (readonly string[])[] = [];
  private readonly beginnings = new Map<string, Beginning>();
  private untimed = 0;
  private cutMs = Infinity;

  constructor(private readonly conversations: Conversations) {}

  /** A call and the text that its row will have. */
  observe(record: LlmRecord, text: string): void {
    if (record.timestampMs === undefined) {
      this.untimed++;
      return;
    }
    const names = this.conversations.of(record);
    for (const name of names) {
      const known = this.beginnings.get(name) ?? { firstMs: Infinity, calls: 0 };
      known.firstMs = Math.min(known.firstMs, record.timestampMs);
      known.calls++;
      this.beginnings.set(name, known);
    }
    this.timesMs.push(record.timestampMs);
    this.texts.push(hashString(text));
    this.names.push(names);
  }

  /** Finds the cut behind which the wanted share of the distinct inputs or conversations lies; false where times are missing or too coarse
   *  for one. */
  cut(sealedRatio: number): boolean {
    const calls = this.timesMs.length;
    if (this.untimed > 0 || calls === 0) return false;
    for (const [name, begun] of this.beginnings)
      if (begun.calls > LARGEST_CONVERSATION_RATIO * calls) this.beginnings.delete(name);
    const begunMs = Float64Array.from(this.timesMs, (ms, i) => this.begunMs(ms, this.names[i] ?? []));
    const newestFirst = Uint32Array.from(begunMs.keys()).sort((a, b) => (begunMs[b] ?? 0) - (begunMs[a] ?? 0));
    const units = Array.from(this.texts, (text, i) => this.names[i]?.find((name) => this.beginnings.has(name)) ?? text);
    const wanted = sealedShare(new Set(this.texts).size, new Set(units).size, sealedRatio) * new Set(units).size;
    if (wanted === 0) return false;
    const seen = new Set<string | number>();
    let at = 0;
    for (; at < calls && seen.size < wanted - 1e-9; at++) seen.add(units[newestFirst[at] ?? 0] ?? 0);
    const cutMs = begunMs[newestFirst[at - 1] ?? 0] ?? Infinity;
    const newest = begunMs.reduce((count, ms) => count + Number(ms >= cutMs), 0);
    if (newest > MOST_NEWEST_RATIO * calls && newest > 1.5 * at) return false;
    if (newest === calls) return false;
    this.cutMs = cutMs;
    return true;
  }

  /** Which period a call is of. */
  sideOf(record: LlmRecord): Side {
    const names = this.conversations.of(record);
    return this.begunMs(record.timestampMs ?? -Infinity, names) >= this.cutMs ? "test" : "train";
  }

  private begunMs(ownMs: number, names: readonly string[]): number {
    return names.reduce((least, name) => Math.min(least, this.beginnings.get(name)?.firstMs ?? ownMs), ownMs);
  }
}
