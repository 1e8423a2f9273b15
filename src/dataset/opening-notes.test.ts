/** @file A run opens with what was read as what: files with their columns and counts, the workload with its commonest labels, the template. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../scratch.test.fixture.js";
import { buildLabelDataset } from "./build.js";

const WORDS = ["where is my card", "please refund the order", "my login fails"];
const LABELS = ["card", "refund", "login"];

describe("the opening lines of a run", () => {
  it("say shape, columns, duplicates and rejects of each file, the workload's labels and its template", async () => {
    const folder = scratchFolder();
    const system = `Answer with one of: ${LABELS.join(", ")}.`;
    const line = (i: number): string =>
      JSON.stringify({ system, input: `${WORDS[i % 3]} ${i}`, output: LABELS[i % 3], model: "teacher-1" });
    const lines = Array.from({ length: 60 }, (_, i) => line(i));
    mkdirSync(join(folder, "logs"));
    writeFileSync(join(folder, "logs", "a.jsonl"), `${lines.join("\n")}\n${lines[0]}\n{"broken"\n`);
    for (const name of ["b", "c", "d", "e", "f", "g"])
      writeFileSync(join(folder, "logs", `${name}.csv`), `text,answer\n"${WORDS[0]} ${name}",card\n`);
    const { notes } = await buildLabelDataset([join(folder, "logs")], { outDir: folder, seed: 1 });
    expect(notes[0]).toMatch(
      /^a\.jsonl: generic, utf-8, 60 accepted, 1 duplicates, 1 rejected \(.*input=input.*output=output.*\)$/,
    );
    expect(notes[1]).toMatch(/^b\.csv: csv, utf-8, 1 accepted \(input=text, output=answer\)$/);
    expect(notes[5]).toBe("2 more files");
    expect(notes[6]).toMatch(/^workload \S+: 61 calls, 60 inputs, 3 labels \(card 21, login 20, refund 20\)$/);
    expect(notes[7]).toBe(`template taken off: ${system}`);
  });
});
