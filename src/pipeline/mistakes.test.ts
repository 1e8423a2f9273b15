/** @file What a person should look at is found, exported without formulas, and comes back as right answers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { LabelDataset, Row } from "../dataset/types.js";
import { csvCell, findMistakes, mistakesCsv, withoutApostrophe, withReviewed, type AnsweredRows } from "./mistakes.js";

const LABELS = ["=refund", "card", "other"];
const folder = mkdtempSync(join(tmpdir(), "joryu-mistakes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function row(text: string, label: number, more: Partial<Row> = {}): Row {
  return { text, label, weight: 1, group: 0, sealed: true, fold: -1, ...more };
}

/** Rows to which the student gives an answer with a score; the rest of the probability is shared out evenly. */
function answered(given: readonly (readonly [Row, number, number])[]): AnsweredRows {
  return {
    rows: given.map(([each]) => each),
    logits: Float32Array.from(
      given.flatMap(([, answer, score]) => LABELS.map((_, at) => Math.log(at === answer ? score : (1 - score) / 2))),
    ),
    scores: given.map(([, , score]) => score),
  };
}

const sealed = answered([
  [row("right", 1), 1, 0.99],
  [row("=HYPERLINK(1)", 1), 0, 0.97],
  [row("unsure", 2), 1, 0.4],
  [row("wrong and known", 2, { gold: 1 }), 1, 0.96],
]);
const open = answered([
  [row("the teacher was right", 0, { sealed: false, fold: 0, gold: 0 }), 1, 0.95],
  [row("agreed", 0, { sealed: false, fold: 0 }), 0, 0.99],
  [row("not sure enough", 0, { sealed: false, fold: 0 }), 1, 0.8],
]);
const found = findMistakes(sealed, open, { labels: LABELS, threshold: 0.9 });

describe("what to look at", () => {
  it("is what was kept and wrong, what was deferred, and where the teacher may be wrong", () => {
    const texts = (list: string): string[] =>
      found.mistakes.filter((each) => each.list === list).map(({ text }) => text);
    expect(texts("kept-wrong")).toEqual(["=HYPERLINK(1)", "wrong and known"]);
    expect(texts("deferred")).toEqual(["unsure"]);
    expect(texts("suspected-teacher")).toEqual(["=HYPERLINK(1)", "wrong and known", "the teacher was right"]);
    expect(found.facts).toMatchObject({ keptWrong: 2, deferred: 1, suspected: 3 });
  });

  it("says of the suspected answers how many are wrong indeed, where that is known, and nothing where it is not", () => {
    expect(found.facts.suspectedPrecision).toMatchObject({ value: 0.5, known: 2 });
    const unknown = findMistakes(answered([[row("x", 1), 0, 0.97]]), answered([]), { labels: LABELS, threshold: 0.9 });
    expect(unknown.facts).toEqual({ keptWrong: 1, deferred: 0, suspected: 1 });
  });

  it("defers all where the gate has no threshold", () => {
    const none = findMistakes(sealed, open, { labels: LABELS, threshold: null });
    expect(none.facts).toMatchObject({ keptWrong: 0, deferred: 4 });
    expect(none.examples.map(({ decision }) => decision)).toEqual(["defer"]);
  });

  it("gives an example of each kind", () => {
    expect(found.examples.map(({ text, decision }) => [text, decision])).toEqual([
      ["right", "keep"],
      ["=HYPERLINK(1)", "keep"],
      ["unsure", "defer"],
    ]);
  });
});

describe("the table", () => {
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'quoted"])(
    "shows %j as text to a spreadsheet, and gives it back",
    (text) => {
      expect(csvCell(text).replace(/^"/, "")).toMatch(/^'/);
      expect(withoutApostrophe(`'${text}`)).toBe(text);
    },
  );

  it("leaves other text as it is but for its quotes", () => {
    expect([csvCell("a"), csvCell('say "x", please'), csvCell("two\nlines"), withoutApostrophe("'tis")]).toEqual([
      "a",
      '"say ""x"", please"',
      '"two\nlines"',
      "'tis",
    ]);
  });

  it("comes back with right answers by text, and tells of none or of one that is no label", async () => {
    const rows = [...sealed.rows, ...open.rows];
    const dataset = {
      labels: LABELS,
      rows,
      template: { system: "", userPrefix: "", userSuffix: "" },
    } as unknown as LabelDataset;
    const path = join(folder, "reviewed.csv");
    const empty = mistakesCsv(found.mistakes.map((each) => ({ ...each, gold: "" })));
    writeFileSync(path, empty);
    await expect(withReviewed(dataset, path)).rejects.toThrow(/no row with a right answer.*fill the column gold/);
    writeFileSync(
      path,
      mistakesCsv(found.mistakes.map((each) => ({ ...each, gold: each.text === "unsure" ? "nonsense" : "" }))),
    );
    await expect(withReviewed(dataset, path)).rejects.toThrow(/the right answer to "unsure" is none of the labels/);
    writeFileSync(
      path,
      mistakesCsv(found.mistakes.map((each) => ({ ...each, gold: each.text.startsWith("=") ? "=refund" : "" }))),
    );
    const reviewed = await withReviewed(dataset, path);
    expect(reviewed.rows).toBe(1);
    expect(reviewed.dataset.rows.find(({ text }) => text === "=HYPERLINK(1)")?.gold).toBe(0);
    expect(reviewed.dataset.rows.find(({ text }) => text === "right")?.gold).toBeUndefined();
  });
});
