/** @file The chosen rung becomes a model folder: final fit, calibrator, both graphs, parity against the training weights. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fitCalibrator } from "../evaluate/calibration.js";
import { opensWith } from "../export/hugging-face-fields.js";
import { writeHuggingFaceFiles } from "../export/hugging-face.js";
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
import type { PretrainedRecipe } from "../plan/candidates.js";
import type { PlannedCandidate } from "../plan/plan.js";
import { restoreFolder } from "../store/folders.js";
import type { Tensor } from "../tensor/tensor.js";
import { openSession } from "../runtime/onnxruntime.js";
import { GRAPH_FILES, parseManifest, type StudentManifest } from "../student/manifest.js";
import { readAs, type StudentFeatures, studentLogits } from "../student/student.js";
import { VERSION } from "../version.js";
import { piecesOf, trimmedFor } from "./pretrained/base.js";
import { type FinalStudent, pretrainedStudent } from "./final-student.js";
import { lossFormulaOf } from "./encoder-spec.js";
import { isRounded } from "./pretrained/int8-recovery.js";
import { encoderTask } from "./local-teacher.js";
import { logitRows } from "./outcomes.js";
import { pretrainedFinal } from "./pretrained/rung.js";
import { pretrainedTask } from "./pretrained/spec.js";
import { encoderFinal, linearFinal } from "./rungs.js";
import type { OutOfFold, TrainContext } from "./train-context.js";
import { isTaught, taughtFinal } from "./pretrained/taught-linear.js";

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

/** Layout of the serving graph of a student of hashed features. */
function shapeOf(trained: Trained, labels: number): StudentShape {
  const { linear, encoder } = trained.candidate;
  return {
    labels,
    ...(linear === undefined ? {} : { linear: { buckets: linear.wordBuckets + linear.characterBuckets } }),
    ...(encoder === undefined ? {} : { encoder: ENCODER_SIZES[encoder.size] }),
    ...(trained.linearRatio === undefined ? {} : { linearRatio: trained.linearRatio }),
  };
}

async function finalHashed(context: TrainContext, trained: Trained): Promise<FinalStudent> {
  const { linear, encoder, parts } = trained.candidate;
  const weights = new Map<string, Float32Array>();
  if (linear !== undefined) {
    const name = parts.find((part) => part.startsWith("linear")) ?? trained.candidate.name;
    const fitted = isTaught(linear) ? taughtFinal(context, name, linear) : linearFinal(context, name, linear);
    for (const [key, data] of await fitted) weights.set(key, data);
  }
  if (encoder !== undefined) {
    const epochs = trained.epochs ?? encoder.epochs;
    const task = await encoderTask(context, `encoder-${encoder.size}`, encoder);
    for (const [key, data] of await encoderFinal({ ...context, threads: 1 }, task, epochs)) weights.set(key, data);
  }
  const shape = shapeOf(trained, context.dataset.labels.length);
  return { shape, weights, features: featuresOf(trained.candidate) };
}

/** A pretrained encoder after its final fit, its vocabulary cut down to the texts. */
async function finalPretrained(
  context: TrainContext,
  { candidate }: Trained,
  recipe: PretrainedRecipe,
): Promise<FinalStudent> {
  const task = pretrainedTask(context, candidate.name, recipe);
  const { base } = task;
  const { encoder, layers } = await pretrainedFinal(context, task);
  const sequences = [...task.sequences, ...(context.transfer ?? []).map((text) => piecesOf(base, text))];
  const student = pretrainedStudent(base, encoder, trimmedFor(base, sequences), context.dataset.labels);
  return { ...student, layers };
}

function finalStudent(context: TrainContext, trained: Trained): Promise<FinalStudent> {
  const { pretrained } = trained.candidate;
  return pretrained === undefined ? finalHashed(context, trained) : finalPretrained(context, trained, pretrained);
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
  features: StudentFeatures,
): Promise<Float32Array> {
  const texts = context.rows.slice(0, PARITY_ROWS).map((row) => row.text);
  const session = await openSession(graph, { threads: context.threads });
  const fed = {
    ...session,
    run: (inputs: Readonly<Record<string, Tensor>>, outputs?: readonly string[]) =>
      session.run({ ...inputs, ...feeds }, outputs),
  };
  try {
    return await studentLogits(fed, features, context.dataset.labels.length, texts);
  } finally {
    await session.close();
  }
}

/** How far each graph strays from the weights, run as their training ran them. */
export async function parityOf(
  context: TrainContext,
  { shape, weights, features }: FinalStudent,
  graphs: StudentGraphs,
): Promise<Parity[]> {
  const classes = context.dataset.labels.length;
  const reference = compileReference(shape, weights);
  const expected = await graphLogits(reference.graph, reference.feeds, context, features);
  const parity: Parity[] = [];
  for (const precision of ["fp32", "int8"] as const) {
    const logits = await graphLogits(graphs[precision], {}, context, readAs(precision, features));
    parity.push(compareLogits(GRAPH_FILES[precision], expected, logits, classes));
  }
  return parity;
}

/** What a student was made from and how. */
function lineageOf(
  context: TrainContext,
  candidate: PlannedCandidate,
  { layers }: FinalStudent,
  planHash: string,
): StudentManifest["lineage"] {
  const { dataset, seed } = context;
  const { calls, firstMs, lastMs, models } = dataset.traffic;
  return {
    dataset: dataset.hash,
    traffic: {
      calls,
      ...(firstMs === undefined ? {} : { firstMs }),
      ...(lastMs === undefined ? {} : { lastMs }),
    },
    seed,
    teacher: [...models],
    plan: planHash,
    loss: lossFormulaOf(candidate, context, {
      ...(layers !== undefined && { layers }),
      isRounded: isRounded(context, candidate.name),
    }),
    joryu: VERSION,
  };
}

export interface ShipOptions {
  readonly folder: string;
  readonly name: string;
  readonly planHash: string;
}

/** Trains the final weights of a rung and writes its folder; does nothing when the folder is there. */
export async function shipStudent(
  context: TrainContext,
  trained: Trained,
  options: ShipOptions,
): Promise<StudentManifest> {
  const path = join(options.folder, "joryu.json");
  restoreFolder(options.folder);
  if (existsSync(path)) return parseManifest(readFileSync(path, "utf8"), path);
  const { dataset, rows } = context;
  const student = await finalStudent(context, trained);
  context.progress.update("export", 0.1);
  const graphs = compileStudent(student.shape, student.weights);
  const hash = weightsHash(student.weights);
  const calibrator = fitCalibrator(
    logitRows(
      Array.from(trained.outOfFold.rows, (r) => rows[r]).flatMap((row) => row ?? []),
      trained.outOfFold.logits,
      dataset.labels.length,
    ),
    hash,
  );
  const parity = await parityOf(context, student, graphs);
  const { tokenizer: _, ...features } = student.features;
  const manifest: StudentManifest = {
    format: "joryu-student-1",
    opensWith: student.huggingFace === undefined ? "joryu" : opensWith(student.huggingFace),
    name: options.name,
    kind: trained.candidate.kind,
    labels: [...dataset.labels],
    features,
    template: dataset.template,
    files: GRAPH_FILES,
    sha256: { int8: sha256(graphs.int8), fp32: sha256(graphs.fp32), weights: hash },
    calibrator,
    gate: { promise: "delivered", threshold: null, epsilon: 0, delta: 0, coverage: null },
    evaluation: null,
    parity,
    parameters: trained.candidate.parameters,
    lineage: lineageOf(context, trained.candidate, student, options.planHash),
  };
  const { huggingFace } = student;
  writeModelFolder(options.folder, manifest, graphs, (folder) => {
    if (huggingFace !== undefined) writeHuggingFaceFiles(folder, huggingFace);
  });
  context.progress.update("export", 1);
  return manifest;
}
