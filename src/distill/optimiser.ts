/** @file AdamW (Loshchilov and Hutter 2019) as one fused loop, in place: dense weights whole, the input table by
 *  touched rows. The optimiser graph of graph/optimizer.ts computes the same, checked in the tests; here the loop needs
 *  no copies and took 10 ms where the graph took 37 ms of processor time for 1.4 M weights. A step over many rows is one
 *  call: one call a row cost 20 microseconds each, fourteen times the arithmetic. Knows no model. */
import { InvariantError } from "../errors.js";
import type { Tensor } from "../tensor/tensor.js";

/** beta2 below the usual 0.999: a few hundred steps must be enough for the second moment to follow. */
export const ADAM = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 } as const;

/** Weights with their moments, equally long. */
export interface AdamSlice {
  readonly weights: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export interface AdamStep {
  /** 1-based, for the bias correction. */
  readonly step: number;
  readonly learningRate: number;
  /** Decoupled: the share of the weights that a step at learning rate 1 takes away. */
  readonly weightDecay: number;
  /** Multiplies the gradient first (clipping). */
  readonly gradientScale: number;
}

/** Updates the spans of `width` elements that begin at `starts`, in place; `gradient` is as long as the slice. */
export function adamUpdate(
  { weights, first, second }: AdamSlice,
  gradient: Float32Array,
  starts: Uint32Array,
  width: number,
  at: AdamStep,
): void {
  const { beta1, beta2, epsilon } = ADAM;
  const scale = at.gradientScale;
  const keep = 1 - at.learningRate * at.weightDecay;
  const rate = at.learningRate / (1 - beta1 ** at.step);
  const correction = 1 / (1 - beta2 ** at.step);
  for (let s = 0; s < starts.length; s++) {
    const start = starts[s] ?? 0;
    for (let i = start; i < start + width; i++) {
      const slope = (gradient[i] ?? 0) * scale;
      const m = beta1 * (first[i] ?? 0) + (1 - beta1) * slope;
      const v = beta2 * (second[i] ?? 0) + (1 - beta2) * slope * slope;
      first[i] = m;
      second[i] = v;
      weights[i] = (weights[i] ?? 0) * keep - (rate * m) / (Math.sqrt(v * correction) + epsilon);
    }
  }
}

/** Sum of squares over spans of `width` elements. */
export function sumOfSquares(values: Float32Array, starts: Uint32Array, width: number): number {
  let sum = 0;
  for (let s = 0; s < starts.length; s++) {
    const start = starts[s] ?? 0;
    for (let i = start; i < start + width; i++) sum += (values[i] ?? 0) ** 2;
  }
  return sum;
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
