/** @file OpenPipe's two shapes: what its SDK posted to /report, and its exported dataset rows. Follows the open-source
 *  OpenPipe (times in milliseconds, payloads in OpenAI's shapes, flat tags). */
import { isRejection, numberOf, readMeta, type RecordMeta, type Rejection, type Writable } from "../fields.js";
import type { Parsed, RecordFormat } from "./format.js";
import { answerOfResponse, parseMessages } from "./messages.js";
import { assemble, parseExchange } from "./openai-chat.js";
import { type JsonObject, isJsonObject } from "../../json.js";

function parseReport(value: JsonObject): Parsed | Rejection {
  const status = numberOf(value["statusCode"]);
  if (status !== undefined && (status < 200 || status > 299)) return { reject: "the call failed" };
  if (typeof value["errorMessage"] === "string" && value["errorMessage"] !== "") return { reject: "the call failed" };
  const request = value["reqPayload"];
  if (!isJsonObject(request)) return { reject: "`reqPayload` is missing" };
  const meta: Writable<RecordMeta> = readMeta(value, {});
  const requested = numberOf(value["requestedAt"]);
  const received = numberOf(value["receivedAt"]);
  if (requested !== undefined && received !== undefined && received >= requested)
    meta.latencyMs ??= received - requested;
  return parseExchange(request, value["respPayload"], meta);
}

/** Lines in the shape of OpenPipe's /report request. */
export const openpipeReport: RecordFormat = {
  name: "openpipe-report",
  expects: '{"requestedAt": ..., "reqPayload": {"messages": ...}, "respPayload": {"choices": ...}}',
  detect: (value) => isJsonObject(value["reqPayload"]),
  parse: parseReport,
};

function parseRow(value: JsonObject): Parsed | Rejection {
  const input = value["input"];
  const messages = parseMessages(isJsonObject(input) ? input["messages"] : input);
  if (isRejection(messages)) return messages;
  const answer = answerOfResponse(value["output"]);
  if (isRejection(answer)) return answer;
  const meta = readMeta(value, {});
  if (isJsonObject(input)) readMeta(input, meta);
  return assemble(meta, messages, answer);
}

/** Exported and dataset rows: `input` is {messages} or a list of messages, `output` the assistant's message. */
export const openpipeDataset: RecordFormat = {
  name: "openpipe-dataset",
  expects: '{"input": {"messages": ...}, "output": {"role": "assistant", ...}, "tags": ..., "split": ...}',
  detect: (value) =>
    value["output"] !== undefined &&
    (Array.isArray(value["input"]) || (isJsonObject(value["input"]) && Array.isArray(value["input"]["messages"]))),
  parse: parseRow,
};
