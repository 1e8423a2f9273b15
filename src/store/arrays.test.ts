import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { StoreError } from "../errors.js";
import { createRandom } from "../random.js";
import { readArrays, writeArrays } from "./arrays.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-arrays-"));
const path = join(folder, "arrays.bin");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("writeArrays and readArrays", () => {
  it("give every bit back, views into larger buffers and empty arrays too", () => {
    const large = Float32Array.from({ length: 10 }, (_, i) => i / 3);
    const arrays = new Map([
      ["view", large.subarray(3, 7)],
      ["empty", new Float32Array(0)],
      ["二", Float32Array.of(NaN, Infinity, -0, 1e-45)],
      ["__proto__", Float32Array.of(1)],
    ]);
    writeArrays(path, arrays);
    expect(readArrays(path)).toEqual(arrays);
  });

  it("refuse every file that is cut off, in one line", () => {
    writeArrays(path, new Map([["a", Float32Array.of(1, 2, 3)]]));
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(() => readArrays(path)).toThrow(StoreError);
    }
  });

  it("answer random damage to the header with a StoreError or with arrays, never with another error", () => {
    writeArrays(path, new Map([["a", Float32Array.of(1, 2, 3)]]));
    const bytes = readFileSync(path);
    const random = createRandom(1, "damage");
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(bytes);
      damaged[Math.floor(random.float() * 24)] = Math.floor(random.float() * 256);
      writeFileSync(path, damaged);
      try {
        readArrays(path);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreError);
      }
    }
  });
});
