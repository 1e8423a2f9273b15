/** @file Every shape of a log line gives its record: what was asked with its system text, the answer, and what is known of the call.
 *  Shapes after the documented exports of each platform. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importLogs } from "./import.js";
import type { LlmRecord } from "./types.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-shapes-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
async function read(lines: readonly object[]) {
  const path = join(folder, `${files++}.jsonl`);
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join("\n"));
  const records: LlmRecord[] = [];
  const result = await importLogs([path], { onRecord: (record) => void records.push(record) });
  return { ...result, records };
}

const ASKED = [{ role: "user", content: "Where is my parcel?" }];
const ROUTED = [{ role: "system", content: "Route." }, ...ASKED];
const text = "Where is my parcel?";
const chat = { choices: [{ message: { role: "assistant", content: "delivery" }, finish_reason: "stop" }] };
const anthropic = {
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "delivery" }],
  stop_reason: "end_turn",
};
const gemini = { candidates: [{ content: { role: "model", parts: [{ text: "delivery" }] }, finishReason: "STOP" }] };
const at = "2025-01-01T00:00:00Z";
const atMs = Date.UTC(2025, 0, 1);

type Case = readonly [name: string, format: string, line: object, record: Partial<LlmRecord>];

const CASES: readonly Case[] = [
  [
    "Anthropic's request and response",
    "openai-chat",
    {
      request: { model: "c", system: [{ type: "text", text: "Route." }], messages: ASKED },
      response: { ...anthropic, model: "c-1", usage: { input_tokens: 9 } },
    },
    { messages: ROUTED as LlmRecord["messages"], model: "c-1", inputTokens: 9 },
  ],
  [
    "Anthropic's response beside flat messages",
    "openai-chat",
    { system: "Route.", messages: ASKED, response: anthropic },
    { messages: ROUTED as LlmRecord["messages"] },
  ],
  [
    "Gemini's request and response",
    "vertex",
    {
      request: { systemInstruction: { parts: [{ text: "Route." }] }, contents: [{ role: "user", parts: [{ text }] }] },
      response: { ...gemini, usageMetadata: { promptTokenCount: 4 }, modelVersion: "g" },
    },
    { messages: ROUTED as LlmRecord["messages"], inputTokens: 4, model: "g" },
  ],
  [
    "Vertex's logging table with JSON in text",
    "vertex",
    {
      logging_time: at,
      full_request: JSON.stringify({
        system_instruction: { parts: [{ text: "Route." }] },
        contents: [{ role: "user", parts: [{ text }] }],
      }),
      full_response: JSON.stringify(gemini),
    },
    { messages: ROUTED as LlmRecord["messages"], timestampMs: atMs },
  ],
  [
    "Vertex's tuning lines",
    "openai-chat",
    {
      systemInstruction: { role: "system", parts: [{ text: "Route." }] },
      contents: [
        { role: "user", parts: [{ text }] },
        { role: "model", parts: [{ text: "delivery" }] },
      ],
    },
    { messages: ROUTED as LlmRecord["messages"] },
  ],
  [
    "the Responses API",
    "openai-responses",
    {
      object: "response",
      status: "completed",
      instructions: "Route.",
      input: text,
      model: "m",
      output: [
        { type: "reasoning", summary: [] },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "delivery" }] },
      ],
      usage: { input_tokens: 5 },
    },
    { messages: ROUTED as LlmRecord["messages"], model: "m", inputTokens: 5 },
  ],
  [
    "a stored completion",
    "stored-completion",
    {
      id: "c",
      object: "chat.completion",
      created: atMs / 1000,
      model: "m",
      ...chat,
      input: ASKED,
      metadata: { user_id: "u" },
    },
    { id: "c", timestampMs: atMs, user: "u", model: "m" },
  ],
  [
    "Bedrock's invocation log of Converse",
    "bedrock",
    {
      timestamp: at,
      requestId: "r",
      operation: "Converse",
      modelId: "amazon.nova",
      input: {
        inputBodyJson: { system: [{ text: "Route." }], messages: [{ role: "user", content: [{ text }] }] },
        inputTokenCount: 3,
      },
      output: {
        outputBodyJson: {
          output: { message: { role: "assistant", content: [{ text: "delivery" }] } },
          stopReason: "end_turn",
          metrics: { latencyMs: 321 },
        },
      },
    },
    {
      messages: ROUTED as LlmRecord["messages"],
      id: "r",
      model: "amazon.nova",
      latencyMs: 321,
      inputTokens: 3,
      timestampMs: atMs,
    },
  ],
  [
    "Bedrock's log of a streamed Anthropic call",
    "bedrock",
    {
      requestId: "r",
      operation: "InvokeModelWithResponseStream",
      modelId: "anthropic.c",
      timestamp: at,
      input: { inputBodyJson: { messages: ASKED } },
      output: {
        outputBodyJson: [
          { type: "content_block_delta", index: 0, delta: { text: "deli" } },
          { type: "content_block_delta", index: 0, delta: { text: "very" } },
          { type: "message_delta", delta: { stop_reason: "end_turn" } },
        ],
      },
    },
    { model: "anthropic.c" },
  ],
  [
    "Bedrock's log of Titan",
    "bedrock",
    {
      requestId: "r",
      operation: "InvokeModel",
      modelId: "amazon.titan",
      timestamp: at,
      input: { inputBodyJson: { inputText: text } },
      output: { outputBodyJson: { results: [{ outputText: "delivery", completionReason: "FINISH" }] } },
    },
    { model: "amazon.titan" },
  ],
  [
    "Bedrock's conversation lines",
    "openai-chat",
    {
      schemaVersion: "bedrock-conversation-2024",
      system: [{ text: "Route." }],
      messages: [
        { role: "user", content: [{ text }] },
        { role: "assistant", content: [{ text: "delivery" }] },
      ],
    },
    { messages: ROUTED as LlmRecord["messages"] },
  ],
  [
    "Helicone",
    "helicone",
    {
      request_id: "h",
      request_created_at: at,
      response_status: 200,
      request_body: { model: "m", messages: ROUTED },
      response_body: chat,
      cost_usd: 0.001,
      delay_ms: 950,
    },
    {
      messages: ROUTED as LlmRecord["messages"],
      id: "h",
      timestampMs: atMs,
      costUsd: 0.001,
      latencyMs: 950,
      model: "m",
    },
  ],
  [
    "Portkey, whose costs are cents",
    "portkey",
    {
      id: "p",
      trace_id: "t",
      created_at: at,
      request: { method: "POST", body: { messages: ASKED } },
      response: { status: 200, body: chat },
      cost: 0.2,
      response_time: 812,
      ai_model: "m",
      metadata: { _user: "u" },
    },
    { id: "p", costUsd: 0.002, latencyMs: 812, model: "m", user: "u" },
  ],
  [
    "Langfuse's snake-case rows with JSON in text and latencies in seconds",
    "langfuse",
    {
      id: "o",
      trace_id: "t",
      type: "GENERATION",
      start_time: "2025-01-01 00:00:00",
      level: "DEFAULT",
      input: JSON.stringify({ messages: ROUTED }),
      output: JSON.stringify({ role: "assistant", content: "delivery" }),
      provided_model_name: "m",
      usage_details: { input: 3 },
      total_cost: 0.0001,
      latency: 1.377,
      session_id: "s",
    },
    {
      messages: ROUTED as LlmRecord["messages"],
      latencyMs: 1377,
      model: "m",
      inputTokens: 3,
      costUsd: 0.0001,
      conversation: "s",
      timestampMs: atMs,
    },
  ],
  [
    "LiteLLM's payload with times in fractions of seconds",
    "litellm",
    {
      id: "x",
      call_type: "acompletion",
      response_cost: 0.0002,
      status: "success",
      startTime: 1740787200,
      endTime: 1740787201.25,
      model: "m",
      cache_hit: false,
      messages: ASKED,
      response: chat,
    },
    { costUsd: 0.0002, latencyMs: 1250, timestampMs: 1_740_787_200_000 },
  ],
  [
    "LangSmith",
    "langsmith",
    {
      id: "1",
      run_type: "llm",
      inputs: {
        messages: [
          [
            { lc: 1, id: ["langchain", "schema", "messages", "SystemMessage"], kwargs: { content: "Route." } },
            { lc: 1, id: ["langchain", "schema", "messages", "HumanMessage"], kwargs: { content: text } },
          ],
        ],
      },
      outputs: {
        generations: [[{ text: "delivery", generation_info: { finish_reason: "stop" } }]],
        llm_output: { model_name: "m" },
      },
      start_time: "2025-01-01T00:00:00",
      end_time: "2025-01-01T00:00:01",
      extra: {},
    },
    { messages: ROUTED as LlmRecord["messages"], model: "m", latencyMs: 1000 },
  ],
  [
    "an OpenTelemetry span",
    "opentelemetry",
    {
      spanId: "s",
      startTimeUnixNano: "1735689600000000000",
      endTimeUnixNano: "1735689601000000000",
      attributes: {
        "gen_ai.request.model": "m",
        "gen_ai.system_instructions": JSON.stringify([{ type: "text", content: "Route." }]),
        "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: text }] }]),
        "gen_ai.output.messages": JSON.stringify([
          { role: "assistant", parts: [{ type: "text", content: "delivery" }], finish_reason: "stop" },
        ]),
      },
    },
    { messages: ROUTED as LlmRecord["messages"], model: "m", timestampMs: atMs, latencyMs: 1000 },
  ],
  [
    "an OTLP batch of OpenInference's flattened messages",
    "opentelemetry",
    {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  spanId: "1",
                  attributes: [
                    { key: "llm.input_messages.0.message.role", value: { stringValue: "user" } },
                    { key: "llm.input_messages.0.message.content", value: { stringValue: text } },
                    { key: "llm.output_messages.0.message.role", value: { stringValue: "assistant" } },
                    { key: "llm.output_messages.0.message.content", value: { stringValue: "delivery" } },
                    { key: "llm.token_count.prompt", value: { intValue: "4" } },
                  ],
                },
                { spanId: "2", attributes: [{ key: "http.method", value: { stringValue: "GET" } }] },
              ],
            },
          ],
        },
      ],
    },
    { id: "1", inputTokens: 4 },
  ],
  [
    "promptfoo",
    "promptfoo",
    {
      prompt: { raw: text, label: "p" },
      vars: { expected: "login" },
      provider: { id: "m" },
      response: { output: "delivery" },
      success: true,
      latencyMs: 300,
      cost: 0.001,
    },
    { model: "m", latencyMs: 300, costUsd: 0.001, gold: "login" },
  ],
  [
    "Braintrust",
    "braintrust",
    {
      id: "b",
      created: at,
      input: text,
      output: "delivery",
      expected: "login",
      scores: {},
      metadata: { model: "m" },
      metrics: { start: 1, end: 2.5 },
    },
    { gold: "login", model: "m", latencyMs: 1500, timestampMs: atMs },
  ],
  [
    "preference pairs",
    "preference",
    {
      input: { messages: ASKED },
      preferred_output: [{ role: "assistant", content: "delivery" }],
      non_preferred_output: [{ role: "assistant", content: "x" }],
    },
    {},
  ],
  [
    "a list of choices",
    "braintrust",
    { created: at, input: ASKED, output: chat.choices, scores: {}, expected: null },
    {},
  ],
  [
    "content blocks without a message",
    "openpipe-dataset",
    { input: { system: "Route.", messages: ASKED }, output: [{ type: "text", text: "delivery" }] },
    { messages: ROUTED as LlmRecord["messages"] },
  ],
  [
    "a text beside the messages",
    "openai-chat",
    { messages: ASKED, responseText: "delivery", latencyMs: 3 },
    { latencyMs: 3 },
  ],
  ["Prodigy without hashes", "prodigy", { text, label: "delivery", answer: "accept" }, {}],
  [
    "server-sent events in a text",
    "openai-chat",
    {
      request: { messages: ASKED },
      response:
        'data: {"choices":[{"delta":{"content":"deli"}}]}\n\ndata: {"choices":[{"delta":{"content":"very"}}]}\n\ndata: [DONE]\n',
    },
    {},
  ],
  [
    "Ollama's generate",
    "openai-chat",
    { request: { prompt: text, system: "Route." }, response: { response: "delivery", done_reason: "stop" } },
    { messages: ROUTED as LlmRecord["messages"] },
  ],
  ["Argilla", "argilla", { fields: { text }, responses: { intent: [{ value: "delivery", status: "submitted" }] } }, {}],
  [
    "Argilla's flat columns with the annotators' ids",
    "argilla",
    { text, "intent.responses": ["delivery"], "intent.responses.users": ["8d3c0b1e-1111-2222-3333-444455556666"] },
    {},
  ],
  [
    "Label Studio",
    "label-studio",
    { id: 1, data: { text }, annotations: [{ result: [{ value: { choices: ["delivery"] } }], was_cancelled: false }] },
    {},
  ],
];

describe("shapes", () => {
  it.each(CASES)("%s", async (_name, format, line, record) => {
    const { records, rejections, files: imported } = await read([line]);
    expect(rejections).toEqual([]);
    expect(imported[0]?.format).toBe(format);
    expect(records).toMatchObject([{ messages: ASKED, answer: "delivery", ...record }]);
  });

  it("join Anthropic's batch requests and results", async () => {
    const { records, rejectCounts } = await read([
      { custom_id: "a", params: { system: "Route.", messages: ASKED } },
      { custom_id: "a", result: { type: "succeeded", message: anthropic } },
      { custom_id: "b", params: { messages: ASKED } },
      { custom_id: "b", result: { type: "errored", error: {} } },
    ]);
    expect(records).toMatchObject([{ id: "a", messages: ROUTED, answer: "delivery" }]);
    expect(rejectCounts.get("the call failed")).toBe(1);
  });

  it("give each choice of a call its record, of which the first stands for the call", async () => {
    const choices = ["delivery", "login", "delivery"].map((content) => ({
      message: { content },
      finish_reason: "stop",
    }));
    const { records } = await read([{ messages: ASKED, response: { id: "r", choices } }]);
    expect(records.map(({ answer, occurrences, id }) => [answer, occurrences, id])).toEqual([
      ["delivery", undefined, "r"],
      ["login", 0, "r#1"],
      ["delivery", 0, "r#2"],
    ]);
  });

  it("join the lines of one stream, each with a chunk", async () => {
    const line = (id: string, content: string) => ({
      messages: ASKED,
      response: { id, object: "chat.completion.chunk", choices: [{ delta: { content } }] },
    });
    const { records } = await read([line("1", "deli"), line("1", "very"), line("2", "log"), line("2", "in")]);
    expect(records.map(({ answer, line: first }) => [answer, first])).toEqual([
      ["delivery", 1],
      ["login", 3],
    ]);
  });

  it("take the last weighted answer of a fine-tuning line", async () => {
    const answer = (content: string, weight: number) => ({ role: "assistant", content, weight });
    const { records, rejectCounts } = await read([
      { messages: [...ASKED, answer("delivery", 1), { role: "user", content: "ok" }, answer("bye", 0)] },
      { messages: [...ASKED, answer("hm", 0)] },
    ]);
    expect(records).toMatchObject([{ messages: ASKED, answer: "delivery" }]);
    expect([...rejectCounts.keys()]).toEqual(["no answer of the line has a weight (weight 0)"]);
  });
});
