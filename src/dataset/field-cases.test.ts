/** @file Logs as people have them, `../shared/data/field-cases`: how many records each gives, how many it rejects and why, and how many
 *  different answers stand in them as written. Left out, with one line, where that folder is absent. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { importLogs } from "./import.js";
import type { LlmRecord } from "./types.js";

const folder = "../shared/data/field-cases";
const isThere = existsSync(folder);
if (!isThere) process.stderr.write(`${folder} is absent: the field cases are not tested\n`);

type Case = readonly [
  path: string,
  format: string,
  records: number,
  answers: number,
  rejected: Readonly<Record<string, number>>,
];

const FAILED = "the call failed";
const SEVERAL = "several labels in one record: one answer per record is expected";
const NO_LABEL = "failed or empty: no label was given";
const IGNORED = "the annotator ignored the task";

const CASES: readonly Case[] = [
  ["multi-turn/leak-only.jsonl", "openai-chat", 600, 4, {}],
  ["few-shot-turns/fixed.jsonl", "openai-chat", 500, 4, {}],
  ["system-prompt/user-name.jsonl", "openai-chat", 600, 4, {}],
  ["anthropic-system/two-tasks.jsonl", "openai-chat", 500, 6, {}],
  [
    "openai-responses/responses.jsonl",
    "openai-responses",
    266,
    4,
    { "the answer was cut off (status incomplete)": 34 },
  ],
  ["openai-ft/weights.jsonl", "openai-chat", 160, 4, { "no answer of the line has a weight (weight 0)": 80 }],
  ["openai-ft/function_call.jsonl", "openai-chat", 240, 4, {}],
  ["openai-ft/tools.jsonl", "openai-chat", 240, 4, {}],
  ["openai-ft/messages-label.jsonl", "generic", 240, 4, {}],
  ["choices-n/n3.jsonl", "openai-chat", 720, 4, {}],
  ["choices-n/stream-array.jsonl", "openai-chat", 240, 4, {}],
  ["choices-n/stream-chunks.jsonl", "openai-chat", 240, 4, {}],
  ["langfuse/observations.json", "langfuse", 380, 4, { [FAILED]: 20 }],
  ["langfuse/observations.jsonl", "langfuse", 380, 4, { [FAILED]: 20 }],
  ["langfuse/observations.csv", "langfuse", 380, 4, { [FAILED]: 20 }],
  ["litellm-spendlogs/spend_logs.jsonl", "litellm", 360, 4, { [FAILED]: 40 }],
  ["braintrust/logs.jsonl", "braintrust", 225, 4, { [FAILED]: 75 }],
  ["langsmith/runs.jsonl", "langsmith", 240, 4, {}],
  ["label-studio/min.json", "label-studio-min", 192, 4, { [SEVERAL]: 48 }],
  ["label-studio/full.json", "label-studio", 240, 4, {}],
  ["doccano/all.jsonl", "generic", 217, 4, { [NO_LABEL]: 55, [SEVERAL]: 28 }],
  ["evals/ideal-list.jsonl", "generic", 240, 4, {}],
  ["prodigy/annotations.jsonl", "prodigy", 145, 4, { "the annotator rejected the label": 89, [IGNORED]: 6 }],
  ["prodigy-choice/annotations.jsonl", "prodigy", 234, 4, { [IGNORED]: 6 }],
  ["json-nan/log.jsonl", "generic", 300, 4, {}],
  ["costs/log.jsonl", "generic", 420, 4, {}],
  ["csv/sep-line.csv", "csv", 240, 4, {}],
  ["csv/capital.csv", "csv", 240, 4, {}],
  ["csv/dup-id.csv", "csv", 240, 4, {}],
  ["csv/bom.csv", "csv", 240, 4, {}],
  ["csv/utf16.csv", "csv", 240, 4, {}],
  ["csv/utf16le-nobom.csv", "csv", 240, 4, {}],
];

async function read(path: string) {
  const records: LlmRecord[] = [];
  const result = await importLogs([`${folder}/${path}`], { onRecord: (record) => void records.push(record) });
  return { ...result, records };
}

describe.runIf(isThere)("field cases", () => {
  it.each(CASES)("%s", async (path, format, count, answers, rejected) => {
    const { records, files, rejectCounts } = await read(path);
    expect(files[0]?.format).toBe(format);
    expect(records).toHaveLength(count);
    const texts = records.map(({ answer, toolCalls }) => answer + (toolCalls?.[0]?.arguments ?? ""));
    expect(new Set(texts).size).toBe(answers);
    expect(Object.fromEntries(rejectCounts)).toEqual(rejected);
  });

  it("Langfuse's latency is in seconds and its costs add up, in every export", async () => {
    for (const path of ["observations.json", "observations.jsonl", "observations.csv"]) {
      const { records } = await read(`langfuse/${path}`);
      const latencies = records.map(({ latencyMs = 0 }) => latencyMs).toSorted((a, b) => a - b);
      expect(latencies[latencies.length >> 1]).toBe(1142);
      const costs = records.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0);
      expect((costs / records.length) * 1000).toBeCloseTo(0.0192, 10);
      expect(records.every(({ model }) => model === "gpt-4o-mini")).toBe(true);
    }
  });

  it("costs that cannot be read are counted", async () => {
    const { records, unread } = await read("costs/log.jsonl");
    expect(records.filter(({ costUsd }) => costUsd !== undefined)).toHaveLength(280);
    expect(unread).toEqual([{ source: "log.jsonl", role: "cost", count: 70, lines: [3, 9, 15] }]);
  });
});
