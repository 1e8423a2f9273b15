/** @file The browser's door: opens a model folder over HTTP. Needs onnxruntime-web beside it. */
import { InputError } from "./errors.js";
import { openWebSession } from "./runtime/onnxruntime-web.js";
import { assertCalibratorFits } from "./student/calibrator.js";
import { parseManifest } from "./student/manifest.js";
import { createStudent, type Student } from "./student/student.js";
import { readTokenizer, TOKENIZER_FILE } from "./student/tokenizer-file.js";

export type { Prediction, Student } from "./student/student.js";

async function load(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new InputError(`${url}: HTTP ${response.status}`, { hint: "serve the whole model folder" });
  return response;
}

/** Opens the student whose model folder is served at `baseUrl`. @throws InputError when a file is missing or malformed. */
export async function openStudent(baseUrl: string): Promise<Student> {
  const base = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  const manifest = parseManifest(await (await load(`${base}joryu.json`)).text(), `${base}joryu.json`);
  assertCalibratorFits(manifest.calibrator, manifest.sha256.weights);
  const bytesOf = async (name: string): Promise<Uint8Array> =>
    new Uint8Array(await (await load(base + name)).arrayBuffer());
  const { pieces } = manifest.features;
  const graph = await bytesOf(manifest.files.int8);
  const tokenizer =
    pieces === undefined ? undefined : readTokenizer(await bytesOf(TOKENIZER_FILE), base + TOKENIZER_FILE);
  return createStudent(manifest, await openWebSession(graph), tokenizer);
}
