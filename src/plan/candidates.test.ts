/** @file How a pretrained encoder is trained by rows per label: passes where rows are many, steps where they are few. */
import { describe, expect, it } from "vitest";
import { controlEpochs, FEW_ROWS_PER_LABEL, PRETRAINED_RUNGS, pretrainedRecipes } from "./candidates.js";

const base = { layers: 6, feedForward: 1536 };
const [cut, , uncut] = PRETRAINED_RUNGS;
const recipes = (trainRows: number, labels: number, rung = cut) =>
  rung === undefined ? [] : pretrainedRecipes(rung, base, { trainRows, labels });
const stepsOf = (epochs: number, rows: number, batchSize: number): number => epochs * Math.ceil(rows / batchSize);

describe("recipes of a pretrained encoder", () => {
  it("count passes where a label has rows enough", () => {
    for (const trainRows of [FEW_ROWS_PER_LABEL * 20, 8500, 200_000])
      expect(recipes(trainRows, 20).map(({ batchSize, teacher }) => [batchSize, teacher.epochs])).toEqual([
        [32, 5],
        [32, 4],
        [32, 3],
      ]);
  });

  it("count steps where labels are few, at a lower rate and in smaller batches, and read what the labels are called", () => {
    const [many] = recipes(FEW_ROWS_PER_LABEL * 20, 20);
    const [few] = recipes(FEW_ROWS_PER_LABEL * 20 - 1, 20);
    expect(few?.batchSize).toBe(16);
    expect(few?.teacher.learningRate).toBe((many?.teacher.learningRate ?? 0) / 4);
    expect([few?.teacher.fewLabels, many?.teacher.fewLabels]).toEqual([true, false]);
    expect(few?.recovery?.learningRate).toBe((many?.recovery?.learningRate ?? 0) / 2);
    expect(stepsOf(few?.teacher.epochs ?? 0, 599, 16)).toBeGreaterThanOrEqual(400);
    expect(stepsOf(few?.recovery?.epochs ?? 0, 599, 16)).toBeGreaterThanOrEqual(1000);
  });

  it("stop repeating very few rows, and never train less than where rows are many", () => {
    expect(recipes(40, 5).map(({ teacher }) => teacher.epochs)).toEqual([60, 60, 60]);
    for (const labels of [77, 1000])
      for (const [at, { teacher }] of recipes(20 * labels, labels).entries())
        expect(teacher.epochs).toBeGreaterThanOrEqual([5, 4, 3][at] ?? 0);
  });

  it("go on with their own answers where labels are few and there are texts without any, all of one share", () => {
    const of = (trainRows: number, rung: (typeof PRETRAINED_RUNGS)[number] | undefined) =>
      rung === undefined ? [] : pretrainedRecipes(rung, base, { trainRows, labels: 20, transferRows: 8000 });
    for (const { teacher, recovery } of of(200, cut))
      expect(teacher.selfTaught?.transferRows).toBe(recovery?.transferRows);
    expect(new Set(of(200, uncut).map(({ teacher }) => teacher.selfTaught?.transferRows))).toEqual(
      new Set([8000, 4000, 2000, 1000, undefined]),
    );
    const [first] = of(200, uncut);
    expect(stepsOf(first?.teacher.selfTaught?.epochs ?? 0, 8200, 32)).toBeGreaterThanOrEqual(500);
    expect(of(2000, uncut).every(({ teacher }) => teacher.selfTaught === undefined)).toBe(true);
    expect(recipes(200, 20).every(({ teacher }) => teacher.selfTaught === undefined)).toBe(true);
  });

  it("have controls that take as many steps as the whole path to the cut did", () => {
    const plain = recipes(FEW_ROWS_PER_LABEL * 20, 20)[0];
    const recovery = plain?.recovery;
    if (plain === undefined || recovery === undefined) throw new Error("no cut");
    const half = { ...plain, recovery: { ...recovery, epochs: 2, transferRows: 750 } };
    expect(controlEpochs(plain, 100)).toBe(recovery.epochs);
    expect(controlEpochs(half, 100)).toBe(17);
    expect(controlEpochs(plain, 100, 2 * 100)).toBe(recovery.epochs / 2);
    expect(controlEpochs({ ...half, from: { name: "cut-half", recipe: plain } }, 100)).toBe(17 + recovery.epochs);
  });

  it("are ordered from the longest to the shortest and recover nothing where nothing is cut", () => {
    for (const trainRows of [150, 400, 1000]) {
      const epochs = recipes(trainRows, 50).map(({ teacher }) => teacher.epochs);
      expect(epochs).toEqual(epochs.toSorted((a, b) => b - a));
    }
    expect(recipes(150, 50, uncut).every(({ recovery }) => recovery === undefined)).toBe(true);
  });
});
