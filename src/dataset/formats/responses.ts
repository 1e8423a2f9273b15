/** @file The answers in a model's response, whoever's: chat completions (one or several choices), Anthropic and Bedrock messages, Gemini
 *  candidates, Responses items, LangChain generations, messages, plain text, streams of all of them joined. Knows no request. */
import { isRejection, textOf, type Rejection } from "../fields.js";
import { type JsonObject, isJsonObject } from "../../json.js";
import { CALL_FAILED, failureOf, unfinishedOf } from "./finished.js";
import {
  checkAnswer,
  contentOf,
  isMessageList,
  logprobsOf,
  toolCallsOf,
  withoutThinking,
  type Answer,
} from "./messages.js";
import { embedded } from "./path.js";
import { isStream, joinStream, parseEventText } from "./streams.js";

type Answers = readonly Answer[] | Rejection;

const NO_MESSAGE: Rejection = { reject: "the response holds no message" };
const REFUSED: Rejection = { reject: "the teacher refused" };

/** True for an object or list that is a response for sure, not an answer that happens to be JSON. */
export function isResponse(value: unknown): boolean {
  if (Array.isArray(value))
    return (
      isMessageList(value) ||
      isStream(value) ||
      value.some(isItem) ||
      value.some(isChoice) ||
      (value.length > 0 && value.every(isPart))
    );
  if (!isJsonObject(value)) return false;
  const isTurn =
    typeof value["role"] === "string" &&
    ["content", "parts", "tool_calls", "function_call"].some((name) => name in value);
  return (
    isTurn ||
    ["choices", "candidates", "generations"].some((name) => Array.isArray(value[name])) ||
    value["object"] === "response" ||
    Array.isArray(value["tool_calls"]) ||
    isJsonObject(value["function_call"]) ||
    (value["type"] === "message" && Array.isArray(value["content"])) ||
    ("kwargs" in value && Array.isArray(value["id"])) ||
    ["message", "output", "response", "body"].some((name) => isJsonObject(value[name]) && isResponse(value[name])) ||
    (Array.isArray(value["output"]) && value["output"].some(isItem))
  );
}

const isChoice = (value: unknown): boolean => isJsonObject(value) && isJsonObject(value["message"]);

/** A content part without a message around it. */
function isPart(value: unknown): boolean {
  if (!isJsonObject(value) || value["role"] !== undefined) return false;
  return (value["type"] === "text" && typeof value["text"] === "string") || value["type"] === "tool_call";
}

function isItem(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    (value["type"] === "message" || value["type"] === "function_call" || value["type"] === "reasoning")
  );
}

/** Every answer of a response, at least one, or why there is none. */
export function answersOf(given: unknown): Answers {
  if (typeof given === "string") return answersOfText(given);
  if (Array.isArray(given)) return answersOfList(given);
  if (!isJsonObject(given)) return { reject: "the response is missing" };
  const failure = failureOf(given) ?? unfinishedOf(given);
  if (failure !== undefined) return failure;
  const { choices, candidates, generations, streamed_data: streamed } = given;
  if (typeof streamed === "string" || Array.isArray(streamed)) return answersOf(streamed);
  if (Array.isArray(choices)) return answersOfChoices(choices);
  if (Array.isArray(candidates)) return candidates.length === 0 ? CALL_FAILED : answersOfChoices(candidates);
  if (Array.isArray(generations)) return answersOfChoices(generations.flat());
  return answersOfBody(given);
}

function answersOfText(text: string): Answers {
  const events = parseEventText(text);
  if (events !== undefined) return answersOfList(events);
  const value = embedded(text);
  if (value !== text && isResponse(value)) return answersOf(value);
  if (isJsonObject(value) && isOnlyError(value)) return CALL_FAILED;
  const answer = { answer: withoutThinking(text) };
  const problem = checkAnswer(answer);
  return problem ?? [answer];
}

/** True for the body of a failed call: an error and no answer beside it. */
export function isOnlyError(value: JsonObject): boolean {
  const { error } = value;
  const isTold = isJsonObject(error) || (typeof error === "string" && error !== "");
  return (isTold && Object.keys(value).length <= 3) || value["type"] === "error";
}

function answersOfList(list: readonly unknown[]): Answers {
  if (isStream(list)) {
    const whole = joinStream(list);
    return whole === undefined ? NO_MESSAGE : answersOf(whole);
  }
  if (list.every((entry) => isJsonObject(entry) && typeof entry["generated_text"] === "string"))
    return answersOfChoices(list);
  if (list.some(isChoice)) return answersOfChoices(list);
  return list.every(isPart) ? answersOfMessage({ content: list }) : answersOfItems(list);
}

/** Items of one answer (Responses API), or messages of which the assistant's last is the answer. */
function answersOfItems(list: readonly unknown[]): Answers {
  let text = "";
  const toolCalls: NonNullable<Answer["toolCalls"]>[number][] = [];
  for (const entry of list) {
    if (
      !isJsonObject(entry) ||
      (entry["role"] !== undefined && !/^(assistant|model|ai)$/i.test(textOf(entry["role"]) ?? ""))
    )
      continue;
    const item: JsonObject = entry["type"] === "function_call" ? { role: "assistant", content: [entry] } : entry;
    if (item["type"] === "reasoning") continue;
    const answers = unfinishedOf(item) ?? answersOfMessage(item);
    if (isRejection(answers)) return answers;
    text += answers[0]?.answer ?? "";
    toolCalls.push(...(answers[0]?.toolCalls ?? []));
  }
  const answer = { answer: text, ...(toolCalls.length > 0 && { toolCalls }) };
  if (list.length === 0) return NO_MESSAGE;
  const problem = checkAnswer(answer);
  return problem ?? [answer];
}

function answersOfChoices(choices: readonly unknown[]): Answers {
  if (choices.length === 1) return answersOfChoice(choices[0]);
  const answers: Answer[] = [];
  let problem: Rejection = { reject: "the response holds no choice" };
  for (const choice of choices) {
    const found = answersOfChoice(choice);
    if (isRejection(found)) problem = found;
    else answers.push(...found);
  }
  return answers.length === 0 ? problem : answers;
}

function answersOfChoice(choice: unknown): Answers {
  if (!isJsonObject(choice)) return { reject: "the response holds no choice" };
  const info = choice["generation_info"];
  const unfinished = unfinishedOf(choice) ?? (isJsonObject(info) ? unfinishedOf(info) : undefined);
  if (unfinished !== undefined) return unfinished;
  const { message, content } = choice;
  if (isJsonObject(message)) return answersOfMessage(message, choice["logprobs"]);
  if (isJsonObject(content)) return answersOfMessage(content);
  const text = choice["text"] ?? choice["generated_text"];
  if (typeof text === "string") return answersOfText(text);
  return isJsonObject(choice["delta"]) ? answersOfMessage(choice["delta"]) : answersOfMessage(message);
}

const TEXT_FIELDS = ["output_text", "outputText", "completion", "generation", "generated_text", "text", "response"];
const NESTED_FIELDS = ["message", "output", "body", "response", "result", "completion"];

function answersOfBody(response: JsonObject): Answers {
  if (Array.isArray(response["output"])) return answersOfItems(response["output"]);
  if (Array.isArray(response["output_messages"])) return answersOfItems(response["output_messages"]);
  const { results } = response;
  const [titan] = Array.isArray(results) ? (results as readonly unknown[]) : [];
  if (isJsonObject(titan) && typeof titan["outputText"] === "string")
    return unfinishedOf(titan) ?? answersOfText(titan["outputText"]);
  if (response["content"] === undefined && response["parts"] === undefined && response["tool_calls"] === undefined) {
    for (const field of NESTED_FIELDS) {
      const inner = embedded(response[field]);
      if (isJsonObject(inner) || (field === "body" && Array.isArray(inner))) return answersOf(inner);
    }
    for (const field of TEXT_FIELDS) {
      const text = response[field];
      if (typeof text === "string") return answersOfText(text);
    }
  }
  return answersOfMessage(response);
}

const MESSAGE_FIELDS = ["content", "parts", "tool_calls", "function_call", "kwargs", "data"];

function answersOfMessage(message: unknown, logprobs?: unknown): Answers {
  if (!isJsonObject(message)) return NO_MESSAGE;
  if (typeof message["refusal"] === "string" && message["refusal"] !== "") return REFUSED;
  if (!MESSAGE_FIELDS.some((field) => message[field] !== undefined)) return NO_MESSAGE;
  const inner = message["kwargs"] ?? message["data"];
  if (isJsonObject(inner))
    return answersOfMessage({ ...inner, ...(isJsonObject(inner["additional_kwargs"]) && inner["additional_kwargs"]) });
  const content = contentOf(message["parts"] ?? message["content"]);
  if (isRejection(content)) return content;
  if (content.isRefusal && content.text === "") return REFUSED;
  const toolCalls = [...toolCallsOf(message), ...content.toolCalls];
  const tokens = logprobsOf(logprobs);
  const answer: Answer = {
    answer: withoutThinking(content.text),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(tokens === undefined ? {} : { logprobs: tokens }),
  };
  const problem = checkAnswer(answer);
  return problem ?? [answer];
}
