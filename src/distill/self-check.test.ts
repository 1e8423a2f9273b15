import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { openSession } from "../runtime/onnxruntime.js";
import type { Session } from "../runtime/session.js";
import { f32, type Tensor } from "../tensor/tensor.js";
import { type PreparedData, stepTotals } from "./feeds.js";
import type { LossSpec } from "./losses.js";
import { type CheckedTraining, selfCheck } from "./self-check.js";
import { ENCODER_TRAIN_DEFAULTS, type EncoderTrainSpec } from "./spec.js";
import { startState } from "./train-state.js";
import { prepareData } from "./trainer.js";
import { buildTrainingGraph, compileTrainingGraph, flatLayout } from "./training-graph.js";

const losses: LossSpec[] = [
  { kind: "cross-entropy", weight: 0.5, labelSmoothing: 0.1 },
  { kind: "forward-kl", weight: 0.5, temperature: 3 },
];
const texts = [
  "a",
  "a card",
  "lost my card today",
  "the card that I lost",
  "where is it",
  "money",
  "pay the fee now please",
  "no",
  "never",
];
const spec: EncoderTrainSpec = {
  ...ENCODER_TRAIN_DEFAULTS,
  texts,
  labels: Int32Array.from(texts, (_, i) => i % 3),
  weights: new Float32Array(texts.length).fill(1),
  softLabels: Float32Array.from(
    texts.flatMap((_, i) => [0, 1, 2, 3].map((c) => (c === i % 3 ? 0.8 : c === 3 ? 0.2 : 0))),
  ),
  labelCount: 3,
  config: { towers: 1, layers: 1, width: 32, heads: 2, feedForward: 32, buckets: 128, maxTokens: 8 },
  losses,
  seed: 1,
};
const data = await prepareData(spec, { threads: 1 });
const layout = flatLayout(spec.config, spec.labelCount);
const state = startState(data.encoder);
const feeds = Object.fromEntries(
  layout.parameters.map(({ name, shape, offset, length }) => {
    const values = state.dense.weights.subarray(offset, offset + length);
    return [
      name,
      f32(
        shape,
        values.map((value, i) => value + 0.3 * Math.sin(i)),
      ),
    ];
  }),
);

async function check(
  trained: readonly LossSpec[],
  plant: (session: Session) => Partial<CheckedTraining>,
  checked: PreparedData = data,
): Promise<void> {
  const graph = buildTrainingGraph(spec.config, spec.labelCount, trained, true);
  const session = await openSession(compileTrainingGraph(graph), { threads: 1 });
  try {
    await selfCheck(checked, { session, graph, feeds, table: state.table.weights, ...plant(session) });
  } finally {
    await session.close();
  }
}

/** The session with its feeds changed on the way in. */
function fedWith(
  session: Session,
  change: (feeds: Readonly<Record<string, Tensor>>) => Record<string, Tensor>,
): Session {
  return { ...session, run: (given, outputs) => session.run(change(given), outputs) };
}

describe("the self-check", () => {
  it("passes the engine as it is", async () => {
    await check(losses, () => ({}));
    const rDrop = { ...spec, losses: [...losses, { kind: "r-drop", weight: 1 } as const] };
    await check(rDrop.losses, () => ({}), { ...data, spec: rDrop });
  });

  it("sees the square of the temperature dropped", async () => {
    const faulty: LossSpec[] = [
      losses[0] ?? { kind: "r-drop", weight: 1 },
      { kind: "forward-kl", weight: 0.5 / 9, temperature: 3 },
    ];
    await expect(check(faulty, () => ({}))).rejects.toThrow(/formula in float64/);
  });

  it("sees the mask ignored", async () => {
    const ones = ({ mask, ...rest }: Readonly<Record<string, Tensor>>): Record<string, Tensor> => ({
      ...rest,
      ...(mask !== undefined && { mask: f32(mask.shape, new Float32Array(mask.data.length).fill(1)) }),
    });
    await expect(check(losses, (session) => ({ session: fedWith(session, ones) }))).rejects.toThrow(
      /masked position has gradient/,
    );
  });

  it("sees a mean of means", async () => {
    const totalsOf: NonNullable<CheckedTraining["totalsOf"]> = (of, step, micro) => {
      const [part, count] = [stepTotals(of, micro), step.length / micro.length];
      return {
        weight: part.weight * count,
        softWeight: part.softWeight * count,
        tokenWeight: part.tokenWeight * count,
      };
    };
    await expect(check(losses, () => ({ totalsOf }))).rejects.toThrow(/micro-batches of 1 give loss/);
  });

  it("sees soft labels that belong to other rows", async () => {
    const shifted =
      spec.softLabels?.map((_, i, all) => all[Math.floor(i / 4) * 4 + (((i % 4) + 1) % 3)] ?? 0) ?? new Float32Array();
    const wrong = { ...spec, softLabels: shifted, labels: spec.labels };
    await expect(check(losses, () => ({}), { ...data, spec: wrong })).rejects.toThrow(InputError);
  });
});
