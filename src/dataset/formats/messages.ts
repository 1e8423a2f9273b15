/** @file Messages as the field writes them: OpenAI's chat and Responses vocabularies, Anthropic's and Bedrock's blocks, Gemini's and
 *  OpenTelemetry's parts, LangChain's serialised messages; system texts that stand beside the messages. Lenient with what vendors add,
 *  strict with what would change the meaning. Knows nothing of responses. */
import { isRejection, numberOf, textOf, type Rejection } from "../fields.js";
import type { Message, ScoredToken, TokenLogprobs, ToolCall } from "../types.js";
import { withoutAnswer } from "../../template/messages.js";
import { type JsonObject, isJsonObject } from "../../json.js";
import { embedded } from "./path.js";

export interface Answer {
  readonly answer: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly logprobs?: readonly TokenLogprobs[];
}

const ROLES: ReadonlyMap<unknown, Message["role"]> = new Map<unknown, Message["role"]>([
  ["system", "system"],
  ["developer", "system"],
  ["SystemMessage", "system"],
  ["user", "user"],
  ["human", "user"],
  ["USER", "user"],
  ["HumanMessage", "user"],
  ["assistant", "assistant"],
  ["model", "assistant"],
  ["ai", "assistant"],
  ["bot", "assistant"],
  ["ASSISTANT", "assistant"],
  ["AIMessage", "assistant"],
  ["AIMessageChunk", "assistant"],
  ["tool", "tool"],
  ["function", "tool"],
  ["ToolMessage", "tool"],
  ["FunctionMessage", "tool"],
]);

const NOT_TEXT: Rejection = { reject: "a message holds something that is not text (image, audio or file)" };
const NO_CONTENT: Rejection = { reject: "a message's content is neither text nor a list of parts" };

function argumentsText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? {});
}

/** What the parts of a content hold. */
export interface Content {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  /** Results of tools, which Anthropic, Bedrock and Gemini put into the user's turn. */
  readonly results: readonly string[];
  readonly isRefusal: boolean;
}

interface Gathered {
  text: string;
  toolCalls: ToolCall[];
  results: string[];
  isRefusal: boolean;
}

const SKIPPED_PARTS = new Set([
  "thinking",
  "redacted_thinking",
  "reasoning",
  "reasoning_content",
  "reasoningContent",
  "cachePoint",
]);

function callOf(part: JsonObject): ToolCall | undefined {
  const nested = part["toolUse"] ?? part["functionCall"] ?? part["function_call"];
  const call = isJsonObject(nested) ? nested : part;
  const isCall =
    call !== part || part["type"] === "tool_use" || part["type"] === "tool_call" || part["type"] === "function_call";
  if (!isCall || typeof call["name"] !== "string") return undefined;
  return { name: call["name"], arguments: argumentsText(call["input"] ?? call["args"] ?? call["arguments"]) };
}

function resultOf(part: JsonObject): unknown {
  if (part["type"] === "tool_result") return part["content"] ?? "";
  if (part["type"] === "tool_call_response") return part["response"] ?? part["result"] ?? "";
  const nested = part["toolResult"] ?? part["functionResponse"] ?? part["function_response"];
  return isJsonObject(nested) ? (nested["content"] ?? nested["response"] ?? "") : undefined;
}

function addPart(part: unknown, into: Gathered): Rejection | undefined {
  if (typeof part === "string") into.text += part;
  if (typeof part === "string") return undefined;
  if (!isJsonObject(part)) return NOT_TEXT;
  const { type, text, content } = part;
  if (part["thought"] === true || (typeof type === "string" && SKIPPED_PARTS.has(type))) return undefined;
  if (typeof text === "string") {
    into.text += text;
    return undefined;
  }
  if (typeof part["refusal"] === "string") {
    into.isRefusal = true;
    return undefined;
  }
  const call = callOf(part);
  const result = resultOf(part);
  if (call !== undefined) into.toolCalls.push(call);
  else if (result !== undefined) into.results.push(resultText(result));
  else if (type === "text" && typeof content === "string") into.text += content;
  else if (!Object.keys(part).some((key) => SKIPPED_PARTS.has(key))) return NOT_TEXT;
  return undefined;
}

function resultText(result: unknown): string {
  if (typeof result === "string") return result;
  const content = contentOf(result);
  return isRejection(content) ? JSON.stringify(result) : content.text;
}

/** Text, calls and results of a content: a string, null (empty), one part or a list of parts; a rejection for anything else. */
export function contentOf(content: unknown): Content | Rejection {
  const into: Gathered = { text: "", toolCalls: [], results: [], isRefusal: false };
  if (content === null || content === undefined) return into;
  const parts: readonly unknown[] = Array.isArray(content) ? content : [content];
  if (typeof content !== "string" && !Array.isArray(content) && !isJsonObject(content)) return NO_CONTENT;
  for (const part of parts) {
    const problem = addPart(isJsonObject(part) && Array.isArray(part["parts"]) ? joined(part["parts"]) : part, into);
    if (problem !== undefined) return problem;
  }
  return into;
}

function joined(parts: readonly unknown[]): unknown {
  const content = contentOf(parts);
  return isRejection(content) ? parts : content.text;
}

/** Tool calls in OpenAI's shape (also the legacy `function_call` object); an empty list when there are none. */
export function toolCallsOf(message: JsonObject): readonly ToolCall[] {
  const calls: unknown[] = Array.isArray(message["tool_calls"]) ? message["tool_calls"] : [];
  const legacy = message["function_call"];
  const named = [...calls.map((call) => (isJsonObject(call) ? (call["function"] ?? call) : undefined)), legacy];
  const result: ToolCall[] = [];
  for (const call of named) {
    if (!isJsonObject(call) || typeof call["name"] !== "string") continue;
    result.push({ name: call["name"], arguments: argumentsText(call["arguments"] ?? call["args"]) });
  }
  return result;
}

/** A turn of LangChain's serialisation as one of the chat API; any other as it is. */
function plainTurn(value: JsonObject): JsonObject {
  const inner = value["kwargs"] ?? value["data"] ?? value["message"];
  if (value["role"] !== undefined || !isJsonObject(inner)) return value;
  const id = value["id"];
  const kind: unknown = Array.isArray(id) ? id.at(-1) : value["type"];
  const more = inner["additional_kwargs"];
  return {
    role: inner["role"] ?? inner["type"] ?? kind,
    ...(isJsonObject(more) ? more : {}),
    ...inner,
    ...(Array.isArray(id) && { role: kind }),
  };
}

/** Items of the Responses API that are no messages. */
function addItem(value: JsonObject, into: Message[]): boolean {
  const { type } = value;
  if (type === "reasoning" || type === "item_reference") return true;
  if (type === "function_call" && typeof value["name"] === "string") {
    const toolCalls = [{ name: value["name"], arguments: argumentsText(value["arguments"]) }];
    into.push({ role: "assistant", content: "", toolCalls });
    return true;
  }
  if (type !== "function_call_output") return false;
  into.push({ role: "tool", content: resultText(value["output"] ?? "") });
  return true;
}

function addObjectTurn(given: JsonObject, into: Message[]): Rejection | undefined {
  if (addItem(given, into)) return undefined;
  const value = plainTurn(given);
  const role = ROLES.get(value["role"] ?? value["type"] ?? value["from"]);
  if (role === undefined) return { reject: "a message has an unknown role" };
  const content = contentOf(value["parts"] ?? value["content"] ?? value["value"]);
  if (isRejection(content)) return content;
  for (const result of content.results) into.push({ role: "tool", content: result });
  const toolCalls = role === "assistant" ? [...toolCallsOf(value), ...content.toolCalls] : [];
  if (content.results.length > 0 && content.text === "" && toolCalls.length === 0) return undefined;
  into.push(toolCalls.length === 0 ? { role, content: content.text } : { role, content: content.text, toolCalls });
  return undefined;
}

function addTurn(value: unknown, into: Message[]): Rejection | undefined {
  if (Array.isArray(value)) {
    const [role, text] = value as readonly unknown[];
    const known = value.length === 2 && typeof text === "string" ? ROLES.get(role) : undefined;
    if (known !== undefined && typeof text === "string") into.push({ role: known, content: text });
    else return addTurns(value, into);
    return undefined;
  }
  if (!isJsonObject(value)) return { reject: "a message is not an object" };
  const { content } = value;
  const role = ROLES.get(value["role"]);
  if (role === undefined || typeof content !== "string" || (role === "assistant" && !isPlain(value)))
    return addObjectTurn(value, into);
  into.push({ role, content });
  return undefined;
}

const isPlain = (value: JsonObject): boolean =>
  value["tool_calls"] === undefined && value["function_call"] === undefined;

function addTurns(list: readonly unknown[], into: Message[]): Rejection | undefined {
  for (const entry of list) {
    const problem = addTurn(entry, into);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A non-empty list of messages, or why not. */
export function parseMessages(value: unknown): Message[] | Rejection {
  if (!Array.isArray(value)) return { reject: "`messages` is missing or not a list" };
  if (value.length === 0) return { reject: "`messages` is empty" };
  const messages: Message[] = [];
  const problem = addTurns(value, messages);
  if (problem !== undefined) return problem;
  return messages.length === 0 ? { reject: "`messages` is empty" } : messages;
}

const SYSTEM_FIELDS = [
  "system",
  "instructions",
  "systemInstruction",
  "system_instruction",
  "system_prompt",
  "systemPrompt",
  "preamble",
];

/** The system text that stands beside the messages of a request; empty where there is none. */
export function systemOfRequest(request: JsonObject): string {
  for (const field of SYSTEM_FIELDS) {
    const value = request[field];
    if (value === undefined || value === null || value === "") continue;
    const content = contentOf(isJsonObject(value) ? (value["parts"] ?? value) : value);
    if (!isRejection(content) && content.text !== "") return content.text;
  }
  return "";
}

const TURN_FIELDS = ["messages", "contents", "input", "prompt", "inputText", "inputs", "message", "query"] as const;

/** True when an object asks a model something: messages, contents, or a prompt. */
export function isRequest(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false;
  if (Array.isArray(value["messages"]) || Array.isArray(value["contents"])) return true;
  const { input, prompt, inputText } = value;
  return (
    typeof prompt === "string" || typeof inputText === "string" || typeof input === "string" || isMessageList(input)
  );
}

/** True for a list whose entries are messages, LangChain's nested lists included. */
export function isMessageList(value: unknown): boolean {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  if (Array.isArray(first)) return isMessageList(first) || (first.length === 2 && ROLES.has(first[0]));
  if (!isJsonObject(first)) return false;
  return (
    (first["role"] !== undefined && ("content" in first || "parts" in first || "tool_calls" in first)) ||
    ("kwargs" in first && Array.isArray(first["id"])) ||
    (ROLES.has(first["type"]) && ("content" in first || "data" in first)) ||
    first["type"] === "message"
  );
}

/** What a request asked, its system text first; an object with other fields is taken by its text, or as JSON. */
export function messagesOfRequest(given: JsonObject): readonly Message[] | Rejection {
  const body = embedded(given["body"]);
  const request = isRequest(body) ? body : given;
  const field = TURN_FIELDS.find((name) => request[name] !== undefined && request[name] !== null);
  const turns = embedded(field === undefined ? undefined : request[field]);
  const messages = Array.isArray(turns) ? parseMessages(turns) : textMessage(turns);
  if (isRejection(messages)) return messages;
  const system = systemOfRequest(request);
  return system === "" ? messages : [{ role: "system", content: system }, ...messages];
}

function textMessage(value: unknown): readonly Message[] | Rejection {
  if (isRequest(value)) return messagesOfRequest(value);
  const text = textOf(value);
  if (text === undefined || text.trim() === "") return { reject: "`messages` is missing or not a list" };
  return [{ role: "user", content: text }];
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
