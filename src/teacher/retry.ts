/** @file When to ask again: exponential backoff with full jitter, and a pause, as long as the server said, that all questions share,
 *  because a server that is busy for one is busy for all. */
import { setTimeout as sleep } from "node:timers/promises";
import { nowMs } from "../clock.js";
import type { Random } from "../random.js";

export const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A server that asks for a longer wait has closed for now: the command ends instead of sleeping. */
export const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

/** Milliseconds before the attempt that follows `failures` failures (1 or more): uniform up to 2^n times the first delay. */
export function retryDelayMs(failures: number, random: Random, firstMs = FIRST_DELAY_MS): number {
  return random.float() * Math.min(LONGEST_DELAY_MS, firstMs * 2 ** (failures - 1));
}

/** A time before which nothing is sent. */
export class Pause {
  private untilMs = 0;

  /** Sends nothing for this long from now. */
  extend(ms: number): void {
    this.untilMs = Math.max(this.untilMs, nowMs() + ms);
  }

  /** Waits until the pause is over. @throws the signal's reason when aborted. */
  async over(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (let leftMs = this.untilMs - nowMs(); leftMs > 0; leftMs = this.untilMs - nowMs()) await waitMs(leftMs, signal);
  }
}

/** Waits. @throws the signal's reason when aborted. */
export async function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw cause;
  }
}
