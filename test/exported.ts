/** @file Students of small random pretrained encoders, made without training from a fixed seed and written as a run writes them: the
 *  layers cut, the vocabulary cut, both graphs. `node dist/test/exported.js FOLDER` writes them all, for test/reference/exported.py. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { allParts, cutEncoder } from "../src/compress/cut.js";
import { startValues } from "../src/distill/training-graph.js";
import { fitCalibrator } from "../src/evaluate/calibration.js";
import { writeHuggingFaceFiles } from "../src/export/hugging-face.js";
import { compileStudent, sha256, weightsHash, writeModelFolder } from "../src/export/model-folder.js";
import { classifierOf, type FamilyName, type PretrainedConfig } from "../src/models/families/index.js";
import { headParameters, pretrainedParameters, WORD_TABLE } from "../src/models/pretrained-parameters.js";
import type { Pooling } from "../src/models/pretrained.js";
import { openBase, piecesOf, trimmedFor } from "../src/pipeline/pretrained/base.js";
import { type FinalStudent, pretrainedStudent } from "../src/pipeline/final-student.js";
import type { StudentManifest } from "../src/student/manifest.js";
import { VERSION } from "../src/version.js";

type JsonObject = Readonly<Record<string, unknown>>;

export const LABELS = ["card", "fee", "transfer", "送金"] as const;
export const MAX_TOKENS = 64;
const SEED = 11;

/** Texts of a workload, whose pieces stay. */
const KNOWN_TEXTS = [
  "Where is my card?",
  "Why was I charged a fee for the cash withdrawal",
  "please cancel the transfer that I made yesterday",
  "猫がテーブルの上に座っています。",
  "カードはいつ届きますか？",
];

/** More pieces than the students read. */
export const LONG_TEXT = "the same words over and over again ".repeat(20);

/** What the students are asked: the workload's own and what it has never seen. */
export const ASKED_TEXTS: readonly string[] = [
  ...KNOWN_TEXTS,
  "",
  " ",
  "a",
  "naïve café ÀÉ, 3.14159 and 1,000,000",
  "don't you'll WE'VE\nnew line\ttab",
  "👩‍👩‍👧 where is my card 👍🏽",
  "ﾊﾟﾋﾟﾌﾟ Ｆｕｌｌ　ｗｉｄｔｈ",
  "한국어 텍스트, Ελληνικά, العربية",
  "𠀋 beyond the basic plane",
  LONG_TEXT,
];

const TOKENIZERS = "test/reference/tokenizers";

function readTokenizer(name: string): JsonObject {
  return JSON.parse(readFileSync(`${TOKENIZERS}/${name}.json`, "utf8")) as JsonObject;
}

/** A byte-level tokenizer with the special tokens that encoders have, above all other ids. */
function bytesWithSpecials(): JsonObject {
  const json = readTokenizer("bytes");
  const flags = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  const special = ["[CLS]", "[SEP]", "[PAD]", "[MASK]"].map((content, i) => ({ id: 1000 + i, content, ...flags }));
  const place = (id: string): JsonObject => ({ SpecialToken: { id, type_id: 0 } });
  const first = [place("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, place("[SEP]")];
  const tokenOf = (id: number, content: string): JsonObject => ({ id: content, ids: [id], tokens: [content] });
  return {
    ...json,
    added_tokens: [...(json["added_tokens"] as unknown[]), ...special],
    post_processor: {
      type: "TemplateProcessing",
      single: first,
      pair: [...first, { Sequence: { id: "B", type_id: 0 } }, place("[SEP]")],
      special_tokens: { "[CLS]": tokenOf(1000, "[CLS]"), "[SEP]": tokenOf(1001, "[SEP]") },
    },
  };
}

interface Recipe {
  readonly family: FamilyName;
  readonly tokenizer: () => JsonObject;
  readonly vocabularySize: number;
  readonly ids: JsonObject;
  readonly pooling: Pooling;
  /** One whose labels differ from text to text, where the usual one gives a single label. */
  readonly seed?: number;
}

const WORDPIECE = {
  tokenizer: () => readTokenizer("wordpiece"),
  vocabularySize: 1500,
  ids: { pad_token_id: 0, cls_token_id: 2, bos_token_id: 2, sep_token_id: 3, eos_token_id: 3 },
};
const BYTES = {
  tokenizer: bytesWithSpecials,
  vocabularySize: 1008,
  ids: { pad_token_id: 1002, cls_token_id: 1000, bos_token_id: 1000, sep_token_id: 1001, eos_token_id: 1001 },
};

export const RECIPES = {
  "bert-wordpiece": { family: "bert", ...WORDPIECE, pooling: "mean" },
  "bert-bytes": { family: "bert", ...BYTES, pooling: "cls" },
  "roberta-bytes": { family: "roberta", ...BYTES, pooling: "cls" },
  "xlm-roberta-wordpiece": { family: "xlm-roberta", ...WORDPIECE, pooling: "mean" },
  "distilbert-bytes": { family: "distilbert", ...BYTES, pooling: "cls", seed: 13 },
  "modernbert-wordpiece": { family: "modernbert", ...WORDPIECE, pooling: "cls" },
  "modernbert-bytes": { family: "modernbert", ...BYTES, pooling: "mean" },
} as const satisfies Readonly<Record<string, Recipe>>;

export type ExportedName = keyof typeof RECIPES;
export const EXPORTED = Object.keys(RECIPES) as ExportedName[];

interface Sizes {
  readonly width: number;
  readonly feedForward: number;
}

const NARROW: Sizes = { width: 16, feedForward: 32 };
/** Wide enough for the blocks of 4-bit weights. */
export const WIDE: Sizes = { width: 64, feedForward: 128 };

function configOf({ family, vocabularySize, ids }: Recipe, sizes: Sizes): PretrainedConfig {
  const isBert = family !== "modernbert";
  return {
    family,
    vocabularySize,
    ...sizes,
    heads: 2,
    maxPositions: MAX_TOKENS,
    ...(family.endsWith("roberta") && { positionOffset: Number(ids["pad_token_id"]) + 1 }),
    tokenTypes: isBert && family !== "distilbert" ? 2 : 0,
    layers: isBert ? ["global", "global", "global"] : ["global", "local", "local", "global"],
    epsilon: isBert ? 1e-12 : 1e-5,
    reach: isBert ? 0 : 4,
    rotaryBases: isBert ? undefined : { global: 160_000, local: 10_000 },
    biases: { attention: isBert, feedForward: isBert, norm: isBert, classifier: isBert },
  };
}

/** Far from the usual start, so that labels differ from text to text. */
function weightsOf(config: PretrainedConfig, { pooling, seed = SEED }: Recipe): Map<string, Float32Array> {
  const classifier = classifierOf(config, pooling);
  const parameters = [...pretrainedParameters(config), ...headParameters(config, LABELS.length, classifier)];
  return new Map(
    parameters.map(({ start, ...parameter }) => [
      parameter.name,
      startValues(
        { ...parameter, start: typeof start !== "number" ? start : parameter.name === WORD_TABLE ? 2 : 0.25 },
        seed,
      ),
    ]),
  );
}

/** Fields of bases as they are found: of another number type, with files and settings that are left behind. */
const BASE_FIELDS = { torch_dtype: "bfloat16", "transformers.js_config": { use_external_data_format: true } };

/** Writes a base as its maker would, opens it, and cuts a student from it. */
function studentOf(name: ExportedName, baseFolder: string, sizes: Sizes): FinalStudent {
  const recipe: Recipe = RECIPES[name];
  const config = configOf(recipe, sizes);
  const values = weightsOf(config, recipe);
  const tokenizerJson = recipe.tokenizer();
  mkdirSync(baseFolder, { recursive: true });
  const written = { config, values, tokenizerJson, pooling: recipe.pooling, labels: LABELS, maxTokens: 512 };
  writeHuggingFaceFiles(baseFolder, { ...written, baseConfig: recipe.ids, tokenizerConfig: {} });
  const opened = openBase(baseFolder);
  const folder = { ...opened.folder, config: { ...opened.folder.config, ...BASE_FIELDS } };
  const base = { ...opened, folder, pooling: recipe.pooling };
  const parts = { ...allParts(config), layers: Uint32Array.from(config.layers.keys()).filter((i) => i !== 1) };
  const trimmed = trimmedFor(
    base,
    KNOWN_TEXTS.map((text) => piecesOf(base, text)),
  );
  return pretrainedStudent(base, cutEncoder({ config, values }, parts), trimmed, LABELS);
}

/** Writes `name` into `folder`/name, as a run does. */
export function writeExported(name: ExportedName, folder: string, sizes = NARROW): string {
  const student = studentOf(name, join(folder, "bases", name), sizes);
  const graphs = compileStudent(student.shape, student.weights);
  const weights = weightsHash(student.weights);
  const { tokenizer: _, ...features } = student.features;
  const eye = { logits: Float32Array.from({ length: 16 }, (_value, i) => (i % 5 === 0 ? 2 : 0)), labels: [0, 1, 2, 0] };
  const manifest: StudentManifest = {
    format: "joryu-student-1",
    opensWith: "transformers.js",
    name,
    kind: "pretrained",
    labels: [...LABELS],
    features,
    template: { system: "", userPrefix: "", userSuffix: "" },
    files: { int8: "onnx/model_int8.onnx", fp32: "onnx/model.onnx" },
    sha256: { int8: sha256(graphs.int8), fp32: sha256(graphs.fp32), weights },
    calibrator: fitCalibrator({ ...eye, classes: LABELS.length }, weights),
    gate: { promise: "delivered", threshold: null, epsilon: 0, delta: 0, coverage: null },
    evaluation: null,
    parity: [],
    parameters: 1,
    lineage: { dataset: "d", seed: SEED, teacher: [], plan: "p", loss: "l", joryu: VERSION },
  };
  const path = join(folder, name);
  writeModelFolder(path, manifest, graphs, (into) => {
    if (student.huggingFace !== undefined) writeHuggingFaceFiles(into, student.huggingFace);
  });
  return path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? "exported";
  for (const name of EXPORTED) console.log(writeExported(name, folder));
  writeFileSync(join(folder, "texts.json"), JSON.stringify(ASKED_TEXTS));
}
