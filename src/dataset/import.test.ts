/** @file What the import makes of real samples and of bad input. Samples of `../shared/data` are left out, with one line, where
 *  that folder is absent. Counts of SOURCE.md are line breaks; a last line without one is a record all the same. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, UsageError } from "../errors.js";
import { importLogs, type ImportOptions } from "./import.js";
import type { LlmRecord } from "./types.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-import-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(contents: string | Uint8Array, name = "log.jsonl"): string {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, contents);
  return path;
}

async function read(paths: string | readonly string[], options: ImportOptions = {}) {
  const records: LlmRecord[] = [];
  const result = await importLogs(typeof paths === "string" ? [paths] : paths, {
    ...options,
    onRecord: (record) => void records.push(record),
  });
  return { ...result, records };
}

function chat(text: string, answer: string, more: object = {}): string {
  return JSON.stringify({
    messages: [
      { role: "user", content: text },
      { role: "assistant", content: answer },
    ],
    ...more,
  });
}

function batchRequest(customId: string, text: string): string {
  const body = { messages: [{ role: "user", content: text }] };
  return JSON.stringify({ custom_id: customId, method: "POST", url: "/v1/chat/completions", body });
}

function batchResult(customId: string, answer: string): string {
  const body = { choices: [{ message: { role: "assistant", content: answer } }] };
  return JSON.stringify({ custom_id: customId, response: { status_code: 200, body } });
}

const shared = "../shared/data";
const hasShared = existsSync(shared);
if (!hasShared) process.stderr.write(`${shared} is absent: the real samples are not tested\n`);

/** One test that either runs on the real samples or, where they are absent, says so above and checks nothing. */
function onSamples(name: string, run: () => Promise<void>): void {
  it(name, async () => {
    if (hasShared) await run();
    else expect(hasShared).toBe(false);
  });
}

describe("real samples", () => {
  onSamples("the OpenAI fine-tuning example has 10 records", async () => {
    const { counts, files: imported } = await read(`${shared}/logs-openai-finetune-jsonl/fine-tuning-data.jsonl`);
    expect(counts).toEqual({ records: 10, accepted: 10, duplicates: 0, rejected: 0 });
    expect(imported[0]?.format).toBe("openai-chat");
  });

  onSamples("the Tinker conversations have 128 records", async () => {
    const { counts } = await read(`${shared}/logs-tinker-conversations/conversations.jsonl`);
    expect(counts.records).toBe(128);
    expect(counts.rejected).toBe(0);
    expect(counts.accepted + counts.duplicates).toBe(128);
  });

  onSamples(
    "batch input and results join on custom_id in either order; errors and unanswered requests are rejected",
    async () => {
      const pair = ["chat_completion_batch.jsonl", "chat_completion_batch_results.jsonl"].map(
        (name) => `${shared}/logs-openai-batch/${name}`,
      );
      for (const order of [pair, pair.toReversed()]) {
        const { counts, rejectCounts, records } = await read(order);
        expect(counts).toEqual({ records: 8, accepted: 2, duplicates: 0, rejected: 6 });
        expect(rejectCounts.get("the call failed")).toBe(2);
        expect(records.map((record) => record.messages.at(-1)?.content)).toEqual([
          "Hello, how are you?",
          "What can you do?",
        ]);
        expect(records[0]).toMatchObject({
          model: "gpt-4o-mini-2024-07-18",
          inputTokens: 22,
          outputTokens: 34,
          timestampMs: 1725400447000,
        });
      }
    },
  );

  onSamples("batch results alone are rejected line by line with the reason", async () => {
    const { counts, rejects } = await read(`${shared}/logs-openai-batch/chat_completion_batch_results.jsonl`);
    expect(counts).toEqual({ records: 4, accepted: 0, duplicates: 0, rejected: 4 });
    expect(rejects[0]?.reason).toContain("give the input file too");
  });

  onSamples("batch requests of every vendor are recognised and, without results, rejected one by one", async () => {
    const lines = {
      chat_completion_batch_bedrock: 104,
      chat_completion_batch_llama: 7,
      chat_completion_batch_invalid: 2,
      embedding_batch: 3,
      vertexai_requests: 5,
    };
    for (const [name, least] of Object.entries(lines)) {
      const { counts } = await read(`${shared}/logs-openai-batch/${name}.jsonl`);
      expect(counts.rejected).toBe(counts.records);
      expect(counts.records).toBeGreaterThanOrEqual(
        name === "embedding_batch" || name === "vertexai_requests" ? 1 : Math.min(least, 6),
      );
    }
  });

  onSamples("embedding results are no chat completions", async () => {
    const paths = ["embedding_batch", "embedding_batch_results"].map(
      (name) => `${shared}/logs-openai-batch/${name}.jsonl`,
    );
    const { counts, rejectCounts } = await read(paths);
    expect(counts.accepted).toBe(0);
    expect([...rejectCounts.keys()].join()).toContain("not a chat completion");
  });

  onSamples("an empty batch file is an InputError and a partial one is rejected", async () => {
    await expect(read(`${shared}/logs-openai-batch/chat_completion_batch_empty.jsonl`)).rejects.toThrow(InputError);
    const { counts } = await read(`${shared}/logs-openai-batch/chat_completion_partial_requests.jsonl`);
    expect(counts).toEqual({ records: 2, accepted: 0, duplicates: 0, rejected: 2 });
  });

  onSamples("Glaive's JSON array of ShareGPT conversations has 300 records", async () => {
    const { counts, files: imported } = await read(`${shared}/glaive-toolcall-demo/glaive_toolcall_en_demo.json`);
    expect(counts.records).toBe(300);
    expect(imported[0]?.format).toBe("sharegpt");
  });

  onSamples("Banking77's CSV has 10,003 records, line breaks inside texts included", async () => {
    const { counts, files: imported } = await read(`${shared}/banking77/train.csv`);
    expect(counts.records).toBe(10_003);
    expect(counts.rejected).toBe(0);
    expect(imported[0]?.format).toBe("csv");
  });

  onSamples("a table without header is read with columns by number", async () => {
    const path = `${shared}/sms-spam/SMSSpamCollection`;
    const { counts } = await read(path, { format: "csv", columns: { input: "2", output: "1" } });
    expect(counts.records).toBe(5_574);
    expect(counts.rejected).toBe(0);
  });
});

describe("formats", () => {
  it("takes request and response log lines with identity, time, cost, tokens, latency and log-probabilities", async () => {
    const line = JSON.stringify({
      timestamp: 1_700_000_000,
      request: { model: "teacher", messages: [{ role: "user", content: "hi" }], user: "u1" },
      response: {
        id: "r1",
        choices: [
          {
            message: { role: "assistant", content: "yes" },
            logprobs: { content: [{ token: "yes", logprob: -0.1, top_logprobs: [{ token: "no", logprob: -2.4 }] }] },
          },
        ],
        usage: { prompt_tokens: 5, completion_tokens: 1 },
      },
      cost: 0.002,
      latency_ms: 420,
      conversation_id: "c1",
      gold: "no",
    });
    const { records } = await read(file(line));
    expect(records).toEqual([
      {
        source: expect.any(String),
        line: 1,
        id: "r1",
        timestampMs: 1_700_000_000_000,
        conversation: "c1",
        user: "u1",
        model: "teacher",
        messages: [{ role: "user", content: "hi" }],
        answer: "yes",
        gold: "no",
        inputTokens: 5,
        outputTokens: 1,
        costUsd: 0.002,
        latencyMs: 420,
        logprobs: [{ token: "yes", logprob: -0.1, top: [{ token: "no", logprob: -2.4 }] }],
      },
    ]);
  });

  it("takes OpenPipe's report lines and dataset rows", async () => {
    const report = JSON.stringify({
      requestedAt: 1_700_000_000_000,
      receivedAt: 1_700_000_000_500,
      statusCode: 200,
      tags: { prompt: "router" },
      reqPayload: { model: "m", messages: [{ role: "user", content: "hi" }] },
      respPayload: { choices: [{ message: { role: "assistant", content: "yes" } }] },
    });
    const failed = JSON.stringify({
      requestedAt: 1,
      statusCode: 500,
      reqPayload: { messages: [] },
      errorMessage: "boom",
    });
    const { records, rejectCounts, files: imported } = await read(file(`${report}\n${failed}\n`));
    expect(imported[0]?.format).toBe("openpipe-report");
    expect(records[0]).toMatchObject({ answer: "yes", latencyMs: 500, timestampMs: 1_700_000_000_000, model: "m" });
    expect(rejectCounts.get("the call failed")).toBe(1);
    const row = JSON.stringify({
      input: { messages: [{ role: "user", content: "hi" }] },
      output: { role: "assistant", content: "no" },
      split: "TEST",
    });
    expect((await read(file(row))).records[0]).toMatchObject({ answer: "no", split: "test" });
  });

  it("keeps tool calls of answers and of earlier turns", async () => {
    const calls = [{ id: "1", type: "function", function: { name: "f", arguments: '{"a":1}' } }];
    const messages = [
      { role: "user", content: "do it" },
      { role: "assistant", content: null, tool_calls: calls },
      { role: "tool", content: "done" },
      { role: "assistant", content: null, tool_calls: calls },
    ];
    const { records } = await read(file(JSON.stringify({ messages, tools: [] })));
    expect(records[0]?.toolCalls).toEqual([{ name: "f", arguments: '{"a":1}' }]);
    expect(records[0]?.messages[1]?.toolCalls).toEqual([{ name: "f", arguments: '{"a":1}' }]);
  });

  it("takes the label field as the answer where there is no output, and as the right answer beside one", async () => {
    const one = await read(file('{"text":"hi","label":"a"}\n'));
    expect(one.records[0]).toMatchObject({ answer: "a" });
    expect(one.records[0]?.gold).toBeUndefined();
    const two = await read(file('{"input":"hi","output":"a","label":"b"}\n'));
    expect(two.records[0]).toMatchObject({ answer: "a", gold: "b" });
  });

  it("maps CSV columns, times without a zone read as UTC", async () => {
    const csv = "question,said,right,when,usd,split\nhi,a,b,2024-05-01 10:00:00,0.5,test\n";
    const columns = { input: "question", output: "said", gold: "right", time: "when", cost: "usd", split: "split" };
    const { records } = await read(file(csv, "log.csv"), { columns });
    expect(records[0]).toMatchObject({
      answer: "a",
      gold: "b",
      timestampMs: Date.UTC(2024, 4, 1, 10),
      costUsd: 0.5,
      split: "test",
    });
  });

  it("reads a BOM, CRLF and quoted line breaks in CSV and a BOM in JSON lines", async () => {
    const { records } = await read(file('\ufefftext,label\r\n"two\r\nlines",a\r\nb,"say ""x"""\r\n', "log.csv"));
    expect(records.map((record) => [record.line, record.messages[0]?.content, record.answer])).toEqual([
      [2, "two\r\nlines", "a"],
      [4, "b", 'say "x"'],
    ]);
    expect(
      (await read(file(`\ufeff${chat("hi", "a")}\r\n\r\n${chat("ho", "b")}`))).records.map((record) => record.line),
    ).toEqual([1, 3]);
  });

  it("reads a Shift_JIS and a Latin-1 table and says so", async () => {
    // 質問,label / カードが届きません,配送
    const shiftJis = Uint8Array.from([
      0x74, 0x65, 0x78, 0x74, 0x2c, 0x6c, 0x61, 0x62, 0x65, 0x6c, 0x0a, 0x83, 0x4a, 0x81, 0x5b, 0x83, 0x68, 0x82, 0xaa,
      0x93, 0xcd, 0x82, 0xab, 0x82, 0xdc, 0x82, 0xb9, 0x82, 0xf1, 0x2c, 0x94, 0x7a, 0x91, 0x97, 0x0a,
    ]);
    const japanese = await read(file(shiftJis, "log.csv"));
    expect(japanese.records[0]).toMatchObject({
      answer: "配送",
      messages: [{ role: "user", content: "カードが届きません" }],
    });
    expect(japanese.notes[0]).toContain("Shift_JIS");
    const latin = await read(file(Buffer.from("text,label\ncaf\xe9 \x80,a\n", "latin1"), "log.csv"));
    expect(latin.records[0]?.messages[0]?.content).toBe("café €");
    expect(latin.notes[0]).toContain("Latin-1");
  });
});

describe("verdicts", () => {
  it("counts an identical call without id or time as a repeat that is handed on, and a copy with an id as one that is not", async () => {
    const repeats = await read(file(`${chat("hi", "a")}\n${chat("hi", "a")}\n${chat("hi", "b")}\n`));
    expect(repeats.counts).toEqual({ records: 3, accepted: 2, duplicates: 1, rejected: 0 });
    expect(repeats.records).toHaveLength(3);
    const copies = await read(
      file(`${chat("hi", "a", { id: "1" })}\n${chat("hi", "a", { id: "1" })}\n${chat("hi", "a", { id: "2" })}\n`),
    );
    expect(copies.counts).toEqual({ records: 3, accepted: 2, duplicates: 1, rejected: 0 });
    expect(copies.records).toHaveLength(2);
  });

  it("finds the records of a file given twice to be duplicates", async () => {
    const path = file(
      `${chat("hi", "a", { timestamp: 1_700_000_000 })}\n${chat("hi", "a", { timestamp: 1_700_000_001 })}\n`,
    );
    const { counts } = await read([path, path]);
    expect(counts).toEqual({ records: 4, accepted: 2, duplicates: 2, rejected: 0 });
  });
});

describe("bad input", () => {
  it("is one clear InputError for files that are no log", async () => {
    const cases: readonly (readonly [string | Uint8Array, RegExp])[] = [
      ["", /is empty/],
      [" \n\n ", /white space/],
      ["<!DOCTYPE html><html><title>502 Bad Gateway</title></html>", /HTML.*502 Bad Gateway/],
      [Uint8Array.from([0x1f, 0x8b, 8, 0]), /gzip/],
      [Uint8Array.from([0xff, 0xfe, 0x41, 0]), /expected a log/],
      ["just some prose\nand more of it\n", /expected a log/],
      ['{"foo": 1}\n', /expected a log.*fields foo/],
      ["[{", /found no JSON object/],
    ];
    for (const [contents, message] of cases) {
      const error: unknown = await read(file(contents)).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(InputError);
      expect(String(error)).toMatch(message);
      expect(String(error)).not.toContain("\n");
    }
    await expect(read(join(folder, "absent.jsonl"))).rejects.toThrow(/no such file/);
    const empty = mkdtempSync(join(folder, "empty-"));
    await expect(read(empty)).rejects.toThrow(/the folder holds no log/);
    await expect(read([])).rejects.toThrow(InputError);
  });

  it("names the format that a file has when another was named, and the formats there are", async () => {
    await expect(read(file(chat("hi", "a")), { format: "openpipe-report" })).rejects.toThrow(/looks like openai-chat/);
    await expect(read(file(chat("hi", "a")), { format: "csv" })).rejects.toThrow(InputError);
    await expect(read(file(chat("hi", "a")), { format: "nonsense" })).rejects.toThrow(UsageError);
  });

  it("names the columns that a table has when a mapped one is missing", async () => {
    await expect(read(file("a,b\n1,2\n", "x.csv"), { columns: { input: "c", output: "b" } })).rejects.toThrow(
      /no column c; found "a", "b"/,
    );
    await expect(read(file("a,b\n1,2\n", "x.csv"))).rejects.toThrow(/--columns input=a,output=b/);
    const doubled = await read(file("text,label,text\nhi,2,3\n", "x.csv"));
    expect(doubled.records[0]).toMatchObject({ answer: "2", messages: [{ role: "user", content: "hi" }] });
    expect(doubled.notes.join()).toContain('"text" more than once');
  });

  it("rejects single lines with a reason and keeps the others", async () => {
    const good = chat("hi", "a");
    const lines = [
      "[".repeat(200_000) + "]".repeat(200_000),
      `{"messages":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
      `{"input":"x","output":${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}}`,
      "[1]",
      "null",
      "3",
      '{"messages":[]}',
      '{"messages":[{"role":"robot","content":"x"}]}',
      '{"messages":[{"role":"user","content":"x"}]}',
      chat("hi", "  "),
      JSON.stringify({
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: {} }] },
          { role: "assistant", content: "a" },
        ],
      }),
      JSON.stringify({
        request: { messages: [{ role: "user", content: "x" }] },
        response: { choices: [{ finish_reason: "length", message: { content: "a" } }] },
      }),
      JSON.stringify({
        request: { messages: [{ role: "user", content: "x" }] },
        response: { error: { message: "no" } },
      }),
      good.slice(0, -9),
    ];
    const { counts, rejects, records } = await read(file(`${good}\n${lines.join("\n")}`));
    expect(counts).toEqual({ records: lines.length + 1, accepted: 1, duplicates: 0, rejected: lines.length });
    expect(records).toHaveLength(1);
    expect(rejects.map((reject) => reject.line)).toEqual(lines.map((_, i) => i + 2));
    expect(rejects.at(-1)?.reason).toMatch(/cut off/);
    expect(rejects[0]?.reason).toMatch(/nested/);
    expect(rejects[2]?.reason).toMatch(/nested/);
  });

  it("rejects a line of invalid UTF-8 among valid ones", async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${chat("é", "a")}\n{"messages":"`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(`"}\n${chat("ü", "b")}\n`),
    ]);
    const { counts, rejects } = await read(file(bytes));
    expect(counts).toEqual({ records: 3, accepted: 2, duplicates: 0, rejected: 1 });
    expect(rejects[0]).toMatchObject({ line: 2, reason: "the line is not valid UTF-8" });
  });

  it("rejects a table's row of invalid UTF-8, not one that holds a replacement mark", async () => {
    const bytes = Buffer.concat([
      Buffer.from("text,label\ncafé,a\nreal \ufffd,b\nna"),
      Buffer.from([0xef]),
      Buffer.from('ve,b\n"two\nlines ü",c\nlater \ufffd,d\n'),
    ]);
    const { counts, rejects } = await read(file(bytes, "log.csv"));
    expect(counts).toEqual({ records: 5, accepted: 4, duplicates: 0, rejected: 1 });
    expect(rejects[0]).toMatchObject({ line: 4, reason: "the line is not valid UTF-8" });
  });

  it("replaces half a surrogate pair and says so", async () => {
    const { records, notes } = await read(file(`{"text":"x\\ud800y \\\\ud800 \\ud83d\\ude00","label":"a"}\n`));
    expect(records[0]?.messages[0]?.content).toBe("x\ufffdy \\ud800 😀");
    expect(notes[0]).toContain("half a surrogate pair");
  });

  it("takes a text of 1 MB and prototype names as labels and fields", async () => {
    const text = "x y ".repeat(262_144);
    const { records } = await read(file(`${chat(text, "__proto__")}\n${chat("b", "constructor")}\n`));
    expect(records.map((record) => record.answer)).toEqual(["__proto__", "constructor"]);
    expect(records[0]?.messages[0]?.content).toHaveLength(1_048_576);
    const columns = { input: "constructor", output: "__proto__" };
    const mapped = await read(file('{"constructor":"hi","__proto__":"a"}\n'), { columns });
    expect(mapped.records[0]).toMatchObject({ answer: "a" });
  });

  it("rejects a line longer than the limit without holding it", async () => {
    const { counts, rejects } = await read(
      file(`${chat("a", "b")}\n{"text":"${"z".repeat(65 * 1024 * 1024)}"}\n${chat("c", "d")}\n`),
    );
    expect(counts).toEqual({ records: 3, accepted: 2, duplicates: 0, rejected: 1 });
    expect(rejects[0]).toMatchObject({ line: 2, reason: "the line is longer than 64 MB" });
  });

  it("rejects table rows of another width and an unclosed quote", async () => {
    const { counts, rejects } = await read(file('text,label\na,b\na,b,c\n"open,d\n', "x.csv"));
    expect(counts.accepted).toBe(1);
    expect(rejects.map((reject) => reject.line)).toEqual([3, 4]);
  });

  it("stops with the signal's reason", async () => {
    const controller = new AbortController();
    controller.abort(new Error("interrupted"));
    await expect(read(file(chat("hi", "a")), { signal: controller.signal })).rejects.toThrow("interrupted");
  });

  it("counts at most 32 bytes of table for each distinct record", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => chat(`text ${i}`, "a"));
    const { tableBytes, counts } = await read(file(lines.join("\n")));
    expect(counts.accepted).toBe(20_000);
    expect(tableBytes / counts.accepted).toBeLessThan(32);
  });

  it("counts at most 40 bytes of tables for each record of a batch, joined by the exact custom_id", async () => {
    const requests = Array.from({ length: 20_000 }, (_, i) => batchRequest(`id-${i}`, `text ${i}`));
    const results = Array.from({ length: 20_000 }, (_, i) => batchResult(`id-${i}`, `label ${i % 7}`)).toReversed();
    const { tableBytes, counts } = await read(file([...results, ...requests].join("\n")));
    expect(counts).toEqual({ records: 20_000, accepted: 20_000, duplicates: 0, rejected: 0 });
    expect(tableBytes / counts.accepted).toBeLessThan(40);
  });
});
