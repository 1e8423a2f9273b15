/** @file Jobs that run side by side, one per core. */
import { TRAIN_COSTS } from "./costs-table.js";

/** Wall seconds of jobs in lanes: each lane takes the next job when it is free. */
export function laneSeconds(jobs: readonly number[], width: number): number {
  const lanes = new Array<number>(Math.max(1, width)).fill(0);
  for (const seconds of jobs) {
    const free = lanes.indexOf(Math.min(...lanes));
    lanes[free] = (lanes[free] ?? 0) + seconds;
  }
  return Math.max(...lanes);
}

/** Seconds of jobs that run side by side, one per core, in the order in which they begin: they share caches and slow each other down. */
export function sideBySideSeconds(jobs: readonly number[], cores: number): number {
  return laneSeconds(jobs, cores) / (cores === 1 ? 1 : TRAIN_COSTS.parallelEfficiencyRatio);
}
