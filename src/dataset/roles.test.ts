/** @file Which column holds what is decided once for a file: no right answer stands in for a missing answer, what is no answer is named,
 *  and a shape that nothing reads ends with the line that would read it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importLogs, type ImportOptions } from "./import.js";
import type { LlmRecord } from "./types.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-roles-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(contents: string | readonly object[], options: ImportOptions = {}, name = "log.jsonl") {
  const path = join(folder, name);
  writeFileSync(path, typeof contents === "string" ? contents : contents.map((row) => JSON.stringify(row)).join("\n"));
  const records: LlmRecord[] = [];
  const result = await importLogs([path], { ...options, onRecord: (record) => void records.push(record) });
  return { ...result, records };
}

describe("the answer's column", () => {
  it("is one for the whole file: where it is empty the call failed, whatever the right answer", async () => {
    const { records, rejections } = await read([
      { text: "a", output: null, expected: "x" },
      { text: "b", expected: "y" },
      { text: "c", output: "", label: "z" },
      { text: "d", output: "x", expected: "y" },
    ]);
    expect(records).toMatchObject([{ answer: "x", gold: "y", line: 4 }]);
    expect(rejections).toEqual([
      {
        reason: "failed or empty: no answer in `output`",
        count: 3,
        lines: [1, 2, 3].map((line) => ({ source: "log.jsonl", line })),
      },
    ]);
  });

  it("is the annotation where no model answered, and a note says so", async () => {
    const { records, notes, files } = await read([
      { input: [{ role: "user", content: "a" }], ideal: ["login", "Login"] },
      { input: [{ role: "user", content: "b" }], ideal: "billing" },
    ]);
    expect(records.map(({ answer }) => answer)).toEqual(["login", "billing"]);
    expect(notes.join()).toContain("`ideal` is taken as the teacher's");
    expect(files[0]?.columns).toMatchObject({ input: "input", output: "ideal" });
  });

  it("is the label where `answer` holds long replies, and that is said", async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({
      question: `Where is my parcel number ${i}?`,
      answer: `Dear customer ${i}, thank you for your message; the parcel of order ${i * 7} is on its way to you.`,
      label: i % 2 === 0 ? "delivery" : "billing",
    }));
    const { records, notes } = await read(rows);
    expect(new Set(records.map(({ answer }) => answer))).toEqual(new Set(["delivery", "billing"]));
    expect(notes.join()).toContain("--columns output=answer");
  });

  it.each([
    ["nan", /the answer is nan/],
    ["None", /the answer is None/],
    ["null", /the answer is null/],
    [[], /no label/],
    [{}, /object without an answer/],
    [{ error: { message: "x" } }, /failed/],
    ["Error code: 429 - {}", /error message/],
    ["8d3c0b1e-1111-2222-3333-444455556666", /an id/],
  ])("rejects what is no answer: %j", async (output, reason) => {
    const { rejections, counts } = await read([
      { text: "a", output },
      { text: "b", output: "x" },
    ]);
    expect(counts.accepted).toBe(1);
    expect(rejections[0]?.reason).toMatch(reason);
  });

  it("rejects several labels in one record by name and takes the only one of a list", async () => {
    const { records, rejectCounts } = await read([
      { text: "a", label: ["x"] },
      { text: "b", label: ["x", "y"] },
      { text: "c", label: [] },
      { text: "d", label: [[0, 3, "PER"]] },
    ]);
    expect(records.map(({ answer }) => answer)).toEqual(["x"]);
    expect([...rejectCounts.keys()].join()).toMatch(/several labels.*no label.*spans/);
  });

  it("that holds JSON gives no right answer of its own", async () => {
    const { records } = await read([{ text: "a", output: { label: "x" } }]);
    expect(records).toMatchObject([{ answer: '{"label":"x"}' }]);
    expect(records[0]?.gold).toBeUndefined();
  });

  it("of marked categories is the one that is marked", async () => {
    const { records, rejectCounts } = await read([
      { text: "a", cats: { x: 1, y: 0 } },
      { text: "b", cats: { x: 1, y: 1 } },
    ]);
    expect(records.map(({ answer }) => answer)).toEqual(["x"]);
    expect([...rejectCounts.keys()].join()).toMatch(/several labels/);
  });

  it("stands beside messages that no assistant answers", async () => {
    const { records } = await read([{ messages: [{ role: "user", content: "a" }], label: "x" }]);
    expect(records).toMatchObject([{ answer: "x", messages: [{ content: "a" }] }]);
  });

  it("counts a status as the call's only where the file's statuses are of calls", async () => {
    const business = await read([
      { text: "a", label: "x", status: "failed" },
      { text: "b", label: "y", status: "shipped" },
    ]);
    expect(business.counts.accepted).toBe(2);
    const calls = await read([
      { text: "a", label: "x", status: "failed" },
      { text: "b", label: "y", status: "success" },
    ]);
    expect(calls.counts.accepted).toBe(1);
  });
});

describe("columns", () => {
  it("are found in Japanese, in capitals and with their unit", async () => {
    const csv =
      "問い合わせ内容,出力,正解,日時,ユーザーID,費用（USD）\n届きません,配送,請求,2025年3月1日 10:00,u1,0.002\n";
    const { records } = await read(csv, {}, "log.csv");
    expect(records).toMatchObject([
      { answer: "配送", gold: "請求", timestampMs: Date.UTC(2025, 2, 1, 10), user: "u1", costUsd: 0.002 },
    ]);
    const capitals = await read("ID,Text,Label,Created At,User-ID\n7,hi,x,2025-03-01,u\n", {}, "log.csv");
    expect(capitals.records).toMatchObject([{ id: "7", answer: "x", user: "u", timestampMs: Date.UTC(2025, 2, 1) }]);
  });

  it("are mapped by paths through lists and text that holds JSON; the objects around them name the model", async () => {
    const row = {
      req: { model: "m-asked", messages: [{ role: "user", content: "hi" }] },
      resp: JSON.stringify({
        model: "m-answered",
        choices: [{ message: { content: "x" } }],
        usage: { prompt_tokens: 4 },
      }),
    };
    const columns = { input: "req.messages", output: "resp.choices[0].message.content" };
    const { records } = await read([row], { columns });
    expect(records).toMatchObject([{ answer: "x", model: "m-asked", inputTokens: 4 }]);
    const text = await read([row], { columns: { ...columns, input: "req.messages.0.content" } });
    expect(text.records[0]?.messages).toEqual([{ role: "user", content: "hi" }]);
  });

  it("that are mapped are read in every format, and one that no row has is said", async () => {
    const line = {
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: "x" },
      ],
      when: "2025-03-01",
    };
    const { records, notes, files } = await read([line], { columns: { time: "when", cost: "price_paid" } });
    expect(files[0]?.format).toBe("openai-chat");
    expect(records[0]?.timestampMs).toBe(Date.UTC(2025, 2, 1));
    expect(notes).toEqual(["log.jsonl: --columns cost=price_paid is not used: no row has it"]);
  });

  it("of Excel's own separator line and of a table that names one twice are read", async () => {
    const { records } = await read("sep=;\r\ntext;label\r\na, b;x\r\n", {}, "log.csv");
    expect(records).toMatchObject([{ answer: "x", messages: [{ content: "a, b" }] }]);
  });

  it("are suggested for a shape that nothing reads", async () => {
    const rows = ["delivery", "login", "login"].map((queue, i) => ({
      ticket: { said: `a longer text of number ${i}` },
      verdict: [{ queue }],
    }));
    await expect(read(rows)).rejects.toThrow("--columns input=ticket.said,output=verdict[0].queue");
    const found = await read(rows, { columns: { input: "ticket.said", output: "verdict[0].queue" } });
    expect(found.records.map(({ answer }) => answer)).toEqual(["delivery", "login", "login"]);
  });
});
