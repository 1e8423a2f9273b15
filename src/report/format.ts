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

const cache = new Map<string, Intl.NumberFormat>();

function numberFormat(language: Language, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat(LOCALE[language], options);
  cache.set(key, made);
  return made;
}

/** Counts and other whole numbers, grouped. */
export function formatCount(value: number, language: Language): string {
  return numberFormat(language, { maximumFractionDigits: 0 }).format(value);
}

/** A ratio as a percentage with one decimal (two above 99.5 %, where one hides the difference). */
export function formatPercent(ratio: number, language: Language): string {
  const digits = ratio > 0.995 && ratio < 1 ? 2 : 1;
  return numberFormat(language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(ratio);
}

/** A ratio that was stated, not measured: a percentage without empty decimals. */
export function formatShare(ratio: number, language: Language): string {
  return numberFormat(language, { style: "percent", maximumFractionDigits: 2 }).format(ratio);
}

/** Three significant digits at least, and never scientific notation. */
export function formatNumber(value: number, language: Language): string {
  if (Math.abs(value) >= 1000) return formatCount(value, language);
  return numberFormat(language, { maximumSignificantDigits: 3 }).format(value);
}

/** Money in a currency: whole yen or cents, and three significant digits below 1. */
export function formatMoney(amount: number, currency: "USD" | "JPY", language: Language): string {
  const size = Math.abs(amount);
  const least = currency === "JPY" && size >= 1 ? 0 : 2;
  const most = size > 0 && size < 1 ? Math.min(20, Math.max(least, 2 - Math.floor(Math.log10(size)))) : least;
  const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
  return numberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol", ...digits }).format(amount);
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
  if (months < 0.1) return `< ${numberFormat(language, {}).format(0.1)}${MONTHS[language]}`;
  return numberFormat(language, { maximumFractionDigits: 1 }).format(months) + MONTHS[language];
}

/** A p-value, "< 0.0001" below. */
export function formatPValue(value: number, language: Language): string {
  return value < 1e-4 ? "< 0.0001" : numberFormat(language, { maximumFractionDigits: 4 }).format(value);
}

/** low – high in one of the formats above. */
export function formatRange(
  interval: { readonly low: number; readonly high: number },
  format: (value: number, language: Language) => string,
  language: Language,
): string {
  const separator = language === "ja" ? "～" : " to ";
  return format(interval.low, language) + separator + format(interval.high, language);
}

const FORMATS: Readonly<Record<string, (value: number, language: Language) => string>> = {
  percent: formatPercent,
  share: formatShare,
  count: formatCount,
  number: formatNumber,
  usd: (value, language) => formatMoney(value, "USD", language),
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
export function fill(template: string, facts: Readonly<Record<string, number | string>>, language: Language): string {
  return template.replace(/\{(\w+)(?::(\w+))?\}/g, (_whole, name: string, format: string | undefined) => {
    const value = Object.hasOwn(facts, name) ? facts[name] : undefined;
    if (value === undefined) return unknown(language);
    if (typeof value === "string") return value;
    if (!Number.isFinite(value)) return unknown(language);
    return (FORMATS[format ?? "number"] ?? formatNumber)(value, language);
  });
}
