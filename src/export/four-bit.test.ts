/** @file The 4-bit graph of a finished folder: this package and transformers.js open it, its gate stays shut, other weights are refused. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ASKED_TEXTS, WIDE, writeExported } from "../../test/exported.js";
import { temporaryFolder } from "../../test/joryu.js";
import { InputError } from "../errors.js";
import { openStudent } from "../student/open.js";
import { addFourBitGraph } from "./four-bit.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe("the 4-bit graph of a pretrained student", () => {
  let path: string;
  beforeAll(() => {
    path = writeExported("bert-wordpiece", folder.path, WIDE);
  });

  it("is missing until it is asked for, which is one clear line", async () => {
    await expect(openStudent(path, { precision: "int4" })).rejects.toThrow(InputError);
  });

  it("gives labels near those of fp32, and defers all of them, as nothing was proved for it", async () => {
    expect((await addFourBitGraph(path)).files.int4).toBe("onnx/model_q4.onnx");
    const [exact, small] = [
      await openStudent(path, { precision: "fp32" }),
      await openStudent(path, { precision: "int4" }),
    ];
    const [expected, came] = [await exact.logits(ASKED_TEXTS), await small.logits(ASKED_TEXTS)];
    const rms = (values: Float32Array): number => Math.hypot(...values) / Math.sqrt(values.length);
    const error = rms(came.map((logit, i) => logit - (expected[i] ?? NaN))) / rms(expected);
    expect(error).toBeGreaterThan(0.001);
    expect(error).toBeLessThan(0.7); // random weights are hard to round; answers that have nothing in common differ by 1.4
    const predictions = await small.predict(ASKED_TEXTS);
    expect(new Set(predictions.map(({ decision }) => decision))).toEqual(new Set(["defer"]));
    await exact.close();
    await small.close();
  });

  it("is transformers.js' q4", async () => {
    env.allowRemoteModels = false;
    env.localModelPath = dirname(path);
    const classify = await pipeline("text-classification", path, { dtype: "q4" });
    const student = await openStudent(path, { precision: "int4" });
    const texts = ASKED_TEXTS.slice(0, 5);
    const expected = (await student.predict(texts)).map(({ label }) => ({ label }));
    expect(await classify([...texts])).toMatchObject(expected);
    await student.close();
    await classify.dispose();
  });

  it("is not made of weights that were not proved", async () => {
    const weights = readFileSync(join(path, "model.safetensors"));
    weights[weights.length - 2] = (weights.at(-2) ?? 0) ^ 1;
    writeFileSync(join(path, "model.safetensors"), weights);
    await expect(addFourBitGraph(path)).rejects.toThrow(/not hold the weights that were proved/);
  });
});
