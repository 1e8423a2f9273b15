/** @file What the planner knows of the data: counts and mean lengths, nothing of its content. */
import type { LabelDataset } from "../dataset/types.js";
import type { Pooling, PretrainedConfig } from "../models/families/index.js";
import { linearFeatures, tokenFeatures } from "../tokenizer/hashed-features.js";

/** A pretrained encoder that the user named, and what the texts use of it. */
export interface BaseFacts {
  /** Over config, tokenizer and weights. */
  readonly sha256: string;
  /** With as many positions as its longest text has pieces: those that stay. */
  readonly config: PretrainedConfig;
  readonly pooling: Pooling;
  /** Whether the base tells of its pooling; else a trial decides. */
  readonly poolingIsKnown: boolean;
  /** Pieces of the vocabulary that stay when it is trimmed to the texts. */
  readonly keptPieces: number;
  /** Pieces of a text, special tokens included. */
  readonly meanPieces: number;
  /** Texts that are longer than the base reads, and are cut. */
  readonly cutTexts: number;
}

/** Facts of a frozen data set that estimates depend on. */
export interface PlanFacts {
  /** Rows that may be trained on. */
  readonly trainRows: number;
  readonly sealedRows: number;
  readonly labels: number;
  /** UTF-8 bytes of all labels. */
  readonly labelBytes: number;
  readonly folds: number;
  /** Tokens of a text, cut at the encoder's limit. */
  readonly meanTokens: number;
  /** Distinct hashed n-grams of a text. */
  readonly meanFeatures: number;
  readonly base?: BaseFacts;
  /** Texts without answers that a base may answer for its students; none when absent. */
  readonly transferRows?: number;
  readonly callsPerMonth?: number;
  /** How often the teacher agrees with itself: no student can agree more. */
  readonly ceilingRatio?: number;
}

/** Rows that are featurised for the means: enough for 2 % precision, quick on any data set. */
const SAMPLED_ROWS = 1000;
/** Means are counted with the middle table and the encoder's own cut. */
const COUNTED_BUCKETS = 8192;
const COUNTED_TOKENS = 128;

/** Counts a data set for the planner; deterministic. */
export function planFacts(dataset: LabelDataset): PlanFacts {
  const sealedRows = dataset.rows.filter(({ sealed }) => sealed).length;
  const stride = Math.max(1, Math.floor(dataset.rows.length / SAMPLED_ROWS));
  const sample = dataset.rows.filter((_, index) => index % stride === 0);
  let [tokens, features] = [0, 0];
  for (const { text } of sample) {
    tokens += tokenFeatures(text, { buckets: COUNTED_BUCKETS, maxTokens: COUNTED_TOKENS }).length;
    features += linearFeatures(text, { wordBuckets: COUNTED_BUCKETS, characterBuckets: COUNTED_BUCKETS }).ids.length;
  }
  const { callsPerMonth } = dataset.traffic;
  const ceilingRatio = dataset.teacherSelfAgreement?.ceilingRatio;
  return {
    trainRows: dataset.rows.length - sealedRows,
    sealedRows,
    labels: dataset.labels.length,
    labelBytes: dataset.labels.reduce((sum, label) => sum + Buffer.byteLength(label), 0),
    folds: dataset.folds,
    meanTokens: Math.max(1, tokens / Math.max(1, sample.length)),
    meanFeatures: Math.max(1, features / Math.max(1, sample.length)),
    ...(callsPerMonth === undefined ? {} : { callsPerMonth }),
    ...(ceilingRatio === undefined ? {} : { ceilingRatio }),
  };
}
