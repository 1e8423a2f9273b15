/** @file The gradient graph of a pretrained encoder with a label head. The word table enters as the rows that a batch uses, so only
 *  those are trained; frozen layers get no gradient nodes. Knows no data, no optimiser and no schedule. */
import { createGraph } from "../graph/create-graph.js";
import type { Graph } from "../graph/graph.js";
import { compileOnnx } from "../graph/onnx.js";
import { TABLE_FIT } from "../graph/quantized.js";
import type { Value } from "../graph/types.js";
import type { ParameterSpec } from "../models/parameters.js";
import {
  buildPretrained,
  denseParameters,
  type PretrainedBuildOptions,
  type PretrainedModel,
  type PretrainedOutput,
} from "../models/pretrained.js";
import { buildInnerLosses, type InnerInputs, projectionParameters } from "./inner-losses.js";
import { type LossSpec, needsTwoViews } from "./losses.js";
import type { Frozen, InnerTeacher } from "./spec.js";
import { stateInput, type TaughtStates } from "./taught-states.js";
import { type DropoutSite, fedDropout, type TrainingGraph, withObjective } from "./training-graph.js";

/** Before the names of a teacher's inputs and weights, as its scope in the graph gives it. */
export const TEACHER_PREFIX = "teacher.";

/** Name of the input with the table rows of a batch, and of their gradient. */
export const ROWS = "rows";

export const NOTHING_FROZEN: Frozen = { embeddings: false, layers: 0 };

/** Whether a weight keeps its value. */
export function isFrozen(name: string, frozen: Frozen): boolean {
  const layer = /^layer(\d+)\./.exec(name)?.[1];
  if (layer !== undefined) return Number(layer) < frozen.layers;
  return /^(table$|position\.|type\.|embedding\.)/.test(name) && (frozen.embeddings || frozen.layers > 0);
}

/** The dense weights by whether they are trained, each in the order of the parameter list. */
export function splitFrozen(
  model: PretrainedModel,
  frozen: Frozen,
): { readonly trained: readonly ParameterSpec[]; readonly frozen: readonly ParameterSpec[] } {
  const all = denseParameters(model);
  return {
    trained: all.filter(({ name }) => !isFrozen(name, frozen)),
    frozen: all.filter(({ name }) => isFrozen(name, frozen)),
  };
}

export interface PretrainedTrainingOptions {
  /** Whether dropout masks are fed; sites of the frozen part have none. */
  readonly dropout: boolean;
  readonly frozen: Frozen;
  readonly teacher?: InnerTeacher | undefined;
  /** The teacher's hidden states are fed; absent: the graph computes them. */
  readonly states?: Pick<TaughtStates, "layers"> | undefined;
  /** Rounds word rows and linear weights to the steps of int8. */
  readonly rounded?: boolean;
}

/** Forward, losses and gradients. Inputs: rows [U, D], the table rows that the batch uses; ids i64 [copies*B, T], places in them;
 *  mask [copies*B, T]; where inner representations are taught, teacher.rows [U, teacher D] or the teacher's hidden states (see taught-states.ts), and tokenShares [copies*B, T]; labels and rowShares [copies*B], and what else the losses read (see `buildTrainingGraph`); the dropout masks.
 *  Gradients by name of the trained weights, and "rows" unless the embeddings are frozen. */
export function buildPretrainedTraining(
  model: PretrainedModel,
  losses: readonly LossSpec[],
  { dropout, frozen, teacher, states, rounded = false }: PretrainedTrainingOptions,
): TrainingGraph {
  const graph = createGraph();
  const views = needsTwoViews(losses) ? "2*B" : "B";
  const sites: DropoutSite[] = [];
  const fed = fedDropout(graph, sites);
  const drop = (site: string, x: Value): Value => (isFrozen(`${site}.`, frozen) ? x : fed(site, x));
  const added = addEncoder(graph, model, views, { rounded, ...(dropout && { dropout: drop }) });
  const { rows, output } = added;
  const logits = answerOf(output);
  const wanted = new Map([...output.weights].filter(([name]) => !isFrozen(name, frozen)));
  if (!isFrozen("table", frozen)) wanted.set(ROWS, rows);
  const inner =
    teacher === undefined
      ? undefined
      : addInnerLosses(
          graph,
          model,
          teacher,
          { ...added, teacher: addTeacher(graph, model, teacher, added, states) },
          wanted,
        );
  return { ...withObjective(graph, losses, { logits, views, labelCount: model.labelCount, inner }, wanted), sites };
}

/** The teacher on the same batch, or its hidden states as inputs, those of layers that nobody reads left out. */
function addTeacher(
  graph: Graph,
  model: PretrainedModel,
  { model: { config } }: InnerTeacher,
  { ids, mask }: AddedEncoder,
  states: Pick<TaughtStates, "layers"> | undefined,
): InnerInputs["teacher"] {
  if (states === undefined)
    return graph.scope("teacher", () =>
      buildPretrained(
        graph,
        { ...model, config, labelCount: 0 },
        { embedded: graph.embedding(graph.input(ROWS, ["U", config.width]), ids), mask },
      ),
    );
  const hiddenStates: Value[] = [];
  for (const layer of states.layers)
    hiddenStates[layer] = graph.input(stateInput(layer), [mask.shape[0] ?? "B", "T", config.width]);
  return { hiddenStates, projections: [] };
}

/** The losses on inner representations; projections join the trained weights. */
function addInnerLosses(
  graph: Graph,
  model: PretrainedModel,
  { model: { config }, losses }: InnerTeacher,
  { mask, output: student, teacher }: AddedEncoder & Pick<InnerInputs, "teacher">,
  wanted: Map<string, Value>,
): Value | undefined {
  const projections = new Map(
    projectionParameters(losses, model.config, config).map(({ name, shape }) => [name, graph.parameter(name, shape)]),
  );
  for (const [name, value] of projections) wanted.set(name, value);
  const tokenShares = graph.input("tokenShares", [mask.shape[0] ?? "B", "T"]);
  return buildInnerLosses(graph, losses, { student, teacher, tokenShares, mask, projections });
}

interface AddedEncoder {
  readonly rows: Value;
  readonly ids: Value;
  readonly mask: Value;
  readonly output: PretrainedOutput;
}

function addEncoder(
  graph: Graph,
  model: PretrainedModel,
  batch: string,
  options: PretrainedBuildOptions = {},
): AddedEncoder {
  const rows = graph.input(ROWS, ["U", model.config.width]);
  const ids = graph.input("ids", [batch, "T"], "i64");
  const mask = graph.input("mask", [batch, "T"]);
  const read = options.rounded === true ? graph.fakeQuantize(rows, TABLE_FIT) : rows;
  const input = { embedded: graph.embedding(read, ids), mask };
  return { rows, ids, mask, output: buildPretrained(graph, model, input, options) };
}

/** The logits, or the pooled vectors of an encoder without a head. */
function answerOf(output: PretrainedOutput): Value {
  return output.logits ?? output.pooled;
}

/** ONNX bytes of the forward half without dropout; inputs rows, ids, mask and the weights, output `logits` [B, labels]. */
export function compilePretrainedEvaluation(model: PretrainedModel, rounded = false): Uint8Array {
  const graph = createGraph();
  const { output } = addEncoder(graph, model, "B", { rounded });
  return compileOnnx(graph, { outputs: { logits: answerOf(output) }, purpose: "train" });
}
