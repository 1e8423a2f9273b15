import { describe, expect, it } from "vitest";
import { compileOnnx } from "../graph/onnx.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { linearFeatures, type SparseFeatures } from "../tokenizer/hashed-features.js";
import { f32, i64 } from "../tensor/tensor.js";
import { studentGraph } from "./joined.js";
import {
  inverseDocumentFrequency,
  linearLogits,
  softmaxInPlace,
  trainLinear,
  weighted,
  type LinearTrainSpec,
  type LinearWeights,
} from "./linear.js";

const CLASSES = 3;
const OPTIONS = { wordBuckets: 64, characterBuckets: 64 };
const BUCKETS = 128;
const TEXTS = [
  "cancel my card",
  "where is my card",
  "top up fails",
  "cancel the transfer",
  "top up again",
  "where is it",
];
const LABELS = Int32Array.of(0, 1, 2, 0, 2, 1);
const FEATURES = TEXTS.map((text) => linearFeatures(text, OPTIONS));

function spec(changes: Partial<LinearTrainSpec> = {}): LinearTrainSpec {
  const common = {
    classes: CLASSES,
    buckets: BUCKETS,
    epochs: 20,
    learningRate: 0.2,
    l2: 0,
    labelSmoothing: 0.05,
    seed: 3,
  };
  return { ...common, features: FEATURES, targets: LABELS, ...changes };
}

/** Cross-entropy of one row with a target distribution, straight from the definition. */
function lossOf(row: SparseFeatures, target: readonly number[], weights: LinearWeights): number {
  const probability = linearLogits(row, weights);
  softmaxInPlace(probability);
  return -target.reduce((sum, wanted, c) => sum + wanted * Math.log(probability[c] ?? 0), 0);
}

function argmax(values: ArrayLike<number>, offset = 0): number {
  const row = Array.from({ length: CLASSES }, (_, c) => values[offset + c] ?? 0);
  return row.indexOf(Math.max(...row));
}

describe("trainLinear", () => {
  it("gives no weights that are not finite, where a target is no number", () => {
    const targets = new Float32Array(TEXTS.length * CLASSES).fill(1 / CLASSES).fill(NaN, 1, 2);
    expect(() => trainLinear(spec({ targets, epochs: 1 }))).toThrow(
      /linear training: weight \d+ is NaN; lower the learning rate/,
    );
  });

  it("takes one step against the gradient that finite differences give", () => {
    const [row] = FEATURES;
    if (row === undefined) throw new Error("no row");
    // One row, one epoch: AdaGrad moves each weight by rate * g / sqrt(0.01 + g * g), so the gradient can be read off the step.
    const target = [0.6, 0.3, 0.1];
    const trained = trainLinear(spec({ features: [row], targets: Float32Array.from(target), epochs: 1 }));
    const zero = { ...trained, table: new Float32Array(BUCKETS * CLASSES), bias: new Float32Array(CLASSES) };
    const step = 1e-3;
    for (const id of row.ids) {
      for (let c = 0; c < CLASSES; c++) {
        const at = id * CLASSES + c;
        const moved = (by: number): number => lossOf(row, target, { ...zero, table: zero.table.with(at, by) });
        const gradient = (moved(step) - moved(-step)) / (2 * step);
        const expected = (-0.2 * gradient) / Math.sqrt(0.01 + gradient * gradient);
        expect(trained.table[at]).toBeCloseTo(expected, 4);
      }
    }
  });

  it("moves nothing that the row does not touch", () => {
    const [row] = FEATURES;
    const trained = trainLinear(
      spec({ features: row === undefined ? [] : [row], targets: Int32Array.of(1), epochs: 3 }),
    );
    const touched = new Set(row?.ids);
    for (let id = 0; id < BUCKETS; id++) {
      const cells = trained.table.subarray(id * CLASSES, (id + 1) * CLASSES);
      if (!touched.has(id)) expect([...cells]).toEqual([0, 0, 0]);
    }
  });

  it("learns rows apart and lowers its mean loss from epoch to epoch", () => {
    const losses: number[] = [];
    const trained = trainLinear(spec(), (_, loss) => losses.push(loss));
    expect(losses).toHaveLength(20);
    expect(losses.at(-1) ?? 1).toBeLessThan((losses[0] ?? 0) / 2);
    expect(FEATURES.map((row) => argmax(linearLogits(row, trained)))).toEqual([...LABELS]);
  });

  it("is equal for equal seeds and differs for others", () => {
    expect(trainLinear(spec()).table).toEqual(trainLinear(spec()).table);
    expect(trainLinear(spec({ seed: 4 })).table).not.toEqual(trainLinear(spec()).table);
  });

  it("takes a smoothed label and the distribution it stands for as the same", () => {
    const soft = new Float32Array(LABELS.length * CLASSES).fill(0.05 / CLASSES);
    for (const [r, label] of LABELS.entries()) soft[r * CLASSES + label] = 0.05 / CLASSES + 0.95;
    const [hard, same] = [trainLinear(spec()), trainLinear(spec({ targets: soft }))];
    for (const [i, value] of hard.table.entries()) expect(same.table[i]).toBeCloseTo(value, 5);
  });

  it("survives a row without features", () => {
    const empty = linearFeatures("", OPTIONS);
    const trained = trainLinear(spec({ features: [empty, ...FEATURES], targets: Int32Array.of(1, ...LABELS) }));
    expect(trained.table.every(Number.isFinite)).toBe(true);
    expect([...linearLogits(empty, trained)]).toEqual([...trained.bias]);
  });
});

describe("features of the linear student", () => {
  it("are scaled to length 1 after the inverse document frequency", () => {
    const idf = inverseDocumentFrequency(FEATURES, BUCKETS);
    for (const row of FEATURES)
      expect(weighted(row, idf).reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
    const rare = idf.reduce((most, value) => Math.max(most, value), 0);
    expect(rare).toBeCloseTo(Math.log(7 / 1) + 1, 6);
  });
});

describe("the serving graph of the linear student", () => {
  it("gives the logits of the reference, row for row", async () => {
    const trained = trainLinear(spec());
    const { graph, logits } = studentGraph({ labels: CLASSES, linear: { buckets: BUCKETS } });
    const weights = new Map([
      ["linear.idf", trained.idf],
      ["linear.table", trained.table],
      ["linear.bias", trained.bias],
    ]);
    const session = await openSession(compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights }), {
      threads: 1,
    });
    const random = createRandom(5, "texts");
    const words = TEXTS.join(" ").split(" ");
    for (let round = 0; round < 20; round++) {
      const text = Array.from({ length: round }, () => words[Math.floor(random.float() * words.length)]).join(" ");
      const row = linearFeatures(text, OPTIONS);
      const shape = [1, Math.max(1, row.ids.length)];
      const ids = row.ids.length > 0 ? row.ids : new Uint32Array(1);
      const values = row.ids.length > 0 ? row.values : new Float32Array(1);
      const output = (await session.run({ "linear.ids": i64(shape, ids), "linear.values": f32(shape, values) }))[
        "logits"
      ];
      const expected = linearLogits(row, trained);
      for (let c = 0; c < CLASSES; c++) expect(output?.data[c]).toBeCloseTo(expected[c] ?? NaN, 4);
    }
    await session.close();
  });
});
