import { beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { lengthRangeOf, measureQuality, scriptOf, type EvaluatedCall, type Quality } from "./metrics.js";

const LABELS = ["card", "loan", "__proto__"];

/** teacher, student, times: a small confusion matrix written out. */
const MATRIX = [
  [0, 0, 8],
  [0, 1, 2],
  [1, 1, 5],
  [1, 0, 5],
  [2, 2, 10],
] as const;
const calls: EvaluatedCall[] = MATRIX.flatMap(([label, predicted, times]) =>
  Array.from({ length: times }, (_, i) => ({ text: `text ${i}`, label, predicted, gold: label })),
).map((call, group) => ({ ...call, group }));

describe("quality", () => {
  let quality: Quality;
  beforeEach(() => {
    quality = measureQuality(calls, LABELS, { trainCounts: [5, 60, 500] });
  });

  it("counts agreement by calls, with the answer of that very call", () => {
    expect(quality.agreement.value).toBeCloseTo(23 / 30, 12);
    expect(quality.calls).toBe(30);
    expect(quality).not.toHaveProperty("mostFrequentAgreement");
    const noisy = Array.from({ length: 10 }, (_, i): EvaluatedCall => ({
      text: "a",
      label: i < 6 ? 0 : 1,
      predicted: 0,
      mostFrequent: 0,
      group: i,
    }));
    expect(measureQuality(noisy, LABELS)).toMatchObject({
      agreement: { value: 0.6 },
      mostFrequentAgreement: { value: 1 },
    });
    expect(
      measureQuality([{ text: "a", label: 0, predicted: 0, right: 2 / 3, mostFrequent: 0, group: 0 }], LABELS),
    ).toMatchObject({ agreement: { value: 2 / 3 }, mostFrequentAgreement: { value: 1 } });
  });
  it("widens intervals by group", () => {
    const grouped = measureQuality(
      calls.map((call, i) => ({ ...call, group: Math.floor(i / 5) })),
      LABELS,
    );
    expect(grouped.agreement.value).toBe(quality.agreement.value);
    expect(grouped.agreement.low).toBeLessThan(quality.agreement.low);
  });
  it("has slices of answers that nothing learned has and of inputs that were learned from", () => {
    const { slices } = measureQuality(
      [
        { text: "a", label: -1, predicted: 0, group: 0 },
        ...Array.from({ length: 6 }, (_, i): EvaluatedCall => ({
          text: "b",
          label: 0,
          predicted: 0,
          group: i,
          seen: true,
        })),
      ],
      LABELS,
    );
    expect(slices.find(({ kind }) => kind === "unlearned")).toMatchObject({ support: 1, agreement: { value: 0 } });
    expect(slices.find(({ kind }) => kind === "seen")).toMatchObject({ support: 6, agreement: { value: 1 } });
  });
  it("averages F1 over the classes", () => {
    const f1 = [16 / (10 + 13), 10 / (10 + 7), 1];
    expect(quality.macroF1).toBeCloseTo((f1[0] ?? 0) / 3 + (f1[1] ?? 0) / 3 + 1 / 3, 12);
  });
  it("lists the worst recall first, with precision", () => {
    expect(quality.classes.map((each) => [each.label, each.support, each.recall.value])).toEqual([
      ["loan", 10, 0.5],
      ["card", 10, 0.8],
      ["__proto__", 10, 1],
    ]);
    expect(quality.classes[0]?.precision).toBeCloseTo(5 / 7, 12);
  });
  it("lists the most frequent confusion first", () => {
    expect(quality.confusions).toEqual([
      { teacher: "loan", student: "card", count: 5 },
      { teacher: "card", student: "loan", count: 2 },
    ]);
  });
  it("orders slices by their upper bound and cuts by label frequency", () => {
    const highs = quality.slices.map((slice) => slice.agreement.high);
    expect(highs).toEqual([...highs].sort((a, b) => a - b));
    expect(quality.slices[0]).toMatchObject({ kind: "frequency", from: 50, to: 199, support: 10 });
    expect(quality.slices.filter(({ kind }) => kind === "frequency").length).toBe(3);
  });
  it("compares with gold where gold is known", () => {
    expect(quality.goldAccuracy?.value).toBeCloseTo(23 / 30, 12);
    expect(quality.teacherGoldAccuracy?.value).toBe(1);
    expect(measureQuality([{ text: "a", label: 0, predicted: 0, group: 0 }], LABELS)).not.toHaveProperty(
      "goldAccuracy",
    );
  });
  it("counts a label outside of the set as a disagreement and refuses an impossible index", () => {
    expect(measureQuality([{ text: "a", label: -1, predicted: 0, group: 0 }], LABELS)).toMatchObject({
      agreement: { value: 0 },
      confusions: [{ teacher: null, student: "card", count: 1 }],
    });
    expect(() => measureQuality([{ text: "a", label: 7, predicted: 0, group: 0 }], LABELS)).toThrow(InputError);
  });
  it("lists classes of one recall by their calls, then by name, and none without a call", () => {
    const of = (label: number, predicted: number, times: number): EvaluatedCall[] =>
      Array.from({ length: times }, (_, group) => ({ text: "a", label, predicted, group }));
    const names = ["d", "c", "b", "a", "never", "predicted only"];
    const { classes, macroF1 } = measureQuality(
      [
        ...of(0, 0, 2),
        ...of(1, 1, 1),
        ...of(2, 2, 3),
        ...of(3, 3, 1),
        ...of(3, 5, 1),
        ...of(-1, 0, 1),
        ...of(1, -1, 1),
      ],
      names,
    );
    expect(classes.map(({ label, support, precision }) => [label, support, precision])).toEqual([
      ["a", 2, 1],
      ["c", 2, 1],
      ["b", 3, 1],
      ["d", 2, 2 / 3],
    ]);
    // Two of five labels are right in half, each named once for two calls; one is named once too often; one is never right.
    expect(macroF1).toBeCloseTo((4 / 5 + 2 / 3 + 1 + 2 / 3 + 0) / 5, 12);
    expect(measureQuality(of(0, 1, 1), ["x", "y"]).classes[0]?.precision).toBe(0);
  });
  it("lists confusions of one count by the names of teacher and student, fifty at most", () => {
    const pairs = [
      [1, 0],
      [0, 2],
      [0, 1],
      [-1, 1],
      [1, -1],
    ] as const;
    const mixed = pairs.map(([label, predicted], group): EvaluatedCall => ({ text: "a", label, predicted, group }));
    const named = measureQuality(mixed, ["a", "b", "c"]).confusions;
    expect(named.map(({ teacher, student }) => [teacher, student])).toEqual([
      [null, "b"],
      ["a", "b"],
      ["a", "c"],
      ["b", null],
      ["b", "a"],
    ]);
    const many = Array.from({ length: 60 }, (_, i): EvaluatedCall => ({
      text: "a",
      label: i,
      predicted: 60,
      group: i,
    }));
    const labels = Array.from({ length: 61 }, (_, i) => `label ${i}`);
    expect(measureQuality([...many, ...many], labels).confusions).toHaveLength(50);
  });
  it("has no slice of fewer than five calls, and orders slices of one upper bound by their share", () => {
    const of = (text: string, wrong: number, calls: number, group: number): EvaluatedCall[] =>
      Array.from({ length: calls }, (_, i) => ({ text, label: 0, predicted: i < wrong ? 1 : 0, group: group + i }));
    const scripts = (some: readonly EvaluatedCall[]): unknown[] =>
      measureQuality(some, LABELS, { trainCounts: [0, 0, 0] }).slices.flatMap((slice) =>
        slice.kind === "script" ? [[slice.script, slice.support]] : [],
      );
    expect(scripts([...of("a", 0, 5, 0), ...of("あ", 0, 4, 10)])).toEqual([["latin", 5]]);
    expect(scripts([...of("a", 0, 6, 0), ...of("я", 0, 40, 60), ...of("あ", 5, 6, 10)])).toEqual([
      ["japanese", 6],
      ["latin", 6],
      ["other", 40],
    ]);
    const groups = measureQuality([...of("a", 1, 5, 0), ...of("я", 3, 5, 0)], LABELS).slices;
    expect(groups.filter(({ kind }) => kind === "frequency")).toEqual([]);
  });
  it("compares student and teacher with gold apart, an answer outside of the labels being no gold", () => {
    const graded = [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [-1, 0, -1],
      [1, 1, undefined],
    ].map(([label = 0, predicted = 0, gold], group): EvaluatedCall => {
      return { text: "a", label, predicted, group, ...(gold === undefined ? {} : { gold }) };
    });
    const { goldAccuracy, teacherGoldAccuracy } = measureQuality(graded, LABELS);
    expect(goldAccuracy?.value).toBe(2 / 4);
    expect(teacherGoldAccuracy?.value).toBe(2 / 4);
  });
  it("never counts two answers outside of the labels as equal", () => {
    const outside: EvaluatedCall = { text: "a", label: -1, predicted: -1, group: 0 };
    expect(measureQuality([outside], LABELS).agreement.value).toBe(0);
    const { agreement, mostFrequentAgreement } = measureQuality(
      [
        { ...outside, mostFrequent: -1 },
        { text: "a", label: 1, predicted: 0, group: 1, mostFrequent: 0 },
        { text: "a", label: 0, predicted: 0, group: 2 },
        { text: "a", label: 1, predicted: 0, group: 3 },
      ],
      LABELS,
    );
    expect([agreement.value, mostFrequentAgreement?.value]).toEqual([1 / 4, 2 / 4]);
  });
  it("says nothing false of no rows", () => {
    expect(measureQuality([], LABELS)).toMatchObject({
      calls: 0,
      agreement: { low: 0, high: 1 },
      macroF1: 0,
      slices: [],
    });
  });
});

describe("slices", () => {
  it("tell scripts apart", () => {
    const texts = ["My card", "カードが届かない", "карта", "ATMの手数料は?", "12 ?!", "データー", ""];
    expect(texts.map(scriptOf)).toEqual(["latin", "japanese", "other", "mixed", "other", "japanese", "other"]);
  });
  it("count characters, not code units", () => {
    expect(lengthRangeOf("😀".repeat(20))).toEqual({ kind: "length", from: 0, to: 20 });
    expect(lengthRangeOf("a".repeat(21))).toEqual({ kind: "length", from: 21, to: 50 });
    expect(lengthRangeOf("a".repeat(1_000_000))).toEqual({ kind: "length", from: 2001 });
  });
});
