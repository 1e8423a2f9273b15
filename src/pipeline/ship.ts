/** @file The chosen rung becomes a model folder: final fit, calibrator, both graphs, parity against the training weights. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fitCalibrator } from "../evaluate/calibration.js";
import {
  compileReference,
  compileStudent,
  sha256,
  weightsHash,
  writeModelFolder,
  type StudentGraphs,
} from "../export/model-folder.js";
import { compareLogits, type Parity } from "../export/parity.js";
import { ENCODER_SIZES } from "../models/encoder.js";
import type { StudentShape } from "../models/joined.js";
import type { PlannedCandidate } from "../plan/plan.js";
import type { Tensor } from "../tensor/tensor.js";
import { openSession } from "../runtime/onnxruntime.js";
import { parseManifest, type StudentManifest } from "../student/manifest.js";
import { studentLogits } from "../student/student.js";
import { VERSION } from "../version.js";
import { encoderTask } from "./local-teacher.js";
import { encoderFinal, linearFinal, type OutOfFold, type TrainContext } from "./rungs.js";

/** Rows on which an export is compared with its training weights. */
const PARITY_ROWS = 1000;

export interface Trained {
  readonly candidate: PlannedCandidate;
  readonly outOfFold: OutOfFold;
  /** Epochs of the encoder's final fit. */
  readonly epochs?: number;
  /** Weight of the linear part in the joined mean. */
  readonly linearRatio?: number;
}

export interface Shipped {
  readonly folder: string;
  readonly manifest: StudentManifest;
  readonly graphs: StudentGraphs;
}

/** Layout of a candidate's serving graph. */
function shapeOf(trained: Trained, labels: number): StudentShape {
  const { linear, encoder } = trained.candidate;
  return {
    labels,
    ...(linear === undefined ? {} : { linear: { buckets: linear.wordBuckets + linear.characterBuckets } }),
    ...(encoder === undefined ? {} : { encoder: ENCODER_SIZES[encoder.size] }),
    ...(trained.linearRatio === undefined ? {} : { linearRatio: trained.linearRatio }),
  };
}

async function finalWeights(context: TrainContext, trained: Trained): Promise<Map<string, Float32Array>> {
  const { linear, encoder, parts } = trained.candidate;
  const weights = new Map<string, Float32Array>();
  if (linear !== undefined) {
    const name = parts.find((part) => part.startsWith("linear")) ?? trained.candidate.name;
    for (const [key, data] of await linearFinal(context, name, linear)) weights.set(key, data);
  }
  if (encoder !== undefined) {
    const epochs = trained.epochs ?? encoder.epochs;
    const task = await encoderTask(context, `encoder-${encoder.size}`, encoder);
    for (const [key, data] of await encoderFinal({ ...context, threads: 1 }, task, epochs)) weights.set(key, data);
  }
  return weights;
}

function featuresOf(candidate: PlannedCandidate): StudentManifest["features"] {
  const { linear, encoder } = candidate;
  const size = encoder === undefined ? undefined : ENCODER_SIZES[encoder.size];
  return {
    ...(linear === undefined
      ? {}
      : { linear: { wordBuckets: linear.wordBuckets, characterBuckets: linear.characterBuckets } }),
    ...(size === undefined ? {} : { tokens: { buckets: size.buckets, maxTokens: size.maxTokens } }),
  };
}

/** Logits of a graph over texts, through the featuriser that ships; `feeds` are given besides the features. */
async function graphLogits(
  graph: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
  context: TrainContext,
  candidate: PlannedCandidate,
): Promise<Float32Array> {
  const texts = context.rows.slice(0, PARITY_ROWS).map((row) => row.text);
  const session = await openSession(graph, { threads: context.threads });
  const fed = {
    ...session,
    run: (inputs: Readonly<Record<string, Tensor>>, outputs?: readonly string[]) =>
      session.run({ ...inputs, ...feeds }, outputs),
  };
  try {
    return await studentLogits(fed, featuresOf(candidate), context.dataset.labels.length, texts);
  } finally {
    await session.close();
  }
}

async function parityOf(
  context: TrainContext,
  trained: Trained,
  weights: ReadonlyMap<string, Float32Array>,
  graphs: StudentGraphs,
): Promise<Parity[]> {
  const classes = context.dataset.labels.length;
  const reference = compileReference(shapeOf(trained, classes), weights);
  const expected = await graphLogits(reference.graph, reference.feeds, context, trained.candidate);
  const parity: Parity[] = [];
  for (const [artefact, graph] of [
    ["onnx/model.onnx", graphs.fp32],
    ["onnx/model_int8.onnx", graphs.int8],
  ] as const) {
    parity.push(compareLogits(artefact, expected, await graphLogits(graph, {}, context, trained.candidate), classes));
  }
  return parity;
}

export interface ShipOptions {
  readonly folder: string;
  readonly name: string;
  readonly planHash: string;
  readonly lossFormula: string;
}

/** Trains the final weights of a rung and writes its folder; does nothing when the folder is there. */
export async function shipStudent(
  context: TrainContext,
  trained: Trained,
  options: ShipOptions,
): Promise<StudentManifest> {
  const path = join(options.folder, "joryu.json");
  if (existsSync(path)) return parseManifest(readFileSync(path, "utf8"), path);
  const { dataset, rows } = context;
  const weights = await finalWeights(context, trained);
  context.progress.update("export", 0.1);
  const graphs = compileStudent(shapeOf(trained, dataset.labels.length), weights);
  const hash = weightsHash(weights);
  const calibrator = fitCalibrator(
    {
      logits: trained.outOfFold.logits,
      classes: dataset.labels.length,
      labels: Array.from(trained.outOfFold.rows, (r) => rows[r]?.label ?? -1),
    },
    hash,
  );
  const parity = await parityOf(context, trained, weights, graphs);
  const manifest: StudentManifest = {
    format: "joryu-student-1",
    opensWith: "joryu",
    name: options.name,
    kind: trained.candidate.kind,
    labels: [...dataset.labels],
    features: featuresOf(trained.candidate),
    template: dataset.template,
    files: { int8: "onnx/model_int8.onnx", fp32: "onnx/model.onnx" },
    sha256: { int8: sha256(graphs.int8), fp32: sha256(graphs.fp32), weights: hash },
    calibrator,
    gate: { threshold: null, epsilon: 0, delta: 0, coverage: null },
    evaluation: null,
    parity,
    parameters: trained.candidate.parameters,
    lineage: {
      dataset: dataset.hash,
      seed: context.seed,
      teacher: [...dataset.traffic.models],
      plan: options.planHash,
      loss: options.lossFormula,
      joryu: VERSION,
    },
  };
  writeModelFolder(options.folder, manifest, graphs);
  context.progress.update("export", 1);
  return manifest;
}
