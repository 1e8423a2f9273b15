/** @file Example turns before questions: constant, drawn, and what only looks like them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { stripTemplate } from "../template/template.js";
import { buildLabelDataset } from "./build.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-examples-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const QUEUES = ["billing", "delivery", "login", "returns"];
const random = createRandom(11, "find examples test");
const word = (): string => Array.from({ length: 6 }, () => String.fromCharCode(97 + random.int(26))).join("");
const asked = Array.from({ length: 700 }, (_, i) => ({
  text: `${word()} ${word()} ${word()} ${word()}`,
  label: QUEUES[i % 4] ?? "",
}));
type Pair = (typeof asked)[number];

const turnsOf = ({ text, label }: Pair): object[] => [
  { role: "user", content: text },
  { role: "assistant", content: label },
];

let made = 0;
async function build(calls: readonly (readonly object[])[]) {
  const path = join(folder, `${made++}.jsonl`);
  const system = { role: "system", content: "Route the mail." };
  writeFileSync(path, calls.map((turns) => `${JSON.stringify({ messages: [system, ...turns] })}\n`).join(""));
  return buildLabelDataset([path], { seed: 1, outDir: join(folder, `out-${made}`) });
}

const pool = asked.slice(0, 40);
const questions = asked.slice(100, 400);
const draw = (from: readonly Pair[]): Pair => from[random.int(from.length)] ?? { text: "", label: "" };
const textsOf = (pairs: readonly Pair[]): string[] => pairs.map(({ text }) => text).sort();

describe("example turns", () => {
  it("that are constant are template: each question is an input and a group of its own", async () => {
    const examples = pool.slice(0, 3).flatMap(turnsOf);
    const { dataset, notes } = await build(questions.map((question) => [...examples, ...turnsOf(question)]));
    expect(dataset.rows.map(({ text }) => text).sort()).toEqual(textsOf(questions));
    expect(new Set(dataset.rows.map(({ group }) => group)).size).toBe(300);
    expect(dataset.template.examples).toEqual(examples);
    expect(notes.join()).toContain("6 constant turns before each question are examples");
  });

  it.each([1, 3])("that are drawn anew, %i in each call, leave the question alone as the input", async (shots) => {
    const calls = questions.map((question) => [
      ...Array.from({ length: shots }, () => turnsOf(draw(pool))).flat(),
      ...turnsOf(question),
    ]);
    const { dataset, notes } = await build(calls);
    expect(dataset.rows.map(({ text }) => text).sort()).toEqual(textsOf(questions));
    expect(new Set(dataset.rows.map(({ group }) => group)).size).toBe(300);
    expect(dataset.template.examples).toBe("drawn");
    expect(notes.join()).toContain("300 calls show examples as earlier turns");
    expect(notes.join()).not.toContain("inputs stand as an example");
  });

  it("whose texts are asked elsewhere are counted", async () => {
    const calls = questions.map((question) => [
      ...turnsOf(draw(questions)),
      ...turnsOf(draw(questions)),
      ...turnsOf(question),
    ]);
    const { notes } = await build(calls);
    expect(notes.join()).toMatch(
      /2\d\d of 300 inputs stand as an example, with its answer, in the prompt of other calls/,
    );
  });

  it("are no conversations: history stays in the input and holds a conversation together", async () => {
    const calls = Array.from({ length: 100 }, (_, at) => asked.slice(4 * at, 4 * at + 4)).flatMap((turns) =>
      turns.map((_, i) => turns.slice(0, i + 1).flatMap(turnsOf)),
    );
    const { dataset } = await build(calls);
    expect(dataset.template.examples).toBeUndefined();
    expect(new Set(dataset.rows.map(({ group }) => group)).size).toBe(100);
    expect(dataset.rows.some(({ text }) => text.includes(`user: ${asked[0]?.text ?? ""}`))).toBe(true);
  });

  it("are no conversations where first calls are missing either: a turn that goes on in one way is history", async () => {
    const calls = Array.from({ length: 100 }, (_, at) => asked.slice(5 * at, 5 * at + 4)).flatMap((turns) =>
      [2, 3, 4].map((length) => turns.slice(0, length).flatMap(turnsOf)),
    );
    const { dataset } = await build(calls);
    expect(dataset.template.examples).toBeUndefined();
    expect(new Set(dataset.rows.map(({ group }) => group)).size).toBe(100);
  });

  it("that never come again may be history: they stay, and it is said", async () => {
    const calls = questions.map((question, i) => [...turnsOf(asked[400 + i] ?? question), ...turnsOf(question)]);
    const { dataset, notes } = await build(calls);
    expect(dataset.template.examples).toBeUndefined();
    expect(notes.join()).toContain("nothing tells examples from history");
  });

  it("inside the questions are said", async () => {
    const shown = (question: Pair): string =>
      [draw(pool), draw(pool), draw(pool)].map(({ text, label }) => `Text: ${text}\nLabel: ${label}`).join("\n") +
      `\nText: ${question.text}\nLabel:`;
    const { notes } = await build(questions.map((question) => turnsOf({ ...question, text: shown(question) })));
    expect(notes.join()).toContain("the questions hold examples with their answers themselves");
  });
});

describe("a student's prompt", () => {
  const template = { system: "", userPrefix: "", userSuffix: "" };
  const [a, b, c] = ["a", "b", "c"].map((content) => ({ role: "user", content }));
  const answer = { role: "assistant", content: "x" };
  const all = [a, answer, b, answer, c].flatMap((message) => message ?? []);

  it("is stripped as the dataset was", () => {
    expect(stripTemplate(all, { ...template, examples: "drawn" })).toBe("c");
    expect(stripTemplate(all, { ...template, examples: all.slice(0, 4) })).toBe("c");
    expect(stripTemplate(all, { ...template, examples: all.slice(0, 2) })).toBe("user: b\nassistant: x\nc");
    expect(stripTemplate(all.slice(2), { ...template, examples: all.slice(0, 2) })).toBe("user: b\nassistant: x\nc");
    expect(stripTemplate("c", { ...template, examples: "drawn" })).toBe("c");
  });

  it("may hold a system message and no question", () => {
    const system = { role: "system", content: "s" };
    expect(stripTemplate([system, ...all], { ...template, examples: all.slice(0, 4) })).toBe("c");
    expect(stripTemplate([system, answer], { ...template, examples: "drawn" })).toBe("x");
    expect(stripTemplate([], { ...template, examples: "drawn" })).toBe("");
  });
});
