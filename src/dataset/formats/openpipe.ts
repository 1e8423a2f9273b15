/** @file OpenPipe's two shapes: what its SDK posted to /report, and its exported dataset rows. Follows the open-source
 *  OpenPipe (times in milliseconds, payloads in OpenAI's shapes, flat tags). */
import { isRejection, numberOf, readMeta, type RecordMeta, type Writable } from "../fields.js";
import { Reading } from "../reading.js";
import type { ColumnMap, ParsedLine, RecordFormat } from "./format.js";
import { assembleAll, parseExchange, readBodies } from "./exchange.js";
import { CALL_FAILED, failureOf } from "./finished.js";
import { isRequest, messagesOfRequest, parseMessages } from "./messages.js";
import { answersOf, isResponse } from "./responses.js";
import { type JsonObject, isJsonObject } from "../../json.js";

function parseReport(value: JsonObject, _columns: ColumnMap, reading = new Reading()): ParsedLine {
  const status = numberOf(value["statusCode"]);
  if (status !== undefined && (status < 200 || status > 299)) return CALL_FAILED;
  const failure = failureOf(value);
  if (failure !== undefined) return failure;
  const request = value["reqPayload"];
  if (!isJsonObject(request)) return { reject: "`reqPayload` is missing" };
  const meta: Writable<RecordMeta> = readMeta(value, {}, reading);
  const requested = numberOf(value["requestedAt"]);
  const received = numberOf(value["receivedAt"]);
  if (requested !== undefined && received !== undefined && received >= requested)
    meta.latencyMs ??= received - requested;
  return parseExchange(request, value["respPayload"], meta, reading);
}

/** Lines in the shape of OpenPipe's /report request. */
export const openpipeReport: RecordFormat = {
  name: "openpipe-report",
  expects: '{"requestedAt": ..., "reqPayload": {"messages": ...}, "respPayload": {"choices": ...}}',
  detect: (value) => isJsonObject(value["reqPayload"]),
  parse: parseReport,
  fit: () => ({ format: openpipeReport, columns: { input: "reqPayload", output: "respPayload" }, notes: [] }),
};

function parseRow(value: JsonObject, _columns: ColumnMap, reading = new Reading()): ParsedLine {
  const failure = failureOf(value);
  if (failure !== undefined) return failure;
  const { input, output } = value;
  const messages = isJsonObject(input) ? messagesOfRequest(input) : parseMessages(input);
  if (isRejection(messages)) return messages;
  if (output === null || output === "") return { reject: "failed or empty: no answer in `output`" };
  const answers =
    isJsonObject(output) && !isResponse(output) ? [{ answer: JSON.stringify(output) }] : answersOf(output);
  if (isRejection(answers)) return answers;
  const meta = readMeta(value, {}, reading);
  readBodies(output, meta, reading);
  readBodies(input, meta, reading);
  return assembleAll(meta, messages, answers);
}

/** Exported and dataset rows: `input` is {messages} or a list of messages, `output` the assistant's message. */
export const openpipeDataset: RecordFormat = {
  name: "openpipe-dataset",
  expects: '{"input": {"messages": ...}, "output": {"role": "assistant", ...}, "tags": ..., "split": ...}',
  detect: (value) =>
    value["output"] !== undefined &&
    (Array.isArray(value["input"]) || (isRequest(value["input"]) && Array.isArray(value["input"]["messages"]))),
  parse: parseRow,
  fit: () => ({ format: openpipeDataset, columns: { input: "input", output: "output" }, notes: [] }),
};
