/** @file A teacher's server for tests: an OpenAI-compatible endpoint on the loopback whose answers come from a linear student fitted on
 *  rows of the bundled logs. It can limit, cut connections, delay, refuse, and answer nonsense, as a test tells it for each request. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { linearLogits, softmaxInPlace, trainLinear, type LinearWeights } from "../models/linear.js";
import { linearFeatures } from "../tokenizer/hashed-features.js";
import type { ChatRequest } from "../wire/chat.js";

const FEATURES = { wordBuckets: 2048, characterBuckets: 2048 };
const TRAIN_ROWS = 300;
const LABELS = 8;

interface LogRow {
  readonly text: string;
  readonly label: string;
}

function readRows(): LogRow[] {
  const lines = readFileSync("examples/banking77/logs.jsonl", "utf8").trim().split("\n");
  return lines.map((line) => {
    const { messages } = JSON.parse(line) as { messages: { content: string }[] };
    return { text: messages[1]?.content ?? "", label: messages[2]?.content ?? "" };
  });
}

const rows = readRows();
/** The label set of the test teacher. */
export const labels: readonly string[] = [...new Set(rows.map(({ label }) => label))].sort().slice(0, LABELS);
const own = rows.filter(({ label }) => labels.includes(label));
/** Distinct texts that the test teacher has not learned from. */
export const unseenTexts: readonly string[] = [...new Set(own.slice(TRAIN_ROWS).map(({ text }) => text))];

let weights: LinearWeights | undefined;

/** The teacher's probabilities of a text, [labels]. */
export function probabilitiesOf(text: string): Float64Array {
  weights ??= trainLinear({
    features: own.slice(0, TRAIN_ROWS).map((row) => linearFeatures(row.text, FEATURES)),
    targets: Int32Array.from(own.slice(0, TRAIN_ROWS), ({ label }) => labels.indexOf(label)),
    classes: labels.length,
    buckets: FEATURES.wordBuckets + FEATURES.characterBuckets,
    epochs: 6,
    learningRate: 0.2,
    l2: 0,
    labelSmoothing: 0.05,
    seed: 1,
  });
  const probabilities = linearLogits(linearFeatures(text, FEATURES), weights);
  softmaxInPlace(probabilities);
  return probabilities;
}

/** The label that the teacher gives a text. */
export function answerOf(text: string): string {
  const probabilities = probabilitiesOf(text);
  return labels[probabilities.indexOf(Math.max(...probabilities))] ?? "";
}

interface Token {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs: { token: string; logprob: number }[];
}

const fixed = (token: string): Token => ({ token, logprob: 0, top_logprobs: [{ token, logprob: 0 }] });

/** A label and its end as tokens, with the alternatives that the teacher's probabilities give at each place. */
function tokensOf(text: string, label: string, end: string): Token[] {
  const spelled = (one: string): string[] => [...(one.match(/_?[^_]+/g) ?? []), end];
  const probabilities = probabilitiesOf(text);
  let possible = labels.map((one, i) => ({ pieces: spelled(one), probability: probabilities[i] ?? 0 }));
  return spelled(label).map((piece, at) => {
    const total = possible.reduce((sum, { probability }) => sum + probability, 0);
    const masses = new Map<string, number>();
    for (const { pieces, probability } of possible) {
      const next = pieces[at] ?? "";
      masses.set(next, (masses.get(next) ?? 0) + probability / total);
    }
    possible = possible.filter(({ pieces }) => pieces[at] === piece);
    const top = [...masses].map(([token, mass]) => ({ token, logprob: Math.log(mass) }));
    return { token: piece, logprob: Math.log(masses.get(piece) ?? 0), top_logprobs: top };
  });
}

/** What a test makes the server do instead of answering, or its answer. */
export type Conduct =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly answer: string }
  | "cut"
  | "silent"
  | "not-json"
  | "as-usual";

export interface Call {
  /** 0 for the first request that the server saw. */
  readonly index: number;
  /** How many requests with this text came before. */
  readonly earlier: number;
  readonly text: string;
  readonly request: ChatRequest;
}

export interface ServerOptions {
  readonly conduct?: (call: Call) => Conduct;
  readonly withLogprobs?: boolean;
  readonly withUsage?: boolean;
  /** Waits before an answer, so that requests overlap. */
  readonly delayMs?: number;
}

export interface TeacherServer {
  /** Ends in /v1. */
  readonly baseUrl: string;
  readonly calls: readonly Call[];
  /** Authorization headers as they came. */
  readonly keys: readonly (string | undefined)[];
  /** How often each text was answered with status 200 to the last byte. */
  readonly answered: ReadonlyMap<string, number>;
  /** Tokens of all such answers and of all that were cut. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number };
  /** Most requests that were open at a time. */
  readonly mostOpen: number;
  close(): Promise<void>;
}

async function readJson(request: IncomingMessage): Promise<ChatRequest> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
  return JSON.parse(text) as ChatRequest;
}

function completionOf(request: ChatRequest, text: string, answer: string | undefined, withLogprobs: boolean) {
  const isJson = request.response_format !== undefined;
  const label = answer ?? answerOf(text);
  const content = isJson ? JSON.stringify({ label }) : label;
  const tokens =
    isJson && answer === undefined
      ? [fixed('{"'), fixed("label"), fixed('":"'), ...tokensOf(text, label, '"}')]
      : answer === undefined
        ? tokensOf(text, label, "").slice(0, -1)
        : [fixed(content)];
  const promptTokens = request.messages.reduce((sum, message) => sum + Math.ceil(message.content.length / 4), 8);
  return {
    id: "chatcmpl-test",
    object: "chat.completion",
    model: "linear-teacher-1",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content, refusal: null },
        finish_reason: "stop",
        logprobs: withLogprobs && request.logprobs === true ? { content: tokens } : null,
      },
    ],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: tokens.length,
      total_tokens: promptTokens + tokens.length,
    },
  };
}

interface Tally {
  readonly answered: Map<string, number>;
  readonly usage: { promptTokens: number; completionTokens: number };
}

/** Does to one request what the test wants. */
async function send(
  call: Call,
  conduct: Conduct,
  response: ServerResponse,
  options: ServerOptions,
  tally: Tally,
): Promise<void> {
  if (conduct === "silent") return;
  if (options.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.delayMs));
  if (typeof conduct === "object" && "status" in conduct) {
    response.writeHead(conduct.status, { "content-type": "application/json", ...conduct.headers });
    response.end(JSON.stringify(conduct.body ?? { error: { message: "no", type: "test", param: null, code: null } }));
    return;
  }
  const answer = typeof conduct === "object" ? conduct.answer : undefined;
  const completion = completionOf(call.request, call.text, answer, options.withLogprobs !== false);
  tally.usage.promptTokens += completion.usage.prompt_tokens;
  tally.usage.completionTokens += completion.usage.completion_tokens;
  const { usage: told, ...rest } = completion;
  const text = JSON.stringify(options.withUsage === false ? rest : { ...rest, usage: told });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  if (conduct === "cut") {
    response.write(text.slice(0, text.length / 2), () => response.destroy());
    return;
  }
  if (conduct === "not-json") {
    response.end("x".repeat(Buffer.byteLength(text)));
    return;
  }
  await new Promise<void>((resolve) => response.end(text, resolve));
  tally.answered.set(call.text, (tally.answered.get(call.text) ?? 0) + 1);
}

/** Starts a server on a free port of the loopback. */
export async function startTeacher(options: ServerOptions = {}): Promise<TeacherServer> {
  const calls: Call[] = [];
  const keys: (string | undefined)[] = [];
  const tally: Tally = { answered: new Map(), usage: { promptTokens: 0, completionTokens: 0 } };
  let [open, mostOpen] = [0, 0];

  const server = createServer((incoming, response) => {
    mostOpen = Math.max(mostOpen, ++open);
    response.once("close", () => open--);
    response.on("error", () => undefined);
    keys.push(incoming.headers.authorization);
    void readJson(incoming).then(
      (request) => {
        const text = request.messages.at(-1)?.content ?? "";
        const earlier = calls.filter((call) => call.text === text).length;
        const call = { index: calls.length, earlier, text, request };
        calls.push(call);
        return send(call, options.conduct?.(call) ?? "as-usual", response, options, tally);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    calls,
    keys,
    answered: tally.answered,
    usage: tally.usage,
    get mostOpen() {
      return mostOpen;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
