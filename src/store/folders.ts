/** @file Folders that are replaced whole. No system call that Node offers swaps two folders, so the older one is parked for a moment
 *  under a name of its own: a process killed in that moment leaves it there, where readers find it and the next writer puts it back.
 *  A parked folder is always whole; what is about to be removed bears a third name. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errorCode, storeError, syncFolder } from "./files.js";

const parkedName = (folder: string): string => `${resolve(folder)}.old`;
const removedName = (folder: string): string => `${resolve(folder)}.gone`;

/** Where the last whole version of a folder lies: in its place, or parked by a replacement that was cut short. For readers. */
export function wholeFolder(folder: string): string {
  return !existsSync(folder) && existsSync(parkedName(folder)) ? parkedName(folder) : folder;
}

/** Puts the version back that a replacement which was cut short has parked. For the one writer, before it looks at the folder.
 *  @throws StoreError */
export function restoreFolder(folder: string): void {
  if (wholeFolder(folder) === folder) return;
  try {
    renameSync(parkedName(folder), folder);
    syncFolder(dirname(resolve(folder)));
  } catch (cause) {
    throw storeError(folder, cause);
  }
}

/** Removes what is parked although the folder stands: a replacement was cut short at its very end. */
function removeParked(folder: string): void {
  rmSync(removedName(folder), { recursive: true, force: true });
  try {
    renameSync(parkedName(folder), removedName(folder));
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw cause;
  }
  rmSync(removedName(folder), { recursive: true, force: true });
}

/** Moves a folder to a name; false when another process has put one there, as one does that restores what it found parked. */
function isMoved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (cause) {
    if (["ENOTEMPTY", "EEXIST"].includes(errorCode(cause))) return false;
    throw cause;
  }
}

/** Puts the finished folder `next` in the place of `folder`, beside which it lies: at every moment `wholeFolder` gives the older one
 *  whole or the new one whole. @throws StoreError */
export function replaceFolder(next: string, folder: string): void {
  restoreFolder(folder);
  try {
    for (let isPlaced = false; !isPlaced;) {
      if (existsSync(folder)) {
        removeParked(folder);
        renameSync(folder, parkedName(folder));
      }
      isPlaced = isMoved(next, folder);
    }
    syncFolder(dirname(resolve(folder)));
    removeParked(folder);
  } catch (cause) {
    throw storeError(folder, cause);
  }
}
