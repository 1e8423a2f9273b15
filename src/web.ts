/** @file The browser's door: opens a model folder over HTTP. Needs onnxruntime-web beside it. */
import { InputError } from "./errors.js";
import { openWebSession } from "./runtime/onnxruntime-web.js";
import { assertCalibratorFits } from "./student/calibrator.js";
import { parseManifest } from "./student/manifest.js";
import { createStudent, type Student } from "./student/student.js";
import { readTokenizer, TOKENIZER_FILE } from "./student/tokenizer-file.js";

export type { Prediction, Student } from "./student/student.js";
export type { InputMessage, InputPart, StudentInput } from "./template/input.js";

async function load(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new InputError(`${url}: HTTP ${response.status}`, { hint: "serve the whole model folder" });
  return response;
}

/** A file whose SHA-256 the manifest tells. */
async function loadProved(url: string, what: string, sha256: string): Promise<Uint8Array> {
  const bytes = await (await load(url)).arrayBuffer();
  if (!("subtle" in crypto)) return new Uint8Array(bytes);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  if (Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") !== sha256)
    throw new InputError(`${url}: not the ${what} that was proved (SHA-256 differs)`, {
      hint: "serve the model folder as it was exported",
    });
  return new Uint8Array(bytes);
}

/** Opens the student whose model folder is served at `baseUrl`. Outside secure contexts (https, localhost) browsers offer no hash, and
 *  whether graph and tokenizer are those that were proved cannot be checked. @throws InputError when a file is missing, malformed or not
 *  the one that was proved. */
export async function openStudent(baseUrl: string): Promise<Student> {
  const base = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  const manifest = parseManifest(await (await load(`${base}joryu.json`)).text(), `${base}joryu.json`);
  assertCalibratorFits(manifest.calibrator, manifest.sha256.weights);
  const graph = await loadProved(base + manifest.files.int8, "graph", manifest.sha256.int8);
  const { pieces } = manifest.features;
  const tokenizerUrl = base + TOKENIZER_FILE;
  const tokenizer =
    pieces === undefined
      ? undefined
      : readTokenizer(await loadProved(tokenizerUrl, "tokenizer", pieces.tokenizerSha256), tokenizerUrl);
  return createStudent(manifest, await openWebSession(graph), tokenizer);
}
