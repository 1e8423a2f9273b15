/** @file Numbers and placeholders in a language: percentages, money, bytes, times. It knows no sentence. `Intl` does the work.
 *  A placeholder reads `{name:format}`; a value that is missing is written as the language's word for unknown. */

export type Language = "en" | "ja";
export const LANGUAGES: readonly Language[] = ["en", "ja"];

/** Decimal megabyte, as disks and downloads count. */
export const MEGABYTE = 1_000_000;

const LOCALE: Readonly<Record<Language, string>> = { en: "en-GB", ja: "ja-JP" };
const UNKNOWN: Readonly<Record<Language, string>> = { en: "unknown", ja: "不明" };
const SECONDS: Readonly<Record<Language, string>> = { en: " s", ja: "秒" };
const MINUTES: Readonly<Record<Language, string>> = { en: " min", ja: "分" };
const MONTHS: Readonly<Record<Language, string>> = { en: " months", ja: "か月" };

/** The word for what is not known. */
export function unknown(language: Language): string {
  return UNKNOWN[language];
}

const TO: Readonly<Record<Language, string>> = { en: " to ", ja: "～" };

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

const cache = new Map<string, Intl.NumberFormat>();

/** The number as the language writes it; what is not a finite number is unknown. */
function write(value: number, language: Language, options: Intl.NumberFormatOptions): string {
  if (!Number.isFinite(value)) return UNKNOWN[language];
  const key = language + JSON.stringify(options);
  const known = cache.get(key) ?? new Intl.NumberFormat(LOCALE[language], options);
  cache.set(key, known);
  return known.format(value);
}

/** Counts and other whole numbers, grouped. */
export function formatCount(value: number, language: Language): string {
  return write(value, language, { maximumFractionDigits: 0 });
}

/** Two decimals above 99.5 %, where one hides the difference. */
function percentDigits(ratio: number): number {
  return ratio > 0.995 && ratio < 1 ? 2 : 1;
}

/** A ratio as a percentage with one decimal (two above 99.5 %). */
export function formatPercent(ratio: number, language: Language): string {
  const digits = percentDigits(ratio);
  return write(ratio, language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A lower bound as a percentage, rounded down: 97.96 % never reads as 98.0 %. */
export function formatPercentFloor(ratio: number, language: Language): string {
  const scale = 100 * 10 ** percentDigits(ratio);
  return formatPercent(Math.floor(ratio * scale + 1e-6) / scale, language);
}

/** An upper bound as a percentage, rounded up. */
export function formatPercentCeil(ratio: number, language: Language): string {
  const scale = 100 * 10 ** percentDigits(ratio);
  return formatPercent(Math.ceil(ratio * scale - 1e-6) / scale, language);
}

/** An interval of ratios as percentages, rounded outwards. */
export function formatPercentRange(interval: Bounds, language: Language): string {
  return formatPercentFloor(interval.low, language) + TO[language] + formatPercentCeil(interval.high, language);
}

/** A ratio that was stated, not measured: a percentage without empty decimals. */
export function formatShare(ratio: number, language: Language): string {
  return write(ratio, language, { style: "percent", maximumFractionDigits: 2 });
}

const POINTS: Readonly<Record<Language, string>> = { en: " points", ja: "ポイント" };

/** A difference of ratios with its unit. */
export function formatDifference(difference: number, language: Language): string {
  return formatPoints(difference, language) + POINTS[language];
}

/** A difference of ratios in percentage points, with its sign. */
export function formatPoints(difference: number, language: Language): string {
  return write(100 * difference, language, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
    signDisplay: "exceptZero",
  });
}

/** Three significant digits at least, and never scientific notation. */
export function formatNumber(value: number, language: Language): string {
  if (Math.abs(value) >= 1000) return formatCount(value, language);
  return write(value, language, { maximumSignificantDigits: 3 });
}

/** Decimals of money: the least of its currency, and three significant digits below 1. */
function moneyDigits(amount: number, least: number): number {
  const size = Math.abs(amount);
  return size > 0 && size < 1 ? Math.min(20, Math.max(least, 2 - Math.floor(Math.log10(size)))) : least;
}

/** Money in a currency: whole yen or cents, and three significant digits below 1. */
export function formatMoney(amount: number, currency: "USD" | "JPY", language: Language): string {
  const least = currency === "JPY" && Math.abs(amount) >= 1 ? 0 : 2;
  const most = moneyDigits(amount, least);
  const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
  return write(amount, language, { style: "currency", currency, currencyDisplay: "narrowSymbol", ...digits });
}

/** US dollars, and yen beside them where a rate was stated. */
export function formatUsdAndYen(usd: number, language: Language, yenPerUsd?: number): string {
  const dollars = formatMoney(usd, "USD", language);
  if (yenPerUsd === undefined || !Number.isFinite(usd)) return dollars;
  const yen = formatMoney(usd * yenPerUsd, "JPY", language);
  return language === "ja" ? `${dollars}（約${yen}）` : `${dollars} (about ${yen})`;
}

/** A day, as the language writes it; UTC, so that a report is the same everywhere. */
export function formatDate(ms: number, language: Language): string {
  return new Intl.DateTimeFormat(LOCALE[language], { dateStyle: "long", timeZone: "UTC" }).format(ms);
}

/** The least US dollars that can be written and lie above the amount: a limit that must be passed is never rounded down. */
export function formatUsdAbove(amount: number, language: Language): string {
  const scale = 10 ** moneyDigits(amount, 2);
  return formatMoney((Math.floor(amount * scale) + 1) / scale, "USD", language);
}

/** Bytes as kB or MB (decimal). */
export function formatBytes(bytes: number, language: Language): string {
  if (bytes < MEGABYTE / 10) return `${formatNumber(bytes / 1000, language)} kB`;
  return `${formatNumber(bytes / MEGABYTE, language)} MB`;
}

/** Milliseconds with the unit that reads best. */
export function formatMs(ms: number, language: Language): string {
  return ms >= 10_000 ? formatSeconds(ms / 1000, language) : `${formatNumber(ms, language)} ms`;
}

/** Seconds, or minutes from two minutes up. */
export function formatSeconds(seconds: number, language: Language): string {
  if (seconds >= 120) return formatNumber(seconds / 60, language) + MINUTES[language];
  return formatNumber(seconds, language) + SECONDS[language];
}

/** Months with one decimal. */
export function formatMonths(months: number, language: Language): string {
  if (months < 0.1) return `< ${write(0.1, language, {})}${MONTHS[language]}`;
  return write(months, language, { maximumFractionDigits: 1 }) + MONTHS[language];
}

/** A p-value, "< 0.0001" below. */
export function formatPValue(value: number, language: Language): string {
  return value < 1e-4 ? "< 0.0001" : write(value, language, { maximumFractionDigits: 4 });
}

/** low – high in one of the formats above. */
export function formatRange(
  interval: Bounds,
  format: (value: number, language: Language) => string,
  language: Language,
): string {
  return format(interval.low, language) + TO[language] + format(interval.high, language);
}

const FORMATS: Readonly<Record<string, (value: number, language: Language) => string>> = {
  percent: formatPercent,
  floor: formatPercentFloor,
  ceil: formatPercentCeil,
  share: formatShare,
  count: formatCount,
  number: formatNumber,
  points: formatPoints,
  usd: (value, language) => formatMoney(value, "USD", language),
  usdabove: formatUsdAbove,
  yen: (value, language) => formatMoney(value, "JPY", language),
  ms: formatMs,
  mb: (value, language) => `${formatNumber(value, language)} MB`,
  seconds: formatSeconds,
  months: formatMonths,
  p: formatPValue,
};

/** Names of the placeholders of a template, in order. */
export function placeholdersOf(template: string): readonly string[] {
  return [...template.matchAll(/\{(\w+)(?::(\w+))?\}/g)].map((match) => match[0]);
}

/** Fills `{name:format}` placeholders; without a format a number is written with three digits and a string as it is. */
export function fill(
  template: string,
  facts: Readonly<Record<string, number | string>>,
  language: Language,
  yenPerUsd?: number,
): string {
  return template.replace(/\{(\w+)(?::(\w+))?\}/g, (_whole, name: string, format: string | undefined) => {
    const value = Object.hasOwn(facts, name) ? facts[name] : undefined;
    if (value === undefined) return unknown(language);
    if (typeof value === "string") return value;
    if (!Number.isFinite(value)) return unknown(language);
    if (format === "usd") return formatUsdAndYen(value, language, yenPerUsd);
    return (FORMATS[format ?? "number"] ?? formatNumber)(value, language);
  });
}
