/** @file The licences of a run's base and teachers: those whose terms stand against the use stop it until they are acknowledged by name,
 *  the others are noted. What a term means for a use is not judged here. */
import { basename, resolve } from "node:path";
import { existsSync, statSync } from "node:fs";
import { nearest } from "../config/nearest.js";
import type { Config } from "../config/schema.js";
import { UsageError } from "../errors.js";
import { licenceOfFolder } from "../licences/base-licence.js";
import { isBlocking, licenceOfModel, type LicenceSubject } from "../licences/match.js";
import { LICENCES, type LicenceEntry } from "../licences/registry.js";
import type { LicenceFacts } from "../report/facts.js";
import type { Progress } from "./progress.js";

/** Names that are shown in one line. */
const SHOWN_MODELS = 3;
const SHOWN_CHARACTERS = 80;

/** Checks that only licences of the registry are acknowledged. @throws UsageError naming the nearest */
export function checkAcknowledged(acknowledged: readonly string[]): void {
  const known = LICENCES.map(({ name }) => name);
  for (const name of acknowledged) {
    if (known.includes(name)) continue;
    throw new UsageError(`--acknowledge: unknown licence "${name}", did you mean ${nearest(name, known)}?`, {
      hint: `known: ${known.join(", ")}`,
    });
  }
}

function factsOf(
  subject: LicenceSubject,
  models: readonly string[],
  entry: LicenceEntry | undefined,
  acknowledged: readonly string[],
): LicenceFacts {
  if (entry === undefined) return { subject, models, status: "unknown", acknowledged: false };
  const { name, status, terms, source, checked } = entry;
  const isAcknowledged = isBlocking(subject, status) && acknowledged.includes(name);
  return { subject, models, status, name, terms, source, checked, acknowledged: isAcknowledged };
}

function baseLicences(folder: string, acknowledged: readonly string[]): LicenceFacts[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  const { entry, stated } = licenceOfFolder(folder);
  const name = basename(resolve(folder));
  const found = entry === undefined ? [] : [factsOf("base", [name], entry, acknowledged)];
  if (stated.length === 0 && entry !== undefined) return found;
  const of = stated.length === 0 ? name : `${name} (${stated.join(", ")})`;
  return [...found, factsOf("base", [of], undefined, acknowledged)];
}

/** The terms that base and teachers of a run stand under, one entry a licence; none where neither is named. */
export function licencesOf(
  config: Pick<Config, "base" | "acknowledged">,
  teachers: readonly string[],
): readonly LicenceFacts[] {
  const byEntry = new Map<LicenceEntry | undefined, string[]>();
  for (const model of teachers.filter((name) => name.trim() !== "")) {
    const entry = licenceOfModel(model);
    byEntry.set(entry, [...(byEntry.get(entry) ?? []), model]);
  }
  const base = config.base === undefined ? [] : baseLicences(config.base, config.acknowledged);
  const taught = [...byEntry].map(([entry, models]) => factsOf("teacher", models, entry, config.acknowledged));
  return [...base, ...taught];
}

function named({ subject, models }: LicenceFacts): string {
  const more = models.length > SHOWN_MODELS ? " and others" : "";
  const shown = models.slice(0, SHOWN_MODELS).map((name) => name.slice(0, SHOWN_CHARACTERS).replace(/\p{Cc}/gu, " "));
  return `${subject} ${shown.join(", ")}${more}`;
}

const stops = ({ subject, status, acknowledged }: LicenceFacts): boolean =>
  isBlocking(subject, status) && !acknowledged;

function quoted({ terms, source, checked }: LicenceFacts): string {
  return `"${terms}" (${source}, read ${checked})`;
}

/** Stops a run at terms that nobody acknowledged. @throws UsageError in one line with the terms and how to go on */
export function stopAtBlocked(licences: readonly LicenceFacts[]): void {
  const blocked = licences.filter(stops);
  if (blocked.length === 0) return;
  const lines = blocked.map((licence) => `${named(licence)} under ${licence.name}: ${quoted(licence)}`);
  throw new UsageError(`licence (${blocked.map(({ status }) => status).join(", ")}): ${lines.join("; ")}`, {
    hint: `if these terms allow your use, go on with ${blocked.map(({ name }) => `--acknowledge ${name}`).join(" ")}`,
    facts: { licences: blocked.map(({ name }) => name) },
  });
}

function noteOf(licence: LicenceFacts): string | undefined {
  if (licence.acknowledged) return `licence of ${named(licence)}: ${licence.name}, acknowledged`;
  if (stops(licence)) return `licence of ${named(licence)}: ${licence.name} stops a run: ${quoted(licence)}`;
  if (licence.status === "allowed") return undefined;
  if (licence.name === undefined) return `licence of ${named(licence)}: not in the registry, read its terms yourself`;
  return `licence of ${named(licence)}: ${licence.name} sets conditions: ${quoted(licence)}`;
}

/** Notes what a user should know of the licences before training. */
export function noteLicences(licences: readonly LicenceFacts[], progress: Progress): void {
  for (const licence of licences) {
    const note = noteOf(licence);
    if (note !== undefined) progress.note(note);
  }
}
