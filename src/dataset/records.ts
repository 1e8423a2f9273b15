/** @file Labelled records of a file as `evaluate` needs them: the text the student would see, the teacher's answer and the right
 *  answer as indices of a known label set. Reads any format that the import knows. */
import { importLogs, type ImportOptions, type ImportResult } from "./import.js";
import { candidateOf, explainedLabel, PossibleNames, type Candidate } from "./label-reader.js";
import { decoratedFinder } from "./labels.js";
import { stripTemplate, type PromptTemplate } from "../template/template.js";

export interface LabelRecord {
  readonly text: string;
  /** Index of the teacher's answer, -1 when it is none of the labels. */
  readonly label: number;
  /** Index of the right answer, -1 when it is none of the labels; absent where the file names none. */
  readonly gold?: number;
}

export interface ReadOptions extends Omit<ImportOptions, "onRecord"> {
  /** Where the label stands in structured answers; the path with the most known labels when absent. */
  readonly answerPath?: string;
}

/** Every call of a file (copies left out, repeats kept) against the labels and the template of a dataset or model; throws as
 *  `importLogs` does. */
export async function readLabelRecords(
  file: string,
  known: { readonly labels: readonly string[]; readonly template: PromptTemplate },
  { answerPath, ...options }: ReadOptions = {},
): Promise<{ readonly records: readonly LabelRecord[]; readonly imported: ImportResult }> {
  const names = new PossibleNames([known.labels]);
  const answers = new KnownAnswers(decoratedFinder(known.labels), answerPath);
  const read: { readonly text: string; readonly answer: Indices; readonly gold?: Indices }[] = [];
  const imported = await importLogs([file], {
    ...options,
    onRecord: (record) => {
      if (record.occurrences === 0) return; // a further answer to a call that stands before it
      const text = stripTemplate(record.messages, known.template);
      const answer = answers.add(candidateOf(record, names));
      const gold = record.gold === undefined ? undefined : answers.of(candidateOf({ answer: record.gold }, names));
      read.push({ text, answer, ...(gold !== undefined && { gold }) });
    },
  });
  const records = read.map(({ text, answer, gold }) => {
    const label = answers.label(answer);
    return gold === undefined ? { text, label } : { text, label, gold: answers.label(gold) };
  });
  return { records, imported };
}

/** Index of the label of a text, or of each path of a structured answer. */
type Indices = number | ReadonlyMap<string, number>;

/** Answers against a known label set; of structured ones the path that holds most known labels counts. */
class KnownAnswers {
  private readonly hits = new Map<string, number>();

  constructor(
    private readonly find: (spelling: string) => number,
    private readonly path: string | undefined,
  ) {}

  add(candidate: Candidate): Indices {
    const indices = this.of(candidate);
    if (typeof indices === "number") return indices;
    for (const path of indices.keys()) this.hits.set(path, (this.hits.get(path) ?? 0) + 1);
    return indices;
  }

  of(candidate: Candidate): Indices {
    if (candidate.kind === "none") return -1;
    if (candidate.kind === "text") {
      const label = this.find(candidate.text);
      return label >= 0 ? label : (explainedLabel(candidate.text, this.find)?.label ?? -1);
    }
    const found = candidate.leaves.map(({ path, text }): [string, number] => [
      path,
      text === "" ? -1 : this.find(text),
    ]);
    return new Map(found.filter(([, index]) => index >= 0));
  }

  label(indices: Indices): number {
    if (typeof indices === "number") return indices;
    const [path] = [...this.hits].reduce<[string, number]>((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
    return indices.get(this.path ?? path) ?? -1;
  }
}
