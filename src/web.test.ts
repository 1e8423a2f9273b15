/** @file The browser's door checks what it is served; that it answers as Node does stands in test/browser.test.ts. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { ASKED_TEXTS, writeExported } from "../test/exported.js";
import { temporaryFolder } from "../test/joryu.js";
import { InputError } from "./errors.js";
import type { StudentManifest } from "./student/manifest.js";
import { openStudent } from "./web.js";

const ORIGIN = "http://127.0.0.1/model";
const folder = temporaryFolder();
const model = writeExported("bert-wordpiece", folder.path);
afterAll(() => folder.remove());
afterEach(() => vi.unstubAllGlobals());

/** Serves the model folder with some fields of its manifest changed. */
function serveChanged(fields: Partial<StudentManifest>): void {
  vi.stubGlobal("fetch", async (url: string) => {
    const bytes = await readFile(join(model, url.slice(ORIGIN.length + 1)));
    if (!url.endsWith("/joryu.json")) return new Response(bytes);
    const manifest = JSON.parse(bytes.toString("utf8")) as object;
    return new Response(JSON.stringify({ ...manifest, ...fields }));
  });
}

/** Serves the model folder; one file comes with a space behind it. */
function serveWith(forged: string): void {
  vi.stubGlobal("fetch", async (url: string) => {
    const name = url.slice(ORIGIN.length + 1);
    return new Response(Buffer.concat([await readFile(join(model, name)), Buffer.from(name === forged ? " " : "")]));
  });
}

const CHUNK = new Uint8Array(2 ** 22);

/** Serves the model folder, but one file without end. */
function serveEndless(
  endless: string,
  headers: Readonly<Record<string, string>>,
): { bytes: number; isCancelled: boolean } {
  const counted = { bytes: 0, isCancelled: false };
  const body = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull(controller) {
        counted.bytes += CHUNK.length;
        controller.enqueue(CHUNK);
      },
      cancel() {
        counted.isCancelled = true;
      },
    });
  vi.stubGlobal("fetch", async (url: string) => {
    const name = url.slice(ORIGIN.length + 1);
    return name === endless ? new Response(body(), { headers }) : new Response(await readFile(join(model, name)));
  });
  return counted;
}

describe("openStudent of joryu/web", () => {
  it.each([
    ["graph", "onnx/model_int8.onnx"],
    ["tokenizer", "tokenizer.json"],
  ])("refuses a %s that was not proved", async (what, name) => {
    serveWith(name);
    const opened = openStudent(ORIGIN);
    await expect(opened).rejects.toThrow(InputError);
    await expect(opened).rejects.toThrow(`${ORIGIN}/${name}: not the ${what} that was proved (SHA-256 differs)`);
  });

  it.each([
    ["manifest", "joryu.json"],
    ["graph", "onnx/model_int8.onnx"],
    ["tokenizer", "tokenizer.json"],
  ])("leaves a %s that does not end, and one that tells too large a size", async (what, name) => {
    const counted = serveEndless(name, {});
    await expect(openStudent(ORIGIN)).rejects.toThrow(
      new RegExp(`${name}: \\d+ bytes or more, more than the student's ${what}`),
    );
    expect(counted.bytes).toBeLessThan(2 ** 29);
    expect(counted.isCancelled).toBe(true);
    const told = serveEndless(name, { "content-length": String(2 ** 31) });
    await expect(openStudent(ORIGIN)).rejects.toThrow(`${name}: ${2 ** 31} bytes or more`);
    expect(told.bytes).toBeLessThanOrEqual(CHUNK.length);
  });

  it("opens what it cannot check outside secure contexts", async () => {
    serveWith("tokenizer.json");
    vi.stubGlobal("crypto", {});
    const student = await openStudent(ORIGIN);
    await student.close();
  });

  it("keeps answers where the gate was proved in this runtime alone, and says why it keeps none", async () => {
    const gate = { promise: "delivered", threshold: 0, epsilon: 0.02, delta: 0.05, coverage: 1 } as const;
    const tried = { runtime: "wasm", rows: 500, sameAnswers: 499, maxProbabilityDifference: 0.001 } as const;
    for (const [proof, decision, unproved] of [
      [{ runtimes: [{ ...tried, isProved: true }] }, "keep", undefined],
      [{ runtimes: [{ ...tried, isProved: false }] }, "defer", /differ too much for the gate to hold/],
      [{}, "defer", /not proved in the runtime wasm: install onnxruntime-web/],
    ] as const) {
      serveChanged({ gate, ...proof } as Partial<StudentManifest>);
      const student = await openStudent(ORIGIN);
      expect((await student.predict(["Where is my card?"]))[0]?.decision).toBe(decision);
      expect(student.manifest.gate.threshold).toBe(unproved === undefined ? 0 : null);
      if (unproved === undefined) expect(student.unproved).toBeUndefined();
      else expect(student.unproved).toMatch(unproved);
      await student.close();
    }
  });

  it("gives whole messages the answers of the texts inside", async () => {
    const [prefix, suffix] = ["Route this.\n\nMessage: <m>", "</m>\nAnswer."];
    serveChanged({ template: { system: "", userPrefix: prefix, userSuffix: suffix } });
    const student = await openStudent(ORIGIN);
    const bare = await student.predict(ASKED_TEXTS);
    const user = (text: string) => ({ role: "user", content: prefix + text + suffix });
    const stripped = bare.map((prediction) => ({ ...prediction, template: "stripped" }));
    expect(await student.predict(ASKED_TEXTS.map((text) => prefix + text + suffix))).toEqual(stripped);
    expect(await student.predict(ASKED_TEXTS.map((text) => [user(text)]))).toEqual(stripped);
    expect(await student.predict(ASKED_TEXTS.map((text) => ({ messages: [user(text)] })))).toEqual(stripped);
    expect(new Set(bare.map(({ template }) => template))).toEqual(new Set(["absent"]));
    await student.close();
  });
});
