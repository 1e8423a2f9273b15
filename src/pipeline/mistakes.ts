/** @file The answers that a person should look at, as a table that spreadsheets open: what the student kept although the teacher says
 *  otherwise, what it deferred, and where the teacher itself may be wrong. A reviewed table comes back with a right answer in `gold`. */
import type { LabelDataset, Row } from "../dataset/types.js";
import { readLabelRecords } from "../dataset/records.js";
import { InputError } from "../errors.js";
import type { ExampleFacts, MistakeFacts } from "../report/facts.js";
import { softmaxRow } from "../softmax.js";
import { wilson } from "../stats.js";

/** Rows with what the student answers to them. */
export interface AnsweredRows {
  readonly rows: readonly Row[];
  /** [rows, labels] */
  readonly logits: Float32Array;
  /** The calibrated score that the gate orders by, one a row. */
  readonly scores: ArrayLike<number>;
}

/** The table in the folder of a run. */
export const MISTAKES_FILE = "mistakes.csv";

export const MISTAKE_LISTS = ["kept-wrong", "deferred", "suspected-teacher"] as const;
export type MistakeList = (typeof MISTAKE_LISTS)[number];

export interface Mistake {
  readonly list: MistakeList;
  readonly text: string;
  /** Empty for an answer that is none of the labels. */
  readonly teacher: string;
  readonly student: string;
  readonly probability: number;
  readonly decision: "keep" | "defer";
  /** Sealed rows were not learned from. */
  readonly sealed: boolean;
  readonly gold: string;
}

/** A teacher's answer is suspected where the student, which did not learn from it, is so sure of another. */
const SUSPECT_SCORE = 0.9;
/** And gives the teacher's answer no more than this. */
const SUSPECT_SHARE = 0.1;

interface Judged {
  readonly row: Row;
  readonly answer: number;
  readonly score: number;
  /** What the student gives the teacher's answer. */
  readonly teacherShare: number;
}

function judged({ rows, logits, scores }: AnsweredRows, classes: number): Judged[] {
  return rows.map((row, r) => {
    const shares = softmaxRow(logits, r * classes, classes);
    const answer = shares.reduce((best, share, at) => (share > (shares[best] ?? 0) ? at : best), 0);
    return { row, answer, score: scores[r] ?? 0, teacherShare: shares[row.label] ?? 0 };
  });
}

function isSuspected({ row, answer, score, teacherShare }: Judged): boolean {
  return answer !== row.label && score >= SUSPECT_SCORE && teacherShare <= SUSPECT_SHARE;
}

/** Of the suspected answers whose right one is known those that are wrong indeed. */
function precisionOf(suspected: readonly Judged[]): MistakeFacts["suspectedPrecision"] {
  const known = suspected.filter(({ row }) => row.gold !== undefined);
  if (known.length === 0) return undefined;
  const wrong = known.filter(({ row }) => row.gold !== row.label).length;
  return { ...wilson(wrong, known.length), known: known.length };
}

export interface FoundMistakes {
  readonly mistakes: readonly Mistake[];
  readonly facts: MistakeFacts;
  /** A kept answer, a kept one that is wrong, a deferred one, as far as there are such. */
  readonly examples: readonly ExampleFacts[];
}

/** The three lists, each with what matters most first. `threshold` is the gate's, null where it keeps nothing. */
export function findMistakes(
  sealed: AnsweredRows,
  open: AnsweredRows,
  { labels, threshold }: { readonly labels: readonly string[]; readonly threshold: number | null },
): FoundMistakes {
  const [own, unseen] = [judged(sealed, labels.length), judged(open, labels.length)];
  const isKept = ({ score }: Judged): boolean => threshold !== null && score >= threshold;
  const surest = (all: readonly Judged[]): Judged[] => all.toSorted((a, b) => b.score - a.score);
  const keptWrong = surest(own.filter((each) => isKept(each) && each.answer !== each.row.label));
  const deferred = surest(own.filter((each) => !isKept(each))).toReversed();
  const suspected = surest([...own, ...unseen].filter(isSuspected));
  const entry = (list: MistakeList, each: Judged): Mistake => ({
    list,
    text: each.row.text,
    teacher: labels[each.row.label] ?? "",
    student: labels[each.answer] ?? "",
    probability: each.score,
    decision: isKept(each) ? "keep" : "defer",
    sealed: each.row.sealed,
    gold: each.row.gold === undefined ? "" : (labels[each.row.gold] ?? ""),
  });
  const keptRight = surest(own.filter((each) => isKept(each) && each.answer === each.row.label));
  const precision = precisionOf(suspected);
  return {
    mistakes: [
      ...keptWrong.map((each) => entry("kept-wrong", each)),
      ...deferred.map((each) => entry("deferred", each)),
      ...suspected.map((each) => entry("suspected-teacher", each)),
    ],
    facts: {
      keptWrong: keptWrong.length,
      deferred: deferred.length,
      suspected: suspected.length,
      ...(precision !== undefined && { suspectedPrecision: precision }),
    },
    examples: [keptRight[Math.floor(keptRight.length / 2)], keptWrong[0], deferred[0]].flatMap((each) =>
      each === undefined ? [] : [exampleOf(entry("deferred", each))],
    ),
  };
}

/** Longer texts are shown by their beginning. */
const EXAMPLE_CHARACTERS = 240;

function exampleOf({ text, teacher, student, probability, decision }: Mistake): ExampleFacts {
  const characters = Array.from(text);
  const shown = characters.length > EXAMPLE_CHARACTERS ? `${characters.slice(0, EXAMPLE_CHARACTERS).join("")}…` : text;
  return { text: shown, teacher, student, probability, decision };
}

const COLUMNS = [
  "list",
  "text",
  "teacher_answer",
  "student_answer",
  "probability",
  "decision",
  "sealed",
  "gold",
] as const;
/** What a spreadsheet would read as a formula. */
const FORMULA = /^['=+\-@\t\r]/;

/** A cell that is text to every spreadsheet: a formula's first sign stands behind an apostrophe. */
export function csvCell(value: string): string {
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A text as it was before it became a cell. */
export function withoutApostrophe(value: string): string {
  return value.startsWith("'") && FORMULA.test(value.slice(1)) ? value.slice(1) : value;
}

/** The table, with a header; a byte order mark tells spreadsheets that it is UTF-8. */
export function mistakesCsv(mistakes: readonly Mistake[]): string {
  const rows = mistakes.map((each) => [
    each.list,
    each.text,
    each.teacher,
    each.student,
    each.probability.toFixed(4),
    each.decision,
    each.sealed ? "yes" : "no",
    each.gold,
  ]);
  return `\ufeff${[COLUMNS, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

/** A dataset with the right answers of a reviewed table, and how many of its rows have one from there. */
export interface Reviewed {
  readonly dataset: LabelDataset;
  readonly rows: number;
}

/** Puts the right answers of a reviewed table to the rows of the same text: open rows are then learned with them.
 *  @throws InputError for a file without any, or an answer that is none of the labels */
export async function withReviewed(dataset: LabelDataset, path: string): Promise<Reviewed> {
  const columns = { input: "text", output: "teacher_answer", gold: "gold" };
  // A label that looks like a formula stands behind an apostrophe in the table, and without one where a person wrote it.
  const labels = [...dataset.labels, ...dataset.labels.map((label) => `'${label}`)];
  const { records } = await readLabelRecords(path, { labels, template: dataset.template }, { columns });
  const right = new Map<string, number>();
  for (const { text, gold } of records) {
    if (gold === undefined) continue;
    if (gold < 0)
      throw new InputError(`${path}: the right answer to ${JSON.stringify(text.slice(0, 60))} is none of the labels`, {
        hint: "write a label of the workload into the column gold, or leave it empty",
      });
    right.set(withoutApostrophe(text).trim(), gold % dataset.labels.length);
  }
  let found = 0;
  const rows = dataset.rows.map((row) => {
    const gold = right.get(row.text.trim());
    if (gold === undefined) return row;
    found += 1;
    return { ...row, gold };
  });
  if (found === 0)
    throw new InputError(`${path}: no row with a right answer that belongs to these logs`, {
      hint: "fill the column gold of the table that joryu mistakes wrote",
    });
  return { dataset: { ...dataset, rows }, rows: found };
}
