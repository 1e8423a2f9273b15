/** @file The label encoder trained from scratch, as the training loop sees it: its front sums hashed buckets outside the graph
 *  (front.ts). Knows no loop and no loss. */
import { TABLE, tableParameter, tableRows, tableWidth } from "../models/encoder.js";
import { f32 } from "../tensor/tensor.js";
import { type TokenisedTexts, tokeniseTexts } from "./batches.js";
import { type FrontSizes, frontBackward, frontForward, planFront } from "./front.js";
import { floatsOf } from "./adam.js";
import { rateSpans } from "./layer-rates.js";
import type { EncoderTrainSpec } from "./spec.js";
import {
  type Front,
  type FrontOptions,
  largestMagnitude,
  namedWeights,
  type TrainedEncoder,
} from "./trained-encoder.js";
import { buildTrainingGraph, compileEvaluationGraph, flatLayout, startValues } from "./training-graph.js";

const GRADIENT = "gradient.embedded";

/** Tokenises the texts and lays out the weights of the spec. */
export function hashedEncoder(spec: EncoderTrainSpec): TrainedEncoder {
  const { config, labelCount, losses, seed } = spec;
  const texts = tokeniseTexts(spec.texts, config);
  const sizes: FrontSizes = { buckets: config.buckets, width: tableWidth(config) };
  const layout = flatLayout(config, labelCount);
  return {
    towers: config.towers,
    sequences: texts.sequences,
    table: { rows: tableRows(config), width: sizes.width },
    layout,
    rates: rateSpans(layout),
    tableRateRatio: 1,
    innerFormulas: [],
    fixed: {},
    startTable: () => startValues(tableParameter(config), seed),
    startDense: () => {
      const dense = new Float32Array(layout.length);
      for (const parameter of layout.parameters) dense.set(startValues(parameter, seed), parameter.offset);
      return dense;
    },
    buildGraph: () => buildTrainingGraph(config, labelCount, losses, true),
    compileEvaluation: () => compileEvaluationGraph(config, labelCount),
    front: (rows, options) => hashedFront(texts, rows, sizes, options),
    weightsOf: (dense, table) => new Map([[TABLE, table.slice()], ...namedWeights(layout, dense)]),
  };
}

function hashedFront(texts: TokenisedTexts, rows: Uint32Array, sizes: FrontSizes, options: FrontOptions): Front {
  const plan = planFront(texts, rows, sizes, options);
  const { width } = sizes;
  return {
    rows: plan.rows,
    columns: plan.columns,
    mask: plan.mask,
    touched: plan.touched,
    feeds: (table) => ({ embedded: f32([plan.rows, plan.columns, width], frontForward(plan, table, sizes)) }),
    addTableGradient: (results, into) => frontBackward(plan, floatsOf(results[GRADIENT], GRADIENT), sizes, into),
    paddingGradient(results) {
      const gradient = floatsOf(results[GRADIENT], GRADIENT);
      return plan.mask.reduce((most, kept, place) => {
        if (kept !== 0) return most;
        return Math.max(most, largestMagnitude(gradient.subarray(place * width, (place + 1) * width)));
      }, 0);
    },
  };
}
