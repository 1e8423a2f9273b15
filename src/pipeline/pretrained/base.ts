/** @file The pretrained encoder that the user named: opened, checked as a whole, and counted for the planner. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { countPieces, trimVocabulary, type TrimmedVocabulary } from "../../compress/vocabulary.js";
import type { LabelDataset } from "../../dataset/types.js";
import { InputError } from "../../errors.js";
import { weightsHash } from "../../export/model-folder.js";
import { familyOf, type PretrainedConfig, readPretrainedConfig } from "../../models/families/index.js";
import {
  classifierParameters,
  presentParameters,
  pretrainedParameters,
  readParameters,
  WORD_TABLE,
} from "../../models/pretrained-parameters.js";
import type { Pooling } from "../../models/pretrained.js";
import type { BaseFacts } from "../../plan/facts.js";
import { LARGEST_ADAM_LENGTH } from "../../runtime/adam-memory.js";
import { pieceIds } from "../../student/student.js";
import { MAX_TOKENIZER_BYTES } from "../../student/tokenizer-file.js";
import { elementCount } from "../../tensor/tensor.js";
import { openTokenizer, type Tokenizer } from "../../tokenizer/tokenizer.js";
import { checkFinite } from "../../weights/finite.js";
import { MAXIMUM_CONFIG_BYTES, openHuggingFaceFolder, type HuggingFaceFolder } from "../../weights/hugging-face.js";
import { readJson } from "../../weights/json.js";
import { isJsonObject } from "../../json.js";

export interface Base {
  readonly folder: HuggingFaceFolder;
  readonly config: PretrainedConfig;
  /** By parameter name; of a head only what the family's classifier has below the label layer, where the folder holds it. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly tokenizer: Tokenizer;
  readonly tokenizerJson: unknown;
  readonly pooling: Pooling;
  /** Whether the folder tells of the pooling; else a trial decides. */
  readonly poolingIsKnown: boolean;
  /** Longest text, in pieces. */
  readonly maxTokens: number;
  /** Over sizes, tokenizer and weights. */
  readonly sha256: string;
}

/** A narrow request is shorter; a longer text is cut here, as sentence encoders are trained with. */
const LONGEST_TEXT = 256;

/** The folder's own pooling where it is one of ours. */
function poolingOf({ pooling }: HuggingFaceFolder): Pooling | undefined {
  const [mode, ...more] = pooling?.modes ?? [];
  if (more.length > 0) return undefined;
  return mode === "first" ? "cls" : mode === "mean" ? "mean" : undefined;
}

/** Tables are padded, some by more than half of their pieces; a tokenizer that reaches less of its table than this is another model's. */
const LEAST_TABLE_RATIO = 0.5;
const NAMED_TOKENS = ["pad", "cls", "sep", "mask"] as const;

/** @throws InputError when the tokenizer is not that of the model */
function checkTokenizer(
  { tokenizerPath, tokenizerConfig, config: json }: HuggingFaceFolder,
  config: PretrainedConfig,
  tokenizer: Tokenizer,
): void {
  const { vocabularySize } = config;
  const familyIds: Readonly<Record<string, number>> = familyOf(config).tokenIds;
  const disagreement = (what: string): InputError =>
    new InputError(`${tokenizerPath}: ${what}`, { hint: "tokenizer.json and weights must be of one model" });
  const pieces = tokenizer.vocabularySize;
  if (pieces > vocabularySize || pieces < LEAST_TABLE_RATIO * vocabularySize)
    throw disagreement(`has ${pieces} pieces, the model's table ${vocabularySize} rows`);
  const stray = [...tokenizer.encode("").ids, tokenizer.padId ?? 0].find((id) => id >= vocabularySize);
  if (stray !== undefined)
    throw disagreement(`writes the token id ${stray}, the model's table has ${vocabularySize} rows`);
  for (const name of NAMED_TOKENS) {
    const key = `${name}_token_id`;
    const wanted = json[key];
    // Written where a model states none: no statement.
    if (wanted === familyIds[key]) continue;
    const token = tokenizerConfig[`${name}_token`];
    const content = isJsonObject(token) ? token["content"] : token;
    const id = typeof content === "string" ? tokenizer.idOf(content) : undefined;
    if (typeof wanted === "number" && id !== undefined && id !== wanted)
      throw disagreement(`has the ${name} token at ${id}, the model's config.json at ${wanted}`);
  }
}

/** @throws InputError when the encoder has more weights than the optimiser holds */
function checkSize(path: string, config: PretrainedConfig): void {
  const dense = pretrainedParameters(config).filter(({ name }) => name !== WORD_TABLE);
  const weights = dense.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (weights <= LARGEST_ADAM_LENGTH) return;
  throw new InputError(
    `${path}: ${weights} weights besides the word table, at most ${LARGEST_ADAM_LENGTH} can be trained`,
    {
      hint: "name a smaller encoder of the family",
    },
  );
}

/** Reads the sizes of a base alone. @throws InputError when it is of no known family or too large to be trained */
export function checkBaseConfig(path: string): void {
  const config = join(path, "config.json");
  if (existsSync(config)) checkSize(path, readPretrainedConfig(readJson(config, MAXIMUM_CONFIG_BYTES), config));
}

/** Opens a base. @throws InputError when a part is missing, damaged, too large, of no known family, or does not fit the others. */
export function openBase(path: string): Base {
  const folder = openHuggingFaceFolder(path);
  const config = readPretrainedConfig(folder.config, `${path}/config.json`);
  checkSize(path, config);
  checkFinite(folder.weights);
  const ownHead = classifierParameters(config, familyOf(config).classifier);
  const weights = readParameters(folder.weights, config, [
    ...pretrainedParameters(config),
    ...presentParameters(folder.weights, config, ownHead),
  ]);
  const tokenizerJson = readJson(folder.tokenizerPath, MAX_TOKENIZER_BYTES);
  const tokenizer = openTokenizer(tokenizerJson, folder.tokenizerConfig);
  checkTokenizer(folder, config, tokenizer);
  const sha256 = createHash("sha256")
    .update(JSON.stringify([config, tokenizerJson]))
    .update(weightsHash(weights));
  return {
    folder,
    config,
    weights,
    tokenizer,
    tokenizerJson,
    pooling: poolingOf(folder) ?? "mean",
    poolingIsKnown: poolingOf(folder) !== undefined,
    maxTokens: Math.min(LONGEST_TEXT, config.maxPositions, folder.pooling?.maxTokens ?? Infinity),
    sha256: sha256.digest("hex"),
  };
}

/** The base's tokenizer cut down to what texts use of it, as far as they are read (see `piecesOf`). */
export function trimmedFor({ tokenizer, tokenizerJson }: Base, sequences: readonly Int32Array[]): TrimmedVocabulary {
  return trimVocabulary(tokenizerJson, countPieces(tokenizer.vocabularySize, sequences));
}

/** What the planner must know of a base and of the unsealed texts; `transfer` are texts without answers. */
export function baseFacts(base: Base, dataset: LabelDataset, transfer: readonly string[] = []): BaseFacts {
  const texts = dataset.rows.flatMap((row) => (row.sealed ? [] : [row.text]));
  const sequences = texts.map((text) => piecesOf(base, text));
  const isCut = (text: string, i: number): boolean =>
    sequences[i]?.length === base.maxTokens && base.tokenizer.encode(text).ids.length > base.maxTokens;
  const more = transfer.map((text) => piecesOf(base, text));
  return {
    sha256: base.sha256,
    config: { ...base.config, maxPositions: base.maxTokens },
    pooling: base.pooling,
    poolingIsKnown: base.poolingIsKnown,
    keptPieces: trimmedFor(base, [...sequences, ...more]).keptIds.length,
    meanPieces: sequences.reduce((sum, { length }) => sum + length, 0) / Math.max(1, texts.length),
    cutTexts: texts.filter(isCut).length,
  };
}

/** Piece ids of a text, as the student will read it. */
export function piecesOf({ tokenizer, maxTokens }: Base, text: string): Int32Array {
  return pieceIds(tokenizer, text, maxTokens);
}
