/** @file The lock that keeps two runs out of one state folder. It is the folder `lock` with one file in it, whose name is its holder's
 *  and nobody else's, ever. Taking it is one rename of a folder onto `lock`, which the system refuses unless `lock` is absent or empty;
 *  the claim of a dead process is removed by its own name, which can hit no other claim. So at most one process holds the lock,
 *  however long any of them pauses between two steps. Processes must see each other's ids: one machine, one container. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { StoreError } from "../errors.js";
import { errorCode, makeFolder, storeError } from "./files.js";

/** What has been done when a taker pauses. */
export type LockStep = "prepared" | "refused" | "found-dead" | "freed" | "taken";

/** When a process started, in the system's ticks; the empty string where /proc does not tell, "ended" for one that has ended and
 *  whose parent has not asked how. With the id it names one process for good, although ids are given again. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "ended" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

/** Claims of this process that stand: without start times an equal id alone does not tell that a claim is ours. */
const standing = new Set<string>();

/** Whether a process is alive, judged by its id and, where it is told, its start. */
function isAlive(id: string, start: string): boolean {
  const pid = Number(id);
  if (!/^\d+$/.test(id) || pid === 0) return false;
  const known = startOf(pid);
  if (known === "ended" || (start !== "" && known !== start)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return errorCode(cause) === "EPERM";
  }
}

/** A claim is named by process, start and six characters that no other claim has. */
const CLAIM = /^(\d+)\.(\d*)\.\w{6}$/;

/** The process of a claim, or undefined when it is dead. */
function liveHolder(claim: string): number | undefined {
  const [, id = "", start = ""] = CLAIM.exec(claim) ?? [];
  const isHeld = Number(id) === process.pid && start === "" ? standing.has(claim) : isAlive(id, start);
  return isHeld ? Number(id) : undefined;
}

/** What a removal fails with where another process was faster: gone, not empty any more, of the other kind now. */
const OVERTAKEN = new Set(["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR", "EISDIR"]);

/** Removes unless another process was faster. */
function ifThere(remove: () => void): void {
  try {
    remove();
  } catch (cause) {
    if (!OVERTAKEN.has(errorCode(cause))) throw cause;
  }
}

/** Removes a lock file as versions before this one wrote them, unless its process is alive. A folder is never removed here. */
function removeLockFile(lock: string): number | undefined {
  let holder: number | undefined;
  ifThere(() => {
    const [id = "", start = ""] = readFileSync(lock, "latin1").split(" ");
    if (isAlive(id, start)) holder = Number(id);
    else unlinkSync(lock);
  });
  return holder;
}

/** Removes the claims of dead processes from the lock; gives the live holder where there is one. */
function freeFromDead(lock: string, pause: (step: LockStep) => void): number | undefined {
  let claims: string[];
  try {
    claims = readdirSync(lock);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    if (errorCode(cause) === "ENOTDIR") return removeLockFile(lock);
    throw cause;
  }
  for (const claim of claims) {
    if (!CLAIM.test(claim))
      throw new StoreError(`${join(lock, claim)}: a foreign file in the folder of the lock`, {
        hint: "move it away or choose another folder with --out",
      });
    const holder = liveHolder(claim);
    if (holder !== undefined) return holder;
    pause("found-dead");
    ifThere(() => unlinkSync(join(lock, claim)));
  }
  pause("freed");
  return undefined;
}

/** What a rename onto a lock that somebody holds fails with; EPERM is Windows' word, whose empty folders stand in the way too. */
const TAKEN = new Set(["ENOTEMPTY", "EEXIST", "ENOTDIR", "EPERM"]);

/** Puts the folder `own` in the place of the lock when that is free or its holder is dead; the live holder otherwise. */
function claimLock(own: string, lock: string, pause: (step: LockStep) => void): number | undefined {
  for (;;) {
    try {
      renameSync(own, lock);
      return undefined;
    } catch (cause) {
      if (!TAKEN.has(errorCode(cause))) throw cause;
      pause("refused");
      const holder = freeFromDead(lock, pause);
      if (holder !== undefined) return holder;
      if (errorCode(cause) === "EPERM") ifThere(() => rmdirSync(lock));
    }
  }
}

/** Removes what processes that were killed while they took the lock have left. */
function sweepClaims(folder: string): void {
  for (const name of readdirSync(folder)) {
    const claim = name.startsWith("lock.") ? name.slice("lock.".length) : "";
    if (CLAIM.test(claim) && liveHolder(claim) === undefined)
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Takes the lock of a state folder; the returned function gives it back. A lock whose process has died is taken over. `pause` is
 *  called between the steps, for tests that hold a process up there.
 *  @throws StoreError when a live process holds it (this one included), or the folder cannot be written. */
export function takeLock(folder: string, pause: (step: LockStep) => void = () => undefined): () => void {
  makeFolder(folder);
  const lock = join(folder, "lock");
  let [own, claim] = ["", ""];
  const forget = (): void => void standing.delete(claim);
  try {
    sweepClaims(folder);
    own = mkdtempSync(join(folder, `lock.${process.pid}.${startOf(process.pid)}.`));
    claim = basename(own).slice("lock.".length);
    standing.add(claim);
    writeFileSync(join(own, claim), "");
    pause("prepared");
    const holder = claimLock(own, lock, pause);
    if (holder !== undefined) {
      throw new StoreError(`${folder}: process ${holder} is at work here`, {
        hint: "wait for it, stop it, or choose another folder with --out",
      });
    }
    pause("taken");
    return () => {
      ifThere(() => unlinkSync(join(lock, claim)));
      ifThere(() => rmdirSync(lock));
      forget();
    };
  } catch (cause) {
    forget();
    throw cause instanceof StoreError ? cause : storeError(folder, cause);
  } finally {
    if (own !== "") rmSync(own, { recursive: true, force: true });
  }
}
