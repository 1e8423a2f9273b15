/** @file Amounts and durations as logs write them: currency signs, decimal commas, scientific notation, units in the text. US dollars
 *  and milliseconds come out; another currency is not read. */

/** The number of a text, with a point or a comma before its decimals; undefined where it is none. */
export function decimalOf(text: string): number | undefined {
  const compact = text.trim().replaceAll(/[\s_']/g, "");
  if (compact === "") return undefined;
  const number = Number(compact);
  if (Number.isFinite(number)) return /^0[xob]/i.test(compact) ? undefined : number;
  const [comma, point] = [compact.lastIndexOf(","), compact.lastIndexOf(".")];
  if (comma < 0) return undefined;
  const isThousands = comma < point || (point < 0 && /^[+-]?[1-9]\d{0,2}(,\d{3})+$/.test(compact));
  const plain = isThousands ? compact.replaceAll(",", "") : compact.replaceAll(".", "").replace(",", ".");
  const read = Number(plain);
  return Number.isFinite(read) ? read : undefined;
}

const MONEY = /^(-?)\s*(US\$|\$|USD|¢)?\s*(-?[\d.,]+(?:e[+-]?\d+)?)\s*(USD|US\$|\$|dollars?|cents?|¢|c)?$/i;

/** US dollars of an amount, not below nothing; undefined for another currency, a negative amount or no amount. */
export function costUsdOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== "string") return undefined;
  const [, minus, before, digits, after] = MONEY.exec(value.trim()) ?? [];
  const amount = digits === undefined ? undefined : decimalOf(digits);
  if (amount === undefined || minus === "-" || amount < 0) return undefined;
  return /^(c|cents?|¢)$/i.test(after ?? before ?? "") ? amount / 100 : amount;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  msec: 1,
  milliseconds: 1,
  ミリ秒: 1,
  s: 1000,
  sec: 1000,
  secs: 1000,
  seconds: 1000,
  秒: 1000,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
  m: 60_000,
  min: 60_000,
};

/** Milliseconds of a duration: a number in the unit given by its scale, or a text that names its unit. */
export function durationMsOf(value: unknown, scale: number): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? value * scale : undefined;
  if (typeof value !== "string") return undefined;
  const clock = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(value.trim());
  if (clock !== null) return (Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3])) * 1000;
  const [, digits, unit = ""] = /^([\d.,]+(?:e[+-]?\d+)?)\s*([a-zµ秒ミリ]*)$/i.exec(value.trim()) ?? [];
  const number = digits === undefined ? undefined : decimalOf(digits);
  const unitScale = unit === "" ? scale : UNIT_MS[unit.toLowerCase()];
  return number === undefined || unitScale === undefined ? undefined : number * unitScale;
}
