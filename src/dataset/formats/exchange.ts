/** @file A call given as what was asked and what was answered, made into records: one for each answer, of which the first stands for
 *  the call. Knows no platform. */
import { isRejection, readMeta, type RecordMeta, type Rejection, type Writable } from "../fields.js";
import type { Reading } from "../reading.js";
import type { Message } from "../types.js";
import type { Parsed, ParsedLine } from "./format.js";
import { messagesOfRequest, type Answer } from "./messages.js";
import { answersOf } from "./responses.js";
import { embedded } from "./path.js";
import { type JsonObject, isJsonObject } from "../../json.js";

/** One record of its parts; a key that is absent stays absent. */
export function assemble(meta: RecordMeta, messages: readonly Message[], answer: Answer): Parsed {
  return Object.assign(meta, { messages }, answer);
}

/** A record for each answer to one call: the further ones occur no further time. */
export function assembleAll(meta: RecordMeta, messages: readonly Message[], answers: readonly Answer[]): ParsedLine {
  const [first] = answers;
  if (first !== undefined && answers.length === 1) return assemble(meta, messages, first);
  return answers.map((answer, i) => {
    if (i === 0) return assemble({ ...meta }, messages, answer);
    const known = meta.id ?? (meta.timestampMs === undefined ? undefined : String(meta.timestampMs));
    return assemble({ ...meta, ...(known !== undefined && { id: `${known}#${i}` }), occurrences: 0 }, messages, answer);
  });
}

/** A call given as request and response payloads of any vendor. */
export function parseExchange(
  request: JsonObject,
  response: unknown,
  meta: Writable<RecordMeta>,
  reading: Reading,
): ParsedLine | Rejection {
  const messages = messagesOfRequest(request);
  if (isRejection(messages)) return messages;
  const answers = answersOf(response);
  if (isRejection(answers)) return answers;
  readBodies(response, meta, reading);
  readBodies(request, meta, reading);
  return assembleAll(meta, messages, answers);
}

/** What a request or response says of the call, in its body too. */
export function readBodies(given: unknown, meta: Writable<RecordMeta>, reading: Reading): void {
  const value = embedded(given);
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  if (!isJsonObject(last)) return;
  const { gold } = meta;
  readMeta(last, meta, reading);
  for (const key of ["body", "llm_output"]) {
    const body = embedded(last[key]);
    if (isJsonObject(body)) readMeta(body, meta, reading);
  }
  // A field `label` in a request or an answer is part of it, not the right answer.
  if (gold === undefined) delete meta.gold;
}
