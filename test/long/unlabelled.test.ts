/** @file Few labels and much text without answers, from the command line: what is taken, what is left out, and what it was good for. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeExported } from "../exported.js";
import { joryu, lastJson, MACHINE, temporaryFolder, writeSmallLogs, type Finished } from "../joryu.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const file = (name: string): string => join(folder.path, name);
const [logs, few, base] = [file("logs.jsonl"), file("few.jsonl"), join(folder.path, "bases", "bert-wordpiece")];

function questionsOf(path: string): string[] {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => /"role":"user","content":("(?:[^"\\]|\\.)*")/.exec(line)?.[1] ?? '""');
}

/** Texts of the bundled logs that the small ones do not hold. */
const others = (count: number): string[] => {
  const known = new Set(questionsOf(logs));
  const texts = questionsOf("examples/banking77/logs.jsonl").filter((text) => !known.has(text));
  return [...new Set(texts)].slice(0, count).map((text) => String(JSON.parse(text)).replace(/\s+/g, " "));
};

beforeAll(() => {
  writeSmallLogs(logs, 400, 4);
  writeSmallLogs(few, 100, 4);
  writeExported("bert-wordpiece", folder.path);
});

const common = ["--machine", MACHINE, "--json"];
const plan = (args: readonly string[], minutes = "2"): Promise<Finished> =>
  joryu(["plan", "--logs", logs, "--out", file("state"), "--minutes", minutes, ...common, ...args]);

describe("joryu plan --unlabelled", () => {
  it("takes plain lines, CSV and JSON lines, Japanese among them, and leaves sealed and labelled rows out", async () => {
    const own = questionsOf(logs)
      .slice(0, 30)
      .map((text) => String(JSON.parse(text)));
    const more = others(50);
    writeFileSync(file("texts.txt"), [...own, ...more, ...more.slice(0, 9), ""].join("\n"));
    writeFileSync(
      file("texts.csv"),
      "id,text\n1,カードがまだ届きません。いつ届きますか\n2,送金の手数料はいくらですか\n",
    );
    writeFileSync(file("texts.jsonl"), '{"text":"how do I open a second account"}\n"a bare text"\n');
    const texts = ["texts.txt", "texts.csv", "texts.jsonl"].map(file);
    const { code, stderr, stdout } = await plan(["--base", base, "--unlabelled", ...texts]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("texts without answers: ")]);
    const [, distinct = 0, teach = 0] = (/: (\d+) distinct, (\d+) teach/.exec(stderr) ?? []).map(Number);
    const left = [...stderr.matchAll(/(\d+) are (sealed|labelled) rows/g)].map(([, count]) => Number(count));
    expect(left.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(new Set(own).size);
    expect(distinct).toBe(teach + left.reduce((sum, count) => sum + count, 0));
    expect(stdout).toContain('"linear-taught"');
    expect(stdout).toContain(`"transferRows":${teach}`);
  });

  it("takes a column of their own beside logs that have none, and names the flag where it is not found", async () => {
    const texts = file("tickets.csv");
    writeFileSync(
      texts,
      ["words_of_it,queue", ...others(20).map((text) => `${JSON.stringify(text)},cards`)].join("\n"),
    );
    const args = ["--base", base, "--unlabelled", texts];
    const found = await plan([...args, "--unlabelled-input", "words_of_it"]);
    expect([found.code, found.stderr]).toEqual([0, expect.stringContaining("texts without answers: 20 distinct")]);
    const lost = await plan(args);
    expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining("name it with --unlabelled-input COLUMN")]);
  });

  it("takes the calls of a log that hold no answer, and says so", async () => {
    const unanswered = file("unanswered.jsonl");
    writeSmallLogs(unanswered, 400, 4);
    const system = { role: "system", content: "Answer with the one intent that fits." };
    const system2 = /"role":"system","content":("(?:[^"\\]|\\.)*")/.exec(readFileSync(logs, "utf8"))?.[1];
    const instructions = system2 === undefined ? system : { role: "system", content: String(JSON.parse(system2)) };
    for (const content of ["what is a direct debit", "can I pay by cheque", "can I pay by cheque"]) {
      appendFileSync(unanswered, `${JSON.stringify({ messages: [instructions, { role: "user", content }] })}\n`);
    }
    const foreign = { role: "system", content: "Translate into French." };
    const other = [foreign, { role: "user", content: "a text of another task" }];
    appendFileSync(unanswered, `${JSON.stringify({ messages: other })}\n`);
    const args = ["plan", "--logs", unanswered, "--out", file("state"), "--base", base, ...common];
    for (const { code, stderr } of [await joryu(args), await joryu(args)]) {
      expect(code).toBe(0);
      expect(stderr).toContain("2 texts got no answer: they are used as texts to teach by");
      expect(stderr).toMatch(/texts without answers: 2 distinct, 2 teach\n/);
    }
  });

  it("is not used without a base, which is said in one line", async () => {
    writeFileSync(file("two.txt"), "one text\nanother text\n");
    const { code, stderr, stdout } = await plan(["--unlabelled", file("two.txt")]);
    expect(code).toBe(0);
    expect(stderr).toContain("2 texts without answers are not used: only a pretrained encoder (--base DIR)");
    expect(stdout).not.toContain("linear-taught");
  });

  it.each([
    ["that is empty", ""],
    ["of empty lines", "\n \n"],
    ["of JSON without texts", '{"a":1}\n'],
  ])("of a file %s is one line and exit code 2", async (_, content) => {
    writeFileSync(file("bad.jsonl"), content);
    const { code, stderr } = await plan(["--base", base, "--unlabelled", file("bad.jsonl")]);
    expect(code).toBe(2);
    expect(stderr.trim().split("\n").at(-1)).toContain("bad.jsonl");
    expect(stderr).not.toContain("    at ");
  });
});

describe("joryu run --unlabelled on few labels", () => {
  it("proves nothing, says how many labels would, and last what the texts bought", { timeout: 300_000 }, async () => {
    writeFileSync(file("more.txt"), others(120).join("\n"));
    const args = ["run", "--logs", few, "--base", base, "--unlabelled", file("more.txt"), "--minutes", "1"];
    const { code, stdout } = await joryu([...args, "--out", file("run"), ...common]);
    expect(code).toBe(3);
    const { reasons, candidates, report } = lastJson(stdout) as {
      reasons: { code: string; facts: Record<string, number> }[];
      candidates: { name: string; outOfFoldAgreement?: unknown }[];
      report: string;
    };
    expect(reasons[0]?.code).toBe("no-guarantee-possible");
    expect(reasons[1]?.code).toMatch(/^outlook-/);
    expect(reasons.at(-1)?.code).toMatch(/^taught-(not-)?better$/);
    expect(reasons.at(-1)?.facts["rows"]).toBeGreaterThan(10);
    expect(candidates.find(({ name }) => name === "linear-taught")?.outOfFoldAgreement).toBeDefined();
    expect(readFileSync(report.replace(/html$/, "md"), "utf8")).toContain("Texts without answers");
  });
});
