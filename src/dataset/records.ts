/** @file Labelled records of a file as `evaluate` needs them: the text the student would see, the teacher's answer and the right
 *  answer as indices of a known label set. Reads any format that the import knows. */
import { importLogs, type ImportOptions, type ImportResult } from "./import.js";
import { labelFinder } from "./labels.js";
import { stripTemplate, type PromptTemplate } from "../template/template.js";

export interface LabelRecord {
  readonly text: string;
  /** Index of the teacher's answer, -1 when it is none of the labels. */
  readonly label: number;
  /** Index of the right answer, -1 when it is none of the labels; absent where the file names none. */
  readonly gold?: number;
}

/** Every call of a file (copies left out, repeats kept) against the labels and the template of a dataset or model; throws as
 *  `importLogs` does. */
export async function readLabelRecords(
  file: string,
  known: { readonly labels: readonly string[]; readonly template: PromptTemplate },
  options: Omit<ImportOptions, "onRecord"> = {},
): Promise<{ readonly records: readonly LabelRecord[]; readonly imported: ImportResult }> {
  const find = labelFinder(known.labels);
  const records: LabelRecord[] = [];
  const imported = await importLogs([file], {
    ...options,
    onRecord: (record) => {
      const text = stripTemplate(record.messages, known.template);
      const label = find(record.answer.trim());
      records.push(record.gold === undefined ? { text, label } : { text, label, gold: find(record.gold) });
    },
  });
  return { records, imported };
}
