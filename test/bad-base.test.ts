/** @file What a damaged or unfit pretrained encoder does to `joryu plan --base`: one line, exit code 2, nothing written; and long texts. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatPlan } from "../src/plan/format.js";
import type { Plan } from "../src/plan/plan.js";
import { openSafetensors, writeSafetensors } from "../src/weights/safetensors.js";
import { writeExported } from "./exported.js";
import { chatLine, joryu, MACHINE, temporaryFolder, writeSmallLogs } from "./joryu.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const [logs, good] = [join(folder.path, "logs.jsonl"), join(folder.path, "bases", "bert-wordpiece")];

beforeAll(() => {
  writeSmallLogs(logs, 400, 4);
  writeExported("bert-wordpiece", folder.path);
});

type JsonObject = Readonly<Record<string, unknown>>;

function rewriteJson(path: string, change: (json: JsonObject) => JsonObject): void {
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")) as JsonObject)));
}

/** Rewrites the tensors of a base; `change` gives undefined for one that goes. */
function rewriteTensors(path: string, change: (name: string, values: Float32Array) => Float32Array | undefined): void {
  const source = openSafetensors(path);
  const tensors = [...source.entries].flatMap(
    ([
      name,
      {
        shape: [rows = 1, ...rest],
      },
    ]) => {
      const before = source.read(name);
      const values = change(name, before);
      if (values === undefined) return [];
      return [{ name, shape: [(rows * values.length) / before.length, ...rest], read: () => values }];
    },
  );
  writeSafetensors(path, tensors);
}

const plan = (base: string, from = logs) =>
  joryu(["plan", "--logs", from, "--out", join(folder.path, "state"), "--machine", MACHINE, "--base", base, "--json"]);

const QUERY = "encoder.layer.1.attention.self.query.weight";

const DAMAGES: readonly (readonly [string, (base: string) => void, RegExp])[] = [
  [
    "that is not there",
    (base) => rmSync(base, { recursive: true }),
    /damaged: expected the folder of a Hugging Face model/,
  ],
  [
    "of an unknown family",
    (base) => rewriteJson(join(base, "config.json"), (json) => ({ ...json, model_type: "gpt2" })),
    /model_type must be one of bert, roberta, xlm-roberta, camembert, distilbert, modernbert, came "gpt2"/,
  ],
  [
    "with NaN weights",
    (base) =>
      rewriteTensors(join(base, "model.safetensors"), (name, values) =>
        name === QUERY ? values.fill(NaN, 3, 5) : values,
      ),
    /query\.weight.*NaN/,
  ],
  [
    "with a missing tensor",
    (base) => rewriteTensors(join(base, "model.safetensors"), (name, values) => (name === QUERY ? undefined : values)),
    /no tensor encoder\.layer\.1\.attention\.self\.query\.weight/,
  ],
  [
    "whose tokenizer and vocabulary disagree",
    (base) => {
      rewriteJson(join(base, "config.json"), (json) => ({ ...json, vocab_size: 1400 }));
      rewriteTensors(join(base, "model.safetensors"), (name, values) =>
        name === "embeddings.word_embeddings.weight" ? values.subarray(0, 1400 * 16) : values,
      );
    },
    /has 1500 pieces, the model's table 1400 rows/,
  ],
  [
    "that is too large to train",
    (base) =>
      rewriteJson(join(base, "config.json"), (json) => ({
        ...json,
        num_hidden_layers: 48,
        hidden_size: 4096,
        intermediate_size: 16_384,
        num_attention_heads: 32,
      })),
    /\d+ weights besides the word table, at most 268419072 can be trained/,
  ],
  [
    "whose tokenizer writes special tokens beyond the table",
    (base) =>
      rewriteJson(join(base, "tokenizer.json"), (json) => ({
        ...json,
        post_processor: { type: "BertProcessing", cls: ["[CLS]", 9001], sep: ["[SEP]", 9002] },
      })),
    /writes the token id 9001, the model's table has 1500 rows/,
  ],
  [
    "with a truncated file",
    (base) => truncate(join(base, "model.safetensors")),
    /data_offsets: expected .* bytes of data/,
  ],
  [
    "with an empty tokenizer",
    (base) => writeFileSync(join(base, "tokenizer.json"), "{}"),
    /tokenizer\.json: model: expected an object/,
  ],
];

function truncate(path: string): void {
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length >> 1));
}

describe("a base", () => {
  it.each(DAMAGES)("%s: one line, exit code 2", async (_, damage, message) => {
    const base = join(folder.path, "damaged");
    rmSync(base, { recursive: true, force: true });
    cpSync(good, base, { recursive: true });
    damage(base);
    const { code, stderr, stdout } = await plan(base);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("that is damaged stops a run before its teacher is asked, and a teacher without texts is refused", async () => {
    const [base, texts] = [join(folder.path, "damaged"), join(folder.path, "texts.txt")];
    rmSync(base, { recursive: true, force: true });
    cpSync(good, base, { recursive: true });
    truncate(join(base, "model.safetensors"));
    writeFileSync(texts, "where is my card\nsend money\n");
    const teacher = ["--teacher", "http://127.0.0.1:9/v1", "--model", "m", "--labels", "a,b", "--prompt", "Name it."];
    const out = ["--out", join(folder.path, "asked"), "--machine", MACHINE];
    const asked = await joryu(["run", "--texts", texts, ...teacher, "--base", base, ...out]);
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("model.safetensors")]);
    const idle = await joryu(["run", "--logs", logs, ...teacher, ...out]);
    expect([idle.code, idle.stderr]).toEqual([2, expect.stringMatching(/--teacher: nothing to label.*--texts/)]);
  });

  it("shorter than the texts is planned for with the texts cut, and said so", async () => {
    const long = join(folder.path, "long.jsonl");
    const text = (i: number): string => Array.from({ length: 90 }, (_, at) => `word${(i * (at + 3)) % 97}`).join(" ");
    writeFileSync(long, Array.from({ length: 300 }, (_, i) => chatLine(text(i), i % 2 === 0 ? "yes" : "no")).join(""));
    const { code, stdout } = await plan(good, long);
    expect(code).toBe(0);
    const { plan: planned } = JSON.parse(stdout) as { plan: Plan };
    expect(planned.facts.base).toMatchObject({ meanPieces: 64, cutTexts: planned.facts.trainRows });
    expect(formatPlan(planned)).toMatch(/texts are longer than the base reads; it sees their beginning/);
  });
});
