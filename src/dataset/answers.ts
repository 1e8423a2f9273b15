/** @file What a raw answer says: the label out of the JSON, Markdown, reasoning and phrases around it, or why it is no label. A table of
 *  unwrapping rules, applied until none fits; each is counted under its name. Knows no label set and no workload. Pure. */
import { isJsonObject, type JsonObject } from "../json.js";
import { NO_VALUE } from "./absent.js";

/** Why an answer is no label. */
export type NoLabel =
  | "an error instead of an answer"
  | "a refusal"
  | "an empty list or object"
  | "no value (null, None, NaN)"
  | "reasoning without an answer"
  | "several labels in one answer";

/** What was taken off an answer, in the order of taking. */
export type Unwrapping = readonly string[];

export type AnswerRead =
  | { readonly kind: "text"; readonly text: string; readonly unwrapped: Unwrapping }
  | { readonly kind: "fields"; readonly fields: JsonObject; readonly unwrapped: Unwrapping }
  | { readonly kind: "none"; readonly reason: NoLabel; readonly unwrapped: Unwrapping };

/** One step: another text, a parsed value, or the end. */
type Step =
  | { readonly text: string }
  | { readonly value: unknown }
  | { readonly reason: NoLabel }
  | { readonly end: string };

interface Rule {
  readonly name: string;
  readonly apply: (text: string) => Step | undefined;
}

/** Longest answer that is searched for a label: what is longer is a text. */
const MAXIMUM_ANSWER_LENGTH = 100_000;
/** More layers than this wrap no label. */
const MAXIMUM_LAYERS = 8;
/** A refusal is a sentence: a shorter answer may be a label. */
const LEAST_REFUSAL_LENGTH = 16;
const LONGEST_ITEM = 80;

/** A short answer in one line without a character that any rule looks for. */
const PLAIN = /^[^\n:：{}[\]"'`<>|\\]{1,80}$/;

const FINAL_CHANNEL = /<\|channel\|>\s*final[^<]*<\|message\|>/g;
const THINKING_END = /<\/(?:think|thinking|thought|reasoning|analysis|scratchpad)>/gi;
const THINKING_START = /^\s*<(?:think|thinking|thought|reasoning|analysis|scratchpad)>/i;
const TAGGED = /<(answer|final_answer|label|category|class|intent|output|result|final)>([^<]*)<\/\1>/gi;
const FENCE = /```[^\n`{["]*\n?([^]*?)```/g;
const BOXED = /\\boxed\{(?:\\text\{)?([^{}]*)\}?\}/g;
const ITEM = /^\s*(?:[-*•・]|\d{1,2}[.)])\s+(.*)$/;
const MARKER =
  /(?:^|\n|[.!?。]\s*)[ \t*_#>-]*(?:(?:so|thus|therefore|hence),?\s+)?(?:the\s+)?(?:(?:final|correct|best|predicted|most likely)\s+)?(?:answer|label|category|class|classification|intent|最終回答|最終的な答え|回答|答え|ラベル|分類|カテゴリー?|結論)[ \t*_]*(?:(?:is|は)[ \t*_]*[:：]?|[:：])[ \t*_]*/giu;
const REFUSAL =
  /^(?:(?:i[’']?m|i am)\s+(?:(?:very|so|really|truly)\s+)?(?:sorry|afraid|unable|not able)|sorry[,.!]|my apologies|i apologi[sz]e|(?:unfortunately,?\s+)?i\s+(?:cannot|can\s?not|can[’']t|won[’']t|am unable|do not feel comfortable|don[’']t feel comfortable)|as an ai\b|申し訳|すみませんが|恐れ入りますが|恐縮ですが|お答えでき|回答でき|対応でき)/i;
const ERROR_TEXT =
  /^(?:error code: \d|\[error\]|api ?error\b|traceback \(|rate limit (?:exceeded|reached)|(?:http )?(?:4\d\d|5\d\d) (?:too many|internal|bad gateway|service|gateway|unauthorized|forbidden))/i;

function lastMatch(pattern: RegExp, text: string): RegExpExecArray | undefined {
  let last: RegExpExecArray | undefined;
  for (const match of text.matchAll(pattern)) last = match;
  return last;
}

function finalChannel(text: string): Step | undefined {
  if (!text.includes("<|")) return undefined;
  const match = lastMatch(FINAL_CHANNEL, text);
  if (match !== undefined) return { text: text.slice(match.index + match[0].length).replace(/<\|[^]*$/, "") };
  if (text.includes("<|channel|>")) return { reason: "reasoning without an answer" };
  return { text: text.replace(/<\|[a-z_]+\|>/g, "") };
}

function afterThinking(text: string): Step | undefined {
  if (!text.includes("<")) return undefined;
  const end = lastMatch(THINKING_END, text);
  if (end !== undefined) {
    const rest = text.slice(end.index + end[0].length);
    return rest.trim() === "" ? { reason: "reasoning without an answer" } : { text: rest };
  }
  return THINKING_START.test(text) ? { reason: "reasoning without an answer" } : undefined;
}

function tagged(text: string): Step | undefined {
  const match = text.includes("</") ? lastMatch(TAGGED, text) : undefined;
  return match?.[2] === undefined ? undefined : { text: match[2] };
}

function fenced(text: string): Step | undefined {
  if (!text.includes("```")) return undefined;
  const blocks = [...text.matchAll(FENCE)];
  const [first] = blocks;
  return blocks.length === 1 && first?.[1] !== undefined ? { text: first[1] } : undefined;
}

function parsed(text: string): Step | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Python writes lists and dictionaries with single quotes; one that holds other quotes inside is left. */
function pythonLiteral(text: string): Step | undefined {
  if (!/^[[{]\s*'/.test(text) || text.includes('"') || text.includes("\\")) return undefined;
  const json = text
    .replace(/'([^']*)'/g, '"$1"')
    .replace(/\bTrue\b/g, "true")
    .replace(/\bFalse\b/g, "false")
    .replace(/\b(?:None|nan|NaN)\b/g, "null");
  return parsed(json);
}

function json(text: string): Step | undefined {
  const first = text.charAt(0);
  if (first !== "{" && first !== "[" && first !== '"') return undefined;
  return parsed(text) ?? pythonLiteral(text);
}

/** An object with words around it. */
function embeddedJson(text: string): Step | undefined {
  const [start, end] = [text.indexOf("{"), text.lastIndexOf("}")];
  if (start < 0 || end <= start || (start === 0 && end === text.length - 1)) return undefined;
  const step = parsed(text.slice(start, end + 1)) ?? pythonLiteral(text.slice(start, end + 1));
  return step !== undefined && "value" in step && isJsonObject(step.value) ? step : undefined;
}

function boxed(text: string): Step | undefined {
  const match = text.includes("\\boxed") ? lastMatch(BOXED, text) : undefined;
  return match?.[1] === undefined ? undefined : { text: match[1] };
}

/** What follows the last `Answer:`, to the end of its line unless that opens JSON or a fence. */
function marked(text: string): Step | undefined {
  const match = lastMatch(MARKER, text);
  if (match === undefined) return undefined;
  const rest = text.slice(match.index + match[0].length).trim();
  if (rest === "") return undefined;
  if (/^(?:[{[]|```)/.test(rest)) return { text: rest };
  const line = rest.split("\n", 1)[0] ?? rest;
  const stars = match[0].includes("**") && !line.startsWith("**");
  return { text: stars ? line.replace(/\*\*\s*$/, "") : line };
}

/** A list of bullets: one is its item, several are several labels. */
function bullets(text: string): Step | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const items = lines.flatMap((line) => ITEM.exec(line)?.[1]?.trim() ?? []);
  if (items.length !== lines.length || items.some((item) => item.length > LONGEST_ITEM)) return undefined;
  if (items.length === 1) return text.includes("\n") || /^\s*[-*•・]/.test(text) ? { text: items[0] ?? "" } : undefined;
  return new Set(items).size > 1 ? { reason: "several labels in one answer" } : { text: items[0] ?? "" };
}

function refused(text: string): Step | undefined {
  if (ERROR_TEXT.test(text)) return { reason: "an error instead of an answer" };
  return text.length >= LEAST_REFUSAL_LENGTH && REFUSAL.test(text) ? { reason: "a refusal" } : undefined;
}

function noValue(text: string): Step | undefined {
  if (text === "[]" || text === "{}") return { reason: "an empty list or object" };
  return NO_VALUE.has(text) ? { reason: "no value (null, None, NaN)" } : undefined;
}

/** In the order in which they are tried; the first that fits is a step. */
const RULES: readonly Rule[] = [
  { name: "no value", apply: noValue },
  { name: "reasoning (channels)", apply: finalChannel },
  { name: "reasoning", apply: afterThinking },
  { name: "JSON", apply: json },
  { name: "Markdown fence", apply: fenced },
  { name: "tags", apply: tagged },
  { name: "boxed", apply: boxed },
  { name: "refusal", apply: refused },
  { name: "JSON among words", apply: embeddedJson },
  { name: "a phrase before it", apply: marked },
  { name: "a bullet", apply: bullets },
];

/** Text of a chat message, of content parts or of a completion; undefined for any other object. */
function contentOf(value: JsonObject): unknown {
  const { choices, message, content, role, text, type, parts } = value;
  if (Array.isArray(choices) && isJsonObject(choices[0])) return contentOf(choices[0]);
  if (isJsonObject(message)) return message["content"];
  if (content !== undefined && (role !== undefined || Object.keys(value).length === 1)) return content;
  if (role !== undefined && Array.isArray(parts)) return parts;
  return typeof text === "string" && (type === "text" || type === "output_text") ? text : undefined;
}

function isErrorBody(value: JsonObject): boolean {
  const { error, type } = value;
  return type === "error" || isJsonObject(error) || (typeof error === "string" && error !== "");
}

const isScored = (entry: unknown): entry is JsonObject =>
  isJsonObject(entry) && typeof entry["label"] === "string" && typeof entry["score"] === "number";

/** A list: its one element; of scored labels the best; text parts joined; several labels are none. */
function stepOfList(list: readonly unknown[]): { readonly name: string; readonly step: Step } | undefined {
  if (list.length === 0) return { name: "no value", step: { reason: "an empty list or object" } };
  if (list.length === 1) return { name: "a list of one", step: { value: list[0] } };
  if (list.every(isScored)) {
    const best = list.reduce((a, b) => (Number(b["score"]) > Number(a["score"]) ? b : a));
    return { name: "the highest score", step: { value: best["label"] } };
  }
  if (list.every(isJsonObject)) {
    const texts = list.map(contentOf).filter((text) => typeof text === "string");
    return texts.length === list.length ? { name: "text parts", step: { text: texts.join("") } } : undefined;
  }
  const distinct = new Set(list.map((entry) => JSON.stringify(entry).trim().toLowerCase()));
  if (distinct.size === 1) return { name: "a list of one", step: { value: list[0] } };
  return { name: "a list", step: { reason: "several labels in one answer" } };
}

function stepOfValue(value: unknown): { readonly name?: string; readonly step: Step } | JsonObject {
  if (value === null || value === undefined) return { step: { reason: "no value (null, None, NaN)" } };
  if (typeof value === "string") return { step: { text: value } };
  if (typeof value === "number" || typeof value === "boolean") return { step: { end: String(value) } };
  if (Array.isArray(value)) return stepOfList(value as readonly unknown[]) ?? { step: { end: JSON.stringify(value) } };
  if (!isJsonObject(value)) return { step: { end: "" } };
  if (isErrorBody(value)) return { step: { reason: "an error instead of an answer" } };
  const content = contentOf(value);
  if (content !== undefined) return { name: "a message", step: { value: content } };
  if (Object.keys(value).length === 0) return { step: { reason: "an empty list or object" } };
  return value;
}

function isStepped(found: ReturnType<typeof stepOfValue>): found is { readonly name?: string; readonly step: Step } {
  return "step" in found && isJsonObject(found["step"]);
}

function applyRules(text: string): { readonly name: string; readonly step: Step } | undefined {
  if (PLAIN.test(text) && text.length < LEAST_REFUSAL_LENGTH && !NO_VALUE.has(text) && !ITEM.test(text))
    return undefined;
  if (text.length > MAXIMUM_ANSWER_LENGTH) return undefined;
  for (const { name, apply } of RULES) {
    const step = apply(text);
    if (step !== undefined) return { name, step };
  }
  return undefined;
}

/** What an answer says. `isNamed` knows texts that are labels as they stand, because the prompt names them: they are left alone. */
export function unwrapAnswer(answer: string, isNamed: (text: string) => boolean = () => false): AnswerRead {
  const unwrapped: string[] = [];
  let text = answer.trim();
  let value: { readonly of: unknown } | undefined;
  for (let layer = 0; layer < MAXIMUM_LAYERS; layer++) {
    let step: Step;
    if (value !== undefined) {
      const found = stepOfValue(value.of);
      if (!isStepped(found)) return { kind: "fields", fields: found, unwrapped };
      if (found.name !== undefined) unwrapped.push(found.name);
      step = found.step;
      value = undefined;
    } else {
      const found = text === "" ? undefined : applyRules(text);
      if (found === undefined || isNamed(text)) break;
      step = found.step;
      if (!("reason" in step)) unwrapped.push(found.name);
    }
    if ("reason" in step) return { kind: "none", reason: step.reason, unwrapped };
    if ("end" in step) return { kind: "text", text: step.end, unwrapped };
    if ("value" in step) value = { of: step.value };
    else text = step.text.trim();
  }
  return { kind: "text", text, unwrapped };
}
