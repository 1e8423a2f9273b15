/** @file Which narrow tasks a log holds: records that share their system prompt or, without one, the first characters of a
 *  templated user message. Two passes: `WorkloadKeys` learns the keys while importing, `WorkloadTable` counts the answers of
 *  each. Memory is bounded by constants, not by the log. Pure but for its state. */
import { hashTexts } from "./hashes.js";
import type { LlmRecord, WorkloadKind, WorkloadSummary } from "./types.js";

/** A shared beginning of this length, with many different continuations, is an instruction and not a customer's words. */
const HEAD_LENGTH = 48;
const HEAD_CONTINUATIONS = 16;
const HEAD_LEAST_RATIO = 0.02;
const MAXIMUM_HEADS = 20_000;
/** More distinct system prompts than this, or than one in twenty calls, are one prompt with changing parts. */
const MAXIMUM_SYSTEMS = 2_000;
const LEAST_SYSTEMS = 50;
/** More distinct answers than this are no closed label set; the same limit bounds memory. */
export const MAXIMUM_LABELS = 2_000;
const MAXIMUM_ANSWERS = 2 * MAXIMUM_LABELS;
export const MAXIMUM_LABEL_LENGTH = 120;

/** System texts of a record joined. */
export function systemOf(record: Pick<LlmRecord, "messages">): string {
  const systems = record.messages.filter((message) => message.role === "system").map((message) => message.content);
  return systems.join("\n\n");
}

function headOf(record: LlmRecord): string | undefined {
  const first = record.messages.find((message) => message.role === "user")?.content ?? "";
  return first.length > HEAD_LENGTH ? first.slice(0, HEAD_LENGTH) : undefined;
}

interface Head {
  count: number;
  readonly continuations: Set<string>;
}

/** Learns which beginnings of user messages and which system prompts are keys. */
export class WorkloadKeys {
  private readonly heads = new Map<string, Head>();
  private readonly systems = new Set<string>();
  private systemRecords = 0;
  private plainRecords = 0;
  private merging: boolean | undefined;
  /** The last system prompt and what was made of it: most calls repeat it. */
  private last = { system: "", plain: "", hash: hashTexts("") };

  observe(record: LlmRecord): void {
    const system = this.recall(systemOf(record));
    if (system.plain !== "") {
      this.systemRecords++;
      if (this.systems.size <= MAXIMUM_SYSTEMS) this.systems.add(system.hash);
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
  keyOf(record: LlmRecord): string {
    const system = this.recall(systemOf(record));
    // System prompts that change with every call (names, documents in them) are told apart by their beginning alone.
    this.merging ??= this.systems.size > Math.min(MAXIMUM_SYSTEMS, Math.max(LEAST_SYSTEMS, this.systemRecords / 20));
    if (system.plain !== "") return `s${this.merging ? system.plain.slice(0, HEAD_LENGTH) : system.hash}`;
    const text = headOf(record);
    const head = text === undefined ? undefined : this.heads.get(text);
    const isTemplate =
      head !== undefined &&
      head.continuations.size >= HEAD_CONTINUATIONS &&
      head.count >= Math.max(HEAD_CONTINUATIONS, this.plainRecords * HEAD_LEAST_RATIO);
    return isTemplate ? `u${text}` : "";
  }

  private recall(system: string): { readonly plain: string; readonly hash: string } {
    if (system !== this.last.system) {
      const plain = withoutNumbers(system);
      this.last = { system, plain, hash: hashTexts(plain) };
    }
    return this.last;
  }

  private forgetRare(): void {
    let floor = 1;
    while (this.heads.size > MAXIMUM_HEADS / 2) {
      for (const [text, head] of this.heads) if (head.count <= floor) this.heads.delete(text);
      floor *= 2;
    }
  }
}

/** Dates and counters change from call to call: numbers are left out of the key. */
function withoutNumbers(text: string): string {
  return /\d/.test(text) ? text.replace(/\d+/g, "0") : text;
}

/** The last user message of a record, or an empty text. */
export function lastUserText(record: Pick<LlmRecord, "messages">): string {
  return record.messages.findLast((message) => message.role === "user")?.content ?? "";
}

/** What the second pass knows of one workload. */
export interface WorkloadFacts {
  readonly key: string;
  readonly summary: WorkloadSummary;
  /** Trimmed answers with their counts; complete for label workloads. */
  readonly answers: ReadonlyMap<string, number>;
}

interface Counting {
  readonly key: string;
  readonly first: string;
  records: number;
  long: number;
  json: number;
  tools: number;
  readonly answers: Map<string, number>;
}

/** Counts records and answers by workload. */
export class WorkloadTable {
  private readonly workloads = new Map<string, Counting>();

  observe(key: string, record: LlmRecord): void {
    const counting = this.workloads.get(key) ?? start(key, record);
    this.workloads.set(key, counting);
    counting.records++;
    const answer = record.answer.trim();
    if (record.toolCalls !== undefined) counting.tools++;
    if (/^[{[]/.test(answer)) counting.json++;
    if (answer === "" || answer.length > MAXIMUM_LABEL_LENGTH || answer.includes("\n")) counting.long++;
    else if (counting.answers.size < MAXIMUM_ANSWERS || counting.answers.has(answer)) {
      counting.answers.set(answer, (counting.answers.get(answer) ?? 0) + 1);
    } else counting.long++;
  }

  /** Every workload, most records first, under a name of its own. */
  facts(source: string): readonly WorkloadFacts[] {
    const taken = new Map<string, number>();
    const sorted = [...this.workloads.values()].toSorted((a, b) => b.records - a.records || (a.key < b.key ? -1 : 1));
    return sorted.map((counting) => {
      const slug = slugOf(counting.first) || slugOf(source) || "workload";
      const uses = (taken.get(slug) ?? 0) + 1;
      taken.set(slug, uses);
      const name = uses === 1 ? slug : `${slug}-${uses}`;
      return {
        key: counting.key,
        summary: { name, kind: kindOf(counting), records: counting.records },
        answers: counting.answers,
      };
    });
  }
}

function start(key: string, record: LlmRecord): Counting {
  const first = key === "" ? "" : key.startsWith("s") ? systemOf(record) : key.slice(1);
  return { key, first, records: 0, long: 0, json: 0, tools: 0, answers: new Map() };
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

/** A closed label set: short single-line answers, few distinct ones, nearly all of which come again. */
function kindOf(counting: Counting): WorkloadKind {
  const { records, long, json, tools, answers } = counting;
  if (tools * 2 > records) return "json";
  let repeated = 0;
  for (const count of answers.values()) if (count > 1) repeated += count;
  const isClosed = answers.size <= Math.min(MAXIMUM_LABELS, Math.max(2, records / 2)) && repeated >= records * 0.8;
  if (isClosed && long <= records * 0.02) return "label";
  return json >= records * 0.9 ? "json" : "text";
}
