import { describe, expect, it } from "vitest";
import { SessionError } from "../errors.js";
import { createGraph } from "../graph/graph.js";
import { compileOnnx } from "../graph/onnx.js";
import { f32 } from "../tensor/tensor.js";
import { openWorkerSession } from "./worker-session.js";

function model(): Uint8Array {
  const graph = createGraph();
  const x = graph.input("x", ["N"]);
  return compileOnnx(graph, { outputs: { y: graph.scale(x, 2), z: graph.neg(x) }, purpose: "serve" });
}

describe("a session in a worker", () => {
  it("answers calls that overlap, each with its own result", async () => {
    const session = await openWorkerSession(model(), { threads: 1 });
    expect(session.outputNames).toEqual(["y", "z"]);
    const answers = await Promise.all([1, 2, 3].map((x) => session.run({ x: f32([1], Float32Array.of(x)) }, ["y"])));
    expect(answers.map((answer) => answer["y"]?.data[0])).toEqual([2, 4, 6]);
    expect(Object.keys(answers[0] ?? {})).toEqual(["y"]);
    await session.close();
  });

  it("refuses a graph that is none with a SessionError", async () => {
    await expect(openWorkerSession(Uint8Array.of(1, 2, 3), { threads: 1 })).rejects.toThrow(SessionError);
  });

  it("reports a failing run and goes on", async () => {
    const session = await openWorkerSession(model(), { threads: 1 });
    await expect(session.run({})).rejects.toThrow(SessionError);
    expect((await session.run({ x: f32([1], Float32Array.of(4)) }))["z"]?.data[0]).toBe(-4);
    await session.close();
  });

  it("answers what was asked before closing, and refuses what comes after", async () => {
    const session = await openWorkerSession(model(), { threads: 1 });
    const pending = session.run({ x: f32([1], Float32Array.of(5)) });
    await session.close();
    expect((await pending)["y"]?.data[0]).toBe(10);
    await expect(session.run({ x: f32([1], Float32Array.of(5)) })).rejects.toThrow(/already closed/);
    await session.close();
  });
});
