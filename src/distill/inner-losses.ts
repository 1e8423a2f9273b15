/** @file Losses that teach with inner representations: one table row per kind, with its formula and its graph. Hidden states as in
 *  Sun et al. 2019 (patient distillation) and Sanh et al. 2019 (cosine), embeddings as in Jiao et al. 2020 (TinyBERT), relations
 *  between tokens as in Wang et al. 2021 (MiniLMv2). Each is a mean over the tokens of the whole optimiser step, weighted by row. */
import { ConfigError, InvariantError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { Value } from "../graph/types.js";
import type { PretrainedConfig } from "../models/families/index.js";
import type { ParameterSpec } from "../models/parameters.js";
import type { PretrainedOutput } from "../models/pretrained.js";

/** A layer of the student and the layer of the teacher that it learns from, counted from 1. */
export type LayerPair = readonly [student: number, teacher: number];

interface LayeredSpec<Kind extends string> {
  readonly kind: Kind;
  readonly weight: number;
  readonly layers: readonly LayerPair[];
}

export interface RelationsSpec extends LayeredSpec<"relations"> {
  /** Relation heads: divides both widths, which may differ. */
  readonly heads: number;
}

export interface EmbeddingSpec {
  readonly kind: "embedding-mse";
  readonly weight: number;
}

export type InnerLossSpec = LayeredSpec<"hidden-mse"> | LayeredSpec<"hidden-cosine"> | RelationsSpec | EmbeddingSpec;

/** What the losses compare, and how tokens are weighed. */
export interface InnerInputs {
  readonly student: Pick<PretrainedOutput, "hiddenStates" | "projections">;
  readonly teacher: Pick<PretrainedOutput, "hiddenStates" | "projections">;
  /** [R, T] f32, weight of the token over the sum of weights of all tokens of the optimiser step; padding 0. */
  readonly tokenShares: Value;
  /** [R, T] f32, 1 keeps a position. */
  readonly mask: Value;
  /** Parameter with the projection [teacher width, student width] of a pair, by `projectionName`; none where widths are equal. */
  readonly projections: ReadonlyMap<string, Value>;
}

interface InnerLossRow<Spec extends InnerLossSpec> {
  readonly formula: (spec: Spec) => string;
  /** Pairs whose hidden states are compared, layer 0 being the embeddings: these need a projection where widths differ. */
  readonly compared: (spec: Spec) => readonly LayerPair[];
  /** Whether it reads nothing but these of the teacher. */
  readonly readsStatesAlone: boolean;
  /** Unweighted scalar. */
  readonly build: (graph: Graph, spec: Spec, inputs: InnerInputs) => Value;
}

type InnerLossTable = {
  readonly [Kind in InnerLossSpec["kind"]]: InnerLossRow<Extract<InnerLossSpec, { kind: Kind }>>;
};

/** Added to the scores of padded keys: far below any score, far from overflow. */
const BLOCKED = -1e4;
const SMALLEST_SQUARE = 1e-24;

function stateOf(states: readonly Value[], layer: number, whose: string): Value {
  const state = states[layer];
  if (state === undefined)
    throw new ConfigError(`losses: layer ${layer} of the ${whose} is outside 0 .. ${states.length - 1}`);
  return state;
}

/** Name of the projection of a student layer's hidden state onto a teacher layer's. */
export function projectionName([student, teacher]: LayerPair): string {
  return `projection.${student}.${teacher}`;
}

/** Hidden states of a pair, [R, T, teacher width] both. */
function statesOf(graph: Graph, pair: LayerPair, inputs: InnerInputs): readonly [Value, Value] {
  const teacher = stateOf(inputs.teacher.hiddenStates, pair[1], "teacher");
  const student = stateOf(inputs.student.hiddenStates, pair[0], "student");
  const projection = inputs.projections.get(projectionName(pair));
  return [projection === undefined ? student : graph.linear(student, projection), teacher];
}

/** Mean over pairs of the sums over tokens of share times value; each value is [R, T]. */
function meanOverPairs(
  graph: Graph,
  pairs: readonly LayerPair[],
  tokenShares: Value,
  valueOf: (pair: LayerPair) => Value,
): Value {
  const sums = pairs.map((pair) => graph.reduceSum(graph.mul(valueOf(pair), tokenShares), [0, 1]));
  const [first, ...rest] = sums;
  if (first === undefined) throw new ConfigError("losses: a loss over layers names no pair of layers");
  return graph.scale(
    rest.reduce((sum, value) => graph.add(sum, value), first),
    1 / sums.length,
  );
}

function meanSquare(graph: Graph, pair: LayerPair, inputs: InnerInputs): Value {
  const [student, teacher] = statesOf(graph, pair, inputs);
  return graph.reduceMean(graph.square(graph.sub(student, teacher)), [2]);
}

function cosineDistance(graph: Graph, pair: LayerPair, inputs: InnerInputs): Value {
  const [student, teacher] = statesOf(graph, pair, inputs);
  const dot = (a: Value, b: Value): Value => graph.reduceSum(graph.mul(a, b), [2]);
  // Below the root, whose slope has no end at 0: padding of kept states is 0.
  const squares = graph.maximum(
    graph.mul(dot(student, student), dot(teacher, teacher)),
    graph.constant(SMALLEST_SQUARE),
  );
  return graph.addScalar(graph.neg(graph.div(dot(student, teacher), graph.sqrt(squares))), 1);
}

/** ln of how much each token attends to each by these vectors, [R, H, T, T]. */
function logRelations(graph: Graph, x: Value, heads: number, mask: Value): Value {
  const width = x.shape[2];
  if (typeof width !== "number" || width % heads !== 0)
    throw new ConfigError(`losses: ${heads} relation heads do not divide the width ${String(width)}`);
  const size = width / heads;
  const split = graph.reshape(x, [0, 0, heads, size]); // [R, T, H, d]
  const products = graph.matmul(graph.transpose(split, [0, 2, 1, 3]), graph.transpose(split, [0, 2, 3, 1]));
  const open = graph.reshape(mask, [0, 1, 1, -1]); // [R, 1, 1, T]
  const padding = graph.scale(graph.addScalar(open, -1), -BLOCKED);
  return graph.logSoftmax(graph.add(graph.scale(products, 1 / Math.sqrt(size)), padding), -1);
}

/** Mean over relation heads and over queries, keys and values of KL(teacher || student), [R, T]. */
function relationGap(graph: Graph, spec: RelationsSpec, pair: LayerPair, inputs: InnerInputs): Value {
  const [student, teacher] = [inputs.student.projections[pair[0] - 1], inputs.teacher.projections[pair[1] - 1]];
  if (student === undefined || teacher === undefined)
    throw new ConfigError(`losses: relations of layers ${pair.join(" and ")}: there is no such layer`);
  const gaps = (["query", "key", "value"] as const).map((part) => {
    const p = logRelations(graph, teacher[part], spec.heads, inputs.mask);
    const q = logRelations(graph, student[part], spec.heads, inputs.mask);
    return graph.reduceMean(graph.reduceSum(graph.mul(graph.exp(p), graph.sub(p, q)), [3]), [1]);
  });
  const [first, ...rest] = gaps;
  if (first === undefined) throw new InvariantError("losses: relations without parts");
  return graph.scale(
    rest.reduce((sum, gap) => graph.add(sum, gap), first),
    1 / gaps.length,
  );
}

/** Student layer <- teacher layer of each pair; nothing where the pairs are not chosen yet. */
function shown(pairs: readonly LayerPair[]): string {
  if (pairs.length === 0) return "";
  return `, layers ${pairs.map(([student, teacher]) => `${student}<-${teacher}`).join(", ")}`;
}

/** Every loss on inner representations: formula and graph. */
const INNER_LOSSES: InnerLossTable = {
  "hidden-mse": {
    formula: ({ weight, layers }) => `${weight} * mean_t[|P h_t - H_t|^2 / D]${shown(layers)}`,
    compared: ({ layers }) => layers,
    readsStatesAlone: true,
    build: (graph, spec, inputs) =>
      meanOverPairs(graph, spec.layers, inputs.tokenShares, (pair) => meanSquare(graph, pair, inputs)),
  },
  "hidden-cosine": {
    formula: ({ weight, layers }) => `${weight} * mean_t[1 - cos(P h_t, H_t)]${shown(layers)}`,
    compared: ({ layers }) => layers,
    readsStatesAlone: true,
    build: (graph, spec, inputs) =>
      meanOverPairs(graph, spec.layers, inputs.tokenShares, (pair) => cosineDistance(graph, pair, inputs)),
  },
  relations: {
    formula: ({ weight, layers, heads }) =>
      `${weight} * mean_t[KL(R_t || r_t)], R and r the softmax of x x^T / sqrt(d) over ${heads} heads, mean over x in ` +
      `queries, keys, values${shown(layers)}`,
    compared: () => [],
    readsStatesAlone: false,
    build: (graph, spec, inputs) =>
      meanOverPairs(graph, spec.layers, inputs.tokenShares, (pair) => relationGap(graph, spec, pair, inputs)),
  },
  "embedding-mse": {
    formula: ({ weight }) => `${weight} * mean_t[|P e_t - E_t|^2 / D], e and E the embeddings`,
    compared: () => [[0, 0]],
    readsStatesAlone: true,
    build: (graph, _spec, inputs) =>
      meanOverPairs(graph, [[0, 0]], inputs.tokenShares, (pair) => meanSquare(graph, pair, inputs)),
  },
};

function rowOf(spec: InnerLossSpec): InnerLossRow<InnerLossSpec> {
  return INNER_LOSSES[spec.kind] as InnerLossRow<InnerLossSpec>;
}

const weighted = (specs: readonly InnerLossSpec[]): readonly InnerLossSpec[] =>
  specs.filter(({ weight }) => weight !== 0);

/** Each loss as text, with the user's numbers; mean_t is over the tokens of the whole optimiser step. */
export function innerLossFormulas(specs: readonly InnerLossSpec[]): string[] {
  return weighted(specs).map((spec) => `${spec.kind}: ${rowOf(spec).formula(spec)}`);
}

/** Layers of the teacher whose hidden states are all that the losses read of it, ascending; undefined where one reads more. */
export function teacherLayersOf(specs: readonly InnerLossSpec[]): readonly number[] | undefined {
  if (!weighted(specs).every((spec) => rowOf(spec).readsStatesAlone)) return undefined;
  const layers = weighted(specs).flatMap((spec) =>
    rowOf(spec)
      .compared(spec)
      .map(([, teacher]) => teacher),
  );
  return [...new Set(layers)].sort((a, b) => a - b);
}

/** Projections of student states onto teacher states, [teacher width, student width]; none where widths are equal. They are
 *  trained with the student and are no part of it. */
export function projectionParameters(
  specs: readonly InnerLossSpec[],
  student: Pick<PretrainedConfig, "width">,
  teacher: Pick<PretrainedConfig, "width">,
): ParameterSpec[] {
  if (student.width === teacher.width) return [];
  const names = new Set(weighted(specs).flatMap((spec) => rowOf(spec).compared(spec).map(projectionName)));
  const start = 1 / Math.sqrt(student.width);
  return [...names].map((name) => ({ name, shape: [teacher.width, student.width], start, decayed: true }));
}

/** Adds the weighted sum of the losses; undefined when none has a weight. @throws ConfigError for layers that do not exist. */
export function buildInnerLosses(
  graph: Graph,
  specs: readonly InnerLossSpec[],
  inputs: InnerInputs,
): Value | undefined {
  const terms = weighted(specs).map((spec) =>
    graph.scope(spec.kind, () => graph.scale(rowOf(spec).build(graph, spec, inputs), spec.weight)),
  );
  const [first, ...rest] = terms;
  return first === undefined ? undefined : rest.reduce((sum, term) => graph.add(sum, term), first);
}

/** Student layer i of M learns from teacher layer round(i N / M) of N. */
export function uniformLayers(studentLayers: number, teacherLayers: number): readonly LayerPair[] {
  return Array.from({ length: studentLayers }, (_, i) => [
    i + 1,
    Math.max(1, Math.round(((i + 1) * teacherLayers) / studentLayers)),
  ]);
}

/** The last layer learns from the last. */
export function lastLayers(studentLayers: number, teacherLayers: number): readonly LayerPair[] {
  return [[studentLayers, teacherLayers]];
}

/** Each layer that a cut has left learns from what it was in the uncut teacher; `kept` counts from 0. */
export function keptLayers(kept: Uint32Array): readonly LayerPair[] {
  return Array.from(kept, (layer, i) => [i + 1, layer + 1]);
}
