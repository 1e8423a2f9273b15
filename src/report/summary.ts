/** @file The terminal text of a run: the four numbers, the verdict with its reasons, the gate, the candidates, the assumptions and
 *  what to run next. Plain text without colour codes; columns are aligned by display width, so Japanese lines up too. */
import stringWidth from "string-width";
import { assumptionText, text, verdictMeaning, verdictName } from "./catalogue.js";
import type { Facts, Verdict } from "./facts.js";
import { formatBytes, type Language } from "./format.js";
import { headlines } from "./headline.js";
import { missingControlLines, pathTable } from "./path.js";
import { renderReason } from "./reasons.js";
import { candidatesTable, type Column } from "./sections.js";

export interface SummaryPlaces {
  /** Where report.html is, as the user would type it. */
  readonly reportPath?: string;
}

/** Labels and names come from logs: no control character of theirs may reach the terminal. */
function printable(value: string): string {
  return value.replace(/\p{Cc}/gu, " ");
}

function pad(value: string, width: number, numeric: boolean): string {
  const space = " ".repeat(Math.max(0, width - stringWidth(value)));
  return numeric ? space + value : value + space;
}

/** Lines of an aligned table, two spaces between columns. */
function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [columns.map(({ title }) => title), ...rows].map((row) => row.map(printable));
  const widths = columns.map((_column, at) => Math.max(...all.map((row) => stringWidth(row[at] ?? ""))));
  return all.map((row) =>
    row
      .map((cell, at) => pad(cell, widths[at] ?? 0, columns[at]?.numeric ?? false))
      .join("  ")
      .trimEnd(),
  );
}

function headlineLines(facts: Facts, verdict: Verdict, language: Language): readonly string[] {
  const columns: readonly Column[] = [
    { title: "", numeric: false },
    { title: text(language, "student"), numeric: true },
    { title: text(language, "teacher"), numeric: true },
    { title: "", numeric: false },
  ];
  const rows = headlines(facts, verdict, language).map((line) => [
    line.title,
    line.student,
    line.teacher,
    line.note === undefined ? line.interval : `${line.interval}; ${line.note}`,
  ]);
  return tableLines(columns, rows);
}

/** The gate in one line. */
export function gateLine(facts: Facts, language: Language): string {
  const { gate } = facts;
  const numbers = { epsilon: gate.epsilon, confidence: 1 - gate.delta, coverage: gate.coverage.value };
  const isDelivered = gate.promise === "delivered";
  if (gate.threshold === null) return text(language, isDelivered ? "gate-none-delivered" : "gate-none", numbers);
  const kept = { ...numbers, threshold: gate.threshold };
  return text(language, isDelivered ? "gate-line-delivered" : "gate-line", kept);
}

/** What could be tried next where the student does not meet the target alone. */
export function nextHints({ untriedBase, gate }: Facts, verdict: Verdict, language: Language): readonly string[] {
  const isAlone = verdict.verdict === "deploy" || gate.threshold === 0;
  if (untriedBase === undefined || isAlone) return [];
  const { smallestBytes, largestBytes } = untriedBase;
  return [
    text(language, "next-base", {
      smallest: formatBytes(smallestBytes, language),
      largest: formatBytes(largestBytes, language),
    }),
  ];
}

/** A path as one shell word. */
function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function nextLines(facts: Facts, language: Language, places: SummaryPlaces): readonly string[] {
  const lines = [`joryu predict --model ${shellWord(printable(facts.student.modelFolder))}`];
  if (places.reportPath !== undefined) lines.push(shellWord(printable(places.reportPath)));
  const names = [text(language, "next-predict"), text(language, "next-report")];
  return tableLines(
    [
      { title: text(language, "next"), numeric: false },
      { title: "", numeric: false },
    ],
    lines.map((line, at) => [`  ${names[at] ?? ""}`, line]),
  );
}

/** The path in short: step, size, latency, both agreements; whether it had a control stands with the reasons where it had one. */
function pathLines(facts: Facts, language: Language): readonly string[] {
  const table = pathTable(facts, language);
  if (table === undefined) return [];
  const short = [0, 3, 4, 5, 6];
  const pick = <Item>(row: readonly Item[]): Item[] => short.flatMap((at) => row.slice(at, at + 1));
  const lines = [...tableLines(pick(table.columns), table.rows.map(pick)), ...missingControlLines(facts, language)];
  return [text(language, "path"), ...lines.map((line) => `  ${line}`), ""];
}

/** The whole terminal text of a finished run, ending in a line break. */
export function renderSummary(facts: Facts, verdict: Verdict, language: Language, places: SummaryPlaces = {}): string {
  const table = candidatesTable(facts, language);
  const shown = [0, 1, 3, 4, 5, 6, 7];
  const pick = <Item>(row: readonly Item[]): Item[] => shown.flatMap((at) => row.slice(at, at + 1));
  const assumed = Object.entries(facts.money.assumptions).map(
    ([name, value]) => `  ${assumptionText(name, value, language).map(printable).join(": ")}`,
  );
  return [
    ...headlineLines(facts, verdict, language),
    "",
    `${text(language, "verdict")}: ${verdictName(verdict.verdict, language)} (${verdict.verdict}). ${verdictMeaning(verdict.verdict, language)}`,
    ...verdict.reasons.map((reason) => `  - ${printable(renderReason(reason, language))}`),
    "",
    gateLine(facts, language),
    "",
    text(language, "candidates"),
    ...tableLines(pick(table.columns), table.rows.map(pick)).map((line) => `  ${line}`),
    "",
    ...pathLines(facts, language),
    text(language, "assumptions"),
    ...assumed,
    "",
    ...nextLines(facts, language, places),
    ...nextHints(facts, verdict, language).map((hint) => `  ${hint}`),
    "",
  ].join("\n");
}
