/** @file What a log holds: every workload with its labels and samples, in a folder that does not outlive the survey. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { surveyLogs } from "./survey.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-survey-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const line = (system: string, asked: string, answer: string, i: number): string =>
  JSON.stringify({
    model: "gpt-4o-mini",
    created: 1_740_000_000 + 3600 * i,
    cost: 0.001,
    messages: [
      { role: "system", content: system },
      { role: "user", content: `Mail: ${asked}` },
      { role: "assistant", content: answer },
    ],
  });

describe("a survey of logs", () => {
  const QUEUES = ["billing", "delivery", "login"];
  const lines = Array.from({ length: 90 }, (_, i) => {
    const queue = QUEUES[i % 3] ?? "";
    return i < 60
      ? line(
          "Answer with one of: billing, delivery, login.",
          `question ${i} on ${queue}`,
          i === 3 ? `**${queue}**` : queue,
          i,
        )
      : line("Is it spam? yes or no", `message number ${i}`, i % 2 === 0 ? "yes" : "no", i);
  });
  const path = join(folder, "log.jsonl");
  writeFileSync(path, [...lines, "{}"].join("\n"));
  const survey = surveyLogs([path], { folder: join(folder, "records") });

  it("tells each workload with its inputs, labels and template, and what became of the rest", async () => {
    const { workloads, imported, others } = await survey;
    expect(workloads.map(({ kind, records, inputs }) => [kind, records, inputs])).toEqual([
      ["label", 60, 60],
      ["label", 30, 30],
    ]);
    expect(workloads[0]?.answers.labelCounts).toEqual(QUEUES.map((queue) => [queue, 20]));
    expect(workloads[1]?.answers.labelCounts).toEqual([
      ["no", 15],
      ["yes", 15],
    ]);
    expect(workloads[0]?.template).toMatchObject({ userPrefix: "Mail: ", userSuffix: "" });
    expect([imported.counts.accepted, imported.counts.rejected, others]).toEqual([90, 1, 0]);
  });

  it("shows samples as the log has them, and what was folded", async () => {
    const { workloads } = await survey;
    const [first] = workloads[0]?.answers.samples ?? [];
    expect(first).toMatchObject({ answer: "billing", label: "billing" });
    expect(workloads[0]?.answers.foldings).toEqual([{ written: "**billing**", kept: "billing", calls: 1 }]);
  });

  it("adds up the traffic of all workloads", async () => {
    const { traffic } = await survey;
    expect(traffic).toMatchObject({ calls: 90, models: ["gpt-4o-mini"], firstMs: 1_740_000_000_000 });
    expect(traffic.costPer1kUsd).toBeCloseTo(1, 9);
  });

  it("leaves no records behind", async () => {
    await survey;
    expect(existsSync(join(folder, "records"))).toBe(false);
  });
});
