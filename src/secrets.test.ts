/** @file Every known shape of a secret, drawn at random, is absent from every printed form of an error; ordinary text stays as it is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, type JoryuError, UpstreamError } from "./errors.js";
import { decodeError, encodeError } from "./runtime/error-message.js";
import { REDACTED, redactSecrets, redactValue } from "./secrets.js";
import { httpError } from "./wire/failures.js";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const ALNUM = LOWER + UPPER + DIGITS;

function run(alphabet: string, minLength: number, maxLength = minLength): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
}

/** The secret part, and the text that it stands in. */
interface Shown {
  readonly secret: string;
  readonly text: string;
}

/** The longest part between characters that a printer may escape. */
function core(secret: string): string {
  return secret.split(/["\\]/).reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}

const whole = (secrets: fc.Arbitrary<string>): fc.Arbitrary<Shown> =>
  secrets.map((secret) => ({ secret, text: secret }));

function within(
  secrets: fc.Arbitrary<string>,
  ...frames: readonly ((secret: string) => string)[]
): fc.Arbitrary<Shown> {
  // Without a digit a draw may be a word that every printed error holds, such as "length".
  const telling = secrets.filter((secret) => /[0-9]/.test(core(secret)));
  return fc.tuple(telling, fc.constantFrom(...frames)).map(([secret, frame]) => ({ secret, text: frame(secret) }));
}

const prefixed = (prefix: string, rest: fc.Arbitrary<string>): fc.Arbitrary<Shown> =>
  whole(rest.map((text) => prefix + text));
const joined = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(""));
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const base64url = (text: string): string => Buffer.from(text).toString("base64url");
const printable = fc.string({ unit: fc.constantFrom(...ALNUM, ..."-_.~!$*+"), minLength: 8, maxLength: 40 });

const SHAPES: Readonly<Record<string, fc.Arbitrary<Shown>>> = {
  openai: prefixed("sk-", run(ALNUM, 48)),
  "openai-project": prefixed("sk-proj-", run(`${ALNUM}-_`, 40, 150)),
  "self-hosted": prefixed("sk-", joined(run(LOWER, 6), run(DIGITS, 6))),
  anthropic: prefixed("sk-ant-api03-", run(`${ALNUM}-_`, 80, 100)),
  aws: prefixed("AKIA", run(UPPER + DIGITS, 16)),
  "aws-session": prefixed("ASIA", run(UPPER + DIGITS, 16)),
  google: prefixed("AIza", run(`${ALNUM}-_`, 35)),
  github: whole(
    fc.tuple(fc.constantFrom("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), run(ALNUM, 36)).map((p) => p.join("")),
  ),
  "github-fine": prefixed("github_pat_", joined(run(ALNUM, 22), fc.constant("_"), run(ALNUM, 59))),
  slack: whole(
    fc
      .tuple(fc.constantFrom("xoxb-", "xoxp-", "xoxa-", "xoxs-"), run(DIGITS, 12), run(ALNUM, 24))
      .map(([kind, id, rest]) => `${kind}${id}-${rest}`),
  ),
  huggingface: prefixed("hf_", run(ALNUM, 34)),
  stripe: prefixed("sk_live_", run(ALNUM, 24)),
  groq: prefixed("gsk_", run(ALNUM, 52)),
  jwt: within(
    fc
      .tuple(printable, run(`${ALNUM}-_`, 43))
      .map(([subject, signature]) =>
        [base64url(`{"alg":"HS256","typ":"JWT"}`), base64url(JSON.stringify({ subject })), signature].join("."),
      ),
    (secret) => secret,
  ),
  bearer: within(
    run(`${ALNUM}._~+/-`, 20, 60),
    (secret) => `Authorization: Bearer ${secret}`,
    (secret) => `{"authorization":"Bearer ${secret}"}`,
    (secret) => `sent bearer ${secret}`,
  ),
  basic: within(
    fc.tuple(run(LOWER, 4, 12), printable).map(([user, password]) => base64(`${user}:${password}`)),
    (secret) => `Authorization: Basic ${secret}`,
    (secret) => `headers { authorization: 'Basic ${secret}' }`,
    (secret) => `refused Basic ${secret}`,
  ),
  header: within(
    run(ALNUM, 16, 40),
    (secret) => `x-api-key: ${secret}`,
    (secret) => `X-Goog-Api-Key: ${secret}`,
    (secret) => `api-key: ${secret}`,
    (secret) => `"x-api-key": "${secret}"`,
    (secret) => `cookie: session=${secret}; theme=dark`,
  ),
  pair: within(
    run(`${ALNUM}-_.~+/=!@#$%^*`, 16, 40),
    (secret) => `api_key=${secret}`,
    (secret) => `OPENAI_API_KEY=${secret}`,
    (secret) => `apikey: ${secret}`,
    (secret) => `password: ${secret}`,
    (secret) => `client_secret=${secret}`,
    (secret) => `Incorrect API key provided: ${secret}`,
  ),
  quoted: within(
    run(`${ALNUM} ,;-_.~+/=!@#$%^&*(){}`, 8, 40).filter((text) => text.trim() === text),
    (secret) => `{"apiKey": "${secret}", "model": "m"}`,
    (secret) => `{ password: '${secret}' }`,
    (secret) => JSON.stringify({ body: JSON.stringify({ api_key: secret }) }),
    (secret) => JSON.stringify(JSON.stringify({ body: JSON.stringify({ access_token: secret }) })),
  ),
  "quoted-with-quotes": within(
    run(ALNUM, 8).chain((a) => run(ALNUM, 8).map((b) => `${a}"${b}`)),
    (secret) => JSON.stringify({ apiKey: secret }),
    (secret) => JSON.stringify({ body: JSON.stringify({ apiKey: secret }) }),
  ),
  url: within(
    run(`${ALNUM}-_.~!$&'()*+,;=:@%`, 8, 30).filter((text) => !/['"]/.test(text)),
    (secret) => `postgres://user:${secret}@host/db`,
    (secret) => `https://:${secret}@host:8000/v1?x=1`,
  ),
  "url-token": within(
    run(ALNUM, 20, 40),
    (secret) => `https://${secret}@host/repository.git`,
    (secret) => `https://host/v1?key=${secret}&alt=json`,
    (secret) => `https://host/v1?alt=json&access_token=${secret}`,
  ),
  "private-key": within(
    run(`${ALNUM}+/`, 64, 200),
    (secret) => `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n-----END RSA PRIVATE KEY-----`,
    (secret) => `-----BEGIN PRIVATE KEY-----\\n${secret}\\n-----END PRIVATE KEY-----`,
    (secret) => `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}`,
  ),
};

/** Where a secret may stand in a line; what is glued to it ends no token. */
const PLACES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `the server says: ${text}`,
  (text) => `(${text})`,
  (text) => `line one\n${text}\nline three`,
  (text) => `送信 ${text} 失敗`,
];

function causeOf(text: string): Error {
  const inner = Object.assign(new TypeError(text), { code: "EX", address: { note: text, list: [text] } });
  return new AggregateError([inner, new Error("other", { cause: text })], `outer ${text}`, { cause: inner });
}

/** Everything that is ever printed or written of an error. */
function printedForms(text: string): string[] {
  const details = {
    hint: text,
    facts: { said: text, deep: [{ [text]: text }, new Map([[text, new Set([text])]])] },
    cause: causeOf(text),
  };
  const upstream = new UpstreamError(text, { ...details, isForAll: false, mayHaveCost: false });
  const errors: JoryuError[] = [
    new ConfigError(text, details),
    upstream,
    new ConfigError("above", { cause: upstream }),
    decodeError(encodeError(causeOf(text))),
    httpError("http://host/v1", {
      status: 400,
      body: { message: text, param: text, code: text },
      retryAfterMs: undefined,
      shouldRetry: undefined,
    }),
  ];
  return errors.flatMap((error) => [
    error.message,
    String(error),
    error.stack ?? "",
    inspect(error, { depth: 20, showHidden: true }),
    JSON.stringify(error),
    JSON.stringify(encodeError(error)),
  ]);
}

describe.each(Object.entries(SHAPES))("a secret of the shape %s", (_name, shape) => {
  it("is in no printed form of an error", () => {
    fc.assert(
      fc.property(shape, fc.constantFrom(...PLACES), ({ secret, text }, place) => {
        for (const form of printedForms(place(text))) {
          expect(form).not.toContain(secret);
          expect(form).not.toContain(core(secret));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is replaced once and for all", () => {
    fc.assert(
      fc.property(shape, fc.constantFrom(...PLACES), ({ secret, text }, place) => {
        const redacted = redactSecrets(place(text));
        expect(redacted).toContain(REDACTED);
        expect(redacted).not.toContain(core(secret));
        expect(redactSecrets(redacted)).toBe(redacted);
      }),
      { numRuns: 300 },
    );
  });

  it("is not cut into a part that nobody knows", () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 200, max: 299 }), ({ secret, text }, before) => {
        const body = { message: `${"x ".repeat(before / 2)}${text}`, param: "", code: "" };
        const { message } = httpError("http://host", {
          status: 400,
          body,
          retryAfterMs: undefined,
          shouldRetry: undefined,
        });
        const part = core(secret);
        expect(message).not.toContain(part.slice(Math.max(0, part.length - 12)));
        expect(message).not.toContain(part.slice(0, 12));
      }),
    );
  });
});

describe("what is no secret", () => {
  it.each([
    "sk-learn",
    "sk-learn-contrib",
    "label sk-transfer-not-received-by-recipient",
    "task-0123456789abcdefghij",
    "hf_transfer",
    "ghp_ stands before the keys of GitHub",
    "basic understanding of bearer instruments",
    "basic authentication/authorization",
    "the bearer of the card",
    "environment variable OPENAI_API_KEY: not set; put the key into it",
    "--api-key-env: expected the name of an environment variable, not the key itself",
    "api_key: expected text",
    "password: required",
    "lost_password: 12 rows, reset_password: 7 rows",
    "http://127.0.0.1:8000/v1/chat/completions: HTTP 401",
    "ssh://git@host/repository.git",
    "https://host/v1?max_tokens=512&model=m",
    "runs/0a1b2c3d4e5f/encoder-small-weights.bin: header is cut off",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "datasets/5d41402abc4b2a76b9719d911017c592/manifest.json",
    "eyJ is how JSON in base64 begins",
    "the token [CLS] has id 101; token: <s>",
    "-----BEGIN CERTIFICATE-----",
  ])("stays: %s", (text) => {
    expect(redactSecrets(text)).toBe(text);
  });

  it("stays where it is a hash of 32 or 64 hexadecimal digits, with every name that stands before one", () => {
    const hashes = fc.oneof(run("0123456789abcdef", 32), run("0123456789abcdef", 64));
    const frames = ["", "SHA-256 ", "dataset ", "hash: ", "models/m@", "sha256=", "fingerprint: ", "plan "];
    fc.assert(
      fc.property(hashes, fc.constantFrom(...frames), (hash, frame) => {
        expect(redactSecrets(`${frame}${hash}`)).toBe(`${frame}${hash}`);
      }),
    );
  });

  it("stays in the project's own documents and in the bundled logs", () => {
    const documents = [
      "README.md",
      ...readdirSync("docs")
        .filter((name) => name.endsWith(".md"))
        .map((name) => join("docs", name)),
    ];
    for (const path of [...documents, "examples/banking77/logs.jsonl"]) {
      const text = readFileSync(path, "utf8");
      expect(redactSecrets(text)).toBe(text);
    }
  });

  it("stays where it is words", () => {
    const words = fc.array(run(LOWER, 1, 12), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(words, (list) => {
        expect(redactSecrets(list.join(" "))).toBe(list.join(" "));
      }),
    );
  });
});

describe("redacting values", () => {
  it("takes what is named as a secret whole, keeps everything else, and changes nothing in place", () => {
    const value = {
      apiKey: "plain",
      nested: { Authorization: "x", rows: 3, labels: ["a", null] },
      big: new Uint8Array(2),
    };
    expect(redactValue(value)).toEqual({
      apiKey: REDACTED,
      nested: { Authorization: REDACTED, rows: 3, labels: ["a", null] },
      big: new Uint8Array(2),
    });
    expect(value.apiKey).toBe("plain");
  });

  it("keeps name, code and message of a cause that holds no secret, and leaves the cause as it is", () => {
    const cause = Object.assign(new RangeError("api_key=abcdefgh"), { code: "ERANGE" });
    const { cause: shown } = new ConfigError("x", { cause });
    expect(shown).toMatchObject({ name: "RangeError", code: "ERANGE", message: `api_key=${REDACTED}` });
    expect(cause.message).toBe("api_key=abcdefgh");
  });

  it("ends at causes that go round", () => {
    const cause: Error & { cause?: unknown } = new Error("a");
    cause.cause = cause;
    expect(() => inspect(new ConfigError("x", { cause }))).not.toThrow();
  });

  it("costs a pass over a long text, whatever it repeats", () => {
    for (const part of [
      "a-",
      "sk-",
      "://a:",
      "eyJaaaaaaaa.",
      "Bearer ",
      "api_key",
      'api_key="',
      "\\",
      "?a_",
      "x-a",
      "a.b/",
    ])
      expect(redactSecrets(part.repeat(200_000 / part.length)).length).toBeGreaterThan(0);
  });
});
