/** @file report.md: the same tables as the page, for pull requests and terminals. Every cell is escaped for Markdown and html. */
import { text, type TextKey, verdictMeaning, verdictName } from "./catalogue.js";
import type { Facts, Verdict } from "./facts.js";
import type { Language } from "./format.js";
import { headlineTable, rateLine, yenRate } from "./headline.js";
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
} from "./sections.js";
import type { Table } from "./table.js";
import { gateLine, nextHints } from "./summary.js";

/** Text that neither Markdown nor html reads as markup; one line. */
export function escapeMarkdown(value: string): string {
  return value
    .replace(/\p{Cc}/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/[\\`*_[\]|#~]/g, String.raw`\$&`);
}

function tableMarkdown(table: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(table.columns.map(({ title }) => escapeMarkdown(title))),
    line(table.columns.map(({ numeric }) => (numeric ? "--:" : ":--"))),
    ...table.rows.map((row) => line(row.map((cell) => cell.split("\n").map(escapeMarkdown).join("<br>")))),
  ].join("\n");
}

/** The report as Markdown in one language. */
export function renderMarkdown(facts: Facts, verdict: Verdict, language: Language): string {
  const path = pathTable(facts, language);
  const mistakes = mistakesTable(facts, language);
  const examples = examplesTable(facts, language);
  const tables: readonly (readonly [TextKey, Table])[] = [
    ...(examples.rows.length === 0 ? [] : [["examples", examples] as const]),
    ...(mistakes === undefined ? [] : [["mistakes", mistakes] as const]),
    ["candidates", candidatesTable(facts, language)],
    ...(path === undefined ? [] : [["path", path] as const]),
    ["quality", qualityTable(facts, language)],
    ["compared", comparedTable(facts, language)],
    ["gate", gateTable(facts, language)],
    ["calibration", calibrationTable(facts, language)],
    ["classes", classesTable(facts, language)],
    ["slices", slicesTable(facts, language)],
    ["money", moneyTable(facts, language)],
    ["latency", latencyTable(facts, language)],
    ["paired", pairedTable(facts, language)],
    ["parity", parityTable(facts, language)],
    ["data", dataTable(facts, language)],
    ["assumptions", assumptionsTable(facts, language)],
    ["reproduction", reproductionTable(facts, language)],
    ["glossary", glossaryTable(language)],
  ];
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${escapeMarkdown(line)}`).join("\n");
  const parts = [
    `# ${text(language, "title")}`,
    escapeMarkdown(runLine(facts, language)),
    `## ${text(language, "verdict")}${text(language, "colon")}${verdictName(verdict.verdict, language)}`,
    verdictMeaning(verdict.verdict, language),
    tableMarkdown(headlineTable(facts, verdict, language)),
    ...rateLine(facts, language),
    list(verdict.reasons.map((reason) => renderReason(reason, language, yenRate(facts)))),
    escapeMarkdown(gateLine(facts, language)),
    ...nextHints(facts, verdict, language).map(
      (hint) => `${text(language, "next")}${text(language, "colon")}${escapeMarkdown(hint)}`,
    ),
    ...tables.flatMap(([key, table]) => [
      `## ${text(language, key)}`,
      ...(key === "compared" && facts.dataset.sealedRows === 0
        ? [escapeMarkdown(text(language, "compared-out-of-fold"))]
        : []),
      tableMarkdown(table),
      ...(key === "path" ? pathLines(facts, language).map(escapeMarkdown) : []),
    ]),
    `## ${text(language, "risks")}`,
    list(risksOf(facts).map((risk) => renderReason(risk, language, yenRate(facts)))),
  ];
  return `${parts.join("\n\n")}\n`;
}
