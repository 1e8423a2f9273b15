/** @file The stored texts with planted values: recall and precision of every kind that has a pattern, in both languages; and the command on
 *  logs, whose output holds nothing of what was planted and is read back whole. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import type { LabelledCase } from "../bench/redact-cases.js";
import { makeSecondCases } from "../bench/redact-second.js";
import { scoreCases } from "../bench/redact-score.js";
import { PATTERNED_KINDS } from "../src/redact/kinds.js";
import { joryu } from "./joryu.js";

const cases = gunzipSync(readFileSync("test/fixtures/redact/labelled.jsonl.gz"))
  .toString("utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as LabelledCase);

const folder = mkdtempSync(join(tmpdir(), "joryu-redact-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("of a second set of texts, on other draws of which the detectors were mended", () => {
  const { scores } = scoreCases(makeSecondCases(33, 300));

  it.each(scores)("at least 98 % of $kind ($language) are gone, and 95 % of what is taken for it was it", (score) => {
    expect(score.planted).toBeGreaterThanOrEqual(300);
    expect(score.gone / score.planted).toBeGreaterThanOrEqual(0.98);
    expect(score.right / score.found).toBeGreaterThanOrEqual(0.95);
  });
});

describe("of the stored texts", () => {
  const { scores } = scoreCases(cases);

  it("there are thousands, and every kind with a pattern stands in both languages", () => {
    expect(cases.length).toBeGreaterThan(2_000);
    for (const language of ["ja", "en"])
      for (const kind of PATTERNED_KINDS)
        expect(scores.find((score) => score.kind === kind && score.language === language)?.planted).toBeGreaterThan(50);
  });

  it.each(scores)("at least 98 % of $kind ($language) are gone, and 95 % of what is taken for it was it", (score) => {
    expect(score.gone / score.planted).toBeGreaterThanOrEqual(0.98);
    expect(score.right / score.found).toBeGreaterThanOrEqual(0.95);
  });
});

/** Chat logs with a user's name in every line. */
function writeLogs(texts: readonly string[]): string {
  const path = join(folder, "logs.jsonl");
  const lines = texts.map((content, i) =>
    JSON.stringify({
      messages: [
        { role: "system", content: "Route the message." },
        { role: "user", content },
        { role: "assistant", content: i % 2 === 0 ? "card" : "refund" },
      ],
      user: `user${i % 7}@customers.test`,
      timestamp: 1_700_000_000 + i,
    }),
  );
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

const planted = cases
  .filter(({ values }) => values.some(({ kind }) => kind === "email" || kind === "card"))
  .slice(0, 200);
const valuesOf = ({ text, values }: LabelledCase): string[] => values.map(({ start, end }) => text.slice(start, end));

describe("joryu redact", () => {
  it("writes records that hold no planted value, no name of a user, and that import reads whole", async () => {
    const logs = writeLogs(planted.map(({ text }) => text));
    const out = join(folder, "out");
    const { code } = await joryu(["redact", logs, "--out", out]);
    expect(code).toBe(0);
    const written = readFileSync(join(out, "records.jsonl"), "utf8");
    const texts = written
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { messages: { content: string }[] }).messages[1]?.content);
    expect(texts).toHaveLength(planted.length);
    const left = planted.filter((one, i) => valuesOf(one).some((value) => texts[i]?.includes(value) === true));
    expect(left.length).toBeLessThanOrEqual(0.02 * planted.length);
    expect(written).not.toContain("customers.test");
    const { namesDetected, counts } = JSON.parse(readFileSync(join(out, "redaction.json"), "utf8")) as {
      namesDetected: boolean;
      counts: Record<string, number>;
    };
    expect(namesDetected).toBe(false);
    expect(counts["email"]).toBeGreaterThan(50);
    const again = await joryu(["import", join(out, "records.jsonl"), "--json"]);
    expect(JSON.parse(again.stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
      accepted: planted.length,
      rejected: 0,
    });
  });

  it("gives the same surrogates under the same key and others without one", async () => {
    const logs = writeLogs(planted.slice(0, 20).map(({ text }) => text));
    const key = join(folder, "key");
    writeFileSync(key, "0123456789abcdef".repeat(4));
    const read = async (name: string, ...more: string[]): Promise<string> => {
      await joryu(["redact", logs, "--out", join(folder, name), ...more]);
      return readFileSync(join(folder, name, "records.jsonl"), "utf8");
    };
    expect(await read("a", "--key", key)).toBe(await read("b", "--key", key));
    expect(await read("c")).not.toBe(await read("d"));
  });

  it("refuses a kind that it does not know, settings without --redact, and a file that is no detector", async () => {
    const logs = writeLogs(["x"]);
    const unknown = await joryu(["import", logs, "--redact", "--keep", "mail"]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("did you mean email?")]);
    const alone = await joryu(["import", logs, "--keep", "email"]);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("add --redact")]);
    const none = join(folder, "none.mjs");
    writeFileSync(none, "export const x = 1;\n");
    const noDetector = await joryu(["import", logs, "--redact", "--names", none]);
    expect([noDetector.code, noDetector.stderr]).toEqual([2, expect.stringContaining("exports no function")]);
  });
});

describe("joryu plan --redact", () => {
  it("freezes a dataset without personal data, says what was taken out, and finds it again", async () => {
    const words = ["card", "refund", "late", "lost", "fee", "app"];
    const texts = Array.from(
      { length: 60 },
      (_, i) => `${words[i % 6]} ${words[(i * 7) % 5]} number ${i}: write to person${i}@customers.test`,
    );
    const logs = writeLogs(texts);
    const out = join(folder, "state");
    const plan = (): ReturnType<typeof joryu> =>
      joryu(["plan", "--logs", logs, "--out", out, "--redact", "--minutes", "1"]);
    const first = await plan();
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringMatching(/redacted: email 60[\s\S]*names of people are not detected/),
    ]);
    const [dataset = ""] = readdirSync(join(out, "datasets")).filter((name) => /^[0-9a-f]{32}$/.test(name));
    const rows = readFileSync(join(out, "datasets", dataset, "rows.jsonl"), "utf8");
    expect(rows).toContain("@example.");
    expect(rows).not.toContain("customers.test");
    const second = await plan();
    expect(second.stderr).toMatch(/redacted: email 60/);
    expect(readdirSync(join(out, "datasets")).filter((name) => /^[0-9a-f]{32}$/.test(name))).toEqual([dataset]);
  });

  it("refuses texts that a teacher would see as they are", async () => {
    const texts = join(folder, "texts.txt");
    writeFileSync(texts, "a\nb\n");
    const { code, stderr } = await joryu([
      "run",
      "--texts",
      texts,
      "--out",
      join(folder, "no"),
      "--redact",
      "--teacher",
      "http://127.0.0.1:9/v1",
      "--model",
      "m",
      "--labels",
      "a,b",
      "--prompt",
      "x",
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("would go to the teacher as they are")]);
  });
});
