/** @file What is constant in the prompts of a workload, found on a sample of its records; of prompts that were made one task, in each wording by
 *  itself. Pure but for its state. */
import type { ExampleTurns, PromptTemplate, UserAffixes } from "../template/template.js";
import { findAffixes, LEAST_MESSAGES } from "./find-template.js";
import { hashTexts } from "./hashes.js";
import type { LlmRecord } from "./types.js";
import { lastUserText, systemOf } from "./workload.js";

/** Enough messages to see what is constant; a million would show the same. */
const MAXIMUM_SAMPLE = 5_000;

export class TemplateSample {
  private readonly systems = new Map<string, number>();
  private readonly seen = new Set<string>();
  private readonly wordings = new Map<string, string[]>();
  private readonly stride: number;
  private index = 0;

  /** @param records how many there are, of which every so-and-so-many-th is taken */
  constructor(records: number) {
    this.stride = Math.ceil(records / MAXIMUM_SAMPLE);
  }

  /** Distinct user messages, in order of appearance, those of one wording together. */
  get messages(): readonly string[] {
    return [...this.wordings.values()].flat();
  }

  /** Takes in a record; `wording` is the key of the workload that it was in before a merge. */
  observe(record: Pick<LlmRecord, "messages">, wording: string): void {
    if (this.index++ % this.stride !== 0) return;
    const system = systemOf(record);
    this.systems.set(system, (this.systems.get(system) ?? 0) + 1);
    const text = lastUserText(record);
    const hash = hashTexts(wording, text);
    if (text === "" || this.seen.has(hash)) return;
    this.seen.add(hash);
    const messages = this.wordings.get(wording) ?? [];
    this.wordings.set(wording, messages);
    messages.push(text);
  }

  template(examples: ExampleTurns | undefined): PromptTemplate {
    const system = [...this.systems].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? "";
    const [first = { userPrefix: "", userSuffix: "" }, ...variants] = this.affixes();
    return {
      system,
      ...first,
      ...(variants.length === 0 ? {} : { variants }),
      ...(examples === undefined ? {} : { examples }),
    };
  }

  /** Of each wording, the most frequent first; each once, and none that is empty beside others. */
  private affixes(): readonly UserAffixes[] {
    const found = new Map<string, UserAffixes>();
    const wordings = [...this.wordings.values()].toSorted((a, b) => b.length - a.length);
    const rare = wordings.filter(({ length }) => length < LEAST_MESSAGES).flat();
    for (const messages of [...wordings, rare]) {
      const { prefix, suffix } = findAffixes(messages);
      if (prefix + suffix !== "")
        found.set(JSON.stringify([prefix, suffix]), { userPrefix: prefix, userSuffix: suffix });
    }
    return [...found.values()];
  }
}
