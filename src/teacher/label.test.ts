import { describe, expect, it } from "vitest";
import { callUsd } from "../cost.js";
import { buildLabelDataset } from "../dataset/build.js";
import { importLogs } from "../dataset/import.js";
import type { LlmRecord } from "../dataset/types.js";
import { ConfigError, InputError, UpstreamError } from "../errors.js";
import { createChatClient } from "../wire/client.js";
import { labelTexts, type AskOrder, type LabelResult } from "./label.js";
import { linesOf, newFolder, optionsOf, PRICE, serve, texts } from "./label.test.fixture.js";
import { defaultMaxTokens } from "./question.js";
import { answerOf, labels, probabilitiesOf, unseenTexts } from "./server.test.fixture.js";

async function recordsOf({ recordsPath }: LabelResult): Promise<LlmRecord[]> {
  const records: LlmRecord[] = [];
  const { counts } = await importLogs([recordsPath], { onRecord: (record) => records.push(record) });
  expect(counts.rejected).toBe(0);
  return records;
}

describe("labelTexts", () => {
  it("writes records that the import reads: the teacher's answer, model, tokens, cost and latency of each", async () => {
    const server = await serve();
    const result = await labelTexts(optionsOf(server));
    const records = await recordsOf(result);
    expect(records.map(({ answer }) => answer)).toEqual(texts.map(({ text }) => answerOf(text)));
    expect(records.map(({ messages }) => messages.at(-1)?.content)).toEqual(texts.map(({ text }) => text));
    for (const record of records) {
      expect(record.model).toBe("linear-teacher-1");
      expect(record.costUsd).toBe(callUsd(record.inputTokens ?? 0, record.outputTokens ?? 0, PRICE));
      expect(record.latencyMs).toBeGreaterThanOrEqual(0);
    }
    expect(result.summary).toMatchObject({ ended: "complete", accepted: 40, unanswered: 0, rejected: {} });
    expect(result.summary.spentUsd).toBeCloseTo(
      callUsd(server.usage.promptTokens, server.usage.completionTokens, PRICE),
      12,
    );
  });

  it("keeps the teacher's probability of its answer through JSON, tokens and import", async () => {
    const server = await serve();
    const many = unseenTexts.slice(0, 120).map((text) => ({ text, occurrences: 1, meta: {} }));
    const result = await labelTexts(optionsOf(server, { texts: many }));
    const built = await buildLabelDataset([result.recordsPath], { seed: 1, outDir: newFolder() });
    for (const row of built.dataset.rows) {
      const label = built.dataset.labels[row.label] ?? "";
      expect(row.softLabels?.[row.label]).toBeCloseTo(probabilitiesOf(row.text)[labels.indexOf(label)] ?? -1, 6);
    }
    expect(built.dataset.rows).toHaveLength(many.length);
  });

  it("asks a repeated text once and keeps how often it stood there as the row's weight", async () => {
    const server = await serve();
    const repeated = texts.map((row, i) => ({ ...row, occurrences: 1 + (i % 3) }));
    const result = await labelTexts(optionsOf(server, { texts: repeated }, { samples: 2, temperature: 1 }));
    expect(server.calls).toHaveLength(80);
    const built = await buildLabelDataset([result.recordsPath], { seed: 1, outDir: newFolder() });
    const weights = new Map(built.dataset.rows.map((row) => [row.text, row.weight]));
    expect(repeated.map(({ text }) => weights.get(text))).toEqual(repeated.map(({ occurrences }) => occurrences));
    expect(built.dataset.traffic.calls).toBe(repeated.reduce((sum, { occurrences }) => sum + occurrences, 0));
    expect(built.dataset.teacherSelfAgreement).toMatchObject({ pairs: 40, agreeing: 40 });
  });

  it("gives the right answer, time, user and conversation of the data on", async () => {
    const server = await serve();
    const meta = { id: "ticket-1", timestampMs: 1_700_000_000_000, user: "u", conversation: "c", gold: "x" };
    const result = await labelTexts(optionsOf(server, { texts: [{ text: "lost card", occurrences: 1, meta }] }));
    const { id: _, ...kept } = meta;
    expect((await recordsOf(result))[0]).toMatchObject(kept);
    expect(linesOf(result.recordsPath)[0]).toMatchObject({ metadata: { source_id: "ticket-1" } });
  });

  it("never has more requests in flight than the limit, and reaches it", async () => {
    const server = await serve({ delayMs: 20 });
    await labelTexts(optionsOf(server, { concurrency: 3 }));
    expect(server.mostOpen).toBe(3);
  });

  it("asks the texts of `order` first, and each once", async () => {
    const server = await serve();
    const order = (): number[] => [...texts.keys()].reverse().flatMap((i) => [i, i]);
    await labelTexts(optionsOf(server, { order, concurrency: 1 }));
    expect(server.calls.map(({ text }) => text)).toEqual(texts.map(({ text }) => text).reverse());
  });

  it("asks round after round, and tells the order what was answered", async () => {
    const server = await serve();
    const seen: number[] = [];
    const order: AskOrder = ({ round, labels: answers }) => {
      seen.push(answers.filter((label) => label !== undefined).length);
      expect(answers[0] === undefined || answers[0] === answerOf(texts[0]?.text ?? "")).toBe(true);
      return [...texts.keys()].slice(round * 15, round * 15 + 15);
    };
    await labelTexts(optionsOf(server, { order }));
    expect(seen).toEqual([0, 15, 30, 40]);
  });

  it("writes the sides of a split only where not all texts could be asked", async () => {
    const server = await serve();
    const sideOf = (row: number): "train" | "test" => (row % 2 === 0 ? "test" : "train");
    const options = optionsOf(server, { sideOf, budgetUsd: 0.005 });
    const sides = (path: string): unknown[] => linesOf(path).map(({ split }) => split);
    const { recordsPath } = await labelTexts(options);
    expect(sides(recordsPath).slice(0, 4)).toEqual(["test", "train", "test", "train"]);
    await labelTexts({ ...options, budgetUsd: 1 });
    expect(new Set(sides(recordsPath))).toEqual(new Set([undefined]));
  });

  it("keeps several answers of several prompts apart and counts how often they agree", async () => {
    const other = labels[0] === answerOf(texts[0]?.text ?? "") ? labels[1] : labels[0];
    const server = await serve({
      conduct: ({ text, earlier }) => (text === texts[0]?.text && earlier === 3 ? { answer: other ?? "" } : "as-usual"),
    });
    const two = texts.slice(0, 2);
    const options = optionsOf(
      server,
      { texts: two, concurrency: 1 },
      { prompts: ["One.", "Two: {labels}"], samples: 2 },
    );
    const result = await labelTexts(options);
    expect(result.summary.agreement).toEqual({ pairs: 12, agreeing: 9 });
    expect(linesOf(result.recordsPath).map(({ prompt, sample }) => [prompt, sample])).toEqual(
      [0, 0].flatMap(() => [
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
      ]),
    );
    expect(new Set((await recordsOf(result)).map(({ messages }) => messages[0]?.content)).size).toBe(1);
    expect(new Set(server.calls.map(({ request }) => request.messages[0]?.content)).size).toBe(2);
  });
});

describe("answers that are no label", () => {
  it("are kept as rejected with what was said, and are not asked again", async () => {
    const server = await serve({
      conduct: ({ text }) => (text === texts[3]?.text ? { answer: "a_new_intent" } : "as-usual"),
    });
    const options = optionsOf(server);
    const result = await labelTexts(options);
    expect(result.summary).toMatchObject({ accepted: 39, rejected: { "the answer is none of the labels": 1 } });
    expect(linesOf(result.rejectsPath)).toEqual([
      expect.objectContaining({ text: texts[3]?.text, answer: '{"label":"a_new_intent"}' }),
    ]);
    await labelTexts(options);
    expect(server.calls).toHaveLength(40);
  });

  it("end the labelling when they are all there is", async () => {
    const server = await serve({ conduct: () => ({ answer: "whatever" }) });
    const many = unseenTexts.slice(0, 200).map((text) => ({ text, occurrences: 1, meta: {} }));
    const { summary } = await labelTexts(optionsOf(server, { texts: many }));
    expect(summary.ended).toBe("unusable-answers");
    expect(server.calls.length).toBeLessThan(60);
  });

  it("are said to be all there is where texts are few", async () => {
    const server = await serve({ conduct: () => ({ answer: "whatever" }) });
    const { summary } = await labelTexts(optionsOf(server));
    expect(summary).toMatchObject({ ended: "unusable-answers", accepted: 0 });
  });
});

describe("a teacher beside known right answers", () => {
  const withGold = (golds: (text: string) => string) =>
    unseenTexts.slice(0, 400).map((text) => ({ text, occurrences: 1, meta: { gold: golds(text) } }));
  const wrong = (text: string): string => labels[(labels.indexOf(answerOf(text)) + 1) % labels.length] ?? "";

  it("is asked no more after a round in which it is worse than chance, and not again", async () => {
    const server = await serve();
    const texts = withGold(wrong);
    const order: AskOrder = ({ round }) => [...texts.keys()].filter((row) => row < 300 || round > 0);
    const options = optionsOf(server, { texts, order });
    for (const _ of ["first", "again"]) {
      expect((await labelTexts(options)).summary.ended).toBe("below-chance");
      expect(server.calls).toHaveLength(300);
    }
  });

  it("is asked to the end when one in ten is right, in any spelling, whatever comes first", async () => {
    const server = await serve();
    const [first, ...rest] = withGold((text) => ` ${answerOf(text).toUpperCase()}`);
    const texts = rest.map((row, i) => (i % 10 === 0 ? row : { ...row, meta: { gold: wrong(row.text) } }));
    const { summary } = await labelTexts(optionsOf(server, { texts: first === undefined ? texts : [first, ...texts] }));
    expect(summary).toMatchObject({ ended: "complete", accepted: 400 });
  });
});

describe("a server that supports less", () => {
  it("is asked for plain text where it refuses the schema, said once and counted", async () => {
    const server = await serve({
      conduct: ({ request }) =>
        request.response_format === undefined
          ? "as-usual"
          : { status: 400, body: { error: { message: "response_format is not supported" } } },
    });
    const notes: string[] = [];
    const result = await labelTexts(optionsOf(server, { note: (text) => notes.push(text) }));
    expect(result.summary).toMatchObject({ ended: "complete", accepted: 40, plainAnswers: 40, possiblySpentUsd: 0 });
    expect(notes.filter((text) => /refuses response_format/.test(text))).toHaveLength(1);
    expect((await recordsOf(result)).map(({ answer }) => answer)).toEqual(texts.map(({ text }) => answerOf(text)));
  });

  it("gives hard labels where it returns or accepts no log-probabilities, counted by reason", async () => {
    const silent = await serve({ withLogprobs: false });
    expect((await labelTexts(optionsOf(silent))).summary.withoutLogprobs).toEqual({ absent: 40 });
    const refusing = await serve({
      conduct: ({ request }) =>
        request.logprobs === true ? { status: 422, body: { detail: "logprobs: no" } } : "as-usual",
    });
    expect((await labelTexts(optionsOf(refusing))).summary.withoutLogprobs).toEqual({ refused: 40 });
  });

  it("is found out where it refuses without a word, until it answers", async () => {
    const server = await serve({
      conduct: ({ request }) =>
        request.response_format === undefined && request.logprobs === undefined ? "as-usual" : { status: 400 },
    });
    const { summary } = await labelTexts(optionsOf(server));
    expect(summary).toMatchObject({
      ended: "complete",
      accepted: 40,
      plainAnswers: 40,
      withoutLogprobs: { refused: 40 },
    });
  });

  it("gets max_completion_tokens and no temperature where it names them", async () => {
    const server = await serve({
      conduct: ({ request }) => {
        if (request.max_tokens !== undefined) return refusal("max_tokens", "Use 'max_completion_tokens' instead.");
        return request.temperature === undefined
          ? "as-usual"
          : refusal("temperature", "Only the default is supported.");
      },
    });
    expect((await labelTexts(optionsOf(server))).summary).toMatchObject({ ended: "complete", plainAnswers: 0 });
    expect(server.calls.at(-1)?.request).toMatchObject({ max_completion_tokens: defaultMaxTokens(labels) });
  });

  it("counts every answer at its bound where no token counts come", async () => {
    const server = await serve({ withUsage: false });
    const { summary } = await labelTexts(optionsOf(server));
    expect(summary.boundCosts).toBe(40);
    expect(summary.spentUsd).toBeGreaterThan(callUsd(server.usage.promptTokens, server.usage.completionTokens, PRICE));
  });
});

function refusal(param: string, message: string) {
  return { status: 400, body: { error: { message, param, type: "invalid_request_error", code: "unsupported" } } };
}

describe("a server in trouble", () => {
  it("is asked again after limits, cuts, failures and broken answers until every text has its answer", async () => {
    const troubles = [
      { status: 429, headers: { "retry-after": "0" } },
      "cut",
      { status: 500 },
      "not-json",
      { status: 503 },
    ] as const;
    const server = await serve({
      conduct: ({ earlier, text }) =>
        troubles[earlier + (texts.findIndex((row) => row.text === text) % 6)] ?? "as-usual",
    });
    const { summary } = await labelTexts(optionsOf(server));
    expect(summary).toMatchObject({ ended: "complete", accepted: 40, unanswered: 0 });
    expect(summary.failures).toMatchObject({ "HTTP 429": 7, "HTTP 500": 21, "HTTP 503": 34 });
    expect(new Set(server.answered.values())).toEqual(new Set([1]));
  });

  it("times out, which may have cost, and is asked again", async () => {
    const server = await serve({ conduct: ({ index }) => (index === 0 ? "silent" : "as-usual") });
    const client = createChatClient({ baseUrl: server.baseUrl, timeoutMs: 2000 });
    const { summary } = await labelTexts(optionsOf(server, { client, concurrency: 1, texts: texts.slice(0, 3) }));
    expect(summary).toMatchObject({ accepted: 3, failures: { "no answer within 2 s": 1 } });
    expect(summary.possiblySpentUsd).toBeGreaterThan(0);
  });

  it("leaves a question without answer after the last attempt, and a later call asks only that", async () => {
    let isDown = true;
    const server = await serve({
      conduct: ({ text }) => (isDown && text === texts[5]?.text ? { status: 500 } : "as-usual"),
    });
    const options = optionsOf(server, { attempts: 2 });
    expect((await labelTexts(options)).summary).toMatchObject({ ended: "failed", accepted: 39, unanswered: 1 });
    isDown = false;
    expect((await labelTexts(options)).summary).toMatchObject({ ended: "complete", accepted: 40, answeredBefore: 39 });
    expect(server.calls).toHaveLength(42);
  });

  it("that answers nothing ends the labelling instead of going through all texts", async () => {
    const server = await serve({ conduct: () => ({ status: 503 }) });
    const { summary } = await labelTexts(optionsOf(server, { attempts: 2 }));
    expect(summary).toMatchObject({ ended: "server-down", accepted: 0 });
    expect(server.calls.length).toBeLessThan(40);
  });

  it.each([401, 402, 403, 404])(
    "that answers %i for every key and model ends it at once with that error",
    async (status) => {
      const server = await serve({ conduct: ({ index }) => (index < 4 ? "as-usual" : { status }) });
      const options = optionsOf(server, { concurrency: 2 });
      await expect(labelTexts(options)).rejects.toThrow(UpstreamError);
      expect(server.calls.length).toBeLessThan(9);
    },
  );

  it.each([
    { message: "maximum context length is 8 tokens", code: "context_length_exceeded" },
    { message: "The prompt triggered the content management policy", code: "content_filter" },
  ])("that refuses one text keeps it as rejected and answers the others: $code", async (error) => {
    const server = await serve({
      conduct: ({ text }) => (text === texts[7]?.text ? { status: 400, body: { error } } : "as-usual"),
    });
    const options = optionsOf(server, { concurrency: 1 });
    const { summary } = await labelTexts(options);
    expect(summary).toMatchObject({ ended: "complete", accepted: 39, plainAnswers: 0, withoutLogprobs: {} });
    await labelTexts(options);
    expect(server.calls).toHaveLength(40);
  });
});

describe("prompts", () => {
  it("that are the same are refused before anything is asked: one answer would count as agreement", async () => {
    const server = await serve();
    const labelling = labelTexts(optionsOf(server, {}, { prompts: ["One.", "Two.", " One.\n"] }));
    await expect(labelling).rejects.toThrow(ConfigError);
    await expect(labelling).rejects.toThrow("prompt 3: the same as prompt 1; give it once");
    expect(server.calls).toHaveLength(0);
  });
});

describe("label sets", () => {
  it.each([
    [["one"], /at least 2/],
    [["a", "A "], /1 to 120 characters/],
    [["a b", "A  B"], /the same as/],
    [["a", "b\nc"], /on one line/],
    [["a", "{b"], /JSON/],
    [["a", ""], /1 to 120/],
  ])("refuse %j before anything is asked", async (wrong, message) => {
    const server = await serve();
    const labelling = labelTexts(optionsOf(server, {}, { labels: wrong }));
    await expect(labelling).rejects.toThrow(message);
    await expect(labelling).rejects.toThrow(InputError);
    expect(server.calls).toHaveLength(0);
  });
});
