/** @file Hashes, near-duplicates, groups and splits: what must stay together does, and every size comes out as asked. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { shinglesOf, similarityOf } from "./dedupe.js";
import { groupRows } from "./groups.js";
import { addText, HashSet64, hashTexts, startHash } from "./hashes.js";
import { foldLabel } from "./labels.js";
import { majorityOf, type RowDraft } from "./rows.js";
import { FOLDS, resolveLeaks, splitRows } from "./split.js";

function draft(text: string, label: number, more: Partial<RowDraft> = {}): RowDraft {
  return {
    text,
    folded: foldLabel(text),
    side: "train",
    answers: new Map([[label, 1]]),
    golds: undefined,
    conversations: undefined,
    softSum: undefined,
    softCount: 0,
    weight: 1,
    quarters: 1,
    place: `log:${label}`,
    ...more,
  };
}

/** Distinct texts of random words; every tenth conversation holds three rows. */
function drafts(count: number, seed: number): RowDraft[] {
  const random = createRandom(seed, "test texts");
  const word = (): string => Array.from({ length: 6 }, () => String.fromCharCode(97 + random.int(26))).join("");
  return Array.from({ length: count }, (_, i) =>
    draft([word(), word(), word(), word()].join(" "), i % 7, {
      conversations: i % 30 < 3 ? new Set([`c${Math.floor(i / 30)}`]) : undefined,
    }),
  );
}

const options = { seed: 1, sealedRatio: 0.15, sides: "none" as const };

/** Every row a group of its own. */
function single(count: number): { groups: Int32Array; recurring: readonly boolean[] } {
  return { groups: Int32Array.from({ length: count }, (_, i) => i), recurring: new Array<boolean>(count).fill(false) };
}

describe("hashes", () => {
  it("tell a million short texts apart, and text boundaries", () => {
    const set = new HashSet64();
    for (let i = 0; i < 1_000_000; i++) {
      const state = startHash();
      addText(state, String(i));
      set.add(state);
    }
    expect(set.size).toBe(1_000_000);
    expect(hashTexts("ab", "c")).not.toBe(hashTexts("a", "bc"));
    expect(hashTexts("a", "b")).toBe(hashTexts("a", "b"));
  });
});

describe("near-duplicates", () => {
  it("share a group when a word or the punctuation differs, and not when the texts differ", () => {
    const rows = [
      draft("How long do EU transfers take? I bought something online a couple days ago", 0),
      draft("how long do EU transfers take, I bought something online a couple of days ago!", 0),
      draft("My card was stolen and I need a new one as soon as possible", 1),
    ];
    const { groups, nearDuplicates } = groupRows(rows, 1);
    expect([...groups]).toEqual([0, 0, 1]);
    expect(nearDuplicates).toBe(1);
  });

  it("are measured by the exact similarity of two sets", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const [x, y] = [shinglesOf(a), shinglesOf(b)];
        const both = [...x].filter((hash) => y.includes(hash)).length;
        expect(similarityOf(x, y)).toBeCloseTo(both / new Set([...x, ...y]).size, 12);
      }),
      { seed: 1 },
    );
  });

  it("are found in Japanese and never join texts without letters", () => {
    expect([
      ...groupRows(
        [
          draft("カードがまだ届いていないのですが、いつ届きますか", 0),
          draft("カードがまだ届いていないのですがいつ届きますか?", 0),
          draft("!!!", 1),
          draft("???", 1),
        ],
        1,
      ).groups,
    ]).toEqual([0, 0, 1, 2]);
  });
});

describe("groups", () => {
  const alike = (count: number, more: (i: number) => Partial<RowDraft> = () => ({})): RowDraft[] =>
    Array.from({ length: count }, (_, i) =>
      draft(`Order ${100_000 + i} has not arrived at my address what should I do now please tell me`, 0, {
        quarters: 1 << (i % 4),
        ...more(i),
      }),
    );

  it("leave the texts of a template single where their family is larger than a test counts, and say so", () => {
    expect(new Set(groupRows(alike(10), 1).groups).size).toBe(1);
    const { groups, templated, notes } = groupRows(alike(200), 1);
    expect(new Set(groups).size).toBe(200);
    expect(templated).toBe(200);
    expect(notes.join()).toMatch(/200 inputs are near-duplicates in families of more than 10 calls/);
  });
  it("keep a family together that stands in one part of the log alone, and take it for a template where it comes in both periods", () => {
    const campaign = alike(200, () => ({ quarters: 0b0010 }));
    expect(groupRows(campaign, 1)).toMatchObject({ templated: 0 });
    expect(new Set(groupRows([...campaign, ...drafts(600, 8)], 1).groups).size).toBeLessThanOrEqual(601);
    const later = alike(230, (i) => ({ quarters: 0b1000, side: i < 200 ? "train" : "test" }));
    expect(groupRows(later, 1)).toMatchObject({ templated: 230 });
  });
  it("keep equal texts of a template together, and the calls of a conversation", () => {
    const rows = [
      ...alike(100, (i) => (i < 4 ? { conversations: new Set(["c1"]) } : {})),
      draft("ORDER 100050 has not arrived at my address what should I do now please tell me", 0, {
        folded: foldLabel("Order 100050 has not arrived at my address what should I do now please tell me"),
      }),
    ];
    const { groups } = groupRows(
      rows.map((row) => ({ ...row, folded: foldLabel(row.folded) })),
      1,
    );
    expect(new Set([...groups].slice(0, 4)).size).toBe(1);
    expect(groups[100]).toBe(groups[50]);
    expect(new Set(groups).size).toBe(97);
  });
  it("make each call of a recurring input a unit, unless a conversation holds it or most inputs recur, as copies do", () => {
    const calls = (count: number): Partial<RowDraft> => ({
      weight: count,
      answers: new Map([[0, count]]),
      quarters: 15,
    });
    const rows = drafts(100, 2).map((row, i) => ({ ...row, conversations: undefined, ...calls(i < 3 ? 50 : 1) }));
    expect(groupRows(rows, 1).recurring.filter(Boolean)).toHaveLength(3);
    expect(groupRows(rows, 1).notes.join()).toMatch(/3 inputs recur through the log, 150 calls in all/);
    const held = rows.map((row, i) => (i === 0 ? { ...row, conversations: new Set(["c1"]) } : row));
    expect(groupRows(held, 1).recurring.filter(Boolean)).toHaveLength(2);
    const counted = rows.map((row) => ({ ...row, answers: new Map([[0, 1]]) }));
    expect(groupRows(counted, 1).recurring.some(Boolean)).toBe(false);
    const copied = groupRows(
      rows.map((row) => ({ ...row, ...calls(50) })),
      1,
    );
    expect(copied.recurring.some(Boolean)).toBe(false);
    expect(copied.notes.join()).toMatch(/as copies do/);
  });
  it("take a storm of equal calls for one group: in one part of the log, or too small to tell, unless it comes in both periods", () => {
    const calls = (count: number, quarters: number): Partial<RowDraft> => ({
      weight: count,
      answers: new Map([[0, count]]),
      quarters,
    });
    const rows = drafts(2000, 4).map((row, i) => ({
      ...row,
      conversations: undefined,
      ...(i === 0 ? calls(500, 0b0011) : i === 1 ? calls(20, 0b1111) : i === 2 ? calls(500, 0b1111) : {}),
    }));
    expect(groupRows(rows, 1).recurring.flatMap((recurs, i) => (recurs ? [i] : []))).toEqual([2]);
    const periods = [
      ...rows,
      { ...(rows[1] ?? draft("", 0)), side: "test" as const, ...calls(11, 0b1000) },
      { ...(rows[9] ?? draft("", 0)), side: "test" as const, ...calls(5, 0b1000) },
    ];
    expect(groupRows(periods, 1).recurring.flatMap((recurs, i) => (recurs ? [i] : []))).toEqual([1, 2, 2000]);
  });
  it("never tie what stands on two sides of a split: equal texts, near-duplicates or conversations", () => {
    const text = "How long do transfers to another bank take when I send them on a Sunday";
    const sides = (["train", "test"] as const).map((side) => [
      draft(text, 0, { side }),
      draft(`${text}?`, 0, { side, folded: foldLabel(`${text}?`) }),
      draft(`${side} of another kind`, 1, { side, conversations: new Set(["c1"]) }),
      draft(`${side} once more, quite different`, 2, { side, conversations: new Set(["c1"]) }),
    ]);
    expect([...groupRows(sides.flat(), 1).groups]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });
  it("keep equal inputs and conversations where near-duplicates would chain them all, and say so", () => {
    // Conversation c holds the near-duplicates c and c + 1: together they are one chain.
    const kinds = drafts(41, 4).map(({ text }) => text);
    const rows = Array.from({ length: 40 }, (_, c) =>
      [0, 1].map((place) =>
        draft(`${kinds[c + place] ?? ""}${place === 0 ? "" : "!"}`, 0, { conversations: new Set([`c${c}`]) }),
      ),
    ).flat();
    const { groups, notes } = groupRows(rows, 1);
    expect(notes.join()).toMatch(/near-duplicates chain the conversations/);
    expect([...groups]).toEqual(rows.map((_, i) => Math.floor(i / 2)));
  });
  it("are no templates where one input has many calls, and may be one conversation where rows are few", () => {
    const rows = drafts(19, 6).map((row) => ({ ...row, conversations: new Set(["c1"]) }));
    const [first, ...others] = rows;
    if (first === undefined) throw new Error("no rows");
    const { groups, templated, notes } = groupRows([{ ...first, weight: 12 }, ...others], 1);
    expect([new Set(groups).size, templated, notes]).toEqual([1, 0, []]);
  });
  it("are tied by no name that a third of the rows share, and by all others, and say so", () => {
    // A default session of 40 rows beside 30 conversations of two rows.
    const rows = drafts(100, 3).map((row, i) => ({
      ...row,
      conversations: new Set([i < 40 ? "cdefault" : `c${Math.floor(i / 2)}`]),
    }));
    const { groups, notes } = groupRows(rows, 1);
    expect([...groups]).toEqual(rows.map((_, i) => (i < 40 ? i : 20 + Math.floor(i / 2))));
    expect(notes.join()).toMatch(/1 of the conversations hold more than 30 % of the inputs each/);
  });

  it("drop conversations that chain everything, and say so", () => {
    const rows = drafts(100, 3).map((row, i) => ({
      ...row,
      conversations: new Set([`c${i}`, `t${i + 1}`, `c${i + 1}`]),
    }));
    const { groups, notes } = groupRows(rows, 1);
    expect(new Set(groups).size).toBe(100);
    expect(notes.join()).toMatch(/chain most rows into one group/);
  });
});

describe("splitRows", () => {
  it("never lets a group straddle, whatever the seed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const rows = drafts(600, seed % 5);
        const made = groupRows(rows, seed);
        const { sealed, folds } = splitRows(rows, made, { ...options, seed });
        const sides = new Map<number, string>();
        rows.forEach((_, i) => {
          const side = `${sealed[i]} ${folds[i]}`;
          const group = made.groups[i] ?? -1;
          expect(sides.get(group) ?? side).toBe(side);
          sides.set(group, side);
          expect(sealed[i] === true).toBe(folds[i] === -1);
        });
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it("seals what was asked, at least 160 of 300 rows or more, at most 3,000, and none of fewer", () => {
    for (const [count, wanted] of [
      [299, 0],
      [300, 160],
      [2000, 300],
      [40_000, 3000],
    ] as const) {
      const rows = Array.from({ length: count }, (_, i) => draft(`text ${i}`, i % 7));
      const split = splitRows(rows, single(count), options);
      expect(Math.abs(split.sealed.filter(Boolean).length - wanted)).toBeLessThanOrEqual(wanted === 0 ? 0 : 1);
      expect(split.sealedBy).toBe(wanted === 0 ? "none" : "group");
    }
  });

  it("seals as many groups as the guarantee needs where there are enough of them", () => {
    const rows = Array.from({ length: 2000 }, (_, i) => draft(`text ${i}`, i % 7));
    const groups = Int32Array.from({ length: 2000 }, (_, i) => Math.floor(i / 4));
    const { sealed } = splitRows(rows, { groups, recurring: rows.map(() => false) }, options);
    expect(Math.abs(sealed.filter(Boolean).length - 4 * 160)).toBeLessThanOrEqual(4);
  });

  it("seals each group with the same chance, whatever its size and however rare its label", () => {
    const rows = Array.from({ length: 3000 }, (_, i) => draft(`text ${i}`, i < 1500 ? 0 : i - 1499));
    const groups = Int32Array.from({ length: 3000 }, (_, i) => (i < 1000 ? Math.floor(i / 10) : i));
    const counts = { large: 0, frequent: 0, rare: 0 };
    for (let seed = 0; seed < 200; seed++) {
      const { sealed } = splitRows(rows, { groups, recurring: rows.map(() => false) }, { ...options, seed });
      for (let group = 0; group < 100; group++) counts.large += sealed[10 * group] === true ? 1 : 0;
      for (let i = 1000; i < 1500; i++) counts.frequent += sealed[i] === true ? 1 : 0;
      for (let i = 1500; i < 3000; i++) counts.rare += sealed[i] === true ? 1 : 0;
    }
    const ratios = [counts.large / (200 * 100), counts.frequent / (200 * 500), counts.rare / (200 * 1500)];
    for (const ratio of ratios) expect(Math.abs(ratio - 0.15)).toBeLessThan(0.01);
  });

  it("seals no recurring input whole: its calls are shared out later, at the same ratio", () => {
    const rows = Array.from({ length: 1000 }, (_, i) => draft(`text ${i}`, i % 7));
    const recurring = rows.map((_, i) => i % 2 === 0);
    const { sealed, folds, sealedCallRatio } = splitRows(rows, { ...single(1000), recurring }, options);
    expect(sealedCallRatio).toBeCloseTo(0.16, 12);
    expect(Math.abs(sealed.filter(Boolean).length - 80)).toBeLessThanOrEqual(1);
    expect(rows.some((_, i) => recurring[i] === true && (sealed[i] === true || folds[i] === -1))).toBe(false);
  });

  it("takes sides as they are", () => {
    const rows = drafts(1000, 1).map((row, i) => ({ ...row, side: i < 840 ? ("train" as const) : ("test" as const) }));
    const { sealed, sealedBy } = splitRows(rows, single(1000), { ...options, sides: "time" });
    expect(sealedBy).toBe("time");
    expect(sealed.indexOf(true)).toBe(840);
    expect(sealed.filter(Boolean)).toHaveLength(160);
  });

  it("gives each label its share of the sealed rows and of every fold", () => {
    const rows = Array.from({ length: 2000 }, (_, i) =>
      draft(`text ${i}`, i < 1000 ? 0 : i < 1900 ? 1 : i < 1999 ? 2 : 3),
    );
    const { sealed, folds } = splitRows(rows, single(2000), options);
    const share = (label: number): number =>
      rows.filter((row, i) => majorityOf(row.answers) === label && sealed[i]).length;
    expect(
      [share(0), share(1), share(2)].map((count, label) => Math.abs(count - ([150, 135, 15][label] ?? 0)) <= 2),
    ).toEqual([true, true, true]);
    const sizes = Array.from({ length: FOLDS }, (_, fold) => folds.filter((own) => own === fold).length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(2);
  });
});

describe("a user's split", () => {
  const rows = [
    draft("hello there", 0),
    draft("Hello  There", 0, { side: "test" }),
    draft("a", 0, { conversations: new Set(["c1"]) }),
    draft("b", 1, { side: "test", conversations: new Set(["c1"]) }),
    draft("z", 1),
  ];

  it("that leaks stops with the pairs and the flag that resolves it", () => {
    const error: unknown = (() => {
      try {
        return resolveLeaks(
          rows.map((row) => ({ ...row, folded: foldLabel(row.text) })),
          "error",
        );
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(/share 2 inputs.*hello there.*one conversation.*--resolve-leaks drop-train/);
  });

  it("loses its leaking train rows when told so", () => {
    const { drafts: kept, dropped } = resolveLeaks(rows, "drop-train");
    expect(dropped).toBe(2);
    expect(kept.map((row) => row.text)).toEqual(["Hello  There", "b", "z"]);
  });

  it("counts near-duplicates of test rows, and drops them when told so", () => {
    const apart = rows.filter((_, i) => i === 3 || i === 4);
    const isNear = (row: RowDraft): boolean => row.text === "z";
    expect(resolveLeaks(apart, "error", isNear)).toMatchObject({ dropped: 0, nearLeaks: 1 });
    expect(resolveLeaks(apart, "drop-train", isNear)).toMatchObject({ dropped: 1, nearLeaks: 0 });
  });
});
