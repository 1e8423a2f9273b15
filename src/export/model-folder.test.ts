import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { temporaryFolder } from "../../test/joryu.js";
import { storeError } from "../store/files.js";
import type { StudentManifest } from "../student/manifest.js";
import { writeModelFolder } from "./model-folder.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

it("a disk that fills up while a model folder is written is called full, and no folder appears", () => {
  const manifest = { files: { fp32: "onnx/model.onnx", int8: "onnx/model_int8.onnx" } } as StudentManifest;
  const path = join(folder.path, "student");
  const fill = (): never => {
    throw storeError("tokenizer.json", Object.assign(new Error("write"), { code: "ENOSPC" }));
  };
  const graphs = { fp32: new Uint8Array(1), int8: new Uint8Array(1) };
  expect(() => writeModelFolder(path, manifest, graphs, fill)).toThrow(/tokenizer\.json: .*ENOSPC.*the disk is full/);
  expect(existsSync(path)).toBe(false);
});
