/** @file Adds the 4-bit graph to the finished folder of a pretrained student, from the weights that lie in it. Trains and proves nothing. */
import { join } from "node:path";
import { InputError } from "../errors.js";
import { classifierOf, readPretrainedConfig } from "../models/families/index.js";
import { headParameters, pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { writeFileAtomic, writeJsonAtomic } from "../store/files.js";
import { restoreFolder } from "../store/folders.js";
import { INT4_FILE, type StudentManifest } from "../student/manifest.js";
import { readManifest } from "../student/open.js";
import { openHuggingFaceFolder } from "../weights/hugging-face.js";
import { compileFourBit, sha256, weightsHash } from "./model-folder.js";

/** A manifest that names no 4-bit graph. */
export function withoutFourBit(manifest: StudentManifest): StudentManifest {
  const { files, sha256: hashes, ...others } = manifest;
  const [{ int4: _file, ...otherFiles }, { int4: _hash, ...otherHashes }] = [files, hashes];
  return { ...others, files: otherFiles, sha256: otherHashes };
}

/** Writes onnx/model_q4.onnx and names it in joryu.json. @throws InputError for a student of hashed features, or weights that are not the
 *  student's. @throws StoreError */
export async function addFourBitGraph(folder: string): Promise<StudentManifest> {
  const path = join(folder, "joryu.json");
  restoreFolder(folder);
  const manifest = await readManifest(folder);
  const { pieces } = manifest.features;
  if (manifest.kind !== "pretrained" || pieces === undefined)
    throw new InputError(`${path}: only pretrained students have a 4-bit form, this one is ${manifest.kind}`);
  const { config: fields, weights: stored } = openHuggingFaceFolder(folder);
  const config = readPretrainedConfig(fields, join(folder, "config.json"));
  const labels = manifest.labels.length;
  const pooling = fields["classifier_pooling"] === "cls" ? "cls" : "mean";
  const parameters = [
    ...pretrainedParameters(config),
    ...headParameters(config, labels, classifierOf(config, pooling)),
  ];
  const weights = readParameters(stored, config, parameters);
  if (weightsHash(weights) !== manifest.sha256.weights) {
    throw new InputError(`${folder}: model.safetensors does not hold the weights that were proved (SHA-256 differs)`, {
      hint: "export the student again",
    });
  }
  const shape = { labels, pretrained: { config, pooling, maxTokens: pieces.maxTokens } } as const;
  const graph = compileFourBit(shape, weights);
  const added = {
    ...manifest,
    files: { ...manifest.files, int4: INT4_FILE },
    sha256: { ...manifest.sha256, int4: sha256(graph) },
  } as const;
  // A kill between the writes must leave no manifest that names a graph of other bytes.
  if ((manifest.sha256.int4 ?? added.sha256.int4) !== added.sha256.int4)
    writeJsonAtomic(path, withoutFourBit(manifest));
  writeFileAtomic(join(folder, INT4_FILE), graph);
  writeJsonAtomic(path, added);
  return added;
}
