/** @file Records that stand for several calls, and several answers to one call. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { buildLabelDataset } from "./build.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-rows-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
function file(lines: readonly object[], name = "log.jsonl"): string {
  const path = join(folder, `${made++}-${name}`);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
}

function build(path: string) {
  return buildLabelDataset([path], { seed: 1, outDir: join(folder, `out-${made++}`) });
}

const LABELS = ["refund", "card", "__proto__", "constructor"];

/** Chat lines with a system prompt and instructions around each text. */
function chats(
  count: number,
  more: (i: number) => object = () => ({}),
  labelOf = (i: number): string => LABELS[i % 4] ?? "",
): object[] {
  const random = createRandom(3, "rows test");
  const word = (): string => Array.from({ length: 5 }, () => String.fromCharCode(97 + random.int(26))).join("");
  return Array.from({ length: count }, (_, i) => ({
    messages: [
      { role: "system", content: "You route tickets." },
      { role: "user", content: `Classify this.\nTicket: ${word()} ${word()} ${word()} ${i}\nLabel:` },
      { role: "assistant", content: labelOf(i) },
    ],
    ...more(i),
  }));
}

describe("calls and their answers", () => {
  it("weighs an answer by the calls that its record stands for", async () => {
    const lines = chats(60, (i) => (i === 0 ? { occurrences: 15 } : {}));
    const { messages } = chats(1, undefined, () => "card")[0] as { messages: object[] };
    const { dataset } = await build(file([...lines, { messages }, { messages }]));
    const [row] = dataset.rows;
    expect(row?.weight).toBe(17);
    expect(row?.recurring).toBeUndefined();
    expect(row?.answers?.map(([label, calls]) => [dataset.labels[label], calls])).toEqual([
      ["refund", 15],
      ["card", 2],
    ]);
    expect(dataset.teacherSelfAgreement).toEqual({ agreeing: 1, pairs: 3, ceilingRatio: 61 / 62 });
  });

  it("takes further answers to a call for the teacher's agreement with itself, not for calls", async () => {
    const random = createRandom(9, "further answers");
    const first = chats(60, (i) => ({ id: `c${i}` })) as { messages: object[]; id: string }[];
    const lines = first.flatMap(({ messages, id }, i) => {
      const [system, user] = messages;
      const other = (label: string): object => ({
        messages: [system, user, { role: "assistant", content: label }],
        id,
        occurrences: 0,
      });
      return [{ messages, id }, other(LABELS[i % 4] ?? ""), other(LABELS[random.int(2) + 2] ?? "")];
    });
    const { dataset } = await build(file(lines));
    expect(dataset.traffic.calls).toBe(60);
    expect(dataset.rows.every(({ weight }) => weight === 1)).toBe(true);
    expect(dataset.teacherSelfAgreement?.pairs).toBe(180);
    const twice = await build(file([...lines, ...lines]));
    expect(twice.dataset.teacherSelfAgreement).toEqual(dataset.teacherSelfAgreement);
  });
});
