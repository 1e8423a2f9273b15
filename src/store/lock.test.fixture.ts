/** @file A process that takes the lock of a folder again and again, held up at every step for a time drawn by its seed, and now and then
 *  killed while it holds the lock. While it holds it, it holds a file that only one process at a time can make. Arguments: folder,
 *  seed, rounds, share of rounds that end in a kill. Prints a dot each time it holds the lock. Exit code 3: two processes were inside at
 *  a time. */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../errors.js";
import { createRandom } from "../random.js";
import { takeLock } from "./lock.js";

const [folder = "", seed = "0", rounds = "1", killRatio = "0"] = process.argv.slice(2);
const random = createRandom(Number(seed), "lock");
const inside = join(folder, "inside");

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, random.int(4) === 0 ? random.int(120) : random.int(3));
}

/** Only the file system decides here whether somebody else is inside. */
function enter(): void {
  try {
    closeSync(openSync(inside, "wx"));
  } catch {
    process.exit(3);
  }
}

for (let round = 0; round < Number(rounds); round++) {
  try {
    const unlock = takeLock(folder, pause);
    enter();
    writeSync(1, ".");
    pause();
    rmSync(inside);
    if (random.float() < Number(killRatio)) process.kill(process.pid, "SIGKILL");
    unlock();
  } catch (cause) {
    if (!(cause instanceof StoreError) || !cause.message.includes("is at work here")) throw cause;
    pause();
  }
}
