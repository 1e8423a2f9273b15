/** @file OpenAI's Batch files: a request line and a result line that meet on `custom_id`. Recognises the two kinds and makes
 *  one record of a pair; how pairs are found is `batch-join.ts`. Azure's and Vertex's variants differ in the body only. */
import { numberOf, readMeta, type Rejection } from "../fields.js";
import type { Parsed } from "./format.js";
import { parseExchange } from "./openai-chat.js";
import { type JsonObject, isJsonObject } from "../../json.js";

/** Which half of a pair a line is; undefined when it is neither. */
export function batchHalf(value: JsonObject): "request" | "result" | undefined {
  if (typeof value["custom_id"] !== "string") return undefined;
  if (isJsonObject(value["body"]) || isJsonObject(value["request"]))
    return value["response"] === undefined ? "request" : undefined;
  return "response" in value || "error" in value ? "result" : undefined;
}

/** The record of a request and its result. */
export function parseBatchPair(request: JsonObject, result: JsonObject): Parsed | Rejection {
  const body = request["body"];
  const response = result["response"];
  if (!isJsonObject(body)) return { reject: "the batch request has no `body`" };
  if (!Array.isArray(body["messages"])) return { reject: "the batch request is not a chat completion with `messages`" };
  if (!isJsonObject(response)) return { reject: "the call failed" };
  const status = numberOf(response["status_code"]) ?? 200;
  if (status < 200 || status > 299) return { reject: "the call failed" };
  const meta = readMeta(result, {});
  return parseExchange(body, response["body"], meta);
}
