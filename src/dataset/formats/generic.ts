/** @file Generic rows: one field holds what was asked, another what was answered, under usual names or those of a column map.
 *  Serves JSON lines and CSV rows alike; knows no vendor. */
import {
  firstField,
  isRejection,
  readMeta,
  splitOf,
  textOf,
  timeMsOf,
  numberOf,
  type RecordMeta,
  type Rejection,
  type Writable,
} from "../fields.js";
import type { Message } from "../types.js";
import type { ColumnMap, Parsed, RecordFormat } from "./format.js";
import { answerOfResponse, checkAnswer, logprobsOf, parseMessages, splitAnswer, withoutThinking } from "./messages.js";
import { assemble } from "./openai-chat.js";
import { type JsonObject, isJsonObject } from "../../json.js";

const INPUT_NAMES = [
  "input",
  "text",
  "prompt",
  "message",
  "question",
  "query",
  "utterance",
  "sentence",
  "content",
  "messages",
];
const OUTPUT_NAMES = ["output", "answer", "teacher", "completion", "response", "prediction", "predicted"];
/** Names that hold the answer where no output field stands beside them, and the right answer (gold) where one does. */
const LABEL_NAMES = ["label", "category", "intent", "class", "expected", "expected_output", "target"];

/** Names of the right answer; where a row holds nothing else, it is the answer. */
const GOLD_NAMES = ["gold", "gold_label", "ideal", "ground_truth"];

function valueAt(value: JsonObject, path: string): unknown {
  if (Object.hasOwn(value, path)) return value[path];
  let at: unknown = value;
  for (const key of path.split(".")) at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}

function inputOf(value: JsonObject, columns: ColumnMap): unknown {
  return columns.input === undefined ? firstField(value, INPUT_NAMES) : valueAt(value, columns.input);
}

function outputOf(value: JsonObject, columns: ColumnMap): unknown {
  if (columns.output !== undefined) return valueAt(value, columns.output);
  return firstField(value, [...OUTPUT_NAMES, ...LABEL_NAMES, ...GOLD_NAMES]);
}

function hasOutputName(value: JsonObject, columns: ColumnMap): boolean {
  return columns.output !== undefined || firstField(value, OUTPUT_NAMES) !== undefined;
}

/** Meta under usual names, then what the column map says, which wins. */
function metaOf(value: JsonObject, columns: ColumnMap): Writable<RecordMeta> {
  const meta = readMeta(value, {});
  delete meta.gold;
  const gold = columns.gold !== undefined ? valueAt(value, columns.gold) : goldOf(value, columns);
  const goldText = textOf(gold);
  if (goldText !== undefined) meta.gold = goldText;
  for (const key of ["user", "conversation", "model"] as const) {
    const text = columns[key] === undefined ? undefined : textOf(valueAt(value, columns[key]));
    if (text !== undefined) meta[key] = text;
  }
  const time = columns.time === undefined ? undefined : timeMsOf(valueAt(value, columns.time));
  if (time !== undefined) meta.timestampMs = time;
  const cost = columns.cost === undefined ? undefined : numberOf(valueAt(value, columns.cost));
  if (cost !== undefined) meta.costUsd = cost;
  const split = columns.split === undefined ? undefined : splitOf(valueAt(value, columns.split));
  if (split !== undefined) meta.split = split;
  return meta;
}

function goldOf(value: JsonObject, columns: ColumnMap): unknown {
  if (!hasOutputName(value, columns)) return firstField(value, GOLD_NAMES);
  const names = [...GOLD_NAMES, ...LABEL_NAMES].filter((name) => name !== columns.output);
  return firstField(value, names);
}

function messagesOfInput(input: unknown): readonly Message[] | Rejection {
  if (Array.isArray(input)) return parseMessages(input);
  if (isJsonObject(input) && Array.isArray(input["messages"])) return parseMessages(input["messages"]);
  if (isJsonObject(input)) return [{ role: "user", content: JSON.stringify(input) }];
  const text = textOf(input);
  if (text === undefined || text.trim() === "") return { reject: "the input field is missing or empty" };
  return [{ role: "user", content: text }];
}

function answerOf(output: unknown): ReturnType<typeof answerOfResponse> {
  if (isJsonObject(output)) {
    const known = ["choices", "message", "content", "tool_calls"].some((name) => Object.hasOwn(output, name));
    return known ? answerOfResponse(output) : { answer: JSON.stringify(output) };
  }
  if (Array.isArray(output)) return { answer: JSON.stringify(output) };
  const text = textOf(output);
  if (text === undefined) return { reject: "the output field is missing or empty" };
  const answer = { answer: withoutThinking(text) };
  return checkAnswer(answer) ?? answer;
}

/** What a row asks and who asked when, whether it holds an answer or not; an answer that ends its messages is left out. */
export function parseQuestion(
  value: JsonObject,
  columns: ColumnMap,
): { readonly messages: readonly Message[]; readonly meta: RecordMeta } | Rejection {
  const messages = messagesOfInput(inputOf(value, columns));
  if (isRejection(messages)) return messages;
  const asked = messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
  return { messages: asked, meta: metaOf(value, columns) };
}

/** What a row asks that holds no answer; undefined where it holds one, or asks nothing. */
export function unansweredQuestion(value: JsonObject, columns: ColumnMap): readonly Message[] | undefined {
  const output = outputOf(value, columns);
  const isEmpty = output === undefined || output === null || (typeof output === "string" && output.trim() === "");
  const messages = isEmpty ? messagesOfInput(inputOf(value, columns)) : undefined;
  if (messages === undefined || isRejection(messages) || messages.at(-1)?.role !== "user") return undefined;
  return messages;
}

function parse(value: JsonObject, columns: ColumnMap): Parsed | Rejection {
  const messages = messagesOfInput(inputOf(value, columns));
  if (isRejection(messages)) return messages;
  const output = outputOf(value, columns);
  if (output === undefined && messages.at(-1)?.role === "assistant") {
    const split = splitAnswer(messages);
    return isRejection(split) ? split : assemble(metaOf(value, columns), split.asked, split.answer);
  }
  const answer = answerOf(output);
  if (isRejection(answer)) return answer;
  const logprobs = value["logprobs"] === undefined ? undefined : logprobsOf(value["logprobs"]);
  return assemble(metaOf(value, columns), messages, logprobs === undefined ? answer : { ...answer, logprobs });
}

/** One field in, one field out; also OpenPipe's export and dataset rows (`input`, `output`, `tags`, `split`) and TRACER's. */
export const generic: RecordFormat = {
  name: "generic",
  expects:
    '{"input" or "text" or "prompt" or "message": ..., "output" or "label" or "answer" or "category" or "intent": ...}',
  detect: (value, columns) => inputOf(value, columns) !== undefined && outputOf(value, columns) !== undefined,
  parse,
};

/** The names tried for a column that the map leaves open, for messages. */
export const usualNames = { input: INPUT_NAMES, output: [...OUTPUT_NAMES, ...LABEL_NAMES, ...GOLD_NAMES] };
