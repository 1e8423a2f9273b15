/** @file The path from teacher to student is told by every report in both languages, and what distillation gave as it was measured. */
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import type { Facts } from "./facts.js";
import { FACTS, pathFactsWith, UNCONTROLLED_FACTS } from "./facts.test.fixture.js";
import { renderHtml } from "./html.js";
import { renderJson } from "./json.js";
import { renderMarkdown } from "./markdown.js";
import { pathLines } from "./path.js";
import { renderSummary } from "./summary.js";
import { decideVerdict } from "./verdict.js";

const wideSummary: typeof renderHtml = (facts, verdict, language) =>
  renderSummary(facts, verdict, language, {}, { width: 10_000, colour: false });
const rendered = (facts: Facts, language: "en" | "ja"): string[] =>
  [wideSummary, renderMarkdown, renderHtml].map((render) => render(facts, decideVerdict(facts), language));
const lastReason = (facts: Facts): string | undefined => decideVerdict(facts).reasons.at(-1)?.code;

describe("the path in a report", () => {
  it.each([
    ["en", "From teacher to student", "before recovery", "Distillation helped", "+1.5 points"],
    ["ja", "教師モデルから生徒モデルへ", "回復前", "蒸留は有効でした", "+1.5ポイント"],
  ] as const)("stands in terminal, Markdown and html in %s", (language, title, before, helped, points) => {
    for (const report of rendered(pathFactsWith(), language)) {
      for (const words of [title, before, helped, points, "7.31 MB", "97.1%", "1.2 ms"])
        expect(report).toContain(words);
      expect(report).not.toMatch(/undefined|NaN/);
    }
  });

  it("is a table and a chart of the page in each language", () => {
    const facts = pathFactsWith();
    const { document } = parseHTML(renderHtml(facts, decideVerdict(facts), "en"));
    for (const language of ["en", "ja"]) {
      const section = document.querySelector(`#${language}-path`);
      expect(section?.querySelectorAll("tbody tr").length).toBe(3);
      expect(section?.querySelectorAll("figure svg").length).toBe(2);
      expect(section?.querySelector("svg")?.textContent).toMatch(/7\.31 MB(, |、)1\.2 ms/);
      expect(section?.querySelector("svg")?.textContent).toContain("← 2.1%");
      expect(section?.textContent).toContain("1, 4, 6");
    }
  });

  it("is kept in report.json, and nowhere where no pretrained encoder was trained", () => {
    const facts = pathFactsWith();
    expect(JSON.parse(renderJson(facts, decideVerdict(facts)))).toMatchObject({ facts: { path: facts.path } });
    for (const report of rendered(FACTS, "en")) expect(report).not.toContain("From teacher to student");
  });
});

describe("what distillation gave", () => {
  it("is the last reason of every verdict, by the interval of the difference", () => {
    expect(lastReason(pathFactsWith())).toBe("distillation-helped");
    expect(lastReason(pathFactsWith({ value: 0.004, low: -0.002, high: 0.01 }))).toBe("distillation-not-shown");
    expect(lastReason(pathFactsWith({ value: 0.004, low: 0, high: 0.008 }))).toBe("distillation-not-shown");
    expect(lastReason(pathFactsWith({ value: -0.02, low: -0.03, high: -0.01 }))).toBe("distillation-harmed");
    const { reasons, verdict } = decideVerdict(FACTS);
    expect(decideVerdict(pathFactsWith())).toMatchObject({ verdict, reasons: [...reasons, {}] });
  });

  it.each([
    ["en", "not shown to have helped", "did harm"],
    ["ja", "効果は確認できません", "逆効果"],
  ] as const)("is not claimed where it is not there, in %s", (language, notShown, harmed) => {
    const [even, worse] = [
      pathFactsWith({ value: 0.004, low: -0.002, high: 0.01 }),
      pathFactsWith({ value: -0.02, low: -0.03, high: -0.01 }),
    ];
    for (const report of rendered(even, language)) expect(report).toContain(notShown);
    for (const report of rendered(worse, language)) expect(report).toContain(harmed);
  });

  it("is told of the other cuts too, though the verdict is about the chosen one", () => {
    const facts = pathFactsWith();
    const { control } = facts.path ?? {};
    if (facts.path === undefined || control === undefined) throw new Error("no control");
    const other = { ...control, of: "cut-third", difference: { value: -0.02, low: -0.03, high: -0.01 } };
    const both = { ...facts, path: { ...facts.path, otherControls: [other] } };
    const lines = pathLines(both, "en");
    expect(lines.map((line) => /“(cut-\w+)”/.exec(line)?.[1])).toEqual(["cut-half", undefined, "cut-third", undefined]);
    expect(lastReason(both)).toBe("distillation-helped");
  });

  it.each([
    ["en", "12 of 9,000 texts to learn from are longer than the base reads (256 pieces)"],
    ["ja", "9,000件のうち12件はベースが読める長さ（256トークン）を超える"],
  ] as const)("says how many texts are read in part, in %s", (language, words) => {
    const facts = pathFactsWith();
    if (facts.path === undefined) throw new Error("no path");
    const cut = { ...facts, path: { ...facts.path, cutTexts: { texts: 12, rows: 9000, pieces: 256 } } };
    expect(pathLines(cut, language).at(-1)).toContain(words);
    expect(pathLines(facts, language).join()).not.toContain(words);
  });

  it.each([
    ["en", "no control was trained: training takes about"],
    ["ja", "対照を学習していないため"],
  ] as const)("is called unmeasured with the reason where the plan had no time, in %s", (language, words) => {
    for (const report of rendered(UNCONTROLLED_FACTS, language)) expect(report).toContain(words);
    expect(lastReason(UNCONTROLLED_FACTS)).not.toMatch(/^distillation/);
  });
});
