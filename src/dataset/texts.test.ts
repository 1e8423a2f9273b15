import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, JoryuError, UsageError } from "../errors.js";
import { checkTextFormat, readTexts, type ReadTextsOptions, type TextsRead } from "./texts.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-texts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(name: string, content: string | Uint8Array, options: ReadTextsOptions = {}): Promise<TextsRead> {
  const path = join(folder, name);
  writeFileSync(path, content);
  return readTexts([path], options);
}

const textsOf = async (reading: Promise<TextsRead>): Promise<string[]> => (await reading).texts.map(({ text }) => text);

describe("readTexts", () => {
  it("reads plain lines, each distinct text once with its count", async () => {
    expect(await read("a.txt", "lost card\r\n\n where is it? \nlost card\nlost card")).toMatchObject({
      rows: 4,
      texts: [
        { text: "lost card", occurrences: 3 },
        { text: "where is it?", occurrences: 1 },
      ],
    });
  });

  it("reads CSV under usual and mapped names, and keeps what the first row knows", async () => {
    const csv = 'id,text,created_at,user\n1,"lost, card",2024-01-01,u1\n2,"lost, card",2024-01-02,u2\n';
    expect((await read("a.csv", csv)).texts).toEqual([
      {
        text: "lost, card",
        occurrences: 2,
        meta: { id: "1", timestampMs: Date.UTC(2024, 0, 1), user: "u1" },
      },
    ]);
    expect(await textsOf(read("b.csv", "a;memo\n1;x\n2;y\n", { columns: { input: "memo" } }))).toEqual(["x", "y"]);
    expect(await textsOf(read("c.csv", "1,x\n2,y\n", { columns: { input: "2" } }))).toEqual(["x", "y"]);
  });

  it("takes prose with commas for lines, and a table without ending for one where its header names the text", async () => {
    expect(await textsOf(read("prose", "hello, there\nyes, no\n"))).toEqual(["hello, there", "yes, no"]);
    expect(await textsOf(read("table", "id,message\n1,x\n"))).toEqual(["x"]);
  });

  it("reads JSON lines of objects, of messages and of strings, and one array", async () => {
    const lines = [
      { text: "a" },
      {
        messages: [
          { role: "system", content: "s" },
          { role: "user", content: "b" },
          { role: "assistant", content: "x" },
        ],
      },
      "c",
    ].map((line) => JSON.stringify(line));
    expect(await textsOf(read("a.jsonl", lines.join("\n")))).toEqual(["a", "b", "c"]);
    expect(await textsOf(read("b.json", `[${lines.join(",")}]`))).toEqual(["a", "b", "c"]);
    const nested = await read("c.jsonl", '{"ticket":{"body":"d"},"cost":3}', { columns: { input: "ticket.body" } });
    expect(nested.texts).toEqual([{ text: "d", occurrences: 1, meta: {} }]);
  });

  it("reads Shift_JIS as the log import does", async () => {
    const bytes = Uint8Array.of(0x83, 0x4a, 0x81, 0x5b, 0x83, 0x68, 0x82, 0xf0, 0x0a);
    expect(await textsOf(read("sjis.txt", bytes))).toEqual(["カードを"]);
  });

  it("says what a file that is not UTF-8 was read as", async () => {
    const eucJp = Buffer.from("bbc4b9e2bec8b2f10a", "hex");
    expect((await read("euc.txt", eucJp)).notes).toEqual(["euc.txt: not UTF-8; read as EUC-JP"]);
    expect((await read("plain.txt", "残高照会\n")).notes).toEqual([]);
  });
});

describe("malformed files", () => {
  it.each([
    ["empty.csv", "", /empty/],
    ["blank.txt", " \n \n", /white space/],
    ["page.txt", "<!doctype html><html></html>", /HTML/],
    ["nocolumn.csv", "a,b\n1,2\n", /expected a column with the text .* found "a", "b"; name it with --input/],
    ["keys.jsonl", '{"a":1}\n{"b":2}\n', /no row holds a text; most often: the input field is missing/],
    ["array.json", '[{"text":"a"}', /broken JSON/],
  ])("%s is refused in one line", async (name, content, message) => {
    const reading = read(name, content);
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
  });

  it("count the rows that hold no text and keep the others", async () => {
    const result = await read("mixed.jsonl", '{"text":"a"}\n{"text":""}\n{"text":\nnonsense\n{"text":"b"}\n');
    expect(result.texts.map(({ text }) => text)).toEqual(["a", "b"]);
    expect([...result.rejectCounts.values()].reduce((sum, count) => sum + count, 0)).toBe(3);
  });

  it("names of formats that do not exist are a usage error", () => {
    expect(() => checkTextFormat("xml")).toThrow(UsageError);
    expect(checkTextFormat("lines")).toBe("lines");
  });

  it("any bytes give texts or one of our errors", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom("x", "x.csv", "x.json"), async (content, name) => {
        try {
          expect((await read(name, content)).texts.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(JoryuError);
        }
      }),
      { numRuns: 150 },
    );
  });
});
