/** @file 4-bit weights against ONNX Runtime's own quantiser and kernels (values of test/reference/four_bit.py), and what serving makes of them. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64, type Tensor } from "../tensor/tensor.js";
import { BLOCK_SIZE, quantizeFourBit } from "./four-bit.js";
import { compileModel, compileOnnx, createGraph, type Graph, type Value } from "./index.js";

interface Case {
  readonly rows: number;
  readonly columns: number;
  readonly weight: readonly number[];
  readonly x: readonly number[];
  readonly packed: readonly number[];
  readonly scales: readonly number[];
  readonly product: readonly number[];
  readonly gathered?: readonly number[];
}

/** Below it scales are subnormal and lose their digits. */
const LEAST_SCALE = 1e-36;

const CASES = JSON.parse(readFileSync("test/reference/four_bit.json", "utf8")) as readonly Case[];

/** [rows, columns] of what is stored. */
function restored(packed: ArrayLike<number>, scales: ArrayLike<number>, rows: number, columns: number): number[] {
  const blocks = Math.ceil(columns / BLOCK_SIZE);
  return Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const place = row * blocks * BLOCK_SIZE + column;
    const nibble = ((packed[place >> 1] ?? 0) >> (place % 2 === 0 ? 0 : 4)) & 15;
    return (nibble - 8) * (scales[row * blocks + Math.floor(column / BLOCK_SIZE)] ?? 0);
  });
}

function randomArray(count: number, name: string): Float32Array {
  const random = createRandom(1, name);
  return Float32Array.from({ length: count }, () => random.normal());
}

async function served(
  build: (graph: Graph) => Value,
  weights: ReadonlyMap<string, Float32Array>,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<number[]> {
  const graph = createGraph();
  const y = build(graph);
  const options = { outputs: { y }, purpose: "serve", weights, quantize: () => true, bits: 4 } as const;
  const session = await openSession(compileOnnx(graph, options), { threads: 1 });
  const results = await session.run(feeds);
  await session.close();
  return Array.from(results["y"]?.data ?? [], Number);
}

describe.each(CASES)(
  "$rows rows of $columns in 4 bits",
  ({ rows, columns, weight, x, packed, scales, ...expected }) => {
    const ours = quantizeFourBit(Float32Array.from(weight), rows, columns);

    it("are stored as ONNX Runtime's quantiser stores them", () => {
      const values = restored(ours.packed, ours.scales, rows, columns);
      const theirs = restored(packed, scales, rows, columns);
      values.forEach((value, i) => expect(value).toBeCloseTo(theirs[i] ?? NaN, 6));
    });

    it("give the products of its kernel", () => {
      const values = restored(ours.packed, ours.scales, rows, columns);
      expected.product.forEach((product, i) => {
        const [line, row] = [Math.floor(i / rows), i % rows];
        let sum = 0;
        for (let k = 0; k < columns; k++) sum += (x[line * columns + k] ?? 0) * (values[row * columns + k] ?? 0);
        expect(sum).toBeCloseTo(product, 4);
      });
    });

    it("give the rows that it gathers, where blocks fill them", () => {
      const values = restored(ours.packed, ours.scales, rows, columns);
      const wanted = [...values.slice(0, columns), ...values.slice(-columns)];
      if (columns % BLOCK_SIZE === 0)
        wanted.forEach((value, i) => expect(value).toBeCloseTo(expected.gathered?.[i] ?? NaN, 6));
      else expect(expected.gathered).toBeUndefined();
    });
  },
);

describe("4-bit serving", () => {
  it("rounds every weight to within half a step, or a whole one at the far end of its block", () => {
    const numbers = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), {
      minLength: 1,
      maxLength: 80,
    });
    fc.assert(
      fc.property(numbers, (row) => {
        const data = Float32Array.from(row);
        const { packed, scales } = quantizeFourBit(data, 1, data.length);
        restored(packed, scales, 1, data.length).forEach((value, i) => {
          const step = Math.abs(scales[Math.floor(i / BLOCK_SIZE)] ?? 0);
          expect(Math.abs(value - (data[i] ?? 0))).toBeLessThanOrEqual(step * 1.0001 + LEAST_SCALE);
        });
      }),
    );
  });

  it.each([64, 96, 100])(
    "multiplies %i inputs by the stored weights, activations rounded by block",
    async (columns) => {
      const [rows, lines] = [72, 5];
      const weight = randomArray(rows * columns, "weight");
      const [x, bias] = [randomArray(lines * columns, "x"), randomArray(rows, "bias")];
      const build = (graph: Graph): Value =>
        graph.linear(
          graph.input("x", ["N", columns]),
          graph.parameter("weight", [rows, columns]),
          graph.parameter("bias", [rows]),
        );
      const weights = new Map([
        ["weight", weight],
        ["bias", bias],
      ]);
      const came = await served(build, weights, { x: f32([lines, columns], x) });
      const { packed, scales } = quantizeFourBit(weight, rows, columns);
      const values = restored(packed, scales, rows, columns);
      expect(came).toHaveLength(rows * lines);
      came.forEach((value, i) => {
        const [line, row] = [Math.floor(i / rows), i % rows];
        let sum = bias[row] ?? 0;
        for (let k = 0; k < columns; k++) sum += (x[line * columns + k] ?? 0) * (values[row * columns + k] ?? 0);
        expect(Math.abs(value - sum)).toBeLessThan(0.02 * Math.sqrt(columns));
      });
    },
  );

  it("looks up rows of a table", async () => {
    const table = randomArray(50 * 64, "table");
    const build = (graph: Graph): Value =>
      graph.embedding(graph.parameter("table", [50, 64]), graph.input("ids", ["B", "T"], "i64"));
    const came = await served(build, new Map([["table", table]]), { ids: i64([1, 3], [49, 0, 7]) });
    const { packed, scales } = quantizeFourBit(table, 50, 64);
    const values = restored(packed, scales, 50, 64);
    const wanted = [49, 0, 7].flatMap((id) => values.slice(id * 64, (id + 1) * 64));
    expect(came).toHaveLength(wanted.length);
    came.forEach((value, i) => expect(value).toBeCloseTo(wanted[i] ?? NaN, 6));
  });

  it("leaves at 8 bits the tables whose rows blocks do not fill, and in float32 the layers that are too narrow", () => {
    const graph = createGraph();
    const rows = graph.embedding(graph.parameter("table", [50, 40]), graph.input("ids", ["B"], "i64"));
    const y = graph.linear(rows, graph.parameter("narrow", [64, 40]));
    const weights = new Map([
      ["table", randomArray(50 * 40, "t")],
      ["narrow", randomArray(64 * 40, "n")],
    ]);
    const model = compileModel(graph, { outputs: { y }, purpose: "serve", weights, quantize: () => true, bits: 4 });
    expect(model.graph?.initializer.map(({ name }) => name)).toEqual([
      "table.int8",
      "table.row_scale",
      "narrow.transposed",
    ]);
  });
});
