/** @file OpenAI chat lines: `messages` that end with the answer (fine-tuning files), `messages` beside a response, and
 *  {request, response} log lines (NVIDIA's flywheel, gateways). Knows nothing of Batch files. */
import { isRejection, readMeta, type RecordMeta, type Rejection, type Writable } from "../fields.js";
import type { Message } from "../types.js";
import type { Parsed, RecordFormat } from "./format.js";
import { answerOfResponse, logprobsOf, parseMessages, splitAnswer, type Answer } from "./messages.js";
import { type JsonObject, isJsonObject } from "../../json.js";

/** One record of its parts; a key that is absent stays absent. */
export function assemble(meta: RecordMeta, messages: readonly Message[], answer: Answer): Parsed {
  return Object.assign(meta, { messages }, answer);
}

/** A call given as request and response payloads of the chat API. */
export function parseExchange(request: JsonObject, response: unknown, meta: Writable<RecordMeta>): Parsed | Rejection {
  const messages = parseMessages(request["messages"]);
  if (isRejection(messages)) return messages;
  const answer = answerOfResponse(response);
  if (isRejection(answer)) return answer;
  if (isJsonObject(response)) readMeta(response, meta);
  readMeta(request, meta);
  return assemble(meta, messages, answer);
}

function parse(value: JsonObject): Parsed | Rejection {
  const meta = readMeta(value, {});
  const request = value["request"];
  if (isJsonObject(request)) return parseExchange(request, value["response"], meta);
  const response = value["response"] ?? (Array.isArray(value["choices"]) ? value : value["completion"]);
  if (response !== undefined && response !== null) return parseExchange(value, response, meta);
  const messages = parseMessages(value["messages"]);
  if (isRejection(messages)) return messages;
  const split = splitAnswer(messages);
  if (isRejection(split)) return split;
  const logprobs = value["logprobs"] === undefined ? undefined : logprobsOf(value["logprobs"]);
  return assemble(meta, split.asked, logprobs === undefined ? split.answer : { ...split.answer, logprobs });
}

/** OpenAI chat JSONL, with and without tools. */
export const openaiChat: RecordFormat = {
  name: "openai-chat",
  expects:
    '{"messages": [..., {"role": "assistant", ...}]} or {"request": {"messages": ...}, "response": {"choices": ...}}',
  detect: (value) =>
    Array.isArray(value["messages"]) || (isJsonObject(value["request"]) && Array.isArray(value["request"]["messages"])),
  parse,
};
