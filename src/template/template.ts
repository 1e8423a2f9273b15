/** @file What the model is shown of a prompt: the constant parts (system prompt, repeated instructions) stripped, a dialogue
 *  joined into one text. The one place that does so, for training, library, command line and browser. Knows no file; the template
 *  itself is found by `dataset/find-template.ts`. */
import { takeAffixes } from "./affixes.js";

/** The constant parts of a workload's prompts, stripped from the rows and stored with the model. */
export interface PromptTemplate {
  /** System text(s) common to the workload; empty when there is none. */
  readonly system: string;
  /** What every user message starts and ends with. */
  readonly userPrefix: string;
  readonly userSuffix: string;
}

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

/** The text of a bare text or of whole messages (system messages are left out) without the template's constant parts, and whether the
 *  last user message had them. One that lacks them stays as it is. Earlier turns of a dialogue come first, one a line, marked by their
 *  role. */
export function readPrompt(input: string | readonly TemplateMessage[], template: PromptTemplate): ReadPrompt {
  const { userPrefix, userSuffix } = template;
  const messages = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const turns = messages.filter((message) => !isInstruction(message));
  const last = turns.findLastIndex((message) => message.role === "user");
  const kept = last < 0 ? turns : [...turns.slice(0, last), ...turns.slice(last + 1), ...turns.slice(last, last + 1)];
  const read = kept.map(({ role, content }) =>
    role === "user" ? takeAffixes(content, userPrefix, userSuffix) : { text: content, complete: false },
  );
  const lines = read.map(({ text }, i) => (i === read.length - 1 ? text : `${kept[i]?.role ?? "user"}: ${text}`));
  const found = read.at(-1)?.complete === true ? "stripped" : "absent";
  return { text: lines.join("\n"), template: userPrefix + userSuffix === "" ? "none" : found };
}

/** The text of `readPrompt`. */
export function stripTemplate(input: string | readonly TemplateMessage[], template: PromptTemplate): string {
  return readPrompt(input, template).text;
}
