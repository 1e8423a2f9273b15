/** @file What a user is told of a workload before anything is learned: what is left out, what the label is, what was done to answers. Pure. */
import { FUNCTION_PATH } from "./answer-fields.js";
import type { LabelReader } from "./label-reader.js";
import { bareLabel } from "./labels.js";
import type { ExampleFacts } from "./shown-examples.js";
import type { WorkloadFacts } from "./workload.js";

/** Other workloads that are named one by one. */
const NAMED_WORKLOADS = 20;
/** Share of all labels that two workloads have in common for a merge to be offered. */
const MERGE_OVERLAP = 0.8;

/** What is left out, and what may be the same task under another prompt. */
export function workloadNotes(facts: readonly WorkloadFacts[], chosen: WorkloadFacts): readonly string[] {
  const others = facts.filter((other) => other !== chosen);
  if (others.length === 0) return [];
  const described = ({ summary: { name, kind, records } }: WorkloadFacts): string =>
    `${name} (${kind}, ${records} records)`;
  const unnamed = others.slice(NAMED_WORKLOADS);
  const rest = unnamed.reduce((sum, { summary }) => sum + summary.records, 0);
  const more = unnamed.length === 0 ? "" : `, and ${unnamed.length} more (${rest} records)`;
  const notes = [
    `left out, other workloads than ${described(chosen)}: ${others.slice(0, NAMED_WORKLOADS).map(described).join(", ")}${more}; --workload takes another`,
  ];
  const alike = others.filter(
    ({ summary, answers }) => summary.kind === "label" && overlapOf(answers, chosen.answers) >= MERGE_OVERLAP,
  );
  if (alike.length > 0) {
    const names = [chosen, ...alike.slice(0, NAMED_WORKLOADS)].map(({ summary }) => summary.name).join(",");
    const records = alike.reduce((sum, { summary }) => sum + summary.records, 0);
    notes.push(
      `${alike.length} of them (${records} records) with the same labels: if it is one task whose prompt was reworded, --merge ${names} learns it as one`,
    );
  }
  return notes;
}

/** Labels that two workloads share, of all that either has. */
function overlapOf(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  const [labels, others] = [new Set([...a.keys()].map(bareLabel)), new Set([...b.keys()].map(bareLabel))];
  const common = [...labels].filter((label) => others.has(label)).length;
  return common / Math.max(1, labels.size + others.size - common);
}

/** That most answers hold several labels. */
export function severalNotes({ summary, several }: WorkloadFacts): readonly string[] {
  return summary.kind === "several"
    ? [`${several} of ${summary.records} answers hold several labels: multi-label comes later`]
    : [];
}

/** Which part of structured answers is the label, and what is left out. */
export function fieldNotes({ field }: WorkloadFacts): readonly string[] {
  if (field === undefined) return [];
  const { path, isCall, leftOut, alternatives } = field;
  const part = isCall ? `the argument \`${path}\` of the function call` : `the field \`${path}\` of the JSON answer`;
  const what = path === FUNCTION_PATH ? "the name of the function called" : part;
  const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
  const left = leftOut.length === 0 ? "" : `; ${quoted(leftOut)} ${leftOut.length === 1 ? "is" : "are"} left out`;
  const other = alternatives.length === 0 ? "" : `; --answer-path takes another: ${quoted(alternatives)}`;
  return [`the label is ${what}${left}${other}`];
}

/** What was taken off answers, and which spellings were folded. */
export function answerNotes(reader: LabelReader): readonly string[] {
  const { unwrapped, foldings } = reader.facts();
  const notes: string[] = [];
  if (unwrapped.length > 0)
    notes.push(`answers unwrapped: ${unwrapped.map(([rule, calls]) => `${rule} ${calls}`).join(", ")}`);
  if (foldings.length > 0) {
    const shown = foldings
      .slice(0, 5)
      .map(({ written, kept, calls }) => `${JSON.stringify(written)} as ${JSON.stringify(kept)} (${calls})`);
    const more = foldings.length > 5 ? ", ..." : "";
    notes.push(
      `${foldings.length} label spellings that differ in case, space or decoration were folded: ${shown.join(", ")}${more}`,
    );
  }
  return notes;
}

/** What was taken for examples, and what of it may flatter figures. */
export function exampleNotes(
  { examples: { examples, unclear } }: WorkloadFacts,
  shown: ExampleFacts,
): readonly string[] {
  const notes: string[] = [];
  if (examples === "drawn")
    notes.push(
      `${shown.calls} calls show examples as earlier turns, drawn from ${shown.texts} texts: the last user's turn alone is the input`,
    );
  else if (examples !== undefined)
    notes.push(`${examples.length} constant turns before each question are examples, a part of the template`);
  if (unclear)
    notes.push(
      "the calls hold earlier turns with answers that never come again: nothing tells examples from history, they stay in the input",
    );
  if (shown.asked > 0)
    notes.push(
      `${shown.asked} of ${shown.inputs} inputs stand as an example, with its answer, in the prompt of other calls: no leak of the split, but the teacher saw these answers`,
    );
  if (shown.inTexts)
    notes.push(
      "the questions hold examples with their answers themselves, which the student reads too; examples in turns of their own are told apart",
    );
  return notes;
}
