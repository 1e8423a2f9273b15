/** @file The name of a published model: the one that the user gives, else made of what the model tells apart. A prompt's first words
 *  would name every model "you are a helpful". */
import type { LabelDataset } from "../dataset/types.js";

/** So many labels are all named; of more the most frequent two. */
const ALL_NAMED = 3;
const SHOWN = 2;
/** A file name of all parts stays readable. */
const LONGEST_PART = 24;

/** Letters, digits and underscores of a label, in lower case. */
function partOf(label: string): string {
  const words =
    label
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu) ?? [];
  return Array.from(words.join("-")).slice(0, LONGEST_PART).join("").replace(/-$/, "");
}

/** A name made of the labels that most calls have. */
export function nameOfLabels({ labels, rows }: Pick<LabelDataset, "labels" | "rows">): string {
  const calls = new Map<number, number>();
  for (const { label, weight, sealed } of rows) if (!sealed) calls.set(label, (calls.get(label) ?? 0) + weight);
  const byCalls = labels
    .map((label, at) => ({ part: partOf(label), label, calls: calls.get(at) ?? 0 }))
    .toSorted((a, b) => b.calls - a.calls || (a.label < b.label ? -1 : 1));
  const shown = byCalls
    .slice(0, labels.length <= ALL_NAMED ? ALL_NAMED : SHOWN)
    .map(({ part }) => part)
    .filter((part) => part !== "");
  if (shown.length === 0) return `labels-${labels.length}`;
  const more = labels.length - shown.length;
  return [...shown, ...(more > 0 ? [`and-${more}-more`] : [])].join("-");
}
