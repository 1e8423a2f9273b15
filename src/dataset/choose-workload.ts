/** @file Which workload of a log is learned: the one that is named, else the largest with a closed label set. Pure. */
import { InputError, UsageError } from "../errors.js";
import { severalNotes } from "./workload-notes.js";
import type { WorkloadFacts } from "./workload.js";

export interface WorkloadChoice {
  readonly workload?: string;
  readonly answerPath?: string;
}

/** The path as the fields are named: without a leading `$.` and list indices. */
export function answerPathOf(answerPath: string | undefined): string | undefined {
  return answerPath
    ?.trim()
    .replace(/^\$?\.?/, "")
    .replace(/\[\d*\]/g, "")
    .replace(/^arguments\./, "");
}

/** Why no workload holds labels, where the answers say it. */
function unlabelledHint(facts: readonly WorkloadFacts[]): string {
  const [several] = facts.flatMap(severalNotes);
  if (several !== undefined) return several;
  const [most] = [...(facts[0]?.noLabels ?? [])].toSorted((a, b) => b[1] - a[1]);
  if (most !== undefined && most[1] * 2 > (facts[0]?.summary.records ?? 0))
    return `${most[1]} answers of ${facts[0]?.summary.name ?? ""} are no label: ${most[0]}${most[0].startsWith("several") ? "; multi-label comes later" : ""}`;
  const fields = facts.find(({ paths }) => paths.length > 0)?.paths;
  if (fields !== undefined)
    return `name the field that holds the label with --answer-path; there are: ${fields.join(", ")}`;
  return "free text and JSON answers come in a later version; give logs of a classification or routing prompt";
}

/** The workload to learn. @throws UsageError, InputError */
export function chooseWorkload(facts: readonly WorkloadFacts[], options: WorkloadChoice): WorkloadFacts {
  const path = answerPathOf(options.answerPath);
  if (path === undefined) return findWorkload(facts, options.workload);
  const having = facts.filter(({ field }) => field !== undefined);
  const chosen =
    having.length === 0 ? undefined : findWorkload(options.workload === undefined ? having : facts, options.workload);
  if (chosen?.field !== undefined) return chosen;
  const { paths, summary } = chosen ??
    facts.find((workload) => workload.paths.length > 0) ?? { paths: [], summary: undefined };
  const known = paths.length === 0 ? "the answers have no fields" : `there are: ${paths.join(", ")}`;
  throw new UsageError(
    `--answer-path ${path}: no answer${summary === undefined ? "" : ` of workload ${summary.name}`} has it; ${known}`,
  );
}

function findWorkload(facts: readonly WorkloadFacts[], name: string | undefined): WorkloadFacts {
  const list = facts
    .slice(0, 10)
    .map(({ summary }) => `${summary.name} (${summary.kind}, ${summary.records} records)`)
    .join(", ");
  if (name === undefined) {
    const labelled = facts.filter((workload) => workload.summary.kind === "label");
    const largest = labelled.find(({ isMerged }) => isMerged) ?? labelled[0];
    if (largest !== undefined) return largest;
    throw new InputError(`no workload with a closed set of short answers found; there are: ${list}`, {
      hint: unlabelledHint(facts),
    });
  }
  const named = facts.find((workload) => workload.summary.name === name);
  if (named === undefined) throw new UsageError(`--workload ${name}: no such workload; there are: ${list}`);
  if (named.summary.kind === "label") return named;
  throw new InputError(`workload ${name} is of kind ${named.summary.kind}; only closed label sets can be learned yet`, {
    hint: unlabelledHint([named]),
  });
}
