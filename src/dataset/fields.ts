/** @file Reading loosely typed JSON: the names under which logs keep identity, time, cost, tokens and latency.
 *  Knows no file and no format. Names follow the shapes of OpenAI, OpenPipe, LiteLLM, Langfuse and NVIDIA logs. */
import type { LlmRecord } from "./types.js";
import { type JsonObject, isJsonObject } from "../json.js";

export { isRejection, type Rejection } from "../json.js";

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What a log knows of a call beside its messages and answer. */
export type RecordMeta = Omit<LlmRecord, "source" | "line" | "messages" | "answer" | "toolCalls" | "logprobs">;

/** The value as text: a non-empty string, a number or a boolean; undefined otherwise. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** The value as a finite number; numeric strings are read; undefined otherwise. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

const NUMERIC = /^-?\d+(\.\d+)?$/;
const HAS_ZONE = /(Z|[+-]\d\d:?\d\d|GMT|UTC)\s*$/i;

/** UTC milliseconds of an epoch in seconds, milliseconds, microseconds or nanoseconds (told by size) or of a date text;
 *  a date text without a zone is read as UTC, so that the machine's zone changes nothing. */
export function timeMsOf(value: unknown): number | undefined {
  if (typeof value === "string" && !NUMERIC.test(value.trim())) {
    const text = value.trim();
    if (!/\d{4}/.test(text)) return undefined;
    const dateOnly = /^\d{4}-\d\d-\d\d$/.test(text);
    const parsed = Date.parse(dateOnly || HAS_ZONE.test(text) ? text : `${text.replace(" ", "T")}Z`);
    const ms = Number.isNaN(parsed) ? Date.parse(`${text} UTC`) : parsed;
    return Number.isNaN(ms) ? undefined : ms;
  }
  const number = numberOf(value);
  if (number === undefined || number <= 0) return undefined;
  if (number < 1e11) return Math.round(number * 1000);
  if (number < 1e14) return Math.round(number);
  return Math.round(number / (number < 1e17 ? 1e3 : 1e6));
}

/** The side that a user's split names: test (sealed) or train (validation rows count as train); undefined when unknown. */
export function splitOf(value: unknown): "train" | "test" | undefined {
  if (typeof value !== "string") return undefined;
  const name = value.trim().toLowerCase();
  if (name === "test" || name === "holdout" || name === "held-out") return "test";
  return name === "train" || name === "training" || name.startsWith("val") || name === "dev" ? "train" : undefined;
}

type Setter = (meta: Writable<RecordMeta>, value: unknown) => void;

function setText(key: "id" | "conversation" | "user" | "model" | "gold"): Setter {
  return (meta, value) => {
    const text = textOf(value);
    if (text !== undefined) meta[key] ??= text;
  };
}

function setNumber(key: "inputTokens" | "outputTokens" | "costUsd" | "latencyMs", scale = 1): Setter {
  return (meta, value) => {
    const number = numberOf(value);
    if (number !== undefined && number >= 0) meta[key] ??= number * scale;
  };
}

/** Most calls that one record may stand for: what counts them adds up exactly. */
const MAXIMUM_OCCURRENCES = 1_000_000_000;

const setOccurrences: Setter = (meta, value) => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAXIMUM_OCCURRENCES) return;
  meta.occurrences ??= value;
};

const setTime: Setter = (meta, value) => {
  const ms = timeMsOf(value);
  if (ms !== undefined) meta.timestampMs ??= ms;
};

const setSplit: Setter = (meta, value) => {
  const split = splitOf(value);
  if (split !== undefined) meta.split ??= split;
};

function under(names: readonly string[], setter: Setter): [string, Setter][] {
  return names.map((name) => [name, setter]);
}

const nested: Setter = (meta, value) => {
  if (isJsonObject(value)) readMeta(value, meta);
};

/** Plain `latency` is milliseconds; seconds are taken only from names that say so. */
const SETTERS: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ...under(["id", "request_id", "requestId", "custom_id"], setText("id")),
  ...under(["timestamp", "created", "created_at", "createdAt", "time", "ts", "datetime", "date"], setTime),
  ...under(["requestedAt", "requested_at", "startTime", "start_time"], setTime),
  ...under(["conversation_id", "conversationId", "conversation", "session_id", "sessionId"], setText("conversation")),
  ...under(["thread_id", "threadId", "episode_id"], setText("conversation")),
  ...under(["user", "user_id", "userId", "client_id"], setText("user")),
  ...under(["model"], setText("model")),
  ...under(["gold", "expected", "label", "gold_label", "expected_output", "ideal", "ground_truth"], setText("gold")),
  ...under(["cost", "cost_usd", "costUsd", "response_cost", "total_cost"], setNumber("costUsd")),
  ...under(["latency", "latency_ms", "latencyMs", "duration_ms", "durationMs"], setNumber("latencyMs")),
  ...under(["latency_s", "latency_seconds", "duration_s", "duration_seconds"], setNumber("latencyMs", 1000)),
  ...under(["prompt_tokens", "input_tokens", "inputTokens", "promptTokens"], setNumber("inputTokens")),
  ...under(["completion_tokens", "output_tokens", "outputTokens", "completionTokens"], setNumber("outputTokens")),
  ...under(["split"], setSplit),
  ...under(["occurrences"], setOccurrences),
  ...under(["usage", "metadata", "tags"], nested),
]);

/** Adds to `meta` what the own fields of `value` say; the first name in the log's order wins, earlier values stay. */
export function readMeta(value: JsonObject, meta: Writable<RecordMeta>): Writable<RecordMeta> {
  for (const key in value) SETTERS.get(key)?.(meta, value[key]);
  return meta;
}

/** The first field of `names` that the object itself has with a usable value (no null), or undefined. */
export function firstField(value: JsonObject, names: readonly string[]): unknown {
  for (const name of names) {
    if (!Object.hasOwn(value, name)) continue;
    const found = value[name];
    if (found !== undefined && found !== null && found !== "") return found;
  }
  return undefined;
}
