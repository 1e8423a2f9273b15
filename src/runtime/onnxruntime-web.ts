/** @file ONNX Runtime in a browser: the only file that imports onnxruntime-web, which the page provides (an optional peer). */
import * as ort from "onnxruntime-web";
import { SessionError } from "../errors.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Session } from "./session.js";

const TYPES = {
  f32: "float32",
  f64: "float64",
  i64: "int64",
  i32: "int32",
  i8: "int8",
  u8: "uint8",
  bool: "bool",
} as const;

/** Opens a graph from bytes. @throws SessionError when the graph is refused. */
export async function openWebSession(model: Uint8Array): Promise<Session> {
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  } catch (cause) {
    throw new SessionError(
      `onnxruntime-web: graph refused: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds, outputs = session.outputNames) {
      const inputs: Record<string, ort.Tensor> = {};
      for (const [name, tensor] of Object.entries(feeds))
        inputs[name] = new ort.Tensor(TYPES[tensor.type], tensor.data as never, tensor.shape);
      const results = await session.run(inputs, [...outputs]);
      const answer: Record<string, Tensor> = {};
      for (const name of outputs) {
        const value = results[name];
        if (value?.data instanceof Float32Array) answer[name] = { type: "f32", shape: value.dims, data: value.data };
      }
      return answer;
    },
    close: () => session.release(),
  };
}
