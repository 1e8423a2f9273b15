/** @file One question to its end: reserve, write down, send, read, write down; again after failures that a retry can mend. Knows no order
 *  and no other question but through what they share (budget, pause, features, history). */
import { callUsd } from "../cost.js";
import { UpstreamError } from "../errors.js";
import { createRandom } from "../random.js";
import type { ChatRequest } from "../wire/chat.js";
import type { ChatClient, ChatReply } from "../wire/client.js";
import { readAnswer } from "./answer.js";
import type { Budget } from "./budget.js";
import type { Features, FeatureSet } from "./features.js";
import type { AnswerEntry, History } from "./history.js";
import { requestOf, worstUsd, type Question, type TeacherSettings } from "./question.js";
import { LONGEST_RETRY_AFTER_MS, retryDelayMs, waitMs, type Pause } from "./retry.js";

/** What all questions of one labelling share. */
export interface Asking {
  readonly client: ChatClient;
  readonly settings: TeacherSettings;
  readonly indexOf: (spelling: string) => number;
  readonly history: History;
  readonly features: Features;
  readonly pause: Pause;
  readonly budget?: Budget;
  /** Attempts at one question. */
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly note: (text: string) => void;
  /** Called for each failure, by reason. */
  readonly onFailure: (reason: string) => void;
  /** Ends waiting, but no request: what is in flight may cost money and is wanted. */
  readonly halt: AbortSignal;
  /** Ends requests too. */
  readonly signal?: AbortSignal;
}

/** answered and refused are written down; failed may be asked again by a later run; unaffordable was not sent. */
export type Asked = "answered" | "refused" | "failed" | "unaffordable";

interface Sent {
  readonly request: ChatRequest;
  readonly features: FeatureSet;
  /** The most it can cost; undefined without prices. */
  readonly worstUsd: number | undefined;
}

function costOf(reply: ChatReply, sent: Sent, settings: TeacherSettings): Pick<AnswerEntry, "costUsd" | "isCostBound"> {
  const { usage } = reply.completion;
  if (settings.price === undefined || sent.worstUsd === undefined) return {};
  if (typeof usage?.prompt_tokens !== "number" || typeof usage.completion_tokens !== "number") {
    return { costUsd: sent.worstUsd, isCostBound: true };
  }
  return { costUsd: callUsd(usage.prompt_tokens, usage.completion_tokens, settings.price) };
}

function entryOf(asking: Asking, question: Question, sent: Sent, reply: ChatReply): AnswerEntry {
  const { settings } = asking;
  const { completion, latencyMs } = reply;
  const { label, rejected, content, isJson, logprobs, withoutLogprobs } = readAnswer(completion, asking.indexOf);
  const name = settings.labels[label];
  const missing =
    settings.topLogprobs === 0 ? "not asked" : sent.features.logprobs ? withoutLogprobs : ("refused" as const);
  const usage = completion.usage;
  return {
    kind: "answer",
    id: question.id,
    ...(name === undefined ? { rejected: rejected ?? "" } : { label: name }),
    content,
    isJson,
    ...(missing === undefined || name === undefined ? {} : { withoutLogprobs: missing }),
    ...(logprobs === undefined
      ? {}
      : { logprobs: logprobs.map((token) => ({ ...token, top_logprobs: [...token.top_logprobs] })) }),
    ...(completion.model === undefined ? {} : { model: completion.model }),
    ...(typeof usage?.prompt_tokens === "number" ? { inputTokens: usage.prompt_tokens } : {}),
    ...(typeof usage?.completion_tokens === "number" ? { outputTokens: usage.completion_tokens } : {}),
    ...costOf(reply, sent, settings),
    latencyMs,
    maxTokens: settings.maxTokens,
  };
}

/** Reserves and writes down; undefined when the budget does not reach. */
async function prepare(asking: Asking, question: Question): Promise<Sent | undefined> {
  const features = asking.features.current;
  const request = requestOf(question, asking.settings, features);
  const worst = worstUsd(request, asking.settings);
  if (asking.budget !== undefined && !(await asking.budget.reserve(worst ?? 0))) return undefined;
  await asking.history.add({ kind: "sent", id: question.id, ...(worst === undefined ? {} : { usd: worst }) });
  return { request, features, worstUsd: worst };
}

/** Writes a failure down and says what to do about it. */
async function settleFailure(
  asking: Asking,
  question: Question,
  sent: Sent,
  error: UpstreamError,
): Promise<"again at once" | "again later" | "refused" | "failed"> {
  const usd = error.mayHaveCost ? (sent.worstUsd ?? 0) : 0;
  const refusal = asking.features.refuse(error, sent.features);
  const isPermanent = !error.retryable && !error.isForAll && refusal.verdict === "no";
  // Before the first answer a refusal may mean every question.
  const isFinal = isPermanent && asking.features.isConfirmed;
  await asking.history.add({ kind: "failed", id: question.id, usd, reason: error.message, isFinal });
  asking.budget?.settle(sent.worstUsd ?? 0, usd);
  if (refusal.states !== undefined) asking.note(refusal.states);
  if (refusal.verdict === "again") return "again at once";
  if (error.isForAll) throw error;
  if ((error.retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS) throw closedForNow(error);
  if (isPermanent) return isFinal ? "refused" : "failed";
  return "again later";
}

function closedForNow(error: UpstreamError): UpstreamError {
  const seconds = Math.ceil((error.retryAfterMs ?? 0) / 1000);
  return new UpstreamError(`${error.message}: the server asks to wait ${seconds} s`, {
    hint: "run the same command again then",
    isForAll: true,
    mayHaveCost: false,
    cause: error,
  });
}

/** Asks a question until it is answered, refused, or the attempts or the budget are used up. @throws UpstreamError when no question can
 *  be answered (key, address, credit), StoreError, the reason of the
 *  signal that ended it. */
export async function ask(asking: Asking, question: Question): Promise<Asked> {
  const random = createRandom(asking.settings.seed, `retry-${question.id}`);
  for (let failures = 0; failures < asking.attempts;) {
    await asking.pause.over(asking.halt);
    const sent = await prepare(asking, question);
    if (sent === undefined) return "unaffordable";
    let reply: ChatReply;
    try {
      reply = await asking.client.complete(sent.request, asking.signal);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      const next = await settleFailure(asking, question, sent, error);
      if (next === "again at once") continue;
      asking.onFailure(reasonOf(error));
      if (next !== "again later") return next;
      failures++;
      if (failures === asking.attempts) return "failed";
      if (error.retryAfterMs !== undefined) asking.pause.extend(error.retryAfterMs);
      await waitMs(retryDelayMs(failures, random, asking.firstDelayMs), asking.halt);
      continue;
    }
    const entry = entryOf(asking, question, sent, reply);
    await asking.history.add(entry);
    asking.features.confirm();
    asking.budget?.settle(sent.worstUsd ?? 0, entry.costUsd ?? 0);
    return "answered";
  }
  return "failed";
}

/** Failures are counted by their status, or by what happened to the connection. */
function reasonOf(error: UpstreamError): string {
  if (error.status !== undefined) return `HTTP ${error.status}`;
  return error.message.replace(/^https?:\/\/\S+: /, "").split(";")[0] ?? "";
}
