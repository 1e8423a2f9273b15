/** @file Trains a label encoder, from scratch or pretrained, in a worker thread, so that the calling thread stays free: progress by messages, abort
 *  by a shared flag, the thread always ends by itself. Knows nothing of the loop (trainer.ts). */
import { Worker } from "node:worker_threads";
import "../runtime/no-telemetry.js";
import { SessionError } from "../errors.js";
import { decodeError } from "../runtime/error-message.js";
import type { EncoderTrainResult, TrainProgress, TrainSpec } from "./spec.js";
import type { TrainingMessage, TrainingRequest } from "./training-request.js";

export interface TrainOptions {
  /** Where state is kept; a training of the same spec goes on from it, bit for bit. */
  readonly checkpointPath?: string;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Stops after the running step, saves the state and resolves with `stopped: "aborted"`. */
  readonly signal?: AbortSignal;
  readonly threads: number;
}

/** Trains to the end or to the abort. @throws the worker's error, ConfigError and
 *  StoreError among them. */
export async function trainEncoder(spec: TrainSpec, options: TrainOptions): Promise<EncoderTrainResult> {
  const { checkpointPath, threads, signal } = options;
  const stopFlag = new SharedArrayBuffer(4);
  const flag = new Int32Array(stopFlag);
  const stop = (): void => void Atomics.store(flag, 0, 1);
  if (signal?.aborted === true) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const request: TrainingRequest = { spec, checkpointPath, threads, stopFlag };
  const worker = new Worker(new URL("./training-worker.js", import.meta.url), { workerData: request });
  try {
    return await answerOf(worker, options);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** The last word of the worker, once its thread has ended. */
function answerOf(worker: Worker, options: TrainOptions): Promise<EncoderTrainResult> {
  return new Promise((resolve, reject) => {
    let last: TrainingMessage | undefined;
    let crash: unknown;
    worker.on("message", (message: TrainingMessage) => {
      if (message.kind === "progress") options.onProgress?.(message.progress);
      else last = message;
    });
    worker.on("error", (error: unknown) => (crash = error));
    worker.on("exit", (code) => {
      if (last?.kind === "result") resolve(last.result);
      else if (last?.kind === "failure") reject(decodeError(last.error));
      else reject(new SessionError(`training: the worker ended with code ${code} and no result`, { cause: crash }));
    });
  });
}
