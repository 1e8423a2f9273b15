/** @file The terminal text of a run: the verdict first and last; between them the four numbers of the system beside student and
 *  teacher, the reasons, the gate, the candidates, the assumptions and what to run next. Lines are cut at words; colour where the
 *  paper has it. */
import { assumptionText, text, verdictMeaning, verdictName } from "./catalogue.js";
import type { CandidateFacts, Facts, Reason, Verdict, VerdictName } from "./facts.js";
import { formatBytes, formatMs, formatPercent, formatSeconds, type Language } from "./format.js";
import { formatUsd, headlineTable, rateLine, yenRate } from "./headline.js";
import { missingControlLines, pathTable } from "./path.js";
import { renderReason } from "./reasons.js";
import type { Table } from "./table.js";
import {
  bulletLines,
  paint,
  PLAIN_PAPER,
  printable,
  SEPARATOR,
  tableLines,
  wrap,
  type Paper,
  type Style,
} from "./terminal.js";

export interface SummaryPlaces {
  /** Where report.html is, as the user would type it. */
  readonly reportPath?: string;
}

const VERDICT_STYLES: Readonly<Record<VerdictName, Style>> = {
  deploy: "good",
  "deploy-with-fallback": "good",
  "use-cheaper-model": "caution",
  "keep-teacher": "stop",
};

function verdictLine({ verdict }: Verdict, language: Language, paper: Paper): string {
  const name = paint(verdictName(verdict, language), VERDICT_STYLES[verdict], paper);
  return text(language, "verdict-line", { name, code: verdict });
}

/** The table of the four numbers: its figures bold, what stands under them dim. */
function headlineLines(facts: Facts, verdict: Verdict, language: Language, paper: Paper): readonly string[] {
  const { columns, rows } = headlineTable(facts, verdict, language);
  const [head = "", ...lines] = tableLines(columns, rows, paper.width);
  return [paint(head, "dim", paper), ...lines.map((line) => (line.startsWith(" ") ? paint(line, "dim", paper) : line))];
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
export function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function heading(key: Parameters<typeof text>[1], language: Language, paper: Paper): string {
  return paint(text(language, key), "bold", paper);
}

/** Under each name the line to run, whole: a path is not cut. */
function nextLines(facts: Facts, language: Language, { reportPath }: SummaryPlaces): readonly string[] {
  const predict = `joryu predict --model ${shellWord(printable(facts.student.modelFolder))}`;
  return [
    `  ${text(language, "next-predict")}`,
    `    ${predict}`,
    ...(reportPath === undefined
      ? []
      : [`  ${text(language, "next-report")}`, `    ${shellWord(printable(reportPath))}`]),
  ];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => (line === "" ? line : `  ${line}`));
}

/** The path in short: step, size, latency, both agreements; whether it had a control stands with the reasons where it had one. */
function pathLines(facts: Facts, language: Language, paper: Paper): readonly string[] {
  const table = pathTable(facts, language);
  if (table === undefined) return [];
  const short = [0, 3, 4, 5, 6];
  const pick = <Item>(row: readonly Item[]): Item[] => short.flatMap((at) => row.slice(at, at + 1));
  const rows = table.rows.map((row) => pick(row).map((cell) => cell.replace(" / ", "\n")));
  const lines = tableLines(pick(table.columns), rows, paper.width - 2);
  const controls = missingControlLines(facts, language).flatMap((line) => wrap(line, paper.width - 2));
  return [heading("path", language, paper), ...indented([...lines, ...controls]), ""];
}

/** What 1,000 calls behind a candidate's gate are expected to cost, where it was reckoned. */
function expectedCost({ because }: CandidateFacts, facts: Facts, language: Language): string {
  const cost = because.find(({ code }) => code === "out-of-fold-cost")?.facts["costPer1k"];
  return typeof cost === "number" ? formatUsd(cost, facts, language) : "–";
}

/** The candidates that were trained: measured where it was measured, else as estimated. */
function trainedTable(facts: Facts, language: Language): Table {
  const { measured, student } = facts;
  const seconds = new Map(Object.entries(measured.trainSeconds ?? {}));
  const titles = [
    "candidate",
    "status",
    "terminal-size",
    "terminal-latency",
    "terminal-training",
    "terminal-agreement",
    "terminal-cost",
  ] as const;
  const row = (candidate: CandidateFacts): readonly string[] => {
    const { name, status, estimate, outOfFoldAgreement } = candidate;
    const isChosen = status === "chosen";
    return [
      name,
      text(language, `status-${status}`),
      formatBytes(isChosen ? student.sizeBytes : estimate.sizeBytes, language),
      formatMs(isChosen ? measured.latency.p50Ms : estimate.latencyMs, language),
      formatSeconds(seconds.get(name) ?? estimate.trainSeconds, language),
      outOfFoldAgreement === undefined ? "–" : formatPercent(outOfFoldAgreement.value, language),
      expectedCost(candidate, facts, language),
    ];
  };
  return {
    columns: titles.map((key, at) => ({ title: text(language, key), numeric: at > 1 })),
    rows: facts.candidates.filter((each) => each.outOfFoldAgreement !== undefined).map(row),
  };
}

function untrainedLine({ name, because, status }: CandidateFacts, facts: Facts, language: Language): string {
  const reasons = because
    .map((reason: Reason) => renderReason(reason, language, yenRate(facts)))
    .join(SEPARATOR[language]);
  return text(language, "candidate-line", {
    name,
    reason: reasons === "" ? text(language, `status-${status}`) : reasons,
  });
}

function candidateLines(facts: Facts, language: Language, paper: Paper): readonly string[] {
  const { columns, rows } = trainedTable(facts, language);
  const untrained = facts.candidates.filter((each) => each.outOfFoldAgreement === undefined);
  return [
    heading("candidates-trained", language, paper),
    ...indented(tableLines(columns, rows, paper.width - 2)),
    "",
    ...(untrained.length === 0
      ? []
      : [
          heading("candidates-untrained", language, paper),
          ...bulletLines(
            untrained.map((each) => untrainedLine(each, facts, language)),
            paper,
          ),
          "",
        ]),
  ];
}

function assumptionLines(facts: Facts, language: Language, paper: Paper): readonly string[] {
  const all = Object.entries(facts.money.assumptions).map(([name, value]) =>
    assumptionText(name, value, language).map(printable).join(text(language, "colon")),
  );
  return wrap(`  ${all.join(SEPARATOR[language])}`, paper.width, "  ");
}

/** The whole terminal text of a finished run, ending in a line break. */
export function renderSummary(
  facts: Facts,
  verdict: Verdict,
  language: Language,
  places: SummaryPlaces = {},
  paper: Paper = PLAIN_PAPER,
): string {
  const hints = nextHints(facts, verdict, language).flatMap((hint) => wrap(`  ${hint}`, paper.width, "  "));
  return [
    verdictLine(verdict, language, paper),
    ...wrap(verdictMeaning(verdict.verdict, language), paper.width),
    "",
    ...headlineLines(facts, verdict, language, paper),
    ...rateLine(facts, language),
    "",
    heading("reasons", language, paper),
    ...bulletLines(
      verdict.reasons.map((reason) => renderReason(reason, language, yenRate(facts))),
      paper,
    ),
    "",
    ...wrap(gateLine(facts, language), paper.width),
    "",
    ...candidateLines(facts, language, paper),
    ...pathLines(facts, language, paper),
    heading("assumptions", language, paper),
    ...assumptionLines(facts, language, paper),
    "",
    heading("next", language, paper),
    ...nextLines(facts, language, places),
    ...hints,
    "",
    verdictLine(verdict, language, paper),
    "",
  ].join("\n");
}
