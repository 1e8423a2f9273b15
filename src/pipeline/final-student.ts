/** @file A student after its final fit, ready to be compiled and written; and how a fitted pretrained encoder becomes one: its vocabulary
 *  and positions cut down to the texts, with what others need to open it. Trains nothing, writes nothing. */
import { allParts, cutEncoder, type EncoderWeights } from "../compress/cut.js";
import type { TrimmedVocabulary } from "../compress/vocabulary.js";
import { type HuggingFaceParts, tokenizerText } from "../export/hugging-face.js";
import { sha256 } from "../export/model-folder.js";
import type { StudentShape } from "../models/joined.js";
import type { StudentFeatures } from "../student/student.js";
import { openTokenizer } from "../tokenizer/tokenizer.js";
import type { Base } from "./pretrained/base.js";

export interface FinalStudent {
  readonly shape: StudentShape;
  /** By the names of the serving graph's parameters. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly features: StudentFeatures;
  /** Of a pretrained encoder: the layers of its teacher that it has, from 0. */
  readonly layers?: Uint32Array;
  /** What others open, where they can. */
  readonly huggingFace?: HuggingFaceParts;
}

/** The student of an encoder with its label head, fitted from `base`, that keeps the pieces of `trimmed`. */
export function pretrainedStudent(
  base: Base,
  encoder: EncoderWeights,
  { tokenizerJson, keptIds, newIds }: TrimmedVocabulary,
  labels: readonly string[],
): FinalStudent {
  const { pooling, maxTokens } = base;
  const { config, values } = cutEncoder(encoder, {
    ...allParts(encoder.config),
    vocabulary: Uint32Array.from(keptIds),
    positions: maxTokens,
  });
  const { config: baseConfig, tokenizerConfig } = base.folder;
  const tokenizerSha256 = sha256(Buffer.from(tokenizerText(tokenizerJson)));
  return {
    shape: { labels: labels.length, pretrained: { config, pooling, maxTokens } },
    weights: values,
    features: { pieces: { maxTokens, tokenizerSha256 }, tokenizer: openTokenizer(tokenizerJson) },
    huggingFace: { config, values, labels, pooling, maxTokens, tokenizerJson, newIds, baseConfig, tokenizerConfig },
  };
}
