/** @file Reads the facts of a finished run back from its report.json, which this version's format number vouches for. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { REPORT_FORMAT } from "../report/json.js";
import type { Facts } from "../report/facts.js";
import { readJson } from "./run-folder.js";

/** The facts of a finished run. @throws InputError when the folder holds none, or of another format. */
export function readFactsFile(folder: string): Facts {
  const path = join(folder, "report.json");
  if (!existsSync(path))
    throw new InputError(`${folder}: no finished run`, { hint: "run `joryu run --logs FILE` first" });
  const value = readJson(path);
  const fits =
    typeof value === "object" &&
    value !== null &&
    "format" in value &&
    value.format === REPORT_FORMAT &&
    "facts" in value;
  if (isOlder(value))
    throw new InputError(
      `${path}: a report of the older format ${value.format}, this version draws format ${REPORT_FORMAT}`,
      {
        hint: "run again with this version",
      },
    );
  if (!fits)
    throw new InputError(`${path}: not a report of format ${REPORT_FORMAT}`, { hint: "run again with this version" });
  return value.facts as Facts;
}

function isOlder(value: unknown): value is { readonly format: number } {
  const format = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  return typeof format === "number" && format < REPORT_FORMAT;
}
