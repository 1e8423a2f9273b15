/** @file The transfer set of a distillation: texts without answers, which a teacher answers while it trains a student. Nothing of the
 *  sealed rows gets in, nor what stands in the labelled rows anyway, by the near-duplicate rule of the split (`dedupe.ts`). Seeded, pure;
 *  knows no teacher and no file. */
import { createHash } from "node:crypto";
import { createRandom, permutation } from "../random.js";
import { nearDuplicateFinder } from "./dedupe.js";
import { foldLabel } from "./labels.js";
import { normaliseText } from "./rows.js";
import { stripTemplate } from "../template/template.js";
import type { LabelDataset } from "./types.js";

/** More than a CPU can teach from in the minutes users give; the texts are held in memory. */
export const MAXIMUM_TRANSFER = 50_000;

export interface TransferCounts {
  /** Distinct texts that were given, but for case and space. */
  readonly texts: number;
  /** Left out: a sealed row or a near-duplicate of one. */
  readonly sealed: number;
  /** Left out: a labelled row or a near-duplicate of one. */
  readonly labelled: number;
  /** Left out by seed, because there are more than `MAXIMUM_TRANSFER`. */
  readonly thinned: number;
}

export interface TransferSet {
  /** In an order drawn by seed, so that its beginning is a fair sample. */
  readonly texts: readonly string[];
  readonly counts: TransferCounts;
  /** Over the texts in their order. */
  readonly hash: string;
}

const folded = (text: string): string => foldLabel(normaliseText(text));

/** Distinct texts without the template's constant parts, under their folded spelling, in order of first appearance. */
function distinct(texts: readonly string[], template: LabelDataset["template"]): Map<string, string> {
  const found = new Map<string, string>();
  for (const given of texts) {
    const text = stripTemplate(given.trim(), template).trim();
    const key = folded(text);
    if (key !== "" && !found.has(key)) found.set(key, text);
  }
  return found;
}

/** The texts that may teach students of a dataset, a sample by seed where they are more than `limit`. */
export function selectTransfer(
  given: readonly string[],
  dataset: LabelDataset,
  seed: number,
  limit = MAXIMUM_TRANSFER,
): TransferSet {
  const finderOf = (sealed: boolean): ((key: string, text: string) => boolean) => {
    const known = dataset.rows.filter((row) => row.sealed === sealed).map(({ text }) => text);
    const equal = new Set(known.map(folded));
    const isNear = nearDuplicateFinder(known, seed);
    return (key, text) => equal.has(key) || isNear(text);
  };
  const [isSealed, isLabelled] = [finderOf(true), finderOf(false)];
  const candidates = distinct(given, dataset.template);
  const free: string[] = [];
  let [sealed, labelled] = [0, 0];
  for (const [key, text] of candidates) {
    if (isSealed(key, text)) sealed++;
    else if (isLabelled(key, text)) labelled++;
    else free.push(text);
  }
  const order = permutation(free.length, createRandom(seed, "transfer"));
  const texts = Array.from(order.subarray(0, limit), (i) => free[i] ?? "");
  const counts = { texts: candidates.size, sealed, labelled, thinned: free.length - texts.length };
  return { texts, counts, hash: createHash("sha256").update(JSON.stringify(texts)).digest("hex") };
}
