/** @file What the log says of a workload's traffic: calls, time span, price, tokens, latency, models. Every figure is absent
 *  where the log does not say it. Pure but for its state. */
import type { Writable } from "./fields.js";
import type { LlmRecord, TrafficFacts } from "./types.js";

const DAY_MS = 86_400_000;
const DAYS_PER_MONTH = 30.4375;
/** Percentiles of more calls than this are those of every second, fourth, ... call. */
const MAXIMUM_SAMPLES = 1 << 17;

class Mean {
  private sum = 0;
  private count = 0;

  add(value: number | undefined): void {
    if (value === undefined) return;
    this.sum += value;
    this.count++;
  }

  value(): number | undefined {
    return this.count === 0 ? undefined : this.sum / this.count;
  }
}

export class Traffic {
  private calls = 0;
  private timed = 0;
  private firstMs = Infinity;
  private lastMs = -Infinity;
  private readonly cost = new Mean();
  private readonly inputTokens = new Mean();
  private readonly outputTokens = new Mean();
  private readonly models = new Map<string, number>();
  private latenciesMs: number[] = [];
  private stride = 1;
  private latencyCount = 0;

  add(record: LlmRecord): void {
    const calls = record.occurrences ?? 1;
    this.calls += calls;
    this.cost.add(record.costUsd);
    this.inputTokens.add(record.inputTokens);
    this.outputTokens.add(record.outputTokens);
    if (record.model !== undefined) this.models.set(record.model, (this.models.get(record.model) ?? 0) + 1);
    if (record.latencyMs !== undefined) this.addLatency(record.latencyMs);
    if (record.timestampMs === undefined) return;
    this.timed += calls;
    this.firstMs = Math.min(this.firstMs, record.timestampMs);
    this.lastMs = Math.max(this.lastMs, record.timestampMs);
  }

  facts(): TrafficFacts {
    const models = [...this.models].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([model]) => model);
    const facts: Writable<TrafficFacts> = { calls: this.calls, models: models.slice(0, 20) };
    const latencies = this.latenciesMs.toSorted((a, b) => a - b);
    const percentile = (ratio: number): number | undefined =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * ratio))];
    const cost = this.cost.value();
    set(facts, "costPer1kUsd", cost === undefined ? undefined : cost * 1000);
    set(facts, "meanInputTokens", this.inputTokens.value());
    set(facts, "meanOutputTokens", this.outputTokens.value());
    set(facts, "latencyP50Ms", percentile(0.5));
    set(facts, "latencyP95Ms", percentile(0.95));
    if (this.timed === 0) return facts;
    facts.firstMs = this.firstMs;
    facts.lastMs = this.lastMs;
    const days = (this.lastMs - this.firstMs) / DAY_MS;
    // Less than a day says nothing of a month: traffic has a daily rhythm.
    if (days >= 1 && this.timed === this.calls) facts.callsPerMonth = (this.calls / days) * DAYS_PER_MONTH;
    return facts;
  }

  private addLatency(latencyMs: number): void {
    if (this.latencyCount++ % this.stride !== 0) return;
    this.latenciesMs.push(latencyMs);
    if (this.latenciesMs.length < MAXIMUM_SAMPLES) return;
    this.latenciesMs = this.latenciesMs.filter((_, i) => i % 2 === 0);
    this.stride *= 2;
  }
}

type OptionalNumber = "costPer1kUsd" | "meanInputTokens" | "meanOutputTokens" | "latencyP50Ms" | "latencyP95Ms";

function set(facts: Writable<TrafficFacts>, key: OptionalNumber, value: number | undefined): void {
  if (value !== undefined) facts[key] = value;
}
