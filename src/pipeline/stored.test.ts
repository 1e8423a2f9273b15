/** @file Reports of other versions: those of this format are read, an older one says so in one line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readFactsFile } from "./stored.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-stored-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (value: unknown): void => writeFileSync(join(folder, "report.json"), JSON.stringify(value));

it("a report of this format gives its facts", () => {
  write({ format: 2, facts: { runId: "a" } });
  expect(readFactsFile(folder)).toEqual({ runId: "a" });
});

it("a report of an older format says so in one line, another file that it is none", () => {
  write({ format: 1, facts: {} });
  expect(() => readFactsFile(folder)).toThrow(/a report of the older format 1, this version draws format 2; run again/);
  write({ format: "x" });
  expect(() => readFactsFile(folder)).toThrow(/not a report of format 2/);
});
