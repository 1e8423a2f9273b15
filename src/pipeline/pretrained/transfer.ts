/** @file The texts without answers of a run: files that the user names, and what the logs or a teacher's budget left unanswered. Says what
 *  came of them; which may teach is decided in dataset/transfer.ts. */
import type { Config } from "../../config/schema.js";
import { foldLabel } from "../../dataset/labels.js";
import { normaliseText } from "../../dataset/rows.js";
import { readTexts } from "../../dataset/texts.js";
import { selectTransfer, type TransferSet } from "../../dataset/transfer.js";
import type { LabelDataset } from "../../dataset/types.js";
import type { Plan } from "../../plan/plan.js";
import type { UnlabelledFacts } from "../../report/facts.js";
import type { Progress } from "../progress.js";
import { openRedaction, type RedactionSettings } from "../redaction.js";

interface ReadOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** The texts of the files that nobody answers. @throws InputError for a file without texts */
export async function unlabelledTexts(config: Config, options: ReadOptions): Promise<readonly string[]> {
  const { unlabelled: files = [], unlabelledInput: input = config.columns?.input } = config;
  if (files.length === 0) return [];
  const { texts, rejectCounts, notes } = await readTexts(files, {
    ...(input !== undefined && { columns: { input } }),
    inputFlag: "--unlabelled-input",
    ...(options.signal !== undefined && { signal: options.signal }),
    onProgress: (doneRatio) => options.progress.update("read texts", doneRatio),
  });
  for (const note of notes) options.progress.note(note);
  for (const [reason, count] of rejectCounts)
    options.progress.note(`texts without answers: left out ${count}: ${reason}`);
  const given = texts.map(({ text }) => text);
  return config.redact === undefined ? given : redactTexts(given, config.redact, config.out, options.progress);
}

/** The texts without personal data; those that cannot be redacted are left out. */
async function redactTexts(
  texts: readonly string[],
  settings: RedactionSettings,
  outDir: string,
  progress: Progress,
): Promise<readonly string[]> {
  const { redactor } = await openRedaction(settings, outDir);
  const redacted = texts.map((text) => redactor.redactText(text, `t${text.trim()}`));
  for (const [reason, count] of Object.entries(redactor.facts().rejected))
    progress.note(`texts without answers: left out ${count}: not redacted: ${reason}`);
  return redacted.filter((text) => typeof text === "string");
}

/** Texts that no row of the dataset answers: a call without an answer may repeat one with. */
function unansweredOnly(texts: readonly string[], dataset: LabelDataset): string[] {
  if (texts.length === 0) return [];
  const folded = (text: string): string => foldLabel(normaliseText(text));
  const answered = new Set(dataset.rows.map(({ text }) => folded(text)));
  return texts.filter((text) => !answered.has(folded(text)));
}

export interface WithoutAnswers {
  /** Texts of the files that the user named. */
  readonly named: readonly string[];
  /** Texts that logs or a budget left without an answer. */
  readonly unanswered: readonly string[];
}

/** The texts that may teach; undefined where there are none, or no base that could answer them. */
export function transferOf(
  config: Config,
  dataset: LabelDataset,
  { named, unanswered }: WithoutAnswers,
  options: ReadOptions,
): TransferSet | undefined {
  const found = unansweredOnly(unanswered, dataset);
  if (named.length + found.length === 0) return undefined;
  if (config.base === undefined) {
    options.progress.note(
      `${named.length + found.length} texts without answers are not used: only a pretrained encoder (--base DIR) can answer them for a student`,
    );
    return undefined;
  }
  if (found.length > 0)
    options.progress.note(`${found.length} texts got no answer: they are used as texts to teach by`);
  return selectTransfer([...named, ...found], dataset, config.seed);
}

/** The most texts that a candidate that is trained learns from. */
function usedOf({ candidates }: Plan): number {
  const used = candidates.map(({ status, linear, pretrained }) =>
    status === "train" ? (linear?.taughtBy?.transferRows ?? pretrained?.recovery?.transferRows ?? 0) : 0,
  );
  return Math.max(0, ...used);
}

/** Says how many texts teach, and why not the others. */
export function noteTransfer({ texts, counts }: TransferSet, plan: Plan, progress: Progress): void {
  const left = [
    [counts.sealed, "are sealed rows or near-duplicates of one"],
    [counts.labelled, "are labelled rows or near-duplicates of one"],
    [counts.thinned, "are more than can teach"],
    [texts.length - usedOf(plan), "are more than the minutes allow"],
  ] as const;
  const reasons = left.flatMap(([count, why]) => (count > 0 ? [`${count} ${why}`] : []));
  const rest = reasons.length > 0 ? `; left out: ${reasons.join(", ")}` : "";
  progress.note(`texts without answers: ${counts.texts} distinct, ${usedOf(plan)} teach${rest}`);
}

/** Facts of the texts without answers; undefined where none was given and no student was taught. */
export function unlabelledFacts(
  transfer: TransferSet | undefined,
  plan: Plan,
  gain: UnlabelledFacts["gain"],
): UnlabelledFacts | undefined {
  if (transfer === undefined && gain === undefined) return undefined;
  const counts = transfer?.counts ?? { texts: 0, sealed: 0, labelled: 0, thinned: 0 };
  return { ...counts, used: usedOf(plan), ...(gain !== undefined && { gain }) };
}
