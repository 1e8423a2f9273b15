/** @file Hidden states of a teacher for the texts of a training, once for all epochs, so that no step need run the teacher: in memory and half
 *  precision, as long as they are few enough. */
import { KEPT_STATE_BYTES, stateBytes } from "../models/accounting.js";
import { packF16, unpackF16 } from "../tensor/half.js";
import { f32, type Tensor } from "../tensor/tensor.js";
import { eachHiddenStates } from "./answers.js";
import { teacherLayersOf } from "./inner-losses.js";
import type { PretrainedTrainSpec } from "./spec.js";

const LARGEST_HALF = 65_504;

/** Where a batch lies in a padded tensor. */
interface PaddedRows {
  readonly rows: Uint32Array;
  readonly columns: number;
  /** How often the whole batch stands below itself. */
  readonly copies: number;
}

export interface TaughtStates {
  /** Of the teacher, ascending; 0 are the embeddings. */
  readonly layers: readonly number[];
  /** f32 [copies * rows, columns, teacher width] of each layer by input name, zeros in padding. */
  feeds(batch: PaddedRows): Readonly<Record<string, Tensor>>;
}

/** Input of the training graph for a layer's hidden states. */
export function stateInput(layer: number): string {
  return `teacher.hidden${layer}`;
}

/** Hidden states of the rows that are trained on. Undefined where the losses read more of the teacher, a single epoch would read them once, they
 *  are too many or too large, or the training is to stop. */
export async function taughtStates(
  { teacher, sequences, model, epochs }: PretrainedTrainSpec,
  trainRows: Uint32Array,
  { threads, shouldStop }: { readonly threads: number; readonly shouldStop?: () => boolean },
): Promise<TaughtStates | undefined> {
  const layers = teacherLayersOf(teacher?.losses ?? []) ?? [];
  if (teacher === undefined || layers.length === 0 || epochs < 2) return undefined;
  const { config } = teacher.model;
  const { width } = config;
  const texts = Array.from(trainRows, (row) => sequences[row] ?? new Int32Array());
  const tokens = texts.reduce((sum, { length }) => sum + length, 0);
  if (stateBytes({ tokens, width, layers: layers.length }) > KEPT_STATE_BYTES) return undefined;
  const packed = new Map<number, readonly Uint16Array[]>();
  const stopping = new AbortController();
  const keep = (text: number, states: readonly Float32Array[]): void => {
    const fits = states.every((state) => state.every((value) => Math.abs(value) <= LARGEST_HALF));
    if (!fits || shouldStop?.() === true) stopping.abort();
    packed.set(trainRows[text] ?? 0, states.map(packF16));
  };
  const options = { threads, signal: stopping.signal };
  try {
    await eachHiddenStates({ ...model, config }, teacher.weights, { sequences: texts, layers }, options, keep);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
  if (stopping.signal.aborted) return undefined;
  return {
    layers,
    feeds: ({ rows, columns, copies }) =>
      Object.fromEntries(
        layers.map((layer, at) => {
          const values = new Float32Array(copies * rows.length * columns * width);
          for (let b = 0; b < copies * rows.length; b++) {
            const state = packed.get(rows[b % rows.length] ?? 0)?.[at];
            if (state !== undefined) unpackF16(state, values, b * columns * width);
          }
          return [stateInput(layer), f32([copies * rows.length, columns, width], values)];
        }),
      ),
  };
}
