/** @file AdamW as the label encoder uses it: dense weights whole, the input table by touched rows, and the schedule of
 *  the learning rate. The arithmetic is the kernel of runtime/adam-memory.ts; the optimiser graph of graph/optimizer.ts
 *  computes the same, checked in the tests. Knows no model. */
import { InvariantError } from "../errors.js";
import type { AdamMemory, AdamStep } from "../runtime/adam-memory.js";
import type { Tensor } from "../tensor/tensor.js";

/** beta2 below the usual 0.999: a few hundred steps must be enough for the second moment to follow. */
export const ADAM = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 } as const;

/** Updates the spans of `width` elements that begin at `starts`, in place. */
export function adamUpdate(memory: AdamMemory, starts: Uint32Array, width: number, at: AdamStep): void {
  for (const start of starts) memory.update(start, start + width, at);
}

/** Sum of squares of the gradient over spans of `width` elements. */
export function gradientSquares(memory: AdamMemory, starts: Uint32Array, width: number): number {
  return starts.reduce((sum, start) => sum + memory.gradientSquares(start, start + width), 0);
}

/** The float32 data of an output. @throws InvariantError when it is missing or of another type. */
export function floatsOf(tensor: Tensor | undefined, name: string): Float32Array {
  if (tensor?.type !== "f32") throw new InvariantError(`output ${name} is ${tensor?.type ?? "missing"}, expected f32`);
  return tensor.data;
}

export interface Schedule {
  readonly peak: number;
  readonly warmupRatio: number;
  readonly decay: "linear" | "cosine";
}

/** Learning rate at a step (1-based): linear warm-up, then down to 0 at the end, linearly or along a cosine. */
export function scheduledRate(step: number, steps: number, { peak, warmupRatio, decay }: Schedule): number {
  const warmup = Math.max(1, Math.round(steps * warmupRatio));
  if (step <= warmup) return (peak * step) / warmup;
  const passed = Math.min(1, (step - warmup) / (Math.max(0, steps - warmup) + 1)); // the last step still learns
  return peak * (decay === "linear" ? 1 - passed : (1 + Math.cos(Math.PI * passed)) / 2);
}
