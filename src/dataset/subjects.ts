/** @file Whom a call is about, without saying who: users and conversations are stored as HMAC-SHA-256 under a key of the project, so that they can
 *  be found again (for drift by person, or to erase a person's data) by whoever holds the key, and not be guessed from a bare hash. */
import { createHmac, randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../errors.js";
import { writeFailure } from "./spool.js";

const KEY_FILE = "subject.key";
const KEY_BYTES = 32;

/** Hashes names under the key of the state folder, which is made where it is missing: 32 hexadecimal digits. @throws StoreError */
export function openSubjects(outDir: string): (name: string) => string {
  const path = join(outDir, KEY_FILE);
  const key = readKey(path) ?? makeKey(outDir, path);
  return (name) => createHmac("sha256", key).update(name).digest("hex").slice(0, 32);
}

function readKey(path: string): Buffer | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new StoreError(`${path}: cannot be read`, { cause, hint: "allow it, or name another folder with --out" });
  }
  const key = Buffer.from(text.trim(), "hex");
  if (key.length === KEY_BYTES) return key;
  throw new StoreError(`${path}: damaged (expected ${2 * KEY_BYTES} hexadecimal digits)`, {
    hint: "restore it from a backup; without it no person of earlier imports can be found again",
  });
}

/** Whole or not at all, and never over a key that another process has made meanwhile. */
function makeKey(outDir: string, path: string): Buffer {
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(outDir, { recursive: true });
    writeFileSync(temporary, `${randomBytes(KEY_BYTES).toString("hex")}\n`, { mode: 0o600 });
    try {
      linkSync(temporary, path);
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
    } finally {
      rmSync(temporary, { force: true });
    }
  } catch (cause) {
    throw writeFailure(path, cause);
  }
  const key = readKey(path);
  if (key === undefined) throw new StoreError(`${path}: cannot be written`, { hint: "name another folder with --out" });
  return key;
}
