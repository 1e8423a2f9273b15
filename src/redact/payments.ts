/** @file Cards (Luhn), IBANs (ISO 13616, mod 97) and bank accounts. A surrogate card stands in a range that no bank issues, a surrogate IBAN
 *  has check digits that none can have; account numbers have no such range, and without bank and branch they reach nothing. */
import { BEGIN, before, digitsOf, END, isThing, places, withDigits, type Detector } from "./detector.js";
import type { Draw } from "./draw.js";
import type { Span } from "./kinds.js";
import { HAS } from "./triggers.js";

/** The digit that makes the sum of Luhn's formula end in 0. */
function luhnDigit(digits: string): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return (10 - (sum % 10)) % 10;
}

const isLuhn = (digits: string): boolean => luhnDigit(digits.slice(0, -1)) === Number(digits.at(-1));

/** Visa, Mastercard, American Express, JCB, Diners, Discover, UnionPay; with the lengths that they issue. */
const ISSUED =
  /^(?:4\d{15}(?:\d{3})?|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|35\d{14}|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17})$/;
/** In fours, as American Express and Diners group them, or in one. */
const CARD = new RegExp(
  String.raw`${BEGIN}(?:[2-6]\d{13,18}|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|3\d{3}([ -])\d{6}\2\d{4,5})${END}`,
  "g",
);

const CARD_WORD = /card|visa|master|amex|american express|jcb|diners|discover|(?<![a-z])pan(?![a-z])|カード|クレカ/i;

/** One of ten numbers has a right check digit: in one, behind the word for an order or a reference, it is that, unless a card is spoken of. */
function isOtherNumber(text: string, value: string, start: number): boolean {
  return /^\d+$/.test(value) && isThing(text, start) && !CARD_WORD.test(before(text, start, 40));
}

function* findCards(text: string): Generator<Span> {
  for (const { 0: value, index } of text.matchAll(CARD)) {
    const digits = digitsOf(value);
    if (ISSUED.test(digits) && isLuhn(digits) && !/^(\d)\1+$/.test(digits) && !isOtherNumber(text, value, index))
      yield { start: index, end: index + value.length };
  }
}

function otherCard(value: string, draw: Draw): string {
  const digits = digitsOf(value);
  const lead = digits.length === 15 ? "370000" : digits.length === 14 ? "360000" : "400000";
  const body = lead + draw.digits(digits.length - lead.length - 1);
  return withDigits(value, body + String(luhnDigit(body)));
}

/** Length of an IBAN by country (SWIFT's registry). */
const IBAN_LENGTHS: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AT: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BR: 29,
  CH: 21,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  EE: 20,
  ES: 24,
  FI: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GR: 27,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IS: 26,
  IT: 27,
  KW: 30,
  KZ: 20,
  LB: 28,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  MC: 27,
  MD: 24,
  MT: 31,
  NL: 18,
  NO: 15,
  PK: 24,
  PL: 28,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  SA: 24,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  XK: 20,
};
const IBAN = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,32}/g;

/** As banks print it, or in one. */
const GROUPS_OF_FOUR = /^[A-Za-z]{2}\d{2}([ -]?)[A-Za-z0-9]{4}(?:\1[A-Za-z0-9]{4})*(?:\1?[A-Za-z0-9]{1,3})?$/;

function remainder97(iban: string): number {
  let rest = 0;
  for (const letter of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(letter, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

const bare = (value: string): string => value.replace(/[ -]/g, "").toUpperCase();

/** As many signs as the country's IBANs have, however many letters stand behind. */
function* findIbans(text: string): Generator<Span> {
  for (const match of text.matchAll(IBAN)) {
    const length = IBAN_LENGTHS[match[0].slice(0, 2).toUpperCase()];
    if (length === undefined) continue;
    const value = new RegExp(`^(?:[A-Za-z0-9][ -]?){${length - 1}}[A-Za-z0-9]`).exec(match[0])?.[0];
    if (value === undefined || /[A-Za-z0-9]/.test(text.charAt(match.index + value.length))) continue;
    if (GROUPS_OF_FOUR.test(value) && remainder97(bare(value)) === 1)
      yield { start: match.index, end: match.index + value.length };
  }
}

function otherIban(value: string, draw: Draw): string {
  const rest = draw.alike(value.slice(2));
  return value.slice(0, 2) + rest.replace(/\d/, "0").replace(/(?<=^0)\d/, "0");
}

const ACCOUNT_JA =
  /(?:(?:普通|当座|貯蓄)(?:預金)?(?:口座)?(?:番号)?|口座(?:番号)?|(?:ゆうちょ|貯金)?記号番号)(?:は|が|:|=|No\.?|\s|「|\(|\)|\/|、|・)*(\d[\d-]{4,10}\d)(?![\dA-Za-z]|-\d)/g;
const ACCOUNT_EN =
  /(?:\b(?:bank |checking |savings |my )?(?:account|acct|a\/c)\.?\s*(?:number|no\.?|num\.?|nr\.?|#)|\b(?:routing|ABA)(?: number| no\.?)|\bsort code)(?:\s+(?:is|was|of|ending in|now))?\s*[:=#-]?\s*["'(]?(\d(?:[ -]?\d){5,16})(?![\dA-Za-z]|-\d)/gi;
/** "account 12345678": a bare number behind the word. */
const ACCOUNT_BARE =
  /\b(?:bank|checking|savings|current)\s+(?:account|acct)\s*[:#]?\s*(\d{6,14}|\d{2,4}(?:[ -]\d{2,6}){1,4})(?![\dA-Za-z]|[-.,]\d)/gi;

function* findAccounts(text: string): Generator<Span> {
  yield* places(text, ACCOUNT_JA);
  yield* places(text, ACCOUNT_EN);
  yield* places(text, ACCOUNT_BARE);
}

export const card: Detector = {
  kind: "card",
  needs: HAS.number,
  aroundNumbers: true,
  find: findCards,
  identity: digitsOf,
  surrogate: otherCard,
};

export const iban: Detector = {
  kind: "iban",
  needs: HAS.number | HAS.latin,
  find: findIbans,
  identity: bare,
  surrogate: otherIban,
};

export const bankAccount: Detector = {
  kind: "bank-account",
  needs: HAS.number,
  aroundNumbers: true,
  find: findAccounts,
  identity: digitsOf,
  surrogate: (value, draw) => withDigits(value, draw.digits(digitsOf(value).length)),
};
