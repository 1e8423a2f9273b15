import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ConfigError, UpstreamError } from "../errors.js";
import { chatCompletionSchema, errorOf } from "./chat.js";
import { createChatClient } from "./client.js";
import { retryAfterMs } from "./retry-after.js";

const KEY = "key-that-nobody-may-see-0123456789";
const REQUEST = { model: "m", messages: [{ role: "user", content: "q" }] } as const;
const ANSWER = { choices: [{ message: { content: "a" } }] };
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
}

function answering(status: number, body: unknown, headers: Record<string, string> = {}): RequestListener {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

async function failureOf(handler: RequestListener, timeoutMs = 30_000): Promise<UpstreamError> {
  const client = createChatClient({ baseUrl: await listen(handler), apiKey: KEY, timeoutMs });
  const error: unknown = await client.complete(REQUEST).catch((cause: unknown) => cause);
  if (!(error instanceof UpstreamError)) throw new Error(`expected an UpstreamError, got ${String(error)}`);
  return error;
}

describe("a chat client", () => {
  it("posts the request with its key and gives the completion back, fields that it does not know included", async () => {
    let seen = "";
    const baseUrl = await listen((request, response) => {
      seen = `${request.method} ${request.url} ${request.headers.authorization}`;
      response.end(JSON.stringify({ ...ANSWER, new_field: 1, usage: { prompt_tokens: "many" } }));
    });
    const reply = await createChatClient({ baseUrl, apiKey: KEY, timeoutMs: 30_000 }).complete(REQUEST);
    expect(reply.completion).toMatchObject({ ...ANSWER, new_field: 1 });
    expect(reply.completion.usage?.prompt_tokens).toBeUndefined();
    expect(seen).toBe(`POST /v1/chat/completions Bearer ${KEY}`);
  });

  it.each([
    [400, { retryable: false, isForAll: false, mayHaveCost: false }],
    [401, { retryable: false, isForAll: true, mayHaveCost: false }],
    [403, { retryable: false, isForAll: true, mayHaveCost: false }],
    [404, { retryable: false, isForAll: true, mayHaveCost: false }],
    [408, { retryable: true, isForAll: false, mayHaveCost: true }],
    [413, { retryable: false, isForAll: false, mayHaveCost: false }],
    [418, { retryable: false, isForAll: false, mayHaveCost: false }],
    [429, { retryable: true, isForAll: false, mayHaveCost: false }],
    [500, { retryable: true, isForAll: false, mayHaveCost: true }],
    [503, { retryable: true, isForAll: false, mayHaveCost: false }],
    [504, { retryable: true, isForAll: false, mayHaveCost: true }],
  ])("decides once what HTTP %i means", async (status, meaning) => {
    const error = await failureOf(answering(status, { error: { message: "said so" } }));
    expect(error).toMatchObject({ status, ...meaning });
    expect(error.message).toMatch(/127\.0\.0\.1:\d+\/v1\/chat\/completions: HTTP \d+: said so/);
  });

  it("takes a 429 for want of credit as the end, and the server's word on retrying as given", async () => {
    const broke = { error: { message: "You exceeded your current quota", code: "insufficient_quota" } };
    expect(await failureOf(answering(429, broke))).toMatchObject({ retryable: false, isForAll: true });
    expect(await failureOf(answering(500, {}, { "x-should-retry": "false" }))).toMatchObject({ retryable: false });
    expect(await failureOf(answering(400, {}, { "x-should-retry": "true" }))).toMatchObject({ retryable: true });
  });

  it.each([
    ["an HTML page", "<html></html>", /got something that is not JSON/],
    ["cut JSON", '{"choices":[', /got something that is not JSON/],
    ["no choice", { choices: [] }, /got JSON of another shape/],
    ["an error with status 200", { error: { message: "overloaded" } }, /got an error: overloaded/],
    ["nothing", "", /not JSON/],
  ])("calls %s a broken answer, which may have cost and may be better next time", async (_name, body, message) => {
    const error = await failureOf(answering(200, body));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ retryable: true, mayHaveCost: true });
  });

  it("calls a connection that is cut in the middle of the body a failure that may have cost", async () => {
    const error = await failureOf((_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"choices":[{"message"', () => response.destroy());
    });
    expect(error).toMatchObject({ retryable: true, mayHaveCost: true });
  });

  it("gives up on a silent server and on an endless answer", async () => {
    expect((await failureOf(() => undefined, 50)).message).toMatch(/no answer within 0\.05 s/);
    const endless: RequestListener = (_request, response) => {
      const more = (): void => void response.write("x".repeat(1 << 20), more);
      response.on("error", () => undefined);
      more();
    };
    expect((await failureOf(endless)).message).toMatch(/more than 16777216 bytes/);
  });

  it("follows no redirect, so that the key stays with its server", async () => {
    let followed = 0;
    const other = await listen((_request, response) => {
      followed++;
      response.end(JSON.stringify(ANSWER));
    });
    const error = await failureOf(answering(307, "", { location: `${other}chat/completions` }));
    expect([error.isForAll, error.retryable, followed]).toEqual([true, false, 0]);
  });

  it("calls a closed port free of cost and worth another try", async () => {
    const baseUrl = await listen(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const client = createChatClient({ baseUrl, timeoutMs: 30_000 });
    await expect(client.complete(REQUEST)).rejects.toMatchObject({ retryable: true, mayHaveCost: false });
  });

  it("calls a port that fetch never connects to an error of the address", async () => {
    const client = createChatClient({ baseUrl: "http://127.0.0.1:1/v1", timeoutMs: 30_000 });
    await expect(client.complete(REQUEST)).rejects.toMatchObject({ retryable: false, isForAll: true });
  });

  it("never repeats the key, though the server does", async () => {
    const echo = { error: { message: `Incorrect API key provided: ${KEY}`, code: KEY, param: KEY } };
    const error = await failureOf(answering(401, echo));
    expect(error.message).toMatch(/provided: \[redacted\]/);
    expect(JSON.stringify([error.message, error.facts, error.stack])).not.toContain(KEY);
  });

  it("rejects with the reason of an abort", async () => {
    const controller = new AbortController();
    const baseUrl = await listen(() => controller.abort(new Error("stopped")));
    const client = createChatClient({ baseUrl, timeoutMs: 30_000 });
    await expect(client.complete(REQUEST, controller.signal)).rejects.toThrow("stopped");
    await expect(client.complete(REQUEST, controller.signal)).rejects.toThrow("stopped");
  });

  it.each(["", "localhost:8000", "ftp://host/v1", "http://user:secret@host/v1", "http://host/v1?key=secret"])(
    "refuses the address %j without repeating it",
    (baseUrl) => {
      const create = (): unknown => createChatClient({ baseUrl, timeoutMs: 1 });
      expect(create).toThrow(ConfigError);
      expect(create).not.toThrow(/secret/);
    },
  );
});

describe("what a server sends", () => {
  it("never makes the schemas throw", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        chatCompletionSchema.safeParse(value);
        errorOf(value);
        errorOf({ error: value });
        chatCompletionSchema.safeParse({ choices: [{ message: { content: "a" }, logprobs: value }], usage: value });
      }),
    );
  });

  it.each([
    [{ error: "text" }, "text"],
    [{ error: { message: "m" } }, "m"],
    [{ message: "m" }, "m"],
    [{ detail: "d" }, "d"],
    [{ object: "error", message: "m", code: 400 }, "m"],
  ])("is understood as an error: %j", (body, message) => {
    expect(errorOf(body)?.message).toBe(message);
  });
});

describe("retryAfterMs", () => {
  it.each([
    [{ "retry-after": "2" }, 2000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after-ms": "250", "retry-after": "2" }, 250],
    [{ "retry-after": "Thu, 01 Jan 1970 00:00:10 GMT" }, 9000],
    [{ "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-1e9" }, undefined],
    [{}, undefined],
  ])("reads %j", (headers, expected) => {
    expect(retryAfterMs(new Headers(headers as Record<string, string>), 1000)).toBe(expected);
  });
});
