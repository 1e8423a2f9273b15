/** @file Times, amounts and durations as logs write them, decided for a whole column and counted where they cannot be read. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importLogs } from "./import.js";
import { costUsdOf, durationMsOf } from "./money.js";
import { dateOrderOf, timeMsOf } from "./times.js";
import type { LlmRecord } from "./types.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-units-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(rows: readonly object[]) {
  const path = join(folder, "log.jsonl");
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const records: LlmRecord[] = [];
  const result = await importLogs([path], { onRecord: (record) => void records.push(record) });
  return { ...result, records };
}

describe("times", () => {
  const tenUtc = Date.UTC(2025, 2, 1, 10);
  it.each([
    ["2025-03-01T10:00:00Z", tenUtc],
    ["2025-03-01 10:00", tenUtc],
    ["2025-03-01T19:00:00+09:00", tenUtc],
    ["2025-03-01T05:00:00.000-0500", tenUtc],
    ["20250301T100000Z", tenUtc],
    ["20250301 10:00:00", tenUtc],
    ["2025/03/01 10:00:00", tenUtc],
    ["2025年3月1日 10:00", tenUtc],
    ["2025年3月1日(土) 10時00分", tenUtc],
    ["01.03.2025 10:00", tenUtc],
    ["3/1/2025 10:00 AM", tenUtc],
    ["Sat, 01 Mar 2025 10:00:00 GMT", tenUtc],
    ["20250301", Date.UTC(2025, 2, 1)],
    [1_740_823_200, tenUtc],
    ["1740823200000", tenUtc],
    [1_740_823_200_000_000, tenUtc],
    ["1740823200000000000", tenUtc],
  ])("reads %s", (text, ms) => {
    expect(timeMsOf(text)).toBe(ms);
  });

  it.each(["13/13/2025", "2025-02-30", "soon", "", "12:30", "2025-03-01 25:99"])("leaves %j", (text) => {
    expect(timeMsOf(text)).toBeUndefined();
  });

  it("tells day and month by what one date proves, else by how they rise, else says that it guesses", () => {
    expect(dateOrderOf(["03/04/2025", "13/04/2025"])).toEqual({ order: "day-first", isGuess: false });
    expect(dateOrderOf(["03/04/2025", "03/14/2025"])).toEqual({ order: "month-first", isGuess: false });
    expect(dateOrderOf(["05/01/2025", "06/01/2025", "03/02/2025"])).toEqual({ order: "day-first", isGuess: false });
    expect(dateOrderOf(["03/04/2025"]).isGuess).toBe(true);
  });

  it("are decided for the column, and what is none is counted with its lines", async () => {
    const { records, unread, notes } = await read([
      { text: "a", label: "x", date: "03/04/2025" },
      { text: "b", label: "x", date: "13/04/2025" },
      { text: "c", label: "x", date: "no date" },
      { text: "d", label: "x", date: null },
    ]);
    expect(records[0]?.timestampMs).toBe(Date.UTC(2025, 3, 3));
    expect(unread).toEqual([{ source: "log.jsonl", role: "time", count: 1, lines: [3] }]);
    expect(notes.join()).toContain("1 times could not be read");
  });
});

describe("amounts", () => {
  it.each([
    ["$0.002", 0.002],
    ["0,002", 0.002],
    ["USD 0.002", 0.002],
    ["0.2 cents", 0.002],
    ["1.2e-3", 0.0012],
    ["1,234.5", 1234.5],
    ["1.234,5", 1234.5],
    [0.002, 0.002],
    [-0.002, undefined],
    ["-$1", undefined],
    ["€2", undefined],
    ["¥3", undefined],
    ["free", undefined],
  ])("%s", (given, usd) => {
    expect(costUsdOf(given)).toBe(usd);
  });

  it("of cents, yen and negative ones are told by name and value", async () => {
    const { records, unread } = await read([
      { text: "a", label: "x", cost_cents: 0.2 },
      { text: "b", label: "x", "費用(円)": 3 },
      { text: "c", label: "x", cost: -1 },
      { text: "d", label: "x", cost: null },
    ]);
    expect(records.map(({ costUsd }) => costUsd)).toEqual([0.002, undefined, undefined, undefined]);
    expect(unread).toEqual([{ source: "log.jsonl", role: "cost", count: 2, lines: [2, 3] }]);
  });
});

describe("durations", () => {
  it.each([
    ["1.2s", 1200],
    ["350 ms", 350],
    ["0:00:02.5", 2500],
    ["7", 7],
    ["a while", undefined],
  ])("%s", (given, ms) => {
    expect(durationMsOf(given, 1)).toBe(ms);
  });

  it("without a unit are seconds where all are small and one is a fraction, and that is said", async () => {
    const seconds = await read([
      { text: "a", label: "x", latency: 1.5 },
      { text: "b", label: "x", latency: 2 },
    ]);
    expect(seconds.records.map(({ latencyMs }) => latencyMs)).toEqual([1500, 2000]);
    expect(seconds.notes.join()).toContain("read as seconds");
    const ms = await read([{ text: "a", label: "x", latency: 812.5 }]);
    expect(ms.records[0]?.latencyMs).toBe(812.5);
  });
});
