/** @file Settings of redaction made into a redactor: kinds checked, the user's detector of names loaded, the key of the state folder. Says what
 *  came of it. What is found and what takes its place: `src/redact/`. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { nearest } from "../config/nearest.js";
import { openSubjects } from "../dataset/subjects.js";
import { InputError, UsageError } from "../errors.js";
import { isKind, KINDS, type Kind, type RedactionFacts } from "../redact/kinds.js";
import type { NameDetector } from "../redact/names.js";
import { createRedactor, type Redactor } from "../redact/redactor.js";

export interface RedactionSettings {
  readonly keep: readonly string[];
  readonly allow: readonly string[];
  /** JavaScript file that exports a detector of names. */
  readonly names?: string | undefined;
}

export interface Redaction {
  readonly redactor: Redactor;
  /** Changes with whatever changes the outcome, the program's version and the key aside. */
  readonly fingerprint: string;
}

function kindsOf(names: readonly string[]): Kind[] {
  return names.map((name) => {
    if (isKind(name)) return name;
    throw new UsageError(`--keep: unknown kind "${name}", did you mean ${nearest(name, KINDS)}?`, {
      hint: `kinds: ${KINDS.join(", ")}`,
    });
  });
}

const isDetector = (value: unknown): value is NameDetector => typeof value === "function";

/** The function that the file exports as default or as `names`. @throws InputError */
async function loadNames(path: string): Promise<NameDetector> {
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const said = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new InputError(`${path}: cannot be loaded as a detector of names (${said})`, {
      hint: "--names takes a JavaScript module",
      cause,
    });
  }
  const detector = loaded["default"] ?? loaded["names"];
  if (isDetector(detector)) return detector;
  throw new InputError(`${path}: exports no function`, {
    hint: "export default (text) => [names, or {start, end}]",
  });
}

/** A redactor under a key of the caller's. @throws UsageError for an unknown kind, InputError for a file that is no detector */
export async function redactorOf({ keep, allow, names }: RedactionSettings, key: string): Promise<Redactor> {
  return createRedactor({
    key,
    keep: kindsOf(keep),
    allow,
    ...(names === undefined ? {} : { names: await loadNames(names) }),
  });
}

/** A redactor under the key of the state folder: the same value has the same surrogate in every import there. */
export async function openRedaction(settings: RedactionSettings, outDir: string): Promise<Redaction> {
  const redactor = await redactorOf(settings, openSubjects(outDir)("redaction"));
  const code = settings.names === undefined ? "" : readFileSync(settings.names);
  const named = createHash("sha256").update(code).digest("hex");
  return { redactor, fingerprint: JSON.stringify([settings.keep, settings.allow, named]) };
}

/** What a person should know of it. */
export function redactionNotes(facts: RedactionFacts): string[] {
  const { counts, rejected, keptKinds, namesDetected, inSystemPrompts } = facts;
  const list = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`);
  const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  return [
    `redacted: ${list.length === 0 ? "no personal data found" : list.join(", ")}`,
    ...(refused > 0 ? [`${refused} records could not be redacted and are left out`] : []),
    ...(keptKinds.length > 0 ? [`kept as they are: ${keptKinds.join(", ")}`] : []),
    ...(namesDetected || keptKinds.includes("name")
      ? []
      : ["names of people are not detected: --names FILE brings a detector (docs/personal-data.md)"]),
    ...(inSystemPrompts > 0
      ? [`${inSystemPrompts} of the values stand in system prompts: where they are your own, --allow lets them stand`]
      : []),
  ];
}
