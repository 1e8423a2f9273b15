/** @file A tiny random base is fine-tuned, cut, taught and shipped: the whole way of a pretrained rung, without the plan. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LabelDataset, Row } from "../dataset/types.js";
import { startValues } from "../distill/training-graph.js";
import { InputError } from "../errors.js";
import { writeHuggingFaceFiles } from "../export/hugging-face.js";
import { type PretrainedConfig, readPretrainedConfig } from "../models/families/index.js";
import { headParameters, pretrainedParameters } from "../models/pretrained-parameters.js";
import type { PretrainedRecipe } from "../plan/candidates.js";
import type { PlannedCandidate } from "../plan/plan.js";
import { openStudent } from "../student/open.js";
import { openSafetensors } from "../weights/safetensors.js";
import { baseFacts, openBase } from "./base.js";
import { pretrainedFinal, pretrainedOutOfFold, uncutTeacher } from "./pretrained.js";
import { pretrainedTask } from "./pretrained-spec.js";
import { openRunFolder } from "./run-folder.js";
import type { TrainContext } from "./rungs.js";
import { shipStudent } from "./ship.js";

const LABELS = ["card", "fee", "transfer"];
const FOLDS = 3;
const root = mkdtempSync(join(tmpdir(), "joryu-pretrained-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const recipe: PretrainedRecipe = {
  layers: 2,
  feedForward: 16,
  folds: 1,
  batchSize: 16,
  teacher: { epochs: 4, learningRate: 1e-2, fewLabels: false },
  recovery: { epochs: 4, learningRate: 1e-2, softWeight: 0.8, temperature: 2, hiddenWeight: 0.5 },
};
const estimate = { sizeBytes: 0, latencyMs: 1, p95Ms: 1, trainSeconds: 1, trainMemoryMb: 1, serveMemoryMb: 1 };
const candidate: PlannedCandidate = {
  name: "cut-half",
  kind: "pretrained",
  parameters: 1,
  pretrained: recipe,
  parts: ["pretrained", "cut-half"],
  estimate,
  status: "train",
  because: [],
};

type JsonObject = Readonly<Record<string, unknown>>;
const tokenizerJson = JSON.parse(readFileSync("test/reference/tokenizers/wordpiece.json", "utf8")) as JsonObject;

/** Every word row and every position row gets an outlier in dimension 0, which cancel each other in float32 and leave int8 no steps for the rest. */
function withOutliers(name: string, values: Float32Array): Float32Array {
  const outlier = name === "table" ? 1e4 : name === "position.table" ? -1e4 : 0;
  return values.map((value, i) => (outlier !== 0 && i % 16 === 0 ? outlier : value));
}

function writeBase(folder: string, vocabularySize: number, change = (_: string, values: Float32Array) => values): void {
  const config: PretrainedConfig = {
    family: "bert",
    vocabularySize,
    width: 16,
    heads: 2,
    feedForward: 32,
    maxPositions: 32,
    tokenTypes: 2,
    layers: ["global", "global", "global"],
    epsilon: 1e-12,
    reach: 0,
    rotaryBases: undefined,
    biases: { attention: true, feedForward: true, norm: true, classifier: true },
  };
  const parameters = [...pretrainedParameters(config), ...headParameters(config, 1, undefined)];
  const values = new Map(
    parameters.map((parameter) => [
      parameter.name,
      change(parameter.name, startValues({ ...parameter, start: wide(parameter.start) }, 3)),
    ]),
  );
  mkdirSync(folder, { recursive: true });
  writeHuggingFaceFiles(folder, {
    config,
    values,
    labels: ["none"],
    pooling: "mean",
    maxTokens: config.maxPositions,
    baseConfig: {},
    tokenizerJson,
    tokenizerConfig: {},
  });
}

const wide = (start: number | "ones" | "zeros"): number | "ones" | "zeros" => (typeof start === "number" ? 0.2 : start);

function rowsOf(shift: number): Row[] {
  return Array.from({ length: 120 }, (_, i): Row => {
    const fold = i % FOLDS;
    const label = Math.floor(i / FOLDS) % LABELS.length;
    return {
      text: `number ${i} about a ${LABELS[label] ?? ""} please`,
      label: fold === 0 ? (label + shift) % LABELS.length : label,
      weight: 1,
      group: i,
      sealed: false,
      fold,
    };
  });
}

let runs = 0;
function contextOf(rows: readonly Row[], threads = 1): TrainContext {
  const dataset: LabelDataset = {
    hash: "d",
    workload: "test",
    others: [],
    labels: LABELS,
    foldedLabels: [],
    folds: FOLDS,
    rows,
    template: { system: "", userPrefix: "", userSuffix: "" },
    counts: { records: rows.length, accepted: rows.length, duplicates: 0, rejected: 0 },
    nearDuplicates: 0,
    sealedBy: "none",
    traffic: { calls: rows.length, models: [] },
  };
  const progress = { update: () => undefined, note: () => undefined };
  const folder = openRunFolder(join(root, `run${runs++}`));
  return { dataset, rows, folder, progress, threads, seed: 1, base: openBase(join(root, "base")) };
}

beforeAll(() => writeBase(join(root, "base"), 1500));

describe("a cut of a pretrained encoder", () => {
  it("is taught and shipped as a folder that openStudent opens, its tensors as small as the recipe says", async () => {
    const context = contextOf(rowsOf(0));
    const task = pretrainedTask(context, candidate.name, recipe);
    const { bestEpoch, ...outOfFold } = await pretrainedOutOfFold(context, task);
    expect(outOfFold.rows).toHaveLength(40);
    const folder = join(root, "student");
    const options = { folder, name: "test", planHash: "p", lossFormula: "l" };
    const manifest = await shipStudent(context, { candidate, outOfFold, epochs: bestEpoch }, options);
    expect(manifest).toMatchObject({ kind: "pretrained", opensWith: "transformers.js" });
    expect(manifest.parity[0]?.maxProbabilityDifference).toBeLessThan(1e-4);
    const config = readPretrainedConfig(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")), folder);
    expect(config).toMatchObject({ feedForward: 16, layers: ["global", "global"] });
    const tokenizerConfig: unknown = JSON.parse(readFileSync(join(folder, "tokenizer_config.json"), "utf8"));
    expect(tokenizerConfig).toMatchObject({ pad_token: "[PAD]", model_max_length: 32 });
    const { entries } = openSafetensors(join(folder, "model.safetensors"));
    expect(entries.get("encoder.layer.1.intermediate.dense.weight")?.shape).toEqual([16, 16]);
    expect(entries.get("embeddings.word_embeddings.weight")?.shape).toEqual([config.vocabularySize, 16]);
    expect(config.vocabularySize).toBe(baseFacts(openBase(join(root, "base")), context.dataset).keptPieces);
    const student = await openStudent(folder);
    const predicted = await student.predict(["about a fee please", "a text of other words, 漢字 too", ""]);
    await student.close();
    expect(predicted.map(({ label }) => LABELS.includes(label))).toEqual([true, true, true]);
  });

  it("has the same bits on one lane and on two, where the final fits run beside those of the fold", async () => {
    const [alone, beside] = [contextOf(rowsOf(0)), contextOf(rowsOf(0), 2)];
    const [first, second] = [
      await pretrainedOutOfFold(alone, pretrainedTask(alone, candidate.name, recipe)),
      await pretrainedOutOfFold(beside, pretrainedTask(beside, candidate.name, recipe)),
    ];
    expect(second).toEqual(first);
    const stagesOf = (context: TrainContext): string[] => Object.keys(context.folder.measured().stageSeconds).sort();
    expect(stagesOf(alone)).toEqual(["cut-half-fold0", "cut-half-int8", "pretrained-fold0"]);
    expect(stagesOf(beside)).toEqual([
      "cut-half-fold0",
      "cut-half-int8",
      "cut-half-weights4",
      "pretrained-fold0",
      "pretrained-weights4",
    ]);
  });

  it("is trained on with rounded weights where int8 costs agreement, and not where it does not", async () => {
    writeBase(join(root, "outliers"), 1500, withOutliers);
    const longer = { ...recipe, batchSize: 4, teacher: { ...recipe.teacher, epochs: 8, learningRate: 5e-3 } };
    const notes: string[] = [];
    const plain = contextOf(rowsOf(0));
    const context: TrainContext = {
      ...plain,
      base: openBase(join(root, "outliers")),
      progress: { update: () => undefined, note: (text) => void notes.push(text) },
    };
    const task = pretrainedTask(context, candidate.name, longer);
    const { bestEpoch } = await pretrainedOutOfFold(context, task);
    expect(notes).toEqual([expect.stringMatching(/^cut-half: int8 costs agreement \(.* points, p /)]);
    expect(context.folder.has("cut-half-aware-fold0")).toBe(true);
    const cut = await context.folder.arrays("cut-half-fold0", async () => new Map());
    const ownBest = cut.get("bestEpoch")?.[0] ?? 0;
    expect(bestEpoch).toBe(ownBest > 3 ? 4 : ownBest);
    const { config } = await pretrainedFinal(context, task, bestEpoch);
    expect(config).toMatchObject({ feedForward: 16, layers: ["global", "global"] });
    expect(context.folder.has(`cut-half-aware-weights${bestEpoch}`)).toBe(true);
    const sound = contextOf(rowsOf(0));
    await pretrainedOutOfFold(sound, pretrainedTask(sound, candidate.name, longer));
    expect(sound.folder.has("cut-half-int8")).toBe(true);
    expect(sound.folder.has("cut-half-aware-fold0")).toBe(false);
  });

  it("is judged by rows whose labels do not reach it", async () => {
    const { recovery: _, ...whole } = { ...recipe, teacher: { ...recipe.teacher, epochs: 1, fewLabels: true } };
    const [told, other] = [contextOf(rowsOf(0)), contextOf(rowsOf(1))];
    const first = await pretrainedOutOfFold(told, pretrainedTask(told, "uncut", whole));
    const second = await pretrainedOutOfFold(other, pretrainedTask(other, "uncut", whole));
    expect(second.logits).toEqual(first.logits);
  });
});

describe("the uncut teacher of a chosen cut", () => {
  it("is read back from its stages, whatever epoch was its best", async () => {
    const context = contextOf(rowsOf(0), 2);
    const task = pretrainedTask(context, candidate.name, recipe);
    const { bestEpoch, ...outOfFold } = await pretrainedOutOfFold(context, task);
    const before = Object.keys(context.folder.measured().stageSeconds).sort();
    const uncut = { ...candidate, name: "uncut" };
    const teacher = await uncutTeacher(context, { candidate, outOfFold, epochs: bestEpoch }, [uncut]);
    expect(teacher).toMatchObject({ candidate: { name: "uncut" }, epochs: recipe.teacher.epochs });
    if (teacher === undefined) throw new Error("no teacher");
    const options = { folder: join(root, "uncut"), name: "test", planHash: "p", lossFormula: "l" };
    const { parity } = await shipStudent(context, teacher, options);
    expect(parity[0]?.maxProbabilityDifference).toBeLessThan(1e-4);
    expect(Object.keys(context.folder.measured().stageSeconds).sort()).toEqual(before);
  });
});

describe("a base", () => {
  it("whose tokenizer has more pieces than its table has rows is refused", () => {
    writeBase(join(root, "short"), 1400);
    expect(() => openBase(join(root, "short"))).toThrow(InputError);
    expect(() => openBase(join(root, "short"))).toThrow(/1500 pieces, the model's table 1400 rows/);
  });

  it("that is not there, or of no known family, is refused", () => {
    expect(() => openBase(join(root, "none"))).toThrow(InputError);
  });
});
