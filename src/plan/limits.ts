/** @file The limits of a target against the estimates of a candidate, and the nearest target that a candidate would meet. */
import type { CandidateEstimate } from "./estimate.js";
import type { Target } from "./target.js";

/** Code of a limit that an estimate breaks. */
export type BrokenLimit = "size-above-target" | "latency-above-target" | "memory-above-target" | "cost-above-target";

type LimitKey = "sizeMb" | "p95Ms" | "memoryMb" | "costPer1kUsd";

interface Limit {
  readonly key: LimitKey;
  readonly code: BrokenLimit;
  /** In the target's unit; absent when it cannot be known yet. */
  readonly of: (estimate: CandidateEstimate) => number | undefined;
}

const LIMITS: readonly Limit[] = [
  { key: "sizeMb", code: "size-above-target", of: ({ sizeBytes }) => sizeBytes / 1e6 },
  { key: "p95Ms", code: "latency-above-target", of: ({ p95Ms }) => p95Ms },
  { key: "memoryMb", code: "memory-above-target", of: ({ serveMemoryMb }) => serveMemoryMb },
  { key: "costPer1kUsd", code: "cost-above-target", of: ({ costPer1kUsd }) => costPer1kUsd },
];

export interface Breach {
  readonly key: LimitKey;
  readonly limit: BrokenLimit;
  readonly wanted: number;
  readonly estimated: number;
}

/** Every limit of the target that the estimate breaks; agreement is proved, not estimated. */
export function limitsBroken(estimate: CandidateEstimate, target: Target): Breach[] {
  return LIMITS.flatMap(({ key, code, of }) => {
    const [wanted, estimated] = [target[key], of(estimate)];
    return wanted !== undefined && estimated !== undefined && estimated > wanted
      ? [{ key, limit: code, wanted, estimated }]
      : [];
  });
}

/** Rounds up to two significant digits, so that a proposed limit is met with a little room. */
function roundUp(value: number): number {
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(value / step) * step).toPrecision(2));
}

/** The target with its broken limits relaxed to the candidate that breaks them least (sum of log ratios); absent without candidates. */
export function nearestTarget(estimates: readonly CandidateEstimate[], target: Target): Target | undefined {
  let best: readonly Breach[] | undefined;
  let least = Infinity;
  for (const estimate of estimates) {
    const breaches = limitsBroken(estimate, target);
    const distance = breaches.reduce((sum, { wanted, estimated }) => sum + Math.log(estimated / wanted), 0);
    if (distance < least) [best, least] = [breaches, distance];
  }
  if (best === undefined) return undefined;
  return { ...target, ...Object.fromEntries(best.map(({ key, estimated }) => [key, roundUp(estimated)])) };
}
