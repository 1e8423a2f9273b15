/** @file The typed specs of encoder trainings, from scratch and of a pretrained encoder, and their result: plain JSON and typed
 *  arrays, so that they cross a thread boundary. */
import type { EncoderConfig } from "../models/encoder.js";
import type { PretrainedModel } from "../models/pretrained.js";
import type { InnerLossSpec } from "./inner-losses.js";
import type { LossSpec } from "./losses.js";

/** What every training is told. */
export interface TrainSettings {
  /** Index of the teacher's answer per text, [N]. */
  readonly labels: Int32Array;
  /** Weight of each text, [N]: how often it occurred, times what evens out the classes. */
  readonly weights: Float32Array;
  /** Teacher probabilities [N, labelCount + 1]: 0 or NaN marks a label that the log does not list, the last entry is
   *  the mass of all of these together. A row of zeros or NaN has no soft labels. */
  readonly softLabels?: Float32Array;
  readonly labelCount: number;
  readonly losses: readonly LossSpec[];
  /** The learning-rate schedule spans these epochs. */
  readonly epochs: number;
  /** Stops after this many epochs of the schedule, e.g. the best epoch found on held-out rows. */
  readonly stopAfterEpochs?: number;
  /** Gives the weights of the last epoch, so that the labels of held-out rows decide nothing; else those of the epoch with the least held-out loss. */
  readonly keepLast?: boolean;
  readonly batchSize: number;
  /** Rows of one gradient computation; smaller than `batchSize` trades speed for memory. */
  readonly microBatchSize?: number;
  readonly learningRate: number;
  /** Times the learning rate, for the sparse input table. */
  readonly tableLearningRateRatio: number;
  /** Share of all steps in which the learning rate rises from 0. */
  readonly warmupRatio: number;
  readonly decay: "linear" | "cosine";
  readonly weightDecay: number;
  /** Largest L2 norm of the gradient of all weights of a step. */
  readonly gradientClip: number;
  /** Chance that an activation is dropped, realised in steps of 1/256. */
  readonly dropout: number;
  /** Chance that a whole token is dropped. */
  readonly tokenDropout: number;
  readonly seed: number;
  /** Rows that are never trained on, evaluated after each epoch. */
  readonly holdout?: Uint32Array;
}

/** A label encoder from scratch. */
export interface EncoderTrainSpec extends TrainSettings {
  readonly texts: readonly string[];
  readonly config: EncoderConfig;
}

/** What stays as it is, from the bottom up. */
export interface Frozen {
  readonly embeddings: boolean;
  /** So many of the lowest layers; needs frozen embeddings, for a gradient that goes through layers costs what theirs does. */
  readonly layers: number;
}

/** An encoder whose inner representations are taught. It reads the same token ids as the student. */
export interface InnerTeacher {
  readonly model: Pick<PretrainedModel, "config">;
  /** By parameter name, the word table whole; a head is not needed. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly losses: readonly InnerLossSpec[];
}

/** Fine-tuning of a pretrained encoder with a label head. */
export interface PretrainedTrainSpec extends TrainSettings {
  /** Token ids of each text with its special tokens, 1 to `model.maxTokens`. */
  readonly sequences: readonly Int32Array[];
  readonly model: Omit<PretrainedModel, "labelCount">;
  /** Weights by parameter name, the word table whole; a head that is missing starts fresh. */
  readonly start: ReadonlyMap<string, Float32Array>;
  /** Nothing unless told. */
  readonly frozen?: Frozen;
  /** Each layer learns this much slower than the one above it, the embeddings slowest; 1 where absent. */
  readonly layerDecay?: number;
  /** Trains with word rows and linear weights rounded to the steps of int8; the weights that come back are not rounded. */
  readonly quantizationAware?: boolean;
  /** What is taught beside the labels; its answers come as soft labels. */
  readonly teacher?: InnerTeacher;
}

export type TrainSpec = EncoderTrainSpec | PretrainedTrainSpec;

/** What is left to choose once the data is known; measured on Banking77 training rows (bench/encoder-tuning.ts). */
export const ENCODER_TRAIN_DEFAULTS = {
  epochs: 16,
  batchSize: 32,
  learningRate: 2e-3,
  tableLearningRateRatio: 40,
  warmupRatio: 0.06,
  decay: "linear",
  weightDecay: 0.05,
  gradientClip: 1,
  dropout: 0.15,
  tokenDropout: 0.1,
} as const satisfies Partial<EncoderTrainSpec>;

export interface EpochHistory {
  /** 1-based. */
  readonly epoch: number;
  /** Optimiser steps done by the end of the epoch. */
  readonly step: number;
  /** Mean of the steps' losses, as the loss specs define them. */
  readonly trainLoss: number;
  /** Mean negative log-likelihood of the held-out rows' labels, nats. */
  readonly holdoutLoss?: number;
  readonly holdoutAccuracy?: number;
}

export interface EncoderTrainResult {
  /** Trained weights by parameter name, the table included; of the best epoch when rows are held out, else of the last. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly history: readonly EpochHistory[];
  /** 1-based; the last epoch when nothing is held out. */
  readonly bestEpoch: number;
  /** [holdout, labelCount] of the best epoch. */
  readonly holdoutProbabilities?: Float32Array;
  readonly stopped: "finished" | "aborted";
  /** The loss with the user's numbers. */
  readonly formula: readonly string[];
}

export interface TrainProgress {
  readonly phase: "prepare" | "self-check" | "train" | "evaluate" | "done";
  readonly step: number;
  readonly steps: number;
  /** Loss of the last step; NaN before the first. */
  readonly loss: number;
  readonly epoch: number;
}

/** Settings of fine-tuning where none are told: those of a first trial (LOG.md), not tuned yet. */
export const PRETRAINED_TRAIN_DEFAULTS = {
  ...ENCODER_TRAIN_DEFAULTS,
  epochs: 4,
  learningRate: 2e-4,
  tableLearningRateRatio: 1,
  weightDecay: 0.01,
  dropout: 0.1,
  tokenDropout: 0,
} as const satisfies Partial<PretrainedTrainSpec>;
