/** @file The state of a training: weights, moments, the best epoch so far. It goes into a checkpoint whole and comes
 *  back bit for bit. Knows no session and no data. */
import { createHash } from "node:crypto";
import { StoreError } from "../errors.js";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { type AdamMemory, createAdamMemory } from "../runtime/adam-memory.js";
import { firstNonFinite } from "../tensor/finite.js";
import { ADAM } from "./adam.js";
import type { EpochHistory, TrainSettings, TrainSpec } from "./spec.js";
import type { TrainedEncoder } from "./trained-encoder.js";

export interface BestEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly dense: Float32Array;
  readonly table: Float32Array;
  readonly probabilities: Float32Array;
}

export interface TrainState {
  readonly dense: AdamMemory;
  readonly table: AdamMemory;
  /** Optimiser steps done. */
  step: number;
  /** Sum of the losses of the steps done in the running epoch. */
  epochLoss: number;
  history: EpochHistory[];
  best: BestEpoch | undefined;
}

function memoryOf(weights: Float32Array, first?: Float32Array, second?: Float32Array): AdamMemory {
  const memory = createAdamMemory(weights.length, ADAM);
  memory.weights.set(weights);
  if (first !== undefined) memory.first.set(first);
  if (second !== undefined) memory.second.set(second);
  return memory;
}

/** State before the first step, a function of the spec alone. */
export function startState(encoder: TrainedEncoder): TrainState {
  const [dense, table] = [memoryOf(encoder.startDense()), memoryOf(encoder.startTable())];
  return { dense, table, step: 0, epochLoss: 0, history: [], best: undefined };
}

/** Hash of values, of the arrays in maps at any depth too. */
function hashOf(values: Iterable<unknown>): string {
  const hash = createHash("sha256");
  const add = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else if (value instanceof Map) for (const entry of value) entry.forEach(add);
    else if (Array.isArray(value)) value.forEach(add);
    else
      hash.update(JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? hashOf(part) : part)) ?? "-");
    hash.update("|");
  };
  for (const value of values) add(value);
  return hash.digest("hex");
}

/** Hash of everything that decides the weights, so that a checkpoint is resumed by its own run alone. */
export function specFingerprint(spec: TrainSpec): string {
  return hashOf(Object.entries(spec).flat());
}

interface SavedState {
  readonly step: number;
  readonly epochLoss: number;
  readonly history: readonly EpochHistory[];
  readonly best?: { readonly epoch: number; readonly loss: number };
}

/** Writes the state atomically. @throws StoreError */
export async function saveState(path: string, fingerprint: string, state: TrainState): Promise<void> {
  const arrays = new Map<string, Float32Array>();
  for (const part of ["dense", "table"] as const) {
    for (const field of ["weights", "first", "second"] as const) arrays.set(`${part}.${field}`, state[part][field]);
  }
  const { best } = state;
  if (best !== undefined) {
    for (const field of ["dense", "table", "probabilities"] as const) arrays.set(`best.${field}`, best[field]);
  }
  const saved: SavedState = {
    step: state.step,
    epochLoss: state.epochLoss,
    history: state.history,
    ...(best && { best: { epoch: best.epoch, loss: best.loss } }),
  };
  await writeCheckpoint(path, { fingerprint, state: saved, arrays });
}

/** The saved state of the same spec; undefined when there is none. @throws StoreError when the file is damaged or of
 *  another spec. */
export async function loadState(
  path: string,
  fingerprint: string,
  spec: TrainSettings,
  { layout, table }: Pick<TrainedEncoder, "layout" | "table">,
): Promise<TrainState | undefined> {
  const checkpoint = await readCheckpoint(path);
  if (checkpoint === undefined) return undefined;
  if (checkpoint.fingerprint !== fingerprint) {
    throw new StoreError(`checkpoint ${path}: belongs to a training with other data or settings`, {
      hint: "delete it or name another path",
    });
  }
  const saved = checkpoint.state as SavedState;
  const take = (name: string, length: number): Float32Array => takeArray(path, checkpoint, name, length);
  const tableLength = table.rows * table.width;
  const load = (part: string, length: number): AdamMemory =>
    memoryOf(take(`${part}.weights`, length), take(`${part}.first`, length), take(`${part}.second`, length));
  const holdout = (spec.holdout?.length ?? 0) * spec.labelCount;
  const bestArrays = (): Pick<BestEpoch, "dense" | "table" | "probabilities"> => ({
    dense: take("best.dense", layout.length),
    table: take("best.table", tableLength),
    probabilities: take("best.probabilities", holdout),
  });
  return {
    dense: load("dense", layout.length),
    table: load("table", tableLength),
    step: saved.step,
    epochLoss: saved.epochLoss,
    history: [...saved.history],
    best: saved.best && { ...saved.best, ...bestArrays() },
  };
}

function takeArray(path: string, checkpoint: Checkpoint, name: string, length: number): Float32Array {
  const data = checkpoint.arrays.get(name);
  if (data?.length !== length) {
    throw new StoreError(`checkpoint ${path}: ${name} has ${data?.length ?? 0} values, expected ${length}`, {
      hint: "delete it to start again",
    });
  }
  const at = firstNonFinite(data);
  if (at >= 0) {
    throw new StoreError(`checkpoint ${path}: value ${at} of ${name} is ${data[at]}, expected finite numbers`, {
      hint: "delete it to start again, with a lower learning rate",
    });
  }
  return data;
}
