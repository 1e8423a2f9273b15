/** @file Texts to token types once, and rows to batches each epoch: shuffled by (seed, epoch), then sorted by length
 *  inside pools so that little of a batch is padding (length bucketing). Knows no weights and no graph. */
import type { EncoderConfig } from "../models/encoder.js";
import { createRandom, permutation } from "../random.js";
import { tokenFeatures } from "../tokenizer/hashed-features.js";

/** Texts as sequences of token types; a type is a distinct set of buckets. */
export interface TokenisedTexts {
  /** Type ids of each text, at least one. */
  readonly sequences: readonly Int32Array[];
  /** Bucket ids of each type; type 0 has none and stands for an empty text. */
  readonly types: readonly Uint32Array[];
}

/** Cuts and hashes every text once. */
export function tokeniseTexts(texts: readonly string[], config: EncoderConfig): TokenisedTexts {
  const types: Uint32Array[] = [new Uint32Array(0)];
  const known = new Map<string, number>();
  const sequences = texts.map((text) => {
    const tokens = tokenFeatures(text, { buckets: config.buckets, maxTokens: config.maxTokens });
    if (tokens.length === 0) return new Int32Array(1);
    return Int32Array.from(tokens, ({ ids }) => {
      const key = ids.join(",");
      const type = known.get(key) ?? types.push(ids) - 1;
      known.set(key, type);
      return type;
    });
  });
  return { sequences, types };
}

/** Batches of a pool are sorted by length together: more saves padding, fewer mixes better. */
const POOL_BATCHES = 64;

export interface BatchOptions {
  readonly batchSize: number;
  readonly seed: number;
  readonly epoch: number;
}

/** The batches of one epoch: `rows` in random order, each row once. */
export function epochBatches(
  rows: Uint32Array,
  sequences: readonly Int32Array[],
  options: BatchOptions,
): Uint32Array[] {
  const { batchSize, seed, epoch } = options;
  const order = permutation(rows.length, createRandom(seed, `rows/${epoch}`)).map((i) => rows[i] ?? 0);
  const batches: Uint32Array[] = [];
  for (let start = 0; start < order.length; start += batchSize * POOL_BATCHES) {
    const pool = sortedByLength(order.subarray(start, start + batchSize * POOL_BATCHES), sequences);
    for (let i = 0; i < pool.length; i += batchSize) batches.push(pool.subarray(i, i + batchSize));
  }
  const shuffled = permutation(batches.length, createRandom(seed, `batches/${epoch}`));
  return Array.from(shuffled, (i) => batches[i] ?? new Uint32Array(0));
}

/** The same rows, short texts first; equal lengths keep their order. */
export function sortedByLength(rows: Uint32Array, sequences: readonly Int32Array[]): Uint32Array {
  const length = (row: number): number => sequences[row]?.length ?? 0;
  return Uint32Array.from(Array.from(rows).sort((a, b) => length(a) - length(b)));
}

/** Optimiser steps of one epoch. */
export function stepsPerEpoch(rows: number, batchSize: number): number {
  return Math.ceil(rows / batchSize);
}
