/** @file The licence of a model folder, from what lies in it: the model card's header, a licence's text, a note of where it comes from.
 *  The strictest of what they say counts. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { licenceOfId, licenceOfText, strictest } from "./match.js";
import type { LicenceEntry } from "./registry.js";

/** Licences name themselves in their first lines, model cards in their header. */
const READ_BYTES = 65_536;
/** An id is short; what is longer is no id. */
const LONGEST_ID = 80;

export interface FolderLicence {
  /** Ids that the folder states and the registry does not know. */
  readonly stated: readonly string[];
  readonly entry?: LicenceEntry;
}

function beginningOf(path: string): string {
  if (!existsSync(path) || !statSync(path).isFile()) return "";
  const bytes = Buffer.alloc(READ_BYTES);
  const file = openSync(path, "r");
  try {
    return bytes.toString("utf8", 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** Ids in the header of a model card: `license: x`, a list of them, and `license_name: x` where the first says "other". */
function cardIds(card: string): string[] {
  const header = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(card)?.[1] ?? "";
  const single = [...header.matchAll(/^license(?:_name)?:[ \t]*([^\s#[].*)$/gm)].map(([, id]) => id ?? "");
  const list = /^license:[ \t]*\[(.*)\]/m.exec(header)?.[1]?.split(",") ?? [];
  const lines = /^license:[ \t]*\r?\n((?:[ \t]*-.*(?:\r?\n|$))+)/m.exec(header)?.[1]?.split("\n") ?? [];
  return [...single, ...list, ...lines.map((line) => line.replace(/^[ \t]*-/, ""))];
}

/** Ids in free text: "Licence of the model: Apache-2.0 (...)". */
function noteIds(note: string): string[] {
  return [...note.matchAll(/licen[cs]e[^:\n]{0,60}:[ \t]*([A-Za-z][A-Za-z0-9.+-]*)/gi)].map(([, id]) => id ?? "");
}

function cleaned(ids: readonly string[]): string[] {
  const plain = ids.map((id) =>
    id
      .replace(/\s#.*$/, "")
      .trim()
      .replaceAll(/^["']|["'.]$/g, ""),
  );
  return [...new Set(plain)].filter((id) => id !== "" && id !== "other" && id.length <= LONGEST_ID);
}

/** What a model folder says of its licence; nothing where it says nothing. */
export function licenceOfFolder(folder: string): FolderLicence {
  const names = readdirSync(folder);
  const texts = (pattern: RegExp): string[] =>
    names.filter((name) => pattern.test(name)).map((name) => beginningOf(join(folder, name)));
  const ids = cleaned([...texts(/^readme\.md$/i).flatMap(cardIds), ...texts(/^source\.md$/i).flatMap(noteIds)]);
  const known = ids.flatMap((id) => licenceOfId(id) ?? []);
  const worded = texts(/^(?:licen[cs]e|copying)(?:\.(?:md|txt))?$/i).flatMap((text) => licenceOfText(text) ?? []);
  const entry = strictest([...known, ...worded]);
  return { stated: ids.filter((id) => licenceOfId(id) === undefined), ...(entry !== undefined && { entry }) };
}
