/** @file Parameters, bytes and arithmetic of a model from its sizes alone, for the planner: nothing is built or run. */
import { elementCount } from "../tensor/tensor.js";
import { type EncoderConfig, encoderParameters, tableParameter, tableRows } from "./encoder.js";

export interface ModelAccounting {
  readonly parameters: number;
  /** Weights of the int8 file: one byte per quantised weight, an f32 scale per table row and per output column, the
   *  rest f32. */
  readonly bytesInt8: number;
  readonly bytesFp32: number;
  /** Multiply-adds count two; attention scores at a text of `tokens` tokens included. */
  readonly flopsPerToken: number;
}

/** Typical length of a narrow request, in tokens: only the attention scores depend on it. */
const TYPICAL_TOKENS = 16;
/** Buckets of an average word: itself and its character 3- to 5-grams. */
const TYPICAL_BUCKETS = 15;

/** What an encoder of these sizes costs; `tokens` is the length at which attention is counted. */
export function encoderAccounting(config: EncoderConfig, labelCount: number, tokens = TYPICAL_TOKENS): ModelAccounting {
  const table = elementCount(tableParameter(config).shape);
  let [parameters, bytesInt8] = [table, table + 4 * tableRows(config)];
  for (const { shape } of encoderParameters(config, labelCount)) {
    const count = elementCount(shape);
    parameters += count;
    bytesInt8 += shape.length === 2 ? count + 4 * (shape[0] ?? 0) : 4 * count;
  }
  const { towers, layers, width, feedForward } = config;
  const products = layers * (4 * width * width + 2 * width * feedForward + 2 * tokens * width);
  const front = (TYPICAL_BUCKETS + 1) * width;
  const head = (2 * width * labelCount) / tokens;
  return { parameters, bytesInt8, bytesFp32: 4 * parameters, flopsPerToken: 2 * towers * (products + front + head) };
}
