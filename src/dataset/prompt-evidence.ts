/** @file What the answers say of prompts that differ in a word: whether the same input got the same answer under both, whether their answers are the
 *  same labels, and whether these mean anything without the prompt. Memory is bounded by constants. Pure but for its state. */
import { bareLabel } from "./labels.js";

const MAXIMUM_INPUTS = 20_000;
const MAXIMUM_PROMPTS_OF_INPUT = 8;
/** Answers that are remembered in all, and of one prompt; a longer one is a text. */
const MAXIMUM_ANSWERS = 4_000;
const MAXIMUM_ANSWERS_OF_PROMPT = 60;
const MAXIMUM_ANSWER_LENGTH = 60;
/** So many inputs asked under several prompts prove that these are two tasks, where fewer than this share were answered alike. */
const LEAST_SHARED = 5;
const LEAST_ALIKE_RATIO = 0.75;
/** Share of all their answers that two prompts have in common. */
const LEAST_OVERLAP = 0.8;

/** Labels that say nothing without their question. */
const BARE =
  /^(?:yes|no|y|n|true|false|t|f|[-+]?\d+|positive|negative|neutral|mixed|relevant|irrelevant|not relevant|related|unrelated|match|no match|pass|fail|low|medium|high|none|unknown|unsure|maybe|n\/a|はい|いいえ|有|無|あり|なし|有り|無し|該当|非該当|該当する|該当しない|該当なし|正|負|真|偽|肯定|否定|ポジティブ|ネガティブ|中立|ニュートラル|高|中|低|不明)$/;

export class PromptEvidence {
  private readonly answers = new Set<string>();
  private readonly inputs = new Map<string, Map<string, string>>();
  private readonly byPrompt = new Map<string, Set<string>>();

  /** Takes in an answer to a prompt, by its hash, and the hash of what was asked. */
  observe(prompt: string, input: string, answer: string): void {
    if (answer.length > MAXIMUM_ANSWER_LENGTH) return;
    if (this.answers.size < MAXIMUM_ANSWERS) this.answers.add(answer.toLowerCase());
    const given = this.byPrompt.get(prompt) ?? new Set<string>();
    this.byPrompt.set(prompt, given);
    const label = bareLabel(answer);
    if (given.size <= MAXIMUM_ANSWERS_OF_PROMPT) given.add(label);
    const asked = this.inputs.get(input);
    if (asked === undefined) {
      if (this.inputs.size < MAXIMUM_INPUTS) this.inputs.set(input, new Map([[prompt, label]]));
    } else if (asked.size < MAXIMUM_PROMPTS_OF_INPUT && !asked.has(prompt)) asked.set(prompt, label);
  }

  /** A word that is an answer names no person. */
  isAnswer(word: string): boolean {
    return this.answers.has(word.toLowerCase());
  }

  /** Whether inputs that were asked under several of the prompts were answered otherwise under another. */
  differs(prompts: readonly string[]): boolean {
    const own = new Set(prompts);
    let [shared, alike] = [0, 0];
    for (const asked of this.inputs.values()) {
      if (asked.size < 2) continue;
      const given = [...asked].flatMap(([prompt, label]) => (own.has(prompt) ? [label] : []));
      if (given.length < 2) continue;
      shared++;
      if (given.every((label) => label === given[0])) alike++;
    }
    return shared >= LEAST_SHARED && alike < LEAST_ALIKE_RATIO * shared;
  }

  /** Whether all prompts are answered with the same labels, at least two of them. */
  hasSameLabels(prompts: readonly string[]): boolean {
    const [first, ...others] = prompts.map((prompt) => this.byPrompt.get(prompt) ?? new Set<string>());
    if (first === undefined || first.size < 2 || first.size > MAXIMUM_ANSWERS_OF_PROMPT) return false;
    return others.every((other) => {
      const common = [...other].filter((label) => first.has(label)).length;
      return common >= LEAST_OVERLAP * Math.max(1, first.size + other.size - common);
    });
  }

  /** Whether the answers say nothing without their question: yes, no, a number, a degree. */
  areBare(prompts: readonly string[]): boolean {
    let [bare, all] = [0, 0];
    for (const label of prompts.flatMap((prompt) => [...(this.byPrompt.get(prompt) ?? [])])) {
      all++;
      if (BARE.test(label)) bare++;
    }
    return all > 0 && bare * 2 > all;
  }
}
