/** @file Weights, moments and gradients of AdamW in one memory, updated in place by the kernel. The views are ordinary
 *  Float32Arrays: they can be fed to a session, and a session can write gradients into them. Knows no model. */
import { ConfigError } from "../errors.js";
import { type AdamAddresses, type AdamFactors, adamTail, createAdamKernel } from "./adam-kernel.js";

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
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

/** Four equally long arrays, zero at first, and what is done with them. */
export interface AdamMemory {
  readonly weights: Float32Array<ArrayBuffer>;
  readonly first: Float32Array<ArrayBuffer>;
  readonly second: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
  /** Updates elements start .. end-1 in place. */
  update(start: number, end: number, at: AdamStep): void;
  /** Sum of the squared gradient over start .. end-1. */
  gradientSquares(start: number, end: number): number;
}

/** A WebAssembly memory ends at 4 GiB: four arrays of float32. */
export const LARGEST_ADAM_LENGTH = 2 ** 28 - 2 ** 14;
const [PAGE_BYTES, LANES, FLOAT_BYTES] = [2 ** 16, 4, 4];

/** Room for `length` weights, 16 bytes each. @throws ConfigError above LARGEST_ADAM_LENGTH. */
export function createAdamMemory(length: number, options: AdamOptions): AdamMemory {
  if (length > LARGEST_ADAM_LENGTH)
    throw new ConfigError(`optimiser: one memory holds ${LARGEST_ADAM_LENGTH} weights, got ${length}`, {
      hint: "split the weights over several memories",
    });
  const stride = Math.ceil(length / LANES) * LANES;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * stride * FLOAT_BYTES) / PAGE_BYTES) });
  const kernel = createAdamKernel(memory);
  const { buffer } = memory;
  const view = (index: number): Float32Array<ArrayBuffer> =>
    new Float32Array(buffer, index * stride * FLOAT_BYTES, length);
  const arrays = { weights: view(0), first: view(1), second: view(2), gradient: view(3) };
  return {
    ...arrays,
    update(start, end, at) {
      const factors = factorsOf(options, at);
      const whole = start + Math.floor((end - start) / LANES) * LANES;
      if (whole > start) kernel.update(addressesAt(start, stride), (whole - start) * FLOAT_BYTES, factors);
      adamTail(arrays, whole, end, factors);
    },
    gradientSquares(start, end) {
      const whole = start + Math.floor((end - start) / LANES) * LANES;
      const { gradient } = addressesAt(start, stride);
      let sum = whole > start ? kernel.sumOfSquares(gradient, (whole - start) * FLOAT_BYTES) : 0;
      for (let i = whole; i < end; i++) sum += (arrays.gradient[i] ?? 0) ** 2;
      return sum;
    },
  };
}

function addressesAt(start: number, stride: number): AdamAddresses {
  const address = (index: number): number => (index * stride + start) * FLOAT_BYTES;
  return { weights: address(0), first: address(1), second: address(2), gradient: address(3) };
}

function factorsOf({ beta1, beta2, epsilon }: AdamOptions, at: AdamStep): AdamFactors {
  const round = Math.fround;
  return {
    gradientScale: round(at.gradientScale),
    keepFirst: round(beta1),
    takeFirst: round(1 - beta1),
    keepSecond: round(beta2),
    takeSecond: round(1 - beta2),
    keepWeight: round(1 - at.learningRate * at.weightDecay),
    rate: round(at.learningRate / (1 - beta1 ** at.step)),
    correction: round(1 / (1 - beta2 ** at.step)),
    epsilon: round(epsilon),
  };
}
