/** @file The four numbers that open every report, of the system that would be deployed: what it delivers, what it saves, how fast and
 *  how big it is, beside the student alone and the teacher, each with its interval or the reason why it has none. Terminal, html and
 *  markdown share it. */
import { text, type TextKey } from "./catalogue.js";
import type { Estimate, Facts, Verdict } from "./facts.js";
import {
  formatBytes,
  formatMoney,
  formatMs,
  formatPercent,
  formatPercentRange,
  formatRange,
  formatUsdAndYen,
  type Language,
  unknown,
} from "./format.js";
import type { Table } from "./table.js";
import { SEPARATOR } from "./terminal.js";

/** What would answer: the student behind its gate with the teacher, the student on its own, or nothing new, because nothing is proved. */
export type SystemName = "cascade" | "student" | "nothing";

export interface Headline {
  readonly key: "agreement" | "saving" | "latency" | "size";
  readonly title: string;
  /** Of the system that would be deployed; of the student alone where none would be. */
  readonly value: string;
  /** Interval, or what stands in its place. */
  readonly interval: string;
  readonly note?: string;
  /** The student on its own, where the system is more than it. */
  readonly alone?: string;
  readonly teacher: string;
}

/** The system that the headline is about. */
export function systemOf({ gate, dataset }: Facts, verdict: Verdict): SystemName {
  if (verdict.verdict === "deploy") return "student";
  if (gate.threshold === null || dataset.sealedRows === 0) return "nothing";
  return gate.threshold === 0 ? "student" : "cascade";
}

const Z_95 = 1.959963984540054;

/** Interval of a quantile from order statistics (binomial ranks, normal approximation); samples in any order. */
export function quantileInterval(
  samples: readonly number[],
  ratio: number,
): { readonly low: number; readonly high: number } | undefined {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = ratio * sorted.length;
  const spread = Z_95 * Math.sqrt(sorted.length * ratio * (1 - ratio));
  const low = sorted[Math.floor(middle - spread) - 1];
  const high = sorted[Math.ceil(middle + spread)];
  return low === undefined || high === undefined ? undefined : { low, high };
}

/** The stated yen of a US dollar; undefined where none was stated. */
export function yenRate({ money }: Facts): number | undefined {
  const rate = money.assumptions["yenPerUsd"];
  return typeof rate === "number" ? rate : undefined;
}

/** US dollars, and yen beside them where a rate was stated. */
export function formatUsd(usd: number, facts: Facts, language: Language): string {
  return formatUsdAndYen(usd, language, yenRate(facts));
}

/** The rate that stands behind amounts in yen. */
export function rateLine(facts: Facts, language: Language): readonly string[] {
  const rate = yenRate(facts);
  return rate === undefined ? [] : [text(language, "yen-rate", { rate })];
}

function interval(range: string, language: Language): string {
  return text(language, "interval-95", { range });
}

function withNote(notes: readonly string[], language: Language): Pick<Headline, "note"> {
  return notes.length === 0 ? {} : { note: notes.join(SEPARATOR[language]) };
}

function shareInterval(share: Estimate | undefined, language: Language): string {
  return share === undefined ? unknown(language) : interval(formatPercentRange(share, language), language);
}

function percentOf(share: Estimate | undefined, language: Language): string {
  return share === undefined ? unknown(language) : formatPercent(share.value, language);
}

/** Of all answers that leave the cascade those that are the teacher's; older reports have it among what was compared alone. */
function deliveredAgreement({ gate, compared }: Facts): Estimate | undefined {
  return gate.deliveredAgreement ?? compared.find(({ name }) => name === "student+fallback")?.agreement;
}

/** On sealed calls, else out of fold. */
function ownAgreement({ quality, dataset, candidates }: Facts): Estimate | undefined {
  if (dataset.sealedRows > 0) return quality.agreement;
  return candidates.find(({ status }) => status === "chosen")?.outOfFoldAgreement;
}

function teacherAgreement({ dataset }: Facts, language: Language): string {
  const ceiling = dataset.selfAgreementCeiling;
  return ceiling === undefined ? text(language, "teacher-agreement") : text(language, "teacher-ceiling", { ceiling });
}

function agreementHeadline(facts: Facts, system: SystemName, language: Language): Headline {
  const own = ownAgreement(facts);
  const shown = system === "cascade" ? deliveredAgreement(facts) : own;
  const range = shareInterval(shown, language);
  const isProof = facts.dataset.sealedRows > 0;
  return {
    key: "agreement",
    title: text(language, "tile-agreement"),
    value: percentOf(shown, language),
    interval: isProof ? range : `${range}${text(language, "comma")}${text(language, "not-proved")}`,
    note: text(language, "tile-target", { target: facts.target.agreement }),
    ...(system === "cascade" && { alone: percentOf(own, language) }),
    teacher: teacherAgreement(facts, language),
  };
}

/** Share of the teacher's price that the student on its own would save. */
function savedAlone({ money }: Facts): number | undefined {
  const { teacherPer1kUsd: teacher, studentPer1kUsd: student } = money;
  return teacher === undefined || !(teacher > 0) ? undefined : 1 - student / teacher;
}

function costNotes(facts: Facts, system: SystemName, language: Language): readonly string[] {
  const { studentPer1kUsd, cascadePer1kUsd, teacherPer1kUsd, monthly } = facts.money;
  const cost = system === "cascade" ? cascadePer1kUsd?.value : studentPer1kUsd;
  const usd = (value: number): string => formatUsd(value, facts, language);
  return [
    ...(cost === undefined || teacherPer1kUsd === undefined
      ? []
      : [text(language, "cost-instead", { cost: usd(cost), teacher: usd(teacherPer1kUsd) })]),
    ...(monthly === undefined
      ? []
      : [
          text(language, "cost-month", {
            calls: monthly.calls,
            teacher: usd(monthly.teacherUsd),
            deployed: usd(monthly.deployedUsd.value),
          }),
        ]),
  ];
}

function monthHeadline(facts: Facts, system: SystemName, saved: Estimate, language: Language): Headline {
  const usd = (value: number): string => formatUsd(value, facts, language);
  return {
    key: "saving",
    title: text(language, "month-saved"),
    value: usd(saved.value),
    interval: interval(formatRange(saved, usd, language), language),
    ...withNote(costNotes(facts, system, language), language),
    teacher: facts.money.monthly === undefined ? unknown(language) : usd(facts.money.monthly.teacherUsd),
  };
}

/** What is saved: money where it is known, else the calls that the teacher no longer gets. */
function savingHeadline(facts: Facts, system: SystemName, language: Language): Headline {
  const { money, gate } = facts;
  const usd = (value: number): string => formatUsd(value, facts, language);
  if (money.monthly !== undefined && system !== "nothing")
    return monthHeadline(facts, system, money.monthly.savedUsd, language);
  const teacher = money.teacherPer1kUsd === undefined ? unknown(language) : usd(money.teacherPer1kUsd);
  const own = savedAlone(facts);
  const alone = own === undefined ? usd(money.studentPer1kUsd) : formatPercent(own, language);
  const cost = withNote(costNotes(facts, system, language), language);
  const isCascade = system === "cascade";
  if (isCascade && money.savedRatio !== undefined) {
    const saved = money.savedRatio;
    const range = shareInterval(saved, language);
    return {
      key: "saving",
      title: text(language, "tile-saved"),
      value: percentOf(saved, language),
      interval: range,
      ...cost,
      alone,
      teacher,
    };
  }
  if (isCascade) {
    const note = text(language, "tile-price-unknown", { value: usd(money.studentPer1kUsd) });
    const title = text(language, "tile-calls-saved");
    const range = shareInterval(gate.coverage, language);
    return { key: "saving", title, value: percentOf(gate.coverage, language), interval: range, note, teacher };
  }
  const assumed = text(language, "cost-alone");
  if (own === undefined || system === "nothing")
    return {
      key: "saving",
      title: text(language, "tile-cost"),
      value: usd(money.studentPer1kUsd),
      interval: assumed,
      teacher,
    };
  return {
    key: "saving",
    title: text(language, "tile-saved"),
    value: formatPercent(own, language),
    interval: assumed,
    ...cost,
    teacher,
  };
}

/** The interval of the median answer time. */
function latencyInterval(facts: Facts, language: Language): string {
  const range = quantileInterval(facts.measured.latency.samplesMs, 0.5);
  return range === undefined ? unknown(language) : interval(formatRange(range, formatMs, language), language);
}

function latencyHeadline(facts: Facts, system: SystemName, language: Language): Headline {
  const { latency } = facts.measured;
  const { latencyP50Ms } = facts.teacher;
  const tail = text(language, "latency-note", { p95: latency.p95Ms, p99: latency.p99Ms });
  const deferral = 1 - facts.gate.coverage.value;
  const notes = system === "cascade" ? [tail, text(language, "latency-deferred", { deferral })] : [tail];
  return {
    key: "latency",
    title: text(language, "tile-latency"),
    value: formatMs(latency.p50Ms, language),
    interval: latencyInterval(facts, language),
    ...withNote(notes, language),
    teacher: latencyP50Ms === undefined ? unknown(language) : formatMs(latencyP50Ms, language),
  };
}

/** The four numbers, in the order what is delivered, saved, how fast, how big. */
export function headlines(facts: Facts, verdict: Verdict, language: Language): readonly Headline[] {
  const system = systemOf(facts, verdict);
  return [
    agreementHeadline(facts, system, language),
    savingHeadline(facts, system, language),
    latencyHeadline(facts, system, language),
    {
      key: "size",
      title: text(language, "tile-size"),
      value: formatBytes(facts.student.sizeBytes, language),
      interval: text(language, "interval-exact"),
      teacher: text(language, "teacher-elsewhere"),
    },
  ];
}

/** Ends of intervals stand in dollars alone. */
const usdAlone = (usd: number, language: Language): string => formatMoney(usd, "USD", language);

const NOTHING = "–";

function costRows(facts: Facts, language: Language): readonly (readonly [string, string, string, string])[] {
  const {
    teacherPer1kUsd: teacher,
    studentPer1kUsd,
    cascadePer1kUsd: cascade,
    savedRatio: saved,
    monthly,
  } = facts.money;
  const usd = (value: number): string => formatUsd(value, facts, language);
  const own = savedAlone(facts);
  const whole =
    cascade === undefined ? unknown(language) : `${usd(cascade.value)}\n${formatRange(cascade, usdAlone, language)}`;
  const cost = [
    text(language, "tile-cost"),
    whole,
    usd(studentPer1kUsd),
    teacher === undefined ? unknown(language) : usd(teacher),
  ] as const;
  if (saved === undefined || own === undefined) return [cost];
  const share = `${percentOf(saved, language)}\n${formatPercentRange(saved, language)}`;
  const month =
    monthly === undefined
      ? []
      : [
          [
            text(language, "month-bill"),
            `${usd(monthly.deployedUsd.value)}\n${formatRange(monthly.deployedUsd, usdAlone, language)}`,
            NOTHING,
            usd(monthly.teacherUsd),
          ] as const,
        ];
  return [cost, [text(language, "tile-saved"), share, formatPercent(own, language), NOTHING], ...month];
}

function lined(share: Estimate | undefined, language: Language): string {
  return share === undefined
    ? unknown(language)
    : `${percentOf(share, language)}\n${formatPercentRange(share, language)}`;
}

/** What the student agrees on its own, and that this is no proof where nothing is sealed. */
function ownLined(facts: Facts, language: Language): string {
  const own = lined(ownAgreement(facts), language);
  return facts.dataset.sealedRows > 0 ? own : `${own}\n${text(language, "not-proved")}`;
}

/** The system that would be deployed beside the student alone and the teacher; intervals on lines of their own. */
export function headlineTable(facts: Facts, verdict: Verdict, language: Language): Table {
  const system = systemOf(facts, verdict);
  const { measured, student, teacher, gate } = facts;
  const p50 = formatMs(measured.latency.p50Ms, language);
  const rows: readonly (readonly [string, string, string, string])[] = [
    [
      text(language, "tile-agreement"),
      lined(deliveredAgreement(facts), language),
      ownLined(facts, language),
      teacherAgreement(facts, language),
    ],
    ...(system === "cascade"
      ? [
          [
            text(language, "answered-by-student"),
            lined(gate.coverage, language),
            formatPercent(1, language),
            NOTHING,
          ] as const,
        ]
      : []),
    ...costRows(facts, language),
    [
      text(language, "tile-latency"),
      `${p50}\n${text(language, "latency-where-kept")}`,
      p50,
      teacher.latencyP50Ms === undefined ? unknown(language) : formatMs(teacher.latencyP50Ms, language),
    ],
    [
      text(language, "tile-size"),
      formatBytes(student.sizeBytes, language),
      formatBytes(student.sizeBytes, language),
      text(language, "teacher-elsewhere"),
    ],
  ];
  const keys: readonly TextKey[] =
    system === "cascade" ? ["cascade", "student-alone", "teacher"] : ["student-alone", "teacher"];
  return {
    columns: [{ title: "", numeric: false }, ...keys.map((key) => ({ title: text(language, key), numeric: false }))],
    rows: system === "cascade" ? rows : rows.map(([name, , alone, its]) => [name, alone, its]),
  };
}
