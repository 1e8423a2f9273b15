/** @file How fast each part of an encoder learns: the lower a layer, the slower (layer-wise learning-rate decay, Howard & Ruder 2018; Clark et al.
 *  2020). Knows no schedule and no optimiser: it says by which ratio the learning rate of a weight is multiplied. */
import { ConfigError } from "../errors.js";
import type { FlatLayout } from "./training-graph.js";

/** Neighbouring weights that are updated alike. */
export interface RateSpan {
  /** Elements start .. end-1 of the flat vector. */
  readonly start: number;
  readonly end: number;
  readonly decayed: boolean;
  /** Times the learning rate. */
  readonly rateRatio: number;
}

/** Ratio of a weight's rate: decay^(layers-1-l) in layer l, decay^layers in table and embeddings, 1 above the layers.
 *  @throws ConfigError unless 0 < decay <= 1. */
export function layerRateRatio(name: string, layers: number, decay: number): number {
  if (!(decay > 0 && decay <= 1))
    throw new ConfigError(`training: a layer decay of ${decay}, expected more than 0 and at most 1`);
  const layer = /^layer(\d+)\./.exec(name)?.[1];
  if (layer !== undefined) return decay ** (layers - 1 - Number(layer));
  return /^(table$|position\.|type\.|embedding\.)/.test(name) ? decay ** layers : 1;
}

/** The flat vector as the fewest spans that are updated alike, in order. */
export function rateSpans(
  { parameters, decayedLength }: FlatLayout,
  ratioOf: (name: string) => number = () => 1,
): readonly RateSpan[] {
  const spans: RateSpan[] = [];
  for (const { name, offset, length } of parameters) {
    const span = { start: offset, end: offset + length, decayed: offset < decayedLength, rateRatio: ratioOf(name) };
    const last = spans.at(-1);
    if (last?.decayed === span.decayed && last.rateRatio === span.rateRatio)
      spans[spans.length - 1] = { ...span, start: last.start };
    else spans.push(span);
  }
  return spans;
}
