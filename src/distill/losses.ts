/** @file The losses of label students: one table row per kind, with its formula, its graph and its reduction. Every
 *  loss is a weighted mean over the rows of the whole optimiser step, never a mean of micro-batch means: the caller
 *  feeds each row's share of the step. Soft labels follow Hinton et al. 2015 (tau squared), R-Drop Liang et al.
 *  2021. */
import type { Graph } from "../graph/graph.js";
import type { Value } from "../graph/types.js";
import { ConfigError, InvariantError } from "../errors.js";

export interface CrossEntropySpec {
  readonly kind: "cross-entropy";
  readonly weight: number;
  /** Probability spread evenly over all labels, [0, 1). */
  readonly labelSmoothing: number;
}

export interface ForwardKlSpec {
  readonly kind: "forward-kl";
  readonly weight: number;
  /** Softens teacher and student alike; 1 leaves them. */
  readonly temperature: number;
}

/** Agreement of two views of a text: of one encoder under two dropout masks (R-Drop), or of two towers, which then
 *  teach each other (deep mutual learning, Zhang et al. 2018) at no further pass. */
export interface RDropSpec {
  readonly kind: "r-drop";
  readonly weight: number;
}

/** A training objective is a list of these; their weighted values add up. */
export type LossSpec = CrossEntropySpec | ForwardKlSpec | RDropSpec;

export interface LossInputs {
  /** [R, C] f32; with two views the second half of the rows repeats the texts of the first. */
  readonly logits: Value;
  /** [R] i64 */
  readonly labels: Value;
  /** [R] f32, weight of the row over the sum of weights of the optimiser step. */
  readonly rowShares: Value;
  /** [R / 2] f32, shares of the texts, where a loss compares two views of each. */
  readonly pairShares?: Value;
  /** [R, C + 1] f32, softened teacher probabilities, the last entry the tail; see `softTargets`. */
  readonly softTargets?: Value;
  /** [R, C] f32, 1 where the teacher named the label. */
  readonly softKnown?: Value;
  /** [R] f32, shares of the rows that have soft labels. */
  readonly softShares?: Value;
}

interface LossRow<Spec extends LossSpec> {
  /** The formula with the user's numbers. */
  readonly formula: (spec: Spec, labelCount: number) => string;
  /** Unweighted scalar: sum over rows of share times row loss. */
  readonly build: (graph: Graph, spec: Spec, inputs: LossInputs, logProbabilities: Value) => Value;
}

type LossTable = { readonly [Kind in LossSpec["kind"]]: LossRow<Extract<LossSpec, { kind: Kind }>> };

/** Log-probability of a category that cannot occur: finite, so that 0 times it is 0. */
const IMPOSSIBLE = -1e9;
/** Smallest probability whose logarithm is taken. */
const TINY = 1e-30;

function crossEntropy(graph: Graph, spec: CrossEntropySpec, inputs: LossInputs, logProbabilities: Value): Value {
  const smoothing = spec.labelSmoothing;
  const hard = graph.scale(graph.pick(logProbabilities, inputs.labels), smoothing - 1); // [R]
  const rows =
    smoothing === 0 ? hard : graph.sub(hard, graph.scale(graph.reduceMean(logProbabilities, [1]), smoothing));
  return graph.reduceSum(graph.mul(rows, inputs.rowShares), [0]);
}

/** log q of the named labels and of the tail (all labels that the teacher did not name), [R, C + 1]. */
function bucketed(graph: Graph, logProbabilities: Value, known: Value): Value {
  const named = graph.add(logProbabilities, graph.scale(graph.addScalar(known, -1), -IMPOSSIBLE)); // [R, C]
  const tail = graph.logSumExp(graph.add(logProbabilities, graph.scale(known, IMPOSSIBLE)), 1, true); // [R, 1]
  return graph.concat([named, tail], 1);
}

function forwardKl(graph: Graph, spec: ForwardKlSpec, inputs: LossInputs, logProbabilities: Value): Value {
  const { softTargets, softKnown, softShares } = inputs;
  if (softTargets === undefined || softKnown === undefined || softShares === undefined) {
    throw new ConfigError("losses: forward-kl needs soft labels, the log has none", {
      hint: "use cross-entropy alone",
    });
  }
  const tempered = graph.scale(bucketed(graph, logProbabilities, softKnown), 1 / spec.temperature);
  const student = graph.logSoftmax(tempered, 1); // [R, C + 1]
  const teacher = graph.log(graph.maximum(softTargets, graph.constant(TINY)));
  const rows = graph.reduceSum(graph.mul(softTargets, graph.sub(teacher, student)), [1]); // [R]
  return graph.scale(graph.reduceSum(graph.mul(rows, softShares), [0]), spec.temperature ** 2);
}

function rDrop(graph: Graph, _spec: RDropSpec, inputs: LossInputs, logProbabilities: Value): Value {
  if (inputs.pairShares === undefined) throw new InvariantError("losses: r-drop without pairShares");
  const classes = logProbabilities.shape[1] ?? 0;
  const views = graph.reshape(logProbabilities, [2, -1, classes]); // [2, R/2, C]
  const [first, second] = [graph.slice(views, 0, 0, 1), graph.slice(views, 0, 1, 2)]; // [1, R/2, C]
  const rows = graph.reduceSum(
    graph.mul(graph.sub(graph.exp(first), graph.exp(second)), graph.sub(first, second)),
    [2],
  );
  return graph.scale(graph.reduceSum(graph.mul(graph.reshape(rows, [-1]), inputs.pairShares), [0]), 1 / 2);
}

/** Every loss: formula and graph. */
const LOSSES: LossTable = {
  "cross-entropy": {
    formula: ({ weight, labelSmoothing: e }, labels) =>
      e === 0
        ? `${weight} * mean_i[-ln q_i(y_i)]`
        : `${weight} * mean_i[-${1 - e} ln q_i(y_i) - ${e}/${labels} sum_c ln q_i(c)]`,
    build: crossEntropy,
  },
  "forward-kl": {
    formula: ({ weight, temperature: t }, labels) =>
      `${weight} * ${t}^2 * mean_i[sum_k p_i(k) ln(p_i(k) / q_i(k))], p and q over the labels that the log names ` +
      `and one tail (at most ${labels} + 1), both raised to 1/${t} and normalised; mean over the rows with soft labels`,
    build: forwardKl,
  },
  "r-drop": {
    formula: ({ weight }) =>
      `${weight} * mean_i[(KL(q_i || q'_i) + KL(q'_i || q_i)) / 2], q and q' the two views of a text`,
    build: rDrop,
  },
};

function rowOf(spec: LossSpec): LossRow<LossSpec> {
  return LOSSES[spec.kind] as LossRow<LossSpec>;
}

/** Each loss as text, with the user's numbers; mean_i is weighted over all rows of the optimiser step. */
export function lossFormulas(specs: readonly LossSpec[], labelCount: number): string[] {
  return specs.map((spec) => `${spec.kind}: ${rowOf(spec).formula(spec, labelCount)}`);
}

/** Whether a loss compares two views of each text. */
export function needsTwoViews(specs: readonly LossSpec[]): boolean {
  return specs.some((spec) => spec.kind === "r-drop" && spec.weight !== 0);
}

/** Whether any loss reads soft labels. */
export function needsSoftLabels(specs: readonly LossSpec[]): boolean {
  return specs.some((spec) => spec.kind === "forward-kl" && spec.weight !== 0);
}

export interface BuiltLoss {
  /** Scalar: the terms times their weights, summed. */
  readonly total: Value;
  /** Unweighted scalars in the order of the specs that have a weight. */
  readonly terms: readonly Value[];
}

/** Adds the objective to the graph. @throws ConfigError when no loss has a weight or a needed input is missing. */
export function buildLoss(graph: Graph, specs: readonly LossSpec[], inputs: LossInputs): BuiltLoss {
  const logProbabilities = graph.logSoftmax(inputs.logits, 1);
  const used = specs.filter((spec) => spec.weight !== 0);
  const terms = used.map((spec) =>
    graph.scope(spec.kind, () => rowOf(spec).build(graph, spec, inputs, logProbabilities)),
  );
  const weighted = terms.map((term, i) => graph.scale(term, used[i]?.weight ?? 0));
  const [first, ...rest] = weighted;
  if (first === undefined) throw new ConfigError("losses: no loss has a weight above 0", { hint: "add cross-entropy" });
  return { total: rest.reduce((sum, term) => graph.add(sum, term), first), terms };
}

export interface SoftTargets {
  /** [R, C + 1] softened and normalised. */
  readonly probabilities: Float32Array;
  /** [R, C] 1 where the teacher named the label. */
  readonly known: Float32Array;
}

/** NaN and absent count as 0, "not said". */
function atLeastZero(value: number | undefined): number {
  return value !== undefined && value > 0 ? value : 0;
}

/** Softens teacher rows [R, C + 1] (0 or NaN = not named, last = tail) by `temperature`: categories are bucketed first,
 *  then raised to 1/tau. Where every label is named the tail means text outside the label set, which a student cannot
 *  answer: it is dropped. */
export function softTargets(rows: Float32Array, labelCount: number, temperature: number): SoftTargets {
  const width = labelCount + 1;
  const count = rows.length / width;
  const probabilities = new Float32Array(rows.length);
  const known = new Float32Array(count * labelCount);
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * width, (i + 1) * width);
    let named = 0;
    for (let c = 0; c < labelCount; c++) if ((row[c] ?? 0) > 0) named += known[i * labelCount + c] = 1;
    const last = named === labelCount ? labelCount : width;
    let total = 0;
    for (let c = 0; c < last; c++) total += probabilities[i * width + c] = atLeastZero(row[c]) ** (1 / temperature);
    if (total > 0)
      for (let c = 0; c < last; c++) probabilities[i * width + c] = (probabilities[i * width + c] ?? 0) / total;
  }
  return { probabilities, known };
}
