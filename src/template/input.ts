/** @file What a student may be asked: a text, messages of a chat, or an object that holds either. Callers are not trusted with the types:
 *  every value is checked. Runs in browsers. */
import { isJsonObject, isRejection, type Rejection } from "../json.js";
import { parseMessageList, parseTurn, withoutAnswer } from "./messages.js";
import type { TemplateMessage } from "./template.js";

/** A part of a message's content; one that is not text is refused. */
export interface InputPart {
  readonly type?: string;
  readonly text?: string;
}

/** A message of OpenAI's chat vocabulary: role system, developer, user, assistant or tool. */
export interface InputMessage {
  readonly role: string;
  readonly content?: string | readonly (string | InputPart)[] | null;
}

/** A bare text or a whole user message, the messages of a call (a line of a log may end with the answer, which is left out), or an object
 *  with either. */
export type StudentInput =
  | string
  | readonly InputMessage[]
  | { readonly text: string }
  | { readonly messages: readonly InputMessage[] };

function parseAsked(value: unknown): readonly TemplateMessage[] | Rejection {
  const messages = parseMessageList(value, parseTurn);
  if (isRejection(messages)) return messages;
  if (messages.some(({ role }) => role === "user" || role === "tool")) return withoutAnswer(messages);
  return { reject: "the messages ask nothing: none of them is the user's" };
}

/** What a value asks, or why it cannot be answered. */
export function parseInput(value: unknown): string | readonly TemplateMessage[] | Rejection {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return parseAsked(value);
  if (!isJsonObject(value)) {
    return { reject: `expected a text or messages, came ${value === null ? "null" : typeof value}` };
  }
  if (typeof value["text"] === "string") return value["text"];
  if ("messages" in value) return parseAsked(value["messages"]);
  return { reject: "expected a text or messages, came an object without either" };
}

/** True for what a student can be asked. */
export function isStudentInput(value: unknown): value is StudentInput {
  return !isRejection(parseInput(value));
}
