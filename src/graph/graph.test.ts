/** @file The builder, pruning, fan-out, printing and determinism of graphs. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { elementCount } from "../tensor/tensor.js";
import { compileModel, compileOnnx, createGraph, gradients, printGraph } from "./index.js";
import { bindSymbols, interpret } from "./interpret.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Graph, Value } from "./index.js";
import type { Reference } from "./types.js";

const of = (shape: number[], ...data: number[]): Reference => ({ shape, data: Float64Array.from(data) });

interface Model {
  readonly graph: Graph;
  readonly parameters: readonly Value[];
  readonly loss: Value;
  readonly logits: Value;
}

/** One block of a text encoder with a tied head. */
function encoderBlock(): Model {
  const graph = createGraph();
  const parameters: Value[] = [];
  const parameter = (name: string, ...shape: number[]): Value => {
    const value = graph.parameter(name, shape);
    parameters.push(value);
    return value;
  };
  const ids = graph.input("ids", ["B", "T"], "i64");
  const mask = graph.input("mask", ["B", "T"]);
  const targets = graph.input("targets", ["B", "T"], "i64");
  const table = parameter("table", 40, 16);
  const hidden = graph.scope("layers.0", () => {
    const x = graph.embedding(table, ids);
    const normed = graph.layerNorm(x, parameter("gamma", 16), parameter("beta", 16), { epsilon: 1e-5 });
    const project = (name: string): Value =>
      graph.linear(normed, parameter(`${name}.weight`, 16, 16), parameter(`${name}.bias`, 16));
    const mixed = graph.attention(project("q"), project("k"), project("v"), { heads: 2, mask });
    const wide = graph.gelu(graph.linear(mixed, parameter("up", 32, 16)));
    return graph.add(x, graph.linear(wide, parameter("down", 16, 32)));
  });
  const logits = graph.linear(hidden, table);
  const losses = graph.neg(graph.pick(graph.logSoftmax(logits, -1), targets));
  const loss = graph.div(graph.reduceSum(graph.mul(losses, mask), [0, 1]), graph.reduceSum(mask, [0, 1]));
  return { graph, parameters, loss, logits };
}

const BLOCK_SIZES: Readonly<Record<string, number>> = { B: 3, T: 5 };

function blockFeeds(values: readonly Value[]): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const { name, shape: dims, type } of values) {
    const random = createRandom(3, name);
    const shape = dims.map((dim) => (typeof dim === "number" ? dim : (BLOCK_SIZES[dim] ?? 1)));
    const count = elementCount(shape);
    feeds[name] =
      type === "i64"
        ? { type: "i64", shape, data: BigInt64Array.from({ length: count }, () => BigInt(random.int(8))) }
        : {
            type: "f32",
            shape,
            data: Float32Array.from({ length: count }, (_, i) =>
              name === "mask" ? (i % 5 < 3 ? 1 : 0) : random.normal() / 4,
            ),
          };
  }
  return feeds;
}

const asReferences = (feeds: Record<string, Tensor>): Map<string, Reference> =>
  new Map(
    Object.entries(feeds).map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data, Number) }]),
  );

describe("graph builder", () => {
  it("names the op, the scope and both shapes when inner dims differ", () => {
    const graph = createGraph();
    const build = () =>
      graph.scope("layers.0", () =>
        graph.scope("ffn.up", () =>
          graph.matmul(graph.input("x", ["B", "T", 512]), graph.parameter("weight", [768, 2048])),
        ),
      );
    expect(build).toThrow("graph.matmul layers.0.ffn.up: inner dims differ, [B,T,512] x [768,2048]");
  });

  it("refuses a symbol where another symbol or a size stands", () => {
    const graph = createGraph();
    const [a, b] = [graph.input("a", ["B", 4]), graph.input("b", ["T", 4])];
    expect(() => graph.add(a, b)).toThrow("graph.add (no scope): shapes do not broadcast, [B,4] with [T,4]");
    expect(() => graph.add(a, graph.input("c", [2, 4]))).toThrow("do not broadcast");
  });

  it("refuses a name that is used twice", () => {
    const graph = createGraph();
    graph.parameter("weight", [2]);
    expect(() => graph.parameter("weight", [2])).toThrow("the name weight is used twice");
  });

  it("infers products of symbols when it reshapes", () => {
    const graph = createGraph();
    const x = graph.input("x", ["T", "B", 6]);
    expect(graph.reshape(x, [-1, 6]).shape).toEqual(["B*T", 6]);
    expect(graph.reshape(x, [0, -1]).shape).toEqual(["T", "6*B"]);
    expect(graph.reshape(graph.reshape(x, [-1]), ["B", "T", 6]).shape).toEqual(["B", "T", 6]);
    expect(() => graph.reshape(x, [5, -1])).toThrow("element counts differ, [T,B,6] to [5,-1]");
  });

  it("prints each op on a line with its scope, shape and operands", () => {
    const graph = createGraph();
    const x = graph.input("x", ["B", 4]);
    const y = graph.scope("head", () => graph.linear(x, graph.parameter("weight", [2, 4])));
    expect(printGraph(graph, [y])).toBe(
      [
        "x f32[B,4] = input",
        "head.weight f32[2,4] = parameter",
        "head.linear_2 f32[B,2] = linear(x, head.weight) {transposed=false}",
      ].join("\n"),
    );
  });
});

describe("gradients", () => {
  it("sums the contributions of a value that is used several times", () => {
    const graph = createGraph();
    const x = graph.input("x", [2]);
    const loss = graph.reduceSum(graph.add(graph.mul(x, x), graph.mul(x, graph.exp(x))), [0]);
    const [gradient] = gradients(graph, loss, [x]);
    const [result] = interpret(graph, gradient === undefined ? [] : [gradient], new Map([["x", of([2], 0.5, -1)]]));
    const expected = [0.5, -1].map((value) => 2 * value + Math.exp(value) * (1 + value));
    expected.forEach((value, i) => expect(result?.data[i]).toBeCloseTo(value, 12));
  });

  it("is zero for a parameter that the loss does not use and beyond stopGradient", () => {
    const graph = createGraph();
    const [x, unused] = [graph.input("x", [2]), graph.parameter("unused", [3])];
    const loss = graph.reduceSum(graph.mul(x, graph.stopGradient(x)), [0]);
    const found = gradients(graph, loss, [x, unused]);
    const feeds = new Map([
      ["x", of([2], 3, -4)],
      ["unused", of([3], 1, 1, 1)],
    ]);
    expect(interpret(graph, found, feeds).map(({ data }) => [...data])).toEqual([
      [3, -4],
      [0, 0, 0],
    ]);
  });

  it("joins the gradients of slices that split a value, and adds those that overlap", () => {
    const gradientOf = (ranges: readonly (readonly [number, number])[]) => {
      const graph = createGraph();
      const x = graph.input("x", ["B", 4]);
      const parts = ranges.map(([start, end], i) =>
        graph.scale(graph.reduceSum(graph.slice(x, 1, start, end), [0, 1]), i + 1),
      );
      const loss = parts.reduce((sum, part) => graph.add(sum, part));
      const [gradient = loss] = gradients(graph, loss, [x]);
      const [result] = interpret(graph, [gradient], new Map([["x", of([1, 4], 1, 1, 1, 1)]]));
      return { kind: graph.nodeOf(gradient)?.kind, numbers: [...(result?.data ?? [])] };
    };
    expect(
      gradientOf([
        [2, 4],
        [0, 1],
        [1, 2],
      ]),
    ).toEqual({ kind: "concat", numbers: [2, 3, 1, 1] });
    expect(
      gradientOf([
        [0, 3],
        [1, 4],
      ]),
    ).toEqual({ kind: "add", numbers: [1, 3, 3, 2] });
  });

  it("of tables are the same bits in every run and exact, however often an id repeats", async () => {
    const graph = createGraph();
    const table = graph.parameter("table", [600, 16]);
    const bags = graph.embeddingBag(table, graph.input("ids", ["N", 3], "i64"), graph.input("weights", ["N", 3]));
    const loss = graph.reduceSum(graph.mul(bags, graph.input("direction", ["N", 16])), [0, 1]);
    const [gradient = loss] = gradients(graph, loss, [table]);
    const random = createRandom(4, "zipf");
    const rows = 512;
    const feeds: Record<string, Tensor> = {
      table: { type: "f32", shape: [600, 16], data: new Float32Array(600 * 16) },
      ids: {
        type: "i64",
        shape: [rows, 3],
        data: BigInt64Array.from({ length: rows * 3 }, () => BigInt(Math.floor(600 ** random.float()) - 1)),
      },
      weights: { type: "f32", shape: [rows, 3], data: new Float32Array(rows * 3).map(() => random.float()) },
      direction: { type: "f32", shape: [rows, 16], data: new Float32Array(rows * 16).map(() => random.normal()) },
    };
    const session = await openSession(compileOnnx(graph, { outputs: { gradient }, purpose: "train" }), { threads: 2 });
    const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)));
    const runs: (readonly number[])[] = [];
    for (let i = 0; i < 20; i++) runs.push(Array.from((await session.run(used))["gradient"]?.data ?? [], Number));
    await session.close();
    expect(new Set(runs.map((run) => JSON.stringify(run))).size).toBe(1);
    const [reference] = interpret(graph, [gradient], asReferences(feeds));
    reference?.data.forEach((value, i) => expect(runs[0]?.[i]).toBeCloseTo(value, 3));
  });

  it("refuses a loss of several numbers", () => {
    const graph = createGraph();
    const x = graph.input("x", ["B"]);
    expect(() => gradients(graph, x, [x])).toThrow("the loss must be one number, got [B]");
  });

  it("builds no node for a frozen parameter", () => {
    const countOf = (frozen: boolean): number => {
      const graph = createGraph();
      const hidden = graph.linear(graph.input("x", ["B", 4]), graph.parameter("first", [4, 4]));
      const last = graph.parameter("last", [4, 4]);
      const loss = graph.reduceSum(graph.linear(hidden, last), [0, 1]);
      const wanted = frozen ? [last] : [last, ...graph.parameters.filter(({ name }) => name === "first")];
      const found = gradients(graph, loss, wanted);
      const outputs = Object.fromEntries(found.map((value, i) => [`g${i}`, value]));
      return compileModel(graph, { outputs, purpose: "train" }).graph?.node.length ?? 0;
    };
    expect(countOf(true)).toBeLessThan(countOf(false));
  });

  it("agrees with finite differences along a direction through a whole encoder block", () => {
    const { graph, parameters, loss } = encoderBlock();
    const found = gradients(graph, loss, parameters);
    const feeds = asReferences(blockFeeds([...graph.inputs, ...parameters]));
    const directions = parameters.map(({ name }) => {
      const random = createRandom(5, name);
      return (feeds.get(name)?.data ?? new Float64Array(0)).map(() => random.normal());
    });
    const slope = interpret(graph, found, feeds).reduce(
      (sum, { data }, p) => sum + data.reduce((part, value, i) => part + value * (directions[p]?.[i] ?? 0), 0),
      0,
    );
    const lossAt = (step: number): number => {
      const moved = new Map(feeds);
      parameters.forEach(({ name }, p) => {
        const before = feeds.get(name) ?? of([]);
        moved.set(name, {
          shape: before.shape,
          data: before.data.map((value, i) => value + step * (directions[p]?.[i] ?? 0)),
        });
      });
      return interpret(graph, [loss], moved)[0]?.data[0] ?? NaN;
    };
    expect((lossAt(1e-6) - lossAt(-1e-6)) / 2e-6).toBeCloseTo(slope, 6);
  });
});

describe("compileOnnx", () => {
  it("leaves out what the outputs do not need", () => {
    const graph = createGraph();
    const x = graph.input("x", ["B"]);
    graph.exp(graph.input("unused", ["B"]));
    const model = compileModel(graph, { outputs: { y: graph.neg(x) }, purpose: "train" });
    expect(model.graph?.node.map(({ opType }) => opType)).toEqual(["Neg"]);
    expect(model.graph?.input.map(({ name }) => name)).toEqual(["x"]);
  });

  it("keeps an input that only gives its size", async () => {
    const graph = createGraph();
    const rows = graph.input("rows", ["B", 1]);
    const model = compileOnnx(graph, {
      outputs: { y: graph.expand(graph.constant([1, 2]), ["B", 2]) },
      purpose: "train",
    });
    const session = await openSession(model, { threads: 1 });
    const results = await session.run({ [rows.name]: { type: "f32", shape: [2, 1], data: new Float32Array(2) } });
    expect([...(results["y"]?.data ?? [])]).toEqual([1, 2, 1, 2]);
    await session.close();
  });

  it("says which weight is missing when serving", () => {
    const graph = createGraph();
    const y = graph.linear(graph.input("x", ["B", 4]), graph.parameter("head.weight", [2, 4]));
    const compile = (weights: Map<string, Float32Array>) => () =>
      compileOnnx(graph, { outputs: { y }, purpose: "serve", weights });
    expect(compile(new Map())).toThrow("compileOnnx: no weights for parameter head.weight [2,4]");
    expect(compile(new Map([["head.weight", new Float32Array(7)]]))).toThrow("needs 8 numbers, got 7");
  });

  it("gives an input that is also a result, and one value two names", async () => {
    const graph = createGraph();
    const x = graph.input("x", [1]);
    const y = graph.neg(x);
    const session = await openSession(
      compileOnnx(graph, { outputs: { same: x, first: y, second: y }, purpose: "train" }),
      { threads: 1 },
    );
    const results = await session.run({ x: { type: "f32", shape: [1], data: Float32Array.of(2) } });
    expect(["same", "first", "second"].map((name) => results[name]?.data[0])).toEqual([2, -2, -2]);
    await session.close();
  });

  it("compiles the same bytes and computes the same bits twice on two threads, repeated ids included", async () => {
    const runOnce = async (): Promise<readonly (readonly number[])[]> => {
      const { graph, parameters, loss } = encoderBlock();
      const found = gradients(graph, loss, parameters);
      const outputs = Object.fromEntries([
        ["loss", loss] as const,
        ...found.map((value, i) => [`g${i}`, value] as const),
      ]);
      const model = compileOnnx(graph, { outputs, purpose: "train" });
      const session = await openSession(model, { threads: 2 });
      const results = await session.run(blockFeeds([...graph.inputs, ...parameters]));
      await session.close();
      return [[...model], ...Object.values(results).map(({ data }) => Array.from(data, Number))];
    };
    expect(await runOnce()).toEqual(await runOnce());
  });

  it("serves what it trained", async () => {
    const { graph, parameters, logits } = encoderBlock();
    const feeds = blockFeeds([...graph.inputs, ...parameters]);
    const weights = new Map<string, Float32Array>();
    for (const [name, tensor] of Object.entries(feeds)) if (tensor.type === "f32") weights.set(name, tensor.data);
    const [expected] = interpret(graph, [logits], asReferences(feeds));
    const session = await openSession(compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights }), {
      threads: 1,
    });
    const served = Object.fromEntries(
      session.inputNames.flatMap((name) => (feeds[name] === undefined ? [] : [[name, feeds[name]]])),
    );
    const results = await session.run(served);
    expect(session.inputNames).toEqual(["ids", "mask"]);
    expected?.data.forEach((value, i) => expect(Number(results["logits"]?.data[i])).toBeCloseTo(value, 4));
    await session.close();
  });
});

describe("interpret", () => {
  it("says which feed disagrees about a size", () => {
    const graph = createGraph();
    const values = [graph.input("a", ["B"]), graph.input("b", ["B"])];
    expect(() =>
      bindSymbols(
        values,
        new Map([
          ["a", of([2], 1, 2)],
          ["b", of([1], 1)],
        ]),
      ),
    ).toThrow("b axis 0 (B) must be 2, got 1");
  });
});
