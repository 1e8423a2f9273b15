/** @file Batch files: a request line and a result line that meet on `custom_id`, OpenAI's (`body`, `response`) and Anthropic's (`params`,
 *  `result`). Recognises the two kinds and makes records of a pair; how pairs are found is `batch-join.ts`. */
import { numberOf, readMeta, textOf } from "../fields.js";
import { Reading } from "../reading.js";
import type { ParsedLine } from "./format.js";
import { parseExchange } from "./exchange.js";
import { CALL_FAILED } from "./finished.js";
import { isRequest } from "./messages.js";
import { type JsonObject, isJsonObject } from "../../json.js";

/** Which half of a pair a line is; undefined when it is neither. */
export function batchHalf(value: JsonObject): "request" | "result" | undefined {
  if (typeof value["custom_id"] !== "string") return undefined;
  if (isJsonObject(value["body"]) || isJsonObject(value["request"]) || isJsonObject(value["params"]))
    return value["response"] === undefined && value["result"] === undefined ? "request" : undefined;
  return "response" in value || "error" in value || isJsonObject(value["result"]) ? "result" : undefined;
}

/** The records of a request and its result. */
export function parseBatchPair(request: JsonObject, result: JsonObject, reading = new Reading()): ParsedLine {
  const body = request["body"] ?? request["params"];
  if (!isJsonObject(body)) return { reject: "the batch request has no `body`" };
  if (!isRequest(body) || (textOf(request["url"]) ?? "").includes("embeddings"))
    return { reject: "the batch request is not a chat completion with `messages`" };
  const meta = readMeta(result, {}, reading);
  const outcome = result["result"];
  if (isJsonObject(outcome)) {
    return outcome["type"] === "succeeded" ? parseExchange(body, outcome["message"], meta, reading) : CALL_FAILED;
  }
  const response = result["response"];
  if (!isJsonObject(response)) return CALL_FAILED;
  const status = numberOf(response["status_code"]) ?? 200;
  if (status < 200 || status > 299) return CALL_FAILED;
  return parseExchange(body, response["body"], meta, reading);
}
