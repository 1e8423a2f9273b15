/** @file Every constant of the planner's estimates, in one table, each with its unit and where it comes from. Formulas stand in
 *  estimate.ts; this file knows none. Training and sizes were set from runs of the demo on 2 cores (AVX2); the rest from
 *  machines under load. `bench/plan.ts` prints estimate beside measurement. */

/** Multiply-adds count two. */
export const TRAIN_COSTS = {
  /** Arithmetic of one (feature, class) cell per epoch: forward 2, gradient, AdaGrad square, division and update. */
  sparseFlopsPerCell: 6,
  /** Share of the measured sparse loop that the linear trainer reaches (softmax, shuffling, averaging). */
  linearEfficiencyRatio: 0.95,
  /** Featurising and start of a worker, seconds per 1,000 rows. */
  linearSecondsPer1kRows: 0.05,
  /** Seconds that a fit takes on an empty data set: thread, tables, transfer. */
  linearOverheadSeconds: 0.3,
  /** Folds run side by side, one per core, and share caches and memory. */
  parallelEfficiencyRatio: 0.85,
  /** Forward and both halves of the backward pass. */
  backwardFactor: 3,
  /** Share of the measured matrix products that a training step reaches. */
  encoderEfficiencyRatio: 0.86,
  /** Norms, activations, softmax and dropout of one (token, width, layer) cell, forward and backward, as products of the same time:
   *  at these small widths they take as long as the products themselves. */
  elementwiseFlopsPerCell: 7_000,
  /** Tokens of a batch over those of its texts: texts of similar length share a batch, the rest is padding. */
  paddingFactor: 1.1,
  /** Buckets of a token: itself and its character 3- to 5-grams. */
  bucketsPerToken: 15,
  /** Arithmetic of one (bucket, width) cell per step: gather, gradient and Adam of the sparse table. */
  tableFlopsPerCell: 2,
  /** Share of the measured matrix products that a step of a pretrained encoder reaches: its products are larger. */
  pretrainedEfficiencyRatio: 0.8,
  /** Dispatch of one training step, seconds, without arithmetic. */
  stepOverheadSeconds: 0.0027,
  /** Start of the worker, building and compiling both graphs, the self-check. */
  encoderOverheadSeconds: 1.2,
} as const;

export const SERVE_COSTS = {
  /** Featurising, milliseconds per hashed n-gram of the linear part and per bucket of a token. */
  featureMs: 0.00045,
  tokenBucketMs: 0.0001,
  /** One more node in a graph, in hops (runs of the smallest graph). */
  nodeHops: 0.17,
  /** Nodes that take time in the serving graphs: the linear part, the front and head of the encoder, one of its layers,
   *  the mean of both parts. */
  linearNodes: 6,
  encoderNodes: 3,
  layerNodes: 14,
  joinNodes: 8,
  /** A pretrained encoder's front, pooling and head. */
  pretrainedNodes: 12,
  /** int8 products of one short text over the measured fp32 products of one thread. */
  encoderEfficiencyRatio: 2.5,
  /** Gathering and scaling one int8 cell of a table, operations of the sparse training loop. */
  gatherFlopsPerCell: 0.3,
  /** p95 over p50 of one query: texts differ in length, machines are shared. */
  p95Ratio: 2,
  /** Resident memory of Node with the runtime loaded, megabytes. */
  baseMemoryMb: 95,
  /** Resident bytes per byte of the model file: the file and the runtime's own copy. */
  memoryPerByte: 2.2,
} as const;

export const SIZE_COSTS = {
  /** Graph structure, bytes: linear, encoder, each layer. */
  linearBytes: 1_215,
  encoderBytes: 2_657,
  layerBytes: 3_450,
  /** Graph structure of a pretrained encoder and of each of its layers, bytes. */
  pretrainedBytes: 3_000,
  pretrainedLayerBytes: 5_000,
  /** A piece in tokenizer.json, and its settings. */
  pieceBytes: 18,
  tokenizerBytes: 2_000,
  /** A label in the manifest, beyond its text. */
  labelBytes: 6,
  /** The rest of the manifest, calibrator included, bytes. */
  manifestBytes: 3_000,
  /** Inverse document frequency of a bucket and its scale, f32 each. */
  bytesPerBucket: 8,
} as const;

export const MEMORY_COSTS = {
  /** The main thread while it trains: Node, the rows, the runtime. */
  baseMb: 180,
  /** Linear: table, running mean and squares, f32. */
  linearBytesPerCell: 12,
  /** Encoder: weight, gradient, two moments, running mean, best epoch. */
  encoderBytesPerParameter: 24,
  /** Activations kept per token and layer, in multiples of width and of the inner width, f32. */
  activationsPerWidth: 14,
  activationsPerFeedForward: 4,
} as const;

export const BUDGET_COSTS = {
  /** Reading, de-duplicating and splitting, seconds per 1,000 rows. */
  importSecondsPer1kRows: 0.1,
  /** Compressing, exporting, re-opening and measuring in a fresh process, the report. */
  proveSeconds: 15,
  proveSecondsPer1kSealedRows: 3,
  /** What a step of the path from teacher to student answers for parity and proof, both precisions, as single queries in int8. */
  proofQueries: 8_000,
  /** Share of the minutes that the plan fills: estimates may be some 15 % off. */
  fillRatio: 0.85,
} as const;

/** Share of the calls that a student is assumed to keep behind its gate, before anything is trained. An assumption, used to rank by
 *  money; replaced by the measured coverage once there is one. */
export const EXPECTED_COVERAGE_RATIO = { linear: 0.68, encoder: 0.7, joined: 0.78, pretrained: 0.82 } as const;

/** Below this many rows a deeper encoder only remembers. */
export const LARGE_ENCODER_MIN_ROWS = 25_000;

/** A teacher that agrees with itself less often than this gives labels worth softening by a local teacher. */
export const LOCAL_TEACHER_CEILING_RATIO = 0.97;
