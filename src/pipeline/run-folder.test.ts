import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../../test/joryu.js";
import { openRunFolder } from "./run-folder.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const never = new Promise<never>(() => undefined);
/** A stage of so many seconds. */
const lasting = (seconds: number) => async () => {
  await vi.advanceTimersByTimeAsync(1000 * seconds);
  return new Map<string, Float32Array>();
};

describe("a stage whose result is weights", () => {
  it.each([NaN, Infinity])("is refused when a weight is read back as %d", async (value) => {
    const run = openRunFolder(join(folder.path, `weights-${value}`));
    const result = new Map([["w", Float32Array.of(1, value)]]);
    const produce = (): Promise<typeof result> => Promise.resolve(result);
    expect((await run.arrays("fit", produce)).get("w")).toEqual(result.get("w"));
    await expect(run.weights("fit", produce)).rejects.toThrow(
      `value 1 of w is ${value}, expected finite numbers; delete`,
    );
  });
});

describe("the time of a stage", () => {
  it("is that of all its attempts, of a killed one up to its last save", async () => {
    const path = join(folder.path, "killed");
    void openRunFolder(path).arrays("fit", () => never);
    await vi.advanceTimersByTimeAsync(95_000);
    vi.clearAllTimers();
    const run = openRunFolder(path);
    await run.arrays("fit", lasting(5));
    expect(run.measured().stageSeconds["fit"]).toBeCloseTo(95, 6);
    await run.arrays("fit", lasting(5));
    expect(run.measured().stageSeconds["fit"]).toBeCloseTo(95, 6);
  });

  it("hides no failure where it cannot be kept", async () => {
    const path = join(folder.path, "gone");
    const run = openRunFolder(path);
    const failing = async () => {
      rmSync(path, { recursive: true });
      writeFileSync(path, "");
      throw new Error("the disk");
    };
    await expect(run.arrays("fit", failing)).rejects.toThrow("the disk");
  });

  it("counts an attempt that failed, and those of other stages apart", async () => {
    const run = openRunFolder(join(folder.path, "failed"));
    const failing = async () => {
      await lasting(7)();
      throw new Error("stopped");
    };
    await expect(run.arrays("fit", failing)).rejects.toThrow("stopped");
    await run.arrays("other", lasting(1));
    await run.arrays("fit", lasting(2));
    expect(run.measured().stageSeconds).toEqual({ fit: expect.closeTo(9, 6), other: expect.closeTo(1, 6) });
  });
});
