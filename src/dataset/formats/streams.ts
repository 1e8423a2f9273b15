/** @file Streamed responses put together again: chunks of chat completions, events of Anthropic's, Bedrock's and the Responses API,
 *  Gemini's partial candidates, and the text of server-sent events. Knows no message vocabulary beyond the deltas. */
import { type JsonObject, isJsonObject } from "../../json.js";

const EVENT_TYPES = /^(content_block_(start|delta|stop)|message_(start|delta|stop)|ping|response\.[a-z_.]+)$/;

function isChunk(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false;
  if (value["object"] === "chat.completion.chunk" || isJsonObject(value["contentBlockDelta"])) return true;
  if (typeof value["type"] === "string" && EVENT_TYPES.test(value["type"])) return true;
  const [choice] = Array.isArray(value["choices"]) ? (value["choices"] as readonly unknown[]) : [];
  return (isJsonObject(choice) && isJsonObject(choice["delta"])) || Array.isArray(value["candidates"]);
}

/** True for a list of chunks or events. */
export function isStream(list: readonly unknown[]): boolean {
  return list.length > 0 && isChunk(list[0]);
}

/** The events of a text of server-sent events; undefined when it is none. */
export function parseEventText(text: string): readonly unknown[] | undefined {
  if (!/^\s*(data|event): ?\S/.test(text)) return undefined;
  const events: unknown[] = [];
  for (const line of text.split("\n")) {
    if (!line.startsWith("data:") || line.includes("[DONE]")) continue;
    try {
      events.push(JSON.parse(line.slice("data:".length)));
    } catch {
      return undefined;
    }
  }
  return events.length > 0 && isStream(events) ? events : undefined;
}

const indexOf = (value: JsonObject): number => (typeof value["index"] === "number" ? value["index"] : 0);

interface Joined {
  text: string;
  refusal: string;
  finish: unknown;
  calls: Map<number, { name: string; arguments: string }>;
}

const start = (): Joined => ({ text: "", refusal: "", finish: undefined, calls: new Map() });

function addCall(joined: Joined, index: number, name: unknown, more: unknown): void {
  const call = joined.calls.get(index) ?? { name: "", arguments: "" };
  joined.calls.set(index, call);
  if (typeof name === "string") call.name += name;
  if (typeof more === "string") call.arguments += more;
}

function addDelta(joined: Joined, delta: JsonObject): void {
  if (typeof delta["content"] === "string") joined.text += delta["content"];
  if (typeof delta["refusal"] === "string") joined.refusal += delta["refusal"];
  const calls: readonly unknown[] = Array.isArray(delta["tool_calls"]) ? delta["tool_calls"] : [];
  for (const call of calls) {
    if (!isJsonObject(call) || !isJsonObject(call["function"])) continue;
    addCall(joined, indexOf(call), call["function"]["name"], call["function"]["arguments"]);
  }
  const legacy = delta["function_call"];
  if (isJsonObject(legacy)) addCall(joined, 0, legacy["name"], legacy["arguments"]);
}

/** Events of Anthropic's and Bedrock's streams. */
function addEvent(joined: Joined, event: JsonObject): void {
  const index = indexOf(event);
  const block = event["content_block"];
  if (isJsonObject(block) && block["type"] === "tool_use") addCall(joined, index, block["name"], undefined);
  if (isJsonObject(block) && typeof block["text"] === "string") joined.text += block["text"];
  const bedrock = event["contentBlockDelta"];
  const delta = isJsonObject(bedrock) ? bedrock["delta"] : event["delta"];
  if (typeof delta === "string" && event["type"] === "response.output_text.delta") joined.text += delta;
  if (!isJsonObject(delta)) return;
  if (typeof delta["text"] === "string") joined.text += delta["text"];
  if (typeof delta["partial_json"] === "string") addCall(joined, index, undefined, delta["partial_json"]);
  joined.finish = delta["stop_reason"] ?? joined.finish;
}

function wholeChoice(joined: Joined): JsonObject {
  const calls = [...joined.calls.values()].map((call) => ({ function: call }));
  const message = {
    content: joined.text,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(joined.refusal !== "" && { refusal: joined.refusal }),
  };
  return { message, finish_reason: joined.finish ?? "stop" };
}

function addCandidate(joined: Joined, candidate: JsonObject): void {
  const content = candidate["content"];
  const parts: readonly unknown[] = isJsonObject(content) && Array.isArray(content["parts"]) ? content["parts"] : [];
  for (const part of parts) if (isJsonObject(part) && typeof part["text"] === "string") joined.text += part["text"];
  joined.finish = candidate["finishReason"] ?? joined.finish;
}

/** One response of the chunks, its meta from the last chunk that has any; undefined when the list holds none. */
export function joinStream(list: readonly unknown[]): JsonObject | undefined {
  const choices = new Map<number, Joined>();
  let meta: JsonObject = {};
  const at = (index: number): Joined => {
    const joined = choices.get(index) ?? start();
    choices.set(index, joined);
    return joined;
  };
  for (const chunk of list) {
    if (!isJsonObject(chunk)) continue;
    const whole = chunk["response"];
    if (chunk["type"] === "response.completed" && isJsonObject(whole)) return whole;
    for (const field of ["id", "model", "created", "usage"])
      if (chunk[field]) meta = { ...meta, [field]: chunk[field] };
    const entries: readonly unknown[] = Array.isArray(chunk["choices"])
      ? chunk["choices"]
      : Array.isArray(chunk["candidates"])
        ? chunk["candidates"]
        : [];
    for (const entry of entries) {
      if (!isJsonObject(entry)) continue;
      const joined = at(indexOf(entry));
      if (isJsonObject(entry["delta"])) addDelta(joined, entry["delta"]);
      else addCandidate(joined, entry);
      joined.finish = entry["finish_reason"] ?? joined.finish;
    }
    if (entries.length === 0) addEvent(at(0), chunk);
  }
  return choices.size === 0 ? undefined : { ...meta, choices: [...choices.values()].map(wholeChoice) };
}
