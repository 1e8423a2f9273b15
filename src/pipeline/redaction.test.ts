/** @file Settings made into a redactor, and what the import does with one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importLogs } from "../dataset/import.js";
import type { LlmRecord, Message } from "../dataset/types.js";
import { openRedaction, redactionNotes, redactorOf } from "./redaction.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-redaction-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SETTINGS = { keep: [], allow: [] };

function write(name: string, contents: string): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

function chat(question: string, answer?: string, more: object = {}): string {
  const last = answer === undefined ? [] : [{ role: "assistant", content: answer }];
  return JSON.stringify({ messages: [{ role: "user", content: question }, ...last], ...more });
}

describe("an import with a redactor", () => {
  it("hands over no value of records or of questions without an answer, and rejects what is refused with its reason", async () => {
    const { redactRecord } = await redactorOf(SETTINGS, "k");
    const lines = [chat("a@kaisha.jp", "b"), chat("c@kaisha.jp"), chat("x\u0000", "y")];
    const records: LlmRecord[] = [];
    const asked: (readonly Message[])[] = [];
    const { counts, rejectCounts } = await importLogs([write("a.jsonl", lines.join("\n"))], {
      redact: redactRecord,
      onRecord: (record) => void records.push(record),
      onUnanswered: (messages) => void asked.push(messages),
    });
    expect(counts).toEqual({ records: 3, accepted: 1, duplicates: 0, rejected: 2 });
    expect(rejectCounts.get("not redacted: a text holds binary data")).toBe(1);
    expect(JSON.stringify([records, asked])).not.toContain("kaisha");
    expect(asked).toHaveLength(1);
  });

  it("tells copies and repeats by the records as they came", async () => {
    const { redactRecord } = await redactorOf(SETTINGS, "k");
    const copy = chat("a@kaisha.jp", "b", { id: "1", conversation: "p" });
    const repeats = ["p", "q"].map((conversation) => chat("c@kaisha.jp", "d", { conversation }));
    const { counts } = await importLogs([write("b.jsonl", [copy, copy, ...repeats].join("\n"))], {
      redact: redactRecord,
    });
    expect(counts).toEqual({ records: 4, accepted: 2, duplicates: 2, rejected: 0 });
  });
});

describe("a redaction", () => {
  it("has the same surrogates in every import of a state folder, and others in another", async () => {
    const values = await Promise.all(
      ["one", "one", "two"].map(async (name) =>
        (await openRedaction(SETTINGS, join(folder, name))).redactor.redactText("a@kaisha.jp", "c"),
      ),
    );
    expect(values[0]).toBe(values[1]);
    expect(values[0]).not.toBe(values[2]);
  });

  it("has another fingerprint with other kinds, values or names", async () => {
    const names = write("names.mjs", "export default () => [];\n");
    const settings = [SETTINGS, { ...SETTINGS, keep: ["ip"] }, { ...SETTINGS, allow: ["x"] }, { ...SETTINGS, names }];
    const prints = await Promise.all(settings.map(async (one) => (await openRedaction(one, folder)).fingerprint));
    expect(new Set(prints).size).toBe(4);
  });

  it("takes the user's detector of names, as default or by name", async () => {
    for (const [file, code] of [
      ["default.mjs", 'export default (text) => (text.includes("Jane") ? ["Jane"] : []);'],
      [
        "named.mjs",
        "export const names = (text) => [...text.matchAll(/Jane/g)].map((m) => ({ start: m.index, end: m.index + 4 }));",
      ],
    ] as const) {
      const redactor = await redactorOf({ ...SETTINGS, names: write(file, code) }, "k");
      expect(redactor.redactText("Jane and Jane", "c")).toMatch(/^([A-Z][a-z]+) and \1$/);
      expect(redactor.facts().counts).toEqual({ name: 2 });
    }
  });

  it("notes what it cannot do, and what it left", () => {
    const facts = {
      counts: {},
      rejected: { x: 2 },
      keptKinds: ["ip"] as const,
      namesDetected: false,
      inSystemPrompts: 3,
    };
    const notes = redactionNotes(facts).join("\n");
    expect(notes).toMatch(
      /no personal data found[\s\S]*2 records[\s\S]*kept as they are: ip[\s\S]*names of people are not[\s\S]*3 of the values/,
    );
    expect(redactionNotes({ ...facts, namesDetected: true }).join("\n")).not.toContain("names of people");
  });
});
