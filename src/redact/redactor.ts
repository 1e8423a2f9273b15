/** @file Personal data out of texts and records. One value has one surrogate within a conversation and another in the next (HMAC under a key),
 *  in questions and answers alike, so that what is learned from stays aligned. What cannot be redacted is refused, never passed. Reads no file
 *  and no clock; the table of kinds is `table.ts`. */
import { Draw } from "./draw.js";
import { PATTERNED_KINDS, type Kind, type RedactionFacts } from "./kinds.js";
import { DetectorFailure, Matcher, type Match } from "./matches.js";
import type { NameDetector } from "./names.js";
import { Pass } from "./pass.js";
import { HAS, scan } from "./triggers.js";
import type { Rejection } from "../json.js";

export interface RedactorOptions {
  /** Whoever holds it can tell whether a surrogate stands for a value; the same key gives the same surrogates. */
  readonly key: string;
  /** All but names when absent; names too where they have a detector. */
  readonly kinds?: readonly Kind[];
  /** Kinds that stay. */
  readonly keep?: readonly Kind[];
  /** Values that stay, and ends of e-mail addresses such as "@example.org". */
  readonly allow?: readonly string[];
  readonly names?: NameDetector;
  /** Longest text, UTF-16 units. */
  readonly maximumUnits?: number;
}

interface RedactableMessage {
  readonly role: string;
  readonly content: string;
  readonly toolCalls?: readonly RedactableCall[];
}

interface RedactableCall {
  readonly name: string;
  readonly arguments: string;
}

/** What of a record is read; everything else stays. */
export interface Redactable {
  readonly messages: readonly RedactableMessage[];
  readonly answer: string;
  readonly toolCalls?: readonly RedactableCall[];
  readonly gold?: string;
  readonly logprobs?: unknown;
  readonly id?: string;
  readonly user?: string;
  readonly conversation?: string;
}

export interface Redactor {
  /** The text with surrogates; the same scope gives the same ones. */
  readonly redactText: (text: string, scope: string) => string | Rejection;
  /** The record with surrogates, user and conversation under other names; log-probabilities of a changed answer are left out, for they
   *  spell the value. */
  readonly redactRecord: <T extends Redactable>(record: T) => T | Rejection;
  readonly facts: () => RedactionFacts;
}

/** No text of a chat is longer, and a longer one is not searched in reasonable time. */
const MAXIMUM_UNITS = 4_000_000;
/** Pictures and sounds within a text. */
const EMBEDDED = /;base64,|[A-Za-z0-9+/]{2000}/;
/** Values in system prompts are the application's, the same in every conversation: the prompt stays one prompt. */
const SYSTEM_SCOPE = "system";

class Refusal extends Error {}

export function createRedactor(options: RedactorOptions): Redactor {
  const redaction = new Redaction(options);
  return {
    redactText: (text, scope) => redaction.text(text, scope),
    redactRecord: (record) => redaction.record(record),
    facts: () => redaction.facts(),
  };
}

class Redaction {
  private readonly matcher: Matcher;
  private readonly counts = new Map<Kind, number>();
  private readonly rejected = new Map<string, number>();
  private readonly keep: readonly Kind[];
  private inSystemPrompts = 0;
  /** System prompts repeat from call to call: the last one without a find is not searched again. */
  private cleanSystem = "";

  constructor(private readonly options: RedactorOptions) {
    const { keep = [], allow = [], names } = options;
    const kinds = options.kinds ?? [...PATTERNED_KINDS, ...(names === undefined ? [] : (["name"] as const))];
    const searched = new Set(kinds.filter((kind) => !keep.includes(kind)));
    this.keep = [...new Set(keep)];
    this.matcher = new Matcher({ kinds: searched, allow, ...(names === undefined ? {} : { names }) });
  }

  text(text: string, scope: string): string | Rejection {
    return this.refusing(() => {
      const pass = new Pass(this.options.key, (part) => this.find(part));
      pass.learn(text, scope);
      const changed = pass.change(text);
      this.count(pass);
      return changed;
    });
  }

  record<T extends Redactable>(record: T): T | Rejection {
    return this.refusing(() => {
      const pass = new Pass(this.options.key, (part) => this.find(part));
      const scope = scopeOf(record);
      this.learn(pass, record, scope);
      const named = this.withOtherNames(record);
      if (pass.isClean) return named;
      const changed = changeRecord(named, (text) => pass.change(text));
      this.count(pass);
      return changed;
    });
  }

  facts(): RedactionFacts {
    return {
      counts: Object.fromEntries(this.counts),
      rejected: Object.fromEntries(this.rejected),
      keptKinds: this.keep,
      namesDetected: this.options.names !== undefined && !this.keep.includes("name"),
      inSystemPrompts: this.inSystemPrompts,
    };
  }

  /** System prompts first: their values keep one surrogate in every conversation. */
  private learn(pass: Pass, record: Redactable, scope: string): void {
    for (const { role, content } of record.messages) {
      if (role !== "system" || content === this.cleanSystem) continue;
      const found = pass.learn(content, SYSTEM_SCOPE);
      if (found === 0) this.cleanSystem = content;
      this.inSystemPrompts += found;
    }
    changeRecord(record, (text) => {
      if (text !== this.cleanSystem) pass.learn(text, scope);
      return text;
    });
  }

  /** People are told apart, not named. */
  private withOtherNames<T extends Redactable>(record: T): T {
    const other = (kind: string, name: string): string =>
      new Draw(this.options.key, `${kind}\0${name}`).alike("0a0a0a0a0a0a0a0a");
    const { user, conversation } = record;
    if (user === undefined && conversation === undefined) return record;
    return {
      ...record,
      ...(user === undefined ? {} : { user: other("user", user) }),
      ...(conversation === undefined ? {} : { conversation: other("conversation", conversation) }),
    };
  }

  /** @throws Refusal, DetectorFailure */
  private find(text: string): readonly Match[] {
    const most = this.options.maximumUnits ?? MAXIMUM_UNITS;
    if (text.length > most) throw new Refusal(`a text is longer than ${most} characters`);
    const scanned = scan(text);
    if ((scanned.has & HAS.binary) !== 0 || ((scanned.has & HAS.longRun) !== 0 && EMBEDDED.test(text)))
      throw new Refusal("a text holds binary data");
    return this.matcher.find(text, scanned);
  }

  private count(pass: Pass): void {
    for (const [kind, count] of pass.counts) this.counts.set(kind, (this.counts.get(kind) ?? 0) + count);
  }

  private refusing<T>(redact: () => T): T | Rejection {
    try {
      return redact();
    } catch (cause) {
      const reason = reasonOf(cause);
      this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1);
      return { reject: `not redacted: ${reason}` };
    }
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Refusal || cause instanceof DetectorFailure) return cause.message;
  if (cause instanceof RangeError) return "a text is nested too deep";
  throw cause;
}

/** The conversation as the log names it, else as its first turn tells it, which every later call repeats. */
function scopeOf({ conversation, messages }: Redactable): string {
  if (conversation !== undefined) return `c${conversation}`;
  return `t${messages.find(({ role }) => role === "user")?.content.trim() ?? ""}`;
}

function changeCall<T extends RedactableCall>(call: T, change: (text: string) => string): T {
  return { ...call, arguments: change(call.arguments) };
}

/** The record with every text of it changed; the same object where none is. */
function changeRecord<T extends Redactable>(record: T, change: (text: string) => string): T {
  const messages = record.messages.map((message) => {
    const content = change(message.content);
    const calls = message.toolCalls?.map((call) => changeCall(call, change));
    return { ...message, content, ...(calls === undefined ? {} : { toolCalls: calls }) };
  });
  const answer = change(record.answer);
  const calls = record.toolCalls?.map((call) => changeCall(call, change));
  const { logprobs, ...rest } = record;
  const changed = {
    ...rest,
    messages,
    answer,
    ...(calls === undefined ? {} : { toolCalls: calls }),
    ...(record.gold === undefined ? {} : { gold: change(record.gold) }),
    ...(record.id === undefined ? {} : { id: change(record.id) }),
    ...(logprobs === undefined || answer !== record.answer ? {} : { logprobs }),
  };
  return changed as unknown as T;
}
