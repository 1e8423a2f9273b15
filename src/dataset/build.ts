/** @file From log files to a frozen label dataset: import, workloads, template, labels, rows, groups, split, snapshot. The same
 *  files, options and seed give the same bits; no clock is read. Formats, duplicates and splits are decided in their files. */
import { join } from "node:path";
import { InputError, UsageError } from "../errors.js";
import { SEALED_RATIO } from "../sealing.js";
import { groupRows } from "./dedupe.js";
import { findAffixes } from "./find-template.js";
import type { ColumnMap } from "./formats/index.js";
import { hashTexts } from "./hashes.js";
import { importLogs, type ImportResult } from "./import.js";
import { buildLabelSet, type LabelSet } from "./labels.js";
import { MAXIMUM_ROWS, majorityOf, RowCollector, selfAgreementOf, type RowDraft } from "./rows.js";
import { hashDataset, writeDataset } from "./snapshot.js";
import { FOLDS, resolveLeaks, splitRows, type Split } from "./split.js";
import { Spool } from "./spool.js";
import { stripTemplate, type PromptTemplate } from "../template/template.js";
import { Traffic } from "./traffic.js";
import type { LabelDataset, Message, Row } from "./types.js";
import type { RejectedLine } from "./verdicts.js";
import { lastUserText, systemOf, WorkloadKeys, WorkloadTable, type WorkloadFacts } from "./workload.js";

export interface BuildOptions {
  /** A name of `formatNames`, "auto" by default. */
  readonly format?: string;
  readonly columns?: ColumnMap;
  /** Name of a workload; the label workload with the most records by default. */
  readonly workload?: string;
  readonly seed: number;
  /** Share of the rows to seal, `SEALED_RATIO` by default. */
  readonly sealedRatio?: number;
  readonly resolveLeaks?: "error" | "drop-train";
  /** Holds `datasets/<hash>/`; temporary files stand in `datasets/.import` while it runs. One build at a time. */
  readonly outDir: string;
  readonly onProgress?: (readBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface BuiltDataset {
  readonly dataset: LabelDataset;
  /** The dataset's folder. */
  readonly dir: string;
  readonly rejects: readonly RejectedLine[];
  /** How often each reason occurred. */
  readonly rejectCounts: Readonly<Record<string, number>>;
  /** Distinct texts of calls of the workload that hold no answer, at most `MAXIMUM_ROWS`. */
  readonly unanswered: readonly string[];
  readonly notes: readonly string[];
}

const LEAST_ROWS = 20;
/** Enough messages to see what is constant; a million would show the same. */
const TEMPLATE_SAMPLE = 5_000;

/** Builds and stores the dataset of one label workload. Throws InputError when the logs hold none that can be learned (no label
 *  workload, one class, fewer than 20 distinct inputs, a leaking split), UsageError for an unknown workload, StoreError for the
 *  disk, and the signal's reason when aborted. */
export async function buildLabelDataset(files: readonly string[], options: BuildOptions): Promise<BuiltDataset> {
  const spool = new Spool(join(options.outDir, "datasets", ".import"));
  try {
    const keys = new WorkloadKeys();
    const questions = new Map<string, readonly Message[]>();
    const instructions = new Map<string, string>();
    const imported = await importLogs(files, {
      ...options,
      onUnanswered: (messages) => {
        if (questions.size < MAXIMUM_ROWS) keepQuestion(questions, instructions, messages);
      },
      onRecord: (record) => {
        keys.observe(record);
        spool.write(record);
      },
    });
    const built = await fromSpool(spool, keys, imported, options);
    return { ...built, unanswered: unansweredTexts([...questions.values()], built.dataset.template) };
  } finally {
    spool.close();
  }
}

async function fromSpool(
  spool: Spool,
  keys: WorkloadKeys,
  imported: ImportResult,
  options: BuildOptions,
): Promise<Omit<BuiltDataset, "unanswered">> {
  const { rejects, counts } = imported;
  const rejectCounts = Object.fromEntries(imported.rejectCounts);
  if (counts.accepted === 0) throw nothingAccepted(imported);
  const table = new WorkloadTable();
  await spool.each((record) => table.observe(keys.keyOf(record), record), options.signal);
  const facts = table.facts(imported.files[0]?.source ?? "");
  const chosen = chooseWorkload(facts, options.workload);
  const labelSet = buildLabelSet(chosen.answers);
  if (labelSet.labels.length < 2) {
    throw new InputError(
      `workload ${chosen.summary.name}: every answer is ${JSON.stringify(labelSet.labels[0] ?? "")}; expected at least two classes`,
      {
        hint: "a constant needs no model; give logs with other answers too",
      },
    );
  }
  const template = await findTemplate(spool, keys, chosen, options.signal);
  const traffic = new Traffic();
  const collector = new RowCollector(template, labelSet);
  await spool.each((record) => {
    if (keys.keyOf(record) !== chosen.key) return;
    traffic.add(record);
    collector.add(record);
  }, options.signal);
  const made = splitDrafts(collector, chosen, options);
  const rows = rowsOf(made.drafts, made.groups, made.split);
  const dataset = hashDataset({
    workload: chosen.summary.name,
    others: facts
      .filter((other) => other !== chosen)
      .map((other) => other.summary)
      .slice(0, 100),
    template,
    labels: labelSet.labels,
    foldedLabels: labelSet.folded,
    folds: FOLDS,
    rows,
    counts,
    nearDuplicates: made.nearDuplicates,
    sealedBy: made.split.sealedBy,
    ...optional("teacherSelfAgreement", selfAgreementOf(made.drafts)),
    traffic: traffic.facts(),
  });
  const notes = [...imported.notes, ...foldNotes(labelSet), ...made.notes, ...unseenLabelNotes(rows, labelSet.labels)];
  return { dataset, dir: writeDataset(options.outDir, dataset), rejects, rejectCounts, notes };
}

/** Keeps a question once, the instructions that many share as one string: parsed JSON has a copy in every call. */
function keepQuestion(
  questions: Map<string, readonly Message[]>,
  instructions: Map<string, string>,
  messages: readonly Message[],
): void {
  const shared = messages.map((message) => {
    if (message.role !== "system") return message;
    const known = instructions.get(message.content) ?? message.content;
    instructions.set(known, known);
    return { ...message, content: known };
  });
  questions.set(hashTexts(...messages.map(({ content }) => content)), shared);
}

/** Distinct texts of questions that are asked as the workload's are: no other instructions than its own. */
function unansweredTexts(questions: readonly (readonly Message[])[], template: PromptTemplate): readonly string[] {
  const isOurs = (messages: readonly Message[]): boolean =>
    ["", template.system].includes(systemOf({ messages })) &&
    lastUserText({ messages }).startsWith(template.userPrefix);
  const texts = questions.filter(isOurs).map((messages) => stripTemplate(messages, template).trim());
  return [...new Set(texts)].filter((text) => text !== "");
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: V });
}

function nothingAccepted(imported: ImportResult): InputError {
  const [reason, count] = [...imported.rejectCounts].toSorted((a, b) => b[1] - a[1])[0] ?? ["no record", 0];
  const first = imported.rejects[0];
  const where = first === undefined ? "" : `${first.source}:${first.line}: `;
  return new InputError(
    `${where}none of ${imported.counts.records} lines is a usable record; ${count} times: ${reason}`,
    {
      hint: "`joryu import FILE` lists the reasons",
    },
  );
}

function chooseWorkload(facts: readonly WorkloadFacts[], name: string | undefined): WorkloadFacts {
  const list = facts
    .slice(0, 10)
    .map(({ summary }) => `${summary.name} (${summary.kind}, ${summary.records} records)`)
    .join(", ");
  if (name === undefined) {
    const largest = facts.find((workload) => workload.summary.kind === "label");
    if (largest !== undefined) return largest;
    throw new InputError(`no workload with a closed set of short answers found; there are: ${list}`, {
      hint: "free text and JSON answers come in a later version; give logs of a classification or routing prompt",
    });
  }
  const named = facts.find((workload) => workload.summary.name === name);
  if (named === undefined) throw new UsageError(`--workload ${name}: no such workload; there are: ${list}`);
  if (named.summary.kind === "label") return named;
  throw new InputError(`workload ${name} is of kind ${named.summary.kind}; only closed label sets can be learned yet`);
}

async function findTemplate(
  spool: Spool,
  keys: WorkloadKeys,
  chosen: WorkloadFacts,
  signal?: AbortSignal,
): Promise<PromptTemplate> {
  const stride = Math.ceil(chosen.summary.records / TEMPLATE_SAMPLE);
  const systems = new Map<string, number>();
  const seen = new Set<string>();
  const messages: string[] = [];
  let index = 0;
  await spool.each((record) => {
    if (keys.keyOf(record) !== chosen.key || index++ % stride !== 0) return;
    const system = systemOf(record);
    systems.set(system, (systems.get(system) ?? 0) + 1);
    const text = lastUserText(record);
    const hash = hashTexts(text);
    if (text === "" || seen.has(hash)) return;
    seen.add(hash);
    messages.push(text);
  }, signal);
  const system = [...systems].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? "";
  const { prefix, suffix } = findAffixes(messages);
  return { system, userPrefix: prefix, userSuffix: suffix };
}

interface SplitDrafts {
  readonly drafts: readonly RowDraft[];
  readonly groups: Int32Array;
  readonly nearDuplicates: number;
  readonly split: Split;
  readonly notes: readonly string[];
}

/** Labels that no student can learn: a split of the user's may seal all rows of one. */
function unseenLabelNotes(rows: readonly Row[], labels: readonly string[]): readonly string[] {
  const learned = new Set(rows.filter(({ sealed }) => !sealed).map(({ label }) => label));
  const unseen = [...new Set(rows.map(({ label }) => label))].filter((label) => !learned.has(label));
  if (unseen.length === 0) return [];
  const sealed = rows.filter(({ label }) => !learned.has(label)).length;
  const shown = unseen.slice(0, 5).map((label) => JSON.stringify(labels[label]));
  return [
    `labels that only the test part has and nothing can learn: ${unseen.length} (${shown.join(", ")}${unseen.length > 5 ? ", ..." : ""}); their ${sealed} sealed rows count as wrong`,
  ];
}

function splitDrafts(collector: RowCollector, chosen: WorkloadFacts, options: BuildOptions): SplitDrafts {
  const collected = collector.finish();
  const { userSplit, timed } = collected;
  const resolved = userSplit
    ? resolveLeaks(collected.drafts, options.resolveLeaks ?? "error")
    : { drafts: collected.drafts, dropped: 0 };
  const { drafts, dropped } = resolved;
  if (drafts.length < LEAST_ROWS) {
    throw new InputError(
      `workload ${chosen.summary.name}: ${drafts.length} distinct inputs; expected at least ${LEAST_ROWS}`,
      {
        hint: "give more logs",
      },
    );
  }
  if (userSplit && drafts.filter((draft) => draft.side === "train").length < LEAST_ROWS) {
    throw new InputError(`workload ${chosen.summary.name}: the split leaves fewer than ${LEAST_ROWS} train rows`, {
      hint: "mark more rows as train, or leave the split out",
    });
  }
  const { groups, nearDuplicates, notes } = groupRows(drafts, options.seed);
  const sealedRatio = options.sealedRatio ?? SEALED_RATIO;
  const split = splitRows(drafts, groups, { seed: options.seed, sealedRatio, timed, userSplit });
  const dropNotes = dropped > 0 ? [`${dropped} train rows that also stand in the test split were dropped`] : [];
  return { drafts, groups, nearDuplicates, split, notes: [...collected.notes, ...dropNotes, ...notes] };
}

function rowsOf(drafts: readonly RowDraft[], groups: Int32Array, split: Split): readonly Row[] {
  return drafts.map((draft, i) => {
    const { softSum, softCount } = draft;
    return {
      text: draft.text,
      label: majorityOf(draft.answers),
      ...(draft.golds === undefined ? {} : { gold: majorityOf(draft.golds) }),
      ...(softSum === undefined ? {} : { softLabels: Array.from(softSum, (sum) => sum / softCount) }),
      weight: Math.max(1, draft.weight),
      group: groups[i] ?? 0,
      sealed: split.sealed[i] ?? false,
      fold: split.folds[i] ?? -1,
    };
  });
}

function foldNotes(labelSet: LabelSet): readonly string[] {
  if (labelSet.folded.length === 0) return [];
  const shown = labelSet.folded
    .slice(0, 5)
    .map(([written, kept]) => `${JSON.stringify(written)} as ${JSON.stringify(kept)}`);
  return [`${labelSet.folded.length} label spellings that differ in case or space were folded: ${shown.join(", ")}`];
}
