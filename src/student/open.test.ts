/** @file Opening a model folder reads no file that is larger than it can be, and no file that is none. The large ones are sparse: they
 *  hold no byte on the disk, and reading them would take gigabytes. */
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { writeExported } from "../../test/exported.js";
import { temporaryFolder } from "../../test/joryu.js";
import { InputError } from "../errors.js";
import { compileStudent, sha256, writeModelFolder } from "../export/model-folder.js";
import { GRAPH_FILES, INT4_FILE, maxGraphBytes } from "./manifest.js";
import { openStudent, readManifest, studentSizeBytes } from "./open.js";
import { TOKENIZER_FILE } from "./tokenizer-file.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const exported = writeExported("bert-wordpiece", folder.path);
const model = join(folder.path, "model");
beforeEach(() => {
  rmSync(model, { recursive: true, force: true });
  cpSync(exported, model, { recursive: true });
});

const GIB = 2 ** 30;

describe("opening a student", () => {
  it.each([
    ["graph", GRAPH_FILES.int8, "int8", 1],
    ["graph", GRAPH_FILES.int8, "int8", 500],
    ["graph", GRAPH_FILES.fp32, "fp32", 1],
    ["tokenizer", TOKENIZER_FILE, "int8", 1],
    ["manifest", "joryu.json", "int8", 1],
  ] as const)(
    "refuses a %s of a gigabyte and more before reading it (%s, %s, %i GiB)",
    async (what, file, precision, gib) => {
      truncateSync(join(model, file), gib * GIB);
      const before = process.memoryUsage();
      const opened = openStudent(model, { precision });
      await expect(opened).rejects.toThrow(InputError);
      await expect(opened).rejects.toThrow(new RegExp(`${gib * GIB} bytes, more than the student's ${what} can have`));
      const after = process.memoryUsage();
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(GIB / 4);
    },
  );

  const change = (part: object): void => {
    const manifest = JSON.parse(readFileSync(join(model, "joryu.json"), "utf8")) as object;
    writeFileSync(join(model, "joryu.json"), JSON.stringify({ ...manifest, ...part }));
  };

  it("keeps answers in int8 alone, for which the gate was proved", async () => {
    change({ gate: { promise: "kept", threshold: 0, epsilon: 0.02, delta: 0.05, coverage: 1 } });
    for (const [precision, decision] of [
      ["int8", "keep"],
      ["fp32", "defer"],
    ] as const) {
      const student = await openStudent(model, { precision });
      expect((await student.predict(["Where is my card?"]))[0]?.decision).toBe(decision);
      expect(student.unproved).toBe(precision === "int8" ? undefined : "the gate was proved for int8, not for fp32");
      await student.close();
    }
  });

  it("refuses a calibrator of other weights", async () => {
    const { calibrator } = await readManifest(model);
    change({ calibrator: { ...calibrator, modelHash: "0".repeat(64) } });
    await expect(openStudent(model)).rejects.toThrow(/calibrator: expected one fitted for the weights/);
  });

  it("leaves all of the gate but what it keeps in other forms", async () => {
    const gate = { promise: "delivered", threshold: 0.5, epsilon: 0.03, delta: 0.1, coverage: 0.7 };
    change({ gate });
    const student = await openStudent(model, { precision: "fp32" });
    expect(student.manifest.gate).toEqual({ ...gate, threshold: null, coverage: null });
    await student.close();
  });

  it.each([
    [GRAPH_FILES.int8, "graph"],
    [TOKENIZER_FILE, "tokenizer"],
  ])("refuses a %s of one other byte: the %s is not the one that was proved", async (file, what) => {
    const bytes = readFileSync(join(model, file));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(join(model, file), bytes);
    await expect(openStudent(model)).rejects.toThrow(`${file}: not the ${what} that was proved`);
  });

  it.each([
    ["joryu.json", "the student's manifest"],
    [GRAPH_FILES.int8, "the student's graph"],
    [TOKENIZER_FILE, "the student's tokenizer"],
  ])("says in one line that %s is missing", async (file, what) => {
    rmSync(join(model, file));
    const opened = openStudent(model);
    await expect(opened).rejects.toThrow(InputError);
    await expect(opened).rejects.toThrow(`${file}: cannot read ${what}; `);
  });

  it("has no form that was not exported", async () => {
    await expect(openStudent(model, { precision: "int4" })).rejects.toThrow(/the student has no int4 graph; /);
    const { files, sha256: hashes } = await readManifest(model);
    change({ files: { ...files, int4: INT4_FILE } });
    await expect(openStudent(model, { precision: "int4" })).rejects.toThrow(/the student has no int4 graph; /);
    change({ files, sha256: { ...hashes, int4: "0".repeat(64) } });
    await expect(openStudent(model, { precision: "int4" })).rejects.toThrow(/the student has no int4 graph; /);
  });

  it("reads no tokenizer where hashed features are read, and is as large as the files it reads", async () => {
    const linear = { wordBuckets: 8, characterBuckets: 8 };
    const weights = new Map([
      ["linear.idf", new Float32Array(16).fill(1)],
      ["linear.table", new Float32Array(16 * 4)],
      ["linear.bias", Float32Array.of(0, 1, 0, 0)],
    ]);
    const graphs = compileStudent({ labels: 4, linear: { buckets: 16 } }, weights);
    const manifest = await readManifest(model);
    const hashes = { int8: sha256(graphs.int8), fp32: sha256(graphs.fp32), weights: manifest.sha256.weights };
    const path = join(folder.path, "hashed");
    writeModelFolder(path, { ...manifest, kind: "linear", features: { linear }, sha256: hashes }, graphs);
    const student = await openStudent(path);
    expect((await student.predict(["anything"]))[0]?.label).toBe(manifest.labels[1]);
    await student.close();
    const bytesOf = (root: string, files: readonly string[]): number =>
      files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
    expect(await studentSizeBytes(path)).toBe(bytesOf(path, ["joryu.json", GRAPH_FILES.int8]));
    expect(await studentSizeBytes(model)).toBe(bytesOf(model, ["joryu.json", GRAPH_FILES.int8, TOKENIZER_FILE]));
  });

  it("refuses a folder in the place of a graph", async () => {
    rmSync(join(model, GRAPH_FILES.int8));
    mkdirSync(join(model, GRAPH_FILES.int8));
    await expect(openStudent(model)).rejects.toThrow(/model_int8\.onnx: no file; the student's graph is one/);
  });
});

describe("the largest graph of a student", () => {
  it("has room for every weight in 4 bytes and ends where protocol buffers do", () => {
    expect(maxGraphBytes({ parameters: 0 })).toBeGreaterThan(statSync(join(exported, GRAPH_FILES.fp32)).size);
    for (const parameters of [1e6, 1e8, 4e8]) expect(maxGraphBytes({ parameters })).toBeGreaterThan(4 * parameters);
    expect(maxGraphBytes({ parameters: Number.MAX_SAFE_INTEGER })).toBe(2 ** 31 - 1);
  });
});
