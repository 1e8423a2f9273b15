/** @file Which narrow tasks a log holds: records that share their system prompt or, without one, the first characters of a
 *  templated user message. Two passes: `WorkloadKeys` learns the keys while importing, `WorkloadTable` counts the answers of
 *  each. Memory is bounded by constants, not by the log. Pure but for its state. */
import { UsageError } from "../errors.js";
import {
  addCounts,
  chooseField,
  FieldCounts,
  FUNCTION_PATH,
  isAside,
  isLabelName,
  type FieldChoice,
  type PathCounts,
} from "./answer-fields.js";
import { AnswerCounts, MAXIMUM_LABELS, type SettledAnswers } from "./answer-counts.js";
import type { NoLabel } from "./answers.js";
import { hashTexts } from "./hashes.js";
import { ExampleFinder, turnBudget, type FoundExamples, type TurnBudget } from "./find-examples.js";
import { candidateOf, PossibleNames, textAt } from "./label-reader.js";
import { bareLabel } from "./labels.js";
import { plainPrompt } from "./changing-parts.js";
import { MAXIMUM_PROMPTS, PromptVariants, type VariantGroup } from "./prompt-variants.js";
import { namedLists, type NamedLists } from "./prompt-labels.js";
import type { LlmRecord, WorkloadKind, WorkloadSummary } from "./types.js";

/** A shared beginning of this length, with many different continuations, is an instruction and not a customer's words. */
const HEAD_LENGTH = 48;
const HEAD_CONTINUATIONS = 16;
const HEAD_LEAST_RATIO = 0.02;
const MAXIMUM_HEADS = 20_000;
/** More distinct system prompts than this, or than one in twenty calls, are one prompt with changing parts. */
const LEAST_SYSTEMS = 50;
const MAXIMUM_RECALLED = 64;
/** Of the first prompt of a workload so much is searched for labels. */
const MAXIMUM_PROMPT_LENGTH = 20_000;
/** Calls without the field that holds the label, of those that have a label at all. */
const MOST_MISSING_RATIO = 0.1;

/** System texts of a record joined. */
export function systemOf(record: Pick<LlmRecord, "messages">): string {
  const systems = record.messages.filter((message) => message.role === "system").map((message) => message.content);
  return systems.join("\n\n");
}

function headOf(record: Pick<LlmRecord, "messages">): string | undefined {
  const first = record.messages.find((message) => message.role === "user")?.content ?? "";
  return first.length > HEAD_LENGTH
    ? plainPrompt(first.slice(0, 4 * HEAD_LENGTH)).plain.slice(0, HEAD_LENGTH)
    : undefined;
}

interface Head {
  count: number;
  readonly continuations: Set<string>;
}

/** Learns which beginnings of user messages and which system prompts are keys. */
export class WorkloadKeys {
  private readonly heads = new Map<string, Head>();
  private readonly variants = new PromptVariants();
  private systemRecords = 0;
  private plainRecords = 0;
  private merging: boolean | undefined;
  /** System prompts and what was made of them: most calls repeat one of few. */
  private readonly recalled = new Map<string, { readonly plain: string; readonly hash: string }>();

  observe(record: LlmRecord): void {
    const system = this.recall(systemOf(record));
    if (system.plain !== "") {
      this.systemRecords++;
      this.variants.observe(system.plain, system.hash, hashTexts(lastUserText(record)), record.answer);
      return;
    }
    this.plainRecords++;
    const text = headOf(record);
    if (text === undefined) return;
    const head = this.heads.get(text) ?? { count: 0, continuations: new Set<string>() };
    head.count++;
    if (head.continuations.size < HEAD_CONTINUATIONS) head.continuations.add(hashTexts(lastUserText(record)));
    this.heads.set(text, head);
    if (this.heads.size > MAXIMUM_HEADS) this.forgetRare();
  }

  /** The key of a record's workload, after every record was observed. */
  keyOf(record: Pick<LlmRecord, "messages">): string {
    const system = this.recall(systemOf(record));
    if (system.plain !== "") {
      const { variants } = this;
      // System prompts that change with every call (documents in them) are told apart by their beginning alone.
      const most = Math.min(MAXIMUM_PROMPTS - 1, Math.max(LEAST_SYSTEMS, this.systemRecords / 20));
      this.merging ??= variants.distinct > most;
      return `s${this.merging ? system.plain.slice(0, HEAD_LENGTH) : variants.keyOf(system.plain, system.hash)}`;
    }
    const text = headOf(record);
    const head = text === undefined ? undefined : this.heads.get(text);
    const isTemplate =
      head !== undefined &&
      head.continuations.size >= HEAD_CONTINUATIONS &&
      head.count >= Math.max(HEAD_CONTINUATIONS, this.plainRecords * HEAD_LEAST_RATIO);
    return isTemplate ? `u${text}` : "";
  }

  /** What was made of system prompts that differ in little, after every record was observed. */
  notes(): readonly string[] {
    const { joined, apart } = this.variants.groups();
    const shown = ({ prompts, examples }: VariantGroup): string =>
      `${prompts} system prompts (${examples.map((words) => JSON.stringify(words)).join(", ")}${prompts > examples.length ? ", ..." : ""})`;
    const one = joined.map(
      (group) =>
        `${shown(group)} differ in these words alone and are read as one task; the student does not see which one it was`,
    );
    const several = apart.map(
      (group) =>
        `${shown(group)} differ in a word that is asked about: each is a task of its own; --merge A,B learns some as one`,
    );
    const cut =
      this.merging === true
        ? [`the system prompts change from call to call: told apart by their first ${HEAD_LENGTH} characters alone`]
        : [];
    return [...one, ...several, ...cut];
  }

  private recall(system: string): { readonly plain: string; readonly hash: string } {
    const known = this.recalled.get(system);
    if (known !== undefined) return known;
    const { plain } = plainPrompt(system);
    const made = { plain, hash: hashTexts(plain) };
    if (this.recalled.size >= MAXIMUM_RECALLED) this.recalled.clear();
    this.recalled.set(system, made);
    return made;
  }

  private forgetRare(): void {
    let floor = 1;
    while (this.heads.size > MAXIMUM_HEADS / 2) {
      for (const [text, head] of this.heads) if (head.count <= floor) this.heads.delete(text);
      floor *= 2;
    }
  }
}

/** The last user message of a record, or an empty text. */
export function lastUserText(record: Pick<LlmRecord, "messages">): string {
  return record.messages.findLast((message) => message.role === "user")?.content ?? "";
}

/** What the second pass knows of one workload. */
export interface WorkloadFacts {
  readonly keys: ReadonlySet<string>;
  readonly summary: WorkloadSummary;
  /** Texts that may be labels with their counts; complete for label workloads. */
  readonly answers: ReadonlyMap<string, number>;
  /** Several workloads that the user made one. */
  readonly isMerged: boolean;
  /** The part of structured answers that is the label. */
  readonly field?: FieldChoice;
  /** Paths of structured answers. */
  readonly paths: readonly string[];
  /** Answers that are no label, by reason. */
  readonly noLabels: ReadonlyMap<NoLabel, number>;
  /** Calls whose answers hold several labels. */
  readonly several: number;
  /** What its prompt may name as labels. */
  readonly lists: NamedLists;
  readonly examples: FoundExamples;
}

interface Counting {
  readonly keys: Set<string>;
  /** The prompt of its first call; of prompts that differ, what they have in common is not known by it. */
  readonly first: string;
  readonly isSystem: boolean;
  isJoined: boolean;
  lists: NamedLists;
  names: PossibleNames;
  records: number;
  json: number;
  tools: number;
  readonly noLabels: Map<NoLabel, number>;
  readonly examples: ExampleFinder;
  readonly fields: FieldCounts;
  readonly answers: AnswerCounts;
}

/** With its answers settled. */
type Settled = Omit<Counting, "answers"> & SettledAnswers;

/** Counts records and answers by workload. */
export class WorkloadTable {
  private readonly workloads = new Map<string, Counting>();
  private readonly budget = turnBudget();

  /** `answerPath` is where the label stands in structured answers, found out when absent. */
  constructor(private readonly answerPath?: string) {}

  observe(key: string, record: LlmRecord): void {
    const counting = this.workloads.get(key) ?? start(key, record, this.budget);
    this.workloads.set(key, counting);
    count(counting, record);
  }

  /** Every workload, most records first, under a name of its own; those of a list in `merges` as one, under the first one's name.
   *  @throws UsageError for a name that none has */
  facts(source: string, merges: readonly (readonly string[])[] = []): readonly WorkloadFacts[] {
    const named = new Map(this.named(source).map((workload) => [workload.name, workload]));
    const merged = new Set<string>();
    for (const names of merges) {
      const [first, ...others] = names.map((name) => named.get(name) ?? unknownName(name, [...named.keys()]));
      if (first === undefined) continue;
      for (const { name, counting } of others) {
        if (name === first.name) continue;
        absorb(first.counting, counting);
        named.delete(name);
      }
      merged.add(first.name);
    }
    return [...named.values()]
      .toSorted((a, b) => b.counting.records - a.counting.records)
      .map(({ name, counting }) => ({ ...factsOf(counting, name, this.answerPath), isMerged: merged.has(name) }));
  }

  private named(source: string): { readonly name: string; readonly counting: Counting }[] {
    const taken = new Map<string, number>();
    const keyOf = ({ keys }: Counting): string => [...keys][0] ?? "";
    const sorted = [...this.workloads.values()].toSorted(
      (a, b) => b.records - a.records || (keyOf(a) < keyOf(b) ? -1 : 1),
    );
    return sorted.map((counting) => {
      const slug =
        (counting.isJoined ? nameOfJoined(counting) : slugOf(counting.first)) || slugOf(source) || "workload";
      const uses = (taken.get(slug) ?? 0) + 1;
      taken.set(slug, uses);
      return { name: uses === 1 ? slug : `${slug}-${uses}`, counting };
    });
  }
}

function unknownName(name: string, known: readonly string[]): never {
  throw new UsageError(`--merge: no workload ${name}; there are: ${known.slice(0, 20).join(", ")}`);
}

/** Adds the counts of one workload to another's. */
function absorb(into: Counting, from: Counting): void {
  for (const key of from.keys) into.keys.add(key);
  into.records += from.records;
  into.json += from.json;
  into.tools += from.tools;
  into.lists = [...into.lists, ...from.lists];
  into.names = new PossibleNames(into.lists);
  into.fields.merge(from.fields);
  for (const [reason, calls] of from.noLabels) into.noLabels.set(reason, (into.noLabels.get(reason) ?? 0) + calls);
  into.answers.merge(from.answers);
}

function start(key: string, record: LlmRecord, budget: TurnBudget): Counting {
  const first = key === "" ? "" : key.startsWith("s") ? systemOf(record) : key.slice(1);
  const prompt = `${systemOf(record)}\n${record.messages.find(({ role }) => role === "user")?.content ?? ""}`;
  const lists = namedLists(prompt.slice(0, MAXIMUM_PROMPT_LENGTH));
  return {
    keys: new Set([key]),
    first,
    isSystem: key.startsWith("s"),
    isJoined: key.startsWith("u") && first.includes("0"),
    lists,
    names: new PossibleNames(lists),
    records: 0,
    json: 0,
    tools: 0,
    noLabels: new Map(),
    examples: new ExampleFinder(budget),
    fields: new FieldCounts(),
    answers: new AnswerCounts(),
  };
}

function count(counting: Counting, record: LlmRecord): void {
  counting.records++;
  counting.isJoined ||= counting.isSystem && systemOf(record) !== counting.first;
  if (record.toolCalls !== undefined) counting.tools++;
  counting.examples.observe(record.messages);
  const candidate = candidateOf(record, counting.names);
  if (candidate.kind === "none") {
    counting.noLabels.set(candidate.reason, (counting.noLabels.get(candidate.reason) ?? 0) + 1);
    return;
  }
  if (candidate.kind === "fields") {
    counting.json++;
    return counting.fields.observe(candidate.leaves);
  }
  const { text } = candidate;
  if (/^[{[]/.test(text)) counting.json++;
  counting.answers.observe(text, counting.names);
}

function settled(counting: Counting): Settled {
  return { ...counting, ...counting.answers.settle(counting.records, counting.names, counting.lists) };
}

/** What was counted, and the part of structured answers that is the label. */
function factsOf(counted: Counting, name: string, answerPath: string | undefined): Omit<WorkloadFacts, "isMerged"> {
  const counting = settled(counted);
  const { keys, records, answers, noLabels, lists } = counting;
  const paths = counting.fields.all();
  const field = fieldOf(counting, paths, answerPath);
  const chosen = paths.find(({ path }) => path === field?.path);
  const counts = chosen === undefined ? answers : addCounts(answers, chosen.values);
  const labels = new Set([...counts.keys()].map(bareLabel));
  const isLabel = (answer: string): boolean => {
    const text = textAt(candidateOf({ answer }, counting.names), field?.path);
    return typeof text === "string" && labels.has(bareLabel(text));
  };
  return {
    keys,
    summary: { name, kind: kindOf(counting, chosen), records },
    answers: counts,
    examples: counting.examples.find(isLabel),
    ...(field === undefined ? {} : { field }),
    paths: paths.map(({ path }) => path),
    noLabels,
    several: severalCalls(counting),
    lists,
  };
}

function fieldOf(
  counting: Settled,
  paths: readonly PathCounts[],
  answerPath: string | undefined,
): FieldChoice | undefined {
  if (answerPath !== undefined) {
    const leftOut = paths.map(({ path }) => path).filter((path) => path !== answerPath);
    const isCall = paths.some(({ path }) => path === FUNCTION_PATH);
    return paths.some(({ path }) => path === answerPath)
      ? { path: answerPath, isCall, alternatives: [], leftOut: leftOut.filter((path) => path !== FUNCTION_PATH) }
      : undefined;
  }
  if (paths.length === 0 || isClosedSet(counting)) return undefined;
  const namedRatio = (values: ReadonlyMap<string, number>): number => {
    let [named, all] = [0, 0];
    for (const [text, calls] of values) {
      all += calls;
      if (counting.names.hasBare(text)) named += calls;
    }
    return all === 0 ? 0 : named / all;
  };
  return chooseField(paths, (path) => isClosedSet(counting, path), namedRatio);
}

/** A name without the person or the day that happened to come first: from the labels, or from what the prompts have in common. */
function nameOfJoined(counted: Counting): string {
  const counting = settled(counted);
  if (isClosedSet(counting)) {
    const labels = [...counting.answers].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const slug = slugOf(labels.map(([label]) => label).join(" "));
    if (slug !== "") return slug;
  }
  const { plain } = plainPrompt(counting.first);
  return slugOf(plain.replace(/\b0\b/g, " "));
}

/** Letters and digits of the first words, at most 40 characters. */
function slugOf(text: string): string {
  const words =
    text
      .normalize("NFKC")
      .toLowerCase()
      .replace(/\.(jsonl?|csv|tsv|txt)$/, "")
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  let slug = "";
  for (const word of words) {
    const next = slug === "" ? word.slice(0, 40) : `${slug}-${word}`;
    if (next.length > 40) break;
    slug = next;
  }
  return slug;
}

/** A closed label set: short single-line answers, few distinct ones, nearly all of which come again. What is no label at all is no evidence
 *  against it, as long as it is the lesser part. */
function isClosedSet(
  { records, long, noLabels, several, isSeveral, answers, json }: Settled,
  path?: PathCounts,
): boolean {
  const none = [...noLabels.values()].reduce((sum, calls) => sum + calls, several);
  const labelled = records - none;
  const single = new Map([...answers].filter(([text]) => !isSeveral(text)));
  const values = path === undefined ? single : addCounts(single, path.values);
  let repeated = 0;
  for (const count of values.values()) if (count > 1) repeated += count;
  const missing = path === undefined ? json : json - path.calls;
  return (
    labelled * 2 >= records &&
    values.size <= Math.min(MAXIMUM_LABELS, Math.max(2, labelled / 2)) &&
    repeated >= labelled * 0.8 &&
    long + (path?.long ?? 0) <= labelled * 0.02 &&
    missing <= labelled * (path === undefined ? 0.02 : MOST_MISSING_RATIO)
  );
}

/** Calls whose answers hold several labels. */
function severalCalls({ several, noLabels, fields }: Settled): number {
  const paths = fields.all().filter(({ path }) => !isAside(path));
  const lists = paths.filter(({ path }) => paths.length === 1 || isLabelName(path)).map((path) => path.several);
  return several + (noLabels.get("several labels in one answer") ?? 0) + Math.max(0, ...lists);
}

function kindOf(counting: Settled, path: PathCounts | undefined): WorkloadKind {
  if (isClosedSet(counting, path)) return "label";
  if (severalCalls(counting) * 2 > counting.records) return "several";
  const { records, json, tools } = counting;
  return tools * 2 > records || json >= records * 0.9 ? "json" : "text";
}
