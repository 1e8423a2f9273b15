import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../scratch.test.fixture.js";
import { StoreError } from "../errors.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";

const folder = scratchFolder();
const arrays = new Map([
  ["a", Float32Array.of(1, -2.5, 3e-20)],
  ["empty", new Float32Array(0)],
]);

describe("a checkpoint", () => {
  it("comes back bit for bit and leaves no temporary file", async () => {
    const path = join(folder, "whole");
    await writeCheckpoint(path, { fingerprint: "f", state: { step: 3, loss: 0.1 }, arrays });
    expect(await readCheckpoint(path)).toEqual({ fingerprint: "f", state: { step: 3, loss: 0.1 }, arrays });
    expect(await readdir(folder)).not.toContain("whole.writing");
  });

  it("is undefined where there is none", async () => {
    expect(await readCheckpoint(join(folder, "absent"))).toBeUndefined();
  });

  it("is refused when any byte changed or the end is missing", async () => {
    const path = join(folder, "damaged");
    await writeCheckpoint(path, { fingerprint: "f", state: {}, arrays });
    const bytes = await readFile(path);
    for (const at of [0, 20, bytes.length - 40, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(path, changed);
      await expect(readCheckpoint(path)).rejects.toThrow(StoreError);
    }
    for (const length of [0, 5, bytes.length - 1]) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(readCheckpoint(path)).rejects.toThrow(StoreError);
    }
  });

  it("keeps the old file when the new one cannot be written", async () => {
    await expect(
      writeCheckpoint(join(folder, "no", "folder"), { fingerprint: "f", state: {}, arrays }),
    ).rejects.toThrow(StoreError);
  });
});
