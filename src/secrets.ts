/** @file Takes keys, tokens and passwords out of whatever is printed or written: known shapes of keys, and what stands behind a name such
 *  as `api_key` or `Authorization`. Ordinary words, labels (`sk-learn`) and hashes stay. Every pattern starts at a literal, so that a
 *  long text costs one pass each. Knows no error class. */

/** Stands where a secret stood. */
export const REDACTED = "[redacted]";

/** A key starts at no letter or digit, but it may follow an escape (\n in JSON, %20 in an address). */
const START = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[bfnrtv])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))`;

/** Keys that are known by their beginning, each with the fewest characters that no word has. */
const KEY_SHAPES: readonly string[] = [
  String.raw`sk-(?:ant|proj|svcacct|admin|or|lf)-[\w-]{16,}`,
  String.raw`sk-[A-Za-z0-9]{20,}[\w-]*`,
  // Shorter ones of self-hosted servers: letters and digits mixed, which labels such as sk-learn are not.
  String.raw`sk-(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{12,}[\w-]*`,
  String.raw`[prs]k_(?:live|test)_[A-Za-z0-9]{10,}`,
  String.raw`(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])`,
  String.raw`AIza[\w-]{30,}`,
  String.raw`ya29\.[\w-]{20,}`,
  String.raw`gh[opsur]_[A-Za-z0-9]{20,}`,
  String.raw`github_pat_\w{20,}`,
  String.raw`glpat-[\w-]{20,}`,
  String.raw`xox[a-z]-[A-Za-z0-9-]{10,}`,
  String.raw`xapp-[A-Za-z0-9-]{10,}`,
  String.raw`(?:hf|gsk|npm|r8)_[A-Za-z0-9]{20,}`,
  String.raw`(?:xai|pplx)-[A-Za-z0-9]{20,}`,
  String.raw`SG\.[\w-]{16,}\.[\w-]{16,}`,
  String.raw`(?:shpat|shpss|dop_v1|whsec|lin_api|pypi)_[A-Za-z0-9]{20,}`,
  // A JSON web token: base64 of {" and dots.
  String.raw`eyJ[\w-]{8,}(?:\.[\w-]*){1,4}`,
];

/** The source of a pattern of keys that are known by their beginning. */
export const KEY_SHAPE = `${START}(?:${KEY_SHAPES.join("|")})`;

/** The source of a pattern of private keys in PEM, whole or cut off. */
export const PRIVATE_KEY = String.raw`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}-----|$)`;

/** Names of what must not be shown, in any spelling: apiKey, API_KEY, x-api-key, aws_secret_access_key. */
const NAMES = String.raw`(?:(?:api|access|secret|private|account|signing|encryption|subscription|master|service)[-_. ]?key(?:[-_]?id)?|client[-_]?secret|(?:access|auth|refresh|id|session|api|bearer|security)[-_]?token|passw(?:or)?d|passphrase|secret)(?: provided)?`;
const EXACT_NAME = new RegExp(String.raw`(?:${NAMES}|authorization|cookie)$`, "i");
/** Between a name and its value, the name's own closing quote included (escaped ones as in JSON inside of JSON). */
const IS = "\\\\*[\"'`]?\\s*(?:=>|[:=])\\s*";
/** One that is replaced already stays as it is. */
const NEW = String.raw`(?!\[redacted\])`;
const BARE_VALUE = String.raw`[^\s"'\`\\,;&<>()\[\]{}]`;
/** Unquoted behind a colon, where prose stands too ("api_key: expected text"): long, or with what words lack. */
const TELLING = String.raw`(?=${BARE_VALUE}*[0-9_~+/=!@#$%^*]|${BARE_VALUE}{16})`;
/** Words with dots, slashes or hyphens ("basic authentication/authorization"), no token. */
const WORDS = String.raw`[a-z]+(?:[-./][a-z]+)+(?![\w.~+/=-])`;
const TOKEN = String.raw`[\w.~+/-]{8,}=*`;

interface Rule {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** In this order: what is quoted before what is not, so that values with spaces go whole. */
const RULES: readonly Rule[] = [
  {
    pattern: new RegExp(PRIVATE_KEY, "g"),
    replacement: REDACTED,
  },
  {
    pattern: new RegExp(String.raw`(${NAMES}${IS})(\\*)(["'\`])${NEW}(?:(?!(?<!\\)\2\3)[\s\S])+`, "gi"),
    replacement: `$1$2$3${REDACTED}`,
  },
  {
    pattern: new RegExp(
      String.raw`(authorization${IS}\\*["'\`]?)(?!(?:\w+\s+)?\[redacted\])((?:bearer|basic|token|negotiate|apikey)\s+)?[^\s"'\`\\,;]+`,
      "gi",
    ),
    replacement: `$1$2${REDACTED}`,
  },
  {
    pattern: new RegExp(String.raw`(\b(?:set-)?cookie:(?!\s*\[redacted\])\s*)[^\r\n"'\\]+`, "gi"),
    replacement: `$1${REDACTED}`,
  },
  {
    pattern: new RegExp(
      String.raw`(\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)\s+)(?!${WORDS})(?=[\w.~+/-]*[0-9]|[\w.~+/-]*[a-z][A-Z]|[\w.~+/-]{8,}=|[\w.~+/-]{20})${TOKEN}`,
      "g",
    ),
    replacement: `$1${REDACTED}`,
  },
  {
    pattern: /(:\/\/)(?!\[redacted\])(?:[^\s/?#"'<>:@]*:[^\s/?#"'<>]*|[^\s/?#"'<>:@]{16,})@/g,
    replacement: `$1${REDACTED}@`,
  },
  {
    pattern: new RegExp(
      String.raw`([?&](?:key|sig|[a-z_-]{0,40}(?:api_?key|token|secret|password|credential|signature))=)${NEW}[^\s&#"'\`\\<>]+`,
      "gi",
    ),
    replacement: `$1${REDACTED}`,
  },
  {
    pattern: new RegExp(String.raw`(x-[a-z-]{0,40}(?:key|token|secret|auth)\s*:\s*)${NEW}${BARE_VALUE}+`, "gi"),
    replacement: `$1${REDACTED}`,
  },
  { pattern: new RegExp(String.raw`(${NAMES}\s?=>?\s?)${NEW}${BARE_VALUE}+`, "gi"), replacement: `$1${REDACTED}` },
  {
    pattern: new RegExp(String.raw`(${NAMES}\\*["'\`]?\s*:\s*)${NEW}${TELLING}${BARE_VALUE}{8,}`, "gi"),
    replacement: `$1${REDACTED}`,
  },
  { pattern: new RegExp(KEY_SHAPE, "g"), replacement: REDACTED },
];

/** Replaces keys, tokens and passwords by a mark; what is redacted already stays as it is. */
export function redactSecrets(text: string): string {
  return RULES.reduce((redacted, { pattern, replacement }) => redacted.replace(pattern, replacement), text);
}

/** Values nested deeper than this are shown by no printer. */
const MAXIMUM_DEPTH = 8;

function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A value without secrets, at any depth of arrays, records, maps, sets and errors; what is named as a secret goes whole. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactSecrets(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAXIMUM_DEPTH) return "[nested too deeply]";
  const below = (part: unknown): unknown => redactValue(part, depth + 1);
  const entry = ([key, part]: readonly [unknown, unknown]): [unknown, unknown] => [
    below(key),
    typeof key === "string" && typeof part === "string" && EXACT_NAME.test(key) ? REDACTED : below(part),
  ];
  if (value instanceof Error) return redactedError(value, depth);
  if (Array.isArray(value)) return value.map(below);
  if (value instanceof Map) return new Map(Array.from(value, entry));
  if (value instanceof Set) return new Set(Array.from(value, below));
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(entry) as [string, unknown][]) : value;
}

/** A copy of an error with its name, code and other fields, redacted throughout: message, stack, cause, the errors that it gathers.
 *  The error itself, which others may hold, is not changed. */
function redactedError(error: Error, depth: number): Error {
  const copy = new Error(redactSecrets(error.message));
  const fields = Object.getOwnPropertyNames(error).filter((name) => name !== "message" && name !== "stack");
  for (const [key, value] of [["name", error.name] as const, ["stack", error.stack] as const]) {
    if (value === undefined) continue;
    Object.defineProperty(copy, key, { value: redactSecrets(value), writable: true, configurable: true });
  }
  for (const key of fields) {
    const { enumerable = false } = Object.getOwnPropertyDescriptor(error, key) ?? {};
    const value = redactValue(Reflect.get(error, key), depth + 1);
    Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true });
  }
  return copy;
}
