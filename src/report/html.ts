/** @file report.html: one self-contained file without script, font or address of elsewhere; both languages inside, one click apart.
 *  Every string from facts is escaped, because labels and names come from logs. Charts come from `charts.ts`. */
import { text, type TextKey, verdictMeaning, verdictName } from "./catalogue.js";
import {
  comparedChart,
  confusionChart,
  costChart,
  coverageRiskChart,
  latencyChart,
  pathChart,
  reliabilityChart,
} from "./charts.js";
import type { Facts, Verdict } from "./facts.js";
import { type Language, LANGUAGES } from "./format.js";
import { type Headline, headlines, rateLine, yenRate } from "./headline.js";
import { examplesTable, glossaryTable, mistakesTable, runLine } from "./look.js";
import { renderReason } from "./reasons.js";
import { pathLines, pathTable } from "./path.js";
import { risksOf } from "./risks.js";
import {
  assumptionsTable,
  calibrationTable,
  candidatesTable,
  classesTable,
  comparedTable,
  dataTable,
  gateTable,
  latencyTable,
  moneyTable,
  pairedTable,
  parityTable,
  qualityTable,
  reproductionTable,
  slicesTable,
  WORST_CLASSES,
} from "./sections.js";
import type { Table } from "./table.js";
import { STYLE } from "./style.js";
import { gateLine, nextHints, shellWord } from "./summary.js";

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", ja: "日本語" };
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as html text or attribute value; control characters become spaces, lone surrogates the replacement character. */
export function escapeHtml(value: string, keepsLines = false): string {
  return Buffer.from(value, "utf8")
    .toString("utf8")
    .replace(/\p{Cc}/gu, (control) => (keepsLines && control === "\n" ? control : " "))
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** "estimate / measured" on two lines. */
function cellHtml(cell: string): string {
  const parts = cell.split(" / ");
  if (parts.length !== 2) return escapeHtml(cell);
  return parts.map((part) => `<span class="part">${escapeHtml(part)}</span>`).join("");
}

interface TableOptions {
  /** Set the two parts of a cell on two lines, or beside each other. */
  readonly parts?: "stacked" | "inline" | "wrapped";
  /** The row to mark. */
  readonly marked?: number;
}

function tableHtml(table: Table, options: TableOptions = {}): string {
  // More columns than a telephone has room for: there each row is a card.
  const isCards = table.columns.length > 3;
  const head = table.columns
    .map(({ title, numeric }) => `<th scope="col"${numeric ? ' class="number"' : ""}>${escapeHtml(title)}</th>`)
    .join("");
  const rows = table.rows.map((row, at) => {
    const cells = row.map((cell, place) => {
      const inner = options.parts !== undefined ? cellHtml(cell) : escapeHtml(cell);
      const { title = "", numeric = false } = table.columns[place] ?? {};
      const label = isCards && place > 0 ? ` data-label="${escapeHtml(title)}"` : "";
      return `<td${numeric ? ' class="number"' : ""}${label}>${inner}</td>`;
    });
    return `<tr${at === options.marked ? ' class="marked"' : ""}>${cells.join("")}</tr>`;
  });
  const values = table.columns.length === 2;
  const header = values ? "" : `<thead><tr>${head}</tr></thead>`;
  const look = [values ? "values" : (options.parts ?? ""), ...(isCards ? ["cards"] : [])].join(" ").trim();
  return `<div class="wide"><table class="${look}">${header}<tbody>${rows.join("")}</tbody></table></div>`;
}

function tileHtml(tile: Headline, language: Language): string {
  const note = tile.note === undefined ? "" : `<div class="note">${escapeHtml(tile.note)}</div>`;
  const alone = tile.alone === undefined ? [] : [text(language, "alone-value", { value: tile.alone })];
  return `<div class="tile"><div class="title">${escapeHtml(tile.title)}</div>
<div class="student">${escapeHtml(tile.value)}</div>
<div class="interval">${escapeHtml(tile.interval)}</div>${note}
<div class="teacher"><span>${[...alone, text(language, "teacher-value", { value: tile.teacher })].map((line) => escapeHtml(line)).join("<br>")}</span></div></div>`;
}

interface Section {
  readonly key: TextKey;
  readonly lead?: string;
  readonly body: string;
}

/** One row of the page: a section over the whole width, or two columns of sections. */
type PageRow = readonly [readonly Section[]] | readonly [readonly Section[], readonly Section[]];

function figure(svg: string): string {
  return `<figure>${svg}</figure>`;
}

/** Two columns; a lean one leaves the right side, a table of many columns, more room. */
function split(left: string, right: string, look: "even" | "lean" = "even"): string {
  return `<div class="split ${look}"><div>${left}</div><div>${right}</div></div>`;
}

function qualityRows(facts: Facts, language: Language): readonly PageRow[] {
  const { quality, dataset } = facts;
  const chosen = facts.candidates.find(({ status }) => status === "chosen")?.name;
  const student = facts.compared.findIndex(({ name }) => name === "student-int8" || name === chosen);
  const compared = split(
    figure(comparedChart(facts, language)),
    tableHtml(comparedTable(facts, language), { parts: "stacked", marked: student }),
    "lean",
  );
  const gate = split(figure(coverageRiskChart(facts, language)), tableHtml(gateTable(facts, language)));
  const calibration = figure(reliabilityChart(facts, language)) + tableHtml(calibrationTable(facts, language));
  const confusions =
    quality.confusions.length === 0 ? `<p>${text(language, "none")}</p>` : figure(confusionChart(facts, language));
  const sealed = dataset.sealedRows > 0;
  const qualityLead = text(language, sealed ? "quality-lead" : "quality-none", { rows: dataset.sealedRows });
  const comparedLead = text(language, sealed ? "compared-lead" : "compared-out-of-fold");
  const classesLead = text(language, "classes-lead", { count: WORST_CLASSES, labels: dataset.labels });
  const classes = tableHtml(classesTable(facts, language), { parts: "inline" });
  const paired = tableHtml(pairedTable(facts, language), { parts: "stacked" });
  const slices = tableHtml(slicesTable(facts, language), { parts: "stacked" });
  return [
    [[{ key: "compared", lead: comparedLead, body: compared }]],
    [[{ key: "gate", lead: text(language, "gate-lead"), body: gate }]],
    [
      [
        { key: "quality", lead: qualityLead, body: tableHtml(qualityTable(facts, language)) },
        { key: "paired", lead: text(language, "paired-lead"), body: paired },
      ],
      [{ key: "calibration", lead: text(language, "calibration-lead"), body: calibration }],
    ],
    [
      [{ key: "classes", lead: classesLead, body: classes }],
      [
        { key: "confusions", lead: text(language, "confusions-lead"), body: confusions },
        { key: "slices", lead: text(language, "slices-lead"), body: slices },
      ],
    ],
  ];
}

function pathRows(facts: Facts, language: Language): readonly PageRow[] {
  const table = pathTable(facts, language);
  if (table === undefined) return [];
  const lines = pathLines(facts, language).map((line) => `<p class="gateline">${escapeHtml(line)}</p>`);
  const body = figure(pathChart(facts, language)) + tableHtml(table, { parts: "stacked" }) + lines.join("");
  return [[[{ key: "path", lead: text(language, "path-lead"), body }]]];
}

/** What the model answers, where it errs, and the lines that use it. */
function useRows(facts: Facts, language: Language): readonly PageRow[] {
  const lead = (key: TextKey): string => text(language, key);
  const [examples, mistakes] = [examplesTable(facts, language), mistakesTable(facts, language)];
  const usage: Section = {
    key: "usage",
    lead: lead("usage-lead"),
    body: `<pre>${escapeHtml(usageLines(facts).join("\n"), true)}</pre>`,
  };
  const looked: readonly Section[] =
    mistakes === undefined ? [] : [{ key: "mistakes", lead: lead("mistakes-lead"), body: tableHtml(mistakes) }];
  return [
    ...(examples.rows.length === 0
      ? []
      : [
          [
            [
              {
                key: "examples" as const,
                lead: lead("examples-lead"),
                body: tableHtml(examples, { parts: "wrapped" }),
              },
            ],
          ] as const,
        ]),
    looked.length === 0 ? [[usage]] : [looked, [usage]],
  ];
}

function usageLines({ student, examples = [] }: Facts): readonly string[] {
  const folder = student.modelFolder;
  const asked = JSON.stringify(examples[0]?.text ?? "...");
  return [
    `joryu predict --model ${shellWord(folder)} ${shellWord(examples[0]?.text ?? "...")}`,
    "",
    'import { openStudent } from "joryu";',
    "",
    `const student = await openStudent(${JSON.stringify(folder)});`,
    `const [answer] = await student.predict([${asked}]);`,
    'if (answer?.decision === "defer") {',
    "  // ask the teacher",
    "}",
    "await student.close();",
  ];
}

function pageRows(facts: Facts, language: Language): readonly PageRow[] {
  const lead = (key: TextKey): string => text(language, key);
  const risks = risksOf(facts).map((risk) => `<li>${escapeHtml(renderReason(risk, language, yenRate(facts)))}</li>`);
  const chosen = facts.candidates.findIndex(({ status }) => status === "chosen");
  const candidates = tableHtml(candidatesTable(facts, language), { parts: "stacked", marked: chosen });
  const money = split(figure(costChart(facts, language)), tableHtml(moneyTable(facts, language)));
  const latency = split(figure(latencyChart(facts, language)), tableHtml(latencyTable(facts, language)));
  return [
    ...useRows(facts, language),
    [[{ key: "candidates", lead: lead("candidates-lead"), body: candidates }]],
    ...pathRows(facts, language),
    ...qualityRows(facts, language),
    [[{ key: "money", lead: lead("money-lead"), body: money }]],
    [[{ key: "latency", lead: lead("latency-lead"), body: latency }]],
    [[{ key: "risks", body: `<ul class="risks">${risks.join("")}</ul>` }]],
    [
      [
        { key: "parity", body: tableHtml(parityTable(facts, language)) },
        { key: "assumptions", body: tableHtml(assumptionsTable(facts, language)) },
      ],
      [
        { key: "data", body: tableHtml(dataTable(facts, language)) },
        { key: "reproduction", body: tableHtml(reproductionTable(facts, language)) },
      ],
    ],
    [[{ key: "glossary", body: tableHtml(glossaryTable(language), { parts: "wrapped" }) }]],
  ];
}

function verdictHtml(facts: Facts, verdict: Verdict, language: Language): string {
  const reasons = verdict.reasons.map(
    (reason) => `<li>${escapeHtml(renderReason(reason, language, yenRate(facts)))}</li>`,
  );
  return `<div class="verdict ${verdict.verdict}"><div class="kicker">${escapeHtml(text(language, "verdict"))}</div>
<div class="name">${escapeHtml(verdictName(verdict.verdict, language))}</div>
<p class="meaning">${escapeHtml(verdictMeaning(verdict.verdict, language))}</p>
<ul>${reasons.join("")}</ul></div>`;
}

function sectionHtml(section: Section, language: Language): string {
  const lead = section.lead === undefined ? "" : `<p class="lead">${escapeHtml(section.lead)}</p>`;
  const title = escapeHtml(text(language, section.key));
  return `<section id="${language}-${section.key}"><h2>${title}</h2>${lead}${section.body}</section>`;
}

function pageHtml(facts: Facts, verdict: Verdict, language: Language): string {
  const rows = pageRows(facts, language);
  const links = rows.flat(2).map(({ key }) => `<a href="#${language}-${key}">${escapeHtml(text(language, key))}</a>`);
  const bodies = rows.map((row) => {
    const sides = row.map((side) => side.map((section) => sectionHtml(section, language)).join("\n"));
    return sides.length === 1 ? sides.join("") : split(sides[0] ?? "", sides[1] ?? "");
  });
  return `<main class="${language}" lang="${language}">
<header><h1>${escapeHtml(text(language, "title"))}</h1><p class="run">${escapeHtml(runLine(facts, language))}</p></header>
${verdictHtml(facts, verdict, language)}
<div class="tiles">${headlines(facts, verdict, language)
    .map((tile) => tileHtml(tile, language))
    .join("\n")}</div>
${[...rateLine(facts, language), gateLine(facts, language)].map((line) => `<p class="gateline">${escapeHtml(line)}</p>`).join("\n")}
${nextHints(facts, verdict, language)
  .map((hint) => `<p class="gateline">${escapeHtml(text(language, "next") + text(language, "colon") + hint)}</p>`)
  .join("")}<nav aria-label="${escapeHtml(text(language, "contents"))}">${links.join("\n")}</nav>
${bodies.join("\n")}
<footer>${escapeHtml(text(language, "footer", { version: facts.version }))}</footer>
</main>`;
}

/** The whole page; `language` is the one shown first. */
export function renderHtml(facts: Facts, verdict: Verdict, language: Language): string {
  const radios = LANGUAGES.map(
    (each) =>
      `<input class="switch" type="radio" name="language" id="show-${each}" aria-label="${LANGUAGE_NAMES[each]}"${each === language ? " checked" : ""}>`,
  );
  const labels = LANGUAGES.map((each) => `<label for="show-${each}" lang="${each}">${LANGUAGE_NAMES[each]}</label>`);
  const title = text(language, "title") + text(language, "colon") + facts.dataset.workload;
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${radios.join("\n")}
<div class="bar">${labels.join("")}</div>
${LANGUAGES.map((each) => pageHtml(facts, verdict, each)).join("\n")}
</body>
</html>
`;
}
