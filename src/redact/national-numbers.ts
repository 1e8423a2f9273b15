/** @file Numbers that a state gives to a person: My Number of Japan (check digit of ordinance 85 of 2014) and the social security number of
 *  the United States. Surrogates have a check digit or an area that no such number has. */
import { BEGIN, before, digitsOf, END, isThing, places, withDigits, type Detector } from "./detector.js";
import type { Draw } from "./draw.js";
import type { Span } from "./kinds.js";
import { HAS } from "./triggers.js";

const MY_NUMBER = new RegExp(String.raw`${BEGIN}(?<!\d[ -])\d{4}([ -]?)\d{4}\1\d{4}${END}(?! \d{4})`, "g");

/** The last digit of a My Number. */
function myNumberDigit(digits: string): number {
  let sum = 0;
  for (let i = 1; i <= 11; i++) sum += Number(digits[11 - i]) * (i <= 6 ? i + 1 : i - 5);
  const rest = sum % 11;
  return rest <= 1 ? 0 : 11 - rest;
}

function* findMyNumbers(text: string): Generator<Span> {
  for (const match of text.matchAll(MY_NUMBER)) {
    const digits = digitsOf(match[0]);
    if (myNumberDigit(digits) !== Number(digits[11]) || isThing(text, match.index)) continue;
    yield { start: match.index, end: match.index + match[0].length };
  }
}

function otherMyNumber(value: string, draw: Draw): string {
  const body = draw.digits(11);
  return withDigits(value, body + String((myNumberDigit(body) + 1 + draw.int(9)) % 10));
}

const SSN = new RegExp(String.raw`${BEGIN}\d{3}([- .])\d{2}\1\d{4}${END}`, "g");
const NINE = new RegExp(String.raw`${BEGIN}\d{9}${END}`, "g");
const NAMED =
  /(?:\bssn|\bss ?#|\bsocial(?: security)?(?: number| no\.?| #)?(?: \(ssn\))?|\bi?tin\b|\btax(?:payer)?(?: identification)?(?: id| number| no\.?)+|社会保障番号)[^\n0-9]{0,12}$/i;
/** The id of a person, not of a thing. */
const PERSONS_ID =
  /(?:patient|employee|member|applicant|taxpayer|tax|student|national|personal|worker|my|his|her) (?:id|no\.?|number)(?: is)?\s*[:=#]?\s*$/i;

function isSsn(value: string): boolean {
  return /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(digitsOf(value));
}

function* findSsns(text: string): Generator<Span> {
  for (const match of text.matchAll(SSN)) {
    const words = before(text, match.index, 40);
    const isPersons = NAMED.test(words) || (match[1] === "-" && PERSONS_ID.test(words));
    if (!isSsn(match[0]) || (!isPersons && (match[1] !== "-" || isThing(text, match.index)))) continue;
    yield { start: match.index, end: match.index + match[0].length };
  }
  yield* places(text, NINE, (value, start) => isSsn(value) && NAMED.test(before(text, start, 40)));
}

export const myNumber: Detector = {
  kind: "my-number",
  needs: HAS.number,
  aroundNumbers: true,
  find: findMyNumbers,
  identity: digitsOf,
  surrogate: otherMyNumber,
};

export const ssn: Detector = {
  kind: "ssn",
  needs: HAS.number,
  aroundNumbers: true,
  find: findSsns,
  identity: digitsOf,
  surrogate: (value, draw) => withDigits(value, `666${draw.digits(6)}`),
};
