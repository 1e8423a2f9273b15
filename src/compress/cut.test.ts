import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { compileOnnx } from "../graph/onnx.js";
import { pretrainedParameters, readParameters } from "../models/pretrained-parameters.js";
import { floats, headOf, largestDifference, LABELS, openReference } from "../models/pretrained.test.fixture.js";
import { pretrainedServeGraph } from "../models/pretrained.js";
import { openSession } from "../runtime/onnxruntime.js";
import { f32, i64 } from "../tensor/tensor.js";
import { allParts, cutEncoder, type EncoderWeights } from "./cut.js";
import { bestOf, chooseLayers, measureImportance } from "./importance.js";

const TEXTS = [
  [3, 5, 7, 9, 11],
  [4, 6, 8],
  [12, 13, 14, 15, 3, 4, 5],
].map((ids) => Int32Array.from(ids));

function openEncoder(name: string): EncoderWeights {
  const { config, source, expected } = openReference(name);
  const values = new Map([...readParameters(source, config, pretrainedParameters(config)), ...headOf(expected)]);
  return { config, values };
}

/** The encoder with some values changed. */
function changed(encoder: EncoderWeights, name: string, change: (value: number, i: number) => number): EncoderWeights {
  return {
    ...encoder,
    values: new Map(encoder.values).set(name, (encoder.values.get(name) ?? new Float32Array()).map(change)),
  };
}

async function logitsOf({ config, values }: EncoderWeights, texts: readonly Int32Array[]): Promise<Float32Array> {
  const { graph, logits } = pretrainedServeGraph({ config, pooling: "mean", labelCount: LABELS, maxTokens: 8 });
  if (logits === undefined) throw new Error("no head");
  const session = await openSession(compileOnnx(graph, { outputs: { logits }, purpose: "serve", weights: values }), {
    threads: 1,
  });
  const rows: number[] = [];
  for (const ids of texts) {
    const shape = [1, ids.length];
    const results = await session.run({ ids: i64(shape, ids), mask: f32(shape, new Float32Array(ids.length).fill(1)) });
    rows.push(...floats(results["logits"]));
  }
  await session.close();
  return Float32Array.from(rows);
}

async function expectSameAnswers(a: EncoderWeights, b: EncoderWeights, textsOfB = TEXTS): Promise<void> {
  const [expected, came] = [await logitsOf(a, TEXTS), await logitsOf(b, textsOfB)];
  expect(largestDifference(came, expected, new Float32Array(TEXTS.length).fill(1))).toBeLessThan(1e-5);
}

describe.each(["bert", "modernbert"])("cutting the encoder %s", (name) => {
  const encoder = openEncoder(name);
  const { config } = encoder;
  const parts = allParts(config);
  const lastLayer = config.layers.length - 1;

  it("changes nothing when everything stays", () => {
    const whole = cutEncoder(encoder, parts);
    expect(whole.config).toEqual(config);
    for (const [key, values] of whole.values) expect(values).toEqual(encoder.values.get(key));
  });

  it("gives the same answers without neurons that nothing reads, others in each layer", async () => {
    const isDead = (layer: number, neuron: number): boolean => neuron === layer || neuron === layer + 3;
    const silent = config.layers.reduce(
      (each, _, layer) =>
        changed(each, `layer${layer}.mlp.down.weight`, (value, i) =>
          isDead(layer, i % config.feedForward) ? 0 : value,
        ),
      encoder,
    );
    const feedForward = parts.feedForward.map((all, layer) => all.filter((neuron) => !isDead(layer, neuron)));
    const cut = cutEncoder(silent, { ...parts, feedForward });
    expect(cut.config.feedForward).toBe(config.feedForward - 2);
    await expectSameAnswers(silent, cut);
  });

  it("gives the same answers for texts of the words that stay, by their new ids", async () => {
    const vocabulary = Uint32Array.from(new Set([0, ...TEXTS.flatMap((ids) => [...ids])])).sort();
    const cut = cutEncoder(encoder, { ...parts, vocabulary, positions: 8 });
    const renumbered = TEXTS.map((ids) => ids.map((id) => vocabulary.indexOf(id)));
    expect(cut.config.vocabularySize).toBe(vocabulary.length);
    await expectSameAnswers(encoder, cut, renumbered);
  });

  it("takes heads together with width and leaves a model that runs", async () => {
    const importance = await measureImportance(encoder, TEXTS, { threads: 1 });
    const headWidth = config.width / config.heads;
    const width = bestOf(importance.width, config.width - headWidth);
    const heads = importance.heads.map((scores) => bestOf(scores, config.heads - 1));
    const cut = cutEncoder(encoder, { ...parts, width, heads });
    expect(cut.config).toMatchObject({ width: config.width - headWidth, heads: config.heads - 1 });
    expect((await logitsOf(cut, TEXTS)).every(Number.isFinite)).toBe(true);
    const places = [...(heads[lastLayer] ?? [])].flatMap((head) =>
      Array.from({ length: headWidth }, (_, i) => head * headWidth + i),
    );
    const perPart = [0, 1, 2].flatMap((part) => places.map((place) => part * config.width + place));
    const expectKept = (parameter: string, rows: readonly number[], columns: readonly number[]): void => {
      const whole = encoder.values.get(parameter) ?? new Float32Array();
      const kept = rows.flatMap((row) => columns.map((column) => whole[row * config.width + column]));
      expect([...(cut.values.get(parameter) ?? [])]).toEqual(kept);
    };
    expectKept("table", [...Array(config.vocabularySize).keys()], [...width]);
    expectKept(`layer${lastLayer}.attention.qkv.weight`, perPart, [...width]);
    expectKept(`layer${lastLayer}.attention.out.weight`, [...width], places);
  });

  it("refuses what config.json cannot state", () => {
    expect(() => cutEncoder(encoder, { ...parts, heads: parts.heads.map((all) => all.slice(1)) })).toThrow(UsageError);
    const uneven = parts.feedForward.map((all, i) => all.slice(i === 0 ? 1 : 0));
    expect(() => cutEncoder(encoder, { ...parts, feedForward: uneven })).toThrow(/equally many neurons/);
    expect(() => cutEncoder(encoder, { ...parts, layers: Uint32Array.of() })).toThrow(UsageError);
  });

  it("scores a head that says nothing and a neuron that never fires lowest", async () => {
    const headWidth = config.width / config.heads;
    const isValueOfHead1 = (i: number): boolean => Math.floor((i / config.width - 2 * config.width) / headWidth) === 1;
    const mute = changed(encoder, `layer${lastLayer}.attention.qkv.weight`, (value, i) =>
      isValueOfHead1(i) ? 0 : value,
    );
    const isBias = (i: number): boolean => Math.floor((i - 2 * config.width) / headWidth) === 1;
    const silent = mute.values.has(`layer${lastLayer}.attention.qkv.bias`)
      ? changed(mute, `layer${lastLayer}.attention.qkv.bias`, (value, i) => (isBias(i) ? 0 : value))
      : mute;
    const { heads } = await measureImportance(silent, TEXTS, { threads: 1 });
    expect(heads[lastLayer]?.[1]).toBeLessThan(1e-6);
    expect(bestOf(heads[lastLayer] ?? new Float64Array(), 1)).not.toEqual(Uint32Array.of(1));
    const idle = changed(encoder, "layer0.mlp.up.weight", (value, i) =>
      Math.floor(i / config.width) === 2 ? 0 : value,
    );
    const without = idle.values.has("layer0.mlp.up.bias")
      ? changed(idle, "layer0.mlp.up.bias", (value, i) => (i === 2 ? 0 : value))
      : idle;
    const { feedForward } = await measureImportance(without, TEXTS, { threads: 1 });
    expect(feedForward[0]?.[2]).toBeLessThan(1e-6);
  });
});

describe("the importance of parts", () => {
  it("is that of the tokens: what pads a short text beside a long one counts for nothing", async () => {
    const encoder = openEncoder("bert");
    const [first, second, both] = await Promise.all(
      [TEXTS.slice(1, 2), TEXTS.slice(2), TEXTS.slice(1)].map((texts) =>
        measureImportance(encoder, texts, { threads: 1 }),
      ),
    );
    both?.feedForward[0]?.forEach((norm, i) =>
      expect(norm).toBeCloseTo(Math.hypot(first?.feedForward[0]?.[i] ?? NaN, second?.feedForward[0]?.[i] ?? NaN), 4),
    );
    both?.layers.forEach((influence, i) =>
      expect(influence).toBeCloseTo((3 * (first?.layers[i] ?? NaN) + 7 * (second?.layers[i] ?? NaN)) / 10, 5),
    );
  });
});

describe("choosing layers", () => {
  it("removes the layer that changes nothing first, then scores again", async () => {
    const encoder = openEncoder("modernbert");
    const idle = ["attention.out", "mlp.down"].reduce(
      (each, part) => changed(each, `layer1.${part}.weight`, () => 0),
      encoder,
    );
    const { layers } = await measureImportance(idle, TEXTS, { threads: 1 });
    expect(layers[1]).toBeCloseTo(0, 6);
    const kept = await chooseLayers(idle, TEXTS, encoder.config.layers.length - 1, { threads: 1 });
    expect([...kept]).not.toContain(1);
    expect(kept[0]).toBe(0);
    await expectSameAnswers(idle, cutEncoder(idle, { ...allParts(encoder.config), layers: kept }));
  });
});
