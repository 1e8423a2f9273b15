/** @file What the model is shown of a prompt: the constant parts (system prompt, repeated instructions) stripped, a dialogue
 *  joined into one text. The one place that does so, for training, library, command line and browser. Knows no file; the template
 *  itself is found by `dataset/find-template.ts`. */
import { takeAffixes, type Stripped } from "./affixes.js";

/** The constant parts of a workload's prompts, stripped from the rows and stored with the model. */
export interface PromptTemplate {
  /** System text(s) common to the workload; empty when there is none. */
  readonly system: string;
  /** What every user message starts and ends with. */
  readonly userPrefix: string;
  readonly userSuffix: string;
  /** The same of other wordings of the prompt that are one task with it; absent where there are none. */
  readonly variants?: readonly UserAffixes[] | undefined;
  /** Turns before the question that are examples; absent where there are none. */
  readonly examples?: ExampleTurns | undefined;
}

/** What user messages start and end with. */
export interface UserAffixes {
  readonly userPrefix: string;
  readonly userSuffix: string;
}

/** Example turns before a question: constant ones, or `drawn`, other ones in each call. They are no history and are left out. */
export type ExampleTurns = "drawn" | readonly TemplateMessage[];

/** As much of a message as the text needs. */
export interface TemplateMessage {
  readonly role: string;
  readonly content: string;
}

/** `none`: the model learned neither prefix nor suffix. `stripped`: both stood around the text. `absent`: the text came without them,
 *  or without one of them. */
export type TemplateState = "stripped" | "absent" | "none";

/** What the model reads of a prompt. */
export interface ReadPrompt {
  readonly text: string;
  readonly template: TemplateState;
}

const isInstruction = ({ role }: TemplateMessage): boolean => role === "system" || role === "developer";

/** The turns before the last user's, system messages left out, and what that one asks. */
export function earlierTurns<T extends TemplateMessage>(
  messages: readonly T[],
): { readonly earlier: readonly T[]; readonly question: string } {
  const turns = messages.filter((message) => !isInstruction(message));
  const last = turns.findLastIndex(({ role }) => role === "user");
  return { earlier: turns.slice(0, Math.max(0, last)), question: turns[last]?.content ?? "" };
}

/** How many of the turns before the question are examples. */
function exampleCount(earlier: readonly TemplateMessage[], examples: ExampleTurns): number {
  if (examples === "drawn") return earlier.length;
  const stands = examples.every(
    ({ role, content }, i) => earlier[i]?.role === role && earlier[i].content.trim() === content.trim(),
  );
  return stands ? examples.length : 0;
}

/** Messages without example turns. */
export function withoutExamples<T extends TemplateMessage>(
  messages: readonly T[],
  examples: ExampleTurns | undefined,
): readonly T[] {
  if (examples === undefined) return messages;
  const count = exampleCount(earlierTurns(messages).earlier, examples);
  if (count === 0) return messages;
  let turns = 0;
  return messages.filter((message) => isInstruction(message) || ++turns > count);
}

/** A user message without what the template, in whichever wording, puts around it: where several stand there, the longest. */
export function takeTemplate(text: string, { userPrefix, userSuffix, variants = [] }: PromptTemplate): Stripped {
  const own = takeAffixes(text, userPrefix, userSuffix);
  if (variants.length === 0) return own;
  const found = [own, ...variants.map((other) => takeAffixes(text, other.userPrefix, other.userSuffix))];
  const complete = found.filter((stripped) => stripped.complete);
  return complete.reduce((best, other) => (other.text.length < best.text.length ? other : best), complete[0] ?? own);
}

/** The text of a bare text or of whole messages (system messages are left out) without the template's constant parts, and whether the
 *  last user message had them. One that lacks them stays as it is. Earlier turns of a dialogue come first, one a line, marked by their
 *  role. */
export function readPrompt(input: string | readonly TemplateMessage[], template: PromptTemplate): ReadPrompt {
  const asked = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const messages = withoutExamples(asked, template.examples);
  const turns = messages.filter((message) => !isInstruction(message));
  const last = turns.findLastIndex((message) => message.role === "user");
  const kept = last < 0 ? turns : [...turns.slice(0, last), ...turns.slice(last + 1), ...turns.slice(last, last + 1)];
  const read = kept.map(({ role, content }) =>
    role === "user" ? takeTemplate(content, template) : { text: content, complete: false },
  );
  const lines = read.map(({ text }, i) => (i === read.length - 1 ? text : `${kept[i]?.role ?? "user"}: ${text}`));
  const found = read.at(-1)?.complete === true ? "stripped" : "absent";
  return { text: lines.join("\n"), template: hasAffixes(template) ? found : "none" };
}

function hasAffixes({ userPrefix, userSuffix, variants = [] }: PromptTemplate): boolean {
  return userPrefix + userSuffix !== "" || variants.length > 0;
}

/** The text of `readPrompt`. */
export function stripTemplate(input: string | readonly TemplateMessage[], template: PromptTemplate): string {
  return readPrompt(input, template).text;
}
