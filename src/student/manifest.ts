/** @file joryu.json, the heart of a model folder: what a student is, where it came from, how far it may be trusted.
 *  Untrusted input: every field is checked, sizes are limited. Holds no measured value, so that equal runs write equal bytes. */
import { z } from "zod";
import { InputError } from "../errors.js";
import { parseCalibrator } from "./calibrator.js";

/** A workload with more labels than this is no closed label set. */
export const MAX_LABELS = 10_000;
/** Where the graphs of every student lie, and the 4-bit one. */
export const GRAPH_FILES = { int8: "onnx/model_int8.onnx", fp32: "onnx/model.onnx" } as const;
export const INT4_FILE = "onnx/model_q4.onnx";
/** Protocol buffers, which ONNX files are, end at 2 GiB. */
const MAX_GRAPH_BYTES = 2 ** 31 - 1;
/** A graph holds each weight in 4 bytes at most, some in a second form besides. */
const MAX_BYTES_PER_PARAMETER = 8;
/** Room for what is no weight, and for parameters counted before the vocabulary was known. */
const GRAPH_OVERHEAD_BYTES = 256 * 1024 * 1024;
/** joryu.json may be this large: 10,000 long labels fit. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;
/** Largest hash table that a student may ask for: 2^24 rows is 16 million. */
const MAX_BUCKETS = 1 << 24;

const buckets = z.int().min(1).max(MAX_BUCKETS);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const ratio = z.number().min(0).max(1);

const estimate = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

const manifestSchema = z.strictObject({
  format: z.literal("joryu-student-1"),
  /** By `openStudent` alone, because hashed features are no Hugging Face model, or by transformers.js too. */
  opensWith: z.enum(["joryu", "transformers.js"]),
  name: z.string().max(200),
  kind: z.enum(["linear", "encoder", "joined", "pretrained"]),
  labels: z.array(z.string().max(10_000)).min(1).max(MAX_LABELS),
  features: z.strictObject({
    linear: z.strictObject({ wordBuckets: buckets, characterBuckets: buckets }).optional(),
    tokens: z.strictObject({ buckets, maxTokens: z.int().min(1).max(4096) }).optional(),
    /** Pieces of the folder's tokenizer.json, special tokens included in `maxTokens`. */
    pieces: z.strictObject({ maxTokens: z.int().min(1).max(131_072), tokenizerSha256: sha256 }).optional(),
  }),
  template: z.strictObject({
    system: z.string(),
    userPrefix: z.string(),
    userSuffix: z.string(),
    /** Other wordings of the prompt that are one task with it. */
    variants: z
      .array(z.strictObject({ userPrefix: z.string(), userSuffix: z.string() }))
      .max(1000)
      .readonly()
      .optional(),
    /** Example turns before a question, which are left out: constant ones, or others in each call. */
    examples: z
      .union([
        z.literal("drawn"),
        z
          .array(z.strictObject({ role: z.string(), content: z.string() }))
          .max(1000)
          .readonly(),
      ])
      .optional(),
  }),
  /** int4 is there where it was asked for; transformers.js knows it as `dtype: "q4"`. */
  files: z.strictObject({
    int8: z.literal(GRAPH_FILES.int8),
    fp32: z.literal(GRAPH_FILES.fp32),
    int4: z.literal(INT4_FILE).optional(),
  }),
  /** SHA-256 of each graph and of the trained weights that all were made from. */
  sha256: z.strictObject({ int8: sha256, fp32: sha256, int4: sha256.optional(), weights: sha256 }),
  calibrator: z.unknown().transform(parseCalibrator),
  gate: z.strictObject({
    /** Which risk epsilon bounds: of all answers that leave the cascade, or of the kept ones. Folders of before the choice promise the latter. */
    promise: z.enum(["delivered", "kept"]).default("kept"),
    threshold: z.number().nullable(),
    epsilon: ratio,
    delta: ratio,
    coverage: ratio.nullable(),
  }),
  evaluation: z
    .strictObject({
      sealedRows: z.int().min(0),
      sealedCalls: z.int().min(0).optional(),
      agreement: estimate,
      goldAccuracy: estimate.optional(),
    })
    .nullable(),
  parity: z.array(
    z.strictObject({
      artefact: z.string(),
      top1Agreement: ratio,
      maxProbabilityDifference: z.number(),
      rows: z.int(),
    }),
  ),
  /** Runtimes besides Node's in which the int8 graph answered the sealed rows: how many with the same label and decision, and whether these
   *  answers prove the gate too. A runtime that is not here was not tried. */
  runtimes: z
    .array(
      z.strictObject({
        runtime: z.enum(["wasm"]),
        rows: z.int().min(0),
        sameAnswers: z.int().min(0),
        maxProbabilityDifference: z.number(),
        isProved: z.boolean(),
      }),
    )
    .optional(),
  parameters: z.int().min(0),
  lineage: z.strictObject({
    dataset: z.string(),
    /** What the dataset holds of the traffic; who and when of each call stand in its `calls.jsonl`. */
    traffic: z
      .strictObject({ calls: z.int().min(0), firstMs: z.number().optional(), lastMs: z.number().optional() })
      .optional(),
    seed: z.int(),
    teacher: z.array(z.string()),
    plan: z.string(),
    loss: z.string(),
    joryu: z.string(),
  }),
});

export type StudentManifest = z.infer<typeof manifestSchema>;

/** Where a student can run. */
export type StudentRuntime = "node" | NonNullable<StudentManifest["runtimes"]>[number]["runtime"];

/** Forms of a student's weights, each a graph of its own. */
export type Precision = keyof StudentManifest["files"];

/** What a graph of this student can have at most, in bytes: more is not read. */
export function maxGraphBytes({ parameters }: Pick<StudentManifest, "parameters">): number {
  return Math.min(MAX_GRAPH_BYTES, GRAPH_OVERHEAD_BYTES + MAX_BYTES_PER_PARAMETER * parameters);
}

/** Parses joryu.json. @throws InputError naming the field that is wrong. */
export function parseManifest(text: string, where: string): StudentManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${where}: not JSON`, { hint: "the folder is no Joryu student or was cut off", cause });
  }
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join(".") ?? "";
  throw new InputError(`${where}: field ${field === "" ? "(root)" : field}: ${issue?.message ?? "unusable"}`, {
    hint: "export the student again",
  });
}
