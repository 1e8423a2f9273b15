/** @file The package's door as a program uses it: a run makes a model folder, `openStudent` opens it, `predict` answers. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JoryuError, openStudent, studentSizeBytes, VERSION, type Student } from "../src/index.js";
import { joryu, lastJson, limitedJoryu, MACHINE, temporaryFolder, writeSmallLogs } from "./joryu.js";

const folder = temporaryFolder();
let model: string;
let student: Student;

beforeAll(async () => {
  const logs = join(folder.path, "logs.jsonl");
  writeSmallLogs(logs);
  const flags = [
    "--minutes",
    "0.1",
    "--machine",
    MACHINE,
    "--target",
    "agreement=0.85",
    "--out",
    join(folder.path, "state"),
  ];
  model = String(lastJson((await joryu(["run", "--logs", logs, ...flags, "--json"])).stdout)["model"]);
  student = await openStudent(model);
});
afterAll(async () => {
  await student.close();
  folder.remove();
});

describe("openStudent", () => {
  it("answers texts in order with label, probability and decision", async () => {
    const texts = ["How do I activate my card?", "is there an age limit", ""];
    const answers = await student.predict(texts);
    expect(answers.map(({ text }) => text)).toEqual(texts);
    expect(answers.slice(0, 2).map(({ label, decision }) => [label, decision])).toEqual([
      ["activate_my_card", "keep"],
      ["age_limit", "keep"],
    ]);
    for (const { probability } of answers) expect(probability >= 0 && probability <= 1).toBe(true);
    expect(await student.predict([])).toEqual([]);
  });

  it("gives the labels that the command line gives", async () => {
    const texts = ["my refund is missing", "top up by itself", "cancel that transfer please"];
    const { stdout } = await joryu(["predict", "--model", model, "--json", ...texts]);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(await student.predict(texts));
  });

  it("leaves nothing in home and temporary folders: the runtime's reports to its maker are off, in workers too", async () => {
    const home = join(folder.path, "home");
    mkdirSync(home);
    const outside = `unset CI GITHUB_ACTIONS ORT_DISABLE_TELEMETRY XDG_CACHE_HOME && export HOME='${home}' TMPDIR='${home}'`;
    const predict = await limitedJoryu(outside, ["predict", "--model", model, "my card"]);
    const doctor = await limitedJoryu(outside, ["doctor"]);
    expect([predict.code, doctor.code, readdirSync(home)]).toEqual([0, 0, []]);
  });

  it("answers a text alone and among 200 others with the same label and all but the same probability", async () => {
    const texts = Array.from({ length: 200 }, (_, i) => `cancel transfer ${"again ".repeat(i % 40)}${i}`);
    const together = await student.predict(texts);
    for (const i of [0, 63, 64, 199]) {
      const [alone] = await student.predict([texts[i] ?? ""]);
      expect(alone?.label).toBe(together[i]?.label);
      expect(alone?.probability).toBeCloseTo(together[i]?.probability ?? -1, 6);
    }
  });

  it("opens the unrounded graph too, which nearly agrees", async () => {
    const exact = await openStudent(model, { precision: "fp32" });
    const texts = ["is there an age limit", "cancel my transfer"];
    expect((await exact.predict(texts)).map(({ label }) => label)).toEqual(
      (await student.predict(texts)).map(({ label }) => label),
    );
    await exact.close();
  });

  it("states its origin and its size", async () => {
    expect(student.manifest).toMatchObject({
      format: "joryu-student-1",
      kind: "linear",
      lineage: { joryu: VERSION, seed: 1 },
    });
    expect(await studentSizeBytes(model)).toBe(
      readFileSync(join(model, "joryu.json")).length + readFileSync(join(model, "onnx/model_int8.onnx")).length,
    );
  });

  it("refuses a folder whose graph is not the one that was proved, and one without a manifest", async () => {
    const forged = join(folder.path, "forged");
    cpSync(model, forged, { recursive: true });
    writeFileSync(join(forged, "onnx/model_int8.onnx"), "another graph");
    await expect(openStudent(forged)).rejects.toThrow(/not the graph that was proved/);
    await expect(openStudent(folder.path)).rejects.toThrow(JoryuError);
  });
});
