import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { fitCalibrator } from "../evaluate/calibration.js";
import { parseManifest } from "./manifest.js";

const HASH = "a".repeat(64);

function manifest(changes: Readonly<Record<string, unknown>> = {}): string {
  const logits = Float32Array.from({ length: 40 }, (_, i) => (i % 4 === 0 || i % 4 === 3 ? 2 : 0) + i / 40);
  return JSON.stringify({
    format: "joryu-student-1",
    opensWith: "joryu",
    name: "routing-linear",
    kind: "linear",
    labels: ["__proto__", "constructor"],
    features: { linear: { wordBuckets: 8, characterBuckets: 8 } },
    template: { system: "", userPrefix: "", userSuffix: "" },
    files: { int8: "onnx/model_int8.onnx", fp32: "onnx/model.onnx" },
    sha256: { int8: HASH, fp32: HASH, weights: HASH },
    calibrator: fitCalibrator({ logits, classes: 2, labels: Array.from({ length: 20 }, (_, i) => i % 2) }, HASH),
    gate: { threshold: null, epsilon: 0.02, delta: 0.05, coverage: null },
    evaluation: null,
    parity: [],
    parameters: 34,
    lineage: { dataset: "d", seed: 1, teacher: [], plan: "p", loss: "l", joryu: "0.1.0" },
    ...changes,
  });
}

describe("parseManifest", () => {
  it("gives a whole manifest back, labels that are names of object properties too", () => {
    expect(parseManifest(manifest(), "here")).toMatchObject({ kind: "linear", labels: ["__proto__", "constructor"] });
  });

  it("reads a gate of before the two promises as one of the kept answers", () => {
    const gate = { threshold: 0.5, epsilon: 0.02, delta: 0.05, coverage: 0.4 };
    expect(parseManifest(manifest({ gate }), "here").gate).toEqual({ promise: "kept", ...gate });
    for (const promise of ["delivered", "kept"])
      expect(parseManifest(manifest({ gate: { promise, ...gate } }), "here").gate.promise).toBe(promise);
    expect(() => parseManifest(manifest({ gate: { ...gate, promise: "both" } }), "here")).toThrow(/gate\.promise/);
  });

  it("knows example turns that are no part of a question, constant or drawn", () => {
    const template = { system: "", userPrefix: "", userSuffix: "" };
    for (const examples of ["drawn", [{ role: "user", content: "a" }]])
      expect(parseManifest(manifest({ template: { ...template, examples } }), "here").template.examples).toEqual(
        examples,
      );
    expect(() => parseManifest(manifest({ template: { ...template, examples: "some" } }), "here")).toThrow(
      /template\.examples/,
    );
  });

  it.each([
    ["another format", { format: "joryu-student-2" }, /field format/],
    ["no labels", { labels: [] }, /field labels/],
    [
      "a table beyond the limit",
      { features: { linear: { wordBuckets: 2 ** 40, characterBuckets: 8 } } },
      /features\.linear\.wordBuckets/,
    ],
    ["a graph outside its folder", { files: { int8: "../../secret", fp32: "onnx/model.onnx" } }, /field files\.int8/],
    ["a hash that is none", { sha256: { int8: "abc", fp32: HASH, weights: HASH } }, /field sha256\.int8/],
    ["a coverage above 1", { gate: { threshold: 0, epsilon: 0.1, delta: 0.1, coverage: 2 } }, /field gate\.coverage/],
    ["a key that nobody knows", { extra: 1 }, /extra/],
  ])("refuses %s and names the field", (_, changes, message) => {
    expect(() => parseManifest(manifest(changes), "here/joryu.json")).toThrow(message);
    expect(() => parseManifest(manifest(changes), "here/joryu.json")).toThrow(/^here\/joryu\.json: /);
  });

  it("says that a file which was cut off is no JSON, and that another's JSON is no manifest", () => {
    expect(() => parseManifest(manifest().slice(0, -1), "here")).toThrow(/^here: not JSON; /);
    expect(() => parseManifest("[]", "here")).toThrow(/^here: field \(root\): /);
  });

  it("answers every cut-off and random damage with an InputError or a manifest", () => {
    const text = manifest();
    const random = createRandom(2, "damage");
    for (let round = 0; round < 300; round++) {
      const at = Math.floor(random.float() * text.length);
      const damaged =
        round % 2 === 0
          ? text.slice(0, at)
          : text.slice(0, at) + String.fromCharCode(random.float() * 128) + text.slice(at + 1);
      try {
        parseManifest(damaged, "here");
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
  });
});
