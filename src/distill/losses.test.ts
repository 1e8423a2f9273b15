import { describe, expect, it } from "vitest";
import { gradients } from "../graph/gradients.js";
import { createGraph } from "../graph/create-graph.js";
import { compileOnnx } from "../graph/onnx.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64 } from "../tensor/tensor.js";
import { buildLoss, lossFormulas, type LossSpec, needsTwoViews, softTargets } from "./losses.js";
import { referenceLoss, type ReferenceRow } from "./losses-reference.js";
import { floatsOf } from "./adam.js";

const LABELS = 5;
const ROWS = 6;
const random = createRandom(9, "losses");
const weights = [1, 2, 1, 3, 0.5, 1];
const labels = [0, 4, 2, 2, 1, 3];
const logits = Float32Array.from({ length: ROWS * LABELS }, () => 2 * random.normal());
const twins = Float32Array.from(logits, (x) => x + 0.3 * random.normal());
/** Named labels and tail; a row without soft labels; a row that names every label. */
const soft = Float32Array.from(
  [
    [0.7, 0.2, 0, 0, 0, 0.1],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0.9, 0, 0, 0.1],
    [0.1, 0.1, 0.5, 0.1, 0.1, 0.1],
    [0, 1, 0, 0, 0, 0],
    [NaN, NaN, 0.3, 0.6, NaN, 0.1],
  ].flat(),
);

async function graphLoss(
  specs: readonly LossSpec[],
  softRows = soft,
): Promise<{ loss: number; gradient: Float32Array }> {
  const graph = createGraph();
  const rows = needsTwoViews(specs) ? "2*B" : "B";
  const input = graph.input("logits", [rows, LABELS]);
  const built = buildLoss(graph, specs, {
    logits: input,
    labels: graph.input("labels", [rows], "i64"),
    rowShares: graph.input("rowShares", [rows]),
    ...(needsTwoViews(specs) && { pairShares: graph.input("pairShares", ["B"]) }),
    softTargets: graph.input("softTargets", [rows, LABELS + 1]),
    softKnown: graph.input("softKnown", [rows, LABELS]),
    softShares: graph.input("softShares", [rows]),
  });
  const [gradient] = gradients(graph, built.total, [input]);
  if (gradient === undefined) throw new Error("no gradient");
  const session = await openSession(
    compileOnnx(graph, { outputs: { loss: built.total, gradient }, purpose: "train" }),
    { threads: 1 },
  );
  const views = rows === "B" ? 1 : 2;
  const temperature = specs.find((spec) => spec.kind === "forward-kl")?.temperature ?? 1;
  const targets = softTargets(softRows, LABELS, temperature);
  const repeat = (data: ArrayLike<number>): Float32Array =>
    Float32Array.from({ length: views * data.length }, (_, i) => data[i % data.length] ?? 0);
  const shares = (used: readonly boolean[]): Float32Array => {
    const total = weights.reduce((sum, weight, i) => sum + (used[i] === true ? weight : 0), 0);
    return repeat(weights.map((weight, i) => (used[i] === true ? weight / total / views : 0)));
  };
  const all: Record<string, ReturnType<typeof f32>> = {
    logits: f32([views * ROWS, LABELS], views === 1 ? logits : Float32Array.of(...logits, ...twins)),
    labels: i64([views * ROWS], repeat(labels)),
    rowShares: f32([views * ROWS], shares(weights.map(() => true))),
    pairShares: f32(
      [ROWS],
      shares(weights.map(() => true))
        .subarray(0, ROWS)
        .map((share) => share * views),
    ),
    softTargets: f32([views * ROWS, LABELS + 1], repeat(targets.probabilities)),
    softKnown: f32([views * ROWS, LABELS], repeat(targets.known)),
    softShares: f32(
      [views * ROWS],
      shares(weights.map((_, i) => softRows.subarray(i * 6, i * 6 + 6).some((p) => p > 0))),
    ),
  };
  const results = await session.run(
    Object.fromEntries(session.inputNames.map((name) => [name, all[name] ?? f32([], Float32Array.of(0))])),
  );
  await session.close();
  return { loss: floatsOf(results["loss"], "loss")[0] ?? NaN, gradient: floatsOf(results["gradient"], "gradient") };
}

const rowsOf = (views: 1 | 2): ReferenceRow[] =>
  weights.map((weight, i) => ({
    weight,
    label: labels[i] ?? 0,
    logits: logits.subarray(i * LABELS, (i + 1) * LABELS),
    ...(views === 2 && { twin: twins.subarray(i * LABELS, (i + 1) * LABELS) }),
    soft: soft.subarray(i * 6, i * 6 + 6),
  }));

describe("the losses of the graph", () => {
  it.each<readonly [string, readonly LossSpec[]]>([
    ["hard cross-entropy", [{ kind: "cross-entropy", weight: 1, labelSmoothing: 0 }]],
    ["smoothed cross-entropy", [{ kind: "cross-entropy", weight: 0.7, labelSmoothing: 0.1 }]],
    ["forward KL at temperature 1", [{ kind: "forward-kl", weight: 1, temperature: 1 }]],
    ["forward KL at temperature 3", [{ kind: "forward-kl", weight: 0.5, temperature: 3 }]],
    [
      "a mix",
      [
        { kind: "cross-entropy", weight: 0.5, labelSmoothing: 0.05 },
        { kind: "forward-kl", weight: 0.5, temperature: 2 },
      ],
    ],
  ])("agree with the float64 formulation: %s", async (_, specs) => {
    expect((await graphLoss(specs)).loss).toBeCloseTo(referenceLoss(specs, rowsOf(1)), 4);
  });

  it("agree with the float64 formulation: r-drop over two views", async () => {
    const { loss } = await graphLoss([{ kind: "r-drop", weight: 2 }]);
    expect(loss).toBeCloseTo(referenceLoss([{ kind: "r-drop", weight: 2 }], rowsOf(2)), 4);
  });

  it("give a forward KL of zero, with zero gradient, when teacher and student are identical", async () => {
    const own = new Float32Array(ROWS * (LABELS + 1));
    for (let i = 0; i < ROWS; i++) {
      const powers = Array.from(logits.subarray(i * LABELS, (i + 1) * LABELS), (x) => Math.exp(x));
      const total = powers.reduce((sum, x) => sum + x, 0);
      powers.forEach((x, c) => (own[i * 6 + (c === 1 ? LABELS : c)] = x / total)); // label 1 is not named: it is the tail
    }
    const { loss, gradient } = await graphLoss([{ kind: "forward-kl", weight: 1, temperature: 2 }], own);
    expect(loss).toBeCloseTo(0, 5);
    gradient.forEach((slope) => expect(slope).toBeCloseTo(0, 5));
  });

  it("have gradients that finite differences confirm", async () => {
    const specs: LossSpec[] = [
      { kind: "cross-entropy", weight: 0.5, labelSmoothing: 0.1 },
      { kind: "forward-kl", weight: 0.5, temperature: 2 },
    ];
    const { gradient } = await graphLoss(specs);
    const rows = rowsOf(1);
    for (let i = 0; i < ROWS * LABELS; i++) {
      const at = (step: number): number =>
        referenceLoss(
          specs,
          rows.map((row, r) => ({
            ...row,
            logits: Array.from(row.logits, (x, c) => (r * LABELS + c === i ? x + step : x)),
          })),
        );
      expect(gradient[i]).toBeCloseTo((at(1e-4) - at(-1e-4)) / 2e-4, 4);
    }
  });

  it("print the formula with the user's numbers", () => {
    const [text] = lossFormulas([{ kind: "forward-kl", weight: 0.5, temperature: 2 }], 77);
    expect(text).toContain("0.5 * 2^2 *");
  });
});
