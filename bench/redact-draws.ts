/** @file Signs and numbers drawn for the second set of planted values. */
import type { Random } from "../src/random.js";

export type Language = "ja" | "en";
export type Draw = (random: Random) => string;

export function one<T>(random: Random, list: readonly T[]): T {
  const value = list[random.int(list.length)];
  if (value === undefined) throw new RangeError("an empty list");
  return value;
}

export const digit = (random: Random, from = 0): string => String(from + random.int(10 - from));
export const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => digit(random)).join("");
export const between = (random: Random, from: number, to: number): string => String(from + random.int(to - from + 1));
export const of = (random: Random, signs: string, count: number): string =>
  Array.from({ length: count }, () => signs.charAt(random.int(signs.length))).join("");
/** `#` a digit, `%` one from 1 to 9. */
export const shaped = (random: Random, shape: string): string =>
  shape.replace(/[#%]/g, (sign) => (sign === "#" ? digit(random) : digit(random, 1)));
export const wide = (text: string): string =>
  text.replace(/[!-~]/g, (sign) => (sign === "-" ? "－" : String.fromCharCode(sign.charCodeAt(0) + 0xfee0)));

export const LOWER = "abcdefghijklmnopqrstuvwxyz";
export const BASE36 = `${LOWER}0123456789`;
export const BASE62 = `${BASE36}${LOWER.toUpperCase()}`;
export const HEX = "0123456789abcdef";

export function withLuhn(body: string): string {
  const sum = [...body].reverse().reduce((total, sign, i) => {
    const value = Number(sign) * (i % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return body + String((10 - (sum % 10)) % 10);
}
