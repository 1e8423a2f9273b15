/** @file What a pretrained encoder makes of texts, once for all of them: soft labels for its students, pooled vectors, hidden states. */
import { ConfigError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import { pretrainedFeeds } from "../models/pretrained-feeds.js";
import type { PretrainedModel } from "../models/pretrained.js";
import type { Value } from "../graph/types.js";
import { headlessGraph, studentGraph } from "../models/joined.js";
import { openSession } from "../runtime/onnxruntime.js";
import { softmaxInto } from "../softmax.js";
import { sortedByLength } from "./batches.js";
import { floatsOf } from "./adam.js";

export interface AnswerOptions {
  readonly threads: number;
  /** Answers as the int8 graph gives them, each text alone. */
  readonly quantized?: boolean;
  readonly signal?: AbortSignal;
}

const BATCH_ROWS = 64;

/** Runs a graph over texts of like length together; `take` gets each text's numbers of each output. */
async function overTexts(
  bytes: Uint8Array,
  outputs: readonly string[],
  { sequences, maxTokens }: { readonly sequences: readonly Int32Array[]; readonly maxTokens: number },
  { threads, signal, quantized = false }: AnswerOptions,
  take: (text: number, numbers: readonly Float32Array[]) => void,
): Promise<void> {
  const session = await openSession(bytes, { threads });
  try {
    const order = sortedByLength(Uint32Array.from(sequences.keys()), sequences);
    const batchRows = quantized ? 1 : BATCH_ROWS;
    for (let start = 0; start < order.length; start += batchRows) {
      signal?.throwIfAborted();
      const rows = order.subarray(start, start + batchRows);
      const texts = Array.from(rows, (row) => sequences[row] ?? new Int32Array());
      const results = await session.run(pretrainedFeeds(texts, maxTokens));
      const found = outputs.map((output) => floatsOf(results[output], output));
      for (const [i, row] of rows.entries())
        take(
          row,
          found.map((all) => all.subarray((i * all.length) / rows.length, ((i + 1) * all.length) / rows.length)),
        );
    }
  } finally {
    await session.close();
  }
}

/** Probabilities [texts, labels + 1] of each text as soft labels; the last column, the tail, is 0.
 *  @throws ConfigError for a model without labels. */
export async function softAnswers(
  model: PretrainedModel,
  weights: ReadonlyMap<string, Float32Array>,
  sequences: readonly Int32Array[],
  options: AnswerOptions,
): Promise<Float32Array> {
  const { labelCount, maxTokens } = model;
  if (labelCount === 0) throw new ConfigError("answers: the model has no label head");
  const { graph, logits } = studentGraph({ labels: labelCount, pretrained: model });
  const quantize = (): boolean => options.quantized === true;
  const bytes = compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights, quantize });
  const answers = new Float32Array(sequences.length * (labelCount + 1));
  await overTexts(bytes, ["logits"], { sequences, maxTokens }, options, (text, [numbers = new Float32Array()]) => {
    const at = text * (labelCount + 1);
    softmaxInto(numbers, answers.subarray(at, at + labelCount));
  });
  return answers;
}

/** Answers of several teachers of one label set as one: the mean of their probabilities, each teacher counted by its weight, equally where none
 *  are told. @throws ConfigError where there is nothing to average, sizes differ, or a weight is not positive. */
export function averageAnswers(answers: readonly Float32Array[], weights?: readonly number[]): Float32Array {
  const [first] = answers;
  if (first === undefined) throw new ConfigError("answers: no teacher to average");
  const counts = weights ?? answers.map(() => 1);
  if (counts.length !== answers.length || !counts.every((weight) => weight > 0 && Number.isFinite(weight)))
    throw new ConfigError(`answers: expected ${answers.length} positive weights, came ${counts.join(", ") || "none"}`);
  const total = counts.reduce((sum, weight) => sum + weight, 0);
  const other = answers.find(({ length }) => length !== first.length);
  if (other !== undefined)
    throw new ConfigError(
      `answers: teachers of ${first.length} and ${other.length} probabilities, expected equally many`,
    );
  return first.map((_, i) => answers.reduce((sum, own, t) => sum + ((counts[t] ?? 0) / total) * (own[i] ?? 0), 0));
}

/** Pooled vectors [texts, D] of each text. */
export async function pooledVectors(
  model: Omit<PretrainedModel, "labelCount">,
  weights: ReadonlyMap<string, Float32Array>,
  sequences: readonly Int32Array[],
  options: AnswerOptions,
): Promise<Float32Array> {
  const { config, maxTokens } = model;
  const { graph, pooled } = headlessGraph(model);
  const bytes = compileOnnx(graph, { outputs: { pooled }, purpose: "serve", weights, quantize: () => false });
  const vectors = new Float32Array(sequences.length * config.width);
  await overTexts(bytes, ["pooled"], { sequences, maxTokens }, options, (text, [numbers = new Float32Array()]) =>
    vectors.set(numbers, text * config.width),
  );
  return vectors;
}

/** Hidden states of each text at some layers, 0 being the embeddings: `take` gets a text and [tokens, D] for each of them, which are views.
 *  @throws ConfigError for a layer that does not exist. */
export async function eachHiddenStates(
  model: Omit<PretrainedModel, "labelCount">,
  weights: ReadonlyMap<string, Float32Array>,
  { sequences, layers }: { readonly sequences: readonly Int32Array[]; readonly layers: readonly number[] },
  options: AnswerOptions,
  take: (text: number, states: readonly Float32Array[]) => void,
): Promise<void> {
  const { config, maxTokens } = model;
  const { graph, hiddenStates } = headlessGraph(model);
  const outputs: Record<string, Value> = {};
  for (const layer of layers) {
    const state = hiddenStates[layer];
    if (state === undefined)
      throw new ConfigError(`answers: layer ${layer} is outside 0 .. ${hiddenStates.length - 1}`);
    outputs[`hidden${layer}`] = state;
  }
  const bytes = compileOnnx(graph, { outputs, purpose: "serve", weights, quantize: () => false });
  await overTexts(bytes, Object.keys(outputs), { sequences, maxTokens }, options, (text, padded) => {
    const length = (sequences[text]?.length ?? 0) * config.width;
    take(
      text,
      padded.map((state) => state.subarray(0, length)),
    );
  });
}
