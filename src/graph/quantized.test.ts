/** @file int8 serving: rounding, exactness of the stored form, and closeness to float32. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { compileModel, compileOnnx, createGraph, MINIMUM_QUANTIZED_WIDTH } from "./index.js";
import { LINEAR_FIT, quantizeRows, TABLE_FIT } from "./quantized.js";

const [ROWS, INNER, OUTER] = [7, 256, 96];

function randomArray(count: number, name: string): Float32Array {
  const random = createRandom(1, name);
  return Float32Array.from({ length: count }, () => random.normal());
}

async function serve(x: Float32Array, weight: Float32Array, quantize: boolean): Promise<Float32Array> {
  const graph = createGraph();
  const y = graph.linear(
    graph.input("x", ["N", INNER]),
    graph.parameter("weight", [OUTER, INNER]),
    graph.parameter("bias", [OUTER]),
  );
  const weights = new Map([
    ["weight", weight],
    ["bias", randomArray(OUTER, "bias")],
  ]);
  const session = await openSession(
    compileOnnx(graph, { outputs: { y }, purpose: "serve", weights, quantize: () => quantize }),
    { threads: 2 },
  );
  const results = await session.run({ x: { type: "f32", shape: [ROWS, INNER], data: x } });
  await session.close();
  return Float32Array.from(results["y"]?.data ?? [], Number);
}

function relativeError(got: Float32Array, expected: Float32Array): number {
  const error = got.reduce((sum, value, i) => sum + (value - (expected[i] ?? 0)) ** 2, 0);
  return Math.sqrt(error / expected.reduce((sum, value) => sum + value * value, 0));
}

describe("int8 serving", () => {
  it("rounds each row to within half a step of its own scale", () => {
    const data = Float32Array.of(1, -2, 0.5, 100, 50, -25, 0, 0, 0);
    const { values, scales } = quantizeRows(data, 3, 3, TABLE_FIT);
    data.forEach((value, i) => {
      const scale = scales[Math.floor(i / 3)] ?? 0;
      expect(Math.abs((values[i] ?? 0) * scale - value)).toBeLessThanOrEqual(scale / 2 + 1e-6);
    });
    expect([...values.subarray(6)]).toEqual([0, 0, 0]);
  });

  it.each([64, 65])(
    "keeps the sums of a linear layer's neighbours within 128, and wastes no step (%i columns)",
    (columns) => {
      const data = randomArray(9 * columns, "pairs").map((value) => value ** 3);
      const { values, scales } = quantizeRows(data, 9, columns, LINEAR_FIT);
      for (let row = 0; row < 9; row++) {
        const stored = values.subarray(row * columns, (row + 1) * columns);
        const sums = Array.from({ length: Math.ceil(columns / 2) }, (_, k) =>
          [1, -1].map(
            (sign) => Math.max(0, sign * (stored[2 * k] ?? 0)) + Math.max(0, sign * (stored[2 * k + 1] ?? 0)),
          ),
        ).flat();
        expect(Math.max(...sums)).toBeLessThanOrEqual(128);
        expect(Math.max(...sums)).toBeGreaterThanOrEqual(126);
        stored.forEach((value, i) =>
          expect(Math.abs(value * (scales[row] ?? 0) - (data[row * columns + i] ?? 0))).toBeLessThanOrEqual(
            (scales[row] ?? 0) * 0.5001,
          ),
        );
      }
    },
  );

  it("does not saturate where every product has its largest size", async () => {
    // x spans 0..255 steps, pairs of weights have the largest sum: 16-bit partial sums of u8 x s8 kernels would overflow just beyond.
    const x = Float32Array.from({ length: ROWS * INNER }, (_, i) => (i % 5 === 4 ? 0 : 255));
    const pairs = [64, 63, -63, -64, 127, 0, -127, 127];
    const weight = new Float32Array(OUTER * INNER).map((_, i) => pairs[(i + Math.floor(i / 64) * 2) % 8] ?? 0);
    const [exact, quantized] = [await serve(x, weight, false), await serve(x, weight, true)];
    exact.forEach((value, i) =>
      expect(Math.abs((quantized[i] ?? 0) - value)).toBeLessThanOrEqual(1e-5 * Math.abs(value) + 1),
    );
  });

  it("stays within two percent of float32 on normal numbers", async () => {
    const [x, weight] = [randomArray(ROWS * INNER, "x"), randomArray(OUTER * INNER, "weight")];
    expect(relativeError(await serve(x, weight, true), await serve(x, weight, false))).toBeLessThan(0.02);
  });

  it("stores weights as int8 and leaves narrow layers alone", () => {
    const graph = createGraph();
    const hidden = graph.linear(graph.input("x", ["N", 64]), graph.parameter("wide", [64, 64]));
    const y = graph.linear(hidden, graph.parameter("narrow", [MINIMUM_QUANTIZED_WIDTH - 1, 64]));
    const weights = new Map([
      ["wide", randomArray(64 * 64, "w")],
      ["narrow", randomArray(63 * 64, "n")],
    ]);
    const model = compileModel(graph, { outputs: { y }, purpose: "serve", weights, quantize: () => true });
    expect(model.graph?.node.map(({ opType }) => opType)).toEqual(["DynamicQuantizeMatMul", "MatMul"]);
    expect(model.graph?.initializer.map(({ name }) => name)).toEqual(["wide.int8", "wide.scale", "narrow.transposed"]);
  });

  it("looks rows of an int8 table up and scales them", async () => {
    const graph = createGraph();
    const table = randomArray(50 * 8, "table");
    const y = graph.embeddingBag(
      graph.parameter("table", [50, 8]),
      graph.input("ids", ["N", 2], "i64"),
      graph.input("weights", ["N", 2]),
    );
    const model = compileOnnx(graph, {
      outputs: { y },
      purpose: "serve",
      weights: new Map([["table", table]]),
      quantize: () => true,
    });
    const session = await openSession(model, { threads: 1 });
    const results = await session.run({
      ids: { type: "i64", shape: [1, 2], data: BigInt64Array.of(3n, 41n) },
      weights: { type: "f32", shape: [1, 2], data: Float32Array.of(1, -2) },
    });
    await session.close();
    for (let j = 0; j < 8; j++) {
      const expected = (table[3 * 8 + j] ?? 0) - 2 * (table[41 * 8 + j] ?? 0);
      expect(Math.abs(Number(results["y"]?.data[j]) - expected)).toBeLessThan(0.05);
    }
  });
});
