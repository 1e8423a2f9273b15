/** @file A client for `POST /chat/completions` of any OpenAI-compatible server, on fetch: one call, one completion or one UpstreamError.
 *  Does not retry and knows no budget: its caller does. The key is taken out of whatever the server says before anyone sees it. */
import { nowMs, wallClockMs } from "../clock.js";
import { ConfigError, UpstreamError } from "../errors.js";
import { chatCompletionSchema, errorOf, type ChatCompletion, type ChatRequest } from "./chat.js";
import { httpError, malformedError, networkError, shown, timeoutError } from "./failures.js";
import { retryAfterMs } from "./retry-after.js";

export interface ChatClientOptions {
  /** The part before `/chat/completions`, such as http://127.0.0.1:8000/v1. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** Longest time from the first byte sent to the last byte received; fetch itself waits 300 s for headers. */
  readonly timeoutMs: number;
}

export interface ChatReply {
  readonly completion: ChatCompletion;
  readonly latencyMs: number;
}

export interface ChatClient {
  /** @throws UpstreamError; an abort rejects with the signal's reason. */
  complete(request: ChatRequest, signal?: AbortSignal): Promise<ChatReply>;
}

/** A completion with 20 alternatives for each of a few thousand tokens stays below this. */
const MAXIMUM_BODY_BYTES = 16 * 1024 * 1024;

/** Checks the address. @throws ConfigError; it may hold no key, because addresses are printed. */
export function checkBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError("--teacher: expected an address such as http://127.0.0.1:8000/v1");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new ConfigError("--teacher: the address holds a password, a query or a fragment", {
      hint: "give the key in an environment variable named with --api-key-env",
    });
  }
  return url;
}

async function readBody(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  if (response.body === null) return "";
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAXIMUM_BODY_BYTES) throw malformedError(url, `more than ${MAXIMUM_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function completionOf(url: string, text: string): ChatCompletion {
  const value = parseJson(text);
  const parsed = chatCompletionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const error = errorOf(value);
  if (error !== undefined) throw malformedError(url, `an error: ${shown(error.message)}`);
  throw malformedError(url, value === undefined ? "something that is not JSON" : "JSON of another shape");
}

function shouldRetryOf(headers: Headers): boolean | undefined {
  const said = headers.get("x-should-retry");
  return said === "true" ? true : said === "false" ? false : undefined;
}

/** A client for one server. @throws ConfigError for an unusable address. */
export function createChatClient(options: ChatClientOptions): ChatClient {
  const { apiKey, timeoutMs } = options;
  const url = `${checkBaseUrl(options.baseUrl).href.replace(/\/+$/, "")}/chat/completions`;
  const headers = {
    "content-type": "application/json",
    accept: "application/json",
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  const withoutKey = (text: string): string => (apiKey === undefined ? text : text.replaceAll(apiKey, "[redacted]"));

  const exchange = async (request: ChatRequest, signal: AbortSignal): Promise<ChatCompletion> => {
    const body = JSON.stringify(request);
    const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
    const text = withoutKey(await readBody(response, url));
    if (response.ok) return completionOf(url, text);
    throw httpError(url, {
      status: response.status,
      body: errorOf(parseJson(text)),
      retryAfterMs: retryAfterMs(response.headers, wallClockMs()),
      shouldRetry: shouldRetryOf(response.headers),
    });
  };

  return {
    async complete(request, signal) {
      signal?.throwIfAborted();
      const controller = new AbortController();
      const abort = (): void => controller.abort();
      signal?.addEventListener("abort", abort, { once: true });
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        abort();
      }, timeoutMs);
      const startedMs = nowMs();
      try {
        return { completion: await exchange(request, controller.signal), latencyMs: nowMs() - startedMs };
      } catch (cause) {
        signal?.throwIfAborted();
        if (cause instanceof UpstreamError) throw cause;
        throw late ? timeoutError(url, timeoutMs) : networkError(url, cause);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      }
    },
  };
}
