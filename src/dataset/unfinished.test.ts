/** @file Answers that are not whole and calls that failed are rejected, whichever vendor's word says so. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importLogs } from "./import.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-unfinished-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(lines: readonly object[]) {
  const path = join(folder, "log.jsonl");
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join("\n"));
  return importLogs([path]);
}

const ASKED = [{ role: "user", content: "Where is my parcel?" }];
const chat = { choices: [{ message: { role: "assistant", content: "delivery" }, finish_reason: "stop" }] };
const anthropic = {
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "delivery" }],
  stop_reason: "end_turn",
};

describe("unfinished answers", () => {
  it("are none of these", async () => {
    for (const response of [chat, anthropic])
      expect((await read([{ request: { messages: ASKED }, response }])).counts.accepted).toBe(1);
  });

  it.each([
    ["stop_reason", { ...anthropic, stop_reason: "max_tokens" }, /cut off/],
    ["refusal", { ...anthropic, stop_reason: "refusal" }, /refused/],
    [
      "finishReason MAX_TOKENS",
      { candidates: [{ content: { parts: [{ text: "del" }] }, finishReason: "MAX_TOKENS" }] },
      /cut off/,
    ],
    ["finishReason SAFETY", { candidates: [{ finishReason: "SAFETY" }] }, /filtered/],
    [
      "status incomplete",
      {
        object: "response",
        status: "incomplete",
        output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "del" }] }],
      },
      /cut off/,
    ],
    [
      "a refusal part",
      { output: [{ type: "message", role: "assistant", content: [{ type: "refusal", refusal: "I cannot" }] }] },
      /refused/,
    ],
    ["an error body", { error: { message: "no" } }, /failed/],
  ])("reject what is not finished: %s", async (_name, response, reason) => {
    const { rejections } = await read([{ request: { messages: ASKED }, response }]);
    expect(rejections.map((rejection) => rejection.reason).join()).toMatch(reason);
  });

  it.each([
    ["level", { level: "ERROR" }],
    ["a status code", { status_code: 503 }],
    ["an error text", { error: "RateLimitError: 429" }],
    ["a status", { status: "failure" }],
  ])("reject a call that failed by %s", async (_name, more) => {
    const { rejectCounts } = await read([{ request: { messages: ASKED }, response: chat, ...more }]);
    expect(rejectCounts.get("the call failed")).toBe(1);
  });
});
