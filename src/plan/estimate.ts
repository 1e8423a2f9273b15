/** @file Size, latency, training time, memory and money of a candidate before it exists: the sums over its parts. Pure arithmetic: the same input
 *  gives the same plan anywhere. */
import { studentPer1kUsd } from "../cost.js";
import { BUDGET_COSTS, EXPECTED_COVERAGE_RATIO, MEMORY_COSTS, SERVE_COSTS, SIZE_COSTS } from "./costs-table.js";
import type { PlanFacts } from "./facts.js";
import { kindOf, partsOf, type StudentParts } from "./parts/index.js";
import { nodesMs } from "./parts/part.js";
import type { MachineProfile } from "./profile.js";

export interface CandidateEstimate {
  /** Sum of the files that `predict` opens. */
  readonly sizeBytes: number;
  /** One query, featurising included, median. */
  readonly latencyMs: number;
  readonly p95Ms: number;
  /** Out-of-fold fits and the final fit of all its parts. */
  readonly trainSeconds: number;
  readonly trainMemoryMb: number;
  readonly serveMemoryMb: number;
  /** Student first, expected deferrals at the teacher's price; absent when that price is unknown. */
  readonly costPer1kUsd?: number;
  readonly savedPer1kUsd?: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Weights of a student. */
export function parametersOf(parts: StudentParts, facts: PlanFacts): number {
  return sum(partsOf(parts).map((part) => part.parameters(facts)));
}

/** Bytes of the int8 model folder. */
export function sizeBytesOf(parts: StudentParts, facts: PlanFacts): number {
  const { labels, labelBytes } = facts;
  const shared = SIZE_COSTS.manifestBytes + labelBytes + labels * SIZE_COSTS.labelBytes;
  return Math.round(shared + sum(partsOf(parts).map((part) => part.sizeBytes(facts))));
}

/** Median milliseconds of one query on one thread. */
export function latencyMsOf(parts: StudentParts, facts: PlanFacts, profile: MachineProfile): number {
  const own = partsOf(parts).map((part) => part.latencyMs(facts, profile));
  return profile.hopMs + (own.length > 1 ? nodesMs(SERVE_COSTS.joinNodes, profile) : 0) + sum(own);
}

/** Seconds that export and proof of one step of the path take, by its latency. */
export function proofSecondsOf(latencyMs: number): number {
  return (BUDGET_COSTS.proofQueries * latencyMs) / 1000;
}

function trainMemoryMbOf(parts: StudentParts, facts: PlanFacts, profile: MachineProfile): number {
  const own = partsOf(parts).map((part) => part.trainMemoryBytes(facts, profile));
  return MEMORY_COSTS.baseMb + Math.max(0, ...own) / 1e6;
}

/** All estimates of one student; `machineUsdPerHour` is an assumption that the caller states. */
export function estimateOf(
  parts: StudentParts,
  facts: PlanFacts,
  profile: MachineProfile,
  prices: { readonly teacherPer1kUsd?: number; readonly machineUsdPerHour?: number },
): CandidateEstimate {
  const sizeBytes = sizeBytesOf(parts, facts);
  const latencyMs = latencyMsOf(parts, facts, profile);
  const estimate = {
    sizeBytes,
    latencyMs,
    p95Ms: latencyMs * SERVE_COSTS.p95Ratio,
    trainSeconds: sum(partsOf(parts).map((part) => part.trainSeconds(facts, profile))),
    trainMemoryMb: trainMemoryMbOf(parts, facts, profile),
    serveMemoryMb: SERVE_COSTS.baseMemoryMb + (sizeBytes * SERVE_COSTS.memoryPerByte) / 1e6,
  };
  const teacher = prices.teacherPer1kUsd;
  if (teacher === undefined) return estimate;
  const student = studentPer1kUsd((1000 / latencyMs) * profile.cores, prices.machineUsdPerHour);
  const costPer1kUsd = student + (1 - EXPECTED_COVERAGE_RATIO[kindOf(parts)]) * teacher;
  return { ...estimate, costPer1kUsd, savedPer1kUsd: teacher - costPer1kUsd };
}
