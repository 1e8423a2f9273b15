/** @file Parity holds the exports against the weights that were trained, not against an export. */
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { temporaryFolder } from "../../test/joryu.js";
import { compileStudent } from "../export/model-folder.js";
import { studentGraph, type StudentShape } from "../models/joined.js";
import { createRandom } from "../random.js";
import { datasetOf, LABELS, rowsOf } from "./pretrained/tiny-base.test.fixture.js";
import { openRunFolder } from "./run-folder.js";
import type { TrainContext } from "./train-context.js";
import { parityOf } from "./ship.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const SHAPE: StudentShape = { labels: LABELS.length, linear: { buckets: 128 } };
const FEATURES = { linear: { wordBuckets: 64, characterBuckets: 64 } };

function weightsOf(seed: number): Map<string, Float32Array> {
  const random = createRandom(seed, "weights");
  return new Map(
    studentGraph(SHAPE).graph.parameters.map(({ name, shape }) => {
      const count = shape.reduce<number>((size, dim) => size * Number(dim), 1);
      return [name, Float32Array.from({ length: count }, () => 2 * random.normal())];
    }),
  );
}

function contextOf(): TrainContext {
  const rows = rowsOf();
  const progress = { update: () => undefined, note: () => undefined };
  const run = openRunFolder(join(folder.path, "run"));
  return { dataset: datasetOf(rows), rows, folder: run, progress, threads: 1, seed: 1 };
}

it("graphs of these weights agree with them in fp32 to the last digits and in int8 nearly", async () => {
  const weights = weightsOf(1);
  const parity = await parityOf(
    contextOf(),
    { shape: SHAPE, weights, features: FEATURES },
    compileStudent(SHAPE, weights),
  );
  expect(parity.map(({ artefact, rows }) => [artefact, rows])).toEqual([
    ["onnx/model.onnx", 120],
    ["onnx/model_int8.onnx", 120],
  ]);
  const [fp32 = 1, int8 = 1] = parity.map(({ maxProbabilityDifference }) => maxProbabilityDifference);
  expect(fp32).toBeLessThan(1e-5);
  expect(int8).toBeGreaterThan(1e-5);
  expect(int8).toBeLessThan(0.05);
});

it("graphs of other weights than those that were trained are found out, in each form", async () => {
  const student = { shape: SHAPE, weights: weightsOf(1), features: FEATURES };
  for (const { top1Agreement, maxProbabilityDifference } of await parityOf(
    contextOf(),
    student,
    compileStudent(SHAPE, weightsOf(2)),
  )) {
    expect(top1Agreement).toBeLessThan(0.9);
    expect(maxProbabilityDifference).toBeGreaterThan(0.2);
  }
});
