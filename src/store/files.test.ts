import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StoreError } from "../errors.js";
import { writeFileAtomic, writeJsonAtomic } from "./files.js";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "joryu-store-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("writeFileAtomic", () => {
  it("writes into folders that it makes, replaces, and leaves no temporary file", () => {
    const path = join(folder, "a/b.json");
    writeJsonAtomic(path, { old: true });
    writeJsonAtomic(path, [1, "二"]);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual([1, "二"]);
    expect(readdirSync(join(folder, "a"))).toEqual(["b.json"]);
  });

  it("overwrites what a killed process left under the temporary name", () => {
    const path = join(folder, "file");
    writeFileSync(`${path}.tmp`, "much longer than what follows");
    writeFileAtomic(path, "short");
    expect([readFileSync(path, "utf8"), readdirSync(folder)]).toEqual(["short", ["file"]]);
  });

  it("gives one line with the place and the remedy when a file stands where a folder is needed", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => writeFileAtomic(join(folder, "file", "below"), "x")).toThrow(
      /cannot write \((ENOTDIR|EEXIST)\); .*--out/,
    );
    mkdirSync(join(folder, "taken"));
    expect(() => writeFileAtomic(join(folder, "taken"), "x")).toThrow(StoreError);
    expect(readdirSync(folder).sort()).toEqual(["file", "taken"]);
  });
});
