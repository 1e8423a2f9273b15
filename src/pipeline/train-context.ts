/** @file What every training of a run works with, and what it gives: rows that are not sealed, the base, the folder that keeps its stages. */
import type { LabelDataset, Row } from "../dataset/types.js";
import type { Pooling } from "../models/pretrained.js";
import type { Base } from "./pretrained/base.js";
import type { Progress } from "./progress.js";
import type { RunFolder } from "./run-folder.js";

/** What the trial of the ways to make one vector of a text found. */
export interface PoolingTrial {
  readonly chosen: Pooling;
  /** Rows that both were asked. */
  readonly rows: number;
  /** Share of them that each had right. */
  readonly meanRatio: number;
  readonly clsRatio: number;
  /** McNemar's exact p of the difference. */
  readonly pValue: number;
}

export interface TrainContext {
  readonly dataset: LabelDataset;
  /** The pretrained encoder that the user named. */
  readonly base?: Base;
  /** How its pooling was chosen, where its folder does not tell. */
  readonly poolingTrial?: PoolingTrial;
  /** Unsealed rows, in the order of the dataset. */
  readonly rows: readonly Row[];
  /** Texts without answers that a base may answer for its students. */
  readonly transfer?: readonly string[];
  readonly folder: RunFolder;
  readonly progress: Progress;
  readonly threads: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Logits of rows that the model that gave them has not seen. */
export interface OutOfFold {
  /** Indices into the unsealed rows. */
  readonly rows: Uint32Array;
  /** [rows, labels] */
  readonly logits: Float32Array;
}

/** What a row is trained on: the right answer where it is known and one of the labels, else the teacher's. */
export function trainingLabel(row: Row): number {
  return row.gold !== undefined && row.gold >= 0 ? row.gold : row.label;
}
