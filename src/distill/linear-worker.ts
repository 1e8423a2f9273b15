/** @file The thread of one linear fit: featurise, train, score what was held out. */
import { parentPort, workerData } from "node:worker_threads";
import { InvariantError } from "../errors.js";
import { linearLogits, trainLinear } from "../models/linear.js";
import { linearFeatures } from "../tokenizer/hashed-features.js";
import type { LinearFitJob, LinearFitMessage } from "./linear-job.js";

function work(job: LinearFitJob, post: (message: LinearFitMessage) => void): void {
  const { classes, features } = job;
  const weights = trainLinear(
    {
      features: job.texts.map((text) => linearFeatures(text, features)),
      targets: job.targets,
      classes,
      buckets: features.wordBuckets + features.characterBuckets,
      epochs: job.epochs,
      learningRate: job.learningRate,
      l2: job.l2,
      labelSmoothing: job.labelSmoothing,
      seed: job.seed,
    },
    (epoch, loss) => post({ kind: "epoch", epoch, loss }),
  );
  const heldOutLogits = new Float32Array(job.heldOut.length * classes);
  for (const [i, text] of job.heldOut.entries())
    heldOutLogits.set(linearLogits(linearFeatures(text, features), weights), i * classes);
  post({ kind: "done", fit: { weights, heldOutLogits } });
}

const port = parentPort;
if (port === null) throw new InvariantError("linear-worker runs in a worker thread only");
work(workerData as LinearFitJob, (message) => port.postMessage(message));
