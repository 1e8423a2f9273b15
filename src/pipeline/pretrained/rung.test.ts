/** @file A tiny random base is fine-tuned, cut, taught and shipped: the whole way of a pretrained rung, without the plan. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allParts, cutEncoder } from "../../compress/cut.js";
import type { Row } from "../../dataset/types.js";
import { InputError } from "../../errors.js";
import { readPretrainedConfig } from "../../models/families/index.js";
import type { PretrainedRecipe } from "../../plan/candidates.js";
import type { PlannedCandidate } from "../../plan/plan.js";
import { openStudent } from "../../student/open.js";
import { openSafetensors } from "../../weights/safetensors.js";
import { baseFacts, openBase } from "./base.js";
import { chooseControlRate, controlOf } from "./control.js";
import { describePath, uncutTeacher } from "./path.js";
import { awareHelps } from "./int8-recovery.js";
import { judgedCut, pretrainedFinal, pretrainedOutOfFold } from "./rung.js";
import { cutOf, pretrainedTask } from "./spec.js";
import { choosePooling, withPooling } from "./pooling.js";
import { openRunFolder } from "../run-folder.js";
import type { TrainContext } from "../train-context.js";
import { shipStudent } from "../ship.js";
import { datasetOf, LABELS, rowsOf, withOutliers, writeBase } from "./tiny-base.test.fixture.js";

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
/** Learns well enough that rounding has something to cost. */
const longer = { ...recipe, batchSize: 4, teacher: { ...recipe.teacher, epochs: 8, learningRate: 5e-3 } };
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

let runs = 0;
function contextOf(rows: readonly Row[], threads = 1): TrainContext {
  const dataset = datasetOf(rows);
  const progress = { update: () => undefined, note: () => undefined };
  const folder = openRunFolder(join(root, `run${runs++}`));
  return { dataset, rows, folder, progress, threads, seed: 1, base: openBase(join(root, "base")) };
}

beforeAll(() => writeBase(join(root, "base"), 1500));

describe("a cut of a pretrained encoder", () => {
  it("is taught and shipped as a folder that openStudent opens, its tensors as small as the recipe says", async () => {
    const context = contextOf(rowsOf(0));
    const task = pretrainedTask(context, candidate.name, recipe);
    const outOfFold = await pretrainedOutOfFold(context, task);
    expect(outOfFold.rows).toHaveLength(40);
    const folder = join(root, "student");
    const options = { folder, name: "test", planHash: "p" };
    const manifest = await shipStudent(context, { candidate, outOfFold }, options);
    expect(manifest).toMatchObject({ kind: "pretrained", opensWith: "transformers.js" });
    const [first = 9, second = 9] = (await pretrainedFinal(context, task)).layers;
    expect(manifest.lineage.loss).toMatch(new RegExp(`hidden-mse.*, layers 1<-${first + 1}, 2<-${second + 1}$`));
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
      "cut-half-weights",
      "pretrained-fold0",
      "pretrained-weights",
    ]);
  });

  it("is trained on with rounded weights where int8 costs agreement, and not where it does not", async () => {
    writeBase(join(root, "outliers"), 1500, withOutliers);
    const notes: string[] = [];
    const context: TrainContext = {
      ...contextOf(rowsOf(0)),
      base: openBase(join(root, "outliers")),
      progress: { update: () => undefined, note: (text) => void notes.push(text) },
    };
    const task = pretrainedTask(context, candidate.name, longer);
    await pretrainedOutOfFold(context, task);
    expect(notes).toEqual([
      expect.stringMatching(/^cut-half: layers \d, \d of the teacher's 3$/),
      expect.stringMatching(/^cut-half: int8 costs agreement \(.* points, p /),
      expect.stringMatching(/^cut-half: rounded weights (gain \d|are not proved to gain in int8 and not taken)/),
    ]);
    expect(context.folder.has("cut-half-aware-fold0")).toBe(true);
    const sound = contextOf(rowsOf(0));
    await pretrainedOutOfFold(sound, pretrainedTask(sound, candidate.name, longer));
    expect(sound.folder.has("cut-half-int8")).toBe(true);
    expect(sound.folder.has("cut-half-aware-fold0")).toBe(false);
  });

  it("ships what rounded weights have left where that helps int8, and what was there before where it does not", async () => {
    for (const helps of [true, false]) {
      const context = contextOf(rowsOf(0));
      const task = pretrainedTask(context, candidate.name, longer);
      await pretrainedOutOfFold(context, task);
      const stored = await context.folder.arrays("cut-half-fold0", () => Promise.reject(new Error("not kept")));
      const ruined = new Map(
        [...stored].map(([name, values]) => [name, name === "layers" ? values : values.map(() => 0)]),
      );
      const [before, aware] = helps ? [ruined, stored] : [stored, ruined];
      expect(await awareHelps(context, task, before, aware)).toBe(helps);
      const { config } = (await pretrainedFinal(context, task)).encoder;
      expect(config).toMatchObject({ feedForward: 16, layers: ["global", "global"] });
      expect(context.folder.has("cut-half-aware-weights")).toBe(helps);
    }
  });

  it("whole, is trained on so by its own answers, and not where it only teaches", async () => {
    const { recovery: _, ...whole } = { ...longer, layers: 3, feedForward: 32 };
    const context: TrainContext = { ...contextOf(rowsOf(0)), base: openBase(join(root, "outliers")) };
    const task = pretrainedTask(context, "uncut", whole);
    await pretrainedOutOfFold(context, task, { asTeacher: true });
    expect(context.folder.has("uncut-int8")).toBe(false);
    await pretrainedOutOfFold(context, task);
    expect(context.folder.has("uncut-aware-fold0")).toBe(true);
    expect((await judgedCut(context, task)).layers).toEqual(Uint32Array.of(0, 1, 2));
  });

  it("is not taught by a base that does worse than chance on rows it has not seen", async () => {
    const context = contextOf(rowsOf(1)); // what the judging fold is called contradicts the other folds
    const long = { ...recipe, teacher: { ...recipe.teacher, epochs: 12 } };
    const fit = pretrainedOutOfFold(context, pretrainedTask(context, "cut-half", long));
    await expect(fit).rejects.toThrow(
      /gives the logged answer to \d+ of 40 unseen texts, worse than chance among 3 labels/,
    );
    expect(context.folder.has("cut-half-fold0")).toBe(false);
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
  it("is read back from its stages", async () => {
    const context = contextOf(rowsOf(0), 2);
    const task = pretrainedTask(context, candidate.name, recipe);
    await pretrainedOutOfFold(context, task);
    const before = Object.keys(context.folder.measured().stageSeconds).sort();
    const uncut = { ...candidate, name: "uncut" };
    const teacher = await uncutTeacher(context, recipe, [uncut]);
    expect(teacher).toMatchObject({ candidate: { name: "uncut" } });
    if (teacher === undefined) throw new Error("no teacher");
    const options = { folder: join(root, "uncut"), name: "test", planHash: "p" };
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

  it("whose tokenizer reaches too little of its table, or has its own tokens elsewhere, is refused", () => {
    const folder = join(root, "foreign");
    writeBase(folder, 3100);
    expect(() => openBase(folder)).toThrow(/1500 pieces, the model's table 3100 rows/);
    writeBase(folder, 2900);
    const tell = (file: string, more: object): void => {
      const json = JSON.parse(readFileSync(join(folder, file), "utf8")) as object;
      writeFileSync(join(folder, file), JSON.stringify({ ...json, ...more }));
    };
    tell("tokenizer_config.json", { cls_token: "[CLS]", pad_token: "[SEP]" });
    const { tokenizer } = openBase(folder); // the family's own pad_token_id 0 states nothing
    expect(tokenizer.vocabularySize).toBe(1500);
    tell("config.json", { cls_token_id: tokenizer.idOf("[CLS]") });
    openBase(folder);
    tell("config.json", { cls_token_id: 7 });
    for (const token of ["[CLS]", { content: "[CLS]" }]) {
      tell("tokenizer_config.json", { cls_token: token });
      expect(() => openBase(folder)).toThrow(
        /tokenizer\.json: has the cls token at \d+, the model's config\.json at 7/,
      );
    }
  });

  it("that is not there, or of no known family, is refused", () => {
    expect(() => openBase(join(root, "none"))).toThrow(InputError);
  });
});

/** A third step: one layer of the recovered cut above. */
const third: PretrainedRecipe = { ...recipe, layers: 1, feedForward: 8, from: { name: "cut-half", recipe } };

describe("a cut of a recovered cut", () => {
  it("learns from the uncut teacher's layers, whatever lies between", async () => {
    const notes: string[] = [];
    const plain = contextOf(rowsOf(0));
    const context: TrainContext = {
      ...plain,
      progress: { update: () => undefined, note: (text) => void notes.push(text) },
    };
    const task = pretrainedTask(context, "cut-third", third);
    await pretrainedOutOfFold(context, task);
    const half = await judgedCut(context, pretrainedTask(context, "cut-half", recipe));
    const cut = await judgedCut(context, task);
    expect(half.layers).toHaveLength(2);
    expect(cut.layers).toHaveLength(1);
    expect([...half.layers]).toContain(cut.layers[0]);
    expect(cut.encoder.config).toMatchObject({ feedForward: 8, layers: ["global"] });
    const layer = (cut.layers[0] ?? 0) + 1;
    expect(notes).toContain(`cut-third: layers ${layer} of the teacher's 3, cut from the recovered cut-half`);
    expect(context.folder.has("cut-half-fold0")).toBe(true);
  });

  it("starts from what the cut above has recovered, not from the teacher", async () => {
    const [through, straight] = [contextOf(rowsOf(0)), contextOf(rowsOf(0))];
    const { from: _, ...direct } = third;
    const [low, high] = [pretrainedTask(through, "cut-third", third), pretrainedTask(straight, "cut-third", direct)];
    await pretrainedOutOfFold(through, low);
    await pretrainedOutOfFold(straight, high);
    expect(straight.folder.has("cut-half-fold0")).toBe(false);
    const before = (await judgedCut(through, low)).before;
    expect(before).toHaveLength(40 * 4);
    expect(before).not.toEqual((await judgedCut(straight, high)).before);
  });

  it("maps its layers through the cut above", async () => {
    const context = contextOf(rowsOf(0));
    const task = pretrainedTask(context, "cut-third", { ...third, layers: 2, feedForward: 32 });
    const { base } = task;
    const whole = { config: base.config, values: base.weights };
    const layers = Uint32Array.of(0, 2);
    const above = { encoder: cutEncoder(whole, { ...allParts(base.config), layers }), layers };
    expect((await cutOf(context, task, above)).layers).toEqual(layers);
    const [one] = (await cutOf(context, pretrainedTask(context, "one", { ...third, feedForward: 32 }), above)).layers;
    expect([0, 2]).toContain(one);
  });

  it("has the same bits on one lane and on two, and a final fit from the final fit above", async () => {
    const [alone, beside] = [contextOf(rowsOf(0)), contextOf(rowsOf(0), 2)];
    const tasks = [pretrainedTask(alone, "cut-third", third), pretrainedTask(beside, "cut-third", third)] as const;
    expect(await pretrainedOutOfFold(beside, tasks[1])).toEqual(await pretrainedOutOfFold(alone, tasks[0]));
    expect(Object.keys(beside.folder.measured().stageSeconds).sort()).toEqual([
      "cut-half-fold0",
      "cut-half-weights",
      "cut-third-fold0",
      "cut-third-int8",
      "cut-third-weights",
      "pretrained-fold0",
      "pretrained-weights",
    ]);
    expect((await pretrainedFinal(alone, tasks[0])).encoder).toEqual((await pretrainedFinal(beside, tasks[1])).encoder);
  });
});

describe("the control of a cut", () => {
  const short: PretrainedRecipe = {
    ...recipe,
    teacher: { ...recipe.teacher, epochs: 1 },
    recovery: { epochs: 2, learningRate: 1e-2, softWeight: 0.8, temperature: 2, hiddenWeight: 0.5 },
  };

  it("has its rate chosen without a row of the judging fold", async () => {
    const seen = contextOf(rowsOf(0));
    const strange = contextOf(
      rowsOf(0).map((row) => (row.fold === 0 ? { ...row, label: 2, text: "another text" } : row)),
    );
    const layers = Uint32Array.of(0, 2);
    const [first, second] = [
      await chooseControlRate(seen, pretrainedTask(seen, "cut-half", short), layers),
      await chooseControlRate(strange, pretrainedTask(strange, "cut-half", short), layers),
    ];
    expect(second).toEqual(first);
    const stage = async ({ folder }: TrainContext) => folder.arrays("control-cut-half-rate1", async () => new Map());
    expect(await stage(strange)).toEqual(await stage(seen));
    expect((await stage(seen)).get("logits")).toHaveLength(40 * LABELS.length);
  });

  it("depends on the rows that it learns from and on those that choose", async () => {
    const layers = Uint32Array.of(0, 2);
    const stages = await Promise.all(
      [0, 1, 2].map(async (fold) => {
        const context = contextOf(rowsOf(0).map((row) => (row.fold === fold ? { ...row, label: 2 } : row)));
        const { right } = await chooseControlRate(context, pretrainedTask(context, "cut-half", short), layers);
        const arrays = await context.folder.arrays("control-cut-half-rate1", async () => new Map());
        return { right, logits: arrays.get("logits") };
      }),
    );
    expect(stages[1]?.right).not.toEqual(stages[0]?.right);
    expect(stages[2]?.logits).not.toEqual(stages[0]?.logits);
  });

  it("is compared with the taught cut on the judging fold, row by row", async () => {
    const context = contextOf(rowsOf(0));
    const task = pretrainedTask(context, "cut-half", short);
    const { rows } = await pretrainedOutOfFold(context, task);
    const all = await controlOf(context, task, new Uint8Array(rows.length).fill(1));
    const none = await controlOf(context, task, new Uint8Array(rows.length));
    expect(all).toMatchObject({ of: "cut-half", rows: 40, learningRates: [3.33333e-3, 1e-2, 1.66667e-2] });
    expect(all.learningRates).toContain(all.learningRate);
    expect(all.difference.value).toBeCloseTo(1 - all.agreement.value, 12);
    expect(none.difference.value).toBeCloseTo(-all.agreement.value, 12);
    expect(none.agreement).toEqual(all.agreement);
  });
});

describe("the path", () => {
  it("knows each step's layers and its answers out of fold, in int8 too where nothing is sealed", async () => {
    const context = contextOf(rowsOf(0));
    const task = pretrainedTask(context, "cut-half", recipe);
    const outOfFold = await pretrainedOutOfFold(context, task);
    const uncut = await uncutTeacher(context, recipe, [{ ...candidate, name: "uncut" }]);
    const steps = [...(uncut === undefined ? [] : [uncut]), { candidate, outOfFold }];
    const [top, cut] = await describePath(context, steps);
    expect(top?.layers).toEqual([0, 1, 2]);
    expect(top?.before).toBeUndefined();
    expect(cut?.layers).toHaveLength(2);
    expect(cut?.before?.layers).toEqual([...(await judgedCut(context, task)).layers]);
    for (const answers of [
      top?.answers.fp32,
      top?.answers.int8,
      cut?.answers.fp32,
      cut?.answers.int8,
      cut?.before?.answers,
    ]) {
      expect(answers).toHaveLength(40);
      expect(answers?.every((label) => label in LABELS)).toBe(true);
    }
  });
});

describe("the pooling of a base whose folder does not tell", () => {
  const told = join(root, "told");
  beforeAll(() => {
    writeBase(told, 1500);
    mkdirSync(join(told, "1_Pooling"));
    writeFileSync(join(told, "1_Pooling", "config.json"), JSON.stringify({ pooling_mode_cls_token: true }));
  });

  it("is the one that has more right, and the mean where both are level", () => {
    expect(choosePooling([1, 0, 0, 1], [1, 1, 0, 1])).toMatchObject({ chosen: "cls", meanRatio: 0.5, clsRatio: 0.75 });
    expect(choosePooling([1, 1, 0, 1], [1, 0, 0, 1])).toMatchObject({ chosen: "mean", rows: 4 });
    expect(choosePooling([1, 0], [0, 1])).toMatchObject({ chosen: "mean", pValue: 1 });
  });

  it("is tried on rows that do not judge, said in a note, and decided once", async () => {
    const notes: string[] = [];
    const progress = { update: () => undefined, note: (text: string) => void notes.push(text) };
    const context = { ...contextOf(rowsOf(0)), progress };
    const decided = await withPooling(context);
    const { poolingTrial } = decided;
    expect(poolingTrial?.rows).toBe(26);
    expect(decided.base?.pooling).toBe(poolingTrial?.chosen);
    expect(notes).toEqual([expect.stringContaining("right in a trial on 26 rows")]);
    expect((await withPooling(contextOf(rowsOf(1)))).poolingTrial).toEqual(poolingTrial);
    const stages = Object.keys(context.folder.measured().stageSeconds);
    expect(stages.sort()).toEqual(["pooling-cls", "pooling-mean"]);
    const before = JSON.stringify(context.folder.measured());
    expect((await withPooling(context)).poolingTrial).toEqual(poolingTrial);
    expect(JSON.stringify(context.folder.measured())).toBe(before);
  });

  it("is tried where the folder names a way that is not built", async () => {
    const other = join(root, "pooled-otherwise");
    writeBase(other, 1500);
    mkdirSync(join(other, "1_Pooling"));
    const config = { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true };
    writeFileSync(join(other, "1_Pooling", "config.json"), JSON.stringify(config));
    const notes: string[] = [];
    const progress = { update: () => undefined, note: (text: string) => void notes.push(text) };
    const decided = await withPooling({ ...contextOf(rowsOf(0)), progress, base: openBase(other) });
    expect(decided.poolingTrial?.rows).toBe(26);
    expect(notes).toEqual([expect.stringContaining("sums up a text by mean and max, which is not built")]);
  });

  it("is the folder's own where it tells", async () => {
    const context = { ...contextOf(rowsOf(0)), base: openBase(told) };
    expect(await withPooling(context)).toBe(context);
    expect(context.base.pooling).toBe("cls");
  });
});
