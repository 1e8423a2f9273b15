/** @file Parameters, bytes and arithmetic of a model from its sizes alone, for the planner: nothing is built or run. */
import { classifierOf, familyOf, type Pooling, type PretrainedConfig } from "./families/index.js";
import { headParameters, pretrainedParameters } from "./pretrained-parameters.js";
import { elementCount } from "../tensor/tensor.js";
import { type EncoderConfig, encoderParameters, tableParameter } from "./encoder.js";

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

/** Hidden states of a teacher that a training keeps in memory, at most. */
export const KEPT_STATE_BYTES = 512 * 2 ** 20;

/** Bytes of hidden states in half precision. */
export function stateBytes(sizes: {
  readonly tokens: number;
  readonly width: number;
  readonly layers: number;
}): number {
  return 2 * sizes.tokens * sizes.width * sizes.layers;
}

/** Bytes of the int8 file for parameters that lie in it. */
function quantizedBytes(shapes: readonly (readonly number[])[]): number {
  return shapes.reduce((sum, shape) => {
    const count = elementCount(shape);
    return sum + (shape.length === 2 ? count + 4 * (shape[0] ?? 0) : 4 * count);
  }, 0);
}

/** What a pretrained encoder with a label head costs; `tokens` is the length at which attention is counted. */
export function pretrainedAccounting(
  config: PretrainedConfig,
  { labelCount, pooling }: { readonly labelCount: number; readonly pooling: Pooling },
  tokens = TYPICAL_TOKENS,
): ModelAccounting {
  const classifier = classifierOf(config, pooling);
  const shapes = [...pretrainedParameters(config), ...headParameters(config, labelCount, classifier)].map(
    ({ shape }) => shape,
  );
  const parameters = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  const { width, feedForward, layers } = config;
  const products = layers.reduce((sum, _, i) => {
    const feedForwardProducts = (familyOf(config).layerStyle(i).gated ? 3 : 2) * width * feedForward;
    return sum + 4 * width * width + feedForwardProducts + 2 * tokens * width;
  }, 0);
  const dense = classifier === undefined ? 0 : width * width;
  const head = (dense + width * labelCount) / tokens;
  return {
    parameters,
    bytesInt8: quantizedBytes(shapes),
    bytesFp32: 4 * parameters,
    flopsPerToken: 2 * (products + head),
  };
}

/** What an encoder of these sizes costs; `tokens` is the length at which attention is counted. */
export function encoderAccounting(config: EncoderConfig, labelCount: number, tokens = TYPICAL_TOKENS): ModelAccounting {
  const shapes = [tableParameter(config), ...encoderParameters(config, labelCount)].map(({ shape }) => shape);
  const parameters = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  const { towers, layers, width, feedForward } = config;
  const products = layers * (4 * width * width + 2 * width * feedForward + 2 * tokens * width);
  const front = (TYPICAL_BUCKETS + 1) * width;
  const head = (2 * width * labelCount) / tokens;
  return {
    parameters,
    bytesInt8: quantizedBytes(shapes),
    bytesFp32: 4 * parameters,
    flopsPerToken: 2 * towers * (products + front + head),
  };
}
