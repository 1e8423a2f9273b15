/** @file The written reports: whole, escaped, self-contained, in both languages. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { parseHTML } from "linkedom";
import stringWidth from "string-width";
import { afterAll, describe, expect, it } from "vitest";
import type { Facts } from "./facts.js";
import { text as textOf, verdictName } from "./catalogue.js";
import {
  earlier,
  EARLIER_FACTS,
  FACTS,
  MONTHLY_FACTS,
  UNCONTROLLED_FACTS,
  POOR_FACTS,
  UNSEALED_FACTS,
} from "./facts.test.fixture.js";
import { quantileInterval } from "./headline.js";
import { escapeHtml, renderHtml } from "./html.js";
import { renderJson } from "./json.js";
import { escapeMarkdown, renderMarkdown } from "./markdown.js";
import { metricsOf } from "./metrics.js";
import { gateTable, pairedTable, reproductionTable, slicesTable } from "./sections.js";
import { gateLine, renderSummary } from "./summary.js";
import { decideVerdict } from "./verdict.js";
import { writeReport } from "./write.js";

/** Wide enough that nothing is cut. */
const WIDE = { width: 10_000, colour: false };
const LABEL = "<script>alert(1)</script>";
const pages = [FACTS, MONTHLY_FACTS, POOR_FACTS].map((facts) => renderHtml(facts, decideVerdict(facts), "ja"));
const empty: Facts = {
  ...POOR_FACTS,
  dataset: { ...FACTS.dataset, sealedRows: 0, trainRows: 1, rows: 1, labels: 1 },
  candidates: [],
  compared: [],
  paired: [],
  parity: [],
  quality: {
    ...FACTS.quality,
    agreement: { value: Number.NaN, low: 0, high: 1 },
    classes: [],
    slices: [],
    confusions: [],
  },
  calibration: { eceBefore: Number.NaN, eceAfter: Number.NaN, bins: [] },
  gate: { ...POOR_FACTS.gate, curve: [], sealedRows: 0 },
  measured: { ...FACTS.measured, latency: { p50Ms: 1, p95Ms: 1, p99Ms: 1, samplesMs: [] } },
};

describe("report.html", () => {
  it("fetches nothing and runs nothing", () => {
    for (const page of pages) {
      expect(page).not.toMatch(/https?:|\/\/[a-z]|@import|url\(/i);
      const { document } = parseHTML(page);
      expect(document.querySelectorAll("script, link, img, iframe, object, embed").length).toBe(0);
    }
  });

  it("holds both languages, the asked one first", () => {
    const { document } = parseHTML(pages[0] ?? "");
    expect(document.documentElement.getAttribute("lang")).toBe("ja");
    expect([...document.querySelectorAll("main")].map((main) => main.getAttribute("lang"))).toEqual(["en", "ja"]);
    expect(document.querySelector("input[checked]")?.getAttribute("id")).toBe("show-ja");
    for (const main of document.querySelectorAll("main")) {
      expect(main.querySelectorAll(".tile").length).toBe(4);
      for (const width of ["wide", "narrow"]) expect(main.querySelectorAll(`figure svg.${width}`).length).toBe(6);
    }
  });

  it("shows labels as text, never as markup", () => {
    const page = pages[0] ?? "";
    expect(page).not.toContain("<script");
    const { document } = parseHTML(page);
    const cells = [...document.querySelectorAll("td")].map((cell) => cell.textContent);
    expect(cells).toContain(LABEL);
    expect(document.querySelectorAll("svg script").length).toBe(0);
  });

  it.each([
    ["en", "0 to 20 characters", "labels with 200 or more training rows", "Latin script", "(another label) →"],
    ["ja", "0～20文字", "学習データが200件以上のラベル", "ラテン文字", "（その他のラベル） →"],
  ] as const)("names slices and a label outside of the set in %s", (language, ...words) => {
    const { document } = parseHTML(pages[0] ?? "");
    const main = document.querySelector(`main[lang=${language}]`)?.textContent ?? "";
    for (const word of words) expect(main).toContain(word);
    const rows = slicesTable(FACTS, language).rows.map(([name = ""]) => name);
    expect(new Set(rows).size).toBe(FACTS.quality.slices.length);
    if (language === "ja") expect(rows.join("")).not.toMatch(/[a-z]/i);
  });

  it("has every anchor that its contents name", () => {
    const { document } = parseHTML(pages[0] ?? "");
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.getAttribute("id"));
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...document.querySelectorAll("nav a")].map((link) => link.getAttribute("href")?.slice(1));
    expect(links.length).toBeGreaterThan(20);
    for (const link of links) expect(ids).toContain(link);
  });

  it("is the same text every time", () => {
    expect(renderHtml(FACTS, decideVerdict(FACTS), "ja")).toBe(pages[0]);
  });

  it("is drawn for a run in which nothing could be measured", () => {
    const page = renderHtml(empty, decideVerdict(empty), "en");
    expect(/.{0,40}(NaN|undefined|Infinity).{0,20}/.exec(page)?.[0]).toBeUndefined();
    expect(parseHTML(page).document.querySelectorAll("main").length).toBe(2);
  });

  it("escapes what html reads as markup and mends what it cannot hold", () => {
    expect(escapeHtml(`<a href="x">&'\u0000\u001b[31m`)).toBe("&lt;a href=&quot;x&quot;&gt;&amp;&#39;  [31m");
    expect(escapeHtml("\ud800")).toBe("\ufffd");
  });
});

describe("report.md and report.json", () => {
  it("escape labels for Markdown", () => {
    expect(escapeMarkdown("a|b <c> *d*\n")).toBe(String.raw`a\|b &lt;c&gt; \*d\* `);
    const markdown = renderMarkdown(FACTS, decideVerdict(FACTS), "en");
    expect(markdown).not.toContain("<script");
    expect(markdown).toContain("Deploy with fallback");
  });

  it("keep the facts bit for bit", () => {
    const verdict = decideVerdict(FACTS);
    const report: unknown = JSON.parse(renderJson(FACTS, verdict));
    expect(report).toMatchObject({ format: 2, verdict: verdict.verdict, metrics: metricsOf(FACTS), facts: FACTS });
  });
});

describe("the terminal text", () => {
  it.each(["en", "ja"] as const)("says the verdict first and last in %s", (language) => {
    for (const facts of [FACTS, MONTHLY_FACTS, POOR_FACTS, UNSEALED_FACTS]) {
      const verdict = decideVerdict(facts);
      const lines = renderSummary(facts, verdict, language).trimEnd().split("\n");
      for (const line of [lines[0], lines.at(-1)]) {
        expect(line).toContain(verdictName(verdict.verdict, language));
        expect(line).toContain(verdict.verdict);
      }
      const candidates = lines.findIndex((line) => line.startsWith(textOf(language, "candidates-trained").slice(0, 8)));
      expect(candidates).toBeGreaterThan(lines.findIndex((line) => line.startsWith(textOf(language, "tile-size"))));
    }
  });

  it.each(["en", "ja"] as const)("stays within its width but for commands and paths, in %s", (language) => {
    for (const facts of [FACTS, MONTHLY_FACTS, POOR_FACTS, UNSEALED_FACTS, UNCONTROLLED_FACTS])
      for (const width of [80, 100]) {
        const paper = { width, colour: false };
        const lines = renderSummary(facts, decideVerdict(facts), language, {}, paper).split("\n");
        for (const line of lines)
          if (!line.includes("joryu predict")) expect([line, stringWidth(line) <= width]).toEqual([line, true]);
      }
  });

  it("heads with the system that would be deployed, the student alone beside it, then the teacher", () => {
    const [, , , head = "", ...lines] = renderSummary(FACTS, decideVerdict(FACTS), "en", {}, WIDE).split("\n");
    expect(head.trim().split(/ {2,}/)).toEqual(["Student + fallback", "Student alone", "Teacher"]);
    expect(lines[0]?.split(/ {2,}/)).toEqual(["Agreement with the teacher", "99.2%", "93.2%", "99.1% with itself"]);
    const cost = lines.find((line) => line.startsWith("Cost per 1,000 calls"));
    expect(cost?.split(/ {2,}/)).toEqual(["Cost per 1,000 calls", "$0.397", "$0.00022", "$1.50"]);
    const poor = renderSummary(POOR_FACTS, decideVerdict(POOR_FACTS), "en", {}, WIDE);
    expect(poor).toMatch(/\n +Student alone +Teacher\n/);
    expect(poor).toMatch(/Cost per 1,000 calls +\$0.00022 +unknown\n/);
    expect(renderSummary(POOR_FACTS, decideVerdict(POOR_FACTS), "ja")).toContain("不明");
  });

  it("is coloured where it is asked for, and says the same", () => {
    const [plain, coloured] = [false, true].map((colour) =>
      renderSummary(FACTS, decideVerdict(FACTS), "en", {}, { width: 80, colour }),
    );
    expect(plain).not.toContain("\u001b");
    expect(coloured).toContain("\u001b[1;32mDeploy with fallback\u001b[0m");
    expect(stripVTControlCharacters(coloured ?? "")).toBe(plain);
  });

  it("aligns Japanese columns by display width", () => {
    const lines = renderSummary(FACTS, decideVerdict(FACTS), "ja", {}, WIDE).split("\n");
    const starts = ["99.2%", "$0.397", "0.42 ms", "4.35 MB"].map((value) => {
      const line = lines.find((each) => each.includes(value)) ?? "";
      return stringWidth(line.slice(0, line.indexOf(value)));
    });
    expect(new Set(starts).size).toBe(1);
  });

  it("says what to run next, quoted for a shell", () => {
    const student = { ...FACTS.student, modelFolder: "my models/a" };
    const summary = renderSummary({ ...FACTS, student }, decideVerdict(FACTS), "en", { reportPath: "out/report.html" });
    expect(summary).toContain("joryu predict --model 'my models/a'");
    expect(summary).toContain("out/report.html");
  });

  it("lets no control character of a log through", () => {
    const student = { ...FACTS.student, modelFolder: "a\u001b[31mb" };
    expect(renderSummary({ ...FACTS, student }, decideVerdict(FACTS), "en")).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

describe("a run with too few rows to seal any", () => {
  const verdict = decideVerdict(UNSEALED_FACTS);

  it("says that nothing is proved yet and how many labels would allow a guarantee", () => {
    expect(verdict.verdict).toBe("keep-teacher");
    expect(verdict.reasons.map(({ code }) => code).slice(0, 2)).toEqual(["no-guarantee-possible", "outlook-rows"]);
    expect(metricsOf(UNSEALED_FACTS)).toMatchObject({
      agreement: null,
      outOfFoldAgreement: 0.928,
      coverage: null,
      unguaranteedCoverage: null,
      rowsForGuarantee: 2744,
    });
  });

  it.each([
    ["en", "out of fold, not proved", "about 2,744 distinct inputs"],
    ["ja", "交差検証の値で、証明されていません", "約2,744件の入力"],
  ] as const)("shows the out-of-fold figure as what it is everywhere in %s", (language, mark, rows) => {
    for (const text of [
      renderSummary(UNSEALED_FACTS, verdict, language, {}, WIDE),
      renderMarkdown(UNSEALED_FACTS, verdict, language),
      renderHtml(UNSEALED_FACTS, verdict, language),
    ]) {
      expect(text).toContain(mark);
      expect(text).toContain("92.8%");
      expect(text).toContain(rows);
      expect(text).not.toMatch(/\b0\.0%/);
    }
    expect(renderMarkdown(UNSEALED_FACTS, verdict, language)).toContain(textOf(language, "compared-out-of-fold"));
  });
});

describe("the promise", () => {
  const kept: Facts = {
    ...FACTS,
    target: { ...FACTS.target, promise: "kept" },
    gate: { ...FACTS.gate, promise: "kept" },
  };
  const SHOWN = {
    en: { delivered: "of all answers that leave the cascade", kept: "of them disagree", calls: "sealed calls" },
    ja: { delivered: "利用者に届く回答全体", kept: "そのうち教師モデルと異なるもの", calls: "評価データの呼び出し" },
  } as const;

  it.each(["en", "ja"] as const)("stands in the line of the gate and in the table of the target in %s", (language) => {
    for (const facts of [kept, EARLIER_FACTS]) {
      expect(gateLine(facts, language)).toContain(SHOWN[language].kept);
      expect(gateLine(facts, language)).toContain("kept");
      expect(gateLine({ ...facts, gate: { ...facts.gate, threshold: null } }, language)).toContain("kept");
      expect(reproductionTable(facts, language).rows.at(-1)?.[1]).toContain("kept");
    }
    expect(gateLine(FACTS, language)).toContain(SHOWN[language].delivered);
    for (const line of [
      gateLine(FACTS, language),
      gateLine(POOR_FACTS, language),
      reproductionTable(FACTS, language).rows.at(-1)?.[1] ?? "",
    ])
      expect(line).toContain("delivered");
  });

  it.each(["en", "ja"] as const)("is drawn against the risk that it bounds in %s", (language) => {
    const risks = [textOf(language, "risk-of-all"), textOf(language, "risk")];
    const shown = (facts: Facts): boolean[] => {
      const page = renderHtml(facts, decideVerdict(facts), language);
      return risks.map((risk) => page.includes(risk));
    };
    expect(shown(FACTS)).toEqual([true, false]);
    for (const facts of [kept, EARLIER_FACTS]) expect(shown(facts)).toEqual([false, true]);
  });

  it.each(["en", "ja"] as const)("stands with its test, the other promise and the weakest slice in %s", (language) => {
    const rows = new Map(gateTable(FACTS, language).rows.map(([name = "", ...values]) => [name, values.join(" ")]));
    const shown = [...rows].map((row) => row.join(" ")).join("\n");
    for (const number of ["99.2%", "61.2%", "1,447", "94.0%"]) expect(shown).toContain(number);
    expect(rows.get(textOf(language, "other-promise", { promise: "kept" }))).toContain("61.2%");
    const { kind = "binomial", cap = 1 } = FACTS.gate.test ?? {};
    const test = textOf(language, `gate-test-${kind}`, { cap });
    expect(rows.get(test)).toContain("1,447");
    expect(shown).not.toContain("0.0%");
    expect(gateTable(EARLIER_FACTS, language).rows.map(([name]) => name)).not.toContain(test);
  });

  it.each(["en", "ja"] as const)("of facts of before is rendered whole in %s", (language) => {
    for (const facts of [EARLIER_FACTS, earlier(MONTHLY_FACTS), earlier(POOR_FACTS), earlier(UNSEALED_FACTS)]) {
      const verdict = decideVerdict(facts);
      for (const render of [renderSummary, renderMarkdown, renderHtml]) {
        const shown = render(facts, verdict, language);
        expect(
          /.{0,40}(NaN|undefined|Infinity|\{\w+:(count|percent|share|number)).{0,20}/.exec(shown)?.[0],
        ).toBeUndefined();
        expect(shown).not.toContain("“delivered”");
        expect(shown).not.toContain("約束「delivered」");
      }
    }
  });
});

describe("every cell", () => {
  const HOSTILE = `<b>x</b>|*y* & "z" / <i>w</i>`;
  const hostile: Facts = {
    ...FACTS,
    dataset: { ...FACTS.dataset, others: [{ name: HOSTILE, kind: HOSTILE, records: 1 }], hash: HOSTILE },
    teacher: { models: [HOSTILE] },
    candidates: FACTS.candidates.map((each) => ({ ...each, name: HOSTILE })),
    compared: FACTS.compared.map((each) => ({ ...each, name: `${HOSTILE}${each.name}` })),
    paired: FACTS.paired.map((each) => ({ ...each, a: HOSTILE, b: HOSTILE })),
    parity: FACTS.parity.map((each) => ({ ...each, artefact: HOSTILE })),
    quality: { ...FACTS.quality, classes: FACTS.quality.classes.map((each) => ({ ...each, label: HOSTILE })) },
    money: { ...FACTS.money, assumptions: { [HOSTILE]: HOSTILE } },
    measured: { ...FACTS.measured, stageSeconds: { [HOSTILE]: 1 } },
    student: { ...FACTS.student, lossFormula: HOSTILE },
  };

  it("of the page is text: no markup of a name is an element", () => {
    const page = renderHtml(hostile, decideVerdict(hostile), "en");
    expect(page).not.toMatch(/<\/?[bi]>/);
    const cells = [...parseHTML(page).document.querySelectorAll("td")].filter((cell) =>
      cell.textContent?.includes("y*"),
    );
    expect(cells.length).toBeGreaterThan(20);
    for (const cell of cells) expect(cell.textContent).toContain(`<b>x</b>|*y* & "z"`);
  });

  it("of the Markdown is text: no name opens markup or another column", () => {
    const markdown = renderMarkdown(hostile, decideVerdict(hostile), "en");
    expect(markdown).not.toMatch(/<\/?[bi]>/);
    expect(markdown).not.toMatch(/[^\\][|*]y/);
    const lines = markdown.split("\n");
    const tables = lines.filter((line) => line.startsWith("|"));
    expect(tables.filter((line) => line.includes(String.raw`\|\*y\*`)).length).toBeGreaterThan(20);
    const columnsOf = (line: string): number => line.replaceAll(String.raw`\|`, "").split("|").length;
    for (const [at, line] of lines.entries())
      if (line.startsWith("|") && (lines[at - 1] ?? "").startsWith("|"))
        expect(columnsOf(line)).toBe(columnsOf(lines[at - 1] ?? ""));
  });
});

describe("the next steps", () => {
  const untriedBase = { smallestBytes: 2_300_000, largestBytes: 23_000_000 };

  it.each(["en", "ja"] as const)(
    "name an untried base with its sizes where the student does not suffice alone, in %s",
    (language) => {
      const facts: Facts = { ...POOR_FACTS, untriedBase };
      const verdict = decideVerdict(facts);
      for (const render of [renderSummary, renderMarkdown, renderHtml]) {
        const shown =
          render === renderSummary ? render(facts, verdict, language, {}, WIDE) : render(facts, verdict, language);
        expect(shown).toMatch(/--base DIR.*2\.3\d? MB.*23(?:\.0)? MB/);
        expect(render(POOR_FACTS, verdict, language)).not.toContain("--base");
      }
    },
  );

  it("name none where the student is proved alone", () => {
    const gate = { ...FACTS.gate, threshold: 0, coverage: { value: 1, low: 0.99, high: 1 } };
    const facts: Facts = { ...FACTS, gate, untriedBase };
    expect(renderSummary(facts, decideVerdict(facts), "en")).not.toContain("--base");
  });
});

describe("what a manager asks first", () => {
  const looked: Facts = {
    ...FACTS,
    inputs: ["october.jsonl", "november.csv"],
    examples: [
      {
        text: "where is <b>my</b> card",
        teacher: "card_arrival",
        student: "card_arrival",
        probability: 0.97,
        decision: "keep",
      },
      { text: "=SUM(A1)", teacher: "", student: "balance", probability: 0.31, decision: "defer" },
    ],
    mistakes: {
      keptWrong: 12,
      deferred: 301,
      suspected: 44,
      suspectedPrecision: { value: 0.7727, low: 0.63, high: 0.87, known: 22 },
      reviewed: 22,
    },
    measured: { ...FACTS.measured, provedMs: Date.UTC(2026, 10, 30, 23) },
    money: { ...FACTS.money, assumptions: { ...FACTS.money.assumptions, yenPerUsd: 150 } },
  };

  it.each([
    ["en", "30 November 2026", "october.jsonl, november.csv", "kept", "(none of the labels)", "77.3% (63.0% to 87.0%)"],
    [
      "ja",
      "2026年11月30日",
      "october.jsonl、november.csv",
      "生徒モデルが回答",
      "（ラベル外）",
      "77.3%（63.0%～87.0%）",
    ],
  ] as const)("day, input, examples and mistakes stand in both reports in %s", (language, ...words) => {
    const page = parseHTML(renderHtml(looked, decideVerdict(looked), language)).document;
    const shown = page.querySelector(`main[lang=${language}]`)?.textContent ?? "";
    for (const word of [...words, "301", "openStudent", textOf(language, "glossary")]) expect(shown).toContain(word);
    expect(page.querySelectorAll("main b").length).toBe(0);
    const markdown = renderMarkdown(looked, decideVerdict(looked), language);
    for (const word of words) expect(markdown).toContain(escapeMarkdown(word));
    const before = renderHtml(EARLIER_FACTS, decideVerdict(EARLIER_FACTS), language);
    expect(before).not.toContain(`id="${language}-examples"`);
    expect(before).toContain(`id="${language}-usage"`);
  });

  it.each([
    ["en", "$0.397 (about ¥60)", "Yen at 150 to the US dollar"],
    ["ja", "$0.397（約￥60）", "1米ドル=150円"],
  ] as const)("yen stand beside dollars only by a stated rate, said with them, in %s", (language, amount, rate) => {
    const render = (facts: Facts): string => renderSummary(facts, decideVerdict(facts), language, {}, WIDE);
    expect(render(looked)).toContain(amount);
    expect(render(looked)).toContain(rate);
    expect(render(FACTS)).not.toMatch(/[¥￥]|yen at/iu);
  });

  it("writes Japanese as Japanese: no half-width brackets or marks, no English name of a part", () => {
    const page = parseHTML(renderHtml(looked, decideVerdict(looked), "ja")).document;
    const cells = [...(page.querySelector("main[lang=ja]")?.querySelectorAll("p, li, th, td, h2, .tile div") ?? [])];
    const sentences = cells.map((cell) => cell.textContent ?? "").filter((cell) => /[\u3040-\u30ff]/.test(cell));
    expect(sentences.length).toBeGreaterThan(100);
    for (const sentence of sentences)
      expect(sentence).not.toMatch(/[;()]|majority|student\+|fold\d|封印した|教師(?!モデル)|生徒(?!モデル)/u);
  });

  it("differences of ratios are points, slices come worst first", () => {
    const [first] = pairedTable(FACTS, "ja").rows;
    expect(first?.[2]).toBe("+2.3ポイント / +1.8～+2.8");
    const reversed = { ...FACTS, quality: { ...FACTS.quality, slices: FACTS.quality.slices.toReversed() } };
    const names = slicesTable(reversed, "en").rows.map(([name]) => name);
    expect(names[0]).toBe("answers that no training row has");
    expect(names[1]).toBe("0 to 20 characters");
  });
});

describe("intervals of percentiles", () => {
  it("come from order statistics and are absent for few samples", () => {
    const samples = Array.from({ length: 1000 }, (_unused, at) => (at * 37) % 1000);
    expect(quantileInterval(samples, 0.5)).toEqual({ low: 468, high: 531 });
    expect(quantileInterval([1, 2], 0.5)).toBeUndefined();
  });
});

describe("writing", () => {
  const folder = mkdtempSync(join(tmpdir(), "joryu-report-"));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("leaves three whole files and nothing else", () => {
    const paths = writeReport(join(folder, "a"), FACTS, decideVerdict(FACTS), "en");
    expect(readdirSync(join(folder, "a")).toSorted()).toEqual(["report.html", "report.json", "report.md"]);
    expect(readFileSync(paths.html, "utf8").endsWith("</html>\n")).toBe(true);
  });

  it("says in one line where the disk refused", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => writeReport(join(folder, "file", "b"), FACTS, decideVerdict(FACTS), "en")).toThrow(/report\.html/);
  });
});
