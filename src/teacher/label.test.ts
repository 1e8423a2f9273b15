import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { callUsd } from "../cost.js";
import { buildLabelDataset } from "../dataset/build.js";
import { importLogs } from "../dataset/import.js";
import type { LlmRecord } from "../dataset/types.js";
import { ConfigError, InputError, UpstreamError } from "../errors.js";
import { createChatClient } from "../wire/client.js";
import { labelTexts, type AskOrder, type LabelOptions, type LabelResult } from "./label.js";
import { defaultMaxTokens, type TeacherSettings } from "./question.js";
import {
  answerOf,
  labels,
  probabilitiesOf,
  startTeacher,
  unseenTexts,
  type ServerOptions,
  type TeacherServer,
} from "./server.test.fixture.js";

const root = mkdtempSync(join(tmpdir(), "joryu-label-"));
const servers: TeacherServer[] = [];
let folders = 0;
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PRICE = { inputUsdPerMillion: 1, outputUsdPerMillion: 4 };
const texts = unseenTexts.slice(0, 40).map((text) => ({ text, occurrences: 1, meta: {} }));

async function serve(options: ServerOptions = {}): Promise<TeacherServer> {
  const server = await startTeacher(options);
  servers.push(server);
  return server;
}

const newFolder = (): string => join(root, String(folders++));

function optionsOf(
  server: TeacherServer,
  changes: Partial<LabelOptions> = {},
  settings: Partial<TeacherSettings> = {},
): LabelOptions {
  return {
    texts,
    settings: {
      model: "linear-teacher",
      labels,
      prompts: ["Name the intent of the message."],
      samples: 1,
      temperature: 0,
      maxTokens: defaultMaxTokens(labels),
      topLogprobs: 20,
      seed: 1,
      price: PRICE,
      ...settings,
    },
    client: createChatClient({ baseUrl: server.baseUrl, timeoutMs: 60_000 }),
    folder: newFolder(),
    concurrency: 4,
    firstDelayMs: 1,
    ...changes,
  };
}

async function recordsOf({ recordsPath }: LabelResult): Promise<LlmRecord[]> {
  const records: LlmRecord[] = [];
  const { counts } = await importLogs([recordsPath], { onRecord: (record) => records.push(record) });
  expect(counts.rejected).toBe(0);
  return records;
}

const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

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

describe("a budget", () => {
  it("is never exceeded by what the server counts, whatever is in flight and whatever fails", async () => {
    const server = await serve({
      delayMs: 2,
      conduct: ({ index }) => (index % 7 === 3 ? "cut" : index % 11 === 5 ? { status: 500 } : "as-usual"),
    });
    const many = unseenTexts.slice(0, 150).map((text) => ({ text, occurrences: 1, meta: {} }));
    const budgetUsd = 0.02;
    const { summary } = await labelTexts(optionsOf(server, { texts: many, budgetUsd, concurrency: 16 }));
    const served = callUsd(server.usage.promptTokens, server.usage.completionTokens, PRICE);
    expect(summary.ended).toBe("budget");
    expect(summary.accepted).toBeGreaterThan(10);
    expect(served).toBeLessThanOrEqual(budgetUsd);
    expect((summary.spentUsd ?? 0) + (summary.possiblySpentUsd ?? 0)).toBeLessThanOrEqual(budgetUsd);
  });

  it("counts what earlier calls spent, and a larger one goes on where it ended", async () => {
    const server = await serve();
    const options = optionsOf(server, { budgetUsd: 0.005 });
    const first = (await labelTexts(options)).summary;
    const again = (await labelTexts(options)).summary;
    expect(again).toMatchObject({ ended: "budget", accepted: first.accepted });
    const all = (await labelTexts({ ...options, budgetUsd: 1 })).summary;
    expect(all).toMatchObject({ ended: "complete", accepted: 40, answeredBefore: first.accepted });
    expect(new Set(server.answered.values())).toEqual(new Set([1]));
  });

  it.each([0.002, 0.004, 0.006])(
    "of %f USD that is used up asks nothing more, however short, and leaves the same records",
    async (budgetUsd) => {
      const server = await serve();
      const long = texts.map((row, i) => ({ ...row, text: row.text.repeat(1 + ((7 * i) % 9)) }));
      const options = optionsOf(server, { texts: long, budgetUsd, concurrency: 8 });
      const { recordsPath, summary } = await labelTexts(options);
      const [asked, records] = [server.calls.length, readFileSync(recordsPath, "utf8")];
      expect(summary.ended).toBe("budget");
      await labelTexts(options);
      expect([server.calls.length, readFileSync(recordsPath, "utf8")]).toEqual([asked, records]);
    },
  );

  it("of nothing asks nothing, and one without prices is refused", async () => {
    const server = await serve();
    expect((await labelTexts(optionsOf(server, { budgetUsd: 0 }))).summary).toMatchObject({ ended: "budget" });
    const { price: _, ...unpriced } = optionsOf(server).settings;
    await expect(labelTexts({ ...optionsOf(server, { budgetUsd: 1 }), settings: unpriced })).rejects.toThrow(
      ConfigError,
    );
    expect(server.calls).toHaveLength(0);
  });
});

describe("a journal", () => {
  it("counts a request that was in flight at a kill as possibly spent, and asks it again", async () => {
    const server = await serve();
    const options = optionsOf(server, { texts: texts.slice(0, 1) });
    await labelTexts(options);
    const journal = join(options.folder, "journal.jsonl");
    const [sent] = linesOf(journal);
    const other = { ...sent, id: "0".repeat(32), usd: 0.5 };
    appendFileSync(journal, `${JSON.stringify(other)}\n{"kind":"sen`);
    const { summary } = await labelTexts(options);
    expect(summary).toMatchObject({ accepted: 1, lostRequests: 1, possiblySpentUsd: 0.5 });
    await expect(labelTexts({ ...options, texts, budgetUsd: 0.5 })).resolves.toMatchObject({
      summary: { ended: "budget" },
    });
    expect(server.calls).toHaveLength(1);
  });

  it("answers a prompt, a label set or a model that changed as new questions", async () => {
    const server = await serve();
    const options = optionsOf(server, { texts: texts.slice(0, 2) });
    await labelTexts(options);
    for (const change of [{ prompts: ["Other."] }, { labels: labels.slice(1) }, { model: "second" }]) {
      const before = server.calls.length;
      await labelTexts({ ...options, settings: { ...options.settings, ...change } });
      expect(server.calls.length).toBe(before + 2);
    }
  });

  it("keeps what was answered when the caller aborts, and writes no records then", async () => {
    const controller = new AbortController();
    const server = await serve({
      conduct: ({ index }) => {
        if (index === 12) controller.abort(new Error("stopped by hand"));
        return "as-usual";
      },
      delayMs: 5,
    });
    const options = optionsOf(server, { signal: controller.signal, concurrency: 1 });
    const labelling = labelTexts(options);
    await expect(labelling).rejects.toThrow("stopped by hand");
    expect(() => readFileSync(join(options.folder, "records.jsonl"))).toThrow(/ENOENT/);
    const { signal: _, ...rest } = options;
    expect((await labelTexts(rest)).summary).toMatchObject({ ended: "complete", answeredBefore: 12, lostRequests: 1 });
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
