/** @file Files of annotation tools, whose labels stand in for a teacher: Label Studio (full and minimal export), Prodigy (binary and
 *  choice), Argilla. Doccano and evals are generic rows. Knows no calls. */
import { isRejection, readMeta, textOf, type RecordMeta, type Rejection, type Writable } from "../fields.js";
import { Reading } from "../reading.js";
import { labelOf, NO_LABEL, SEVERAL_LABELS } from "./annotation.js";
import { INPUT_NAMES, named } from "./column-names.js";
import { assemble } from "./exchange.js";
import type { ColumnMap, FittedFormat, ParsedLine, RecordFormat } from "./format.js";
import { messagesOfInput } from "./generic.js";
import { embedded, isNothing, valueAt } from "./path.js";
import { type JsonObject, isJsonObject } from "../../json.js";

const ANNOTATED = "no model's answers stand in the file: its annotations are taken as the teacher's";

const PREDICTED = "nobody annotated the tasks: the predictions in them are taken as the teacher's";

interface Annotated {
  readonly input: unknown;
  readonly label: string | Rejection;
}

interface AnnotationShape {
  readonly name: string;
  readonly expects: string;
  readonly detect: (value: JsonObject) => boolean;
  /** Settles on the file's own names from a sample of its rows. */
  readonly reader: (rows: readonly JsonObject[]) => {
    readonly read: (value: JsonObject) => Annotated;
    readonly columns: Readonly<Record<string, string>>;
    readonly notes?: readonly string[];
  };
}

function toFormat(shape: AnnotationShape): RecordFormat {
  const parseWith = (read: (value: JsonObject) => Annotated, value: JsonObject, reading: Reading): ParsedLine => {
    const { input, label } = read(value);
    if (isRejection(label)) return label;
    const messages = messagesOfInput(input);
    if (isRejection(messages)) return messages;
    const meta: Writable<RecordMeta> = readMeta(value, {}, reading);
    delete meta.gold;
    delete meta.user;
    return assemble(meta, messages, { answer: label });
  };
  const format: RecordFormat = {
    name: shape.name,
    expects: shape.expects,
    detect: shape.detect,
    parse: (value, _columns, reading = new Reading()) => parseWith(shape.reader([value]).read, value, reading),
    fit: (rows): FittedFormat => {
      const { read, columns, notes = [ANNOTATED] } = shape.reader(rows);
      const parse = (value: JsonObject, _columns: ColumnMap, reading = new Reading()): ParsedLine =>
        parseWith(read, value, reading);
      return { format: { ...format, parse }, columns, notes };
    },
  };
  return format;
}

function textKey(rows: readonly JsonObject[]): string | undefined {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return named(keys, INPUT_NAMES)[0] ?? keys.find((key) => rows.some((row) => typeof row[key] === "string"));
}

/** The label of the results of one annotator; several choices of one question are several labels. */
function labelOfResults(results: readonly unknown[]): string | Rejection {
  const labels = results.flatMap((result) =>
    isJsonObject(result) && isJsonObject(result["value"]) ? [labelOf(result["value"])] : [],
  );
  if (labels.length === 0) return NO_LABEL;
  return labels.length === 1 ? (labels[0] ?? NO_LABEL) : SEVERAL_LABELS;
}

function labelOfTask(task: JsonObject): string | Rejection {
  const kept = listOf(task["annotations"]).filter(
    (entry): entry is JsonObject => isJsonObject(entry) && entry["was_cancelled"] !== true,
  );
  const labels = kept.map((entry) => labelOfResults(resultsOf(entry)));
  const refused = labels.find(isRejection);
  const distinct = [...new Set(labels.filter((label) => !isRejection(label)))];
  if (distinct.length > 1) return { reject: "the annotators disagree: one answer per record is expected" };
  return distinct[0] ?? refused ?? NO_LABEL;
}

function resultsOf(entry: unknown): readonly unknown[] {
  return isJsonObject(entry) && Array.isArray(entry["result"]) ? (entry["result"] as readonly unknown[]) : [];
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);

/** True where nobody annotated anything and a model predicted something: its predictions are the answers. */
function isPredicted(tasks: readonly JsonObject[]): boolean {
  const has = (task: JsonObject, key: string): boolean =>
    listOf(task[key]).some((entry) => resultsOf(entry).length > 0);
  return !tasks.some((task) => has(task, "annotations")) && tasks.some((task) => has(task, "predictions"));
}

const labelStudio = toFormat({
  name: "label-studio",
  expects: '[{"data": {"text": ...}, "annotations": [{"result": [{"value": {"choices": [...]}}]}]}]',
  detect: (value) => isJsonObject(value["data"]) && Array.isArray(value["annotations"]),
  reader: (rows) => {
    const key = textKey(rows.flatMap((row) => (isJsonObject(row["data"]) ? [row["data"]] : []))) ?? "text";
    const input = (value: JsonObject): unknown => valueAt(value, `data.${key}`);
    if (isPredicted(rows))
      return {
        read: (value) => ({
          input: input(value),
          label: labelOfResults(resultsOf(listOf(value["predictions"]).at(-1))),
        }),
        columns: { input: `data.${key}`, output: "predictions[-1].result[0].value.choices" },
        notes: [PREDICTED],
      };
    return {
      read: (value) => ({ input: input(value), label: labelOfTask(value) }),
      columns: { input: `data.${key}`, output: "annotations[0].result[0].value.choices" },
    };
  },
});

const MINIMAL_META = new Set(["id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"]);

/** Names of the controls of the labelling page: they are the user's own. */
function minimalKeys(rows: readonly JsonObject[]): { readonly text: string; readonly label: string } {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((key) => !MINIMAL_META.has(key));
  const text = named(keys, INPUT_NAMES)[0] ?? longest(rows, keys);
  const rest = keys.filter((key) => key !== text);
  const label = rest.find((key) => rows.some((row) => isJsonObject(row[key]))) ?? shortest(rows, rest);
  return { text, label };
}

const meanLength = (rows: readonly JsonObject[], key: string): number => {
  const lengths = rows.flatMap((row) => (isNothing(row[key]) ? [] : [JSON.stringify(row[key]).length]));
  return lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length);
};
const longest = (rows: readonly JsonObject[], keys: readonly string[]): string =>
  keys.toSorted((a, b) => meanLength(rows, b) - meanLength(rows, a))[0] ?? "text";

function shortest(rows: readonly JsonObject[], keys: readonly string[]): string {
  const distinct = (key: string): number => new Set(rows.map((row) => JSON.stringify(row[key]))).size;
  return keys.toSorted((a, b) => distinct(a) - distinct(b)).find((key) => distinct(key) > 1) ?? keys[0] ?? "label";
}

const labelStudioMinimal = toFormat({
  name: "label-studio-min",
  expects: '[{"text": ..., "CONTROL": "label", "annotator": ..., "annotation_id": ..., "lead_time": ...}]',
  detect: (value) => value["annotation_id"] !== undefined && value["annotator"] !== undefined,
  reader: (rows) => {
    const { text, label } = minimalKeys(rows);
    return {
      read: (value) => ({ input: value[text], label: labelOf(embedded(value[label])) }),
      columns: { input: text, output: label },
    };
  },
});

const STATES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  ["reject", "the annotator rejected the label"],
  ["ignore", "the annotator ignored the task"],
]);

const ANSWERS: ReadonlySet<unknown> = new Set(["accept", ...STATES.keys()]);

function prodigyLabel(value: JsonObject): string | Rejection {
  const state = STATES.get(value["answer"]);
  if (state !== undefined) return { reject: state };
  return labelOf(Array.isArray(value["accept"]) ? value["accept"] : value["label"]);
}

const prodigy = toFormat({
  name: "prodigy",
  expects: '{"text": ..., "label": ... or "accept": [...], "answer": "accept" or "reject" or "ignore"}',
  detect: (value) =>
    ANSWERS.has(value["answer"]) &&
    (["_task_hash", "_view_id", "_input_hash", "accept"].some((key) => value[key] !== undefined) ||
      (typeof value["label"] === "string" && !ANSWERS.has(value["label"]))),
  reader: () => ({
    read: (value) => ({ input: value["text"] ?? value["html"], label: prodigyLabel(value) }),
    columns: { input: "text", output: "label" },
  }),
});

/** Argilla's questions: submitted responses with their values, as lists (v2) or in columns `NAME.responses`. */
function argillaQuestion(rows: readonly JsonObject[]): string | undefined {
  const names = rows.flatMap((row) => {
    const nested = row["responses"];
    const flat = Object.keys(row).filter((key) => key.endsWith(".responses"));
    return isJsonObject(nested) ? Object.keys(nested).map((name) => `responses.${name}`) : flat;
  });
  return names[0];
}

function argillaLabel(value: unknown): string | Rejection {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
  const submitted = entries.filter(
    (entry) => !isJsonObject(entry) || entry["status"] === undefined || entry["status"] === "submitted",
  );
  const labels = submitted.flatMap((entry) => (isNothing(entry) ? [] : [labelOf(entry)]));
  const distinct = [...new Set(labels.filter((label) => !isRejection(label)))];
  if (distinct.length > 1) return { reject: "the annotators disagree: one answer per record is expected" };
  return distinct[0] ?? labels[0] ?? NO_LABEL;
}

const argilla = toFormat({
  name: "argilla",
  expects: '{"fields": {"text": ...}, "responses": {"QUESTION": [{"value": ..., "status": "submitted"}]}}',
  detect: (value) =>
    (isJsonObject(value["fields"]) && isJsonObject(value["responses"])) ||
    Object.keys(value).some((key) => key.endsWith(".responses.users")),
  reader: (rows) => {
    const question = argillaQuestion(rows) ?? "responses";
    const fields = rows.flatMap((row) => (isJsonObject(row["fields"]) ? [row["fields"]] : []));
    const key = textKey(fields.length > 0 ? fields : rows) ?? "text";
    const input = fields.length > 0 ? `fields.${key}` : key;
    return {
      read: (value) => ({ input: textOf(valueAt(value, input)), label: argillaLabel(valueAt(value, question)) }),
      columns: { input, output: question },
    };
  },
});

/** The annotation tools' formats. */
export const annotationFormats: readonly RecordFormat[] = [labelStudio, labelStudioMinimal, prodigy, argilla];
