/** @file The graph engine for its users: build, differentiate, compute in float64, compile to ONNX, optimise. */
export { createGraph } from "./create-graph.js";
export { Graph } from "./graph.js";
export type { AttentionOptions } from "./graph.js";
export { gradients } from "./gradients.js";
export { interpret } from "./interpret.js";
export type { Feeds } from "./interpret.js";
export { compileModel, compileOnnx } from "./onnx.js";
export type { CompileOptions } from "./onnx.js";
export {
  addDecayedWeights,
  adamW,
  buildOptimizer,
  clipByGlobalNorm,
  scaleByAdam,
  scaleByLearningRate,
} from "./optimizer.js";
export type { AdamOptions, BuiltOptimizer, OptimizedParameter, OptimizerOptions, Transform } from "./optimizer.js";
export { printGraph } from "./print.js";
export { MINIMUM_QUANTIZED_WIDTH } from "./quantized.js";
export type { Dim, Provider, Purpose, Reference, Value, ValueType } from "./types.js";
