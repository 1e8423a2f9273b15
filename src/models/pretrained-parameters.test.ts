import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { elementCount } from "../tensor/tensor.js";
import { openSafetensors, writeSafetensors } from "../weights/safetensors.js";
import { classifierOf, cutConfig, familyOf } from "./families/index.js";
import {
  headParameters,
  pretrainedParameters,
  readParameters,
  tensorsOf,
  type TensorSource,
} from "./pretrained-parameters.js";
import { openReference, REFERENCES } from "./pretrained.test.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-parameters-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The same tensors under other names or shapes. */
function changed(
  source: TensorSource,
  change: (name: string, shape: readonly number[]) => readonly [string, readonly number[]] | undefined,
): TensorSource {
  const former = new Map<string, string>();
  const entries = new Map<string, { readonly shape: readonly number[] }>();
  for (const [name, { shape }] of source.entries) {
    const entry = change(name, shape);
    if (entry === undefined) continue;
    entries.set(entry[0], { shape: entry[1] });
    former.set(entry[0], name);
  }
  return { path: "changed", entries, read: (name) => source.read(former.get(name) ?? name) };
}

describe.each(REFERENCES)("the parameters of %s", (name) => {
  const { config, source } = openReference(name);
  const parameters = pretrainedParameters(config);
  const weights = readParameters(source, config, parameters);

  it("are every tensor that transformers saves, in its shapes, and go back unchanged", () => {
    const path = join(folder, `${name}.safetensors`);
    writeSafetensors(path, tensorsOf(parameters, weights));
    const saved = openSafetensors(path);
    const kept = [...source.entries].filter(([tensor]) => !familyOf(config).ignored.test(tensor));
    expect(new Map([...saved.entries].map(([tensor, { shape }]) => [tensor, shape]))).toEqual(
      new Map(kept.map(([tensor, { shape }]) => [tensor, shape])),
    );
    // Rows of positions that no token has are not kept.
    const unused = (tensor: string): number =>
      tensor === `${familyOf(config).tensors.positions}.weight` ? (config.positionOffset ?? 0) * config.width : 0;
    for (const [tensor] of kept)
      expect(saved.read(tensor).subarray(unused(tensor))).toEqual(source.read(tensor).subarray(unused(tensor)));
    expect(readParameters(saved, config, parameters)).toEqual(weights);
  });

  it("are found under the prefix of a model with a head", () => {
    const [prefix = ""] = familyOf(config).prefixes;
    const prefixed = changed(source, (tensor, shape) => [prefix + tensor, shape]);
    expect(readParameters(prefixed, config, parameters)).toEqual(weights);
  });

  it("refuse a folder that lacks a tensor, has one of another shape or one without a place", () => {
    const norm = [...source.entries.keys()].find(
      (tensor) => tensor.endsWith("norm.weight") || tensor.endsWith("LayerNorm.weight"),
    );
    const lacking = changed(source, (tensor, shape) => (tensor === norm ? undefined : [tensor, shape]));
    expect(() => readParameters(lacking, config, parameters)).toThrow(
      `changed: no tensor ${norm} [16]; config.json and weights`,
    );
    const wider = changed(source, (tensor, shape) => [tensor, tensor === norm ? [17] : shape]);
    expect(() => readParameters(wider, config, parameters)).toThrow(
      `tensor ${norm} must be [16] by config.json, came [17]`,
    );
    const cut = cutConfig(config, { layers: [0, 1] });
    expect(() => readParameters(source, cut, pretrainedParameters(cut))).toThrow(/layers?\.2\..* has no place in a/);
  });

  it("have a head beside them", () => {
    const head = headParameters(config, 5, undefined);
    expect(head.map(({ shape, tensors }) => [tensors, shape])).toEqual([
      [["classifier.weight"], [5, 16]],
      [["classifier.bias"], [5]],
    ]);
  });

  it("have the layers of the family's classifier in between where it states the pooling", () => {
    const { classifier } = familyOf(config);
    const head = headParameters(config, 5, classifierOf(config, "cls"));
    expect(head.map(({ name }) => name)).toContain("head.dense.weight");
    expect(head.slice(0, 1).map(({ shape, tensors }) => [tensors, shape])).toEqual([
      [[`${classifier.dense}.weight`], [16, 16]],
    ]);
    expect(head.map(({ name }) => name).includes("head.norm.gamma")).toBe(classifier.norm !== undefined);
    const label = classifier.label ?? "classifier";
    expect(head.slice(-2).map(({ shape, tensors }) => [tensors, shape])).toEqual([
      [[`${label}.weight`], [5, 16]],
      [[`${label}.bias`], [5]],
    ]);
    expect(classifierOf(config, "mean") === undefined).toBe(config.family !== "modernbert");
  });

  it("count as many numbers as were read", () => {
    for (const { name: parameter, shape } of parameters)
      expect(weights.get(parameter)?.length).toBe(elementCount(shape));
  });
});

describe("tensors of an older BERT", () => {
  it("are found under gamma and beta", () => {
    const { config, source } = openReference("bert");
    const parameters = pretrainedParameters(config);
    const older = changed(source, (tensor, shape) => [
      `bert.${tensor.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")}`,
      shape,
    ]);
    expect(readParameters(older, config, parameters)).toEqual(readParameters(source, config, parameters));
  });
});
