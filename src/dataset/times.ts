/** @file Times of logs as UTC milliseconds: epochs of any unit, ISO dates with and without separators, dates with the day or the month
 *  first, Japanese dates. A text without a zone is UTC, so that the machine's zone changes nothing. */

export type DateOrder = "day-first" | "month-first";

const NUMERIC = /^-?\d+(\.\d+)?$/;
const ISO = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(.*)$/s;
const COMPACT = /^(\d{4})(\d\d)(\d\d)(?:[T ]?(\d\d):?(\d\d)(?::?(\d\d(?:\.\d+)?))?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?$/i;
const JAPANESE = /^(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日(.*)$/s;
const NUMBERED = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)(.*)$/s;
const CLOCK =
  /^[T ,]*(\d{1,2})[:時](\d{1,2})(?:[:分](\d{1,2}(?:[.,]\d+)?)?)?(?:秒)?\s*(am|pm|午前|午後)?\s*(Z|UTC|GMT|JST|[+-]\d\d:?\d\d|[+-]\d\d)?(?:\s*\([^)]*\))?$/i;

/** Least number of seconds, milliseconds and so on that is told from the smaller unit: 1973 and later. */
function epochMs(number: number): number | undefined {
  if (!Number.isFinite(number) || number <= 0) return undefined;
  if (number < 1e11) return Math.round(number * 1000);
  if (number < 1e14) return Math.round(number);
  return Math.round(number / (number < 1e17 ? 1e3 : 1e6));
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined || /^(z|utc|gmt)$/i.test(zone)) return 0;
  if (/^jst$/i.test(zone)) return 9 * 60;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0));
}

function utc(year: number, month: number, day: number, rest: string): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  if (rest.trim() === "" || /^\s*(Z|UTC)$/i.test(rest)) return Date.UTC(year, month - 1, day);
  const [, hourText, minute, second, half, zone] = CLOCK.exec(rest.replace(/^\s*[（(][^)）]*[)）]/, "")) ?? [];
  if (hourText === undefined) return undefined;
  let hour = Number(hourText);
  if (half !== undefined) hour = (hour % 12) + (/^(pm|午後)$/i.test(half) ? 12 : 0);
  const seconds = Number((second ?? "0").replace(",", "."));
  if (hour > 24 || Number(minute) > 59 || seconds >= 61) return undefined;
  return Math.floor(Date.UTC(year, month - 1, day, hour, Number(minute)) + seconds * 1000 - zoneMinutes(zone) * 60_000);
}

function numberedDate(text: string, order: DateOrder): number | undefined {
  const [, first, separator, second, yearText, rest = ""] = NUMBERED.exec(text) ?? [];
  if (first === undefined || yearText === undefined) return undefined;
  const year = yearText.length === 2 ? 2000 + Number(yearText) : Number(yearText);
  const isDayFirst = separator === "." || order === "day-first";
  const [day, month] = isDayFirst ? [Number(first), Number(second)] : [Number(second), Number(first)];
  return utc(year, month, day, rest);
}

/** UTC milliseconds of an epoch in seconds, milliseconds, microseconds or nanoseconds (told by size) or of a date text. */
export function timeMsOf(value: unknown, order: DateOrder = "month-first"): number | undefined {
  if (typeof value === "number") return epochMs(value);
  if (typeof value === "bigint") return epochMs(Number(value));
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  const compact = COMPACT.exec(text);
  const isCompactDate =
    compact !== null && /^(19|20)/.test(text) && (text.length === 8 || text.length >= 12) && !/^\d{9,13}$/.test(text);
  if (compact !== null && isCompactDate) {
    const [, year, month, day, hour, minute, second, zone] = compact;
    const rest = hour === undefined ? "" : ` ${hour}:${minute}:${second ?? "00"}${zone ?? ""}`;
    return utc(Number(year), Number(month), Number(day), rest);
  }
  if (NUMERIC.test(text)) return epochMs(Number(text));
  const [, year, month, day, rest = ""] = ISO.exec(text) ?? JAPANESE.exec(text) ?? [];
  if (year !== undefined) return utc(Number(year), Number(month), Number(day), rest);
  if (NUMBERED.test(text)) return numberedDate(text, order);
  return namedDate(text);
}

/** Dates with the month's name, as mail and web servers write them. */
function namedDate(text: string): number | undefined {
  if (!/\d{4}/.test(text) || !/[A-Za-z]{3}/.test(text)) return undefined;
  const hasZone = /(Z|[+-]\d\d:?\d\d|GMT|UTC)\s*$/i.test(text);
  const ms = Date.parse(hasZone ? text : `${text} UTC`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Whether the day or the month comes first in a column of dates: what one date proves, else the order in which they rise. */
export function dateOrderOf(values: readonly unknown[]): { readonly order: DateOrder; readonly isGuess: boolean } {
  const texts = values.flatMap((value) =>
    typeof value === "string" && /^\s*\d{1,2}[/-]\d{1,2}[/-]\d/.test(value) ? [value.trim()] : [],
  );
  if (texts.length === 0) return { order: "month-first", isGuess: false };
  const readable = (order: DateOrder): number => texts.filter((text) => timeMsOf(text, order) !== undefined).length;
  const difference = readable("day-first") - readable("month-first");
  if (difference !== 0) return { order: difference > 0 ? "day-first" : "month-first", isGuess: false };
  const falls = (order: DateOrder): number => {
    const times = texts.flatMap((text) => timeMsOf(text, order) ?? []);
    return times.filter((time, i) => time < (times[i - 1] ?? time)).length;
  };
  const fallsMore = falls("day-first") - falls("month-first");
  return { order: fallsMore < 0 ? "day-first" : "month-first", isGuess: fallsMore === 0 };
}
