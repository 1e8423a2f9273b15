/** @file Tokens that split a character among them ("\\xe8\\xbf", "\\x94" for 返) as tokens of whole characters, by their bytes. What may come
 *  instead of a part comes instead of the whole, with the probability of the parts before it. Pure. */
import { isUtf8 } from "node:buffer";
import type { ScoredToken, TokenLogprobs } from "./types.js";

/** Bytes of tokens that all end within a character: a few are usual, and every one more is looked at again with those before it. */
const LONGEST_RUN = 1024;

/** The whole characters that bytes begin with; undefined where they are not UTF-8. */
function wholeCharacters(bytes: Uint8Array): string | undefined {
  const start = bytes.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  const lead = bytes[start] ?? 0;
  const length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const whole = start + length > bytes.length ? bytes.subarray(0, start) : bytes;
  return isUtf8(whole) ? Buffer.from(whole).toString("utf8") : undefined;
}

/** What may come instead of a token after the first bytes of a character. One that gives no whole character is left out, because it may
 *  become many. */
function alternativesOf(token: TokenLogprobs, before: readonly number[], beforeLogprob: number): ScoredToken[] {
  return token.top.flatMap((other) => {
    const bytes = other.bytes ?? Buffer.from(other.token);
    if (Buffer.from(bytes).equals(Buffer.from(token.bytes ?? []))) return [];
    const text = wholeCharacters(Uint8Array.from([...before, ...bytes]));
    return text === undefined || text === "" ? [] : [{ token: text, logprob: beforeLogprob + other.logprob }];
  });
}

/** The same answer in tokens of whole characters; undefined where a token has no bytes, or they are not UTF-8. */
export function wholeTokens(tokens: readonly TokenLogprobs[]): readonly TokenLogprobs[] | undefined {
  const found: TokenLogprobs[] = [];
  let [bytes, logprob, others]: [number[], number, ScoredToken[]] = [[], 0, []];
  for (const token of tokens) {
    if (token.bytes === undefined) return undefined;
    others.push(...alternativesOf(token, bytes, logprob));
    bytes.push(...token.bytes);
    logprob += token.logprob;
    const text = wholeCharacters(Uint8Array.from(bytes));
    if (text === undefined) return undefined;
    if (Buffer.byteLength(text) < bytes.length) {
      if (bytes.length > LONGEST_RUN) return undefined;
      continue;
    }
    found.push({ token: text, logprob, top: others });
    [bytes, logprob, others] = [[], 0, []];
  }
  return bytes.length === 0 ? found : undefined;
}
