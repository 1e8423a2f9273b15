/** @file Failures of a model's server as one table: can a retry help, would every other call fail too, may the server bill it.
 *  What is not known to be free counts as billed, because a budget rests on it. Follows OpenAI's error objects and what its clients
 *  retry. */
import { UpstreamError } from "../errors.js";
import { redactSecrets } from "../secrets.js";
import type { ErrorBody } from "./chat.js";

interface FailureRule {
  readonly retryable: boolean;
  readonly isForAll: boolean;
  readonly mayHaveCost: boolean;
  readonly hint?: string;
}

const REFUSED: FailureRule = { retryable: false, isForAll: false, mayHaveCost: false };
const RETRY_FREE: FailureRule = { retryable: true, isForAll: false, mayHaveCost: false };
const RETRY: FailureRule = { retryable: true, isForAll: false, mayHaveCost: true };

function forAll(hint: string): FailureRule {
  return { retryable: false, isForAll: true, mayHaveCost: false, hint };
}

const NO_KEY = forAll("set the environment variable of the key and name it with --api-key-env");
const NO_ADDRESS = forAll("check --teacher (it ends in /v1 with most servers) and --model");
const NO_CREDIT = forAll("the account has no credit left: add some and run again");

const BY_STATUS: ReadonlyMap<number, FailureRule> = new Map([
  [401, NO_KEY],
  [402, NO_CREDIT],
  [403, forAll("the key may not use this model")],
  [404, NO_ADDRESS],
  [405, NO_ADDRESS],
  [408, RETRY],
  [409, RETRY_FREE],
  [425, RETRY_FREE],
  [429, RETRY_FREE],
  [503, RETRY_FREE],
  [529, RETRY_FREE],
]);

/** Codes that a server gives with 429 or 400 and that no waiting mends. */
const OUT_OF_CREDIT = /insufficient_quota|billing|usage limit/i;

function ruleOf(status: number, body: ErrorBody | undefined): FailureRule {
  if (body !== undefined && status < 500 && OUT_OF_CREDIT.test(`${body.code} ${body.message}`)) return NO_CREDIT;
  const known = BY_STATUS.get(status);
  if (known !== undefined) return known;
  return status >= 500 ? RETRY : REFUSED;
}

/** Longest part of a server's message that is shown. */
const SHOWN_CHARACTERS = 300;

/** One line, redacted before it is cut: of a key that is cut the shape would not be known. */
export function shown(text: string): string {
  const line = redactSecrets(text).replace(/\s+/g, " ").trim();
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}...` : line;
}

export interface HttpFailure {
  readonly status: number;
  readonly body: ErrorBody | undefined;
  readonly retryAfterMs: number | undefined;
  /** The server's own word (`x-should-retry`). */
  readonly shouldRetry: boolean | undefined;
}

/** The error of an answer whose status is not 2xx. */
export function httpError(url: string, failure: HttpFailure): UpstreamError {
  const { status, body, shouldRetry } = failure;
  const rule = ruleOf(status, body);
  const said = body === undefined || body.message === "" ? "" : `: ${shown(body.message)}`;
  return new UpstreamError(`${url}: HTTP ${status}${said}`, {
    ...rule,
    retryable: rule.isForAll ? false : (shouldRetry ?? rule.retryable),
    status,
    facts: { param: body?.param ?? "", code: body?.code ?? "", message: body?.message ?? "" },
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}

/** System error codes: those raised before a byte was sent are free; certificates do not mend themselves. */
const BY_CODE: ReadonlyMap<string, FailureRule> = new Map([
  ["ECONNREFUSED", { ...RETRY_FREE, hint: "is the server running?" }],
  ["ENOTFOUND", { ...RETRY_FREE, hint: "check the host name of --teacher" }],
  ["EAI_AGAIN", RETRY_FREE],
  ["EHOSTUNREACH", RETRY_FREE],
  ["ENETUNREACH", RETRY_FREE],
  ["UND_ERR_CONNECT_TIMEOUT", RETRY_FREE],
  ["CERT_HAS_EXPIRED", forAll("the server's certificate has expired")],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", forAll("the server's certificate is self-signed: see NODE_EXTRA_CA_CERTS of Node")],
  ["SELF_SIGNED_CERT_IN_CHAIN", forAll("a certificate is self-signed: see NODE_EXTRA_CA_CERTS of Node")],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", forAll("the certificate is not known: see NODE_EXTRA_CA_CERTS of Node")],
  ["ERR_TLS_CERT_ALTNAME_INVALID", forAll("the certificate belongs to another host")],
]);

function codeOf(cause: unknown): string {
  for (let at = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return "";
}

/** The error of a call that ended without a whole answer: not connected, cut off, a redirect (none is followed). */
export function networkError(url: string, cause: unknown): UpstreamError {
  const code = codeOf(cause);
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : "";
  if (/redirect/i.test(reason)) {
    return new UpstreamError(`${url}: the server redirects`, forAll("name the address it redirects to"));
  }
  if (/bad port/i.test(reason)) return new UpstreamError(`${url}: fetch refuses this port`, forAll("choose another"));
  const rule = BY_CODE.get(code) ?? RETRY;
  return new UpstreamError(`${url}: no answer (${code === "" ? "the connection failed" : code})`, rule);
}

/** The error of a server that took longer than allowed. */
export function timeoutError(url: string, timeoutMs: number): UpstreamError {
  return new UpstreamError(`${url}: no answer within ${timeoutMs / 1000} s`, RETRY);
}

/** The error of a 2xx answer that is no completion. */
export function malformedError(url: string, what: string): UpstreamError {
  return new UpstreamError(`${url}: expected a chat completion, got ${what}`, RETRY);
}
