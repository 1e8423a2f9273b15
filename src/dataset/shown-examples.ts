/** @file What the prompts of a workload show as examples: how many texts of example turns, which of them are asked elsewhere as questions, and
 *  whether examples stand inside the questions. Memory is bounded by a constant. Pure but for its state. */
import { earlierTurns, takeTemplate, type PromptTemplate, type TemplateMessage } from "../template/template.js";
import { answeredLines } from "./find-examples.js";
import { hashTexts } from "./hashes.js";

/** Distinct example texts that are remembered. */
const MAXIMUM_EXAMPLES = 500_000;
/** Answered lines in a text, and the share of the texts that have them, for examples inside the questions. */
const LEAST_ANSWERED_LINES = 2;
const LEAST_TEXTS_RATIO = 0.8;

export interface ExampleFacts {
  /** Calls whose example turns were taken off. */
  readonly calls: number;
  /** Distinct texts that were shown as examples in turns. */
  readonly texts: number;
  /** Distinct inputs that are shown as an example in another call. */
  readonly asked: number;
  readonly inputs: number;
  /** The questions hold examples with their answers themselves. */
  readonly inTexts: boolean;
}

export class ShownExamples {
  private readonly texts = new Set<string>();
  private calls = 0;
  private inTexts = false;

  constructor(private readonly isLabel: (answer: string) => boolean) {}

  /** Takes in a call as it was before its example turns were taken off, and after. */
  observe(before: readonly TemplateMessage[], after: readonly TemplateMessage[], template: PromptTemplate): void {
    if (before.length === after.length || before.length === 0) return;
    this.calls++;
    const kept = new Set(after);
    for (const message of earlierTurns(before).earlier) {
      if (message.role !== "user" || kept.has(message) || this.texts.size >= MAXIMUM_EXAMPLES) continue;
      const { text } = takeTemplate(message.content, template);
      this.texts.add(hashTexts(text.trim()));
    }
  }

  /** Looks for examples inside questions. */
  observeTexts(texts: readonly string[]): void {
    const having = texts.filter((text) => answeredLines(text, this.isLabel) >= LEAST_ANSWERED_LINES).length;
    this.inTexts = texts.length > 0 && having >= LEAST_TEXTS_RATIO * texts.length;
  }

  facts(inputs: readonly { readonly text: string }[]): ExampleFacts {
    const asked = inputs.filter(({ text }) => this.texts.has(hashTexts(text.trim()))).length;
    return { calls: this.calls, texts: this.texts.size, asked, inputs: inputs.length, inTexts: this.inTexts };
  }
}
