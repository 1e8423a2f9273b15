/** @file Flags and file become one configuration: the flags win, and a promise is one promise wherever it is named. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/joryu.js";
import { UsageError } from "../errors.js";
import { addRunFlags, configOf, type RunFlags } from "./run-options.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** The target of a command line, with a file of these settings where there are some. */
function targetOf(args: readonly string[], settings?: string) {
  const path = join(folder.path, "joryu.yaml");
  if (settings !== undefined) writeFileSync(path, settings);
  const given = settings === undefined ? args : [...args, "--config", path];
  const command = addRunFlags(new Command("run")).parse([...given], { from: "user" });
  return configOf(command.opts<RunFlags>()).target;
}

describe("the promise", () => {
  it("is of all answers that leave the cascade where nobody names one", () => {
    expect(targetOf([])).toMatchObject({ promise: "delivered", agreement: 0.98 });
    expect(targetOf(["--target", "agreement=0.9"], "minutes: 3")).toMatchObject({
      promise: "delivered",
      agreement: 0.9,
    });
  });

  it.each([
    ["--promise kept", ["--promise", "kept"], undefined],
    ["--target promise=kept", ["--target", "agreement=0.9,promise=kept"], undefined],
    ["both flags, which agree", ["--promise", "kept", "--target", "promise=kept"], undefined],
    ["promise in the file", [], "promise: kept"],
    ["promise of the file's target", [], "target: { promise: kept, agreement: 0.9 }"],
    ["the file, beside a target of the flags", ["--target", "agreement=0.9"], "promise: kept"],
    ["the flag over the file", ["--promise", "kept"], "promise: delivered"],
    [
      "the flags' target over the file",
      ["--target", "promise=kept"],
      "promise: delivered\ntarget: { promise: delivered }",
    ],
  ])("is taken from %s", (_, args, settings) => {
    expect(targetOf(args, settings).promise).toBe("kept");
  });

  it.each([
    ["flags", ["--promise", "kept", "--target", "agreement=0.9,promise=delivered"], undefined],
    ["the file", [], "promise: kept\ntarget: { promise: delivered }"],
    ["the file, whatever the flags say", ["--promise", "kept"], "promise: kept\ntarget: { promise: delivered }"],
  ])("is refused where %s name two", (_, args, settings) => {
    expect(() => targetOf(args, settings)).toThrow(UsageError);
    expect(() => targetOf(args, settings)).toThrow(
      /two promises, (kept and delivered|delivered and kept); expected one/,
    );
  });

  it("is refused where it is none", () => {
    expect(() => targetOf(["--promise", "keep"])).toThrow('--promise: expected delivered or kept, got "keep"');
  });
});

describe("the flags", () => {
  it("keep the limits of the file that they do not name", () => {
    expect(targetOf(["--target", "agreement=0.9"], "target: { p95Ms: 4, agreement: 0.97 }")).toEqual({
      promise: "delivered",
      agreement: 0.9,
      confidence: 0.95,
      p95Ms: 4,
    });
  });
});
