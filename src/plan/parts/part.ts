/** @file What a part of a student, made of its recipe, tells the planner; the table of parts stands in `index.ts`. */
import { SERVE_COSTS } from "../costs-table.js";
import type { PlanFacts } from "../facts.js";
import type { MachineProfile } from "../profile.js";

export interface Part {
  /** Weights. */
  parameters(facts: PlanFacts): number;
  /** Bytes of the int8 folder beside manifest and labels. */
  sizeBytes(facts: PlanFacts): number;
  /** Of one query on one thread, beside the hop into the runtime. */
  latencyMs(facts: PlanFacts, profile: MachineProfile): number;
  /** All its fits, and those of what teaches it. */
  trainSeconds(facts: PlanFacts, profile: MachineProfile): number;
  trainMemoryBytes(facts: PlanFacts, profile: MachineProfile): number;
  /** How it is trained, as the plan prints it. */
  describe(folds: number): string;
}

/** Milliseconds of so many dense operations while serving. */
export function productsMs(flops: number, { singleThreadGflops }: MachineProfile): number {
  return flops / (singleThreadGflops * 1e6 * SERVE_COSTS.encoderEfficiencyRatio);
}

/** Milliseconds in which so many cells of a table are gathered. */
export function gatherMs(cells: number, { sparseMflops }: MachineProfile): number {
  return (cells * SERVE_COSTS.gatherFlopsPerCell) / (sparseMflops * 1e3);
}

/** Milliseconds that so many nodes of a graph cost whatever they compute. */
export function nodesMs(nodes: number, { hopMs }: MachineProfile): number {
  return nodes * SERVE_COSTS.nodeHops * hopMs;
}
