/** @file Ways to reach somebody: e-mail, telephone, and the address of a machine. Surrogates stand in ranges that are set apart for
 *  examples (RFC 2606, RFC 5737, RFC 3849, 555-01xx, Ofcom's numbers for drama) or that nobody can be given (a Japanese exchange never
 *  begins with 0). */
import { isIPv6 } from "node:net";
import { parsePhoneNumberFromString } from "libphonenumber-js/min";
import { BEGIN, before, digitsOf, END, isThing, places, withDigits, type Detector } from "./detector.js";
import type { Draw } from "./draw.js";
import type { Span } from "./kinds.js";
import { HAS } from "./triggers.js";

const LOCAL_UNITS = 64;
const DOMAIN = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])/;
const LOCAL = /[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,63})$|[A-Za-z0-9]$/;

/** Pictures in a size of their own (icon@2x.png) and other files: endings that no domain has. */
const FILE =
  /^\d+(?:\.\d+)?x\.|\.(?:png|jpe?g|gif|webp|svg|ico|bmp|avif|heic|tiff?|css|[cm]?jsx?|tsx?|json|html?|xml|pdf|txt|ya?ml|csv|log)$/i;

/** From each @ outwards, so that a long text without one costs nothing. */
function* findEmails(text: string): Generator<Span> {
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const earliest = Math.max(0, at - LOCAL_UNITS);
    const domain = DOMAIN.exec(text.slice(at + 1, at + 256))?.[0];
    const local = LOCAL.exec(localPart(text, earliest, at))?.[0];
    if (domain === undefined || local === undefined || FILE.test(domain)) continue;
    const isRepository = local === "git" && text[at + 1 + domain.length] === ":";
    if (!isRepository) yield { start: at - local.length, end: at + 1 + domain.length };
  }
}

/** The letters before an @; an escape before them (\n) is no part of it. */
function localPart(text: string, earliest: number, at: number): string {
  let start = at;
  while (start > earliest && /[A-Za-z0-9._%+'-]/.test(text.charAt(start - 1))) start--;
  if (text[start - 1] === "\\" && /[bfnrt]/.test(text.charAt(start))) start++;
  return text.slice(start, at);
}

const MAILBOXES = [
  "aoi",
  "haru",
  "kaede",
  "mori",
  "nagi",
  "sora",
  "yuki",
  "ren",
  "alex",
  "casey",
  "drew",
  "jamie",
  "morgan",
  "robin",
  "sam",
  "taylor",
] as const;

function otherEmail(value: string, draw: Draw): string {
  const domain = value.endsWith(".jp")
    ? draw.pick(["example.jp", "example.co.jp"])
    : draw.pick(["example.com", "example.net", "example.org"]);
  return `${draw.pick(MAILBOXES)}.${draw.digits(4)}@${domain}`;
}

/** Words before a number that somebody can be called at. */
const CALLED =
  /(?:\b(?:(?:tele)?phone|mobile|cell(?:phone)?|call(?: me| us)?|fax|tel|dial|text (?:me|us)|whats?app|reach (?:me|us)|contact)\b|電話|携帯|けいたい|ケータイ|連絡先|ファックス|ファクス|内線|ダイヤル|でんわ)[^\n0-9]{0,14}[+(]?$/i;
const isCalled = (text: string, start: number): boolean => CALLED.test(before(text, start, 32));

const WITH_COUNTRY = new RegExp(String.raw`(?<![A-Za-z0-9+])\+(?=[1-9])\d{1,3}(?:[ ().-]{0,3}\d){6,13}`, "g");
/** Groups of the numbers of Japan and the United Kingdom that are dialled with a 0. */
const GROUPED = new RegExp(
  String.raw`${BEGIN}(?:\(0\d{1,4}\)[ -]?|0\d{1,4}(?:[-. ]|(?=\()))(?:\(\d{1,4}\)[ -]?\d{3,4}|\d{6}|\d{1,4}[-. ]\d{3,4})${END}`,
  "g",
);
const LAYOUTS = new Set([
  "2-4-4",
  "3-3-4",
  "4-2-4",
  "5-1-4",
  "3-4-4",
  "4-3-3",
  "4-3-4",
  "5-6",
  "5-3-3",
  "3-7",
  "4-6",
  "2-8",
]);
const UNGROUPED = new RegExp(String.raw`${BEGIN}0\d{9,10}${END}`, "g");
const AMERICAN = new RegExp(
  String.raw`${BEGIN}(?:1[-. ])?(?:\([2-9]\d{2}\)[ -]?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}${END}`,
  "g",
);
const ANY_TEN = new RegExp(String.raw`${BEGIN}(?:1[-. ]?)?\d{3}[-. ]?\d{3}[-. ]?\d{4}${END}`, "g");
const OTHER_GROUPS = new RegExp(
  String.raw`${BEGIN}\(?\d{2,5}\)?(?:[- ]\d{2,6}|(?:\.\d{2,6}){2}){1,5}${END}(?!\s?[=*+])`,
  "g",
);
/** Days and spans of years. */
const TIMES = /^(?:\d{4}-\d\d-\d\d|(?:19|20)\d\d[- ](?:19|20)\d\d)(?!\d)/;

function layoutOf(value: string): string {
  return (value.match(/\d+/g) ?? []).map(({ length }) => length).join("-");
}

/** The longest beginning of a number with a country's code that such a number can be. */
function* findInternational(text: string): Generator<Span> {
  for (const match of text.matchAll(WITH_COUNTRY)) {
    let value = match[0];
    while (value.length > 7) {
      if (
        parsePhoneNumberFromString(value)?.isPossible() === true &&
        !/\d/.test(text.charAt(match.index + value.length))
      ) {
        yield { start: match.index, end: match.index + value.length };
        break;
      }
      const shorter = value.replace(/[ ().-]+\d+$/, "");
      if (shorter === value) break;
      value = shorter;
    }
  }
}

/** Mobiles of Japan and every number of the United Kingdom have eleven digits; with ten the words before must tell. */
const isWhole = (digits: string): boolean => /^0[1-9]\d{9}$/.test(digits);

function* findTelephones(text: string): Generator<Span> {
  yield* findInternational(text);
  yield* places(
    text,
    GROUPED,
    (value, start) => LAYOUTS.has(layoutOf(value)) && /^.{10,11}$/.test(digitsOf(value)) && !isThing(text, start),
  );
  yield* places(text, AMERICAN, (_value, start) => !isThing(text, start));
  yield* places(text, UNGROUPED, (value, start) =>
    isWhole(value) ? !isThing(text, start) : isCalled(text, start) && !isThing(text, start),
  );
  yield* places(text, ANY_TEN, (_value, start) => isCalled(text, start) && !isThing(text, start));
  yield* places(text, OTHER_GROUPS, (value, start) => {
    const digits = digitsOf(value).length;
    return digits >= 7 && digits <= 13 && isCalled(text, start) && !isThing(text, start) && !TIMES.test(value);
  });
}

/** Digits as they are dialled within the country, so that +81 90 and 090 are one number. */
function dialled(value: string): string {
  const digits = digitsOf(value);
  if (!value.startsWith("+")) return digits.length === 11 && digits.startsWith("1") ? digits.slice(1) : digits;
  const country = /^(?:81|44)/.exec(digits)?.[0];
  if (country !== undefined) return `0${digits.slice(2).replace(/^0/, "")}`;
  return digits.length === 11 && digits.startsWith("1") ? digits.slice(1) : digits;
}

const JAPANESE_AREAS: readonly (readonly [string, ...string[]])[] = [
  ["03", "06"],
  ["011", "045", "052", "092"],
  ["0422", "0466", "0742"],
];

/** How many digits the area of a Japanese number has. */
function areaDigits(digits: string): number {
  if (/^0[36]/.test(digits)) return 2;
  return /^0(?:11|[2-9][2-9])/.test(digits) ? 3 : 4;
}

/** A number of Japan: its exchange begins with 0, which none has. */
function japanese(digits: string, draw: Draw): string {
  const areas = JAPANESE_AREAS[areaDigits(digits) - 2] ?? JAPANESE_AREAS[0];
  const area = /^0(?:[5-9]0|120|570|800)/.exec(digits)?.[0] ?? (areas === undefined ? "03" : draw.pick(areas));
  return `${area}0${draw.digits(digits.length - area.length - 1)}`;
}

/** Ofcom's numbers for drama. */
function british(digits: string, draw: Draw): string {
  const lead = digits.startsWith("07") ? "07700900" : digits.startsWith("02") ? "02079460" : "01632960";
  return lead + draw.digits(3);
}

/** Another number of the same country, as it is dialled there; by its digits alone, so that every layout gets the same. */
function otherDialled(digits: string, draw: Draw): string {
  if (digits.startsWith("0")) {
    return digits.length === 11 && !/^0(?:[5-9]0|800)/.test(digits) ? british(digits, draw) : japanese(digits, draw);
  }
  if (digits.length !== 10) return `0${draw.digits(digits.length - 1)}`;
  return `${2 + draw.int(8)}${draw.int(10)}${2 + draw.int(8)}55501${draw.digits(2)}`;
}

function otherTelephone(value: string, draw: Draw): string {
  const digits = digitsOf(value);
  const isForeign = value.startsWith("+") && !/^(?:81|44|1\d{10}$)/.test(digits);
  if (isForeign) {
    const country = parsePhoneNumberFromString(value)?.countryCallingCode ?? digits.slice(0, 2);
    return withDigits(value, `${country}0${draw.digits(digits.length - country.length - 1)}`);
  }
  const other = otherDialled(dialled(value), draw);
  const national = value.startsWith("+") ? other.replace(/^0/, "") : other;
  return withDigits(value, digits.slice(0, Math.max(0, digits.length - national.length)) + national);
}

const IP4 = new RegExp(
  String.raw`(?=\d)(?<![\w.-]|[vV])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\w-]|\.\d|[項章節条版])`,
  "g",
);
const IP6 =
  /(?<![\w.]|[0-9A-Fa-f:]:)(?=[0-9A-Fa-f]|::)(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])/g;
/** Machines that are the reader's own or nobody's. */
const NOBODYS_IP = /^(?:127\.|0\.0\.0\.0$|255\.255\.)/;
const VERSIONED =
  /(?:(?<![a-z])(?:versions?|ver|release|firmware|build|app|sdk|driver|plugin|package|patch|kernel|runtime|library|v)\.?|バージョン|版|アプリ|ファームウェア|ドライバー?|プラグイン|パッケージ|(?<![a-z])(?:upgrad|updat|downgrad)\w*(?: (?:from|to))?(?: [\d.]+ to)?)\s*(?:is|was|[:=は])?\s*$/i;
const SECTION = /(?:(?<![a-z])(?:section|clause|chapter|article|paragraph|figure|table|appendix)|§)\s*$/i;
const CONTEXT_OF_IP = 40;

/** What must stand in a text for each of them to be looked for. */
const DOTTED = /\d\.\d{1,3}\.\d/;
const COLONS = /:[0-9A-Fa-f]{0,4}:/;

/** Whether the words before four numbers make them a version or a section. */
const isNumbering = (words: string): boolean => VERSIONED.test(words) || SECTION.test(words);

function* findIps(text: string): Generator<Span> {
  if (DOTTED.test(text))
    yield* places(
      text,
      IP4,
      (value, start) =>
        !NOBODYS_IP.test(value) && !isNumbering(before(text, start, CONTEXT_OF_IP)) && !isThing(text, start),
    );
  if (COLONS.test(text))
    yield* places(text, IP6, (value) => {
      const groups = value.split(":").filter((group) => group !== "");
      return groups.length >= 3 && /\d/.test(value) && isIPv6(value);
    });
}

function otherIp(value: string, draw: Draw): string {
  if (!value.includes(":")) return `${draw.pick(["192.0.2", "198.51.100", "203.0.113"])}.${1 + draw.int(254)}`;
  const group = (): string => (4096 + draw.int(61_440)).toString(16);
  return `2001:db8::${group()}:${group()}`;
}

export const email: Detector = {
  kind: "email",
  needs: HAS.at,
  find: findEmails,
  identity: (value) => value.toLowerCase(),
  surrogate: otherEmail,
};

export const telephone: Detector = {
  kind: "telephone",
  needs: HAS.number,
  aroundNumbers: true,
  find: findTelephones,
  identity: dialled,
  surrogate: otherTelephone,
};

/** Version 4 has dots, version 6 colons. */
export const ip: Detector = {
  kind: "ip",
  needs: HAS.digit,
  find: findIps,
  identity: (value) => value.toLowerCase(),
  surrogate: otherIp,
};
