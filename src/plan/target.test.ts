/** @file `--target` is strict: what it does not know it names, with the nearest known key. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { DEFAULT_TARGET, formatTarget, parseTarget, PROMISES, toTarget } from "./target.js";

describe("target", () => {
  it("takes every key and keeps the defaults of the others", () => {
    expect(parseTarget("p95Ms=5, sizeMb=10")).toEqual({ ...DEFAULT_TARGET, p95Ms: 5, sizeMb: 10 });
    expect(parseTarget("agreement=0.9,memoryMb=300,costPer1kUsd=.02")).toEqual({
      promise: "delivered",
      agreement: 0.9,
      confidence: 0.95,
      memoryMb: 300,
      costPer1kUsd: 0.02,
    });
  });

  it("promises all answers that leave the cascade unless it names the kept ones", () => {
    expect(parseTarget("agreement=0.9").promise).toBe("delivered");
    expect(parseTarget("promise=kept,agreement=0.9")).toMatchObject({ promise: "kept", agreement: 0.9 });
    expect(parseTarget("p95Ms=5", { promise: "kept" })).toMatchObject({ promise: "kept" });
    expect(() => parseTarget("promise=keep")).toThrow('--target: promise: expected delivered or kept, got "keep"');
    expect(() => parseTarget("promise=kept,promise=kept")).toThrow("promise is given twice");
    expect(() => parseTarget("promis=kept")).toThrow("did you mean promise");
  });

  it("names the nearest known key", () => {
    expect(() => parseTarget("agrement=0.98")).toThrow("did you mean agreement");
    expect(() => parseTarget("sizeMB=10")).toThrow("did you mean sizeMb");
    expect(() => parseTarget("__proto__=1")).toThrow(UsageError);
  });

  it.each([
    "",
    "agreement",
    "agreement=",
    "=1",
    "agreement=0.9,,",
    "agreement=98%",
    "agreement=0x1",
    "agreement=0.9=1",
    "sizeMb=ten",
  ])("refuses %s", (text) => {
    expect(() => parseTarget(text)).toThrow(UsageError);
  });

  it.each(["agreement=1", "agreement=0", "agreement=98", "p95Ms=0", "sizeMb=-1", "sizeMb=1e999"])(
    "refuses %s out of range",
    (text) => {
      expect(() => parseTarget(text)).toThrow("must be");
    },
  );

  it("drops limits that settings leave undefined", () => {
    expect(toTarget({ agreement: 0.9, p95Ms: undefined })).toEqual({
      promise: "delivered",
      agreement: 0.9,
      confidence: 0.95,
    });
    expect(Object.keys(toTarget({ p95Ms: undefined }))).not.toContain("p95Ms");
  });

  it("refuses a confidence, which is fixed", () => {
    expect(() => parseTarget("confidence=0.9")).toThrow("unknown key");
  });

  it("refuses a key that is given twice", () => {
    expect(() => parseTarget("p95Ms=5,p95Ms=6")).toThrow("twice");
  });

  it("reads what it wrote", () => {
    const ratio = fc.double({ min: 0.51, max: 0.99, noNaN: true });
    const limit = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    const promised = fc.constantFrom(...PROMISES);
    fc.assert(
      fc.property(promised, ratio, limit, limit, (promise, agreement, p95Ms, sizeMb) => {
        const target = { ...DEFAULT_TARGET, promise, agreement, p95Ms, sizeMb };
        expect(parseTarget(formatTarget(target))).toEqual(target);
      }),
    );
  });

  it("never throws anything but a usage error", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseTarget(text);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});
