/** @file Temporary folders of tests: gone when the tests of a file have ended. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const made: string[] = [];
afterAll(() => made.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** A new empty folder. */
export function scratchFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "joryu-test-"));
  made.push(path);
  return path;
}
