/** @file From log files to a frozen label dataset: import, workloads, template, labels, rows, groups, split, snapshot. The same
 *  files, options and seed give the same bits; no clock is read. Formats, duplicates and splits are decided in their files. */
import { join } from "node:path";
import { InputError } from "../errors.js";
import { SEALED_RATIO } from "../sealing.js";
import { answerPathOf, chooseWorkload } from "./choose-workload.js";
import { Conversations } from "./conversations.js";
import { openingNotes } from "./opening-notes.js";
import { answerNotes, exampleNotes, fieldNotes, workloadNotes } from "./workload-notes.js";
import { nearDuplicateFinder } from "./dedupe.js";
import { ShownExamples } from "./shown-examples.js";
import type { ColumnMap } from "./formats/index.js";
import { FrozenRows, type SplitDrafts } from "./frozen-rows.js";
import { groupRows } from "./groups.js";
import { hashTexts } from "./hashes.js";
import { importLogs, type ImportOptions, type ImportResult } from "./import.js";
import { LabelReader, PossibleNames } from "./label-reader.js";
import { buildLabelSet, type LabelSet } from "./labels.js";
import { namedLabels } from "./prompt-labels.js";
import { Periods } from "./periods.js";
import {
  MAXIMUM_ROWS,
  RowCollector,
  selfAgreementOf,
  weighAnswers,
  type CollectedWorkload,
  type RowDraft,
} from "./rows.js";
import { CallsFile, hashDataset, writeDataset } from "./snapshot.js";
import { FOLDS, resolveLeaks, splitRows, type SplitOptions } from "./split.js";
import { Spool } from "./spool.js";
import { openSubjects } from "./subjects.js";
import { TemplateSample } from "./template-sample.js";
import { stripTemplate, withoutExamples, type PromptTemplate } from "../template/template.js";
import { Traffic } from "./traffic.js";
import type { LabelDataset, LlmRecord, Message, UnitFacts } from "./types.js";
import type { RejectedLine } from "./verdicts.js";
import { lastUserText, systemOf, WorkloadKeys, WorkloadTable, type WorkloadFacts } from "./workload.js";

export interface BuildOptions {
  /** A name of `formatNames`, "auto" by default. */
  readonly format?: string;
  readonly columns?: ColumnMap;
  /** Name of a workload; the label workload with the most records by default. */
  readonly workload?: string;
  /** Where the label stands in JSON answers or function calls (`result.label`); found out when absent. */
  readonly answerPath?: string;
  /** Names of workloads that are one task, such as one whose prompt was reworded. */
  readonly merge?: readonly (readonly string[])[];
  readonly seed: number;
  /** Share of the rows to seal, `SEALED_RATIO` by default. */
  readonly sealedRatio?: number;
  readonly resolveLeaks?: "error" | "drop-train";
  /** Holds `datasets/<hash>/`; temporary files stand in `datasets/.import` while it runs. One build at a time. */
  readonly outDir: string;
  readonly onProgress?: (readBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
  readonly redact?: NonNullable<ImportOptions["redact"]>;
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
    const { chosen, ...made } = built;
    const isOurs = (messages: readonly Message[]): boolean => chosen.keys.has(keys.keyOf({ messages }));
    return { ...made, unanswered: unansweredTexts([...questions.values()], made.dataset.template, isOurs) };
  } finally {
    spool.close();
  }
}

async function fromSpool(
  spool: Spool,
  keys: WorkloadKeys,
  imported: ImportResult,
  options: BuildOptions,
): Promise<Omit<BuiltDataset, "unanswered"> & { readonly chosen: WorkloadFacts }> {
  const { rejects, counts } = imported;
  if (counts.accepted === 0) throw nothingAccepted(imported);
  const { facts, chosen, labelSet } = await chooseLabels(spool, keys, imported, options);
  const ofWorkload = recordsOf(spool, keys, chosen, options.signal);
  const read = await readWorkload(ofWorkload, chosen, labelSet, options);
  const { template, kind, traffic, collector, reader, shown } = read;
  const made = splitDrafts(collector, chosen, kind, options);
  const selfAgreement = selfAgreementOf(made.drafts);
  weighAnswers(made.drafts);
  const frozen = new FrozenRows(made, labelSet.labels, options.seed);
  if (frozen.labels.length < 2) throw tooFewOpenLabels(chosen.summary.name);
  const dataset = hashDataset({
    workload: chosen.summary.name,
    others: facts
      .filter((other) => other !== chosen)
      .map((other) => other.summary)
      .slice(0, 100),
    template,
    labels: frozen.labels,
    foldedLabels: labelSet.folded,
    answers: reader.facts(),
    folds: FOLDS,
    rows: frozen.rows,
    counts,
    nearDuplicates: made.groups.nearDuplicates,
    sealedBy: made.split.sealedBy,
    units: unitFacts(made, frozen),
    ...optional("teacherSelfAgreement", selfAgreement),
    traffic: traffic.facts(),
  });
  const calls = await writeCalls(ofWorkload, collector, frozen, options.outDir);
  const notes = [
    ...openingNotes(imported.files, dataset),
    ...imported.notes,
    ...keys.notes(),
    ...workloadNotes(facts, chosen),
    ...fieldNotes(chosen),
    ...answerNotes(reader),
    ...exampleNotes(chosen, shown.facts(made.drafts)),
    ...made.notes,
    ...sealedNotes(dataset, frozen),
  ];
  return {
    dataset,
    dir: writeDataset(options.outDir, dataset, calls),
    rejects,
    rejectCounts: Object.fromEntries(imported.rejectCounts),
    notes,
    chosen,
  };
}

/** The records of a workload without example turns, from the first pass on: they are neither the question nor its history. */
function recordsOf(
  spool: Spool,
  keys: WorkloadKeys,
  { keys: own, examples: { examples } }: WorkloadFacts,
  signal: AbortSignal | undefined,
): EachRecord {
  return (onRecord) =>
    spool.each((record) => {
      const key = keys.keyOf(record);
      if (!own.has(key)) return;
      const messages = withoutExamples(record.messages, examples);
      if (messages === record.messages) onRecord(record, [], key);
      else onRecord({ ...record, messages }, record.messages, key);
    }, signal);
}

interface ChosenLabels {
  readonly facts: readonly WorkloadFacts[];
  readonly chosen: WorkloadFacts;
  readonly labelSet: LabelSet;
}

/** The workload to learn and its labels, in a pass over all records. */
async function chooseLabels(
  spool: Spool,
  keys: WorkloadKeys,
  imported: ImportResult,
  options: BuildOptions,
): Promise<ChosenLabels> {
  const table = new WorkloadTable(answerPathOf(options.answerPath));
  await spool.each((record) => table.observe(keys.keyOf(record), record), options.signal);
  const facts = table.facts(imported.files[0]?.source ?? "", options.merge);
  const chosen = chooseWorkload(facts, options);
  const labelSet = buildLabelSet(chosen.answers, namedLabels(chosen.lists, chosen.answers));
  if (labelSet.labels.length < 2) {
    throw new InputError(
      `workload ${chosen.summary.name}: every answer is ${JSON.stringify(labelSet.labels[0] ?? "")}; expected at least two classes`,
      {
        hint: "a constant needs no model; give logs with other answers too",
      },
    );
  }
  return { facts, chosen, labelSet };
}

function tooFewOpenLabels(workload: string): InputError {
  return new InputError(
    `workload ${workload}: the rows that may be learned from have one answer; expected at least two`,
    {
      hint: "give logs of a longer time, or mark rows of every answer as train",
    },
  );
}

interface ReadWorkload {
  readonly template: PromptTemplate;
  readonly kind: SplitOptions["sides"];
  readonly traffic: Traffic;
  readonly collector: RowCollector;
  readonly reader: LabelReader;
  readonly shown: ShownExamples;
}

/** Template, sides, traffic and rows of the workload, each in a pass over its records. */
async function readWorkload(
  ofWorkload: EachRecord,
  chosen: WorkloadFacts,
  labelSet: LabelSet,
  options: BuildOptions,
): Promise<ReadWorkload> {
  const conversations = new Conversations();
  const shown = new ShownExamples((answer) => labelSet.indexOf(answer) >= 0);
  const template = await findTemplate(ofWorkload, chosen, { conversations, shown });
  const sides = await findSides(ofWorkload, { template, conversations }, options.sealedRatio ?? SEALED_RATIO);
  const traffic = new Traffic();
  const { records } = chosen.summary;
  const reader = new LabelReader({
    labelSet,
    ...(chosen.field === undefined ? {} : { path: chosen.field.path, leftOut: chosen.field.leftOut }),
    names: new PossibleNames(chosen.lists),
  });
  const collector = new RowCollector({ template, labelSet, reader, conversations, sideOf: sides.sideOf, records });
  await ofWorkload((record, before) => {
    traffic.add(record);
    collector.add(record);
    shown.observe(before, record.messages, template);
  });
  return { template, kind: sides.kind, traffic, collector, reader, shown };
}

/** Calls `onRecord` with each record of the workload, its example turns taken off, the turns that stood there, and the key of its prompt. */
type EachRecord = (onRecord: (record: LlmRecord, before: readonly Message[], key: string) => void) => Promise<void>;

/** Which part of a split each call belongs to: the user's, else by time where every call has one. */
async function findSides(
  ofWorkload: EachRecord,
  { template, conversations }: Pick<CollectedWorkload, "template" | "conversations">,
  sealedRatio: number,
): Promise<{ readonly kind: SplitOptions["sides"]; readonly sideOf: CollectedWorkload["sideOf"] }> {
  const periods = new Periods(conversations);
  let isUsers = false;
  await ofWorkload((record) => {
    isUsers ||= record.split === "test";
    periods.observe(record, stripTemplate(record.messages, template));
  });
  if (isUsers) return { kind: "user", sideOf: ({ split }) => split ?? "train" };
  if (periods.cut(sealedRatio)) return { kind: "time", sideOf: (record) => periods.sideOf(record) };
  return { kind: "none", sideOf: () => "train" };
}

/** The calls of the rows, in the order of the log, people and conversations hashed. */
async function writeCalls(
  ofWorkload: EachRecord,
  collector: RowCollector,
  frozen: FrozenRows,
  outDir: string,
): Promise<{ readonly path: string; readonly sha256: string }> {
  const subjectOf = openSubjects(outDir);
  const file = new CallsFile(join(outDir, "datasets", ".import", "calls.jsonl"));
  await ofWorkload((record) => {
    const counted = collector.rowOf(record);
    const row = counted === undefined ? undefined : frozen.rowOfCall(counted.draft, counted.label);
    if (counted === undefined || row === undefined) return;
    const { user, conversation } = record;
    file.write({
      row,
      answer: frozen.labelOf(counted.label),
      ...optional("id", record.id),
      source: record.source,
      line: record.line,
      ...optional("timestampMs", record.timestampMs),
      ...optional("subject", user === undefined ? undefined : subjectOf(`subject ${user}`)),
      ...optional("conversation", conversation === undefined ? undefined : subjectOf(`conversation ${conversation}`)),
      ...optional("model", record.model),
      ...optional("costUsd", record.costUsd),
      ...optional("inputTokens", record.inputTokens),
      ...optional("outputTokens", record.outputTokens),
      ...optional("latencyMs", record.latencyMs),
      ...optional("occurrences", record.occurrences),
    });
  });
  return { path: file.path, sha256: file.close() };
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
function unansweredTexts(
  questions: readonly (readonly Message[])[],
  template: PromptTemplate,
  isOfWorkload: (messages: readonly Message[]) => boolean,
): readonly string[] {
  const isOurs = (messages: readonly Message[]): boolean =>
    (systemOf({ messages }) === "" || isOfWorkload(messages)) && hasPrefix(lastUserText({ messages }), template);
  const texts = questions.filter(isOurs).map((messages) => stripTemplate(messages, template).trim());
  return [...new Set(texts)].filter((text) => text !== "");
}

function hasPrefix(text: string, { userPrefix, variants = [] }: PromptTemplate): boolean {
  return [userPrefix, ...variants.map((other) => other.userPrefix)].some((prefix) => text.startsWith(prefix));
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

async function findTemplate(
  ofWorkload: EachRecord,
  chosen: WorkloadFacts,
  { conversations, shown }: { readonly conversations: Conversations; readonly shown: ShownExamples },
): Promise<PromptTemplate> {
  const sample = new TemplateSample(chosen.summary.records);
  await ofWorkload((record, _before, key) => {
    conversations.observe(record);
    sample.observe(record, key);
  });
  shown.observeTexts(sample.messages);
  return sample.template(chosen.examples.examples);
}

function splitDrafts(
  collector: RowCollector,
  chosen: WorkloadFacts,
  sides: SplitOptions["sides"],
  options: BuildOptions,
): SplitDrafts {
  const collected = collector.finish();
  const mode = options.resolveLeaks ?? "error";
  const resolved =
    sides === "user"
      ? resolveLeaks(collected.drafts, mode, nearLeakFinder(collected.drafts, options.seed))
      : { drafts: collected.drafts, dropped: 0, nearLeaks: 0 };
  const { drafts, dropped, nearLeaks } = resolved;
  checkRows(drafts, chosen.summary.name, sides);
  const groups = groupRows(drafts, options.seed);
  const sealedRatio = options.sealedRatio ?? SEALED_RATIO;
  const split = splitRows(drafts, groups, { seed: options.seed, sealedRatio, sides });
  const notes = [
    ...collected.notes,
    ...(dropped > 0 ? [`${dropped} train rows that also stand in the test split were dropped`] : []),
    ...(nearLeaks > 0
      ? [
          `${nearLeaks} train rows of your split are near-duplicates of test rows: figures on the test rows may be too good; --resolve-leaks drop-train leaves them out of training`,
        ]
      : []),
    ...groups.notes,
  ];
  return { drafts, groups, split, nearLeaks, notes };
}

function nearLeakFinder(drafts: readonly RowDraft[], seed: number): (draft: RowDraft) => boolean {
  const tests = drafts.filter(({ side }) => side === "test").map(({ text }) => text);
  const find = nearDuplicateFinder(tests, seed);
  return ({ text }) => find(text);
}

function checkRows(drafts: readonly RowDraft[], workload: string, sides: SplitOptions["sides"]): void {
  if (drafts.length < LEAST_ROWS) {
    throw new InputError(`workload ${workload}: ${drafts.length} distinct inputs; expected at least ${LEAST_ROWS}`, {
      hint: "give more logs",
    });
  }
  if (sides === "user" && drafts.filter((draft) => draft.side === "train").length < LEAST_ROWS) {
    throw new InputError(`workload ${workload}: the split leaves fewer than ${LEAST_ROWS} train rows`, {
      hint: "mark more rows as train, or leave the split out",
    });
  }
}

function unitFacts({ drafts, groups, nearLeaks }: SplitDrafts, { rows }: FrozenRows): UnitFacts {
  const open = new Set(rows.filter(({ sealed }) => !sealed).map(({ text }) => text));
  const sealed = rows.filter((row) => row.sealed);
  const callsOf = (some: readonly { readonly weight: number }[]): number =>
    some.reduce((sum, { weight }) => sum + weight, 0);
  const recurring = drafts.filter((_, i) => groups.recurring[i] === true);
  return {
    templatedRows: groups.templated,
    recurringRows: recurring.length,
    recurringCalls: callsOf(recurring),
    repeatedSealedCalls: callsOf(sealed.filter(({ text }) => open.has(text))),
    nearLeaks,
    unknownLabelCalls: callsOf(sealed.filter(({ label }) => label < 0)),
  };
}

/** What is to be known of the sealed rows before they are opened. */
function sealedNotes({ units, sealedBy }: LabelDataset, { unknownLabels }: FrozenRows): readonly string[] {
  const notes: string[] = [];
  if (unknownLabels.length > 0) {
    const shown = unknownLabels.slice(0, 5).map((label) => JSON.stringify(label));
    notes.push(
      `labels that only sealed rows have and nothing can learn: ${unknownLabels.length} (${shown.join(", ")}${unknownLabels.length > 5 ? ", ..." : ""}); their ${units.unknownLabelCalls} sealed calls count as wrong`,
    );
  }
  if (sealedBy === "time" && units.repeatedSealedCalls > 0) {
    notes.push(`${units.repeatedSealedCalls} sealed calls repeat an input of the older period, as the traffic does`);
  }
  return notes;
}
