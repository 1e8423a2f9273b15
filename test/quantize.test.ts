/** @file `joryu quantize` on a finished folder of a pretrained student, and what answers in 4 bits. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LABELS, WIDE, writeExported } from "./exported.js";
import { joryu, lastJson, temporaryFolder } from "./joryu.js";

const folder = temporaryFolder();
const name = "bert-wordpiece";
const model = join(folder.path, name);
beforeAll(() => writeExported(name, folder.path, WIDE));
afterAll(() => folder.remove());

describe("joryu quantize", () => {
  it("is asked for before int4 answers, then adds a graph that defers every answer", async () => {
    const before = await joryu(["predict", "--model", model, "--precision", "int4", "hello"]);
    expect(before).toMatchObject({ code: 2, stdout: "" });
    expect(before.stderr).toMatch(/no int4 graph; .*joryu quantize/);
    const { code, stdout } = await joryu(["quantize", "--model", model, "--json"]);
    expect(code).toBe(0);
    const { file, int4Bytes, int8Bytes } = lastJson(stdout);
    expect(statSync(String(file)).size).toBe(int4Bytes);
    expect(Number(int4Bytes)).toBeLessThan(Number(int8Bytes) * 0.8);
    const after = await joryu(["predict", "--model", model, "--precision", "int4", "--json", "where is my card?"]);
    expect(LABELS).toContain(lastJson(after.stdout)["label"]);
    expect(lastJson(after.stdout)["decision"]).toBe("defer");
  });

  it("says what is wrong with a folder that is none", async () => {
    const { code, stderr } = await joryu(["quantize", "--model", folder.path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^joryu: .*joryu\.json: cannot read the student.s manifest; name the model folder/);
    expect(existsSync(join(folder.path, "onnx"))).toBe(false);
  });
});
