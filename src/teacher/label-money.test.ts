/** @file Money and the journal of a labelling: no budget is exceeded, nothing is paid twice, equal calls leave equal records. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callUsd } from "../cost.js";
import { ConfigError } from "../errors.js";
import { labelTexts } from "./label.js";
import { linesOf, optionsOf, PRICE, serve, texts } from "./label.test.fixture.js";
import { labels, unseenTexts } from "./server.test.fixture.js";

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
  it("has on the disk what is asked before it is asked", async () => {
    const server = await serve();
    const options = optionsOf(server);
    const missing: number[] = [];
    let asked = 0;
    const client: typeof options.client = {
      complete(request, signal) {
        const sent = linesOf(join(options.folder, "journal.jsonl")).filter(({ kind }) => kind === "sent");
        if (sent.length < ++asked) missing.push(asked);
        return options.client.complete(request, signal);
      },
    };
    const { summary } = await labelTexts({ ...options, client, concurrency: 8 });
    expect([summary.accepted, asked, missing]).toEqual([40, 40, []]);
  });

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
