/** @file The sizes that the plan estimates for cuts of MiniLM on Banking77 beside real exports; no training, which changes no size. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { allParts, cutEncoder } from "../../compress/cut.js";
import type { LabelDataset, Row } from "../../dataset/types.js";
import { startValues } from "../../distill/training-graph.js";
import { tokenizerText } from "../../export/hugging-face.js";
import { compileStudent } from "../../export/model-folder.js";
import { headParameters } from "../../models/pretrained-parameters.js";
import { PRETRAINED_RUNGS, pretrainedRecipes } from "../../plan/candidates.js";
import { sizeBytesOf } from "../../plan/estimate.js";
import { planFacts } from "../../plan/facts.js";
import { baseFacts, openBase, piecesOf, trimmedFor } from "./base.js";
import { pretrainedStudent } from "../final-student.js";
import { datasetOf } from "./tiny-base.test.fixture.js";

const MINILM = "../shared/models/all-minilm-l6-v2";
const hasMiniLm = existsSync(MINILM);
if (!hasMiniLm) process.stderr.write(`${MINILM} is absent: the sizes of its cuts are not tested\n`);

/** What the smallest cut may take. */
const SMALLEST_BYTES = 3_500_000;

function banking77(): LabelDataset {
  const lines = readFileSync("examples/banking77/logs.jsonl", "utf8").trim().split("\n");
  const answers = lines.map((line) => /"role":"assistant","content":"([^"]*)"/.exec(line)?.[1] ?? "");
  const labels = [...new Set(answers)].sort();
  const rows = lines.map((line, i): Row => {
    const text = (JSON.parse(line) as { messages: readonly { role: string; content: string }[] }).messages
      .filter(({ role }) => role === "user")
      .map(({ content }) => content)
      .join();
    const label = labels.indexOf(answers[i] ?? "");
    return { text, label, weight: 1, group: i, sealed: false, fold: i % 5 };
  });
  return datasetOf(rows, labels, 5);
}

it.runIf(hasMiniLm)("sizes of cuts are estimated within 5 %, and the smallest graph takes at most 3.5 MB", () => {
  const [base, dataset] = [openBase(MINILM), banking77()];
  const facts = { ...planFacts(dataset), base: baseFacts(base, dataset) };
  const trimmed = trimmedFor(
    base,
    dataset.rows.map(({ text }) => piecesOf(base, text)),
  );
  const head = headParameters(base.config, dataset.labels.length, undefined);
  const values = new Map([...base.weights, ...head.map((each) => [each.name, startValues(each, 1)] as const)]);
  const { layers, feedForward } = base.config;
  const graphBytes = PRETRAINED_RUNGS.slice(0, 2).map((rung) => {
    const [pretrained] = pretrainedRecipes(rung, { layers: layers.length, feedForward }, facts);
    if (pretrained === undefined) throw new Error("no recipe");
    const upTo = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);
    const encoder = cutEncoder(
      { config: base.config, values },
      {
        ...allParts(base.config),
        layers: upTo(pretrained.layers),
        feedForward: layers.map(() => upTo(pretrained.feedForward)),
      },
    );
    const { shape, weights, huggingFace } = pretrainedStudent(base, encoder, trimmed, dataset.labels);
    if (huggingFace === undefined) throw new Error("nothing for others to open");
    const { int8 } = compileStudent(shape, weights);
    const opened = int8.length + Buffer.byteLength(tokenizerText(huggingFace.tokenizerJson));
    expect(Math.abs(sizeBytesOf({ pretrained }, facts) / opened - 1)).toBeLessThan(0.05);
    return int8.length;
  });
  expect(graphBytes[0]).toBeLessThanOrEqual(SMALLEST_BYTES);
  expect(graphBytes[1]).toBeGreaterThan(1.5 * SMALLEST_BYTES);
});
