/** @file A process that replaces a folder is killed after every single call that changes the disk: the older version or the new one is
 *  there, whole, and the next replacement goes through. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaceFolder, restoreFolder, wholeFolder } from "./folders.js";

const FOLDERS = fileURLToPath(new URL("./folders.js", import.meta.url));
const FILES = ["a", "b"] as const;

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "joryu-folders-"));
  folder = join(root, "model");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, version: string): void {
  mkdirSync(path);
  for (const name of FILES) writeFileSync(join(path, name), version);
}

function read(path: string): string[] {
  return FILES.map((name) => readFileSync(join(path, name), "utf8"));
}

/** Replaces the folder by `next` in a process that dies after its `calls`th change of the disk; whether it came to its end. */
function replaceAndDie(next: string, calls: number): boolean {
  const script = `import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    let left = ${calls};
    for (const name of ["renameSync", "rmSync"]) {
      const original = fs[name];
      fs[name] = (...given) => {
        original(...given);
        if (--left === 0) process.kill(process.pid, "SIGKILL");
      };
    }
    syncBuiltinESMExports();
    const { replaceFolder } = await import(${JSON.stringify(FOLDERS)});
    replaceFolder(${JSON.stringify(next)}, ${JSON.stringify(folder)});`;
  const { status, signal, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  expect([stderr, status ?? signal]).toEqual(["", status === 0 ? 0 : "SIGKILL"]);
  return status === 0;
}

describe("replacing a folder", () => {
  it("leaves the older version or the new one, whole, wherever the process is killed", () => {
    const found: string[] = [];
    for (let calls = 1; ; calls++) {
      for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
      write(folder, "old");
      write(join(root, "next"), "new");
      const ended = replaceAndDie(join(root, "next"), calls);
      const [version = ""] = new Set(read(wholeFolder(folder)));
      expect(read(wholeFolder(folder))).toEqual([version, version]);
      found.push(version);
      rmSync(join(root, "next"), { recursive: true, force: true });
      write(join(root, "next"), "newest");
      replaceFolder(join(root, "next"), folder);
      expect([read(folder), readdirSync(root)]).toEqual([["newest", "newest"], ["model"]]);
      if (ended) break;
    }
    expect(new Set(found)).toEqual(new Set(["old", "new"]));
    expect(found.length).toBeGreaterThan(4);
  });

  it("finds a parked version behind a name with a slash at its end, and puts it back", () => {
    write(`${folder}.old`, "old");
    expect(read(wholeFolder(`${folder}/`))).toEqual(["old", "old"]);
    restoreFolder(`${folder}/`);
    expect([read(folder), existsSync(`${folder}.old`)]).toEqual([["old", "old"], false]);
  });

  it("makes a folder where none was", () => {
    write(join(root, "next"), "new");
    replaceFolder(join(root, "next"), folder);
    expect([read(folder), readdirSync(root)]).toEqual([["new", "new"], ["model"]]);
  });
});
