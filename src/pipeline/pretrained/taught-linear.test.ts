/** @file A tiny base teaches a linear student and a cut by texts without answers; none of what judges them reaches them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Row } from "../../dataset/types.js";
import type { PretrainedRecipe, SelfTaught } from "../../plan/candidates.js";
import type { PlannedCandidate } from "../../plan/plan.js";
import { openStudent } from "../../student/open.js";
import { writeExported } from "../../../test/exported.js";
import { baseFacts, openBase } from "./base.js";
import { pretrainedFinal, pretrainedOutOfFold } from "./rung.js";
import { teacherOf } from "./fits.js";
import { cutOf, pretrainedTask, recoverySpec, wholeOf } from "./spec.js";
import { taughtLinearGain } from "./linear-control.js";
import { openRunFolder } from "../run-folder.js";
import type { TrainContext } from "../train-context.js";
import { shipStudent } from "../ship.js";
import { type TaughtRecipe, taughtOutOfFold } from "./taught-linear.js";
import { datasetOf, LABELS, rowsOf } from "./tiny-base.test.fixture.js";

const root = mkdtempSync(join(tmpdir(), "joryu-taught-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeAll(() => writeExported("bert-wordpiece", root));

const pretrained: PretrainedRecipe = {
  layers: 2,
  feedForward: 32,
  folds: 1,
  batchSize: 8,
  teacher: { epochs: 2, learningRate: 1e-2, fewLabels: true },
};
const recipe = (transferRows: number): TaughtRecipe => ({
  wordBuckets: 256,
  characterBuckets: 256,
  epochs: 4,
  learningRate: 0.2,
  l2: 0,
  labelSmoothing: 0.05,
  taughtBy: { pretrained, transferRows, softWeight: 0.8 },
});
const candidate: PlannedCandidate = {
  name: "linear-taught",
  kind: "linear",
  parameters: 1,
  linear: recipe(12),
  parts: ["pretrained", "linear-taught"],
  estimate: { sizeBytes: 0, latencyMs: 1, p95Ms: 1, trainSeconds: 1, trainMemoryMb: 1, serveMemoryMb: 1 },
  status: "train",
  because: [],
};
const TRANSFER = Array.from({ length: 20 }, (_, i) => `please help ${i} with the ${LABELS[i % 3] ?? ""} of my account`);

const fewRows = (shift: number): Row[] => rowsOf(shift, 36);

let runs = 0;
function contextOf(rows: readonly Row[], transfer: readonly string[] = TRANSFER): TrainContext {
  const dataset = datasetOf(rows);
  const progress = { update: () => undefined, note: () => undefined };
  const folder = openRunFolder(join(root, `run${runs++}`));
  const base = openBase(join(root, "bases", "bert-wordpiece"));
  return { dataset, rows, transfer, folder, progress, threads: 1, seed: 1, base };
}

describe("a linear student taught by a base", () => {
  it("is judged by rows whose labels reach neither it nor its teacher, and learns from the texts without answers", async () => {
    const logits = async (context: TrainContext, transferRows: number): Promise<Float32Array> =>
      (await taughtOutOfFold(context, candidate.name, recipe(transferRows))).logits;
    const first = await logits(contextOf(fewRows(0)), 12);
    expect(first).toHaveLength(12 * LABELS.length);
    expect(await logits(contextOf(fewRows(1)), 12)).toEqual(first);
    expect(await logits(contextOf(fewRows(0)), 0)).not.toEqual(first);
    const [longer, others] = [
      contextOf(fewRows(0), TRANSFER.slice(0, 12)),
      contextOf(fewRows(0), TRANSFER.toReversed()),
    ];
    expect(await logits(longer, 12)).toEqual(first);
    expect(await logits(others, 12)).not.toEqual(first);
  });

  it("ships as a linear student that knows nothing of its teacher, which was trained once", async () => {
    const context = contextOf(fewRows(0));
    const outOfFold = await taughtOutOfFold(context, candidate.name, recipe(12));
    const folder = join(root, "student");
    const options = { folder, name: "test", planHash: "p" };
    const manifest = await shipStudent(context, { candidate, outOfFold }, options);
    expect(manifest).toMatchObject({ kind: "linear", opensWith: "joryu" });
    expect(Object.keys(context.folder.measured().stageSeconds).sort()).toEqual([
      "linear-taught-fold0",
      "linear-taught-weights",
      "pretrained-fold0",
      "pretrained-weights",
    ]);
    const student = await openStudent(folder);
    const [predicted] = await student.predict(["about a fee please"]);
    await student.close();
    expect(LABELS).toContain(predicted?.label);
  });

  it("has no teacher that does worse than chance", async () => {
    const long = { ...pretrained, teacher: { ...pretrained.teacher, epochs: 12 } };
    const taught = { ...recipe(0), taughtBy: { ...recipe(0).taughtBy, pretrained: long } };
    await expect(taughtOutOfFold(contextOf(rowsOf(1)), candidate.name, taught)).rejects.toThrow("worse than chance");
  });
});

describe("the control of a taught linear student", () => {
  const gainOf = (shift: number) => {
    const context = contextOf(fewRows(shift));
    const correct = Float64Array.from({ length: 12 }, () => 1);
    return taughtLinearGain(context, [{ candidate, correct }]);
  };

  it("takes as many steps on labels alone at the rate that another fold prefers, whatever the judging fold says", async () => {
    const gain = await gainOf(0);
    expect(gain?.control.tried).toEqual([
      { epochs: 4, learningRate: 0.2 },
      { epochs: 6, learningRate: 0.0666667 },
      { epochs: 6, learningRate: 0.2 },
      { epochs: 6, learningRate: 0.333333 },
    ]);
    const { epochs, learningRate } = gain?.control ?? {};
    expect(gain?.control.tried).toContainEqual({ epochs, learningRate });
    expect(gain).toMatchObject({ taught: { value: 1 }, rows: 12, texts: 12 });
    const wrong = await gainOf(1);
    expect(wrong?.control).toEqual(gain?.control);
    expect(wrong?.untaught.value).toBeLessThan(gain?.untaught.value ?? 0);
  });

  it("is not there where no linear student was taught", async () => {
    expect(await taughtLinearGain(contextOf(fewRows(0)), [])).toBeUndefined();
  });
});

describe("a teacher of few labels that learns its own answers", () => {
  const selfTaught: SelfTaught = {
    epochs: 2,
    batchSize: 8,
    learningRate: 1e-3,
    softWeight: 0.8,
    temperature: 2,
    transferRows: 12,
  };
  const again: PretrainedRecipe = { ...pretrained, teacher: { ...pretrained.teacher, selfTaught } };

  it("reads the texts without answers, and is judged by rows whose labels do not reach it", async () => {
    const logits = async (context: TrainContext): Promise<Float32Array> =>
      (await pretrainedOutOfFold(context, pretrainedTask(context, "uncut", again))).logits;
    const context = contextOf(fewRows(0));
    const first = await logits(context);
    expect(Object.keys(context.folder.measured().stageSeconds)).toEqual([
      "pretrained-fold0",
      "pretrained-again-fold0",
      "uncut-int8",
    ]);
    expect(await logits(contextOf(fewRows(1)))).toEqual(first);
    expect(await logits(contextOf(fewRows(0), TRANSFER.toReversed()))).not.toEqual(first);
  });

  it("is the teacher of whom it teaches, and the uncut student", async () => {
    const context = contextOf(fewRows(0));
    const task = pretrainedTask(context, "uncut", again);
    const plain = pretrainedTask(context, "uncut", pretrained);
    const [teacher, onLabels] = [await teacherOf(context, task), await teacherOf(context, plain)];
    expect(teacher.values).not.toEqual(onLabels.values);
    expect((await pretrainedFinal(context, task)).encoder).toEqual(teacher);
    expect(Object.keys(context.folder.measured().stageSeconds)).toEqual([
      "pretrained-weights",
      "pretrained-again-weights",
    ]);
  });

  it("does not go on when it does worse than chance", async () => {
    const wrong = { ...again, teacher: { ...again.teacher, epochs: 12 } };
    const context = contextOf(rowsOf(1));
    const fit = pretrainedOutOfFold(context, pretrainedTask(context, "uncut", wrong));
    await expect(fit).rejects.toThrow("worse than chance");
    expect(context.folder.has("pretrained-again-fold0")).toBe(false);
  });
});

describe("the recovery of a cut", () => {
  const recovery = { epochs: 1, learningRate: 1e-2, softWeight: 0.8, temperature: 2, hiddenWeight: 0.5 };
  const cutRecipe: PretrainedRecipe = { ...pretrained, layers: 1, recovery: { ...recovery, transferRows: 10 } };

  it("has the texts without answers behind the rows, each with the teacher's answer and its likeliest label", async () => {
    const context = contextOf(fewRows(0));
    const task = pretrainedTask(context, "cut", cutRecipe);
    const labelCount = LABELS.length;
    const head = new Map([
      ["head.weight", Float32Array.from({ length: task.base.config.width * labelCount }, (_, i) => Math.sin(i))],
      ["head.bias", new Float32Array(labelCount)],
    ]);
    const teacher = { config: task.base.config, values: new Map([...task.base.weights, ...head]) };
    const spec = await recoverySpec(context, task, teacher, await cutOf(context, task, wholeOf(teacher)));
    expect([spec.sequences.length, spec.labels.length, spec.weights.length]).toEqual([46, 46, 46]);
    expect(new Set(spec.weights)).toEqual(new Set([1]));
    expect([...spec.labels.subarray(0, 36)]).toEqual(context.rows.map(({ label }) => label));
    const soft = spec.softLabels ?? new Float32Array();
    for (let text = 36; text < 46; text++) {
      const own = soft.subarray(text * (labelCount + 1), text * (labelCount + 1) + labelCount);
      expect(own.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
      expect(spec.labels[text]).toBe(own.indexOf(Math.max(...own)));
    }
  });

  it("keeps the pieces of the texts without answers in its vocabulary", () => {
    const { base, dataset } = contextOf(fewRows(0));
    if (base === undefined) throw new Error("no base");
    const without = baseFacts(base, dataset).keptPieces;
    expect(baseFacts(base, dataset, ["my account balance with interest"]).keptPieces).toBeGreaterThan(without);
  });
});
