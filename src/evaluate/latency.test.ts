import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { measureLatency, measureThroughput, peakMemoryMb } from "./latency.js";

describe("latency", () => {
  it("answers the warm-up unmeasured and each text in order after it", async () => {
    const asked: string[] = [];
    const answer = async (text: string): Promise<void> => void asked.push(text);
    const result = await measureLatency(answer, ["a", "b", "c"], { warmUpQueries: 2, queries: 7 });
    expect(asked).toEqual(["a", "b", "a", "b", "c", "a", "b", "c", "a"]);
    expect(result.samplesMs.length).toBe(7);
    expect(result.p50Ms).toBeLessThanOrEqual(result.p95Ms);
    expect(result.p95Ms).toBeLessThanOrEqual(result.p99Ms);
  });
  it("sends every text once in batches after one warm-up batch", async () => {
    const sizes: number[] = [];
    const rate = await measureThroughput(async (texts) => void sizes.push(texts.length), ["a", "b", "c", "d", "e"], 2);
    expect(sizes).toEqual([2, 2, 2, 1]);
    expect(rate).toBeGreaterThan(0);
  });
  it("refuses to time no texts", async () => {
    await expect(measureLatency(async () => undefined, [])).rejects.toThrow(InputError);
    await expect(measureThroughput(async () => undefined, [])).rejects.toThrow(InputError);
  });
  it("reads a peak memory of this process that is at least what it uses now", () => {
    expect(peakMemoryMb() * 1e6).toBeGreaterThan(process.memoryUsage().heapUsed);
  });
});
