/** @file Fits linear students in worker threads: several folds at once, one thread each. Each fit returns its weights and the logits
 *  of the rows it has not seen. Knows no files: the pipeline stores what comes back. */
import { Worker } from "node:worker_threads";
import type { LinearFit, LinearFitJob, LinearFitMessage } from "./linear-job.js";

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
