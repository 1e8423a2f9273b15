/** @file One label out of what annotation tools and tables write for it: a text, a list of one, {choices: [...]}; what is no label is
 *  named. Knows no column names. */
import { ABSENT } from "../absent.js";
import { isRejection, textOf, type Rejection } from "../fields.js";
import { isJsonObject } from "../../json.js";
import { isNothing } from "./path.js";

export const SEVERAL_LABELS: Rejection = { reject: "several labels in one record: one answer per record is expected" };
export const NO_NAMED_LABEL: Rejection = { reject: "the label is an object that names no label" };
export const NO_LABEL: Rejection = { reject: "failed or empty: no label was given" };

const LABEL_KEYS = ["choices", "labels", "label", "value", "taxonomy"] as const;
const ERROR_TEXT = /^(Error code: \d{3}|Error: |\w*(Error|Exception)(: |\()|HTTP\/?\d* ?[45]\d\d\b|Traceback \()/;
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** A rejection for a text that stands where an answer was to come: nothing, an error, the id of a person. */
export function noAnswerText(text: string): Rejection | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return NO_LABEL;
  if (ABSENT.has(trimmed) || trimmed === "[]" || trimmed === "{}")
    return { reject: `failed or empty: the answer is ${trimmed}` };
  if (ERROR_TEXT.test(trimmed)) return { reject: "the answer is an error message" };
  return UUID.test(trimmed) ? { reject: "the answer is an id, not a label" } : undefined;
}

/** The one label that a value holds. */
export function labelOf(value: unknown): string | Rejection {
  if (isNothing(value)) return NO_LABEL;
  if (Array.isArray(value)) return labelOfList(value);
  if (isJsonObject(value)) {
    const marked = Object.entries(value).flatMap(([name, mark]) => (mark === 1 || mark === true ? [name] : []));
    const isMarked = Object.values(value).every((mark) => [0, 1, true, false].includes(mark as number | boolean));
    if (isMarked && Object.keys(value).length > 1) return labelOfList(marked);
    const key = LABEL_KEYS.find((name) => name in value);
    return key === undefined ? NO_NAMED_LABEL : labelOf(value[key]);
  }
  const text = textOf(value);
  if (text === undefined) return NO_LABEL;
  return noAnswerText(text) ?? text;
}

function labelOfList(list: readonly unknown[]): string | Rejection {
  const [first] = list;
  if (list.length === 0) return NO_LABEL;
  if (Array.isArray(first) && typeof first[0] === "number")
    return { reject: "spans with labels: one answer for the whole text is expected" };
  if (isJsonObject(first) && "start" in first && "end" in first)
    return { reject: "spans with labels: one answer for the whole text is expected" };
  const labels = list.map(labelOf);
  const distinct = [...new Set(labels.filter((label) => !isRejection(label)))];
  if (list.length > 1) return SEVERAL_LABELS;
  return distinct[0] ?? labels[0] ?? NO_LABEL;
}
