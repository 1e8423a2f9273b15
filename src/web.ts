/** @file The browser's door: opens a model folder over HTTP. Needs onnxruntime-web beside it. */
import { InputError } from "./errors.js";
import { openWebSession } from "./runtime/onnxruntime-web.js";
import { assertCalibratorFits } from "./student/calibrator.js";
import { MAX_MANIFEST_BYTES, maxGraphBytes, parseManifest } from "./student/manifest.js";
import { createStudent, type Student } from "./student/student.js";
import { MAX_TOKENIZER_BYTES, readTokenizer, TOKENIZER_FILE } from "./student/tokenizer-file.js";

export type { Prediction, Student } from "./student/student.js";
export type { InputMessage, InputPart, StudentInput } from "./template/input.js";

/** The bytes at an address; one that says or sends more than `maxBytes` is left before they are all there. */
async function load(url: string, what: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new InputError(`${url}: HTTP ${response.status}`, { hint: "serve the whole model folder" });
  const tooLarge = async (sizeBytes: number): Promise<InputError> => {
    await response.body?.cancel();
    return new InputError(`${url}: ${sizeBytes} bytes or more, more than ${what} can have (${maxBytes})`, {
      hint: "serve the model folder as it was exported",
    });
  };
  const toldBytes = Number(response.headers.get("content-length") ?? 0);
  if (toldBytes > maxBytes) throw await tooLarge(toldBytes);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    chunks.push(part.value);
    sizeBytes += part.value.length;
    if (sizeBytes <= maxBytes) continue;
    reader?.releaseLock();
    throw await tooLarge(sizeBytes);
  }
  return joined(chunks, sizeBytes);
}

function joined(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** A file whose SHA-256 the manifest tells. */
async function loadProved(url: string, what: string, sha256: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await load(url, `the student's ${what}`, maxBytes);
  if (!("subtle" in crypto)) return bytes;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  if (Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") !== sha256)
    throw new InputError(`${url}: not the ${what} that was proved (SHA-256 differs)`, {
      hint: "serve the model folder as it was exported",
    });
  return bytes;
}

/** Opens the student whose model folder is served at `baseUrl`. Outside secure contexts (https, localhost) browsers offer no hash, and
 *  whether graph and tokenizer are those that were proved cannot be checked. @throws InputError when a file is missing, malformed or not
 *  the one that was proved. */
export async function openStudent(baseUrl: string): Promise<Student> {
  const base = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  const manifestUrl = `${base}joryu.json`;
  const text = await load(manifestUrl, "the student's manifest", MAX_MANIFEST_BYTES);
  const manifest = parseManifest(new TextDecoder().decode(text), manifestUrl);
  assertCalibratorFits(manifest.calibrator, manifest.sha256.weights);
  const graph = await loadProved(base + manifest.files.int8, "graph", manifest.sha256.int8, maxGraphBytes(manifest));
  const { pieces } = manifest.features;
  const tokenizerUrl = base + TOKENIZER_FILE;
  const tokenizer =
    pieces === undefined
      ? undefined
      : readTokenizer(
          await loadProved(tokenizerUrl, "tokenizer", pieces.tokenizerSha256, MAX_TOKENIZER_BYTES),
          tokenizerUrl,
        );
  const session = await openWebSession(graph);
  return createStudent({ manifest, session, runtime: "wasm", ...(tokenizer !== undefined && { tokenizer }) });
}
