/** @file The proved student under `models/`: the exported folder with its gate and its evaluation filled in. The graphs are the very
 *  bytes that were proved. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { shareByGroup } from "../evaluate/calls.js";
import { withoutFourBit } from "../export/four-bit.js";
import { copyHuggingFaceFiles } from "../export/hugging-face.js";
import { writeModelFolder } from "../export/model-folder.js";
import { formatJson } from "../store/files.js";
import { restoreFolder } from "../store/folders.js";
import { parseManifest, type StudentManifest } from "../student/manifest.js";
import { TOKENIZER_FILE } from "../student/tokenizer-file.js";
import type { Proof } from "./prove.js";

export interface Published {
  readonly folder: string;
  readonly manifest: StudentManifest;
  readonly proof: Proof;
}

interface PublishInput {
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly prove: (manifest: StudentManifest) => Proof;
}

/** Sum of the files that `predict` opens with this graph. */
export function openedBytes(folder: string, graph: string): number {
  return ["joryu.json", TOKENIZER_FILE, graph]
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}

/** The text of a manifest but for the 4-bit graph, which `joryu quantize` may have added. @throws InputError */
function comparedText(text: string, where: string): string {
  return formatJson(withoutFourBit(parseManifest(text, where)));
}

/** Whether a folder holds this very student already: its hashes vouch for the graphs. */
function holds(folder: string, manifest: StudentManifest): boolean {
  const path = join(folder, "joryu.json");
  if (!existsSync(path)) return false;
  try {
    return comparedText(readFileSync(path, "utf8"), path) === comparedText(formatJson(manifest), path);
  } catch (cause) {
    if (cause instanceof InputError) return false;
    throw cause;
  }
}

/** Writes the proved model folder. @throws StoreError */
export function publishStudent(input: PublishInput): Published {
  const path = join(input.from, "joryu.json");
  const exported = parseManifest(readFileSync(path, "utf8"), path);
  const proof = input.prove(exported);
  const { gate, runtimes, sealedCalls } = proof;
  const manifest: StudentManifest = {
    ...exported,
    name: input.name,
    ...(runtimes !== undefined && { runtimes: [...runtimes] }),
    gate: {
      promise: gate.promise,
      threshold: gate.threshold,
      epsilon: gate.epsilon,
      delta: gate.delta,
      coverage: gate.threshold === null ? null : gate.coverage.value,
    },
    evaluation: {
      sealedRows: proof.calibration.outcomes.length,
      sealedCalls: sealedCalls.scores.length,
      agreement: shareByGroup(sealedCalls.right, sealedCalls.groups),
    },
  };
  const graphs = {
    fp32: readFileSync(join(input.from, exported.files.fp32)),
    int8: readFileSync(join(input.from, exported.files.int8)),
  };
  restoreFolder(input.to);
  if (!holds(input.to, manifest)) {
    writeModelFolder(input.to, manifest, graphs, (folder) => copyHuggingFaceFiles(input.from, folder));
  }
  return { folder: input.to, manifest, proof };
}
