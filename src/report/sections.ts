/** @file The tables of the report as plain data: titles, columns and cells in a language. Html and markdown draw the same tables,
 *  the terminal one of them. It knows neither of the three. */
import { assumptionText, comparedName, sliceText, stageText, text, type TextKey } from "./catalogue.js";
import type { CandidateFacts, Estimate, Facts, LicenceFacts } from "./facts.js";
import {
  formatBytes,
  formatCount,
  formatDifference,
  formatMoney,
  formatMonths,
  formatMs,
  formatNumber,
  formatPercent,
  formatPercentRange,
  formatPoints,
  formatPValue,
  formatRange,
  formatSeconds,
  type Language,
  unknown,
} from "./format.js";
import { formatUsd, yenRate } from "./headline.js";
import type { Column, Table } from "./table.js";
import { renderReason } from "./reasons.js";
import { SEPARATOR } from "./terminal.js";

/** Rows of the table of labels; the rest is in report.json. */
export const WORST_CLASSES = 20;
const MAX_SLICES = 20;

/** Columns with titles of the catalogue; a key in a list is a column of numbers. */
export function columns(language: Language, ...keys: readonly (TextKey | readonly [TextKey])[]): readonly Column[] {
  return keys.map((key) =>
    typeof key === "string" ? { title: text(language, key), numeric: false } : column(language, key[0]),
  );
}

function column(language: Language, key: TextKey): Column {
  return { title: text(language, key), numeric: true };
}

function percentCells(value: Estimate | undefined, language: Language): readonly [string, string] {
  if (value === undefined) return [unknown(language), unknown(language)];
  return [formatPercent(value.value, language), formatPercentRange(value, language)];
}

function optional(
  value: number | undefined,
  format: (value: number, language: Language) => string,
  language: Language,
): string {
  return value === undefined ? unknown(language) : format(value, language);
}

/** "value / interval", which html sets on two lines. */
function withInterval(value: Estimate, language: Language): string {
  return percentCells(value, language).join(" / ");
}

/** A value with what stands in brackets behind it. */
export function bracketed(value: string, inside: string, language: Language): string {
  return language === "ja" ? `${value}（${inside}）` : `${value} (${inside})`;
}

/** A table of names and values. */
export function pairs(language: Language, rows: readonly (readonly [string, string])[]): Table {
  return { columns: columns(language, "name", ["value"]), rows };
}

function withMeasured(estimated: string, measured: string | undefined, language: Language): string {
  return measured === undefined ? estimated : `${estimated} / ${text(language, "measured-value", { value: measured })}`;
}

function candidateRow(candidate: CandidateFacts, facts: Facts, language: Language): readonly string[] {
  const { estimate } = candidate;
  const chosen = candidate.status === "chosen";
  const { measured, student } = facts;
  const seconds = new Map(Object.entries(measured.trainSeconds ?? {})).get(candidate.name);
  const because = candidate.because
    .map((reason) => renderReason(reason, language, yenRate(facts)))
    .join(SEPARATOR[language]);
  return [
    candidate.name,
    text(language, `status-${candidate.status}`),
    formatCount(candidate.parameters, language),
    withMeasured(
      formatBytes(estimate.sizeBytes, language),
      chosen ? formatBytes(student.sizeBytes, language) : undefined,
      language,
    ),
    withMeasured(
      formatMs(estimate.latencyMs, language),
      chosen ? formatMs(measured.latency.p50Ms, language) : undefined,
      language,
    ),
    withMeasured(
      formatSeconds(estimate.trainSeconds, language),
      seconds === undefined ? undefined : formatSeconds(seconds, language),
      language,
    ),
    candidate.outOfFoldAgreement === undefined ? "–" : withInterval(candidate.outOfFoldAgreement, language),
    because,
  ];
}

/** The ladder: estimate beside measurement, and why. */
export function candidatesTable(facts: Facts, language: Language): Table {
  return {
    columns: columns(
      language,
      "candidate",
      "status",
      ["parameters"],
      ["estimated-size"],
      ["estimated-latency"],
      ["estimated-training"],
      ["out-of-fold"],
      "because",
    ),
    rows: facts.candidates.map((candidate) => candidateRow(candidate, facts, language)),
  };
}

export function qualityTable(facts: Facts, language: Language): Table {
  const { quality } = facts;
  const estimates: readonly (readonly [TextKey, Estimate | undefined])[] = [
    ["agreement", facts.dataset.sealedRows > 0 ? quality.agreement : undefined],
    ["gold-accuracy", quality.goldAccuracy],
    ["teacher-gold-accuracy", quality.teacherGoldAccuracy],
  ];
  return {
    columns: columns(language, "name", ["value"], ["interval"]),
    rows: [
      ...estimates.map(([key, value]) => [text(language, key), ...percentCells(value, language)]),
      [
        text(language, "macro-f1"),
        facts.dataset.sealedRows > 0 ? formatNumber(quality.macroF1, language) : unknown(language),
        "–",
      ],
    ],
  };
}

/** US dollars, and yen as a second part where a rate was stated: the column has no room for both in a line. */
function stackedUsd(usd: number, facts: Facts, language: Language): string {
  const rate = yenRate(facts);
  const dollars = formatMoney(usd, "USD", language);
  return rate === undefined ? dollars : `${dollars} / ${formatMoney(usd * rate, "JPY", language)}`;
}

export function comparedTable(facts: Facts, language: Language): Table {
  return {
    columns: columns(language, "model", ["agreement"], ["size"], ["p50"], ["coverage"], ["cost"]),
    rows: facts.compared.map((compared) => [
      comparedName(compared.name, language),
      withInterval(compared.agreement, language),
      compared.sizeBytes === undefined ? "–" : formatBytes(compared.sizeBytes, language),
      compared.p50Ms === undefined ? "–" : formatMs(compared.p50Ms, language),
      compared.coverage === undefined ? "–" : formatPercent(compared.coverage, language),
      compared.costPer1kUsd === undefined ? unknown(language) : stackedUsd(compared.costPer1kUsd, facts, language),
    ]),
  };
}

/** A figure of the sealed rows; unknown where there are none. */
function sealedPercent(facts: Facts, value: number, language: Language): string {
  return facts.dataset.sealedRows > 0 ? formatPercent(value, language) : unknown(language);
}

function deliveredRow({ gate }: Facts, language: Language): readonly (readonly string[])[] {
  if (gate.deliveredAgreement === undefined || gate.threshold === null) return [];
  return [[text(language, "delivered-agreement"), ...percentCells(gate.deliveredAgreement, language)]];
}

/** How the promise was tested, what the other one would keep, and where the student agrees least. */
function otherRows({ gate, quality }: Facts, language: Language): readonly (readonly string[])[] {
  const { other, test, sealedCalls: calls = 0, sealedGroups: groups = 0, beyondCapRatio: beyond = 0 } = gate;
  const rows: (readonly string[])[] = [];
  if (test !== undefined)
    rows.push([
      text(language, `gate-test-${test.kind}`, { cap: test.cap }),
      formatCount(calls, language),
      text(language, beyond > 0 ? "gate-beyond-cap" : "gate-groups", { groups, beyond }),
    ]);
  if (other !== undefined) {
    const name = text(language, "other-promise", { promise: other.promise });
    rows.push([name, ...percentCells(other.threshold === null ? undefined : other.coverage, language)]);
  }
  if (quality.mostFrequentAgreement !== undefined)
    rows.push([text(language, "most-frequent-agreement"), ...percentCells(quality.mostFrequentAgreement, language)]);
  // Answers that nothing learned has are wrong by definition: no slice to look at.
  const [worst, ...better] = quality.slices.filter(({ kind }) => kind !== "unlearned");
  if (worst !== undefined && better.length > 0)
    rows.push([
      text(language, "worst-slice", { slice: sliceText(worst, language) }),
      ...percentCells(worst.agreement, language),
    ]);
  return rows;
}

export function gateTable(facts: Facts, language: Language): Table {
  const { gate } = facts;
  const kept = gate.threshold === null ? undefined : gate.keptAgreement;
  const [coverage, coverageRange] = percentCells(gate.threshold === null ? undefined : gate.coverage, language);
  const [agreement, agreementRange] = percentCells(kept, language);
  return {
    columns: columns(language, "name", ["value"], ["interval"]),
    rows: [
      [
        text(language, "threshold"),
        gate.threshold === null ? text(language, "none") : formatNumber(gate.threshold, language),
        "–",
      ],
      [text(language, "coverage"), coverage, coverageRange],
      ...deliveredRow(facts, language),
      [text(language, "kept-agreement"), agreement, agreementRange],
      ...otherRows(facts, language),
      [text(language, "unguaranteed-coverage"), sealedPercent(facts, gate.unguaranteedCoverage, language), "–"],
      [text(language, "minimum-deferral"), sealedPercent(facts, gate.minimumDeferralRatio, language), "–"],
    ],
  };
}

export function calibrationTable(facts: Facts, language: Language): Table {
  return pairs(language, [
    [text(language, "ece-before"), sealedPercent(facts, facts.calibration.eceBefore, language)],
    [text(language, "ece-after"), sealedPercent(facts, facts.calibration.eceAfter, language)],
  ]);
}

/** The two bills of a month, where its calls are known. */
function monthRows(facts: Facts, language: Language): readonly (readonly [string, string])[] {
  const { monthly } = facts.money;
  if (monthly === undefined) return [];
  const usd = (value: number): string => formatUsd(value, facts, language);
  const spread = (value: Estimate): string => bracketed(usd(value.value), formatRange(value, usd, language), language);
  return [
    [text(language, "month-teacher"), usd(monthly.teacherUsd)],
    [text(language, "month-deployed"), spread(monthly.deployedUsd)],
    [text(language, "month-saved"), spread(monthly.savedUsd)],
    [text(language, "machines"), formatCount(monthly.machines, language)],
  ];
}

/** The break-even at the unfavourable end; no row in reports of before. */
function unfavourableRows({ money }: Facts, language: Language): readonly (readonly [string, string])[] {
  const calls = money.breakEvenCallsPerMonthHigh;
  if (calls === undefined) return [];
  return [[text(language, "break-even-high"), calls === null ? text(language, "never") : formatCount(calls, language)]];
}

export function moneyTable(facts: Facts, language: Language): Table {
  const { money } = facts;
  const usd = (value: number): string => formatUsd(value, facts, language);
  const priced = money.teacherPer1kUsd !== undefined && money.cascadePer1kUsd !== undefined;
  const missing = text(language, priced ? "never" : "not-computed");
  const saved = money.savedRatio;
  const payback = priced && money.callsPerMonth === undefined ? text(language, "not-computed") : missing;
  return pairs(language, [
    [text(language, "teacher"), optional(money.teacherPer1kUsd, usd, language)],
    [text(language, "teacher-price-source"), text(language, `price-${money.teacherPriceSource}`)],
    [text(language, "student"), usd(money.studentPer1kUsd)],
    [
      text(language, "cascade"),
      money.cascadePer1kUsd === undefined
        ? unknown(language)
        : bracketed(usd(money.cascadePer1kUsd.value), formatRange(money.cascadePer1kUsd, usd, language), language),
    ],
    [
      text(language, "saved-ratio"),
      saved === undefined
        ? unknown(language)
        : bracketed(formatPercent(saved.value, language), formatPercentRange(saved, language), language),
    ],
    [text(language, "calls-per-month"), optional(money.callsPerMonth, formatCount, language)],
    ...monthRows(facts, language),
    [
      text(language, "break-even"),
      money.breakEvenCallsPerMonth === undefined ? missing : formatCount(money.breakEvenCallsPerMonth, language),
    ],
    ...unfavourableRows(facts, language),
    [
      text(language, "payback"),
      money.paybackMonths === undefined ? payback : formatMonths(money.paybackMonths, language),
    ],
  ]);
}

export function latencyTable(facts: Facts, language: Language): Table {
  const { measured, teacher } = facts;
  const teacherMs = (value: number | undefined): string => optional(value, formatMs, language);
  const fp32 = measured.fp32P50Ms;
  return pairs(language, [
    [
      "p50",
      bracketed(
        formatMs(measured.latency.p50Ms, language),
        text(language, "teacher-value", { value: teacherMs(teacher.latencyP50Ms) }),
        language,
      ),
    ],
    [
      "p95",
      bracketed(
        formatMs(measured.latency.p95Ms, language),
        text(language, "teacher-value", { value: teacherMs(teacher.latencyP95Ms) }),
        language,
      ),
    ],
    ["p99", formatMs(measured.latency.p99Ms, language)],
    ...(fp32 === undefined ? [] : [[bracketed("p50", "fp32", language), formatMs(fp32, language)] as const]),
    [text(language, "throughput"), text(language, "per-second", { value: measured.throughputPerSecond })],
    [text(language, "peak-memory"), `${formatNumber(measured.peakMemoryMb, language)} MB`],
    [text(language, "machine"), text(language, "machine-line", measured.machine)],
    ...Object.entries(measured.stageSeconds).map(
      ([stage, seconds]) =>
        [
          `${text(language, "stage-seconds")}${text(language, "colon")}${stageText(stage, language)}`,
          formatSeconds(seconds, language),
        ] as const,
    ),
  ]);
}

export function classesTable(facts: Facts, language: Language): Table {
  return {
    columns: columns(language, "label", ["calls"], ["recall"], ["precision"]),
    rows: facts.quality.classes
      .slice(0, WORST_CLASSES)
      .map((found) => [
        found.label,
        formatCount(found.support, language),
        withInterval(found.recall, language),
        formatPercent(found.precision, language),
      ]),
  };
}

export function slicesTable(facts: Facts, language: Language): Table {
  return {
    columns: columns(language, "slice", ["calls"], ["agreement"]),
    rows: facts.quality.slices
      .toSorted((a, b) => a.agreement.value - b.agreement.value || b.support - a.support)
      .slice(0, MAX_SLICES)
      .map((slice) => [
        sliceText(slice, language),
        formatCount(slice.support, language),
        withInterval(slice.agreement, language),
      ]),
  };
}

export function pairedTable(facts: Facts, language: Language): Table {
  return {
    columns: columns(language, "pair", "rows", ["difference"], ["p-value"]),
    rows: facts.paired.map((test) => [
      `${comparedName(test.a, language)} − ${comparedName(test.b, language)}`,
      text(language, `rows-${test.rows}`),
      `${formatDifference(test.difference.value, language)} / ${formatRange(test.difference, formatPoints, language)}`,
      formatPValue(test.pValue, language),
    ]),
  };
}

export function parityTable(facts: Facts, language: Language): Table {
  return {
    columns: columns(language, "artefact", ["top1-agreement"], ["max-difference"], ["support"]),
    rows: [
      ...facts.parity,
      ...(facts.runtimes ?? []).map(({ runtime, rows, sameAnswers, maxProbabilityDifference }) => ({
        artefact: text(language, `runtime-${runtime}`),
        top1Agreement: sameAnswers / Math.max(1, rows),
        maxProbabilityDifference,
        rows,
      })),
    ].map((check) => [
      check.artefact,
      formatPercent(check.top1Agreement, language),
      formatNumber(check.maxProbabilityDifference, language),
      formatCount(check.rows, language),
    ]),
  };
}

function licenceText({ models, name, status, acknowledged }: LicenceFacts, language: Language): string {
  const words = [
    ...(name === undefined ? [] : [name]),
    text(language, `licence-${status}`),
    ...(acknowledged ? [text(language, "licence-acknowledged")] : []),
  ];
  return models.join(", ") + text(language, "colon") + words.join(text(language, "comma"));
}

export function dataTable(facts: Facts, language: Language): Table {
  const { dataset, unlabelled } = facts;
  const { gain: _, ...counts } = unlabelled ?? {};
  const count = (key: TextKey, value: number): readonly [string, string] => [
    text(language, key),
    formatCount(value, language),
  ];
  const others = dataset.others.map(({ name, kind, records }) =>
    bracketed(name, [kind, formatCount(records, language)].join(text(language, "comma")), language),
  );
  return pairs(language, [
    count("data-calls", dataset.calls),
    count("data-rows", dataset.rows),
    count("data-train", dataset.trainRows),
    count("data-sealed", dataset.sealedRows),
    [text(language, "data-sealed-by"), text(language, `sealed-${dataset.sealedBy}`)],
    count("data-openings", dataset.sealOpenings),
    count("data-labels", dataset.labels),
    count("data-duplicates", dataset.duplicates),
    count("data-near-duplicates", dataset.nearDuplicates),
    count("data-rejected", dataset.rejected),
    ...(unlabelled === undefined || unlabelled.texts === 0
      ? []
      : [[text(language, "data-unlabelled"), text(language, "data-unlabelled-line", { ...counts })] as const]),
    [text(language, "data-ceiling"), optional(dataset.selfAgreementCeiling, formatPercent, language)],
    [
      text(language, "teacher-models"),
      facts.teacher.models.length === 0 ? unknown(language) : facts.teacher.models.join(", "),
    ],
    [
      text(language, "licences"),
      (facts.licences ?? []).map((licence) => licenceText(licence, language)).join(SEPARATOR[language]) ||
        unknown(language),
    ],
    [
      text(language, "data-others"),
      others.length === 0 ? text(language, "none") : others.join(text(language, "comma")),
    ],
  ]);
}

export function assumptionsTable(facts: Facts, language: Language): Table {
  return pairs(
    language,
    Object.entries(facts.money.assumptions).map(([name, value]) => assumptionText(name, value, language)),
  );
}

export function reproductionTable(facts: Facts, language: Language): Table {
  const promised = facts.target.promise === "delivered" ? "target-line-delivered" : "target-line";
  return pairs(language, [
    [text(language, "reproduction-run"), facts.runId],
    [text(language, "reproduction-dataset"), facts.dataset.hash],
    [text(language, "reproduction-seed"), String(facts.seed)],
    [text(language, "reproduction-version"), facts.version],
    [text(language, "reproduction-model"), facts.student.modelFolder],
    [text(language, "reproduction-loss"), facts.student.lossFormula],
    [text(language, "target"), text(language, promised, { ...facts.target })],
  ]);
}
