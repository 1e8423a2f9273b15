/** @file The flags that take personal data out, and the redactors of commands that have no state folder of their own. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Config } from "../config/schema.js";
import { InputError, UsageError } from "../errors.js";
import { openRedaction, redactorOf, type RedactionSettings } from "../pipeline/redaction.js";
import { KINDS } from "../redact/kinds.js";
import type { Redactor } from "../redact/redactor.js";

export interface RedactFlags {
  readonly redact?: boolean;
  readonly keep?: string[];
  readonly allow?: string[];
  readonly names?: string;
}

/** Adds --redact and what goes with it. */
export function addRedactFlags(command: Command): Command {
  return addSettings(
    command.option("--redact", "take personal data out before anything is kept (docs/personal-data.md)"),
  );
}

/** The flags that say how. */
export function addSettings(command: Command): Command {
  return command
    .option("--keep <kind...>", `kinds of personal data that stay: ${KINDS.join(", ")}`)
    .option("--allow <value...>", "values that stay (@example.org: all addresses there), or a file with one a line")
    .option("--names <file>", "JavaScript module that exports a detector of people's names");
}

/** A value, or the lines of a file of that name. */
function allowed(entry: string): string[] {
  if (!existsSync(entry) || !statSync(entry).isFile()) return [entry];
  try {
    const lines = readFileSync(entry, "utf8").split(/\r?\n/);
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  } catch (cause) {
    throw new InputError(`--allow ${entry}: cannot be read`, { hint: "name a file that you may read", cause });
  }
}

function settingsOf(flags: RedactFlags, file?: Config["redact"]): RedactionSettings {
  const names = flags.names ?? file?.names;
  return {
    keep: flags.keep ?? file?.keep ?? [],
    allow: [...(file?.allow ?? []), ...(flags.allow ?? []).flatMap(allowed)],
    ...(names === undefined ? {} : { names }),
  };
}

/** What flags and file give together; undefined where nothing is to be redacted. @throws UsageError for --keep and the like alone */
export function redactionOf(flags: RedactFlags, file?: Config["redact"]): Config["redact"] {
  if (flags.redact !== true && file === undefined) {
    const alone = (["keep", "allow", "names"] as const).find((name) => flags[name] !== undefined);
    if (alone !== undefined) throw new UsageError(`--${alone}: says how to redact; add --redact`);
    return undefined;
  }
  const { keep, allow, names } = settingsOf(flags, file);
  return { keep: [...keep], allow: [...allow], ...(names === undefined ? {} : { names }) };
}

/** Under a key that is forgotten: nobody can tell afterwards whom a surrogate stands for. */
export function redactorWith(flags: RedactFlags, key = randomBytes(32).toString("hex")): Promise<Redactor> {
  return redactorOf(settingsOf(flags), key);
}

export async function temporaryRedactor(flags: RedactFlags): Promise<Redactor | undefined> {
  return redactionOf(flags) === undefined ? undefined : redactorWith(flags);
}

/** Under the key of the state folder that a model stands in, so that its system prompt has the values that it was learned with. */
export async function modelRedactor(flags: RedactFlags, model: string): Promise<Redactor | undefined> {
  const settings = redactionOf(flags);
  if (settings === undefined) return undefined;
  const state = join(model, "..", "..");
  return existsSync(join(state, "subject.key")) ? (await openRedaction(settings, state)).redactor : redactorWith(flags);
}
