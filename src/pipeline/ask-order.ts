/** @file Which texts a teacher is asked about first where the budget may not reach all. Two parts, kept apart from the start: texts for
 *  the proof are drawn at random, by group, for a proof on chosen texts would say nothing of the traffic; of the others, those whose two
 *  likeliest labels are nearest in a linear student of the answers so far come first (margin sampling, Scheffer et al. 2001). Measured
 *  against random order, k-center and feature coverage: LOG.md. Knows no server and no money. */
import { groupTexts, type TextRow } from "../dataset/texts.js";
import { wantedRows } from "../sealing.js";
import { fitLinear, type FitOptions } from "../distill/linear-fit.js";
import { softmaxRow } from "../softmax.js";
import { createRandom, permutation } from "../random.js";
import type { AskOrder } from "../teacher/label.js";

/** Enough answers for a first model of a few dozen labels, and for the least proof. */
const FIRST_ROUND = 500;
/** A first model has seen most labels. */
const FIRST_ROUND_PER_LABEL = 6;
/** A new model after half as many answers again. */
const GROWTH = 1.5;
/** Scores held at a time, texts times labels: 80 MB. */
const MAXIMUM_SCORES = 20_000_000;
/** A larger group is not held back for the proof: it would be most of it. */
const LARGEST_PROOF_GROUP_RATIO = 0.01;
const LINEAR = { epochs: 8, learningRate: 0.3, l2: 0, labelSmoothing: 0.05 } as const;
const FEATURES = { wordBuckets: 4096, characterBuckets: 4096 } as const;

export interface InformativeOrder {
  readonly order: AskOrder;
  /** test for the texts that were drawn for the proof; undefined where the data name their own split. */
  sideOf(row: number): "train" | "test" | undefined;
}

interface Parts {
  readonly proof: readonly number[];
  readonly train: readonly number[];
}

function shuffled(rows: readonly number[], seed: number, name: string): number[] {
  return Array.from(permutation(rows.length, createRandom(seed, name)), (i) => rows[i] ?? 0);
}

/** Texts for the proof and the others, each in random order. */
function partsOf(texts: readonly TextRow[], hasSplit: boolean, seed: number): Parts {
  const rows = shuffled([...texts.keys()], seed, "ask-order");
  if (hasSplit) {
    const isTest = (row: number): boolean => texts[row]?.meta.split === "test";
    return { proof: rows.filter(isTest), train: rows.filter((row) => !isTest(row)) };
  }
  const groups = groupTexts(texts, seed);
  const members = new Map<number, number[]>();
  for (const row of rows) {
    const group = groups[row] ?? 0;
    const own = members.get(group);
    if (own === undefined) members.set(group, [row]);
    else own.push(row);
  }
  const wanted = wantedRows(texts.length);
  const largest = Math.max(1, Math.floor(wanted * LARGEST_PROOF_GROUP_RATIO));
  const proof: number[] = [];
  for (const own of members.values()) {
    if (proof.length >= wanted) break;
    if (own.length <= largest) proof.push(...own);
  }
  const held = new Set(proof);
  return { proof, train: rows.filter((row) => !held.has(row)) };
}

/** Both lists in one, each spread evenly, so that a budget that ends anywhere leaves both their share. */
export function interleave(a: readonly number[], b: readonly number[]): number[] {
  const placed = [a, b].flatMap((list) => list.map((row, i) => ({ row, at: (i + 0.5) / list.length })));
  return placed.toSorted((x, y) => x.at - y.at).map(({ row }) => row);
}

/** The rows with the least distance between their two likeliest labels, least first. */
async function leastMargins(
  candidates: readonly number[],
  count: number,
  known: {
    readonly texts: readonly TextRow[];
    readonly labels: readonly (string | undefined)[];
    readonly seed: number;
  },
  train: readonly number[],
  options: FitOptions,
): Promise<number[]> {
  const { texts, labels, seed } = known;
  const names = [...new Set(train.map((row) => labels[row] ?? ""))].toSorted();
  if (names.length < 2) return candidates.slice(0, count);
  const scored = candidates.slice(0, Math.max(count, Math.floor(MAXIMUM_SCORES / names.length)));
  const job = {
    texts: train.map((row) => texts[row]?.text ?? ""),
    targets: Int32Array.from(train, (row) => names.indexOf(labels[row] ?? "")),
    classes: names.length,
    features: FEATURES,
    heldOut: scored.map((row) => texts[row]?.text ?? ""),
    ...LINEAR,
    seed,
  };
  const { heldOutLogits } = await fitLinear(job, options);
  const margins = scored.map((row, i) => {
    const [first = 0, second = 0] = softmaxRow(heldOutLogits, i * names.length, names.length).toSorted((a, b) => b - a);
    return { row, margin: first - second };
  });
  return margins
    .toSorted((a, b) => a.margin - b.margin)
    .slice(0, count)
    .map(({ row }) => row);
}

/** An order of asking that puts the most informative texts first and a fair sample for the proof beside them. The same texts, answers and
 *  seed give the same order. */
export function informativeOrder(
  texts: readonly TextRow[],
  labelCount: number,
  seed: number,
  options: FitOptions & { readonly onRound?: (round: number, answers: number) => void } = {},
): InformativeOrder {
  const hasSplit = texts.some(({ meta }) => meta.split !== undefined);
  const { proof, train } = partsOf(texts, hasSplit, seed);
  const held = new Set(proof);
  const given = new Set<number>();
  const first = Math.max(FIRST_ROUND, FIRST_ROUND_PER_LABEL * labelCount);
  const order: AskOrder = async ({ round, labels }) => {
    const total = Math.min(texts.length, Math.ceil(first * GROWTH ** round));
    const openProof = proof.filter((row) => !given.has(row));
    const openTrain = train.filter((row) => !given.has(row));
    const proofCount = Math.max(0, wantedRows(total) - (proof.length - openProof.length));
    const proofRows = total === texts.length ? openProof : openProof.slice(0, proofCount);
    const trainCount = Math.max(0, total - given.size - proofRows.length);
    const answered = train.filter((row) => given.has(row) && labels[row] !== undefined);
    if (round > 0 && openTrain.length > trainCount) options.onRound?.(round, answered.length);
    const trainRows =
      round === 0 || openTrain.length <= trainCount
        ? openTrain.slice(0, trainCount)
        : await leastMargins(openTrain, trainCount, { texts, labels, seed }, answered, options);
    const rows = interleave(proofRows, trainRows);
    for (const row of rows) given.add(row);
    return rows;
  };
  return { order, sideOf: (row) => (hasSplit ? undefined : held.has(row) ? "test" : "train") };
}
