/** @file What a run says first: which files were read as what, and what the workload holds; `joryu import` tells all of it. Pure. */
import type { FileImport } from "./import.js";
import type { LabelDataset } from "./types.js";

/** Files that are named one by one, labels, and characters of a template. */
const NAMED_FILES = 5;
const NAMED_LABELS = 5;
const SHOWN_CHARACTERS = 120;

/** A text in one line of so many characters. */
export function shortLine(text: string, characters: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > characters ? `${line.slice(0, characters)}…` : line;
}

/** The shape of a file, what of it was taken, and which column or path became what. */
export function fileLine({ source, format, encoding, packed, counts, columns }: FileImport): string {
  const parts = Object.entries(columns).map(([role, column]) => `${role}=${column}`);
  const roles = parts.length === 0 ? "" : ` (${parts.join(", ")})`;
  const form = packed === undefined || packed.toLowerCase() === encoding ? encoding : `${encoding} in ${packed}`;
  const { accepted, duplicates, rejected } = counts;
  const others = Object.entries({ duplicates, rejected }).filter(([, count]) => count > 0);
  const taken = [`${accepted} accepted`, ...others.map(([what, count]) => `${count} ${what}`)].join(", ");
  return `${source}: ${format}, ${form}, ${taken}${roles}`;
}

/** Files and workload of a dataset, shortened. */
export function openingNotes(files: readonly FileImport[], dataset: LabelDataset): readonly string[] {
  const { workload, rows, labels, template, traffic } = dataset;
  const notes = files.slice(0, NAMED_FILES).map(fileLine);
  if (files.length > NAMED_FILES) notes.push(`${files.length - NAMED_FILES} more files`);
  const calls = new Float64Array(labels.length);
  for (const { label, weight } of rows) if (label >= 0) calls[label] = (calls[label] ?? 0) + weight;
  const common = [...labels.keys()].sort((a, b) => (calls[b] ?? 0) - (calls[a] ?? 0)).slice(0, NAMED_LABELS);
  const named = common.map((label) => `${shortLine(labels[label] ?? "", SHOWN_CHARACTERS)} ${calls[label] ?? 0}`);
  const more = labels.length > NAMED_LABELS ? `, and ${labels.length - NAMED_LABELS} more` : "";
  notes.push(
    `workload ${workload}: ${traffic.calls} calls, ${rows.length} inputs, ${labels.length} labels (${named.join(", ")}${more})`,
  );
  const constant = [template.system, template.userPrefix, template.userSuffix].filter((text) => text.trim() !== "");
  if (constant.length > 0) notes.push(`template taken off: ${shortLine(constant.join(" … "), SHOWN_CHARACTERS)}`);
  return notes;
}
