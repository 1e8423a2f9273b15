/** @file OpenTelemetry spans of the GenAI conventions and OpenInference's (flattened `llm.input_messages.N.message.role`): one span a
 *  line, attributes as an object or as OTLP's list of {key, value}, or whole OTLP batches (`resourceSpans`). Knows no backend. */
import {
  isRejection,
  setMeta,
  textOf,
  type MetaRole,
  type RecordMeta,
  type Rejection,
  type Writable,
} from "../fields.js";
import { Reading } from "../reading.js";
import { timeMsOf } from "../times.js";
import { assembleAll } from "./exchange.js";
import { CALL_FAILED, unfinishedOf } from "./finished.js";
import { recordsOf, type ColumnMap, type ParsedLine, type RecordFormat } from "./format.js";
import { answersOfOutput, messagesOfInput } from "./generic.js";
import { contentOf } from "./messages.js";
import { embedded, firstAt, isNothing } from "./path.js";
import { type JsonObject, isJsonObject } from "../../json.js";

/** The plain value of OTLP's typed one. */
function plainValue(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  for (const key of ["stringValue", "doubleValue", "boolValue"]) if (key in value) return value[key];
  if ("intValue" in value) return Number(value["intValue"]);
  const array = value["arrayValue"];
  if (isJsonObject(array)) return Array.isArray(array["values"]) ? array["values"].map(plainValue) : [];
  const list = value["kvlistValue"];
  return isJsonObject(list) ? attributesOf(list["values"]) : value;
}

function attributesOf(attributes: unknown): JsonObject {
  if (!Array.isArray(attributes)) return isJsonObject(attributes) ? attributes : {};
  const entries = (attributes as readonly unknown[]).filter(isJsonObject);
  return Object.fromEntries(entries.map((entry) => [textOf(entry["key"]) ?? "", plainValue(entry["value"])]));
}

/** Attributes of a span and of the events that older instrumentations write the messages to. */
function allAttributes(span: JsonObject): JsonObject {
  const events: readonly unknown[] = Array.isArray(span["events"]) ? span["events"] : [];
  const ofEvents = events.filter(isJsonObject).map((event) => attributesOf(event["attributes"]));
  return Object.assign({}, ...ofEvents, attributesOf(span["attributes"] ?? span["span_attributes"]));
}

/** `PREFIX.N.message.role` and kin as messages. */
function flattened(attributes: JsonObject, prefix: string): readonly JsonObject[] | undefined {
  const found = new Map<number, Record<string, unknown>>();
  for (const key in attributes) {
    if (!key.startsWith(`${prefix}.`)) continue;
    const [, index, field] =
      /^(\d+)\.(?:message\.)?(role|content|tool_calls)$/.exec(key.slice(prefix.length + 1)) ?? [];
    if (index === undefined || field === undefined) continue;
    const message = found.get(Number(index)) ?? {};
    message[field] = attributes[key];
    found.set(Number(index), message);
  }
  return found.size === 0 ? undefined : [...found].toSorted((a, b) => a[0] - b[0]).map(([, message]) => message);
}

const META: readonly (readonly [MetaRole, readonly string[]])[] = [
  ["model", ["gen_ai.response.model", "gen_ai.request.model", "llm.model_name"]],
  ["inputTokens", ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"]],
  ["outputTokens", ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"]],
  ["conversation", ["gen_ai.conversation.id", "session.id"]],
  ["user", ["user.id", "enduser.id"]],
  ["cost", ["gen_ai.usage.cost", "llm.cost.total"]],
];

function metaOf(span: JsonObject, attributes: JsonObject, reading: Reading): Writable<RecordMeta> {
  const meta: Writable<RecordMeta> = {};
  for (const [role, names] of META) setMeta(meta, role, firstAt(attributes, names), reading);
  const begin = firstAt(span, ["startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime", "timestamp"]);
  const end = firstAt(span, ["endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime"]);
  setMeta(meta, "time", begin, reading);
  setMeta(meta, "id", firstAt(span, ["spanId", "span_id", "context.span_id", "id"]), reading);
  const [beginMs, endMs] = [timeMsOf(begin), timeMsOf(end)];
  if (beginMs !== undefined && endMs !== undefined && endMs > beginMs) meta.latencyMs = endMs - beginMs;
  return meta;
}

const INPUTS = ["gen_ai.input.messages", "gen_ai.prompt", "gen_ai.content.prompt", "input.value"];
const OUTPUTS = ["gen_ai.output.messages", "gen_ai.completion", "gen_ai.content.completion", "output.value"];

function isCall(span: JsonObject): boolean {
  const attributes = attributesOf(span["attributes"] ?? span["span_attributes"]);
  return Object.keys(attributes).some((key) => key.startsWith("gen_ai.") || key.startsWith("llm."));
}

/** Spans around model calls, which repeat what was asked and answered, and calls of another kind. */
const OTHER_OPERATION = /^(?:invoke_agent|create_agent|execute_tool|embeddings?|retrieval|invoke_workflow)$/;
const OTHER_KIND = /^(?:AGENT|CHAIN|TOOL|RETRIEVER|RERANKER|EMBEDDING|GUARDRAIL|EVALUATOR)$/i;
const NO_CALL: Rejection = { reject: "no model call (a span around one, of an agent, a tool or an embedding)" };

function isOther(attributes: JsonObject): boolean {
  const [operation, kind] = [attributes["gen_ai.operation.name"], attributes["openinference.span.kind"]];
  return OTHER_OPERATION.test(textOf(operation) ?? "") || OTHER_KIND.test(textOf(kind) ?? "");
}

function hasFailed(span: JsonObject): boolean {
  const status = span["status"] ?? span["status_code"];
  const code = isJsonObject(status) ? (status["code"] ?? status["status_code"]) : status;
  return code === 2 || /error/i.test(textOf(code) ?? "");
}

function parseSpan(span: JsonObject, reading: Reading): ParsedLine {
  if (hasFailed(span)) return CALL_FAILED;
  const attributes = allAttributes(span);
  if (isOther(attributes)) return NO_CALL;
  const asked = messagesOfInput(
    flattened(attributes, "llm.input_messages") ??
      flattened(attributes, "gen_ai.prompt") ??
      firstAt(attributes, INPUTS),
  );
  if (isRejection(asked)) return { reject: "the span holds no messages (content is off by default in OpenTelemetry)" };
  const system = contentOf(embedded(attributes["gen_ai.system_instructions"]));
  const messages =
    isRejection(system) || system.text === "" ? asked : [{ role: "system" as const, content: system.text }, ...asked];
  const reasons = embedded(attributes["gen_ai.response.finish_reasons"]);
  const reason: unknown = Array.isArray(reasons) ? reasons[0] : undefined;
  const unfinished = unfinishedOf({ finish_reason: reason });
  if (unfinished !== undefined) return unfinished;
  const output =
    flattened(attributes, "llm.output_messages") ??
    flattened(attributes, "gen_ai.completion") ??
    firstAt(attributes, OUTPUTS);
  const answers = answersOfOutput(output, "gen_ai.output.messages");
  return isRejection(answers) ? answers : assembleAll(metaOf(span, attributes, reading), messages, answers);
}

const objects = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly unknown[]).filter(isJsonObject) : [];

function spansOf(value: JsonObject): readonly JsonObject[] {
  const resources = objects(value["resourceSpans"] ?? value["resource_spans"]);
  return resources.flatMap((resource) =>
    objects(resource["scopeSpans"] ?? resource["scope_spans"]).flatMap((scope) => objects(scope["spans"])),
  );
}

function parse(value: JsonObject, _columns: ColumnMap, reading = new Reading()): ParsedLine {
  if (value["resourceSpans"] === undefined && value["resource_spans"] === undefined) return parseSpan(value, reading);
  const calls = spansOf(value).filter(isCall);
  if (calls.length === 0) return { reject: "no span of a model call (gen_ai attributes)" };
  return calls.flatMap((span) => recordsOf(parseSpan(span, reading)));
}

/** OpenTelemetry's GenAI and OpenInference's spans. */
export const opentelemetry: RecordFormat = {
  name: "opentelemetry",
  expects: '{"attributes": {"gen_ai.input.messages": ..., "gen_ai.output.messages": ...}} or {"resourceSpans": [...]}',
  detect: (value) =>
    !isNothing(value["resourceSpans"] ?? value["resource_spans"]) ||
    ((value["attributes"] ?? value["span_attributes"]) !== undefined && isCall(value)),
  parse,
  fit: () => ({
    format: opentelemetry,
    columns: { input: "gen_ai.input.messages", output: "gen_ai.output.messages" },
    notes: [],
  }),
};
