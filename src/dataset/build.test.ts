/** @file From files to a frozen dataset: deterministic, complete, and clear about what cannot be learned. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, StoreError, UsageError } from "../errors.js";
import { createRandom } from "../random.js";
import { buildLabelDataset, type BuildOptions } from "./build.js";
import { readLabelRecords } from "./records.js";
import { readCalls, readDataset, writeDataset } from "./snapshot.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-build-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
function file(lines: readonly object[], name = "log.jsonl"): string {
  const path = join(folder, `${made++}-${name}`);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
}

function build(path: string | readonly string[], more: Partial<BuildOptions> = {}) {
  return buildLabelDataset(typeof path === "string" ? [path] : path, {
    seed: 1,
    outDir: join(folder, `out-${made++}`),
    ...more,
  });
}

const LABELS = ["refund", "card", "__proto__", "constructor"];

/** Chat lines with a system prompt and instructions around each text. */
function chats(
  count: number,
  more: (i: number) => object = () => ({}),
  labelOf = (i: number): string => LABELS[i % 4] ?? "",
): object[] {
  const random = createRandom(3, "build test");
  const word = (): string => Array.from({ length: 5 }, () => String.fromCharCode(97 + random.int(26))).join("");
  return Array.from({ length: count }, (_, i) => ({
    messages: [
      { role: "system", content: "You route tickets." },
      { role: "user", content: `Classify this.\nTicket: ${word()} ${word()} ${word()} ${i}\nLabel:` },
      { role: "assistant", content: labelOf(i) },
    ],
    ...more(i),
  }));
}

describe("buildLabelDataset", () => {
  it("makes the same bits of the same files and seed, and reads back what it wrote", async () => {
    const path = file(chats(400));
    const [one, two] = [await build(path), await build(path)];
    expect(two.dataset).toEqual(one.dataset);
    for (const name of ["manifest.json", "rows.jsonl"])
      expect(readFileSync(join(two.dir, name))).toEqual(readFileSync(join(one.dir, name)));
    expect(readDataset(one.dir)).toEqual(one.dataset);
    expect(readdirSync(join(one.dir, ".."))).toEqual([one.dataset.hash]);
    expect((await build(path, { seed: 2 })).dataset.hash).not.toBe(one.dataset.hash);
  });

  it("strips the template, keeps prototype names as labels, seals and folds", async () => {
    const { dataset } = await build(file(chats(400)));
    expect(dataset.template).toEqual({
      system: "You route tickets.",
      userPrefix: "Classify this.\nTicket: ",
      userSuffix: "\nLabel:",
    });
    expect(dataset.labels).toEqual(["__proto__", "card", "constructor", "refund"]);
    expect(dataset.rows).toHaveLength(400);
    expect(dataset.rows.filter((row) => row.sealed)).toHaveLength(160);
    expect(dataset.rows.every((row) => !row.text.includes("Classify"))).toBe(true);
    expect(dataset.workload).toBe("you-route-tickets");
  });

  it("keeps how often an input occurs as weight, and the teacher's agreement with itself", async () => {
    const lines = [...chats(40), ...chats(10), ...chats(1, undefined, () => "card")];
    const { dataset } = await build(file(lines));
    expect(dataset.counts).toEqual({ records: 51, accepted: 41, duplicates: 10, rejected: 0 });
    expect(dataset.rows[0]).toMatchObject({ weight: 3, sealed: false });
    expect(dataset.sealedBy).toBe("none");
    expect(dataset.teacherSelfAgreement).toEqual({ agreeing: 10, pairs: 12, ceilingRatio: 50 / 51 });
    expect(dataset.traffic.calls).toBe(51);
  });

  it("folds labels that differ in case or space and says so", async () => {
    const { dataset, notes } = await build(
      file(chats(60, undefined, (i) => (i % 10 === 0 ? " REFUND " : i % 2 === 0 ? "refund" : "card"))),
    );
    expect(dataset.labels).toEqual(["card", "refund"]);
    expect(dataset.foldedLabels).toEqual([["REFUND", "refund"]]);
    expect(notes.join()).toContain('"REFUND" as "refund"');
  });

  it("keeps gold labels, soft labels and what the log says of the traffic", async () => {
    const day = 86_400;
    const lines = chats(400, (i) => ({
      timestamp: 1_700_000_000 + (i * 30 * day) / 399,
      cost: 0.001,
      latency_ms: i,
      model: "teacher",
      gold: i % 4 === 0 ? "card" : "elsewhere",
      usage: { prompt_tokens: 10, completion_tokens: 2 },
      logprobs: {
        content: [
          { token: LABELS[i % 4], logprob: Math.log(0.75), top_logprobs: [{ token: "re", logprob: Math.log(0.125) }] },
        ],
      },
    }));
    const { dataset } = await build(file(lines));
    expect(dataset.sealedBy).toBe("time");
    expect(dataset.rows.findIndex((row) => row.sealed)).toBe(240);
    expect(dataset.rows[0]).toMatchObject({ gold: 1 });
    expect(dataset.rows[1]).toMatchObject({ gold: -1 });
    expect(dataset.rows[1]?.softLabels).toEqual([0, 0.75, 0, 0.125, 0.125].map((p) => expect.closeTo(p, 9)));
    expect(dataset.traffic).toMatchObject({
      calls: 400,
      costPer1kUsd: expect.closeTo(1, 9),
      meanInputTokens: 10,
      meanOutputTokens: 2,
      latencyP50Ms: 200,
      latencyP95Ms: 380,
      models: ["teacher"],
    });
    expect(dataset.traffic.callsPerMonth).toBeCloseTo((400 / 30) * 30.4375, 6);
  });

  it("takes the largest label workload, names the others, and takes another by name", async () => {
    const other = Array.from({ length: 50 }, (_, i) => ({
      messages: [
        { role: "system", content: "Is it spam?" },
        { role: "user", content: `mail ${i} ${i * 31}` },
        { role: "assistant", content: i % 2 ? "spam" : "ham" },
      ],
    }));
    const prose = Array.from({ length: 500 }, (_, i) => ({
      messages: [
        { role: "system", content: "Write." },
        { role: "user", content: `about ${i}` },
        { role: "assistant", content: `A long text about ${i}.` },
      ],
    }));
    const path = file([...other, ...chats(100), ...prose]);
    const { dataset } = await build(path);
    expect(dataset.workload).toBe("you-route-tickets");
    expect(dataset.others).toEqual([
      { name: "write", kind: "text", records: 500 },
      { name: "is-it-spam", kind: "label", records: 50 },
    ]);
    expect((await build(path, { workload: "is-it-spam" })).dataset.labels).toEqual(["ham", "spam"]);
    await expect(build(path, { workload: "write" })).rejects.toThrow(/of kind text/);
    await expect(build(path, { workload: "nothing" })).rejects.toThrow(UsageError);
  });

  it("tells tasks apart by the beginning of the user message where there is no system prompt", async () => {
    const line = (head: string, i: number, answer: string): object => ({
      messages: [
        { role: "user", content: `${head}\n\n${i * 7919} thing` },
        { role: "assistant", content: answer },
      ],
    });
    const one = Array.from({ length: 60 }, (_, i) =>
      line("Decide whether the following mail is spam or ham, in one word.", i, i % 2 ? "spam" : "ham"),
    );
    const two = Array.from({ length: 40 }, (_, i) =>
      line("Say which language the following text is written in, in one word.", i, i % 2 ? "English" : "German"),
    );
    const { dataset } = await build(file([...one, ...two]));
    expect(dataset.labels).toEqual(["ham", "spam"]);
    expect(dataset.others).toHaveLength(1);
    expect(dataset.rows[0]?.text).toBe("0 thing");
  });

  it("takes a user's split as it is and refuses one that leaks", async () => {
    const { dataset } = await build(file(chats(100, (i) => ({ split: i < 80 ? "train" : "test" }))));
    expect(dataset.sealedBy).toBe("user");
    expect(dataset.rows.map((row) => row.sealed)).toEqual(Array.from({ length: 100 }, (_, i) => i >= 80));
    const leaking = file([...chats(100, () => ({ split: "train" })), ...chats(5, () => ({ split: "test" }))]);
    await expect(build(leaking)).rejects.toThrow(/share 5 inputs.*--resolve-leaks drop-train/);
    const resolved = await build(leaking, { resolveLeaks: "drop-train" });
    expect(resolved.dataset.rows).toHaveLength(100);
    expect(resolved.dataset.rows.filter((row) => row.sealed)).toHaveLength(5);
  });

  it("counts labels that only the test part of a user's split has", async () => {
    const split = (i: number) => ({ split: i < 80 ? "train" : "test" });
    const { notes } = await build(file(chats(100, split, (i) => (i < 90 ? (LABELS[i % 2] ?? "") : "new"))));
    expect(notes).toContain(
      'labels that only sealed rows have and nothing can learn: 1 ("new"); their 10 sealed calls count as wrong',
    );
    const known = await build(file(chats(100, split)));
    expect(known.notes.filter((note) => note.includes("nothing can learn"))).toEqual([]);
  });

  it("takes 2,000 classes and a class with one example", async () => {
    const { dataset } = await build(file(chats(4000, undefined, (i) => `class ${i % 2000}`)));
    expect(dataset.labels).toHaveLength(2000);
    const single = await build(file(chats(400, undefined, (i) => (i === 7 ? "rare" : i % 2 ? "a" : "b"))));
    const row = single.dataset.rows[7];
    expect(row?.label).toBe(single.dataset.labels.indexOf("rare"));
    expect(row?.sealed).toBe((row?.label ?? 0) < 0);
  });
});

describe("dialogues", () => {
  it("stay on one side of the split, their earlier turns joined before the last message", async () => {
    const lines = chats(400).flatMap((line, i) => {
      const [first, second] = [`thing ${i * 7919} is broken`, `which one, number ${i * 31}?`];
      const messages = [
        { role: "user", content: first },
        { role: "assistant", content: second },
      ];
      return [0, 1].map((turn) => ({
        ...line,
        messages: [
          ...messages,
          { role: "user", content: `reply ${turn} ${i}` },
          { role: "assistant", content: LABELS[i % 4] },
        ],
      }));
    });
    const { dataset } = await build(file(lines));
    expect(dataset.rows[0]?.text).toBe("user: thing 0 is broken\nassistant: which one, number 0?\nreply 0 0");
    expect(dataset.sealedBy).toBe("group");
    for (let i = 0; i < dataset.rows.length; i += 2) {
      expect(dataset.rows[i]?.group).toBe(dataset.rows[i + 1]?.group);
      expect(dataset.rows[i]?.sealed).toBe(dataset.rows[i + 1]?.sealed);
      expect(dataset.rows[i]?.fold).toBe(dataset.rows[i + 1]?.fold);
    }
  });
});

describe("unusable input", () => {
  it("is an InputError of one line that leaves no dataset", async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      [file(chats(1)), /no workload with a closed set|distinct inputs/],
      [file(chats(50, undefined, () => "same")), /every answer is "same"/],
      [file(chats(50, (i) => ({ split: i < 40 ? "test" : "train" }))), /fewer than 20 train rows/],
      [file(chats(19)), /19 distinct inputs; expected at least 20/],
      [file(chats(50, undefined, (i) => `free text number ${i}`)), /no workload with a closed set of short answers/],
      [file([{ messages: [{ role: "user", content: "x" }] }]), /none of 1 lines is a usable record/],
    ];
    for (const [path, message] of cases) {
      const outDir = join(folder, `bad-${made++}`);
      const error: unknown = await build(path, { outDir }).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(InputError);
      expect(String(error)).toMatch(message);
      expect(String(error)).not.toContain("\n");
      expect(readdirSync(join(outDir, "datasets"))).toEqual([]);
    }
  });

  it("is a StoreError naming the path when the folder cannot be written", async () => {
    const blocked = join(folder, "blocked");
    writeFileSync(blocked, "a file where a folder should be");
    const error: unknown = await build(file(chats(30)), { outDir: blocked }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(StoreError);
    expect(String(error)).toContain("blocked");
    const forbidden = join(folder, "forbidden");
    mkdirSync(forbidden);
    chmodSync(forbidden, 0o500);
    const outcome: unknown = await build(file(chats(30)), { outDir: forbidden }).catch((caught: unknown) => caught);
    // Root may write anywhere.
    expect(process.getuid?.() === 0 || outcome instanceof StoreError).toBe(true);
  });

  it("stops with the signal's reason and leaves no temporary file", async () => {
    const controller = new AbortController();
    controller.abort(new Error("interrupted"));
    const outDir = join(folder, "aborted");
    await expect(build(file(chats(100)), { outDir, signal: controller.signal })).rejects.toThrow("interrupted");
    expect(existsSync(join(outDir, "datasets", ".import"))).toBe(false);
  });
});

describe("calls of the rows", () => {
  const times = (i: number): object => ({
    timestamp: new Date(Date.UTC(2026, 0, 1) + i * 3_600_000).toISOString(),
    id: `call-${i}`,
    user: `person-${i % 7}@example.org`,
    conversation: `thread-of-person-${i}`,
    model: "gpt-4o-mini",
    cost: 0.001 * (i + 1),
    latency_ms: 100 + i,
  });
  it("keep who, when, at what price and from which record, people under the project's key alone", async () => {
    const path = file(chats(400, times));
    const [one, two] = [await build(path), await build(path)];
    const calls = readCalls(one.dir);
    expect(calls).toHaveLength(400);
    expect(calls[3]).toMatchObject({ row: 3, id: "call-3", line: 4, timestampMs: Date.UTC(2026, 0, 1, 3) });
    expect(calls[3]?.costUsd).toBeCloseTo(0.004, 12);
    expect(new Set(calls.map(({ subject }) => subject)).size).toBe(7);
    expect(readFileSync(join(one.dir, "calls.jsonl"), "utf8")).not.toContain("person-");
    // Another state folder has another key: the same people have other names, and the dataset is the same.
    expect(readCalls(two.dir)[3]?.subject).not.toBe(calls[3]?.subject);
    expect(two.dataset.hash).toBe(one.dataset.hash);
  });
  it("name for every call a row that holds its answer", async () => {
    const { dataset, dir } = await build(
      file([
        ...chats(400),
        ...chats(
          400,
          () => ({ id: "again" }),
          (i) => LABELS[(i + 1) % 4] ?? "",
        ),
      ]),
    );
    const given = new Map<number, Map<number, number>>();
    for (const { row, answer } of readCalls(dir)) {
      const counts = given.get(row) ?? new Map<number, number>();
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
      given.set(row, counts);
    }
    dataset.rows.forEach((row, i) => {
      const expected = row.answers ?? [[row.label, row.weight]];
      expect(new Map(expected.map(([label, count]) => [label, count]))).toEqual(given.get(i));
    });
  });
});

describe("what is sealed", () => {
  /** Chat lines with random words; text i of `texts`, answered by `labelOf`. */
  const lines = (
    texts: readonly string[],
    labelOf: (i: number) => string,
    more: (i: number) => object = () => ({}),
  ): object[] =>
    texts.map((content, i) => ({
      messages: [
        { role: "system", content: "Route." },
        { role: "user", content },
        { role: "assistant", content: labelOf(i) },
      ],
      ...more(i),
    }));
  const random = createRandom(5, "what is sealed");
  const word = (): string => Array.from({ length: 7 }, () => String.fromCharCode(97 + random.int(26))).join("");
  const texts = (count: number): string[] =>
    Array.from({ length: count }, () => `${word()} ${word()} ${word()} ${word()}`);

  it("are one-off answers as often as they occur; what open rows lack is no label", async () => {
    const { dataset } = await build(
      file(lines(texts(2000), (i) => (i % 10 === 0 ? `rare ${i}` : `frequent ${i % 3}`))),
    );
    const sealed = dataset.rows.filter((row) => row.sealed);
    const unlearned = sealed.filter(({ label }) => label < 0).length;
    expect(Math.abs(unlearned / sealed.length - 0.1)).toBeLessThan(0.02);
    expect(dataset.units.unknownLabelCalls).toBe(unlearned);
    expect(dataset.labels.filter((label) => label.startsWith("rare"))).toHaveLength(200 - unlearned);
    expect(dataset.rows.filter((row) => !row.sealed).every(({ label }) => label >= 0)).toBe(true);
  });
  it("are the calls of the newest period with the answers of that period, in which old inputs come again", async () => {
    const some = texts(900);
    const asked = Array.from({ length: 1200 }, (_, i) => some[i < 800 ? i : i % 4 === 0 ? i % 40 : i - 300] ?? "");
    const { dataset, dir } = await build(
      file(
        lines(
          asked,
          (i) => (i < 800 ? "old" : i < 1100 ? "middle" : "new"),
          (i) => ({ timestamp: 1_700_000_000 + 60 * i }),
        ),
      ),
    );
    expect(dataset.sealedBy).toBe("time");
    const calls = readCalls(dir);
    const cutMs = Math.min(
      ...calls.filter(({ row }) => dataset.rows[row]?.sealed === true).map(({ timestampMs = 0 }) => timestampMs),
    );
    for (const { row, timestampMs = 0 } of calls) expect(dataset.rows[row]?.sealed).toBe(timestampMs >= cutMs);
    expect(dataset.units.repeatedSealedCalls).toBeGreaterThan(10);
    expect(dataset.labels).not.toContain("new");
  });
  it("are a share of the calls of an input that comes again and again, with the noise of its answers", async () => {
    const some = texts(600);
    // Three of eight calls have a text of their own, five come again and again.
    const asked = Array.from({ length: 1600 }, (_, i) =>
      i % 8 < 3 ? (some[3 * Math.floor(i / 8) + (i % 8)] ?? "") : `hello ${"abcde".charAt(i % 5)} what can you do`,
    );
    const { dataset, dir } = await build(
      file(lines(asked, (i) => (i % 8 < 3 ? `l${i % 3}` : Math.floor(i / 8) % 10 < 6 ? "l0" : "l1"))),
    );
    const rows = dataset.rows.filter((row) => row.recurring === true);
    expect(rows.filter(({ sealed }) => sealed)).toHaveLength(5);
    expect(rows.filter(({ sealed }) => !sealed)).toHaveLength(5);
    const [open, sealed] = [false, true].map((side) =>
      rows.filter((row) => row.sealed === side).reduce((sum, { weight }) => sum + weight, 0),
    );
    expect((open ?? 0) + (sealed ?? 0)).toBe(1000);
    expect(Math.abs((sealed ?? 0) / 1000 - 160 / 605)).toBeLessThan(0.02);
    expect(dataset.units).toMatchObject({ recurringRows: 5, recurringCalls: 1000, repeatedSealedCalls: sealed });
    const first = dataset.labels.indexOf("l0");
    const ofFirst = rows
      .filter((row) => row.sealed)
      .flatMap(({ answers = [] }) => answers.filter(([label]) => label === first));
    expect(Math.abs(ofFirst.reduce((sum, [, count]) => sum + count, 0) / (sealed ?? 0) - 0.6)).toBeLessThan(0.12);
    const counts = new Map<number, number>();
    for (const { row } of readCalls(dir)) counts.set(row, (counts.get(row) ?? 0) + 1);
    dataset.rows.forEach(({ weight }, i) => expect(counts.get(i)).toBe(weight));
  });
  it("hold calls whose answer is no label, a refusal say, as wrong; open ones teach nothing", async () => {
    const { dataset, notes } = await build(
      file(lines(texts(2000), (i) => (i % 60 === 0 ? `I cannot decide.\nPlease ${i}` : `l${i % 3}`))),
    );
    expect(dataset.labels).toEqual(["l0", "l1", "l2"]);
    const sealed = dataset.rows.filter((row) => row.sealed);
    const refused = sealed.filter(({ label }) => label < 0).length;
    expect(Math.abs(refused / sealed.length - 1 / 60)).toBeLessThan(0.007);
    expect(dataset.rows.filter((row) => !row.sealed).every(({ label }) => label >= 0)).toBe(true);
    expect(dataset.rows).toHaveLength(2000 - 34 + refused);
    expect(notes.join()).toMatch(/34 calls have no label \(a refusal\): sealed ones count as wrong/);
  });
  it("never tear a conversation, its first call included, with and without times", async () => {
    const some = texts(2000);
    const turns = Array.from({ length: 400 }, (_, c) => some.slice(4 * c, 4 * c + 4));
    const calls = turns.flatMap((users, c) =>
      users.map((_, depth) => ({
        messages: [
          ...users.slice(0, depth).flatMap((content) => [
            { role: "user", content },
            { role: "assistant", content: `l${c % 3}` },
          ]),
          { role: "user", content: users[depth] },
          { role: "assistant", content: `l${c % 3}` },
        ],
      })),
    );
    for (const timed of [false, true]) {
      const path = file(
        calls.map((call, i) =>
          timed ? { ...call, timestamp: 1_700_000_000 + 7 * (Math.floor(i / 4) + 90 * (i % 4)) } : call,
        ),
      );
      const { dataset } = await build(path);
      expect(dataset.sealedBy).toBe(timed ? "time" : "group");
      const sides = new Map<string, Set<boolean>>();
      for (const { text, sealed } of dataset.rows) {
        const first = (text.split("\n")[0] ?? "").replace("user: ", "");
        sides.set(first, (sides.get(first) ?? new Set<boolean>()).add(sealed));
      }
      expect(sides.size).toBe(400);
      expect([...sides.values()].every(({ size }) => size === 1)).toBe(true);
      expect(new Set(dataset.rows.map(({ group }) => group)).size).toBe(400);
    }
  });
});

describe("snapshots", () => {
  it("that were damaged are refused, and one that exists is kept", async () => {
    const { dataset, dir } = await build(file(chats(30)));
    const calls = { path: join(folder, "no such calls"), sha256: "" };
    expect(writeDataset(join(dir, "..", ".."), dataset, calls)).toBe(dir);
    const callsPath = join(dir, "calls.jsonl");
    writeFileSync(callsPath, readFileSync(callsPath, "utf8").replace('"row":1', '"row":2'));
    expect(() => readCalls(dir)).toThrow(/damaged/);
    const rows = join(dir, "rows.jsonl");
    writeFileSync(rows, readFileSync(rows, "utf8").replace('"weight":1', '"weight":9'));
    expect(() => readDataset(dir)).toThrow(/damaged/);
    writeFileSync(join(dir, "manifest.json"), "{");
    expect(() => readDataset(dir)).toThrow(StoreError);
    expect(() => readDataset(join(folder, "absent"))).toThrow(StoreError);
  });
});

describe("readLabelRecords", () => {
  it("gives texts and label indices of another file in any format", async () => {
    const { dataset } = await build(file(chats(100)));
    const path = join(folder, "test.csv");
    writeFileSync(path, 'text,output,gold\nhello,CARD,refund\n"Classify this.\nTicket: ho\nLabel:",unknown,card\n');
    const { records } = await readLabelRecords(path, dataset);
    expect(records).toEqual([
      { text: "hello", label: 1, gold: 3 },
      { text: "ho", label: -1, gold: 1 },
    ]);
  });
});
