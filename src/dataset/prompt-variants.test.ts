import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import type { LlmRecord } from "./types.js";
import { WorkloadKeys, WorkloadTable } from "./workload.js";

const random = createRandom(5, "prompt variants test");
const SYLLABLES = ["ka", "ro", "mi", "len", "do", "sa", "ti", "bel", "nor", "vi"];
const syllables = (n: number): string => Array.from({ length: n }, () => SYLLABLES[random.int(10)] ?? "").join("");
const named = (i: number): string => `${syllables(3)}${String.fromCharCode(97 + (i % 26))}`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

type Answers = (i: number, prompt: string) => string;
const QUEUES: Answers = (i) => (i % 2 === 0 ? "billing" : "login");
const YES_NO: Answers = (i) => (i % 2 === 0 ? "yes" : "no");

/** Workloads that calls with these system prompts make, `each` calls of every prompt. */
function workloads(
  prompts: readonly string[],
  each = 10,
  answer = QUEUES,
): { counts: number[]; notes: readonly string[]; names: string[] } {
  const keys = new WorkloadKeys();
  const records = prompts.flatMap((content) =>
    Array.from({ length: each }, (_, i): LlmRecord => ({
      source: "log",
      line: 1,
      messages: [
        { role: "system", content },
        { role: "user", content: `text ${i}` },
      ],
      answer: answer(i, content),
    })),
  );
  for (const record of records) keys.observe(record);
  const counts = new Map<string, number>();
  for (const record of records) counts.set(keys.keyOf(record), (counts.get(keys.keyOf(record)) ?? 0) + 1);
  const table = new WorkloadTable();
  for (const record of records) table.observe(keys.keyOf(record), record);
  return {
    counts: [...counts.values()].sort((a, b) => b - a),
    notes: keys.notes(),
    names: table.facts("log").map(({ summary }) => summary.name),
  };
}

const sizes = (prompts: readonly string[], each = 10, answer = QUEUES): number[] =>
  workloads(prompts, each, answer).counts;

const TASK = "You route support mail. Answer with one of: billing, login.";
const names = Array.from({ length: 40 }, (_, i) => capital(named(i)));

describe("system prompts with changing parts are one workload", () => {
  it.each<[string, readonly string[]]>([
    ["names at the beginning", names.map((name) => `You are helping ${name}. ${TASK}`)],
    ["names at the end, twice", names.map((name) => `${TASK} The customer is ${name}. Greet ${name} kindly.`)],
    ["two names", names.map((name, i) => `You are helping ${name} ${names[(i + 7) % 40] ?? ""}. ${TASK}`)],
    ["names in small letters", names.map((name) => `You are helping ${name.toLowerCase()}. ${TASK}`)],
    ["four names", names.slice(0, 4).map((name) => `You are helping ${name}. ${TASK}`)],
    ["a name and a company", names.map((name, i) => `${TASK} ${capital(named(i))} pays; call ${name}.`)],
    ["names in five companies", names.map((name, i) => `For the company ${names[i % 5] ?? ""}x, ask ${name}. ${TASK}`)],
    ["weekdays", ["Monday", "Tuesday", "Friday"].map((day) => `Today is ${day}. ${TASK}`)],
    ["dates", ["March 3rd, 2025", "May 12th, 2025"].map((day) => `Today is ${day}. ${TASK}`)],
    ["Japanese days", ["月", "火"].map((day) => `今日は2025年3月1日（${day}）です。問い合わせを分類してください。`)],
    [
      "Japanese names",
      [..."田中山本高橋佐藤鈴木"].map((a) => `あなたは${a}村さんを手伝います。問い合わせを分類してください。`),
    ],
    ["three users", ["Anna", "Ben", "Clara Novak"].map((name) => `You are helping ${name}. ${TASK}`)],
    ["two customers, by a mark", ["anna.b", "ben77"].map((name) => `Customer: ${name}\n${TASK}`)],
    ["three names without a mark", ["Acme", "Globex", "Initech"].map((name) => `At ${name} you sort mail. ${TASK}`)],
    [
      "three Japanese names, given names in Hiragana among them",
      ["田中", "山田はな子", "スミス"].map((name) => `あなたは${name}さんを手伝います。問い合わせを分類してください。`),
    ],
    [
      "two Japanese names behind a mark",
      ["佐藤", "高橋一郎"].map((name) => `担当者：${name}\n問い合わせを分類してください。`),
    ],
    ["times of day", ["9:05 AM", "12:30 p.m.", "23:15"].map((time) => `It is ${time} now. ${TASK}`)],
    [
      "dates in many forms",
      [
        "Thursday, March 3rd, 2025",
        "3 May 2025",
        "2025-03-03",
        "2025-03-03T10:15:00Z",
        "monday, 10:30 PM UTC",
        "Dec. 24 at 8 am",
        "03/04/2025 10:15",
      ].map((day) => `Today is ${day}. ${TASK}`),
    ],
    [
      "Japanese dates in many forms",
      ["2025年3月1日（土）午後3時20分", "令和7年5月2日", "12月24日 9:30", "月曜日"].map(
        (day) => `現在は${day}です。問い合わせを分類してください。`,
      ),
    ],
  ])("%s", (_, prompts) => {
    expect(sizes(prompts)).toEqual([prompts.length * 10]);
  });

  it("named after their labels, not after the person or the day that came first", () => {
    const prompts = ["Anna", "Ben"].map(
      (name) => `You are helping ${name}, it is ${name === "Ben" ? "May 2" : "9 am"}.`,
    );
    expect(workloads(prompts).names).toEqual(["billing-login"]);
    const texts: Answers = (i, prompt) => `A reply of its own to message ${i} under ${prompt}`;
    expect(workloads(prompts, 10, texts).names).toEqual(["you-are-helping-it-is"]);
  });

  it("more of them than are compared", () => {
    const prompts = Array.from({ length: 2_600 }, (_, i) => `You are helping ${capital(named(i))}${i % 7}x. ${TASK}`);
    expect(sizes(prompts, 1)).toEqual([2_600]);
  });
});

describe("two tasks stay two", () => {
  it("that differ in one word", () => {
    const [upset, happy] = ["Is the customer upset? Answer yes or no.", "Is the customer happy? Answer yes or no."];
    expect(sizes([upset, happy])).toEqual([10, 10]);
    const withNames = names.flatMap((name) => [`${upset} Name: ${name}.`, `${happy} Name: ${name}.`]);
    expect(sizes(withNames, 4)).toEqual([160, 160]);
  });

  const BRANDS = ["Nike", "Adidas", "Puma", "Asics", "Mizuno", "Reebok"];
  it.each([
    ["that ask of another brand each", BRANDS.map((brand) => `Is this text about ${brand}? Answer yes or no.`)],
    ["that ask in other words", BRANDS.map((brand) => `Say yes if the text mentions ${brand} and no if not.`)],
    [
      "that ask in Japanese",
      ["任天堂", "日産", "花王", "明治"].map((a) => `${a}に関する文章ですか。はい、いいえで答えてください。`),
    ],
    ["of two brands", BRANDS.slice(0, 2).map((brand) => `Does the customer own shoes by ${brand}? yes or no`)],
  ])("%s, and it is said where names differ", (name, prompts) => {
    const found = workloads(prompts, 10, YES_NO);
    expect(found.counts).toEqual(prompts.map(() => 10));
    if (!name.includes("Japanese"))
      expect(found.notes).toEqual([expect.stringContaining("a word that is asked about")]);
  });

  it("that answer the same inputs otherwise", () => {
    const regions = ["Europe", "Asia", "Africa", "America"].map((place) => `We live in ${place}. ${TASK}`);
    expect(sizes(regions)).toEqual([40]);
    expect(sizes(regions, 10, (i, prompt) => (prompt.length % 2 === i % 2 ? "billing" : "login"))).not.toEqual([40]);
  });

  it("unless their words mean nothing: it is said which they are", () => {
    const prompts = BRANDS.map((brand) => `You sort mail at ${brand}. ${TASK}`);
    const { counts, notes } = workloads(prompts);
    expect(counts).toEqual([60]);
    expect(notes[0]).toMatch(/^6 system prompts \("Nike", "Adidas", "Puma", ...\) differ in these words alone/);
  });

  it("however many differ in a word that is no name", () => {
    const moods = ["upset", "happy", "bored", "rude", "new", "polite", "in doubt", "in a hurry"];
    expect(sizes(moods.map((mood) => `Is the customer ${mood}? Answer yes or no.`))).toHaveLength(8);
  });
});
