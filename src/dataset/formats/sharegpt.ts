/** @file ShareGPT's `conversations` lists ({from, value}); the last entry is the answer. Knows nothing of OpenAI's shapes. */
import { isRejection, readMeta, type Rejection } from "../fields.js";
import { Reading } from "../reading.js";
import type { Message } from "../types.js";
import type { ColumnMap, ParsedLine, RecordFormat } from "./format.js";
import { splitAnswer } from "./messages.js";
import { assemble } from "./exchange.js";
import { type JsonObject, isJsonObject } from "../../json.js";

const ROLES: ReadonlyMap<unknown, Message["role"]> = new Map<unknown, Message["role"]>([
  ["system", "system"],
  ["human", "user"],
  ["user", "user"],
  ["gpt", "assistant"],
  ["assistant", "assistant"],
  ["chatgpt", "assistant"],
  ["function_call", "assistant"],
  ["observation", "tool"],
  ["tool", "tool"],
  ["function_response", "tool"],
]);

function turn(value: unknown): Message | Rejection {
  if (!isJsonObject(value)) return { reject: "a turn is not an object" };
  const role = ROLES.get(value["from"] ?? value["role"]);
  const content = value["value"] ?? value["content"];
  if (role === undefined) return { reject: "a message has an unknown role" };
  return typeof content === "string" ? { role, content } : { reject: "a turn's value is not text" };
}

function parse(value: JsonObject, _columns: ColumnMap, reading = new Reading()): ParsedLine {
  const turns: readonly unknown[] = Array.isArray(value["conversations"]) ? value["conversations"] : [];
  const messages: Message[] = [];
  if (typeof value["system"] === "string" && value["system"] !== "")
    messages.push({ role: "system", content: value["system"] });
  for (const entry of turns) {
    const message = turn(entry);
    if (isRejection(message)) return message;
    messages.push(message);
  }
  const split = splitAnswer(messages);
  return isRejection(split) ? split : assemble(readMeta(value, {}, reading), split.asked, split.answer);
}

/** ShareGPT conversation lists. */
export const sharegpt: RecordFormat = {
  name: "sharegpt",
  expects: '{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", "value": ...}]}',
  detect: (value) => Array.isArray(value["conversations"]),
  parse,
  fit: () => ({ format: sharegpt, columns: { input: "conversations", output: "conversations[-1]" }, notes: [] }),
};
