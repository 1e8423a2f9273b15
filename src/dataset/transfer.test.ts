import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldLabel } from "./labels.js";
import { selectTransfer } from "./transfer.js";
import type { LabelDataset, Row } from "./types.js";

const rowOf = (text: string, sealed: boolean): Row => ({
  text,
  label: 0,
  weight: 1,
  group: 0,
  sealed,
  fold: sealed ? -1 : 0,
});

function datasetOf(rows: readonly Row[], template = { system: "", userPrefix: "", userSuffix: "" }): LabelDataset {
  return {
    hash: "d",
    workload: "test",
    others: [],
    labels: ["a", "b"],
    foldedLabels: [],
    folds: 5,
    rows,
    template,
    counts: { records: 1, accepted: 1, duplicates: 0, rejected: 0 },
    nearDuplicates: 0,
    sealedBy: "group",
    units: {
      templatedRows: 0,
      recurringRows: 0,
      recurringCalls: 0,
      repeatedSealedCalls: 0,
      nearLeaks: 0,
      unknownLabelCalls: 0,
    },
    traffic: { calls: 1, models: [] },
  };
}

const SEALED = "my new card has still not arrived although it was sent two weeks ago";
const LABELLED = "why was I charged a fee for the transfer to my savings account yesterday";
const dataset = datasetOf([
  rowOf(SEALED, true),
  rowOf(LABELLED, false),
  rowOf("届いたカードの有効化の方法を教えてください", true),
]);

describe("a transfer set", () => {
  it("holds no sealed text and no near-duplicate of one, in English and in Japanese", () => {
    const { texts, counts } = selectTransfer(
      [
        SEALED,
        `${SEALED.toUpperCase()}  `,
        `${SEALED}!!`,
        `${SEALED}, ok`,
        "届いたカードの、有効化の方法を教えてください!",
        "a text of its own",
      ],
      dataset,
      1,
    );
    expect(texts).toEqual(["a text of its own"]);
    expect(counts).toEqual({ texts: 5, sealed: 4, labelled: 0, thinned: 0 });
  });

  it("leaves out what the labelled rows hold, and counts repeats once", () => {
    const { texts, counts } = selectTransfer(
      [LABELLED, `${LABELLED}?`, "free text", " free  TEXT ", "", "  "],
      dataset,
      1,
    );
    expect(texts).toEqual(["free text"]);
    expect(counts).toEqual({ texts: 3, sealed: 0, labelled: 2, thinned: 0 });
  });

  it("sees a sealed row behind the template's constant parts", () => {
    const templated = datasetOf([rowOf(SEALED, true)], { system: "", userPrefix: "Classify: ", userSuffix: " ###" });
    const { texts, counts } = selectTransfer([`Classify: ${SEALED} ###`, "Classify: another ###"], templated, 1);
    expect(texts).toEqual(["another"]);
    expect(counts.sealed).toBe(1);
  });

  it("is a sample by seed where texts are too many, and a smaller sample is its beginning", () => {
    const given = Array.from(
      { length: 60 },
      (_, i) => `${"abcdefghij"[i % 10] ?? ""}${i * 7919} wording ${i * i * 31}`,
    );
    const [ten, twenty] = [selectTransfer(given, dataset, 3, 10), selectTransfer(given, dataset, 3, 20)];
    expect(ten.texts).toEqual(twenty.texts.slice(0, 10));
    expect(ten.counts.thinned).toBe(50);
    expect(selectTransfer(given, dataset, 3, 10)).toEqual(ten);
    expect(selectTransfer(given, dataset, 4, 10).hash).not.toBe(ten.hash);
  });

  it("finds a near-duplicate of a sealed row that many sealed rows resemble", () => {
    const rows = Array.from({ length: 40 }, (_, i) => rowOf(`${SEALED} ${"abcdefgh".slice(i % 5)} ${i}`, true));
    const { texts } = selectTransfer(
      rows.map(({ text }) => `${text}.`),
      datasetOf(rows),
      1,
    );
    expect(texts).toEqual([]);
  });

  it("of any texts holds none that equals a row but for case and space, whatever the texts are", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 12 }), fc.array(fc.string(), { maxLength: 12 }), (known, more) => {
        const own = datasetOf(known.map((text, i) => rowOf(text, i % 2 === 0)));
        const { texts, counts } = selectTransfer([...known, ...more], own, 1);
        const equal = new Set(known.map(foldLabel));
        expect(texts.filter((text) => equal.has(foldLabel(text)) || text.trim() === "")).toEqual([]);
        expect(texts.length + counts.sealed + counts.labelled + counts.thinned).toBe(counts.texts);
      }),
      { numRuns: 200 },
    );
  });
});
