/** @file The parts of the report that show answers: examples, what to look at, the lines of code that use the model, the words, and the
 *  line that opens the report. Reports of before lack most of them. */
import { text, type TextKey } from "./catalogue.js";
import type { Facts } from "./facts.js";
import { formatCount, formatDate, formatPercent, formatPercentRange, type Language } from "./format.js";
import { bracketed, columns, pairs } from "./sections.js";
import type { Table } from "./table.js";

/** Sealed texts with what both answer; empty in reports of before. */
export function examplesTable({ examples = [] }: Facts, language: Language): Table {
  const named = (label: string): string => (label === "" ? text(language, "no-label") : label);
  return {
    columns: columns(
      language,
      "example-text",
      "example-teacher",
      "example-student",
      ["probability"],
      "example-decision",
    ),
    rows: examples.map((example) => [
      example.text,
      named(example.teacher),
      named(example.student),
      formatPercent(example.probability, language),
      text(language, `decision-${example.decision}`),
    ]),
  };
}

/** How many answers to look at, and how far the suspicion is worth it. */
export function mistakesTable({ mistakes }: Facts, language: Language): Table | undefined {
  if (mistakes === undefined) return undefined;
  const { keptWrong, deferred, suspected, suspectedPrecision: precision, reviewed } = mistakes;
  const count = (key: TextKey, value: number): readonly [string, string] => [
    text(language, key),
    formatCount(value, language),
  ];
  return pairs(language, [
    count("mistakes-kept", keptWrong),
    count("mistakes-deferred", deferred),
    count("mistakes-suspected", suspected),
    precision === undefined
      ? [text(language, "mistakes-unknown"), text(language, "mistakes-no-gold")]
      : [
          text(language, "mistakes-precision", { known: precision.known }),
          bracketed(formatPercent(precision.value, language), formatPercentRange(precision, language), language),
        ],
    ...(reviewed === undefined ? [] : [count("mistakes-reviewed", reviewed)]),
  ]);
}

/** The words of the report. */
export function glossaryTable(language: Language): Table {
  const terms = [
    ["teacher", "glossary-teacher"],
    ["student", "glossary-student"],
    ["cascade", "glossary-cascade"],
    ["term-agreement", "glossary-agreement"],
    ["term-gate", "glossary-gate"],
    ["term-sealed", "glossary-sealed"],
    ["term-out-of-fold", "glossary-out-of-fold"],
    ["interval", "glossary-interval"],
  ] as const;
  return {
    columns: columns(language, "name", "value"),
    rows: terms.map(([term, meaning]) => [text(language, term), text(language, meaning)]),
  };
}

/** What opens the report: run, workload, day and input. */
export function runLine(facts: Facts, language: Language): string {
  const { runId, dataset, measured, inputs = [] } = facts;
  const parts = [
    text(language, "run-line", { runId, name: facts.student.name, workload: dataset.workload }),
    ...(measured.provedMs === undefined
      ? []
      : [text(language, "run-date", { date: formatDate(measured.provedMs, language) })]),
    ...(inputs.length === 0 ? [] : [text(language, "run-inputs", { inputs: inputs.join(text(language, "comma")) })]),
  ];
  return parts.join(language === "ja" ? "・" : " · ");
}
