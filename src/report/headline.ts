/** @file The four numbers that open every report: size, cost per 1,000 calls, latency, agreement; the student beside its teacher,
 *  each with its interval or the reason why it has none. Terminal, html and markdown share it. */
import { text } from "./catalogue.js";
import type { Estimate, Facts, Verdict } from "./facts.js";
import {
  formatBytes,
  formatMoney,
  formatMs,
  formatPercent,
  formatPercentRange,
  formatRange,
  formatShare,
  type Language,
  unknown,
} from "./format.js";

export interface Headline {
  readonly key: "size" | "cost" | "latency" | "agreement";
  readonly title: string;
  readonly student: string;
  /** Interval, or what stands in its place. */
  readonly interval: string;
  readonly note?: string;
  readonly teacher: string;
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

/** US dollars, and yen beside them in Japanese where a rate was stated. */
export function formatUsd(usd: number, facts: Facts, language: Language): string {
  const dollars = formatMoney(usd, "USD", language);
  const rate = facts.money.assumptions["yenPerUsd"];
  if (language !== "ja" || typeof rate !== "number") return dollars;
  return `${dollars}(約${formatMoney(usd * rate, "JPY", language)})`;
}

function interval(range: string, language: Language): string {
  return text(language, "interval-95", { range });
}

/** What 1,000 calls cost as the verdict would deploy the student. */
export function deployedCost(facts: Facts, verdict: Verdict): Estimate | number {
  const cascade = facts.money.cascadePer1kUsd;
  return verdict.verdict === "deploy-with-fallback" && cascade !== undefined ? cascade : facts.money.studentPer1kUsd;
}

function noteOf(notes: readonly string[]): Pick<Headline, "note"> {
  return notes.length === 0 ? {} : { note: notes.join("; ") };
}

/** The two bills of the month, where they are known. */
function monthNotes({ money }: Facts, language: Language): readonly string[] {
  const { monthly } = money;
  if (monthly === undefined) return [];
  const { calls, teacherUsd, deployedUsd } = monthly;
  return [text(language, "cost-month", { calls, teacher: teacherUsd, deployed: deployedUsd.value })];
}

function costHeadline(facts: Facts, verdict: Verdict, language: Language): Headline {
  const cost = deployedCost(facts, verdict);
  const usd = (value: number): string => formatUsd(value, facts, language);
  const teacher = facts.money.teacherPer1kUsd;
  const base = {
    key: "cost" as const,
    title: text(language, "tile-cost"),
    teacher: teacher === undefined ? unknown(language) : usd(teacher),
  };
  const month = monthNotes(facts, language);
  if (typeof cost === "number")
    return { ...base, student: usd(cost), interval: text(language, "cost-alone"), ...noteOf(month) };
  const fallback = text(language, "cost-with-fallback", { value: usd(facts.money.studentPer1kUsd) });
  return {
    ...base,
    student: usd(cost.value),
    interval: interval(
      formatRange(cost, (value) => formatMoney(value, "USD", language), language),
      language,
    ),
    ...noteOf([fallback, ...month]),
  };
}

function latencyHeadline(facts: Facts, language: Language): Headline {
  const { latency } = facts.measured;
  const range = quantileInterval(latency.samplesMs, 0.5);
  const { latencyP50Ms } = facts.teacher;
  return {
    key: "latency",
    title: text(language, "tile-latency"),
    student: formatMs(latency.p50Ms, language),
    interval: interval(range === undefined ? unknown(language) : formatRange(range, formatMs, language), language),
    note: text(language, "latency-note", { p95: latency.p95Ms, p99: latency.p99Ms }),
    teacher: latencyP50Ms === undefined ? unknown(language) : formatMs(latencyP50Ms, language),
  };
}

function agreementHeadline(facts: Facts, language: Language): Headline {
  const { agreement } = facts.quality;
  const ceiling = facts.dataset.selfAgreementCeiling;
  const outOfFold = facts.candidates.find(({ status }) => status === "chosen")?.outOfFoldAgreement;
  const sealed = facts.dataset.sealedRows > 0;
  const shown = sealed ? agreement : outOfFold;
  const range = interval(shown === undefined ? unknown(language) : formatPercentRange(shown, language), language);
  return {
    key: "agreement",
    title: text(language, "tile-agreement"),
    student: shown === undefined ? unknown(language) : formatPercent(shown.value, language),
    interval: sealed ? range : `${range}, ${text(language, "not-proved")}`,
    note: `${text(language, "target")}: ${formatShare(facts.target.agreement, language)}`,
    teacher:
      ceiling === undefined ? text(language, "teacher-agreement") : text(language, "teacher-ceiling", { ceiling }),
  };
}

/** The four numbers, in the order size, cost, latency, agreement. */
export function headlines(facts: Facts, verdict: Verdict, language: Language): readonly Headline[] {
  return [
    {
      key: "size",
      title: text(language, "tile-size"),
      student: formatBytes(facts.student.sizeBytes, language),
      interval: text(language, "interval-exact"),
      teacher: unknown(language),
    },
    costHeadline(facts, verdict, language),
    latencyHeadline(facts, language),
    agreementHeadline(facts, language),
  ];
}
