/** @file A completion as a label, or the reason why it is none: answers outside the label set are kept as rejected, never guessed. Also
 *  the log-probabilities of the label alone, cut out of those of the JSON around it, as the import of logs expects them: a token that
 *  closes the JSON string becomes a line break, which ends a label there. Pure. */
import { logprobsOf, withoutThinking } from "../dataset/formats/messages.js";
import type { TokenLogprobs } from "../dataset/types.js";
import { wholeTokens } from "../dataset/whole-tokens.js";
import type { ChatCompletion } from "../wire/chat.js";

/** A token of a label with its alternatives, natural logarithm, in OpenAI's shape. */
export interface LabelToken {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs: readonly { readonly token: string; readonly logprob: number }[];
}

export interface ReadAnswer {
  readonly content: string;
  /** Index of the label, -1 when rejected. */
  readonly label: number;
  readonly rejected?: string;
  /** The answer came as JSON. */
  readonly isJson: boolean;
  readonly logprobs?: readonly LabelToken[];
  /** Why there are none: the server sent none, or they do not spell the answer. */
  readonly withoutLogprobs?: "absent" | "not aligned";
}

export const CUT_OFF = "the answer was cut off (finish_reason length): raise --max-tokens";
const FINISHES: ReadonlyMap<string, string> = new Map([
  ["length", CUT_OFF],
  ["content_filter", "the answer was filtered (finish_reason content_filter)"],
]);
const OUTSIDE = "the answer is none of the labels";

interface Spelling {
  readonly text: string;
  readonly isJson: boolean;
}

/** What the content says: the `label` of a JSON object, else all of it. */
function spellingOf(content: string): Spelling {
  const text = withoutThinking(content).trim();
  if (!text.startsWith("{")) return { text, isJson: false };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "label" in value && typeof value.label === "string") {
      return { text: value.label, isJson: true };
    }
  } catch {
    return { text, isJson: false };
  }
  return { text, isJson: false };
}

function rejectionOf(completion: ChatCompletion, content: string): string | undefined {
  const [{ message, finish_reason: finish }] = completion.choices;
  if (typeof message.refusal === "string" && message.refusal !== "") return "the teacher refused";
  const unfinished = FINISHES.get(finish ?? "");
  if (unfinished !== undefined) return unfinished;
  return withoutThinking(content).trim() === "" ? "the answer is empty" : undefined;
}

/** Reads a completion; `indexOf` knows the labels. */
export function readAnswer(completion: ChatCompletion, indexOf: (spelling: string) => number): ReadAnswer {
  const [{ message, logprobs }] = completion.choices;
  const content = message.content ?? "";
  const spelling = spellingOf(content);
  const rejected = rejectionOf(completion, content);
  const label = rejected === undefined ? indexOf(spelling.text.trim()) : -1;
  const base = { content, label, isJson: spelling.isJson };
  if (label < 0) return { ...base, rejected: rejected ?? OUTSIDE };
  const tokens = logprobsOf(logprobs) ?? [];
  if (tokens.length === 0) return { ...base, withoutLogprobs: "absent" };
  const found = labelTokens(tokens, spelling) ?? labelTokens(wholeTokens(tokens) ?? [], spelling);
  return found === undefined ? { ...base, withoutLogprobs: "not aligned" } : { ...base, logprobs: found };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the label stands in the text that the tokens spell. */
function spanOf(joined: string, spelling: Spelling): Span | undefined {
  if (!spelling.isJson) {
    const start = joined.lastIndexOf(spelling.text);
    const end = start + spelling.text.length;
    return start < 0 || joined.slice(end).trim() !== "" ? undefined : { start, end };
  }
  const opening = [...joined.matchAll(/"label"\s*:\s*"/g)].at(-1);
  if (opening === undefined) return undefined;
  const start = opening.index + opening[0].length;
  const end = start + spelling.text.length;
  return joined.slice(start, end + 1) === `${spelling.text}"` ? { start, end } : undefined;
}

/** The tokens that spell the label, from a JSON answer also the one that ends it. */
function labelTokens(tokens: readonly TokenLogprobs[], spelling: Spelling): readonly LabelToken[] | undefined {
  const span = spanOf(tokens.map(({ token }) => token).join(""), spelling);
  if (span === undefined) return undefined;
  const last = spelling.isJson ? span.end : span.end - 1;
  const found: LabelToken[] = [];
  let at = 0;
  for (const token of tokens) {
    const next = at + token.token.length;
    if (next > span.start && at <= last && next > at)
      found.push(trimmed(token, Math.max(0, span.start - at), spelling));
    at = next;
  }
  return found;
}

/** A token without its first `skipped` characters, which belong to the JSON; alternatives that begin otherwise are left out (the import
 *  counts them as outside the labels). */
function trimmed(token: TokenLogprobs, skipped: number, spelling: Spelling): LabelToken {
  // White space before a label says nothing: it stays, so that alternatives without it stay too.
  const lead = token.token.slice(0, skipped).trimStart() === "" ? "" : token.token.slice(0, skipped);
  const cut = (text: string): string => {
    const piece = text.slice(lead.length);
    const quote = spelling.isJson ? piece.indexOf('"') : -1;
    return quote < 0 ? piece : `${piece.slice(0, quote)}\n`;
  };
  const masses = new Map<string, number>();
  const add = (text: string, logprob: number): void => {
    const piece = cut(text);
    masses.set(piece, (masses.get(piece) ?? 0) + Math.exp(Math.min(0, logprob)));
  };
  add(token.token, token.logprob);
  for (const other of token.top) {
    if (other.token !== token.token && other.token.startsWith(lead) && other.token.length > lead.length) {
      add(other.token, other.logprob);
    }
  }
  const top = [...masses]
    .map(([text, mass]) => ({ token: text, logprob: Math.max(LEAST_LOGPROB, Math.log(Math.min(1, mass))) }))
    .toSorted((a, b) => b.logprob - a.logprob);
  const chosen = cut(token.token);
  const logprob = top.find((other) => other.token === chosen)?.logprob ?? token.logprob;
  return { token: chosen, logprob, top_logprobs: top };
}

/** What OpenAI sends for "practically never"; JSON holds no infinity. */
const LEAST_LOGPROB = -9999;
