/** @file From logged answers of every kind to labels, in whole builds. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { buildLabelDataset, type BuildOptions } from "./build.js";
import { readPrompt } from "../template/template.js";
import { readLabelRecords } from "./records.js";
import { surveyLogs } from "./survey.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-answers-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const QUEUES = ["billing", "delivery", "login", "returns"];
const queueOf = (i: number): string => QUEUES[i % 4] ?? "";
const random = createRandom(7, "label reader test");
const word = (): string => Array.from({ length: 6 }, () => String.fromCharCode(97 + random.int(26))).join("");
const texts = Array.from({ length: 400 }, () => `${word()} ${word()} ${word()} ${word()}`);

let made = 0;
function log(answerOf: (i: number) => object | string, prompt = "Route the mail.", calls = 200): string {
  const path = join(folder, `${made++}.jsonl`);
  const lines = Array.from({ length: calls }, (_, i) => {
    const answer = answerOf(i);
    const last = typeof answer === "string" ? { role: "assistant", content: answer } : { role: "assistant", ...answer };
    const messages = [{ role: "system", content: prompt }, { role: "user", content: texts[i] ?? "" }, last];
    return `${JSON.stringify({ messages })}\n`;
  });
  writeFileSync(path, lines.join(""));
  return path;
}

function build(path: string, more: Partial<BuildOptions> = {}) {
  return buildLabelDataset([path], { seed: 1, outDir: join(folder, `out-${made++}`), ...more });
}

const call = (name: string, given: object): object => ({
  content: null,
  tool_calls: [{ id: "c", type: "function", function: { name, arguments: JSON.stringify(given) } }],
});

describe("the label of structured answers", () => {
  it("is the field with a closed set of values, never the confidence or the reason; fences change nothing", async () => {
    const path = log((i) => {
      const json = JSON.stringify({ confidence: i % 3 === 0 ? "high" : "low", reason: texts[i], label: queueOf(i) });
      return i % 2 === 0 ? json : `\`\`\`json\n${json}\n\`\`\``;
    });
    const { dataset, notes } = await build(path);
    expect(dataset.labels).toEqual(QUEUES);
    expect(dataset.answers).toMatchObject({ path: "label", leftOut: ["confidence", "reason"] });
    expect(notes).toContain("the label is the field `label` of the JSON answer; `confidence`, `reason` are left out");
  });

  it("is what the prompt names where two fields are closed, and --answer-path takes the other", async () => {
    const answer = (i: number): string => JSON.stringify({ tone: i % 3 === 0 ? "rude" : "kind", to: queueOf(i) });
    const path = log(answer, "Route the mail. Answer with one of: billing, delivery, login, returns.");
    const { dataset, notes } = await build(path);
    expect(dataset.labels).toEqual(QUEUES);
    expect(notes.join()).toContain("--answer-path takes another: `tone`");
    expect((await build(path, { answerPath: "$.tone" })).dataset.labels).toEqual(["kind", "rude"]);
    await expect(build(path, { answerPath: "mood" })).rejects.toThrow(/--answer-path mood: no answer .* tone, to/);
  });

  it("is no confidence, although that comes first and is a closed set too", async () => {
    const path = log((i) => JSON.stringify({ confidence: i % 3 === 0 ? "high" : "low", to: queueOf(i) }));
    expect((await build(path)).dataset).toMatchObject({ labels: QUEUES, answers: { path: "to" } });
  });

  it("may stand deeper, beside plain answers, or be an argument of a function call", async () => {
    const deep = log((i) =>
      i % 5 === 0 ? queueOf(i) : JSON.stringify({ result: { label: [queueOf(i)] }, id: `x${i}` }),
    );
    expect((await build(deep)).dataset).toMatchObject({ labels: QUEUES, answers: { path: "result.label" } });
    const calls = log((i) => call("route", { queue: queueOf(i) }));
    const { dataset, notes } = await build(calls);
    expect(dataset.labels).toEqual(QUEUES);
    expect(notes).toContain("the label is the argument `queue` of the function call");
  });

  it("is the function where the functions differ and take nothing", async () => {
    const { dataset, notes } = await build(log((i) => call(`to_${queueOf(i)}`, {})));
    expect(dataset.labels).toEqual(QUEUES.map((queue) => `to_${queue}`));
    expect(notes).toContain("the label is the name of the function called");
  });

  it("is none of an extraction, whatever closed field it has", async () => {
    const path = log((i) =>
      JSON.stringify({ currency: i % 2 ? "EUR" : "USD", total: i, vendor: texts[i], due: `d${i}` }),
    );
    await expect(build(path)).rejects.toThrow(/no workload with a closed set/);
    expect((await build(path, { answerPath: "currency" })).dataset.labels).toEqual(["EUR", "USD"]);
  });
});

describe("answers that are no label", () => {
  it("stay calls, sealed ones as wrong, and are counted by name", async () => {
    const path = log(
      (i) => {
        if (i % 20 === 1) return "null";
        if (i % 20 === 3) return '{"error":{"message":"overloaded"}}';
        if (i % 20 === 5) return `I'm sorry, but I cannot answer this: ${texts[i] ?? ""}`;
        return i % 20 === 7 ? "billing, login" : queueOf(i);
      },
      "Route the mail.",
      400,
    );
    const { dataset, notes } = await build(path);
    expect(dataset.labels).toEqual(QUEUES);
    expect(Object.fromEntries(dataset.answers?.noLabels ?? [])).toEqual({
      "no value (null, None, NaN)": 20,
      "an error instead of an answer": 20,
      "a refusal": 20,
      "several labels in one answer": 20,
    });
    expect(notes.join()).toContain("20 calls have no label (several labels in one answer; multi-label comes later)");
    expect(dataset.traffic.calls).toBe(400);
    expect(dataset.rows.filter(({ sealed, label }) => sealed && label === -1).length).toBeGreaterThan(10);
  });

  it("are a label where the prompt names them", async () => {
    const { dataset } = await build(log((i) => (i % 2 ? "None" : "spam"), "Answer with one of: spam, None."));
    expect(dataset.labels).toEqual(["None", "spam"]);
  });
});

describe("a label with an explanation behind it", () => {
  const NAMES = "Answer with one of: billing, delivery, login, returns.";
  const explained: readonly ((label: string, i: number) => string)[] = [
    (label, i) => `${label} — because the customer mentions ${texts[i] ?? ""}`,
    (label, i) => `Label: ${label}\nReason: ${texts[i] ?? ""}`,
    (label) => `${label} (confidence 0.9)`,
    (label, i) =>
      `${label}. The customer writes of ${texts[i] ?? ""}, which points there. Nothing else fits as well as it.`,
    (label, i) => `${label}\n\nThe customer writes of ${texts[i] ?? ""}.`,
    (label) => `${label}: 0.93`,
    (label, i) => `${label} (the text is about ${texts[i] ?? ""})`,
  ];

  it.each([
    ["where the prompt names the labels", NAMES, 0],
    ["where other answers are the label alone", "Route the mail.", 0.5],
  ])("counts as the label %s, and it is said", async (_name, prompt, aloneRatio) => {
    const isAlone = (i: number): boolean => i % 20 < 20 * aloneRatio;
    const form = (i: number) => explained[(i >> 2) % explained.length] ?? String;
    const path = log((i) => (isAlone(i) ? queueOf(i) : form(i)(queueOf(i), i)), prompt, 280);
    const { dataset, notes } = await build(path);
    expect(dataset.labels).toEqual(QUEUES);
    expect(dataset.answers?.outsideCalls).toBe(0);
    expect(dataset.answers?.labelCounts).toEqual(QUEUES.map((queue) => [queue, 70]));
    expect(notes.join()).toMatch(/answers unwrapped: .*an explanation behind it \d+/);
    const { records } = await readLabelRecords(path, { ...dataset, labels: QUEUES });
    expect(records.map(({ label }) => QUEUES[label])).toEqual(records.map((_, i) => queueOf(i)));
  });

  it("counts in Japanese", async () => {
    const labels = ["請求", "配送"];
    const forms = [
      (label: string) => label,
      (label: string, i: number) => `${label}。理由は、${texts[i] ?? ""}に触れているためです。`,
      (label: string) => `${label}（確信度0.9）`,
      (label: string, i: number) => `分類：${label}\n根拠：${texts[i] ?? ""}`,
      (label: string, i: number) => `${label}です。${texts[i] ?? ""}について書かれています。`,
    ];
    const { dataset } = await build(log((i) => (forms[i % 5] ?? String)(labels[(i >> 3) % 2] ?? "", i)));
    expect(dataset.labels).toEqual(["請求", "配送"].toSorted());
    expect(dataset.answers?.labelCounts.map(([, calls]) => calls)).toEqual([104, 96]);
  });

  it("is not guessed: brackets that come again are part of the label, and letters stay texts", async () => {
    const names = ["returns", "returns (other)", "billing - refund", "billing"];
    const { dataset } = await build(log((i) => names[i % 4] ?? ""));
    expect(dataset.labels).toEqual(names.toSorted());
    const letters = log((i) => `Dear customer,\nthank you for ${texts[i] ?? ""}. We look into it — soon.`);
    await expect(build(letters)).rejects.toThrow(/no workload with a closed set/);
    const asked = log((i) => (i % 10 === 0 ? "Yes" : `Yes. You can ${texts[i] ?? ""} as long as you like.`));
    await expect(build(asked)).rejects.toThrow(/no workload with a closed set/);
  });
});

describe("answers that mostly hold several labels", () => {
  const pairs = (i: number): readonly string[] => [queueOf(i), queueOf(i + 1 + ((i >> 2) % 3))];
  it.each<[string, (i: number) => string]>([
    ["joined by commas", (i) => pairs(i).join(", ")],
    ["one a line", (i) => pairs(i).join("\n")],
    ["as a JSON list", (i) => JSON.stringify(pairs(i))],
    ["as a field", (i) => JSON.stringify({ labels: pairs(i) })],
    ["beside single ones", (i) => (i % 5 < 2 ? queueOf(i) : pairs(i).join(" / "))],
    ["joined in Japanese", (i) => pairs(i).join("、")],
  ])("%s are counted as such, and it is said that they come later", async (_name, answerOf) => {
    const path = log(answerOf);
    const { workloads } = await surveyLogs([path], { folder: join(folder, "several") });
    expect(workloads).toMatchObject([{ kind: "several" }]);
    expect(workloads[0]?.notes.join()).toMatch(
      /^(200|120) of 200 answers hold several labels: multi-label comes later$/,
    );
    await expect(build(path)).rejects.toThrow(/no workload with a closed set/);
  });
});

describe("foldings", () => {
  it("are listed with what was written, what is kept and the calls; samples show what was done", async () => {
    const forms = [(l: string) => l, (l: string) => `${l}.`, (l: string) => `"${l}"`, (l: string) => `Label: ${l}`];
    const { dataset } = await build(log((i) => (forms[(i >> 2) % 4] ?? String)(queueOf(i))));
    expect(dataset.labels).toEqual(QUEUES);
    const { foldings, samples, labelCounts } = dataset.answers ?? { foldings: [], samples: [], labelCounts: [] };
    expect(foldings).toHaveLength(12);
    expect(foldings).toContainEqual({ written: '"login"', kept: "login", calls: 12 });
    expect(foldings).toContainEqual({ written: "Label: login", kept: "login", calls: 12 });
    expect(labelCounts).toEqual(QUEUES.map((queue) => [queue, 50]));
    expect(samples).toHaveLength(3);
    expect(samples[0]).toEqual({ text: texts[0], answer: "billing", label: "billing", changed: [] });
    expect(samples[1]).toMatchObject({ answer: "billing.", label: "billing", changed: ['"billing." as "billing"'] });
  });
});

describe("workloads", () => {
  const mixed = (): string => {
    const path = join(folder, `${made++}-mixed.jsonl`);
    const prompts = ["Route the mail.", "Please sort each letter by queue.", "Is it urgent?"];
    const lines = Array.from({ length: 360 }, (_, i) => {
      const task = i < 150 ? 0 : i < 270 ? 1 : 2;
      const answer = task === 2 ? (i % 2 ? "yes" : "no") : queueOf(i);
      const turns = [prompts[task], texts[i], answer];
      return JSON.stringify({
        messages: turns.map((content, at) => ({ role: ["system", "user", "assistant"][at], content })),
      });
    });
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  };

  it("that are left out are named with their sizes, and a merge is offered where labels agree", async () => {
    const { notes } = await build(mixed());
    expect(notes).toContain(
      "left out, other workloads than route-the-mail (label, 150 records): please-sort-each-letter-by-queue (label, 120 records), is-it-urgent (label, 90 records); --workload takes another",
    );
    expect(notes).toContain(
      "1 of them (120 records) with the same labels: if it is one task whose prompt was reworded, --merge route-the-mail,please-sort-each-letter-by-queue learns it as one",
    );
  });

  it("that are merged are one, which is then learned", async () => {
    const merge = [["please-sort-each-letter-by-queue", "route-the-mail"]];
    const { dataset } = await build(mixed(), { merge });
    expect(dataset).toMatchObject({ workload: "please-sort-each-letter-by-queue", labels: QUEUES });
    expect(dataset.traffic.calls).toBe(270);
    expect(dataset.others).toEqual([{ name: "is-it-urgent", kind: "label", records: 90 }]);
    await expect(build(mixed(), { merge: [["nobody", "route-the-mail"]] })).rejects.toThrow(
      /--merge: no workload nobody; there are: route-the-mail, /,
    );
  });
});

describe("reworded prompts that stand in the user's message", () => {
  const WORDINGS: readonly (readonly [string, string])[] = [
    ["Which queue should this customer message go to? Answer with its name.\nMessage: ", ""],
    ['Sort the following letter of a customer into one of our queues.\n\nLetter: "', '"\n\nQueue:'],
    ["次の問い合わせを、担当する窓口の名前で分類してください。回答は窓口の名前だけにしてください。\n「", "」"],
  ];
  const reworded = (): string => {
    const path = join(folder, `${made++}-reworded.jsonl`);
    const lines = Array.from({ length: 360 }, (_, i) => {
      const [before, after] = WORDINGS[Math.floor(i / 120)] ?? ["", ""];
      const asked = { role: "user", content: `${before}${texts[i] ?? ""}${after}` };
      return JSON.stringify({ messages: [asked, { role: "assistant", content: queueOf(i) }] });
    });
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  };

  it("are taken off in every wording once they are merged, of rows and of what a student is asked", async () => {
    const path = reworded();
    const survey = await surveyLogs([path], { folder: join(folder, "survey") });
    const names = survey.workloads.map(({ name }) => name);
    expect(names).toHaveLength(3);
    const { dataset } = await build(path, { merge: [names] });
    expect(new Set(dataset.rows.map(({ text }) => text))).toEqual(new Set(texts.slice(0, 360)));
    const { template } = dataset;
    for (const [before, after] of WORDINGS)
      expect(readPrompt(`${before}Where is it?${after}`, template)).toEqual({
        text: "Where is it?",
        template: "stripped",
      });
    expect(readPrompt("Where is it?", template)).toEqual({ text: "Where is it?", template: "absent" });
  });
});

describe("records against a known label set", () => {
  it("are read as the dataset was: unwrapped, from the field with the known labels, decoration aside", async () => {
    const path = log((i) => [JSON.stringify({ second: "other", to: queueOf(i) }), `**${queueOf(i)}**`][i % 2] ?? "");
    const known = { labels: QUEUES, template: { system: "", userPrefix: "", userSuffix: "" } };
    const { records } = await readLabelRecords(path, known);
    expect(records.map(({ label }) => label)).toEqual(records.map((_, i) => i % 4));
    const other = await readLabelRecords(path, known, { answerPath: "second" });
    expect(other.records.filter(({ label }) => label < 0)).toHaveLength(100);
  });
});
