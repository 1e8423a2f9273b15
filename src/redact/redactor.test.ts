/** @file What goes, what stays, and that one value is one surrogate within a conversation. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRejection } from "../json.js";
import type { Kind } from "./kinds.js";
import { createRedactor, type Redactable, type RedactorOptions } from "./redactor.js";

function redacted(text: string, options: Partial<RedactorOptions> = {}, scope = "a"): string {
  const changed = createRedactor({ key: "test", ...options }).redactText(text, scope);
  if (isRejection(changed)) throw new Error(changed.reject);
  return changed;
}

function recordOf(question: string, answer: string, more: Partial<Redactable> = {}): Redactable {
  return { messages: [{ role: "user", content: question }], answer, ...more };
}

function redactedRecord<T extends Redactable>(record: T, options: Partial<RedactorOptions> = {}): T {
  const changed = createRedactor({ key: "test", ...options }).redactRecord(record);
  if (isRejection(changed)) throw new Error(changed.reject);
  return changed;
}

const VALUES: readonly (readonly [Kind, string, RegExp])[] = [
  ["email", "taro.yamada@kaisha.co.jp", /^[a-z]+\.\d{4}@example\.(?:co\.)?jp$/],
  ["email", "ｔａｒｏ＠ｋａｉｓｈａ．ｊｐ", /^[ａ-ｚ．０-９＠]+$/],
  ["telephone", "090-1234-5678", /^090-0\d{3}-\d{4}$/],
  ["telephone", "０３－１２３４－５６７８", /^０[３６]－０[０-９]{3}－[０-９]{4}$/],
  ["telephone", "+81 90-1234-5678", /^\+81 90-0\d{3}-\d{4}$/],
  ["telephone", "(415) 867-5309", /^\(\d{3}\) 555-01\d\d$/],
  ["telephone", "+44 20 7946 1958", /^\+44 20 7946 0\d{3}$/],
  ["card", "4111 1111 1111 1111", /^4000 00\d\d \d{4} \d{4}$/],
  ["iban", "GB82 WEST 1234 5698 7654 32", /^GB00 [A-Z]{4} \d{4} \d{4} \d{4} \d\d$/],
  ["ssn", "123-45-6789", /^666-\d\d-\d{4}$/],
  ["my-number", "1234-5678-9018", /^\d{4}-\d{4}-\d{4}$/],
  ["ip", "8.8.4.4", /^(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$/],
  ["ip", "2001:4860:4860::8888", /^2001:db8::[0-9a-f]{4}:[0-9a-f]{4}$/],
  ["address", "東京都港区六本木六丁目10番1号", /^(?:架空|見本|例示)県.+市.+丁目\d+番\d+号$/],
  ["address", "123 Main Street, Springfield, IL 62704", /^\d+ [A-Z][a-z]+ Street, Sampletown, IL 00\d{3}$/],
  ["address", "221B Baker Street, London NW1 6XE", /^\d+ [A-Z][a-z]+ Street, Sampleton, ZZ\d \dZZ$/],
  ["address", "Flat 3, 12 Harbour Quay, Bristol, BS1 5TY", /^\d+ [A-Z][a-z]+ Street, Sampleton, ZZ\d \dZZ$/],
  ["address", "17 Oak Ave. NW\nPortland, OR 97201", /^\d+ [A-Z][a-z]+ Ave, Sampletown, OR 00\d{3}$/],
  ["address", "千代田区丸の内１－１－１", /^[^県]+市.+[０-９]+－[０-９]+－[０-９]+$/],
  ["key", "ghp_0123456789abcdefghijABCDEFGHIJ012345", /^ghp_[A-Za-z0-9]{36}$/],
  ["key", "q7w2zk9x4m1p8t3v6y0bn5r2h7j4g1d8s3f6l9c0", /^[a-z0-9]{40}$/],
];

describe("a value", () => {
  it.each(VALUES)("of the kind %s goes for one of its look: %s", (_kind, value, look) => {
    const text = redacted(`連絡先 ${value} です`);
    expect(text).not.toContain(value);
    expect(text.slice("連絡先 ".length, -" です".length)).toMatch(look);
  });

  it.each(VALUES)("of the kind %s stays where its kind is kept: %s", (kind, value) => {
    const others = redacted(value, { kinds: [kind], keep: [kind] });
    expect(others).toBe(value);
  });

  it.each(VALUES)("of the kind %s stays where it is allowed: %s", (kind, value) => {
    expect(redacted(value, { kinds: [kind], allow: [value] })).toBe(value);
  });

  it("is the same in one conversation and another in the next, and under another key", () => {
    const value = "taro@kaisha.jp";
    expect(redacted(value)).toBe(redacted(value));
    expect(redacted(value, {}, "b")).not.toBe(redacted(value));
    expect(redacted(value, { key: "other" })).not.toBe(redacted(value));
  });

  it("is the same however it is written", () => {
    const text = redacted("0312345678 電話 03-1234-5678 / +81 3-1234-5678 / ０３－１２３４－５６７８");
    const digits =
      text
        .normalize("NFKC")
        .match(/[\d+-][\d -]{8,}\d/g)
        ?.map((part) => part.replace(/\D/g, "")) ?? [];
    expect(new Set(digits.map((part) => part.replace(/^81/, "0"))).size).toBe(1);
    expect(digits).toHaveLength(4);
  });

  it("ends no e-mail domain's allowance: all addresses of an allowed domain stay", () => {
    expect(redacted("a@ours.example b@ours.example c@theirs.example", { allow: ["@ours.example"] })).toMatch(
      /^a@ours\.example b@ours\.example \w+\.\d{4}@example\.\w+$/,
    );
  });
});

describe("a word beside a number", () => {
  it.each([
    ["my social is ", "123 45 6789"],
    ["SS# ", "123.45.6789"],
    ["patient ID: ", "123-45-6789"],
    ["my card id is ", "4111111111111111"],
    ["order ", "4111 1111 1111 1111"],
    ["the server is up: ", "203.0.113.9"],
    ["Authorization: Bearer ", "abcdefghij-klmnopqrst-uvw9"],
  ])("tells that it is a value: %s%s", (words, value) => {
    expect(redacted(words + value)).not.toContain(value);
  });
});

describe("what only looks like a value", () => {
  it.each([
    "use icon@2x.png and logo@3x.webp",
    "your reference 4111111111111111",
    "決済ID 4111111111111111",
    "app 5.2.0.11 crashes since it was upgraded from 4.1.0.2 to 5.2.0.11",
    "see section 4.2.1.3",
    "アプリ7.3.7.6をインストール",
    "commit q9ce1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e".replace("q", "0"),
    "part 123-45-6789",
    "we sat on 30 Park benches, 2 Hill walks later",
    "TOKEN=9ce1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1",
    "4111 1111 1111 1112",
    "GB82 WEST 1234 5698 7654 33",
    "1234-5678-9012",
    "666-45-6789",
    "注文番号 09012345678",
    "tracking number 1234-5678-9018",
    "order number 415-867-5309",
    "version 10.0.19041.1",
    "127.0.0.1:8080",
    "12:30:45",
    "1999-2000",
    "大阪市で3-1の勝利",
    "東京都港区に住んでいます",
    "福島県と山形県を繋ぐ国道121号",
    "user@localhost",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "chatcmpl-C7IWW4ZyFcMMUH5I00yulLd1Cuz2f",
    "walk 3 miles down the road",
  ])("stays: %s", (text) => {
    expect(redacted(text)).toBe(text);
  });
});

describe("a record", () => {
  it("keeps its answer aligned with its question, in JSON and without the word that told the kind", () => {
    const record = redactedRecord(
      recordOf(
        "電話は 0312345678、メールは foo@bar.com",
        JSON.stringify({ tel: "0312345678", note: "a\nfoo@bar.com" }),
      ),
    );
    const answer = JSON.parse(record.answer) as { tel: string; note: string };
    expect(answer.tel).not.toBe("0312345678");
    expect(record.messages[0]?.content).toBe(`電話は ${answer.tel}、メールは ${answer.note.slice(2)}`);
  });

  it("has the same surrogates in every call of a conversation that only its first turn tells", () => {
    const first = recordOf("I am foo@bar.com", "ok");
    const second = {
      messages: [...first.messages, { role: "assistant", content: "ok" }, { role: "user", content: "foo@bar.com?" }],
      answer: "yes",
    };
    const [a, b] = [redactedRecord(first), redactedRecord(second)];
    const value = a.messages[0]?.content.slice("I am ".length);
    expect(b.messages[2]?.content).toBe(`${value}?`);
  });

  it("keeps one system prompt one prompt", () => {
    const prompts = ["hello", "good day"].map(
      (content) =>
        redactedRecord({
          messages: [
            { role: "system", content: "Write to help@acme.example" },
            { role: "user", content },
          ],
          answer: "x",
        }).messages[0]?.content,
    );
    expect(prompts[0]).not.toContain("acme");
    expect(prompts[0]).toBe(prompts[1]);
  });

  it("loses the log-probabilities that spell a value, and no others", () => {
    const logprobs = [{ token: "x", logprob: 0, top: [] }];
    expect(redactedRecord(recordOf("a", "foo@bar.com", { logprobs })).logprobs).toBeUndefined();
    expect(redactedRecord(recordOf("foo@bar.com", "b", { logprobs })).logprobs).toEqual(logprobs);
  });

  it("names user and conversation otherwise, and tells them apart", () => {
    const [a, b, c] = ["taro@kaisha.jp", "jiro@kaisha.jp", "taro@kaisha.jp"].map((user) =>
      redactedRecord(recordOf("x", "y", { user, conversation: user })),
    );
    expect(a?.user).toMatch(/^[0-9a-z]{16}$/);
    expect(a?.user).toBe(c?.user);
    expect(a?.user).not.toBe(b?.user);
    expect(a?.conversation).not.toBe(a?.user);
  });

  it("takes values out of the arguments of tools, which stay JSON", () => {
    const call = { name: "call", arguments: String.raw`{"to":"\n090-1234-5678","also":9012345678}` };
    const { toolCalls } = redactedRecord(recordOf("090-1234-5678", "", { toolCalls: [call] }));
    const made = JSON.parse(toolCalls?.[0]?.arguments ?? "") as { to: string };
    expect(made.to).toMatch(/^\n090-0/);
  });

  it("without a value stays as it is", () => {
    const record = recordOf("カードが届きません 2024-05-01 12:30", "card_arrival", { id: "r-1", gold: "x" });
    expect(redactedRecord(record)).toBe(record);
  });
});

describe("what cannot be redacted is refused and counted", () => {
  const reasons = (options: Partial<RedactorOptions>, record: Redactable): unknown => {
    const redactor = createRedactor({ key: "test", ...options });
    const changed = redactor.redactRecord(record);
    return [isRejection(changed) ? changed.reject : changed, redactor.facts().rejected];
  };

  it("a text that is too long", () => {
    expect(reasons({ maximumUnits: 10 }, recordOf("x".repeat(11), "y"))).toEqual([
      "not redacted: a text is longer than 10 characters",
      { "a text is longer than 10 characters": 1 },
    ]);
  });

  it("binary data, raw or embedded", () => {
    for (const text of ["a\u0000b", `data:image/png;base64,${"iVBORw0KGgo".repeat(20)}`, "QUJD".repeat(600)])
      expect(reasons({}, recordOf("x", text))).toEqual([
        "not redacted: a text holds binary data",
        { "a text holds binary data": 1 },
      ]);
  });

  it("a detector of names that throws, answers later or answers nonsense", () => {
    const failing = [
      () => {
        throw new Error("model not loaded");
      },
      () => Promise.resolve(["Taro"]) as unknown as string[],
      () => [{ start: 0, end: 99 }],
    ];
    for (const names of failing)
      expect(reasons({ names }, recordOf("x", "y"))).toEqual([
        "not redacted: the detector of name failed",
        { "the detector of name failed": 1 },
      ]);
  });
});

describe("names", () => {
  const names = (text: string): string[] => ["山田太郎", "Jane Roe"].filter((name) => text.includes(name));

  it("go by the user's detector, in their script, and the facts say whether there was one", () => {
    const text = redacted("山田太郎 met Jane Roe", { names });
    expect(text).toMatch(/^[\p{sc=Han}々]{3,7} met [A-Z][a-z]+ [A-Z][a-z]+$/u);
    expect(text).not.toMatch(/山田太郎|Jane Roe/);
    expect(createRedactor({ key: "k", names }).facts().namesDetected).toBe(true);
    expect(createRedactor({ key: "k" }).facts().namesDetected).toBe(false);
  });

  it("stay without a detector", () => {
    expect(redacted("山田太郎 met Jane Roe")).toBe("山田太郎 met Jane Roe");
  });
});

describe("any text", () => {
  it("is redacted without an error, and its facts count what went", () => {
    const parts = fc.constantFrom(
      ...VALUES.map(([, value]) => value),
      "注文番号",
      "order",
      "\n",
      '"',
      "\\",
      "{",
      "丁目",
      "@",
      " ",
      "-",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string({ unit: "grapheme" })), { maxLength: 12 }), (list) => {
        const redactor = createRedactor({ key: "test" });
        const text = list.join("");
        const changed = redactor.redactText(text, "a");
        const { counts } = redactor.facts();
        const sum = Object.values(counts).reduce((total, count) => total + count, 0);
        expect(isRejection(changed) || (changed === text) === (sum === 0)).toBe(true);
      }),
    );
  });

  it("costs a pass, whatever it repeats", () => {
    for (const part of [
      "a",
      "1",
      "a@",
      "1.",
      "a.",
      "0-",
      "+1 ",
      "東京都",
      "市",
      "1丁目",
      "12 Main ",
      "GB82 ",
      ":",
      "sk-",
      "-1",
      "一",
      "'a",
      "4 ",
      "account number ",
      "1 a",
    ])
      for (const line of [part.repeat(100_000 / part.length), `${part.repeat(1_500 / part.length)}\n`.repeat(60)])
        expect(createRedactor({ key: "test" }).redactText(line, "a")).toBeDefined();
  });
});
