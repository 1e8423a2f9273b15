/** @file What is constant in the prompts of a workload, found on a sample of its records. Pure but for its state. */
import type { ExampleTurns, PromptTemplate } from "../template/template.js";
import { findAffixes } from "./find-template.js";
import { hashTexts } from "./hashes.js";
import type { LlmRecord } from "./types.js";
import { lastUserText, systemOf } from "./workload.js";

/** Enough messages to see what is constant; a million would show the same. */
const MAXIMUM_SAMPLE = 5_000;

export class TemplateSample {
  private readonly systems = new Map<string, number>();
  private readonly seen = new Set<string>();
  private readonly stride: number;
  private index = 0;
  /** Distinct user messages, in order of appearance. */
  readonly messages: string[] = [];

  /** @param records how many there are, of which every so-and-so-many-th is taken */
  constructor(records: number) {
    this.stride = Math.ceil(records / MAXIMUM_SAMPLE);
  }

  observe(record: Pick<LlmRecord, "messages">): void {
    if (this.index++ % this.stride !== 0) return;
    const system = systemOf(record);
    this.systems.set(system, (this.systems.get(system) ?? 0) + 1);
    const text = lastUserText(record);
    const hash = hashTexts(text);
    if (text === "" || this.seen.has(hash)) return;
    this.seen.add(hash);
    this.messages.push(text);
  }

  template(examples: ExampleTurns | undefined): PromptTemplate {
    const system = [...this.systems].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? "";
    const { prefix, suffix } = findAffixes(this.messages);
    return { system, userPrefix: prefix, userSuffix: suffix, ...(examples === undefined ? {} : { examples }) };
  }
}
