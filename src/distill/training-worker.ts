/** @file The worker thread of a training: reads its request, runs the loop, posts progress and one last message, and
 *  ends by itself. Errors cross the thread boundary as plain records (runtime/error-message.ts). */
import { parentPort, workerData } from "node:worker_threads";
import type { TrainingMessage, TrainingRequest } from "./training-request.js";
import { runTraining } from "./trainer.js";
import { encodeError } from "../runtime/error-message.js";

async function main(request: TrainingRequest): Promise<void> {
  const post = (message: TrainingMessage): void => parentPort?.postMessage(message);
  const flag = new Int32Array(request.stopFlag);
  try {
    const result = await runTraining(request.spec, {
      threads: request.threads,
      ...(request.checkpointPath !== undefined && { checkpointPath: request.checkpointPath }),
      onProgress: (progress) => post({ kind: "progress", progress }),
      shouldStop: () => Atomics.load(flag, 0) === 1,
    });
    post({ kind: "result", result });
  } catch (error) {
    post({ kind: "failure", error: encodeError(error) });
  }
}

await main(workerData as TrainingRequest);
