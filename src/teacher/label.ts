/** @file Asks a teacher behind an API for the labels of texts: several questions at a time, each once, within a budget, and so that a
 *  process that is killed goes on where it was. Knows no file of texts and no flag: the command line and the pipeline give both. */
import { join } from "node:path";
import { labelFinder } from "../dataset/labels.js";
import type { TextRow } from "../dataset/texts.js";
import { ConfigError } from "../errors.js";
import { isBelowChance } from "../stats.js";
import { writeJsonAtomic, writeJsonLinesAtomic } from "../store/files.js";
import { takeLock } from "../store/lock.js";
import type { ChatClient } from "../wire/client.js";
import { ask, type Asked, type Asking } from "./ask.js";
import { Budget } from "./budget.js";
import { Features } from "./features.js";
import { History } from "./history.js";
import { checkLabels, questionsOf, systemOf, type Question, type TeacherSettings } from "./question.js";
import { Labelled, type AnswerCounts } from "./records.js";
import { FIRST_DELAY_MS, Pause } from "./retry.js";

export interface LabelOptions {
  readonly texts: readonly TextRow[];
  readonly settings: TeacherSettings;
  readonly client: ChatClient;
  /** Holds journal.jsonl, records.jsonl, rejected.jsonl and summary.json. */
  readonly folder: string;
  /** What is asked next; all texts in their order by default. A budget that does not reach all reaches the first ones. */
  readonly order?: AskOrder;
  /** The side of each text in a split, for records of a labelling that did not reach all texts. */
  readonly sideOf?: (row: number) => "train" | "test" | undefined;
  /** The most that this folder's journal may cost, earlier runs counted; needs `settings.price`. */
  readonly budgetUsd?: number;
  readonly concurrency: number;
  /** Attempts at one question, 6 by default. */
  readonly attempts?: number;
  readonly firstDelayMs?: number;
  readonly onProgress?: (doneRatio: number) => void;
  readonly note?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Indices of the texts to ask next, in order. Called again when they have their answers, until it gives no index that it has not given
 *  before. The same answers must give the same indices, so that a labelling that was killed goes on as it would have. */
export type AskOrder = (asked: {
  /** 0 for the first call. */
  readonly round: number;
  /** The most frequent accepted answer of each text that has one; written in the spelling of the label set. */
  readonly labels: readonly (string | undefined)[];
}) => Iterable<number> | Promise<Iterable<number>>;

/** Why nothing more was asked: everything has its answer (or its refusal), the budget, some questions failed, the server failed (or
 *  answered outside the labels) so often in a row that going on would only cost, or the answers are worse than chance where the right one is known. */
export type Ended = "complete" | "budget" | "failed" | "server-down" | "unusable-answers" | "below-chance";

export interface LabelSummary extends AnswerCounts {
  readonly ended: Ended;
  readonly texts: number;
  /** Texts with repeats. */
  readonly occurrences: number;
  /** Questions that an earlier run had answered. */
  readonly answeredBefore: number;
  /** Failures of this run by reason, mended ones among them. */
  readonly failures: Readonly<Record<string, number>>;
  /** Requests that were in flight when an earlier run died: their cost counts as possibly spent. */
  readonly lostRequests: number;
  /** What all answers cost, earlier runs counted; absent without prices. */
  readonly spentUsd?: number;
  /** What failed and lost requests may have cost besides. */
  readonly possiblySpentUsd?: number;
}

export interface LabelResult {
  readonly summary: LabelSummary;
  readonly recordsPath: string;
  readonly rejectsPath: string;
}

const DEFAULT_ATTEMPTS = 6;
/** This many questions in a row without any answer: the server is down. */
const FAILED_IN_A_ROW = 10;
/** This many answers outside the labels before the first inside: prompt or model is wrong, and more would only cost. */
const REJECTED_AT_FIRST = 50;

/** What a question that waits is ended with when nothing more is to be sent. */
const HALTED = new Error("halted");

/** The lanes of one labelling: each takes the next question that has no answer yet. */
class Lanes {
  ended: Ended = "complete";
  private failedInARow = 0;
  private rejected = 0;
  private accepted = 0;
  private fatal: { readonly cause: unknown } | undefined;

  constructor(
    private readonly asking: Asking,
    private readonly halting: AbortController,
    private readonly onDone: () => void,
  ) {}

  async run(questions: readonly Question[], concurrency: number): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (!this.isOver()) {
        const question = questions[next++];
        if (question === undefined) return;
        try {
          this.count(question, await ask(this.asking, question));
        } catch (cause) {
          this.fail(cause);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, questions.length) }, lane));
    if (this.fatal !== undefined) throw this.fatal.cause;
  }

  /** The first failure is told; every other lane finishes what it has sent, and sends nothing more. */
  private fail(cause: unknown): void {
    if (cause !== HALTED) this.fatal ??= { cause };
    this.halt();
  }

  private halt(): void {
    this.asking.budget?.close();
    this.halting.abort(HALTED);
  }

  isOver(): boolean {
    return this.fatal !== undefined || !["complete", "failed"].includes(this.ended);
  }

  private count(question: Question, asked: Asked): void {
    if (asked === "unaffordable") {
      this.end("budget");
      return;
    }
    this.onDone();
    if (asked === "failed") {
      this.end(++this.failedInARow >= FAILED_IN_A_ROW ? "server-down" : "failed");
      return;
    }
    this.failedInARow = 0;
    const { history, settings } = this.asking;
    if (history.find(question.id, settings.maxTokens)?.label === undefined) this.rejected++;
    else this.accepted++;
    if (this.accepted === 0 && this.rejected >= REJECTED_AT_FIRST) this.end("unusable-answers");
  }

  /** The first reason to stop is told; single failures only where nothing stops. */
  end(how: Ended): void {
    if (this.ended === "complete" || this.ended === "failed") this.ended = how;
    if (!["complete", "failed", "budget"].includes(how)) this.halt();
  }
}

/** The same question is asked once: under a second prompt its answer would agree with itself. */
function checkDistinct({ prompts, labels }: TeacherSettings): void {
  const systems = prompts.map((prompt) => systemOf(prompt, labels));
  const again = systems.findIndex((system, i) => systems.indexOf(system) < i);
  if (again < 0) return;
  const first = systems.indexOf(systems[again] ?? "");
  throw new ConfigError(`prompt ${again + 1}: the same as prompt ${first + 1}`, {
    hint: "give it once; --samples asks one prompt several times",
  });
}

function check(options: LabelOptions): void {
  const { settings, budgetUsd } = options;
  checkLabels(settings.labels);
  if (settings.prompts.length === 0) throw new ConfigError("no prompt", { hint: "give one with --prompt" });
  checkDistinct(settings);
  if (budgetUsd !== undefined && settings.price === undefined) {
    throw new ConfigError("a budget needs prices", {
      hint: "give --input-usd-per-million and --output-usd-per-million",
    });
  }
}

/** Questions about some texts that have no answer yet. */
function openQuestions(options: LabelOptions, history: History, rows: Iterable<number>): readonly Question[] {
  const { texts, settings } = options;
  const seen = new Set<string>();
  const open: Question[] = [];
  for (const question of questionsOf(texts, rows, settings)) {
    if (seen.has(question.id) || history.find(question.id, settings.maxTokens) !== undefined) continue;
    seen.add(question.id);
    open.push(question);
  }
  return open;
}

function budgetOf({ budgetUsd, settings }: LabelOptions, history: History): Budget | undefined {
  if (budgetUsd === undefined) return undefined;
  const budget = new Budget(budgetUsd, history.spentUsd + history.possiblySpentUsd);
  if (history.isUsedUp(budgetUsd, settings.maxTokens)) budget.close();
  return budget;
}

function askingOf(
  options: LabelOptions,
  history: History,
  halt: AbortSignal,
  failures: Record<string, number>,
): Asking {
  const { settings, client, signal } = options;
  const budget = budgetOf(options, history);
  return {
    client,
    settings,
    indexOf: labelFinder(settings.labels),
    history,
    features: new Features({ logprobs: settings.topLogprobs > 0 }),
    pause: new Pause(),
    ...(budget === undefined ? {} : { budget }),
    attempts: options.attempts ?? DEFAULT_ATTEMPTS,
    firstDelayMs: options.firstDelayMs ?? FIRST_DELAY_MS,
    note: options.note ?? (() => undefined),
    halt,
    onFailure: (reason) => (failures[reason] = (failures[reason] ?? 0) + 1),
    ...(signal === undefined ? {} : { signal }),
  };
}

function announce(options: LabelOptions, history: History, open: number, total: number): void {
  const { note = () => undefined } = options;
  if (history.cutBytes > 0) note("the journal's last line was cut off by a kill and was taken away");
  if (history.lostRequests > 0) {
    note(
      `${history.lostRequests} requests were in flight when an earlier run died; their cost counts as possibly spent`,
    );
  }
  note(`${total} questions, ${total - open} answered before`);
}

/** Whether the answers so far are worse than chance where the right one is known and a label. */
function isContradicted({ texts, settings }: LabelOptions, history: History): boolean {
  if (texts.every(({ meta }) => meta.gold === undefined)) return false;
  const indexOf = labelFinder(settings.labels);
  let [judged, right] = [0, 0];
  for (const [row, label] of new Labelled(texts, settings, history).labels().entries()) {
    const gold = texts[row]?.meta.gold;
    if (label === undefined || gold === undefined || indexOf(gold) < 0) continue;
    judged++;
    if (label === settings.labels[indexOf(gold)]) right++;
  }
  return isBelowChance(right, judged, settings.labels.length);
}

/** Asks round after round; answers are judged in whole rounds, for within one the order of a file may put a hard label first. */
async function askAll(options: LabelOptions, history: History, lanes: Lanes): Promise<void> {
  const { texts, settings } = options;
  const order: AskOrder = options.order ?? (() => texts.keys());
  const given = new Set<number>();
  for (let round = 0; !lanes.isOver(); round++) {
    options.signal?.throwIfAborted();
    const labels = round === 0 && options.order === undefined ? [] : new Labelled(texts, settings, history).labels();
    const rows = [...(await order({ round, labels }))].filter((row) => !given.has(row));
    if (rows.length === 0) return;
    for (const row of rows) given.add(row);
    await lanes.run(openQuestions(options, history, rows), options.concurrency);
    if (isContradicted(options, history)) lanes.end("below-chance");
  }
}

async function askWithHalt(
  options: LabelOptions,
  history: History,
  open: number,
  failures: Record<string, number>,
): Promise<Ended> {
  const halting = new AbortController();
  const abort = (): void => halting.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", abort, { once: true });
  let done = 0;
  const onDone = (): void => options.onProgress?.(++done / open);
  const lanes = new Lanes(askingOf(options, history, halting.signal, failures), halting, onDone);
  try {
    await askAll(options, history, lanes);
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
  return lanes.ended;
}

/** The texts with the sides of a split where not all could be asked: then what was asked is no fair sample. */
function sidedTexts(options: LabelOptions, ended: Ended): readonly TextRow[] {
  const { texts, sideOf } = options;
  if (sideOf === undefined || ended === "complete" || ended === "failed") return texts;
  return texts.map((text, row) => {
    const split = sideOf(row);
    return split === undefined ? text : { ...text, meta: { ...text.meta, split } };
  });
}

const isFinished = (ended: Ended): boolean => ended === "complete" || ended === "budget";
const isAllRejected = ({ accepted, rejected }: AnswerCounts): boolean =>
  accepted === 0 && Object.keys(rejected).length > 0;

async function labelInto(options: LabelOptions, history: History): Promise<LabelResult> {
  const { texts, settings, folder } = options;
  const open = openQuestions(options, history, texts.keys()).length;
  const total = texts.length * settings.prompts.length * settings.samples;
  announce(options, history, open, total);
  const failures: Record<string, number> = {};
  const halted = await askWithHalt(options, history, open, failures);
  const { budgetUsd = 0 } = options;
  if (halted === "budget" && !history.isUsedUp(budgetUsd, settings.maxTokens))
    await history.add({ kind: "used-up", usd: budgetUsd, maxTokens: settings.maxTokens });
  const labelled = new Labelled(sidedTexts(options, halted), settings, history);
  const counts = labelled.counts();
  const ended = isFinished(halted) && isAllRejected(counts) ? "unusable-answers" : halted;
  const money = { spentUsd: history.spentUsd, possiblySpentUsd: history.possiblySpentUsd };
  const summary: LabelSummary = {
    ended,
    texts: texts.length,
    occurrences: texts.reduce((sum, row) => sum + row.occurrences, 0),
    answeredBefore: total - open,
    ...counts,
    failures,
    lostRequests: history.lostRequests,
    ...(settings.price === undefined ? {} : money),
  };
  const [recordsPath, rejectsPath] = [join(folder, "records.jsonl"), join(folder, "rejected.jsonl")];
  writeJsonLinesAtomic(rejectsPath, labelled.rejects());
  writeJsonLinesAtomic(recordsPath, labelled.records());
  writeJsonAtomic(join(folder, "summary.json"), summary);
  return { summary, recordsPath, rejectsPath };
}

/** Labels texts with a teacher and writes the records that `joryu run` imports. Called again on the same folder it goes on: nothing that
 *  was answered is asked again. @throws InputError and ConfigError before anything is asked; UpstreamError when no question can be
 *  answered (key, address, credit); StoreError; the signal's reason when aborted. Then the journal keeps what was answered, and the
 *  records stay those of the last call that ended. */
export async function labelTexts(options: LabelOptions): Promise<LabelResult> {
  check(options);
  options.signal?.throwIfAborted();
  const unlock = takeLock(options.folder);
  try {
    const history = new History(join(options.folder, "journal.jsonl"));
    try {
      return await labelInto(options, history);
    } finally {
      history.close();
    }
  } finally {
    unlock();
  }
}
