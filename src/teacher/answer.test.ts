import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { labelFinder } from "../dataset/labels.js";
import { createSoftLabeller } from "../dataset/soft-labels.js";
import { chatCompletionSchema, type ChatCompletion } from "../wire/chat.js";
import { CUT_OFF, readAnswer } from "./answer.js";

const LABELS = ["card", "card_arrival", "fee"];
const indexOf = labelFinder(LABELS);

interface Written {
  readonly content: string | null;
  readonly finish?: string;
  readonly refusal?: string;
  readonly tokens?: readonly [string, number, Readonly<Record<string, number>>?][];
}

function completion({ content, finish = "stop", refusal, tokens }: Written): ChatCompletion {
  const logprobs = tokens && {
    content: tokens.map(([token, p, others = {}]) => ({
      token,
      logprob: Math.log(p),
      top_logprobs: Object.entries({ [token]: p, ...others }).map(([other, q]) => ({
        token: other,
        logprob: Math.log(q),
      })),
    })),
  };
  return chatCompletionSchema.parse({
    choices: [{ message: { content, refusal: refusal ?? null }, finish_reason: finish, logprobs: logprobs ?? null }],
  });
}

describe("readAnswer", () => {
  it.each([
    ['{"label": "card"}', 0],
    ["card_arrival", 1],
    [" FEE\n", 2],
    ["<think>card? no.</think>\nfee", 2],
    ['<think>\n</think>{"label":"Card  "}', 0],
  ])("takes %j for the label that it spells", (content, label) => {
    expect(readAnswer(completion({ content }), indexOf)).toMatchObject({ label });
  });

  it.each([
    ["the card", "the answer is none of the labels"],
    ["card.", "the answer is none of the labels"],
    ['{"label": "loan"}', "the answer is none of the labels"],
    ['{"label": ["card"]}', "the answer is none of the labels"],
    ['{"label": "card"', "the answer is none of the labels"],
    ["", "the answer is empty"],
    [null, "the answer is empty"],
    ["<think>card</think>", "the answer is empty"],
  ])("rejects %j instead of guessing", (content, rejected) => {
    expect(readAnswer(completion({ content }), indexOf)).toMatchObject({ label: -1, rejected });
  });

  it("rejects what was cut off, filtered or refused, even where a label is spelled", () => {
    expect(readAnswer(completion({ content: "card", finish: "length" }), indexOf)).toMatchObject({ rejected: CUT_OFF });
    expect(readAnswer(completion({ content: "card", finish: "content_filter" }), indexOf).rejected).toMatch(/filtered/);
    expect(readAnswer(completion({ content: "card", refusal: "I cannot" }), indexOf).rejected).toMatch(/refused/);
  });

  it("answers whatever a server sends with a label or a reason", () => {
    const content = fc.oneof(fc.string(), fc.json(), fc.constantFrom("card", '{"label":"fee"}', "</think>"));
    const token = fc.tuple(fc.constantFrom('{"', "label", '":"', "card", '"}', "fee", " ", "\u0000", ""), fc.double());
    fc.assert(
      fc.property(content, fc.array(token, { maxLength: 8 }), (text, tokens) => {
        const written = tokens.map(([spelling, p]): [string, number] => [spelling, Math.abs(p) || 0.5]);
        const parsed = chatCompletionSchema.safeParse({
          choices: [
            {
              message: { content: text },
              logprobs: {
                content: written.map(([spelling, p]) => ({
                  token: spelling,
                  logprob: -p,
                  bytes: [...Buffer.from(spelling)],
                })),
              },
            },
          ],
        });
        if (!parsed.success) return;
        const answer = readAnswer(parsed.data, indexOf);
        expect(answer.label >= 0).toBe(answer.rejected === undefined);
      }),
    );
  });
});

/** Probabilities that the import would give the labels. */
function softened(written: Written): number[] | undefined {
  const answer = readAnswer(completion(written), indexOf);
  const tokens = (answer.logprobs ?? []).map(({ top_logprobs: top, ...token }) => ({ ...token, top }));
  return createSoftLabeller(LABELS)(tokens, LABELS[answer.label] ?? "", answer.label);
}

/** P(card) = 0.6 x 0.7, P(card_arrival) = 0.6 x 0.3, P(fee) = 0.4. */
const EXPECTED = [0.42, 0.18, 0.4, 0];

describe("log-probabilities of a label", () => {
  it.each([
    [
      "apart from the JSON",
      [
        ['{"label"', 1],
        [':"', 1],
        ["card", 0.6, { fee: 0.4 }],
        ['"}', 0.7, { _arrival: 0.3 }],
      ],
    ],
    [
      "joined to its quote",
      [
        ['{"label":', 1],
        ['"card', 0.6, { '"fee': 0.4 }],
        ['"}', 0.7, { _arrival: 0.3 }],
      ],
    ],
    [
      "ended in several ways",
      [
        ['{"label":"', 1],
        ["card", 0.6, { fee: 0.4 }],
        ['"}', 0.5, { '"': 0.2, _arrival: 0.3 }],
      ],
    ],
    [
      "in one token",
      [
        ['{"label":"', 1],
        ['card"}', 0.42, { 'fee"}': 0.4, card_: 0.18 }],
      ],
    ],
  ] as [string, [string, number, Record<string, number>?][]][])(
    "are those of the labels where it stands %s",
    (_name, tokens) => {
      const soft = softened({ content: '{"label":"card"}', tokens });
      expect(soft?.map((p) => Number(p.toFixed(9)))).toEqual(EXPECTED);
    },
  );

  it("are those of plain text as it is, white space before it included", () => {
    const tokens: [string, number, Record<string, number>][] = [
      [" card", 0.6, { fee: 0.4 }],
      ["_arrival", 0.3, { "\n": 0.7 }],
    ];
    expect(softened({ content: " card_arrival", tokens })?.map((p) => Number(p.toFixed(9)))).toEqual(EXPECTED);
  });

  it("leave the thinking before it out", () => {
    const tokens: [string, number, Record<string, number>?][] = [
      ["<think>", 1],
      ["fee?", 0.1],
      ["</think>", 1],
      ["fee", 0.4, { card: 0.6 }],
    ];
    expect(softened({ content: "<think>fee?</think>fee", tokens })?.[2]).toBeCloseTo(0.4, 9);
  });

  describe("whose tokens split a character", () => {
    const JAPANESE = ["返金", "返品", "配送"];
    const bytesOf = (text: string): number[] => [...Buffer.from(text)];
    const token = (bytes: number[], p: number, others: readonly (readonly [number[], number])[] = []) => ({
      token: Buffer.from(bytes).toString("latin1"),
      bytes,
      logprob: Math.log(p),
      top_logprobs: [[bytes, p] as const, ...others].map(([other, q]) => ({
        token: Buffer.from(other).toString("latin1"),
        bytes: other,
        logprob: Math.log(q),
      })),
    });
    // 返 is e8 bf 94, 近 is e8 bf 91, 配 is e9 85 8d.
    const split = [
      token(bytesOf('{"label":"'), 1),
      token([0xe8, 0xbf], 0.6, [
        [bytesOf("配送"), 0.3],
        [[0xe9, 0x85], 0.1],
      ]),
      token([0x94], 0.9, [[[0x91], 0.1]]),
      token(bytesOf("金"), 0.7, [[bytesOf("品"), 0.3]]),
      token(bytesOf('"}'), 1),
    ];
    const read = (content: readonly object[]) =>
      readAnswer(
        chatCompletionSchema.parse({ choices: [{ message: { content: '{"label":"返金"}' }, logprobs: { content } }] }),
        labelFinder(JAPANESE),
      );

    it("are joined by their bytes, alternatives to a part of it included", () => {
      const answer = read(split);
      const tokens = (answer.logprobs ?? []).map(({ top_logprobs: top, ...rest }) => ({ ...rest, top }));
      const soft = createSoftLabeller(JAPANESE)(tokens, "返金", answer.label);
      expect(tokens.map((one) => one.token).join("")).toBe("返金\n");
      expect(soft?.map((p) => Number(p.toFixed(9)))).toEqual([0.378, 0.162, 0.3, 0.16]);
    });

    it.each([
      ["has no bytes", { bytes: null }],
      ["has bytes that are none", { bytes: [300] }],
      ["has bytes that are not UTF-8", { bytes: [0x41, 0x94] }],
      ["ends within a character", { bytes: [0x22, 0x7d, 0xe8] }],
    ])("are not aligned where one of them %s", (_name, change) => {
      const broken = [...split.slice(0, -1), { ...token(bytesOf('"}'), 1), ...change }];
      expect(read(broken)).toMatchObject({ label: 0, withoutLogprobs: "not aligned" });
    });
  });

  it("are left out, with the reason, where they do not spell the answer or none came", () => {
    expect(readAnswer(completion({ content: "card", tokens: [["fee", 1]] }), indexOf)).toMatchObject({
      label: 0,
      withoutLogprobs: "not aligned",
    });
    expect(readAnswer(completion({ content: "card" }), indexOf)).toMatchObject({ withoutLogprobs: "absent" });
  });
});
