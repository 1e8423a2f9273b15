/** @file OpenAI's chat vocabulary: messages, content parts, tool calls, the answer of a completion, token log-probabilities.
 *  Lenient with what vendors add, strict with what would change the meaning. Follows OpenAI's chat completion object. */
import { isRejection, numberOf, type Rejection } from "../fields.js";
import type { Message, ScoredToken, TokenLogprobs, ToolCall } from "../types.js";
import { contentText, parseMessageList, parseTurn, withoutAnswer } from "../../template/messages.js";
import { type JsonObject, isJsonObject } from "../../json.js";

export interface Answer {
  readonly answer: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly logprobs?: readonly TokenLogprobs[];
}

function argumentsText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? {});
}

/** Tool calls in OpenAI's shape (also the legacy `function_call` object); an empty list when there are none. */
export function toolCallsOf(message: JsonObject): readonly ToolCall[] {
  const calls: unknown[] = Array.isArray(message["tool_calls"]) ? message["tool_calls"] : [];
  const legacy = message["function_call"];
  const named = [...calls.map((call) => (isJsonObject(call) ? call["function"] : undefined)), legacy];
  const result: ToolCall[] = [];
  for (const call of named) {
    if (!isJsonObject(call) || typeof call["name"] !== "string") continue;
    result.push({ name: call["name"], arguments: argumentsText(call["arguments"]) });
  }
  return result;
}

function parseMessage(value: unknown): Message | Rejection {
  const turn = parseTurn(value);
  if (isRejection(turn) || turn.role !== "assistant" || !isJsonObject(value)) return turn;
  const toolCalls = toolCallsOf(value);
  return toolCalls.length === 0 ? turn : { ...turn, toolCalls };
}

/** A non-empty `messages` array, or why not. */
export function parseMessages(value: unknown): Message[] | Rejection {
  return parseMessageList(value, parseMessage);
}

/** The answer without a reasoning model's `<think>` part. */
export function withoutThinking(answer: string): string {
  const end = answer.lastIndexOf("</think>");
  return end < 0 ? answer : answer.slice(end + "</think>".length).trimStart();
}

/** Splits messages that end with the assistant's into what was asked and what was answered. */
export function splitAnswer(messages: readonly Message[]): { asked: readonly Message[]; answer: Answer } | Rejection {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return { reject: "the last message is not the assistant's and there is no response" };
  const asked = withoutAnswer(messages);
  if (asked === messages) return { reject: "nothing was asked before the answer" };
  const text = withoutThinking(last.content);
  const answer = last.toolCalls === undefined ? { answer: text } : { answer: text, toolCalls: last.toolCalls };
  return checkAnswer(answer) ?? { asked, answer };
}

/** A rejection when the answer holds neither text nor a tool call. */
export function checkAnswer(answer: Answer): Rejection | undefined {
  return answer.answer.trim() === "" && answer.toolCalls === undefined ? { reject: "the answer is empty" } : undefined;
}

/** Log-probabilities of a choice (`logprobs.content`), or undefined when absent or malformed. */
export function logprobsOf(value: unknown): readonly TokenLogprobs[] | undefined {
  const content: unknown = isJsonObject(value) ? value["content"] : value;
  if (!Array.isArray(content) || content.length === 0) return undefined;
  const tokens: TokenLogprobs[] = [];
  for (const entry of content as readonly unknown[]) {
    if (!isJsonObject(entry)) return undefined;
    const [scored] = scoredToken(entry);
    if (scored === undefined) return undefined;
    const alternatives: readonly unknown[] = Array.isArray(entry["top_logprobs"]) ? entry["top_logprobs"] : [];
    tokens.push({ ...scored, top: alternatives.flatMap(scoredToken) });
  }
  return tokens;
}

const isByte = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256;

function scoredToken(value: unknown): ScoredToken[] {
  if (!isJsonObject(value) || typeof value["token"] !== "string") return [];
  const { token, bytes } = value;
  const logprob = numberOf(value["logprob"]);
  if (logprob === undefined) return [];
  return [{ token, logprob, ...(Array.isArray(bytes) && bytes.every(isByte) && { bytes }) }];
}

const UNFINISHED: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  ["length", "the answer was cut off (finish_reason length)"],
  ["content_filter", "the answer was filtered (finish_reason content_filter)"],
]);

/** The answer of a completion: an object with `choices`, an assistant message, or plain text. */
export function answerOfResponse(response: unknown): Answer | Rejection {
  if (typeof response === "string") {
    const answer = { answer: withoutThinking(response) };
    return checkAnswer(answer) ?? answer;
  }
  if (!isJsonObject(response)) return { reject: "the response is missing" };
  if (isJsonObject(response["error"]) || typeof response["error"] === "string") return { reject: "the call failed" };
  const choices = response["choices"];
  if (!Array.isArray(choices))
    return answerOfMessage(isJsonObject(response["message"]) ? response["message"] : response);
  const choice: unknown = choices[0];
  if (!isJsonObject(choice)) return { reject: "the response holds no choice" };
  const unfinished = UNFINISHED.get(choice["finish_reason"]);
  if (unfinished !== undefined) return { reject: unfinished };
  if (typeof choice["text"] === "string") return answerOfResponse(choice["text"]);
  return answerOfMessage(choice["message"], choice["logprobs"]);
}

function answerOfMessage(message: unknown, logprobs?: unknown): Answer | Rejection {
  if (!isJsonObject(message)) return { reject: "the response holds no message" };
  if (typeof message["refusal"] === "string" && message["refusal"] !== "") return { reject: "the teacher refused" };
  if (
    message["content"] === undefined &&
    message["tool_calls"] === undefined &&
    message["function_call"] === undefined
  ) {
    return { reject: "the response holds no message" };
  }
  const text = contentText(message["content"]);
  if (typeof text !== "string") return text;
  const toolCalls = toolCallsOf(message);
  const tokens = logprobsOf(logprobs);
  const answer: Answer = {
    answer: withoutThinking(text),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(tokens === undefined ? {} : { logprobs: tokens }),
  };
  return checkAnswer(answer) ?? answer;
}
