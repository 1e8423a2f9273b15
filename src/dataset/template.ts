/** @file What the model is shown of a prompt: the constant parts (system prompt, repeated instructions) stripped, a dialogue
 *  joined into one text. Runs in the browser; knows no file. The template itself is found by `find-template.ts`. */
import type { PromptTemplate } from "./types.js";

/** As much of a message as the text needs. */
export interface TemplateMessage {
  readonly role: string;
  readonly content: string;
}

/** The text of a bare text or of whole messages (system messages are left out) without the template's constant parts.
 *  A message that lacks them stays as it is. Earlier turns of a dialogue come first, one a line, marked by their role. */
export function stripTemplate(input: string | readonly TemplateMessage[], template: PromptTemplate): string {
  if (typeof input === "string") return stripAffixes(input, template.userPrefix, template.userSuffix);
  const turns = input.filter((message) => message.role !== "system" && message.role !== "developer");
  const last = turns.findLastIndex((message) => message.role === "user");
  const kept = last < 0 ? turns : [...turns.slice(0, last), ...turns.slice(last + 1), ...turns.slice(last, last + 1)];
  const texts = kept.map((turn) =>
    turn.role === "user" ? stripAffixes(turn.content, template.userPrefix, template.userSuffix) : turn.content,
  );
  return texts.map((text, i) => (i === texts.length - 1 ? text : `${kept[i]?.role ?? "user"}: ${text}`)).join("\n");
}

/** `text` without `prefix` and `suffix`, each taken off where present; prefix + result + suffix is the text again when both were. */
export function stripAffixes(text: string, prefix: string, suffix: string): string {
  const start = prefix !== "" && text.startsWith(prefix) ? prefix.length : 0;
  const end =
    suffix !== "" && text.length - suffix.length >= start && text.endsWith(suffix)
      ? text.length - suffix.length
      : text.length;
  return text.slice(start, end);
}
