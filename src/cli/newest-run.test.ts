import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { temporaryFolder } from "../../test/joryu.js";
import { newestRun } from "./newest-run.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Files of a run, each with the second in which it was written. */
function writeRun(id: string, files: Readonly<Record<string, number>>): string {
  const path = join(folder.path, "runs", id);
  mkdirSync(path, { recursive: true });
  for (const [name, second] of Object.entries(files)) {
    writeFileSync(join(path, name), "");
    utimesSync(join(path, name), second, second);
  }
  return path;
}

it("the newest run is the finished one that began last, whichever report was drawn last", () => {
  writeRun("older", { "plan.json": 1, "report.json": 9 });
  const newer = writeRun("newer", { "plan.json": 2, "report.json": 3 });
  writeRun("unfinished", { "plan.json": 4 });
  expect(newestRun(folder.path)).toBe(newer);
});
