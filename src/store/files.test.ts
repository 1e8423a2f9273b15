import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StoreError } from "../errors.js";
import { takeLock, writeFileAtomic, writeJsonAtomic } from "./files.js";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "joryu-store-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The id of a process that has ended. */
function deadPid(): number {
  return Number(execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }));
}

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

describe("takeLock", () => {
  it("is given back, and leaves nothing", () => {
    takeLock(folder)();
    takeLock(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("names the live process that holds it", async () => {
    const other = spawn(process.execPath, ["-e", "setInterval(() => 0, 1000)"]);
    await new Promise((resolve) => other.once("spawn", resolve));
    writeFileSync(join(folder, "lock"), String(other.pid));
    expect(() => takeLock(folder)).toThrow(new RegExp(`process ${other.pid} is at work here`));
    expect(readdirSync(folder)).toEqual(["lock"]);
    other.kill("SIGKILL");
  });

  it("is taken over from a process that died, with what it left while taking it", () => {
    const dead = deadPid();
    writeFileSync(join(folder, "lock"), `${dead} 12345`);
    writeFileSync(join(folder, `lock.${dead}`), `${dead} 12345`);
    const unlock = takeLock(folder);
    expect(readdirSync(folder)).toEqual(["lock"]);
    unlock();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(existsSync("/proc/self/stat"))(
    "is taken over when the id of the holder now belongs to another process",
    () => {
      writeFileSync(join(folder, "lock"), `${process.ppid} 1`);
      takeLock(folder)();
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it.each(["", "abc", "0", "-1", "\0"])("is taken over when it holds %j instead of a process", (text) => {
    writeFileSync(join(folder, "lock"), text);
    takeLock(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("does not remove a lock that another process took over meanwhile", () => {
    const unlock = takeLock(folder);
    writeFileSync(join(folder, "lock"), "1 1");
    unlock();
    expect(readFileSync(join(folder, "lock"), "utf8")).toBe("1 1");
  });
});
