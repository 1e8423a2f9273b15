/** @file Chat lines: `messages` that end with the answer (fine-tuning files, their `weight: 0` turns left out), `messages` beside a
 *  response, and {request, response} log lines (NVIDIA's flywheel, gateways), whoever's vocabulary they hold. Not Batch files. */
import { isRejection, readMeta, textOf, type Rejection } from "../fields.js";
import { Reading } from "../reading.js";
import type { ColumnMap, FittedFormat, ParsedLine, RecordFormat } from "./format.js";
import { assemble, parseExchange } from "./exchange.js";
import { failureOf } from "./finished.js";
import { generic } from "./generic.js";
import { isMessageList, isRequest, logprobsOf, parseMessages, splitAnswer, systemOfRequest } from "./messages.js";
import { embedded } from "./path.js";
import { type JsonObject, isJsonObject } from "../../json.js";

/** Fields of a log line with what was asked, and with what was answered. */
const REQUEST_FIELDS = ["request", "reqPayload", "request_body", "requestBody"] as const;
const RESPONSE_FIELDS = [
  "response",
  "respPayload",
  "response_body",
  "responseBody",
  "completion",
  "responseText",
  "response_text",
] as const;

const ASKED_FIELDS = ["messages", "contents", "prompt", "input"];

function requestOf(value: JsonObject): JsonObject | undefined {
  for (const field of REQUEST_FIELDS) {
    const request = value[field] === undefined ? undefined : embedded(value[field]);
    if (isRequest(request) || (isJsonObject(request) && isRequest(embedded(request["body"])))) return request;
  }
  return undefined;
}

function responseOf(value: JsonObject): unknown {
  for (const field of RESPONSE_FIELDS) if (value[field] !== undefined && value[field] !== null) return value[field];
  return Array.isArray(value["choices"]) || Array.isArray(value["candidates"]) ? value : undefined;
}

/** Entries up to the last assistant's turn that a fine-tuning file gives a weight. */
function weighted(entries: readonly unknown[]): readonly unknown[] | Rejection {
  const isAnswer = (entry: unknown): boolean => isJsonObject(entry) && entry["role"] === "assistant";
  const last = entries.findLastIndex((entry) => isAnswer(entry) && isJsonObject(entry) && entry["weight"] !== 0);
  const isUnweighted = entries.some((entry) => isAnswer(entry) && isJsonObject(entry) && entry["weight"] === 0);
  if (!isUnweighted) return entries;
  return last < 0 ? { reject: "no answer of the line has a weight (weight 0)" } : entries.slice(0, last + 1);
}

function parse(value: JsonObject, _columns: ColumnMap, reading = new Reading()): ParsedLine {
  const failure = failureOf(value);
  if (failure !== undefined) return failure;
  const meta = readMeta(value, {}, reading);
  const request = requestOf(value);
  if (request !== undefined) return parseExchange(request, responseOf(value), meta, reading);
  const response = responseOf(value);
  if (response !== undefined) return parseExchange(value, response, meta, reading);
  const entries = embedded(value["messages"] ?? value["contents"]);
  const kept = Array.isArray(entries) ? weighted(entries as readonly unknown[]) : entries;
  const messages = isRejection(kept) ? kept : parseMessages(kept);
  if (isRejection(messages)) return messages;
  const system = systemOfRequest(value);
  const split = splitAnswer(system === "" ? messages : [{ role: "system", content: system }, ...messages]);
  if (isRejection(split)) return split;
  const logprobs = value["logprobs"] === undefined ? undefined : logprobsOf(value["logprobs"]);
  return assemble(meta, split.asked, logprobs === undefined ? split.answer : { ...split.answer, logprobs });
}

/** True when a line holds an answer of its own: a response, or messages that end with the assistant's. */
function holdsAnswer(value: JsonObject): boolean {
  if (requestOf(value) !== undefined || responseOf(value) !== undefined) return true;
  const messages = embedded(value["messages"] ?? value["contents"]);
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  return isJsonObject(last) && /^(assistant|model|ai)$/i.test(textOf(last["role"] ?? last["type"]) ?? "");
}

/** A file whose messages are never answered keeps its answers in a field beside them, if anywhere. */
function fit(rows: readonly JsonObject[], columns: ColumnMap): FittedFormat {
  const isAnswered = rows.some(holdsAnswer);
  const beside = isAnswered || generic.fit === undefined ? undefined : generic.fit(rows, columns);
  if (beside?.columns["output"] !== undefined) return beside;
  const request = rows.flatMap((row) => REQUEST_FIELDS.filter((field) => row[field] !== undefined))[0];
  const response = rows.flatMap((row) => RESPONSE_FIELDS.filter((field) => row[field] !== undefined))[0];
  const last = response ?? (rows.some((row) => Array.isArray(row["choices"])) ? "choices" : "messages[-1]");
  const input = request ?? ASKED_FIELDS.find((field) => rows.some((row) => row[field] !== undefined)) ?? "messages";
  return { format: openaiChat, columns: { input, output: last }, notes: [] };
}

/** OpenAI chat JSONL, with and without tools. */
export const openaiChat: RecordFormat = {
  name: "openai-chat",
  expects:
    '{"messages": [..., {"role": "assistant", ...}]} or {"request": {"messages": ...}, "response": {"choices": ...}}',
  detect: (value) => {
    if (Array.isArray(value["messages"])) return true;
    if (requestOf(value) !== undefined || (Array.isArray(value["choices"]) && isRequest(value))) return true;
    if (Array.isArray(value["contents"])) return isMessageList(value["contents"]);
    return typeof value["messages"] === "string" && isMessageList(embedded(value["messages"]));
  },
  parse,
  fit,
};
