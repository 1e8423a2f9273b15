import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { writeExported } from "../../test/exported.js";
import { temporaryFolder } from "../../test/joryu.js";
import { storeError } from "../store/files.js";
import type { StudentManifest } from "../student/manifest.js";
import { openStudent } from "../student/open.js";
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

it("a student that is replaced by a process killed in between opens as it was, and is replaced by the next", async () => {
  const exported = fileURLToPath(new URL("../../test/exported.js", import.meta.url));
  const parent = join(folder.path, "killed");
  const model = writeExported("bert-wordpiece", parent);
  const manifest = readFileSync(join(model, "joryu.json"), "utf8");
  const script = `import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const { renameSync } = fs;
    fs.renameSync = (from, to) => {
      renameSync(from, to);
      if (from === ${JSON.stringify(model)}) process.kill(process.pid, "SIGKILL");
    };
    syncBuiltinESMExports();
    (await import(${JSON.stringify(exported)})).writeExported("bert-wordpiece", ${JSON.stringify(parent)});`;
  expect(spawnSync(process.execPath, ["--input-type=module", "-e", script]).signal).toBe("SIGKILL");
  expect(existsSync(model)).toBe(false);
  const student = await openStudent(model);
  expect(await student.predict(["where is my card"])).toHaveLength(1);
  await student.close();
  writeExported("bert-wordpiece", parent);
  expect(readFileSync(join(model, "joryu.json"), "utf8")).toBe(manifest);
  expect(readdirSync(parent).sort()).toEqual(["bases", "bert-wordpiece"]);
});
