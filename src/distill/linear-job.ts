/** @file What the thread of a linear fit is asked and what it sends. */
import type { LinearWeights } from "../models/linear.js";
import type { LinearFeatureOptions } from "../tokenizer/hashed-features.js";

export interface LinearFitJob {
  readonly texts: readonly string[];
  /** Class index of each text, or a distribution [texts * classes]. */
  readonly targets: Int32Array | Float32Array;
  readonly classes: number;
  readonly features: LinearFeatureOptions;
  /** Texts whose logits are wanted. */
  readonly heldOut: readonly string[];
  readonly epochs: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly labelSmoothing: number;
  readonly seed: number;
}

export interface LinearFit {
  readonly weights: LinearWeights;
  /** [heldOut, classes] */
  readonly heldOutLogits: Float32Array;
}

export type LinearFitMessage =
  | { readonly kind: "epoch"; readonly epoch: number; readonly loss: number }
  | { readonly kind: "done"; readonly fit: LinearFit };
