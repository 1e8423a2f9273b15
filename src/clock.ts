/** @file The only place that reads the time. Training never does: a plan turns minutes into steps beforehand. */

/** Milliseconds since an arbitrary start, monotonic. */
export function nowMs(): number {
  return performance.now();
}

/** Wall-clock time, UTC milliseconds. */
export function wallClockMs(): number {
  return Date.now();
}
