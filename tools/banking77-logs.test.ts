/** @file The bundled example is what the script makes of its source. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readLabelledTexts, shuffled, SYSTEM_PROMPT, toChatLine } from "./banking77-logs.js";

describe("banking77 logs", () => {
  it("keeps quotes and line breaks inside a text", () => {
    const [row] = readLabelledTexts('text,category\n"He said ""no"",\nthen?",card_arrival\n');
    expect(row).toEqual({ text: 'He said "no",\nthen?', category: "card_arrival" });
    expect(JSON.parse(toChatLine({ text: "a\nb", category: "c" }))).toEqual({
      messages: [
        { role: "system", content: SYSTEM_PROMPT },
        { role: "user", content: "a\nb" },
        { role: "assistant", content: "c" },
      ],
    });
  });

  it("shuffles the same way every time and loses nothing", () => {
    const rows = Array.from({ length: 100 }, (_, index) => index);
    expect(shuffled(rows)).toEqual(shuffled(rows));
    expect(shuffled(rows)).not.toEqual(rows);
    expect([...shuffled(rows)].sort((a, b) => a - b)).toEqual(rows);
  });

  it("ships 10,003 records with 77 answers and nothing but messages", () => {
    const lines = readFileSync("examples/banking77/logs.jsonl", "utf8").trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { messages: { role: string; content: string }[] });
    expect(records).toHaveLength(10_003);
    expect(new Set(records.map(({ messages }) => messages[2]?.content)).size).toBe(77);
    expect(records.every((record) => Object.keys(record).join() === "messages" && record.messages.length === 3)).toBe(
      true,
    );
  });
});
