/** @file What a pretrained encoder with a head answers to texts, once for all of them: soft labels for its students. */
import { ConfigError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import { pretrainedFeeds } from "../models/pretrained-feeds.js";
import type { PretrainedModel } from "../models/pretrained.js";
import { studentGraph } from "../models/joined.js";
import { openSession } from "../runtime/onnxruntime.js";
import { sortedByLength } from "./batches.js";
import { softmaxInto } from "./evaluation.js";
import { floatsOf } from "./optimiser.js";

export interface AnswerOptions {
  readonly threads: number;
  /** Answers as the int8 graph gives them. */
  readonly quantized?: boolean;
  readonly signal?: AbortSignal;
}

const BATCH_ROWS = 64;

/** Probabilities [texts, labels + 1] of each text as soft labels; the last column, the tail, is 0.
 *  @throws ConfigError for a model without labels. */
export async function softAnswers(
  model: PretrainedModel,
  weights: ReadonlyMap<string, Float32Array>,
  sequences: readonly Int32Array[],
  { threads, signal, quantized = false }: AnswerOptions,
): Promise<Float32Array> {
  const { labelCount } = model;
  if (labelCount === 0) throw new ConfigError("answers: the model has no label head");
  const { graph, logits } = studentGraph({ labels: labelCount, pretrained: model });
  const bytes = compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights, quantize: () => quantized });
  const session = await openSession(bytes, { threads });
  const answers = new Float32Array(sequences.length * (labelCount + 1));
  try {
    const order = sortedByLength(Uint32Array.from(sequences.keys()), sequences);
    for (let start = 0; start < order.length; start += BATCH_ROWS) {
      signal?.throwIfAborted();
      const rows = order.subarray(start, start + BATCH_ROWS);
      const texts = Array.from(rows, (row) => sequences[row] ?? new Int32Array());
      const found = floatsOf((await session.run(pretrainedFeeds(texts, model.maxTokens)))["logits"], "logits");
      for (const [i, row] of rows.entries()) {
        const at = row * (labelCount + 1);
        softmaxInto(found.subarray(i * labelCount, (i + 1) * labelCount), answers.subarray(at, at + labelCount));
      }
    }
  } finally {
    await session.close();
  }
  return answers;
}
