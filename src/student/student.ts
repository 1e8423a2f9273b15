/** @file A student ready to answer: text in; label, probability, keep or defer out. Runs in Node and in a browser: it is given an
 *  open session and knows neither files nor threads. */
import { InvariantError } from "../errors.js";
import { encoderFeeds } from "../models/encoder-feeds.js";
import type { Session } from "../runtime/session.js";
import { f32, i64, type Tensor } from "../tensor/tensor.js";
import { calibrate } from "./calibrator.js";
import {
  linearFeatures,
  MAX_TEXT_LENGTH,
  tokenFeatures,
  type SparseFeatures,
  type TokenFeatures,
} from "../tokenizer/hashed-features.js";
import { pretrainedFeeds } from "../models/pretrained-feeds.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { StudentInput } from "../template/input.js";
import type { TemplateState } from "../template/template.js";
import { readInputs } from "./inputs.js";
import type { Precision, StudentManifest, StudentRuntime } from "./manifest.js";

/** What a student says of a text. */
export interface Answer {
  /** What was read: without the template, a dialogue joined. */
  readonly text: string;
  readonly label: string;
  /** Calibrated probability that the teacher would agree. */
  readonly probability: number;
  readonly decision: "keep" | "defer";
}

export interface Prediction extends Answer {
  /** Whether the template that was learned stood around the text; a text without it is answered as it is. */
  readonly template: TemplateState;
}

export interface Student {
  readonly manifest: StudentManifest;
  /** Why every answer is deferred, in one line: no gate was proved, or none for this form of the weights or in this runtime. */
  readonly unproved?: string;
  /** Logits of each text, [texts, labels] row-major; texts are read as they are, without a template. */
  logits(texts: readonly string[]): Promise<Float32Array>;
  /** One prediction per input, in order; the template that was learned is taken off. @throws InputError naming the index of an input
   *  that is neither text nor messages. */
  predict(inputs: readonly StudentInput[]): Promise<Prediction[]>;
  close(): Promise<void>;
}

/** Floats that one batch may occupy inside the graph: 32 MB, small enough for a browser tab. */
const BATCH_FLOATS = 8_000_000;
const MAX_BATCH = 64;
/** Size of a padded batch over that of its rows: above it another run of the graph costs less than the padding. */
const MAX_PADDED_RATIO = 1.1;

/** What a student reads of a text; a tokenizer where it reads pieces. */
export type StudentFeatures = StudentManifest["features"] & {
  readonly tokenizer?: Tokenizer;
  /** int8 products have one scale for the activations of a run: each text runs alone, so that no answer depends on its neighbours. */
  readonly oneByOne?: boolean;
};

interface TextFeatures {
  readonly linear?: SparseFeatures;
  readonly tokens?: readonly TokenFeatures[];
  readonly pieces?: Int32Array;
}

/** Stands for a text that a tokenizer without special tokens makes no piece of. */
const NO_PIECES = Int32Array.of(0);

/** Piece ids of a text, special tokens included, at least one; what lies beyond the longest text is not looked at. */
export function pieceIds(tokenizer: Tokenizer, text: string, maxTokens: number): Int32Array {
  const { ids } = tokenizer.encode(text.slice(0, MAX_TEXT_LENGTH), { maxTokens });
  return ids.length > 0 ? ids : NO_PIECES;
}

function featuresOf(text: string, features: StudentFeatures): TextFeatures {
  const { pieces, tokenizer } = features;
  if (pieces !== undefined) {
    if (tokenizer === undefined) throw new InvariantError("student: it reads pieces and was given no tokenizer");
    return { pieces: pieceIds(tokenizer, text, pieces.maxTokens) };
  }
  return {
    ...(features.linear === undefined ? {} : { linear: linearFeatures(text, features.linear) }),
    ...(features.tokens === undefined ? {} : { tokens: tokenFeatures(text, features.tokens) }),
  };
}

/** Pads sparse features to ids and values [B, N]; bucket 0 with value 0 stands for nothing. */
function linearFeeds(rows: readonly SparseFeatures[]): Record<string, Tensor> {
  const width = Math.max(1, ...rows.map((row) => row.ids.length));
  const ids = new Uint32Array(rows.length * width);
  const values = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    ids.set(row.ids, i * width);
    values.set(row.values, i * width);
  }
  const shape = [rows.length, width];
  return { "linear.ids": i64(shape, ids), "linear.values": f32(shape, values) };
}

function feedsOf(rows: readonly TextFeatures[], options: StudentFeatures): Readonly<Record<string, Tensor>> {
  if (options.pieces !== undefined) {
    const texts = rows.flatMap((row) => (row.pieces === undefined ? [] : [row.pieces]));
    return pretrainedFeeds(texts, options.pieces.maxTokens);
  }
  const linear = rows.flatMap((row) => (row.linear === undefined ? [] : [row.linear]));
  const tokens = rows.flatMap((row) => (row.tokens === undefined ? [] : [row.tokens]));
  return {
    ...(options.linear === undefined ? {} : linearFeeds(linear)),
    ...(options.tokens === undefined ? {} : encoderFeeds(tokens, options.tokens)),
  };
}

/** Floats that a row occupies inside the graph, roughly; it grows with the row's length. */
function floatsOf({ linear, tokens, pieces }: TextFeatures, labels: number): number {
  return (linear?.ids.length ?? 0) * labels + ((tokens?.length ?? 0) + (pieces?.length ?? 0)) * 8192;
}

/** Places of rows by batch of `most` rows, short rows with short ones, so that little of a batch is padding. */
export function batchesOf(floats: readonly number[], most = MAX_BATCH): readonly (readonly number[])[] {
  const places = [...floats.keys()].sort((a, b) => (floats[a] ?? 0) - (floats[b] ?? 0));
  const batches: number[][] = [];
  let [batch, used]: [number[], number] = [[], 0];
  for (const place of places) {
    const size = floats[place] ?? 0;
    const padded = size * (batch.length + 1);
    used += size;
    if (batch.length >= most || padded > BATCH_FLOATS || padded > MAX_PADDED_RATIO * used) {
      batch = [];
      used = size;
    }
    if (batch.length === 0) batches.push(batch);
    batch.push(place);
  }
  return batches;
}

/** How a graph of a precision is fed; a linear student has no products. */
export function readAs(precision: Precision, features: StudentFeatures): StudentFeatures {
  return { ...features, oneByOne: precision === "int8" && (features.tokens ?? features.pieces) !== undefined };
}

/** Logits [texts, labels] of an open serving graph. @throws InvariantError when the graph answers in another shape. */
export async function studentLogits(
  session: Session,
  options: StudentFeatures,
  labels: number,
  texts: readonly string[],
): Promise<Float32Array> {
  const features = texts.map((text) => featuresOf(text, options));
  const logits = new Float32Array(texts.length * labels);
  const floats = features.map((row) => floatsOf(row, labels));
  for (const batch of batchesOf(floats, options.oneByOne === true ? 1 : MAX_BATCH)) {
    const rows = batch.flatMap((place) => features[place] ?? []);
    const output = (await session.run(feedsOf(rows, options), ["logits"]))["logits"];
    if (output?.type !== "f32" || output.data.length !== batch.length * labels) {
      throw new InvariantError(`student: logits of another shape than [${batch.length}, ${labels}]`);
    }
    for (const [i, place] of batch.entries()) {
      logits.set(output.data.subarray(i * labels, (i + 1) * labels), place * labels);
    }
  }
  return logits;
}

/** The answers that logits [texts, labels] are, in order. */
export function answersOf(manifest: StudentManifest, texts: readonly string[], logits: Float32Array): Answer[] {
  const labels = manifest.labels.length;
  const threshold = manifest.gate.threshold ?? Infinity;
  return texts.map((text, i) => {
    const row = logits.subarray(i * labels, (i + 1) * labels);
    const { label, probability, score } = calibrate(manifest.calibrator, row);
    const decision = score >= threshold ? "keep" : "defer";
    return { text, label: manifest.labels[label] ?? "", probability, decision };
  });
}

/** Why the gate does not hold here; undefined where it does. */
function unprovedReason(
  { gate, runtimes = [] }: StudentManifest,
  precision: Precision,
  runtime: StudentRuntime,
): string | undefined {
  if (gate.threshold === null) return "no gate was proved for this student";
  if (precision !== "int8") return `the gate was proved for int8, not for ${precision}`;
  const proof = runtimes.find((proved) => proved.runtime === runtime);
  if (runtime === "node" || proof?.isProved === true) return undefined;
  return proof === undefined
    ? `the gate was not proved in the runtime ${runtime}: install onnxruntime-web beside joryu and run the same \`joryu run\` again`
    : `answers in the runtime ${runtime} differ too much for the gate to hold there`;
}

/** What a student consists of when it is open. */
export interface StudentParts {
  readonly manifest: StudentManifest;
  readonly session: Session;
  /** Where it reads pieces. */
  readonly tokenizer?: Tokenizer;
  readonly precision?: Precision;
  readonly runtime?: StudentRuntime;
}

/** Joins the parts to a student, which then owns the session. */
export function createStudent(parts: StudentParts): Student {
  const { session, tokenizer, precision = "int8", runtime = "node" } = parts;
  const unproved = unprovedReason(parts.manifest, precision, runtime);
  const manifest: StudentManifest =
    unproved === undefined
      ? parts.manifest
      : { ...parts.manifest, gate: { ...parts.manifest.gate, threshold: null, coverage: null } };
  const labels = manifest.labels.length;
  const features = readAs(precision, { ...manifest.features, ...(tokenizer !== undefined && { tokenizer }) });
  const logitsOf = (texts: readonly string[]): Promise<Float32Array> => studentLogits(session, features, labels, texts);
  return {
    manifest,
    ...(unproved !== undefined && { unproved }),
    logits: logitsOf,
    async predict(inputs) {
      const prompts = readInputs(inputs, manifest.template);
      const texts = prompts.map(({ text }) => text);
      const answers = answersOf(manifest, texts, await logitsOf(texts));
      return answers.map((answer, i) => ({ ...answer, template: prompts[i]?.template ?? "none" }));
    },
    close: () => session.close(),
  };
}
