/** @file Keys, tokens and passwords: known beginnings (one home for them: `src/secrets.ts`), what stands behind a name such as `api_key`, and
 *  long runs that only chance writes. Hashes in hexadecimal stay. A surrogate keeps the beginning that is known of its kind and the layout of
 *  the rest, and opens nothing. */
import { KEY_SHAPE, PRIVATE_KEY } from "../secrets.js";
import { places, type Detector } from "./detector.js";
import type { Draw } from "./draw.js";
import type { Span } from "./kinds.js";
import { HAS } from "./triggers.js";

const KNOWN = new RegExp(KEY_SHAPE, "g");
const BLOCK = new RegExp(PRIVATE_KEY, "g");
const NAMED =
  /(?<![A-Za-z0-9])(?:api[-_ ]?key|access[-_ ]?key|secret[-_ ]?key|client[-_]?secret|(?:access|auth|refresh|api|bearer)[-_ ]?token|passw(?:or)?d|secret|パスワード|暗証番号|合言葉|アクセスキー|APIキー|トークン)(?:\s+is|は)?\s*["']?\s*[:=：]?\s*["'「]?((?=[A-Za-z_~+/=!@#$%^*.-]*\d)(?=[\d_~+/=!@#$%^*.-]*[A-Za-z])[A-Za-z0-9_~+/=!@#$%^*.-]{7,200}[A-Za-z0-9_~+/=!@#$%^*-])/gi;
const RUN = /(?<![A-Za-z0-9_+/.-])[A-Za-z0-9_+/-]{28,512}={0,2}(?![A-Za-z0-9_+/=-])/g;

const LEAST_OF_ONE_CASE = 32;

/** Bits that each sign of it tells, by how often signs occur. */
function bitsPerSign(text: string): number {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}

/** Of one case with digits, as base 36 and base 32 have it. Hexadecimal is a hash; words with a number in them change seldom between both. */
function isChanceOfOneCase(value: string): boolean {
  if (value.length < LEAST_OF_ONE_CASE || !/^(?:[a-z0-9]+|[A-Z0-9]+)$/.test(value) || /^[0-9a-f]+$/i.test(value))
    return false;
  const changes = value.match(/\d(?=[A-Za-z])|[A-Za-z](?=\d)/g)?.length ?? 0;
  const least = /[a-z]/.test(value) ? 0.22 * value.length : 3;
  return changes >= least && bitsPerSign(value) > 3.7;
}

/** Capitals, small letters and digits mixed as words, paths, names of code and hashes never are. */
function isChance(value: string): boolean {
  const [small = 0, capital = 0, digit = 0] = [/[a-z]/g, /[A-Z]/g, /[0-9]/g].map(
    (set) => value.match(set)?.length ?? 0,
  );
  if (Math.min(small, capital) < 0.2 * value.length || digit === 0 || (value.match(/\//g)?.length ?? 0) > 3)
    return false;
  const changes = value.match(/(?:[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z]))/g)?.length ?? 0;
  return changes > 0.3 * value.length && bitsPerSign(value) > 3.8;
}

/** Checksums of packages (sha512-...) are known to everybody. */
const CHECKSUM = /sha(?:1|256|384|512)[-:]$/i;

/** Behind words that name keys and other things too: long, and no hash or id. */
const NAMED_LONG =
  /(?:bearer\s+|(?:token|key|secret)["']?\s*[:=]\s*["']?)(?![0-9a-f-]+(?![A-Za-z0-9_]))([A-Za-z0-9_~+/.=-]{24,200})/gi;

/** Names that services give to calls, answers and files: they open nothing. */
const IDENTIFIER =
  /^(?:call|chatcmpl|cmpl|toolu|tooluse|msg|run|asst|thread|resp|req|fc|rs|step|evt|file|batch|gen|ls|trace|span|session)[-_]/i;

function* findKeys(text: string): Generator<Span> {
  yield* places(text, BLOCK);
  yield* places(text, KNOWN);
  yield* places(text, RUN, (value, start) => {
    const checksum = /^sha(?:1|256|384|512)-/i.test(value) || CHECKSUM.test(text.slice(Math.max(0, start - 7), start));
    return !checksum && !IDENTIFIER.test(value) && (isChance(value) || isChanceOfOneCase(value));
  });
}

/** The beginning that says whose key it is. */
const LEAD =
  /^(?:sk-(?:ant-api\d\d-|ant-|proj-|svcacct-|admin-|or-|lf-)?|[a-z]{1,8}_(?:live_|test_|pat_|v1_)?|[A-Z]{4}(?=[A-Z0-9]{16}$)|AIza|ya29\.|glpat-|xox[a-z]-|xapp-|xai-|pplx-|SG\.|eyJ)/;

function otherKey(value: string, draw: Draw): string {
  if (value.startsWith("-----"))
    return value.replace(/(?<=-----\s*)[A-Za-z0-9+/=\s\\]+(?=-----END|$)/, (body) => draw.alike(body));
  const lead = LEAD.exec(value)?.[0] ?? "";
  return lead + draw.alike(value.slice(lead.length));
}

export const key: Detector = { kind: "key", needs: HAS.longRun, find: findKeys, surrogate: otherKey };

/** Short ones too, where a word says what they are. */
export const namedKey: Detector = {
  kind: "key",
  needs: HAS.mixed,
  find: function* (text) {
    yield* places(text, NAMED);
    yield* places(text, NAMED_LONG, (value) => /\d/.test(value) && /[A-Za-z]/.test(value) && !IDENTIFIER.test(value));
  },
  surrogate: otherKey,
};
