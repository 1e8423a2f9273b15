/** @file Writes a student as a model folder: joryu.json beside onnx/model.onnx (fp32) and onnx/model_int8.onnx. The folder appears in
 *  one rename, so it is whole or absent, and an older one stays until then (store/folders.ts). Knows no training and no evaluation. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { JoryuError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import { studentGraph, type StudentShape } from "../models/joined.js";
import { makeFolder, storeError, writeFileAtomic, writeJsonAtomic } from "../store/files.js";
import { replaceFolder, restoreFolder } from "../store/folders.js";
import { f32, type Tensor } from "../tensor/tensor.js";
import type { StudentManifest } from "../student/manifest.js";

/** Both graphs of a student as bytes. */
export interface StudentGraphs {
  readonly fp32: Uint8Array;
  readonly int8: Uint8Array;
}

/** Weights stay in float32 where rounding them saves next to nothing. */
const KEPT_FP32 = new Set(["linear.idf", "linear.bias"]);

/** Compiles the serving graphs from trained weights. `weights` names: `linear.*` and `encoder.*`. */
export function compileStudent(shape: StudentShape, weights: ReadonlyMap<string, Float32Array>): StudentGraphs {
  const { graph, logits } = studentGraph(shape);
  const common = { outputs: { logits }, purpose: "serve", weights } as const;
  return {
    fp32: compileOnnx(graph, common),
    int8: compileOnnx(graph, { ...common, quantize: (parameter) => !KEPT_FP32.has(parameter) }),
  };
}

/** The smaller serving graph, its weights in 4 bits: slower than int8 on processors with AVX2. */
export function compileFourBit(shape: StudentShape, weights: ReadonlyMap<string, Float32Array>): Uint8Array {
  const { graph, logits } = studentGraph(shape);
  const quantize = (parameter: string): boolean => !KEPT_FP32.has(parameter);
  return compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights, quantize, bits: 4 });
}

/** The same student as its training ran it, operator by operator in float32, with its weights as feeds: what the exports are
 *  compared with. */
export function compileReference(
  shape: StudentShape,
  weights: ReadonlyMap<string, Float32Array>,
): { readonly graph: Uint8Array; readonly feeds: Readonly<Record<string, Tensor>> } {
  const { graph, logits } = studentGraph(shape);
  const feeds: Record<string, Tensor> = {};
  for (const parameter of graph.parameters) {
    feeds[parameter.name] = f32(parameter.shape.map(Number), weights.get(parameter.name) ?? new Float32Array());
  }
  return { graph: compileOnnx(graph, { outputs: { logits }, purpose: "train" }), feeds };
}

/** SHA-256 of bytes, hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** SHA-256 over named arrays in the order of their names. */
export function weightsHash(weights: ReadonlyMap<string, Float32Array>): string {
  const hash = createHash("sha256");
  for (const name of [...weights.keys()].sort()) {
    const data = weights.get(name) ?? new Float32Array();
    hash.update(`${name}:${data.length}\n`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/** Writes a model folder, replacing an older one; `addFiles` puts more into the folder before it appears. @throws StoreError */
export function writeModelFolder(
  folder: string,
  manifest: StudentManifest,
  graphs: StudentGraphs,
  addFiles: (folder: string) => void = () => undefined,
): void {
  const next = `${folder}.tmp`;
  restoreFolder(folder);
  try {
    rmSync(next, { recursive: true, force: true });
    makeFolder(join(next, "onnx"));
    writeFileAtomic(join(next, manifest.files.fp32), graphs.fp32);
    writeFileAtomic(join(next, manifest.files.int8), graphs.int8);
    addFiles(next);
    writeJsonAtomic(join(next, "joryu.json"), manifest);
    replaceFolder(next, folder);
  } catch (cause) {
    throw cause instanceof JoryuError ? cause : storeError(folder, cause);
  }
}
