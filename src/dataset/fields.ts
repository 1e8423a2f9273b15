/** @file Reading loosely typed JSON: the names under which logs keep identity, time, cost, tokens and latency.
 *  Knows no file and no format. Names follow the shapes of OpenAI, OpenPipe, LiteLLM, Langfuse and NVIDIA logs. */
import { ABSENT } from "./absent.js";
import { embedded } from "./formats/path.js";
import { costUsdOf, durationMsOf } from "./money.js";
import { Reading, type UnreadRole } from "./reading.js";
import { timeMsOf } from "./times.js";
import type { LlmRecord } from "./types.js";
import { type JsonObject, isJsonObject } from "../json.js";

export { isRejection, type Rejection } from "../json.js";
export { timeMsOf } from "./times.js";

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

/** The side that a user's split names: test (sealed) or train (validation rows count as train); undefined when unknown. */
export function splitOf(value: unknown): "train" | "test" | undefined {
  if (typeof value !== "string") return undefined;
  const name = value.trim().toLowerCase();
  if (name === "test" || name === "holdout" || name === "held-out") return "test";
  return name === "train" || name === "training" || name.startsWith("val") || name === "dev" ? "train" : undefined;
}

type Setter = (meta: Writable<RecordMeta>, value: unknown, reading: Reading) => void;

type TextKey = "id" | "conversation" | "user" | "model" | "gold";
type NumberKey = "inputTokens" | "outputTokens" | "costUsd" | "latencyMs";

function setText(key: TextKey): Setter {
  return (meta, value) => {
    const text = textOf(value);
    if (text !== undefined && !ABSENT.has(text)) meta[key] ??= text;
  };
}

function setNumber(
  key: NumberKey,
  role: UnreadRole,
  read: (value: unknown, reading: Reading) => number | undefined,
): Setter {
  return (meta, value, reading) => {
    if (value === null || value === undefined || value === "" || (typeof value === "string" && ABSENT.has(value)))
      return;
    const number = read(value, reading);
    if (number === undefined) reading.failed(role);
    else meta[key] ??= number;
  };
}

const tokens = (value: unknown): number | undefined => {
  const number = numberOf(value);
  return number !== undefined && number >= 0 ? number : undefined;
};
const cents = (value: unknown): number | undefined => {
  const amount = costUsdOf(value);
  return amount === undefined ? undefined : amount / 100;
};
const latency =
  (scale?: number) =>
  (value: unknown, reading: Reading): number | undefined =>
    durationMsOf(value, scale ?? reading.latencyScale);

/** Most calls that one record may stand for: what counts them adds up exactly. */
const MAXIMUM_OCCURRENCES = 1_000_000_000;

const setOccurrences: Setter = (meta, value) => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAXIMUM_OCCURRENCES) return;
  meta.occurrences ??= value;
};

const setTime: Setter = (meta, value, reading) => {
  if (value === null || value === undefined || value === "" || (typeof value === "string" && ABSENT.has(value))) return;
  const ms = timeMsOf(value, reading.dateOrder);
  if (ms === undefined) reading.failed("time");
  else meta.timestampMs ??= ms;
};

const setSplit: Setter = (meta, value) => {
  const split = splitOf(value);
  if (split !== undefined) meta.split ??= split;
};

function under(names: readonly string[], setter: Setter): [string, Setter][] {
  return names.map((name) => [name, setter]);
}

const nested: Setter = (meta, value, reading) => {
  const object = embedded(value);
  if (isJsonObject(object)) readMeta(object, meta, reading);
};

/** How each role is read, by the name that tells its unit. */
const ROLE_SETTERS = {
  id: setText("id"),
  time: setTime,
  conversation: setText("conversation"),
  user: setText("user"),
  model: setText("model"),
  gold: setText("gold"),
  cost: setNumber("costUsd", "cost", costUsdOf),
  costCents: setNumber("costUsd", "cost", cents),
  /** In yen or euros: never read, always counted. */
  costOther: setNumber("costUsd", "cost", () => undefined),
  latency: setNumber("latencyMs", "latency", latency()),
  latencyMs: setNumber("latencyMs", "latency", latency(1)),
  latencySeconds: setNumber("latencyMs", "latency", latency(1000)),
  inputTokens: setNumber("inputTokens", "tokens", tokens),
  outputTokens: setNumber("outputTokens", "tokens", tokens),
  split: setSplit,
  occurrences: setOccurrences,
} satisfies Record<string, Setter>;

export type MetaRole = keyof typeof ROLE_SETTERS;

/** Reads one value in a role; what could not be read is counted. */
export function setMeta(meta: Writable<RecordMeta>, role: MetaRole, value: unknown, reading: Reading): void {
  ROLE_SETTERS[role](meta, value, reading);
}

/** The names of each role in logs; a name with a unit is read in it. */
export const META_NAMES: Readonly<Record<MetaRole, readonly string[]>> = {
  id: ["id", "request_id", "requestId", "custom_id"],
  time: [
    "timestamp",
    "created",
    "created_at",
    "createdAt",
    "time",
    "ts",
    "datetime",
    "date",
    "requestedAt",
    "requested_at",
    "startTime",
    "start_time",
    "request_created_at",
    "requestTime",
    "日時",
    "受付日時",
    "作成日時",
    "登録日時",
    "日付",
    "時刻",
    "タイムスタンプ",
  ],
  conversation: [
    "conversation_id",
    "conversationId",
    "conversation",
    "session_id",
    "sessionId",
    "thread_id",
    "threadId",
    "episode_id",
    "会話ID",
    "セッションID",
    "スレッドID",
  ],
  user: [
    "user",
    "user_id",
    "userId",
    "client_id",
    "end_user",
    "ユーザーID",
    "ユーザID",
    "ユーザー",
    "利用者ID",
    "顧客ID",
    "会員ID",
  ],
  model: [
    "model",
    "modelId",
    "model_id",
    "model_name",
    "modelName",
    "provided_model_name",
    "modelVersion",
    "ai_model",
    "モデル",
    "モデル名",
  ],
  gold: ["gold", "expected", "label", "gold_label", "expected_output", "expectedOutput", "ideal", "ground_truth"],
  cost: [
    "cost",
    "cost_usd",
    "costUsd",
    "costUSD",
    "response_cost",
    "total_cost",
    "totalCost",
    "calculatedTotalCost",
    "spend",
    "price",
    "usd",
    "費用",
    "コスト",
    "料金",
  ],
  costOther: ["cost_jpy", "cost_eur", "costJpy", "costEur"],
  costCents: ["cost_cents", "costCents", "cents", "cost_in_cents"],
  latency: ["latency", "duration", "response_time", "responseTime", "所要時間", "応答時間"],
  latencyMs: [
    "latency_ms",
    "latencyMs",
    "duration_ms",
    "durationMs",
    "response_time_ms",
    "delay_ms",
    "total_latency_ms",
  ],
  latencySeconds: ["latency_s", "latency_seconds", "latency_sec", "duration_s", "duration_seconds", "duration_sec"],
  inputTokens: [
    "prompt_tokens",
    "input_tokens",
    "inputTokens",
    "promptTokens",
    "inputUsage",
    "promptTokenCount",
    "prompt_token_count",
    "inputTokenCount",
  ],
  outputTokens: [
    "completion_tokens",
    "output_tokens",
    "outputTokens",
    "completionTokens",
    "outputUsage",
    "candidatesTokenCount",
    "candidates_token_count",
    "outputTokenCount",
  ],
  split: ["split", "データ区分", "分割"],
  occurrences: ["occurrences"],
};

const ROLES = Object.keys(META_NAMES).filter((role): role is MetaRole => role in ROLE_SETTERS);

const SETTERS: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ...ROLES.flatMap((role) => under(META_NAMES[role], ROLE_SETTERS[role])),
  ...under(["usage", "metadata", "tags", "usageMetadata", "usage_metadata", "usageDetails", "usage_details"], nested),
]);

/** A name without what differs from tool to tool: case, spaces, separators, a unit in brackets. */
export function plainName(name: string): string {
  return name
    .normalize("NFKC")
    .replaceAll(/\([^)]*\)/g, "")
    .toLowerCase()
    .replaceAll(/[\s_\-./]/g, "");
}

const PLAIN_ROLES: ReadonlyMap<string, MetaRole> = new Map(
  ROLES.toReversed().flatMap((role) => META_NAMES[role].map((name): [string, MetaRole] => [plainName(name), role])),
);

/** The role of a column by its name in any spelling; undefined where the name is exactly a known one, or none. */
export function roleOfOtherSpelling(name: string): MetaRole | undefined {
  if (SETTERS.has(name)) return undefined;
  const role = PLAIN_ROLES.get(plainName(name));
  if (role !== "cost") return role;
  if (/[¥￥円€]|jpy|eur/i.test(name)) return "costOther";
  return /cent|セント/i.test(name) ? "costCents" : role;
}

/** True for a name that holds what is known of a call, not what was asked or answered. */
export const isMetaName = (name: string): boolean => SETTERS.has(name) || PLAIN_ROLES.has(plainName(name));

/** Adds to `meta` what the own fields of `value` say; the first name in the log's order wins, earlier values stay. */
export function readMeta(value: JsonObject, meta: Writable<RecordMeta>, reading = new Reading()): Writable<RecordMeta> {
  for (const key in value) SETTERS.get(key)?.(meta, value[key], reading);
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
