import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import type { LlmRecord } from "./types.js";
import { WorkloadKeys } from "./workload.js";

const random = createRandom(5, "prompt variants test");
const SYLLABLES = ["ka", "ro", "mi", "len", "do", "sa", "ti", "bel", "nor", "vi"];
const syllables = (n: number): string => Array.from({ length: n }, () => SYLLABLES[random.int(10)] ?? "").join("");
const named = (i: number): string => `${syllables(3)}${String.fromCharCode(97 + (i % 26))}`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Sizes of the workloads that calls with these system prompts make, `each` calls of every prompt. */
function sizes(prompts: readonly string[], each = 10): number[] {
  const keys = new WorkloadKeys();
  const records = prompts.flatMap((content) =>
    Array.from({ length: each }, (_, i): LlmRecord => ({
      source: "log",
      line: 1,
      messages: [
        { role: "system", content },
        { role: "user", content: `text ${i}` },
      ],
      answer: i % 2 === 0 ? "billing" : "login",
    })),
  );
  for (const record of records) keys.observe(record);
  const counts = new Map<string, number>();
  for (const record of records) counts.set(keys.keyOf(record), (counts.get(keys.keyOf(record)) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
}

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
  ])("%s", (_, prompts) => {
    expect(sizes(prompts)).toEqual([prompts.length * 10]);
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

  it("however many differ in a word that is no name", () => {
    const moods = ["upset", "happy", "bored", "rude", "new", "polite", "in doubt", "in a hurry"];
    expect(sizes(moods.map((mood) => `Is the customer ${mood}? Answer yes or no.`))).toHaveLength(8);
  });
});
