/** @file `joryu label` as a user meets it: kills at any moment, money, keys, exit codes, and records that `joryu run` learns from. The
 *  teacher is a server of ours on the loopback whose answers come from a fitted linear student. Follows docs/labelling.md. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { callUsd } from "../src/cost.js";
import { createRandom } from "../src/random.js";
import { questionsOf } from "../src/teacher/question.js";
import {
  answerOf,
  labels,
  startTeacher,
  unseenTexts,
  type ServerOptions,
  type TeacherServer,
} from "../src/teacher/server.test.fixture.js";
import { joryu, lastJson, MACHINE, startJoryu, temporaryFolder } from "./joryu.js";

const folder = temporaryFolder();
const servers: TeacherServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => folder.remove());

const KEY = "canary-0123456789-abcdefgh";
const KEY_NAME = "JORYU_TEST_TEACHER_KEY";
process.env[KEY_NAME] = KEY;
const PRICE = ["--input-usd-per-million", "1", "--output-usd-per-million", "4"];

async function serve(options: ServerOptions = {}): Promise<TeacherServer> {
  const server = await startTeacher(options);
  servers.push(server);
  return server;
}

interface Task {
  readonly state: string;
  readonly args: readonly string[];
}

function taskOf(server: TeacherServer, name: string, count: number): Task {
  const state = join(folder.path, name);
  mkdirSync(state);
  const texts = join(state, "tickets.csv");
  const rows = unseenTexts.slice(0, count).map((text) => `"${text.replaceAll('"', '""')}"`);
  writeFileSync(texts, `body\n${rows.join("\n")}\n`);
  writeFileSync(join(state, "labels.txt"), `${labels.join("\n")}\n`);
  const args = ["label", texts, "--input", "body", "--teacher", server.baseUrl, "--model", "linear-teacher"];
  args.push("--labels-file", join(state, "labels.txt"), "--prompt", "Name the intent.", "--out", state, "--json");
  return { state, args };
}

const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Ids of the questions whose answers stand in the journal. */
function recordedIds(state: string): ReadonlySet<string> {
  const path = join(state, "labels", "journal.jsonl");
  const journal = existsSync(path) ? readFileSync(path, "utf8") : "";
  return new Set(journal.split("\n").flatMap((line) => /^\{"kind":"answer","id":"(\w+)".*\}$/.exec(line)?.[1] ?? []));
}

/** Id of the question about each text. */
function idsOf(texts: readonly string[]): ReadonlyMap<string, string> {
  const rows = texts.map((text) => ({ text }));
  const prompts = ["Name the intent."];
  const rest = { samples: 1, temperature: 0, maxTokens: 1, topLogprobs: 20, seed: 1 };
  const questions = questionsOf(rows, rows.keys(), { model: "linear-teacher", labels, prompts, ...rest });
  return new Map([...questions].map(({ text, id }) => [text, id]));
}

function callsByText(server: TeacherServer): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { text } of server.calls) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

describe("joryu label", () => {
  it("goes on after kill -9 at any moment: what was recorded is never asked again, nor paid twice", async () => {
    const server = await serve({ delayMs: 15 });
    const { state, args } = taskOf(server, "killed", 150);
    const ids = idsOf(unseenTexts.slice(0, 150));
    const random = createRandom(1, "kills");
    const callsWhenRecorded = new Map<string, number>();
    for (let kills = 0; kills < 6; kills++) {
      const running = startJoryu([...args, ...PRICE]);
      const wanted = recordedIds(state).size + 3 + random.int(20);
      while (running.child.exitCode === null && recordedIds(state).size < wanted) await wait(5);
      await wait(random.int(20));
      running.signal("SIGKILL");
      await running.done;
      const recorded = recordedIds(state);
      const calls = callsByText(server);
      for (const [text, id] of ids) if (recorded.has(id)) callsWhenRecorded.set(text, calls.get(text) ?? 0);
    }
    const { code, stdout } = await joryu([...args, ...PRICE]);
    const summary = lastJson(stdout);
    expect([code, summary["accepted"], summary["ended"]]).toEqual([0, 150, "complete"]);
    expect(callsWhenRecorded.size).toBeGreaterThan(18);
    const calls = callsByText(server);
    for (const [text, count] of callsWhenRecorded) expect(calls.get(text)).toBe(count);
    expect(readFileSync(String(summary["records"]), "utf8").trim().split("\n")).toHaveLength(150);
    expect(server.calls.length - 150).toBeLessThanOrEqual(Number(summary["lostRequests"]));
    const served = callUsd(server.usage.promptTokens, server.usage.completionTokens, {
      inputUsdPerMillion: 1,
      outputUsdPerMillion: 4,
    });
    expect(Number(summary["spentUsd"]) + Number(summary["possiblySpentUsd"])).toBeGreaterThanOrEqual(served - 1e-12);
  });

  it("never spends more than its budget over many killed runs together", async () => {
    const server = await serve({ delayMs: 10 });
    const { state, args } = taskOf(server, "poor", 120);
    const budget = ["--budget-usd", "0.012", "--concurrency", "16", ...PRICE];
    for (let kills = 0; kills < 3; kills++) {
      const running = startJoryu([...args, ...budget]);
      const before = recordedIds(state).size;
      while (running.child.exitCode === null && recordedIds(state).size < before + 4) await wait(5);
      running.signal("SIGKILL");
      await running.done;
    }
    const { code, stdout } = await joryu([...args, ...budget]);
    const summary = lastJson(stdout);
    const served = callUsd(server.usage.promptTokens, server.usage.completionTokens, {
      inputUsdPerMillion: 1,
      outputUsdPerMillion: 4,
    });
    expect([code, summary["ended"]]).toEqual([0, "budget"]);
    expect(served).toBeLessThanOrEqual(0.012);
    expect(Number(summary["spentUsd"]) + Number(summary["possiblySpentUsd"])).toBeLessThanOrEqual(0.012);
  });

  it("sends the key of the named variable and writes it nowhere, though the server repeats it", async () => {
    const refused = { status: 401, body: { error: { message: `Incorrect API key provided: ${KEY}` } } };
    const server = await serve({ conduct: ({ index }) => (index < 3 ? "as-usual" : refused) });
    const { state, args } = taskOf(server, "key", 10);
    const { code, stdout, stderr } = await joryu([...args, "--api-key-env", KEY_NAME, "--concurrency", "1"]);
    expect(code).toBe(1);
    expect(server.keys).toContain(`Bearer ${KEY}`);
    expect(stderr).toMatch(/^joryu: http:.*HTTP 401: Incorrect API key provided: \[redacted\];/m);
    for (const text of [stdout, stderr, ...filesBelow(state).map((path) => readFileSync(path, "utf8"))]) {
      expect(text).not.toContain(KEY);
    }
  });

  it("exits with 2 and one line for wrong usage, before anything is asked", async () => {
    const server = await serve();
    const { args } = taskOf(server, "usage", 5);
    const [, , ...rest] = args;
    for (const [wrong, message] of [
      [[...args, "--budget-usd", "1"], /a budget needs prices/],
      [[...args, "--samples", "0"], /--samples: /],
      [[...args, "--api-key-env", "JORYU_TEST_ABSENT"], /JORYU_TEST_ABSENT: not set/],
      [[...args, "--api-key-env", "sk-abcdefghijkl"], /not the key itself/],
      [[...args, "--format", "xml"], /expected one of auto, csv, jsonl, lines/],
      [[...args, "--input-usd-per-million", "1"], /--output-usd-per-million: not given/],
      [["label", join(folder.path, "absent.csv"), ...rest], /absent\.csv: no such file/],
      [args.map((arg) => (arg === server.baseUrl ? "nowhere" : arg)), /--teacher: expected an address/],
      [args.filter((arg) => !["--model", "linear-teacher"].includes(arg)), /--model: not given/],
    ] as const) {
      const { code, stdout, stderr } = await joryu(wrong);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    }
    expect(server.calls).toHaveLength(0);
  });

  it("exits with 130 after Ctrl-C and with 1 when a server stays down", async () => {
    const slow = await serve({ delayMs: 50 });
    const task = taskOf(slow, "interrupted", 100);
    const running = startJoryu(task.args);
    while (running.child.exitCode === null && slow.calls.length < 10) await wait(5);
    running.signal("SIGINT");
    expect((await running.done).code).toBe(130);
    const down = await serve({ conduct: () => ({ status: 503 }) });
    const { code, stderr } = await joryu([...taskOf(down, "down", 30).args, "--attempts", "1"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("the server gave no answer")]);
  });

  it("writes records that joryu run learns from", async () => {
    const server = await serve();
    const { state, args } = taskOf(server, "learned", unseenTexts.length);
    const labelled = await joryu(args.filter((arg) => arg !== "--json").concat("--concurrency", "32"));
    expect(labelled.stdout).toMatch(/^next: joryu run --logs /m);
    const logs = join(state, "labels", "records.jsonl");
    const flags = ["--minutes", "0.1", "--machine", MACHINE, "--target", "agreement=0.8", "--out", state, "--json"];
    const run = await joryu(["run", "--logs", logs, ...flags]);
    expect([0, 3]).toContain(run.code);
    const model = String(lastJson(run.stdout)["model"]);
    const texts = unseenTexts.slice(0, 50);
    const predicted = await joryu(["predict", "--model", model, "--json", ...texts]);
    const answers = predicted.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { label: string }).label);
    expect(answers.filter((label, i) => label === answerOf(texts[i] ?? "")).length).toBeGreaterThan(40);
  });

  it("is the first stage of a run on texts: within the budget, a fair sample for the proof beside what is uncertain", async () => {
    const server = await serve();
    const { state, args } = taskOf(server, "taught", unseenTexts.length);
    const [, texts = "", ...flags] = args;
    const run = ["run", "--texts", texts, ...flags, ...PRICE, "--budget-usd", "0.09", "--concurrency", "32"];
    const plan = ["--minutes", "0.1", "--machine", MACHINE, "--target", "agreement=0.8"];
    const first = await joryu([...run, ...plan]);
    expect([first.code, first.stderr]).toEqual([
      expect.toSatisfy((code) => code === 0 || code === 3),
      expect.any(String),
    ]);
    expect(first.stderr).toMatch(/answers of the teacher, \d+ not asked: budget/);
    const served = callUsd(server.usage.promptTokens, server.usage.completionTokens, {
      inputUsdPerMillion: 1,
      outputUsdPerMillion: 4,
    });
    expect(served).toBeLessThanOrEqual(0.09);
    const records = readFileSync(join(state, "labels", "records.jsonl"), "utf8")
      .trim()
      .split("\n");
    expect(records.filter((line) => line.includes('"split":"test"')).length).toBeGreaterThan(100);
    const calls = server.calls.length;
    for (const missing of ["--unlabelled", "--machine", "--base"]) {
      const failed = await joryu([...run, ...plan, "--out", join(folder.path, "new"), missing, join(state, "missing")]);
      expect([failed.code, server.calls.length]).toEqual([2, calls]);
    }
    const dry = await joryu([...run, ...plan, "--dry-run"]);
    expect([dry.code, dry.stderr]).toEqual([2, expect.stringContaining("would have to ask the teacher")]);
  }, 300_000);
});
