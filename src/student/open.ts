/** @file Opens a model folder in Node. `predict` opens joryu.json and one graph; their sizes are the size of the student. */
import { createHash } from "node:crypto";
import { open, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { openSession } from "../runtime/onnxruntime.js";
import { wholeFolder } from "../store/folders.js";
import { assertCalibratorFits } from "./calibrator.js";
import {
  GRAPH_FILES,
  MAX_MANIFEST_BYTES,
  maxGraphBytes,
  parseManifest,
  type Precision,
  type StudentManifest,
} from "./manifest.js";
import { createStudent, type Student, type StudentParts } from "./student.js";
import { MAX_TOKENIZER_BYTES, readTokenizer, TOKENIZER_FILE } from "./tokenizer-file.js";

export interface OpenStudentOptions {
  /** Threads inside one operator; 1 is fastest for single short texts. */
  readonly threads?: number;
  /** int8 unless told. The gate was proved for int8; in any other form every answer is deferred. */
  readonly precision?: Precision;
}

/** All bytes of an open file of `sizeBytes`; what is appended meanwhile is not read. */
async function readWhole(file: FileHandle, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let done = 0;
  for (let count = 1; done < sizeBytes && count > 0; done += count)
    count = (await file.read(bytes, done, sizeBytes - done, done)).bytesRead;
  return bytes.subarray(0, done);
}

/** Reads a regular file whose size is checked before a byte of it is read. @throws InputError */
async function readPart(path: string, what: string, maxBytes: number): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) throw new InputError(`${path}: no file; ${what} is one`);
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > maxBytes)
        throw new InputError(`${path}: ${size} bytes, more than ${what} can have (${maxBytes})`, {
          hint: "export the student again",
        });
      return await readWhole(file, size);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`${path}: cannot read ${what}`, { hint: "name the model folder that a run printed", cause });
  }
}

async function readProved(path: string, what: string, sha256: string, maxBytes: number): Promise<Buffer> {
  const bytes = await readPart(path, `the student's ${what}`, maxBytes);
  if (createHash("sha256").update(bytes).digest("hex") !== sha256) {
    throw new InputError(`${path}: not the ${what} that was proved (SHA-256 differs)`, {
      hint: "export the student again",
    });
  }
  return bytes;
}

/** Reads joryu.json of a model folder. @throws InputError when it is missing, too large or malformed. */
export async function readManifest(folder: string): Promise<StudentManifest> {
  const path = join(wholeFolder(folder), "joryu.json");
  const text = await readPart(path, "the student's manifest", MAX_MANIFEST_BYTES);
  return parseManifest(text.toString("utf8"), path);
}

/** Opens the student in a model folder. @throws InputError when a file is missing, malformed or not the one that was proved. */
export async function openStudent(path: string, options: OpenStudentOptions = {}): Promise<Student> {
  const { threads = 1 } = options;
  const { graph, ...parts } = await readStudent(path, options.precision ?? "int8");
  return createStudent({ ...parts, session: await openSession(graph, { threads }) });
}

/** Reads a model folder for whatever runtime will open its graph. @throws InputError */
export async function readStudent(
  path: string,
  precision: Precision,
): Promise<Omit<StudentParts, "session"> & { readonly graph: Uint8Array }> {
  const folder = wholeFolder(path);
  const manifest = await readManifest(folder);
  assertCalibratorFits(manifest.calibrator, manifest.sha256.weights);
  const [file, hash] = [manifest.files[precision], manifest.sha256[precision]];
  if (file === undefined || hash === undefined)
    throw new InputError(`${folder}: the student has no ${precision} graph`, {
      hint: "open it in int8 or fp32; `joryu quantize` adds int4 to a pretrained student",
    });
  const graph = await readProved(join(folder, file), "graph", hash, maxGraphBytes(manifest));
  const { pieces } = manifest.features;
  const tokenizerPath = join(folder, TOKENIZER_FILE);
  const tokenizer =
    pieces === undefined
      ? undefined
      : readTokenizer(
          await readProved(tokenizerPath, "tokenizer", pieces.tokenizerSha256, MAX_TOKENIZER_BYTES),
          tokenizerPath,
        );
  return { manifest, graph, precision, ...(tokenizer !== undefined && { tokenizer }) };
}

/** Sum of the files that `predict` opens, in bytes. */
export async function studentSizeBytes(path: string): Promise<number> {
  const folder = wholeFolder(path);
  const manifest = await stat(join(folder, "joryu.json"));
  const graph = await stat(join(folder, GRAPH_FILES.int8));
  const tokenizer = await stat(join(folder, TOKENIZER_FILE)).catch(() => ({ size: 0 }));
  return manifest.size + graph.size + tokenizer.size;
}
