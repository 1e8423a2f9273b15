/** @file ONNX Runtime in Node: the only file that imports onnxruntime-node, and not before a session is opened, so that what needs none runs
 *  where it could not be installed. `run` blocks the calling thread for its whole duration, so long work opens its session inside a worker. */
import "./no-telemetry.js";
import type * as Ort from "onnxruntime-node";
import { SessionError } from "../errors.js";
import type { Tensor } from "../tensor/tensor.js";
import type { LocalSession, SessionOptions } from "./session.js";

const ORT_TYPES = {
  f32: "float32",
  f64: "float64",
  i64: "int64",
  i32: "int32",
  i8: "int8",
  u8: "uint8",
  bool: "bool",
} as const;

/** The native runtime. @throws SessionError that says how to get it, where it cannot be loaded. */
export async function loadRuntime(): Promise<typeof Ort> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new SessionError(`the native runtime onnxruntime-node cannot be loaded: ${firstLine(messageOf(cause))}`, {
      hint: "npm install onnxruntime-node --ignore-scripts (its CPU runtime is inside the package; Linux, macOS and Windows, x64 and arm64)",
      cause,
    });
  }
}

function toOrtAll(ort: typeof Ort, tensors: Readonly<Record<string, Tensor>>): Record<string, Ort.Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data, shape }]) => [
      name,
      new ort.Tensor(ORT_TYPES[type], data as never, shape),
    ]),
  );
}

function fromOrt(name: string, value: Ort.Tensor): Tensor {
  const shape = value.dims;
  const data: unknown = value.data;
  if (data instanceof Float32Array) return { type: "f32", shape, data };
  if (data instanceof Float64Array) return { type: "f64", shape, data };
  if (data instanceof BigInt64Array) return { type: "i64", shape, data };
  if (data instanceof Int32Array) return { type: "i32", shape, data };
  if (data instanceof Int8Array) return { type: "i8", shape, data };
  if (data instanceof Uint8Array) return { type: value.type === "bool" ? "bool" : "u8", shape, data };
  throw new SessionError(`onnxruntime: output ${name} has type ${value.type}, which has no tensor type here`);
}

function named(results: Ort.InferenceSession.OnnxValueMapType, outputs: readonly string[]): Record<string, Tensor> {
  const answer: Record<string, Tensor> = {};
  for (const name of outputs) {
    const value = results[name];
    if (value !== undefined) answer[name] = fromOrt(name, value);
  }
  return answer;
}

/** Opens a graph from bytes or a path. @throws SessionError when the graph is refused. */
export async function openSession(model: Uint8Array | string, options: SessionOptions): Promise<LocalSession> {
  const ort = await loadRuntime();
  const settings: Ort.InferenceSession.SessionOptions = {
    executionProviders: ["cpu"],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    // One planned block took a training process to a peak of 1,061 MB; the arena, piece by piece, to 657 MB at equal speed.
    enableMemPattern: false,
    enableCpuMemArena: !(options.lean ?? false),
    extra: {
      session: {
        set_denormal_as_zero: "1",
        intra_op: { allow_spinning: (options.spin ?? options.threads > 1) ? "1" : "0" },
      },
    },
  };
  let session: Ort.InferenceSession;
  try {
    session =
      typeof model === "string"
        ? await ort.InferenceSession.create(model, settings)
        : await ort.InferenceSession.create(model, settings);
  } catch (cause) {
    throw new SessionError(`onnxruntime: graph refused: ${messageOf(cause)}`, { cause });
  }
  const run = async (
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[] | Readonly<Record<string, Ort.Tensor | null>>,
  ): Promise<Ort.InferenceSession.OnnxValueMapType> => {
    try {
      return await session.run(toOrtAll(ort, feeds), fetches);
    } catch (cause) {
      throw new SessionError(`onnxruntime: run failed: ${messageOf(cause)}`, { cause });
    }
  };
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds, outputs = session.outputNames) {
      return named(await run(feeds, outputs), outputs);
    },
    async runInto(feeds, results, more = []) {
      const allocated = Object.fromEntries(more.map((name) => [name, null]));
      return named(await run(feeds, { ...toOrtAll(ort, results), ...allocated }), more);
    },
    close: () => session.release(),
  };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
