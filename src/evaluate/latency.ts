/** @file How long a student takes and how much memory it needs: one query at a time after a warm-up, batches, peak of the process.
 *  Knows no model, only functions that answer. Measured values never decide anything that a resumed run must reproduce. */
import { nowMs } from "../clock.js";
import { InputError } from "../errors.js";
import { percentile } from "../stats.js";

/** The distribution of single answers, milliseconds; samples in the order they were taken. */
export interface LatencyResult {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly samplesMs: readonly number[];
}

export interface LatencyOptions {
  /** Answers before the clock counts: kernels are chosen, code is compiled. */
  readonly warmUpQueries?: number;
  /** Timed answers; the texts are repeated in order where there are fewer. */
  readonly queries?: number;
}

const WARM_UP_QUERIES = 50;
/** Below this many samples p99 would be the maximum or nearly so. */
const LEAST_QUERIES = 300;
const THROUGHPUT_BATCH = 64;
/** Samples are kept to the microsecond, which is what the clock resolves. */
const SAMPLE_DIGITS = 1000;

/** Times `answer` on one text after the other. @throws InputError without texts. */
export async function measureLatency(
  answer: (text: string) => Promise<unknown>,
  texts: readonly string[],
  { warmUpQueries = WARM_UP_QUERIES, queries = Math.max(LEAST_QUERIES, texts.length) }: LatencyOptions = {},
): Promise<LatencyResult> {
  if (texts.length === 0) throw new InputError("latency: expected texts to answer, came none");
  for (let i = 0; i < warmUpQueries; i++) await answer(texts[i % texts.length] ?? "");
  const samplesMs: number[] = [];
  for (let i = 0; i < queries; i++) {
    const began = nowMs();
    await answer(texts[i % texts.length] ?? "");
    samplesMs.push(Math.round((nowMs() - began) * SAMPLE_DIGITS) / SAMPLE_DIGITS);
  }
  const sorted = Float64Array.from(samplesMs).sort();
  return {
    p50Ms: percentile(sorted, 0.5),
    p95Ms: percentile(sorted, 0.95),
    p99Ms: percentile(sorted, 0.99),
    samplesMs,
  };
}

/** Answers per second in batches, the first batch unmeasured. @throws InputError without texts. */
export async function measureThroughput(
  answer: (texts: readonly string[]) => Promise<unknown>,
  texts: readonly string[],
  batchSize = THROUGHPUT_BATCH,
): Promise<number> {
  if (texts.length === 0) throw new InputError("throughput: expected texts to answer, came none");
  await answer(texts.slice(0, batchSize));
  const began = nowMs();
  for (let start = 0; start < texts.length; start += batchSize) await answer(texts.slice(start, start + batchSize));
  return (texts.length / Math.max(1e-3, nowMs() - began)) * 1000;
}

/** Largest resident memory of this process so far, MB (10^6 bytes). */
export function peakMemoryMb(): number {
  return (process.resourceUsage().maxRSS * 1024) / 1e6;
}
