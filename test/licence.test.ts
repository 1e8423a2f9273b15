/** @file Logs that name a teacher whose terms stand against training stop a run with one line and exit code 2 until the licence is
 *  acknowledged by name; the acknowledgement changes no result. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { joryu, lastJson, MACHINE, temporaryFolder, writeSmallLogs } from "./joryu.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const state = join(folder.path, "state");

/** Small logs whose lines name the model that answered. */
function logsOf(model: string): string {
  const path = join(folder.path, "logs.jsonl");
  writeSmallLogs(path);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  writeFileSync(path, lines.map((line) => line.replace(/^\{/, `{"model":${JSON.stringify(model)},`)).join("\n"));
  return path;
}

const logs = logsOf("claude-3-5-haiku-20241022");
const run = (...more: readonly string[]) =>
  joryu(["run", "--logs", logs, "--minutes", "0.1", "--machine", MACHINE, "--out", state, ...more]);

const RUN = ["--target", "agreement=0.85", "--json", "--acknowledge", "anthropic"] as const;

describe("a teacher with terms", () => {
  it("stops a run before it trains", async () => {
    const stopped = await run();
    expect(stopped).toMatchObject({ code: 2, stdout: "" });
    expect(stopped.stderr).toMatch(
      /^joryu: licence \(outputs-restricted\): teacher claude-3-5-haiku-20241022 under anthropic: /m,
    );
    expect(stopped.stderr).toMatch(/--acknowledge anthropic$/m);
    expect(existsSync(join(state, "runs"))).toBe(false);
  });

  it("is only noted by a plan", async () => {
    const planned = await run("--dry-run");
    expect(planned.code).toBe(0);
    expect(planned.stderr).toContain("licence of teacher claude-3-5-haiku-20241022: anthropic stops a run: ");
  });

  it("lets the run go on when it is acknowledged, and the report keeps that", async () => {
    const done = await run(...RUN);
    expect(done.code).toBe(0);
    const path = String(lastJson(done.stdout)["report"]).replace("html", "json");
    const report = JSON.parse(readFileSync(path, "utf8")) as { facts: { licences: unknown } };
    expect(report.facts.licences).toMatchObject([{ name: "anthropic", acknowledged: true }]);
  });

  it("gives the same run whatever else is acknowledged", async () => {
    expect((await run(...RUN, "--acknowledge", "cc-by-nc")).code).toBe(0);
    expect(readdirSync(join(state, "runs"))).toHaveLength(1);
  });

  it("is not asked for labels", async () => {
    const texts = join(folder.path, "texts.txt");
    writeFileSync(texts, "where is my card\nsend money\n");
    const nobody = ["--teacher", "http://127.0.0.1:9/v1", "--labels", "a,b", "--prompt", "Name it.", "--out", state];
    const label = (...more: readonly string[]) =>
      joryu(["label", texts, ...nobody, "--model", "claude-3-5-haiku-20241022", "--attempts", "1", ...more]);
    expect(await label()).toMatchObject({ code: 2, stderr: expect.stringMatching(/--acknowledge anthropic$/m) });
    expect(existsSync(join(state, "labels"))).toBe(false);
    const { stderr } = await label("--acknowledge", "anthropic");
    expect(stderr).not.toContain("licence");
    expect(existsSync(join(state, "labels"))).toBe(true);
  });

  it("is acknowledged by a name of the registry only", async () => {
    const { code, stderr } = await run("--acknowledge", "opnai");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^joryu: --acknowledge: unknown licence "opnai", did you mean openai\?/m);
  });
});
