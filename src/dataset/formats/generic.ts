/** @file Generic rows: one field holds what was asked, another what was answered, under usual names or those of a column map.
 *  Serves JSON lines and table rows alike; knows no vendor. Which field is which is decided once for a file (`roles.ts`). */
import {
  isRejection,
  readMeta,
  setMeta,
  splitOf,
  textOf,
  type MetaRole,
  type RecordMeta,
  type Rejection,
  type Writable,
} from "../fields.js";
import { Reading } from "../reading.js";
import type { Message } from "../types.js";
import { labelOf, noAnswerText, NO_LABEL, NO_NAMED_LABEL } from "./annotation.js";
import { GOLD_NAMES, INPUT_NAMES, LABEL_NAMES, named, OUTPUT_NAMES } from "./column-names.js";
import { assemble, assembleAll, readBodies } from "./exchange.js";
import { failureOf } from "./finished.js";
import type { ColumnMap, FittedFormat, ParsedLine, RecordFormat } from "./format.js";
import {
  checkAnswer,
  isMessageList,
  isRequest,
  logprobsOf,
  messagesOfRequest,
  parseMessages,
  splitAnswer,
  withoutThinking,
  type Answer,
} from "./messages.js";
import { embedded, firstAt, isNothing, valueAt } from "./path.js";
import { answersOf, isOnlyError, isResponse } from "./responses.js";
import { chooseRoles, type Roles } from "./roles.js";
import { type JsonObject, isJsonObject } from "../../json.js";

const MAPPED: readonly (readonly [Exclude<keyof ColumnMap, "input" | "output" | "gold" | "split">, MetaRole])[] = [
  ["user", "user"],
  ["conversation", "conversation"],
  ["model", "model"],
  ["time", "time"],
  ["cost", "cost"],
];

/** What the column map says of a call beside its text and answer; it wins over what the names say. */
export function applyColumns(
  value: JsonObject,
  columns: ColumnMap,
  meta: Writable<RecordMeta>,
  reading: Reading,
): void {
  for (const [key, role] of MAPPED) {
    const path = columns[key];
    const found = path === undefined ? undefined : valueAt(value, path);
    if (isNothing(found)) continue;
    const told: Writable<RecordMeta> = {};
    setMeta(told, role, found, reading);
    Object.assign(meta, told);
  }
  const split = columns.split === undefined ? undefined : splitOf(valueAt(value, columns.split));
  if (split !== undefined) meta.split = split;
  const gold = columns.gold === undefined ? undefined : labelOf(valueAt(value, columns.gold));
  if (gold !== undefined && !isRejection(gold)) meta.gold = gold;
}

/** Meta under usual names and in other spellings, then what stands in the objects around the mapped ones, then the map's, which wins. */
function metaOf(
  value: JsonObject,
  columns: ColumnMap,
  roles: Roles | undefined,
  reading: Reading,
): Writable<RecordMeta> {
  const meta: Writable<RecordMeta> = {};
  for (const path of [columns.input, columns.output]) if (path !== undefined) readAround(value, path, meta, reading);
  readMeta(value, meta, reading);
  delete meta.gold;
  for (const [column, role] of roles?.others ?? []) setMeta(meta, role, value[column], reading);
  const gold = firstLabel(firstAt(value, roles?.golds ?? []));
  if (gold !== undefined) meta.gold = gold;
  applyColumns(value, columns, meta, reading);
  return meta;
}

function firstLabel(value: unknown): string | undefined {
  const label = labelOf(Array.isArray(value) && value.length > 1 ? value.slice(0, 1) : value);
  return isRejection(label) ? undefined : label;
}

/** The request or response that a mapped path leads through says which model answered. */
function readAround(value: JsonObject, path: string, meta: Writable<RecordMeta>, reading: Reading): void {
  const steps = path.replaceAll(/\[(-?\d+)\]/g, ".$1").split(".");
  for (let length = steps.length; length > 0; length--) {
    const around = embedded(valueAt(value, steps.slice(0, length).join(".")));
    if (isJsonObject(around)) readBodies(around, meta, reading);
  }
}

/** What an input field asks: text, messages, a request, or an object of which the only text is taken. */
export function messagesOfInput(given: unknown): readonly Message[] | Rejection {
  const value = embedded(given);
  const input = typeof given !== "string" || isMessageList(value) || isRequestOfMessages(value) ? value : given;
  if (Array.isArray(input)) {
    const texts: readonly unknown[] = input;
    return texts.length > 0 && texts.every((entry) => typeof entry === "string")
      ? [{ role: "user", content: texts.join("\n") }]
      : parseMessages(input);
  }
  if (isJsonObject(input)) return messagesOfObject(input);
  const text = textOf(input);
  if (text === undefined || text.trim() === "") return { reject: "the input field is missing or empty" };
  return [{ role: "user", content: text }];
}

const isRequestOfMessages = (value: unknown): boolean =>
  isJsonObject(value) &&
  (isMessageList(value["messages"]) || isMessageList(value["contents"]) || isMessageList(value["input"]));

function messagesOfObject(input: JsonObject): readonly Message[] | Rejection {
  if (isRequest(input)) return messagesOfRequest(input);
  const values = Object.values(input);
  const [only] = values;
  if (values.length === 1 && typeof only === "string" && only.trim() !== "") return [{ role: "user", content: only }];
  if (values.length === 0) return { reject: "the input field is missing or empty" };
  return [{ role: "user", content: JSON.stringify(input) }];
}

const NO_ANSWER_KEYS = new Set(["id", "object", "created", "model", "usage", "status", "type", "metadata", "role"]);

/** The answers in an output field: a response of any vendor, an object as JSON, a text. */
export function answersOfOutput(output: unknown, name: string): readonly Answer[] | Rejection {
  if (isNothing(output)) return { reject: `failed or empty: no answer in \`${name}\`` };
  const value = embedded(output);
  if (isResponse(value)) return answersOf(value);
  if (isJsonObject(value)) {
    if (isOnlyError(value)) return { reject: "the call failed" };
    if (Object.keys(value).every((key) => NO_ANSWER_KEYS.has(key)))
      return { reject: `failed or empty: \`${name}\` is an object without an answer` };
  }
  if (Array.isArray(value) && value.length <= 1) {
    const [only] = value as readonly unknown[];
    if (typeof only === "string" || only === undefined) return one(labelOf(value));
  }
  const text = typeof output === "object" ? JSON.stringify(output) : textOf(output);
  if (text === undefined) return { reject: "the output field is missing or empty" };
  const problem = noAnswerText(text);
  if (problem !== undefined) return problem;
  if (/^\s*(data|event):/.test(text)) return answersOf(text);
  const answer = { answer: withoutThinking(text) };
  return checkAnswer(answer) ?? [answer];
}

const one = (label: string | Rejection): readonly Answer[] | Rejection =>
  isRejection(label) ? label : [{ answer: label }];

function annotationOf(value: unknown, roles: Roles): readonly Answer[] | Rejection {
  if (roles.isFirstOfList && Array.isArray(value)) return one(labelOf(value.slice(0, 1)));
  const parsed = embedded(value);
  if (isJsonObject(parsed) && isResponse(parsed)) return answersOf(parsed);
  const isLabelObject = isJsonObject(parsed) && labelOf(parsed) === NO_NAMED_LABEL;
  return isLabelObject
    ? answersOfOutput(value, roles.output)
    : one(labelOf(Array.isArray(parsed) || isJsonObject(parsed) ? parsed : value));
}

function withSystem(messages: readonly Message[], value: JsonObject, roles: Roles): readonly Message[] {
  const system = roles.system === undefined ? undefined : textOf(value[roles.system]);
  return system === undefined ? messages : [{ role: "system", content: system }, ...messages];
}

/** What a row asks and who asked when, whether it holds an answer or not; an answer that ends its messages is left out. */
export function parseQuestion(
  value: JsonObject,
  columns: ColumnMap,
): { readonly messages: readonly Message[]; readonly meta: RecordMeta } | Rejection {
  const messages = messagesOfInput(inputOf(value, columns));
  if (isRejection(messages)) return messages;
  const asked = messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
  return { messages: asked, meta: metaOf(value, columns, chooseRoles([value], columns), new Reading()) };
}

function inputOf(value: JsonObject, columns: ColumnMap): unknown {
  if (columns.input !== undefined) return valueAt(value, columns.input);
  const key = named(Object.keys(value), INPUT_NAMES).find((name) => !isNothing(value[name]));
  return key === undefined ? undefined : value[key];
}

/** What a row asks that holds no answer; undefined where it holds one, or asks nothing. */
export function unansweredQuestion(value: JsonObject, columns: ColumnMap): readonly Message[] | undefined {
  const names = [...OUTPUT_NAMES, ...LABEL_NAMES, ...GOLD_NAMES];
  const output = columns.output ?? named(Object.keys(value), names)[0];
  const answer = output === undefined ? undefined : valueAt(value, output);
  const isEmpty =
    isNothing(answer) ||
    (typeof answer === "string" && answer.trim() === "") ||
    (Array.isArray(answer) && answer.length === 0);
  const messages = isEmpty ? messagesOfInput(inputOf(value, columns)) : undefined;
  if (messages === undefined || isRejection(messages) || messages.at(-1)?.role !== "user") return undefined;
  return messages;
}

function parseRow(value: JsonObject, columns: ColumnMap, roles: Roles, reading: Reading): ParsedLine {
  const failure = failureOf(value, roles.hasCallStatus);
  if (failure !== undefined) return failure;
  const found = valueAt(value, roles.input);
  const asked = isNothing(found) && roles.system !== undefined ? value[roles.system] : found;
  const messages = messagesOfInput(asked);
  if (isRejection(messages)) return messages;
  const whole = asked === found ? withSystem(messages, value, roles) : messages;
  const output = valueAt(value, roles.output);
  if (output === undefined && messages.at(-1)?.role === "assistant")
    return parseEnding(value, columns, roles, whole, reading);
  const answers = roles.isAnnotation ? annotationOf(output, roles) : answersOfOutput(output, roles.output);
  if (isRejection(answers)) return answers;
  const meta = metaOf(value, columns, roles, reading);
  for (const part of [output, found])
    if (typeof part === "object" || (typeof part === "string" && part.startsWith("{"))) readBodies(part, meta, reading);
  const logprobs = value["logprobs"] === undefined ? undefined : logprobsOf(value["logprobs"]);
  return assembleAll(
    meta,
    whole,
    logprobs === undefined ? answers : answers.map((answer) => ({ ...answer, logprobs })),
  );
}

function parseEnding(
  value: JsonObject,
  columns: ColumnMap,
  roles: Roles | undefined,
  messages: readonly Message[],
  reading: Reading,
): ParsedLine {
  const split = splitAnswer(messages);
  return isRejection(split) ? split : assemble(metaOf(value, columns, roles, reading), split.asked, split.answer);
}

function parse(value: JsonObject, columns: ColumnMap, reading = new Reading()): ParsedLine {
  const roles = chooseRoles([value], columns);
  if (roles !== undefined) return parseRow(value, columns, roles, reading);
  const messages = messagesOfInput(inputOf(value, columns));
  if (isRejection(messages)) return messages;
  if (messages.at(-1)?.role === "assistant") return parseEnding(value, columns, undefined, messages, reading);
  return NO_LABEL;
}

function fit(rows: readonly JsonObject[], columns: ColumnMap): FittedFormat {
  const roles = chooseRoles(rows, columns);
  if (roles === undefined) return { format: generic, columns: {}, notes: [] };
  const { input, output, system } = roles;
  const [gold] = roles.golds;
  const format: RecordFormat = {
    ...generic,
    detect: (value) => valueAt(value, input) !== undefined || valueAt(value, output) !== undefined,
    parse: (value, map, reading = new Reading()) => parseRow(value, map, roles, reading),
  };
  const others = Object.fromEntries(roles.others.map(([column, role]) => [role, column]));
  const shown = {
    ...others,
    input,
    output,
    ...(gold !== undefined && { gold }),
    ...(system !== undefined && { system }),
  };
  return { format, columns: { ...shown, ...columns }, notes: roles.notes };
}

/** One field in, one field out; also OpenPipe's export and dataset rows (`input`, `output`, `tags`, `split`) and TRACER's. */
export const generic: RecordFormat = {
  name: "generic",
  expects:
    '{"input" or "text" or "prompt" or "message": ..., "output" or "label" or "answer" or "category" or "intent": ...}',
  detect: (value, columns) => {
    if (columns.input !== undefined && columns.output !== undefined)
      return valueAt(value, columns.input) !== undefined || valueAt(value, columns.output) !== undefined;
    return chooseRoles([value], columns) !== undefined && inputOf(value, columns) !== undefined;
  },
  parse,
  fit,
};

/** The names tried for a column that the map leaves open, for messages. */
export const usualNames = { input: INPUT_NAMES, output: [...OUTPUT_NAMES, ...LABEL_NAMES, ...GOLD_NAMES] };
