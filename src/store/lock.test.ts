/** @file That at most one process holds the lock, whatever the delays: every step of a takeover is met by a whole other process, and
 *  many processes are let loose on the lock of a dead one. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeLock, type LockStep } from "./lock.js";

const TAKER = fileURLToPath(new URL("./lock.test.fixture.js", import.meta.url));
const LOCK = fileURLToPath(new URL("./lock.js", import.meta.url));

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "joryu-lock-"))));
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** The id of a process that has ended. */
function deadPid(): number {
  return Number(execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }));
}

/** Puts the claim of a dead process into the lock. */
function lockOfDead(): void {
  mkdirSync(join(folder, "lock"));
  writeFileSync(join(folder, "lock", `${deadPid()}.12345.abcdef`), "");
}

/** A process that tries to take the lock once and lives on; whether it holds the lock. Blocks this thread until it has tried. */
function otherHolds(): boolean {
  const answer = join(folder, "answer");
  rmSync(answer, { force: true });
  const script = `import { renameSync, writeFileSync } from "node:fs";
    import { takeLock } from ${JSON.stringify(LOCK)};
    let held = "no";
    try { takeLock(${JSON.stringify(folder)}); held = "yes"; } catch {}
    writeFileSync(${JSON.stringify(`${answer}.tmp`)}, held);
    renameSync(${JSON.stringify(`${answer}.tmp`)}, ${JSON.stringify(answer)});
    setInterval(() => 0, 1000);`;
  children.push(spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" }));
  while (!existsSync(answer)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  return readFileSync(answer, "utf8") === "yes";
}

describe("takeLock", () => {
  it("is given back, and leaves nothing", () => {
    takeLock(folder)();
    takeLock(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("names the live process that holds it", () => {
    expect(otherHolds()).toBe(true);
    expect(() => takeLock(folder)).toThrow(new RegExp(`process ${children[0]?.pid} is at work here`));
    expect(readdirSync(folder).sort()).toEqual(["answer", "lock"]);
  });

  it("is refused to a process that holds it already", () => {
    const unlock = takeLock(folder);
    expect(() => takeLock(folder)).toThrow(`process ${process.pid} is at work here`);
    unlock();
    takeLock(folder)();
  });

  it("is taken over from a process that died, with what it left while taking it", () => {
    lockOfDead();
    mkdirSync(join(folder, `lock.${deadPid()}.12345.ABC123`));
    const unlock = takeLock(folder);
    expect(readdirSync(folder)).toEqual(["lock"]);
    unlock();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(existsSync("/proc/self/stat"))(
    "is taken over when the id of the holder now belongs to another process",
    () => {
      mkdirSync(join(folder, "lock"));
      writeFileSync(join(folder, "lock", `${process.ppid}.1.abcdef`), "");
      takeLock(folder)();
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it.each(["", "abc", "0", "-1", "\0", "999999999 1"])("is taken over when it is a file that holds %j", (text) => {
    writeFileSync(join(folder, "lock"), text);
    takeLock(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is not taken from a live process that holds it as a file", () => {
    writeFileSync(join(folder, "lock"), String(process.ppid));
    expect(() => takeLock(folder)).toThrow(`process ${process.ppid} is at work here`);
    expect(readFileSync(join(folder, "lock"), "utf8")).toBe(String(process.ppid));
  });

  it("leaves a folder of that name alone which holds other files", () => {
    mkdirSync(join(folder, "lock"));
    writeFileSync(join(folder, "lock", "thesis.txt"), "mine");
    expect(() => takeLock(folder)).toThrow(/thesis\.txt: a foreign file.*--out/);
    expect(readFileSync(join(folder, "lock", "thesis.txt"), "utf8")).toBe("mine");
    expect(readdirSync(folder)).toEqual(["lock"]);
  });

  it("does not remove a claim that stands there meanwhile", () => {
    const unlock = takeLock(folder);
    rmSync(join(folder, "lock"), { recursive: true });
    mkdirSync(join(folder, "lock"));
    writeFileSync(join(folder, "lock", "1.1.abcdef"), "");
    unlock();
    expect(readdirSync(join(folder, "lock"))).toEqual(["1.1.abcdef"]);
  });
});

describe("a takeover that is held up", () => {
  it.each<LockStep>(["prepared", "refused", "found-dead", "freed"])(
    "after the step %s fails when another process has taken the lock meanwhile",
    (step) => {
      lockOfDead();
      let other: boolean | undefined;
      const pause = (at: LockStep): void => {
        if (at === step) other ??= otherHolds();
      };
      expect(() => takeLock(folder, pause)).toThrow("is at work here");
      expect(other).toBe(true);
      expect(readdirSync(join(folder, "lock"))[0]).toMatch(new RegExp(`^${children[0]?.pid}\\.`));
    },
  );

  it("keeps the lock once it is taken", () => {
    lockOfDead();
    let other: boolean | undefined;
    takeLock(folder, (at) => {
      if (at === "taken") other = otherHolds();
    })();
    expect(other).toBe(false);
  });

  it.runIf(existsSync("/proc/self/stat"))(
    "does not remove the claim of a third process that came after the second had died",
    () => {
      lockOfDead();
      const pause = (at: LockStep): void => {
        if (at !== "found-dead" || children.length > 0) return;
        expect(otherHolds()).toBe(true);
        children[0]?.kill("SIGKILL");
        expect(otherHolds()).toBe(true);
      };
      expect(() => takeLock(folder, pause)).toThrow("is at work here");
      expect(readdirSync(join(folder, "lock"))[0]).toMatch(new RegExp(`^${children.at(-1)?.pid}\\.`));
    },
  );
});

describe("many processes on the lock of a dead one", () => {
  it("are never inside together, with delays at every step and kills", async () => {
    lockOfDead();
    const ends = Array.from({ length: 24 }, (_, i) => {
      const child = spawn(process.execPath, [TAKER, folder, String(i), "40", "0.5"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      let held = 0;
      child.stdout?.setEncoding("utf8").on("data", (text: string) => (held += text.length));
      return new Promise<{ readonly code: number | null; readonly held: number }>((resolve) =>
        child.once("close", (code) => resolve({ code, held })),
      );
    });
    const finished = await Promise.all(ends);
    for (const { code } of finished) expect([0, null]).toContain(code);
    expect(finished.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThan(24);
    takeLock(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });
});
