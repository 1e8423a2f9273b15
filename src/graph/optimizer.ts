/** @file The optimiser as a chain of pure pieces, composed into one graph: gradients come in, updates go on from piece to piece, new
 *  parameters and moments come out. AdamW (Loshchilov and Hutter 2019) is clip, adam, decay, rate. Knows no training loop. */
import { createGraph } from "./create-graph.js";
import type { Graph } from "./graph.js";
import type { Dim, Value } from "./types.js";

export interface OptimizedParameter {
  readonly name: string;
  readonly shape: readonly Dim[];
  /** Whether weight decay applies; usual for matrices, not for biases and norms. */
  readonly decay: boolean;
}

/** A parameter on its way through the chain. */
export interface Update {
  readonly parameter: OptimizedParameter;
  readonly value: Value;
  readonly gradient: Value;
  /** What will be added to the value. */
  readonly step: Value;
}

export interface ChainContext {
  readonly graph: Graph;
  readonly learningRate: Value;
  /** Number of this optimiser step, from 1. */
  readonly stepNumber: Value;
  /** Declares a state `${parameter}.${name}` that is fed. */
  state(update: Update, name: string): Value;
  /** Hands out the state's next value. */
  keep(update: Update, name: string, next: Value): void;
  /** Hands out a scalar of interest under its own name. */
  report(name: string, value: Value): void;
}

/** One piece of the chain. */
export type Transform = (updates: readonly Update[], context: ChainContext) => readonly Update[];

/** Scales all gradients by min(1, maximum / norm), the norm taken over all of them together; reports `gradientNorm`. */
export function clipByGlobalNorm(maximum: number): Transform {
  return (updates, { graph, report }) => {
    const squares = updates.map(({ step }) =>
      graph.reduceSum(
        graph.square(step),
        step.shape.map((_, i) => i),
      ),
    );
    const norm = graph.sqrt(squares.reduce((sum, square) => graph.add(sum, square)));
    report("gradientNorm", norm);
    const factor = graph.div(graph.constant(maximum), graph.maximum(norm, graph.constant(maximum)));
    return updates.map((update) => ({ ...update, step: graph.mul(update.step, factor) }));
  };
}

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** m / (1 - beta1^t) over sqrt(v / (1 - beta2^t)) + epsilon (Kingma and Ba 2015). */
export function scaleByAdam({ beta1, beta2, epsilon }: AdamOptions): Transform {
  return (updates, context) => {
    const { graph, stepNumber } = context;
    const correction = (beta: number): Value =>
      graph.reciprocal(graph.addScalar(graph.neg(graph.exp(graph.scale(stepNumber, Math.log(beta)))), 1));
    const [first, second] = [correction(beta1), correction(beta2)];
    return updates.map((update) => {
      const { step } = update;
      const m = graph.add(graph.scale(context.state(update, "m"), beta1), graph.scale(step, 1 - beta1));
      const v = graph.add(graph.scale(context.state(update, "v"), beta2), graph.scale(graph.square(step), 1 - beta2));
      context.keep(update, "m", m);
      context.keep(update, "v", v);
      const deviation = graph.addScalar(graph.sqrt(graph.mul(v, second)), epsilon);
      return { ...update, step: graph.div(graph.mul(m, first), deviation) };
    });
  };
}

/** Adds rate * parameter to the updates that `filter` lets through. */
export function addDecayedWeights(rate: number, filter: (parameter: OptimizedParameter) => boolean): Transform {
  return (updates, { graph }) =>
    updates.map((update) =>
      rate > 0 && filter(update.parameter)
        ? { ...update, step: graph.add(update.step, graph.scale(update.value, rate)) }
        : update,
    );
}

/** Multiplies by -learningRate, so that adding the result descends. */
export function scaleByLearningRate(): Transform {
  return (updates, { graph, learningRate }) =>
    updates.map((update) => ({ ...update, step: graph.neg(graph.mul(update.step, learningRate)) }));
}

export interface OptimizerOptions extends Partial<AdamOptions> {
  /** Largest global gradient norm; 0 does not clip. */
  readonly clipNorm?: number;
  readonly weightDecay?: number;
}

/** The usual chain: AdamW with clipping by the global norm. */
export function adamW({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  clipNorm = 1,
  weightDecay = 0.01,
}: OptimizerOptions): readonly Transform[] {
  return [
    ...(clipNorm > 0 ? [clipByGlobalNorm(clipNorm)] : []),
    scaleByAdam({ beta1, beta2, epsilon }),
    addDecayedWeights(weightDecay, (parameter) => parameter.decay),
    scaleByLearningRate(),
  ];
}

/** A graph and the results to compile it for. */
export interface BuiltOptimizer {
  readonly graph: Graph;
  readonly outputs: Readonly<Record<string, Value>>;
}

/** Composes a chain into a graph. Inputs: `${name}`, `${name}.gradient`, `${name}.m`, `${name}.v`, scalars `learningRate` and
 *  `step` (f32, from 1). Outputs: `${name}.next`, `${name}.m.next`, `${name}.v.next`, and `gradientNorm` where it clips. */
export function buildOptimizer(
  parameters: readonly OptimizedParameter[],
  chain: readonly Transform[] | OptimizerOptions = {},
): BuiltOptimizer {
  const graph = createGraph();
  const outputs: Record<string, Value> = {};
  const context: ChainContext = {
    graph,
    learningRate: graph.input("learningRate", []),
    stepNumber: graph.input("step", []),
    state: ({ parameter }, name) => graph.input(`${parameter.name}.${name}`, parameter.shape),
    keep: ({ parameter }, name, next) => (outputs[`${parameter.name}.${name}.next`] = next),
    report: (name, value) => (outputs[name] = value),
  };
  const updates: readonly Update[] = parameters.map((parameter) => {
    const value = graph.input(parameter.name, parameter.shape);
    const gradient = graph.input(`${parameter.name}.gradient`, parameter.shape);
    return { parameter, value, gradient, step: gradient };
  });
  const pieces = "length" in chain ? chain : adamW(chain);
  for (const { parameter, value, step } of pieces.reduce((current, piece) => piece(current, context), updates)) {
    outputs[`${parameter.name}.next`] = graph.add(value, step);
  }
  return { graph, outputs };
}
