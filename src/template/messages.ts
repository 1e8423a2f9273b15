/** @file Messages of OpenAI's chat vocabulary as far as a text needs them: role and content, strict with what would change the meaning.
 *  Knows no tool call and no answer. Runs in browsers. */
import { isJsonObject, isRejection, type Rejection } from "../json.js";

export interface ChatTurn {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
}

const ROLES: ReadonlyMap<unknown, ChatTurn["role"]> = new Map<unknown, ChatTurn["role"]>([
  ["system", "system"],
  ["developer", "system"],
  ["user", "user"],
  ["human", "user"],
  ["assistant", "assistant"],
  ["model", "assistant"],
  ["tool", "tool"],
  ["function", "tool"],
]);

const NOT_TEXT: Rejection = { reject: "a message holds something that is not text (image, audio or file)" };

/** Text of a message content: a string, null (empty) or text parts joined; a rejection for anything else. */
export function contentText(content: unknown): string | Rejection {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  if (!Array.isArray(content)) return { reject: "a message's content is neither text nor a list of parts" };
  let text = "";
  for (const part of content as readonly unknown[]) {
    const piece = typeof part === "string" ? part : isJsonObject(part) ? part["text"] : undefined;
    if (typeof piece !== "string") return NOT_TEXT;
    text += piece;
  }
  return text;
}

/** Role and text of a message, or why not. */
export function parseTurn(value: unknown): ChatTurn | Rejection {
  if (!isJsonObject(value)) return { reject: "a message is not an object" };
  const role = ROLES.get(value["role"]);
  if (role === undefined) return { reject: "a message has an unknown role" };
  const content = contentText(value["content"]);
  return typeof content === "string" ? { role, content } : content;
}

/** The entries of a non-empty `messages` array, each as `parse` reads it, or why not. */
export function parseMessageList<T>(value: unknown, parse: (entry: unknown) => T | Rejection): T[] | Rejection {
  if (!Array.isArray(value)) return { reject: "`messages` is missing or not a list" };
  if (value.length === 0) return { reject: "`messages` is empty" };
  const messages: T[] = [];
  for (const entry of value as readonly unknown[]) {
    const message = parse(entry);
    if (isRejection(message)) return message;
    messages.push(message);
  }
  return messages;
}

/** What was asked: the messages without the assistant's that ends them, an answer, where something was asked before it. */
export function withoutAnswer<T extends { readonly role: string }>(messages: readonly T[]): readonly T[] {
  const asked = messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
  return asked.some(({ role }) => role !== "system") ? asked : messages;
}
