/** @file Whether a call came to its end: the words of OpenAI, Anthropic, Google, Bedrock and the logging platforms for answers that
 *  were cut off, filtered or refused, and for calls that failed. Knows nothing of messages. */
import { ABSENT } from "../absent.js";
import { numberOf, textOf, type Rejection } from "../fields.js";
import { type JsonObject, isJsonObject } from "../../json.js";
import { isNothing } from "./path.js";

const REASON_FIELDS = [
  "finish_reason",
  "finishReason",
  "stop_reason",
  "stopReason",
  "completionReason",
  "done_reason",
  "completion_reason",
] as const;

const CUT_OFF = new Set([
  "length",
  "max_tokens",
  "max_output_tokens",
  "max_length",
  "model_length",
  "model_context_window_exceeded",
]);
const FILTERED = new Set([
  "content_filter",
  "content_filtered",
  "safety",
  "recitation",
  "blocklist",
  "prohibited_content",
  "spii",
  "guardrail_intervened",
  "image_safety",
  "error_toxic",
]);
const FAILED_REASONS = new Set(["error", "cancelled", "malformed_function_call", "other_error"]);

/** A rejection where an answer says of itself that it is not whole. */
export function unfinishedOf(answer: JsonObject): Rejection | undefined {
  for (const field of REASON_FIELDS) {
    const value = answer[field];
    if (typeof value !== "string" || value === "stop") continue;
    const word = value.toLowerCase();
    if (CUT_OFF.has(word)) return { reject: `the answer was cut off (${field} ${value})` };
    if (FILTERED.has(word)) return { reject: `the answer was filtered (${field} ${value})` };
    if (word === "refusal") return { reject: "the teacher refused" };
    if (FAILED_REASONS.has(word)) return { reject: "the call failed" };
  }
  return undefined;
}

const FAILED = new Set([
  "failure",
  "failed",
  "fail",
  "error",
  "errored",
  "timeout",
  "timed_out",
  "cancelled",
  "canceled",
  "expired",
]);
const DONE = new Set(["success", "succeeded", "ok", "completed", "complete", "done", "finished", "200", "in_progress"]);
const STATUS_WORDS = new Set([...FAILED, ...DONE, "incomplete"]);
const STATUS_FIELDS = ["status_code", "statusCode", "http_status", "httpStatus", "response_status", "responseStatus"];
const ERROR_FIELDS = ["error", "errorMessage", "error_message", "exception", "errorCode"];
const NO_ERROR = new Set(["", "{}", "[]", "false", "0", ...[...ABSENT].map((text) => text.toLowerCase())]);
export const CALL_FAILED: Rejection = { reject: "the call failed" };

function isError(value: unknown): boolean {
  if (typeof value === "string") return !NO_ERROR.has(value.trim().toLowerCase());
  if (isJsonObject(value)) return Object.keys(value).length > 0;
  return value === true;
}

/** True for a word that says how a call ended, whichever way. */
export const isCallStatus = (value: unknown): boolean =>
  isNothing(value) || STATUS_WORDS.has((textOf(value) ?? "").toLowerCase());

/** A rejection where a log line or a response says that the call failed; `status` counts unless it is business data. */
export function failureOf(value: JsonObject, withStatus = true): Rejection | undefined {
  for (const field of ERROR_FIELDS) if (value[field] !== undefined && isError(value[field])) return CALL_FAILED;
  for (const field of STATUS_FIELDS)
    if (value[field] !== undefined && (numberOf(value[field]) ?? 0) >= 400) return CALL_FAILED;
  const { level, status } = value;
  if (typeof level === "string" && /^(error|fatal|critical)$/i.test(level)) return CALL_FAILED;
  if (!withStatus || status === undefined || status === null) return undefined;
  if (typeof status === "number") return status >= 400 && status < 600 ? CALL_FAILED : undefined;
  if (isJsonObject(status))
    return /error/i.test(textOf(status["code"] ?? status["status_code"]) ?? "") ? CALL_FAILED : undefined;
  const word = (textOf(status) ?? "").toLowerCase();
  if (word === "incomplete") return { reject: "the answer was cut off (status incomplete)" };
  return FAILED.has(word) || /^[45]\d\d$/.test(word) ? CALL_FAILED : undefined;
}
