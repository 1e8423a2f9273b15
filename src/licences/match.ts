/** @file Finds the entry of the registry for a model's name, a licence's id or its text. Pure; a name that no entry knows has none. */
import { LICENCES, type LicenceEntry, type LicenceStatus } from "./registry.js";

/** Worst first: where sources say different things, the strictest counts. */
const STRICTEST: readonly LicenceStatus[] = [
  "no-derivatives",
  "non-commercial",
  "outputs-restricted",
  "conditions",
  "allowed",
  "unknown",
];

/** What a licence is asked about: a model that is built on, or one whose answers are learned. */
export type LicenceSubject = "base" | "teacher";

const BLOCKING: Readonly<Record<LicenceSubject, readonly LicenceStatus[]>> = {
  base: ["no-derivatives", "non-commercial"],
  teacher: ["no-derivatives", "non-commercial", "outputs-restricted"],
};

/** Whether it stops a run until it is acknowledged by name. */
export function isBlocking(subject: LicenceSubject, status: LicenceStatus): boolean {
  return BLOCKING[subject].includes(status);
}

/** A model's name without what stands before it: path of a hub, vendor and region of a cloud, mark of a fine-tuned model. */
function bareName(model: string): string {
  const name = model.trim().toLowerCase().split("/").at(-1) ?? "";
  return name.replace(/^ft:/, "").replace(/^(?:[a-z]+\.)+(?=[a-z])/, "");
}

function find(
  value: string,
  pattern: (entry: LicenceEntry) => string | undefined,
  whole: boolean,
): LicenceEntry | undefined {
  return LICENCES.find((entry) => {
    const wanted = pattern(entry);
    return wanted !== undefined && new RegExp(whole ? `^(?:${wanted})$` : wanted).test(value);
  });
}

/** The terms that a model's answers stand under, by the model's name in a log. */
export function licenceOfModel(model: string): LicenceEntry | undefined {
  return find(bareName(model), ({ models }) => models && `^(?:${models})`, false);
}

/** The licence with an id as model cards have it (SPDX, or a hub's own). */
export function licenceOfId(id: string): LicenceEntry | undefined {
  return find(id.trim().toLowerCase(), ({ ids }) => ids, true);
}

/** The licence whose own text this is. */
export function licenceOfText(licenceText: string): LicenceEntry | undefined {
  return find(licenceText.toLowerCase().replace(/\s+/g, " "), ({ text }) => text, false);
}

/** The strictest of some entries. */
export function strictest(entries: readonly LicenceEntry[]): LicenceEntry | undefined {
  return entries.toSorted((a, b) => STRICTEST.indexOf(a.status) - STRICTEST.indexOf(b.status))[0];
}
