/** @file What the worker of a training is asked and what it sends. */
import type { ErrorMessage } from "../runtime/error-message.js";
import type { EncoderTrainResult, TrainProgress, TrainSpec } from "./spec.js";

/** What the worker gets at its start. */
export interface TrainingRequest {
  readonly spec: TrainSpec;
  readonly checkpointPath: string | undefined;
  readonly threads: number;
  /** One Int32 in shared memory: 1 asks to stop. */
  readonly stopFlag: SharedArrayBuffer;
}

/** What the worker sends. */
export type TrainingMessage =
  | { readonly kind: "progress"; readonly progress: TrainProgress }
  | { readonly kind: "result"; readonly result: EncoderTrainResult }
  | { readonly kind: "failure"; readonly error: ErrorMessage };
