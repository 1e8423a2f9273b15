/** @file Fits linear students in worker threads: several folds at once, one thread each. Each fit returns its weights and the logits
 *  of the rows it has not seen. Knows no files: the pipeline stores what comes back. */
import { Worker } from "node:worker_threads";
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

export interface FitOptions {
  readonly onEpoch?: (epoch: number, loss: number) => void;
  readonly signal?: AbortSignal;
}

/** Fits one linear student in its own thread; deterministic by seed. Rejects with the signal's reason when it is aborted. */
export function fitLinear(job: LinearFitJob, options: FitOptions = {}): Promise<LinearFit> {
  return new Promise((resolve, reject) => {
    options.signal?.throwIfAborted();
    const worker = new Worker(new URL("./linear-worker.js", import.meta.url), { workerData: job });
    const abort = (): void => {
      void worker.terminate();
      reject(options.signal?.reason instanceof Error ? options.signal.reason : new Error("aborted"));
    };
    options.signal?.addEventListener("abort", abort, { once: true });
    worker.on("message", (message: LinearFitMessage) => {
      if (message.kind === "epoch") options.onEpoch?.(message.epoch, message.loss);
      else resolve(message.fit);
    });
    worker.once("error", reject);
    worker.once("exit", (code) => {
      options.signal?.removeEventListener("abort", abort);
      if (code !== 0) reject(new Error(`linear fit stopped with code ${code}`));
    });
  });
}
