/** @file The sparse front of a training batch: the mean of a token's table rows plus its position's row, and the
 *  exact gradient back to the touched rows. Sums run in a fixed order in one thread, so they are bit-stable. It is
 *  `embeddingBag` with equal token types computed once; the serving graph does the same with that op. Knows no
 *  graph. */
import type { TokenisedTexts } from "./batches.js";

/** A batch as places in the table. */
export interface FrontPlan {
  /** Rows of the batch, B, and columns, T. */
  readonly rows: number;
  readonly columns: number;
  /** Index into `types` of each place [B, T]; -1 is padding or a dropped token (which keeps its position). */
  readonly places: Int32Array;
  /** f32 [B, T], 1 for a token. */
  readonly mask: Float32Array;
  /** Bucket ids of each distinct token type of the batch. */
  readonly types: readonly Uint32Array[];
  /** Touched table rows in ascending order, [K], positions included. */
  readonly touched: Uint32Array;
}

export interface FrontSizes {
  readonly buckets: number;
  readonly width: number;
}

/** Lays out a batch; `keep` [sum of lengths] drops tokens, in the order of rows; `copies` repeats the whole batch below
 *  itself. */
export function planFront(
  texts: TokenisedTexts,
  rowIds: Uint32Array,
  sizes: FrontSizes,
  options: { readonly keep?: Uint8Array; readonly copies?: number } = {},
): FrontPlan {
  const { keep, copies = 1 } = options;
  let columns = 1;
  for (const row of rowIds) columns = Math.max(columns, texts.sequences[row]?.length ?? 0);
  const rows = rowIds.length * copies;
  const places = new Int32Array(rows * columns).fill(-1);
  const mask = new Float32Array(rows * columns);
  const local = new Map<number, number>();
  const types: Uint32Array[] = [];
  let token = 0;
  for (let b = 0; b < rows; b++) {
    const sequence = texts.sequences[rowIds[b % rowIds.length] ?? 0] ?? new Int32Array(1);
    for (let t = 0; t < sequence.length; t++) {
      mask[b * columns + t] = 1;
      if (keep !== undefined && keep[token++] === 0) continue;
      const type = sequence[t] ?? 0;
      const known = local.get(type) ?? types.push(texts.types[type] ?? new Uint32Array(0)) - 1;
      local.set(type, known);
      places[b * columns + t] = known;
    }
  }
  return { rows, columns, places, mask, types, touched: touchedRows(types, columns, sizes.buckets) };
}

function touchedRows(types: readonly Uint32Array[], columns: number, buckets: number): Uint32Array {
  const ids = new Set<number>();
  for (const type of types) for (const id of type) ids.add(id);
  for (let t = 0; t < columns; t++) ids.add(buckets + t);
  return Uint32Array.from(ids).sort();
}

/** Token vectors [B, T, D], padding 0. */
export function frontForward(plan: FrontPlan, table: Float32Array, sizes: FrontSizes): Float32Array {
  const { width, buckets } = sizes;
  const vectors = typeVectors(plan.types, table, width);
  const embedded = new Float32Array(plan.places.length * width);
  for (let place = 0; place < plan.places.length; place++) {
    if (plan.mask[place] === 0) continue;
    addRow(embedded, place * width, table, (buckets + (place % plan.columns)) * width, 1, width);
    const type = plan.places[place] ?? -1;
    if (type >= 0) addRow(embedded, place * width, vectors, type * width, 1, width);
  }
  return embedded;
}

function typeVectors(types: readonly Uint32Array[], table: Float32Array, width: number): Float32Array {
  const vectors = new Float32Array(types.length * width);
  for (const [i, ids] of types.entries()) {
    for (const id of ids) addRow(vectors, i * width, table, id * width, 1 / ids.length, width);
  }
  return vectors;
}

/** Adds to `into` [table rows, D] the gradient of the table, given that of the token vectors [B, T, D]; only `touched`
 *  rows change. */
export function frontBackward(plan: FrontPlan, gradient: Float32Array, sizes: FrontSizes, into: Float32Array): void {
  const { width, buckets } = sizes;
  const typeGradient = new Float32Array(plan.types.length * width);
  for (let place = 0; place < plan.places.length; place++) {
    if (plan.mask[place] === 0) continue;
    const source = place * width;
    addRow(into, (buckets + (place % plan.columns)) * width, gradient, source, 1, width);
    const type = plan.places[place] ?? -1;
    if (type >= 0) addRow(typeGradient, type * width, gradient, source, 1, width);
  }
  for (const [i, ids] of plan.types.entries()) {
    for (const id of ids) addRow(into, id * width, typeGradient, i * width, 1 / ids.length, width);
  }
}

/** target[a ..] += weight * source[b ..], `width` elements. */
function addRow(target: Float32Array, a: number, source: Float32Array, b: number, weight: number, width: number): void {
  for (let d = 0; d < width; d++) target[a + d] = (target[a + d] ?? 0) + weight * (source[b + d] ?? 0);
}
