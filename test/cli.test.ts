/** @file The command contract that scripts of users rest on: exit codes, what stands on which stream, what a second run does. Follows
 *  docs/cli.md. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { joryu, lastJson, MACHINE, startJoryu, temporaryFolder, writeSmallLogs, type Finished } from "./joryu.js";

const folder = temporaryFolder();
const logs = join(folder.path, "logs.jsonl");
const state = join(folder.path, "state");
/** Linear rung only. */
const RUN = ["run", "--logs", logs, "--minutes", "0.1", "--machine", MACHINE, "--target", "agreement=0.85"];
const COLOUR = /\u001b\[/;
let first: Finished;
let model: string;

beforeAll(async () => {
  writeSmallLogs(logs);
  first = await joryu([...RUN, "--out", state, "--json"]);
  model = String(lastJson(first.stdout)["model"]);
});
afterAll(() => folder.remove());

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition() && waited < 60_000; waited += 10) await wait(10);
}

describe("joryu run", () => {
  it("exits with 0 when the verdict is to deploy, and its last JSON line holds the result", () => {
    expect(first).toMatchObject({ code: 0 });
    const result = lastJson(first.stdout);
    expect(result["verdict"]).toBe("deploy");
    expect(Object.keys(result)).toEqual(
      expect.arrayContaining(["verdict", "reasons", "model", "metrics", "candidates"]),
    );
    expect(existsSync(join(model, "joryu.json"))).toBe(true);
  });

  it("exits with 3 when the verdict is not to deploy", async () => {
    const { code, stdout } = await joryu([...RUN, "--target", "agreement=0.999", "--out", state, "--json"]);
    expect([code, lastJson(stdout)["verdict"]]).toEqual([3, "keep-teacher"]);
  });

  it("exits with 3 where the bills of a month say that a proved student loses money", async () => {
    const config = join(folder.path, "priced.json");
    writeFileSync(config, JSON.stringify({ teacher: { pricePer1kUsd: 0.4 } }));
    const priced = [...RUN, "--config", config, "--out", state, "--json", "--calls-per-month"];
    const [few, many] = [await joryu([...priced, "20000"]), await joryu([...priced, "2000000"])];
    expect([few.code, many.code]).toEqual([3, 0]);
    expect(lastJson(few.stdout)).toMatchObject({ verdict: "keep-teacher", metrics: { monthlyTeacherUsd: 8 } });
    expect(lastJson(many.stdout)).toMatchObject({ verdict: "deploy", metrics: { monthlyTeacherUsd: 800 } });
  });

  it("writes JSON lines alone to stdout, and no colour code into a pipe", async () => {
    for (const line of first.stdout.trimEnd().split("\n")) expect(() => JSON.parse(line) as unknown).not.toThrow();
    const text = await joryu([...RUN, "--out", state]);
    expect(text.stdout).toContain("Verdict");
    for (const output of [first.stdout, first.stderr, text.stdout, text.stderr]) expect(output).not.toMatch(COLOUR);
    expect(text.stdout).not.toMatch(/ left$/m);
  });

  it("reads a finished run back: no stage runs again, the result is the same, its count of looks too", async () => {
    const run = join(state, "runs", String(model.split("@").at(-1)));
    const weights = join(run, "linear-medium-weights.bin");
    const before = statSync(weights).mtimeMs;
    const again = await joryu([...RUN, "--out", state, "--json"]);
    expect(again.stderr).toContain("was finished before: its result is read back");
    expect(statSync(weights).mtimeMs).toBe(before);
    expect(again.stdout).toBe(first.stdout);
  });

  it("plans and trains nothing with --dry-run", async () => {
    const dry = join(folder.path, "dry");
    const { code, stdout } = await joryu([...RUN, "--out", dry, "--dry-run", "--json"]);
    expect(code).toBe(0);
    expect(lastJson(stdout)["plan"]).toMatchObject({ format: "joryu-plan-1" });
    expect([existsSync(join(dry, "runs")), existsSync(join(dry, "models"))]).toEqual([false, false]);
  });

  it("says before training what the promise may be expected to give, as --dry-run and plan do", async () => {
    const lines = first.stderr.split("\n");
    expect(lines.filter((line) => line.startsWith("forecast, no proof: linear-medium"))).toHaveLength(1);
    expect(first.stderr).toMatch(/\n {2}"delivered" at 85 %: .* independent sealed calls/);
    const dry = await joryu([...RUN, "--out", state, "--dry-run"]);
    expect(dry.stdout).toContain("\nforecast, no proof: linear-medium, the cheapest rung");
    for (const agreement of ["85", "94", "96", "98"])
      for (const promise of ["delivered", "kept"])
        expect(dry.stdout).toMatch(new RegExp(`\\n {2}${promise} +${agreement} % +keeps `));
    const [, ...flags] = RUN;
    const plan = await joryu(["plan", ...flags, "--out", state, "--json"]);
    expect(plan.code).toBe(0);
    expect(lastJson(plan.stdout)["forecast"]).toMatchObject({
      student: "linear-medium",
      target: { promise: "delivered", agreement: 0.85 },
      teacher: { source: "unknown" },
    });
  });

  it("gives a second run in the same folder one clear line and exit code 1", async () => {
    const shared = join(folder.path, "shared");
    const running = startJoryu([...RUN, "--out", shared]);
    await until(() => existsSync(join(shared, "lock")));
    const second = await joryu([...RUN, "--out", shared]);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^joryu: .*is at work here.*\n$/);
    expect((await running.done).code).toBe(0);
    expect(readdirSync(shared).filter((name) => name.startsWith("lock"))).toEqual([]);
  });

  it("answers Ctrl-C with 130, and the next run finishes", async () => {
    const stopped = join(folder.path, "stopped");
    const running = startJoryu([...RUN, "--out", stopped]);
    await until(() => existsSync(join(stopped, "runs")));
    running.signal("SIGINT");
    const { code, stdout, stderr } = await running.done;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toContain("run the same command again");
    expect(existsSync(join(stopped, "models"))).toBe(false);
    expect((await joryu([...RUN, "--out", stopped])).code).toBe(0);
  });
});

describe("joryu mistakes", () => {
  it("exports what to look at, and a reviewed table comes back as right answers", async () => {
    const csv = join(folder.path, "mistakes.csv");
    const { code, stdout } = await joryu(["mistakes", "--out", state, "--csv", csv, "--json"]);
    expect({ code, ...lastJson(stdout) }).toMatchObject({ code: 0, csv });
    const [header = "", ...rows] = readFileSync(csv, "utf8").trimEnd().split("\r\n");
    expect(header).toBe("\ufefflist,text,teacher_answer,student_answer,probability,decision,sealed,gold");
    expect(rows.length).toBeGreaterThan(0);
    // A person who says that the teacher was right.
    const filled = rows.map((row) => (row.includes('"') ? row : `${row}${row.split(",")[2] ?? ""}`));
    writeFileSync(csv, [header, ...filled].join("\r\n"));
    const again = await joryu([...RUN, "--out", state, "--reviewed", csv, "--name", "support", "--json"]);
    expect(again.stderr).toMatch(/\d+ inputs have a right answer from /);
    expect(String(lastJson(again.stdout)["model"])).toMatch(/support@[0-9a-f]{12}$/);
    const counted = await joryu(["mistakes", "--out", state, "--lang", "ja"]);
    expect(counted.stdout).toContain("確認済みの表から取り込んだ正解");
  });
});

describe("joryu predict", () => {
  it("answers one line for one line, in order, from standard input", async () => {
    const lines = ["How do I activate my card?", "", '"a text\\nof two lines"', "is there an age limit", "{ not JSON"];
    const { code, stdout, stderr } = await joryu(["predict", "--model", model, "--json"], `${lines.join("\n")}\n`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers.map((answer) => answer["text"])).toEqual([lines[0], "", "a text\nof two lines", lines[3], lines[4]]);
    expect(answers[0]).toMatchObject({ label: "activate_my_card", decision: "keep", template: "none" });
    expect(Object.keys(answers[0] ?? {})).toEqual(["text", "label", "probability", "decision", "template"]);
  });

  it("takes objects with text or messages, and leaves system prompt and answer of a log line out", async () => {
    const text = "is there an age limit";
    const messages = [
      { role: "system", content: "Answer with the one intent that fits." },
      { role: "user", content: [{ type: "text", text }] },
    ];
    const lines = [{ text }, { messages }, { messages: [...messages, { role: "assistant", content: "age_limit" }] }];
    const { stdout } = await joryu([
      "predict",
      "--model",
      model,
      "--json",
      ...lines.map((line) => JSON.stringify(line)),
      text,
    ]);
    for (const line of stdout.trimEnd().split("\n"))
      expect(JSON.parse(line)).toMatchObject({ text, label: "age_limit" });
  });

  it("does not cut a line at U+2028, drops the carriage return and answers a last line without a break", async () => {
    const { stdout } = await joryu(["predict", "--model", model, "--json"], "one\u2028two\r\nlast");
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { text: string }).text),
    ).toEqual(["one\u2028two", "last"]);
  });

  it("prints label, probability and decision as text without --json", async () => {
    const { stdout } = await joryu(["predict", "--model", model, "is there an age limit", "two\nlines"]);
    expect(stdout).toMatch(/^age_limit\t[01]\.\d{3}\t(keep|defer)\n[^\t\n]+\t[01]\.\d{3}\t(keep|defer)\n$/);
  });
});

describe("the other commands", () => {
  it("evaluate compares a student with the answers of a file", async () => {
    const { code, stdout } = await joryu(["evaluate", "--model", model, "--records", logs, "--json"]);
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ records: 500, outsideLabels: 0 });
    expect((await joryu(["evaluate", "--model", model, "--records", logs])).stdout).toContain("agreement");
  });

  it("import counts what became of every record", async () => {
    const mixed = join(folder.path, "mixed.jsonl");
    writeFileSync(
      mixed,
      `${readFileSync(logs, "utf8")}${readFileSync(logs, "utf8").split("\n")[0]}\n{"messages": 1}\n`,
    );
    const { code, stdout } = await joryu(["import", mixed, "--json"]);
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ records: 502, accepted: 500, duplicates: 1, rejected: 1 });
    expect(JSON.parse(stdout.split("\n")[0] ?? "")).toMatchObject({ rejected: { line: 502 } });
  });

  it("doctor --profile writes a machine that plan --machine takes", async () => {
    const profile = join(folder.path, "field.json");
    expect((await joryu(["doctor", "--profile", profile])).code).toBe(0);
    const { code, stdout } = await joryu(["plan", "--logs", logs, "--out", state, "--machine", profile, "--json"]);
    expect(code).toBe(0);
    expect(lastJson(stdout)["plan"]).toMatchObject({ machine: JSON.parse(readFileSync(profile, "utf8")) as object });
    expect(lastJson(stdout)["typicalBase"]).toMatchObject({ smallestBytes: expect.any(Number) as number });
  });

  it("init writes a configuration that run accepts, and never over an older file", async () => {
    const path = join(folder.path, "joryu.yaml");
    expect((await joryu(["init", path])).code).toBe(0);
    const written = readFileSync(path, "utf8");
    const again = await joryu(["init", path]);
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toMatch(/^joryu: .*exists already.*\n$/);
    expect(readFileSync(path, "utf8")).toBe(written);
    expect((await joryu(["plan", "--config", path, "--logs", logs, "--out", state, "--machine", MACHINE])).code).toBe(
      0,
    );
  });

  it("report draws the newest run again in Japanese", async () => {
    const { code, stdout } = await joryu(["report", "--out", state, "--lang", "ja", "--json"]);
    expect(code).toBe(0);
    const html = readFileSync(String(lastJson(stdout)["report"]), "utf8");
    expect(html).toMatch(/<html[^>]*lang="ja"/);
    expect((await joryu(["report", "--out", state, "--lang", "ja"])).stdout).toMatch(/\p{Script=Hiragana}/u);
  });
});

describe("wrong usage", () => {
  it.each([
    ["an unknown command", ["rum"], /unknown command 'rum'.*run/],
    ["an unknown flag", ["run", "--logz", "x"], /unknown option '--logz'.*--logs/],
    ["a flag without its value", ["run", "--logs"], /argument missing/],
    ["a missing flag", ["predict", "text"], /--model/],
    ["no logs", ["run", "--out", "/nonexistent/state"], /no logs|cannot write/],
    ["a number that is none", ["run", "--logs", "x", "--minutes", "soon"], /--minutes: expected a number, got soon/],
    ["a target key that is none", ["run", "--logs", "x", "--target", "agrement=0.9"], /did you mean agreement/],
    ["a language that is none", ["run", "--logs", "x", "--lang", "de"], /expected en or ja/],
  ])("gives %s one line and exit code 2", async (_, args, message) => {
    const { code, stdout, stderr } = await joryu(
      args[1] === "--out" ? ["run", "--out", join(folder.path, "none")] : args,
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
