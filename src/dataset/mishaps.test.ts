/** @file Logs and exports as public bug reports describe them: nothing of them is read wrongly in silence. Each row: what happened, lines, the
 *  questions and answers that are read, and the reasons of what is not. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importLogs } from "./import.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-mishaps-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ASKED = [{ role: "user", content: "Where is it?" }];
const READ: readonly (readonly [string, string])[] = [["Where is it?", "delivery"]];
const chat = (content: string): object => ({ choices: [{ message: { role: "assistant", content } }] });
const call = (more: object): object => ({
  request_id: "r",
  call_type: "acompletion",
  startTime: "2025-05-20T06:42:16",
  spend: 0.1,
  response: chat("delivery"),
  ...more,
});
const verdict = (more: object): object => ({
  prompt: { raw: "Where is it?" },
  vars: { message: "Where is it?" },
  provider: { id: "m" },
  success: false,
  ...more,
});
const span = (operation: string): object => ({
  spanId: operation,
  attributes: {
    "gen_ai.operation.name": operation,
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: "Where is it?" }] }]),
    "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "delivery" }] }]),
  },
});
const choice = (label: string): object => ({
  from_name: "queue",
  to_name: "text",
  type: "choices",
  value: { choices: [label] },
});
const task = (annotations: readonly object[], predictions: readonly unknown[]): object => ({
  id: 1,
  data: { text: "Where is it?" },
  annotations,
  predictions,
});
const delta = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}`;

type Reasons = Readonly<Record<string, number>>;

describe("of exports that went wrong", () => {
  it.each<[string, readonly object[], readonly (readonly [string, string])[], Reasons]>([
    [
      "LiteLLM keeps the prompt in the request alone, `messages` is an empty object",
      [call({ messages: {}, proxy_server_request: { messages: ASKED } })],
      READ,
      {},
    ],
    [
      "LiteLLM writes both as JSON in texts, the request with its body",
      [call({ messages: "{}", proxy_server_request: JSON.stringify({ body: { messages: ASKED } }) })],
      READ,
      {},
    ],
    ["LiteLLM keeps no prompt at all", [call({ messages: "{}" })], [], { "the input field is missing or empty": 1 }],
    [
      "LiteLLM was told to keep no content",
      [call({ messages: [{ role: "user", content: "redacted-by-litellm" }], response: chat("redacted-by-litellm") })],
      [],
      { "the content was not logged (redacted)": 1 },
    ],
    [
      "content is blotted out by the logger",
      [
        { input: "[REDACTED]", output: "delivery" },
        { input: "Where is it?", output: "delivery" },
      ],
      READ,
      { "the content was not logged (redacted)": 1 },
    ],
    [
      "promptfoo's assertion failed, the call did not",
      [verdict({ response: { output: "delivery" }, error: "Contains banana", failureReason: 1 })],
      READ,
      {},
    ],
    [
      "promptfoo's call failed",
      [verdict({ response: { error: "429" }, error: "API error: 429", failureReason: 2 })],
      [],
      { "the call failed": 1 },
    ],
    [
      "an agent's span repeats what its model call says",
      [span("invoke_agent"), span("chat"), span("execute_tool")],
      READ,
      { "no model call (a span around one, of an agent, a tool or an embedding)": 2 },
    ],
    [
      "Helicone keeps a stream as its text",
      [
        {
          request_body: { messages: ASKED },
          response_body: { streamed_data: `${delta("deli")}\n\n${delta("very")}\n\ndata: [DONE]` },
          response_status: 200,
        },
      ],
      READ,
      {},
    ],
    ["Label Studio's predictions are ids", [task([{ result: [choice("delivery")] }], [286])], READ, {}],
    [
      "Label Studio's tasks were predicted and never annotated",
      [task([], [{ model_version: "m", result: [choice("delivery")] }])],
      READ,
      {},
    ],
    [
      "a prediction stands beside an annotation: the annotation counts",
      [task([{ result: [choice("delivery")] }], [{ model_version: "m", result: [choice("login")] }])],
      READ,
      {},
    ],
    [
      "Label Studio's table holds several choices as JSON in a cell",
      [
        { annotation_id: 1, annotator: 1, text: "Where is it?", queue: "delivery" },
        { annotation_id: 2, annotator: 1, text: "Both?", queue: '{"choices":["delivery","login"]}' },
      ],
      READ,
      { "several labels in one record: one answer per record is expected": 1 },
    ],
  ])("%s", async (name, lines, expected, reasons) => {
    const path = join(folder, `${name.replace(/\W+/g, "-")}.jsonl`);
    writeFileSync(path, lines.map((line) => JSON.stringify(line)).join("\n"));
    const read: [string, string][] = [];
    const { rejectCounts } = await importLogs([path], {
      onRecord: ({ messages, answer }) => void read.push([messages.at(-1)?.content ?? "", answer]),
    });
    expect(read).toEqual(expected);
    expect(Object.fromEntries(rejectCounts)).toEqual(reasons);
  });
});
