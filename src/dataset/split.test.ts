/** @file Hashes, near-duplicates, groups and splits: what must stay together does, and every size comes out as asked. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { groupRows, shinglesOf, similarityOf } from "./dedupe.js";
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
    firstMs: undefined,
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
      firstMs: i,
      conversations: i % 30 < 3 ? new Set([`c${Math.floor(i / 30)}`]) : undefined,
    }),
  );
}

const options = { seed: 1, sealedRatio: 0.15, timed: false, userSplit: false };

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

describe("splitRows", () => {
  it("never lets a group straddle, by hash or by time, whatever the seed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.boolean(), (seed, timed) => {
        const rows = drafts(600, seed % 5);
        const { groups } = groupRows(rows, seed);
        const { sealed, folds } = splitRows(rows, groups, { ...options, seed, timed });
        const sides = new Map<number, string>();
        rows.forEach((_, i) => {
          const side = `${sealed[i]} ${folds[i]}`;
          const group = groups[i] ?? -1;
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
      const split = splitRows(
        rows,
        Int32Array.from({ length: count }, (_, i) => i),
        options,
      );
      expect(split.sealed.filter(Boolean)).toHaveLength(wanted);
      expect(split.sealedBy).toBe(wanted === 0 ? "none" : "group");
    }
  });

  it("seals the newest rows where all have a time", () => {
    const rows = drafts(1000, 1);
    const { sealed, sealedBy } = splitRows(
      rows,
      Int32Array.from({ length: 1000 }, (_, i) => i),
      { ...options, timed: true },
    );
    expect(sealedBy).toBe("time");
    expect(sealed.indexOf(true)).toBe(840);
  });

  it("gives each label its share of the sealed rows and of every fold, and keeps a label's only row in training", () => {
    const rows = Array.from({ length: 2000 }, (_, i) =>
      draft(`text ${i}`, i < 1000 ? 0 : i < 1900 ? 1 : i < 1999 ? 2 : 3),
    );
    const { sealed, folds } = splitRows(
      rows,
      Int32Array.from({ length: 2000 }, (_, i) => i),
      options,
    );
    const share = (label: number): number =>
      rows.filter((row, i) => majorityOf(row.answers) === label && sealed[i]).length;
    expect(
      [share(0), share(1), share(2), share(3)].map(
        (count, label) => Math.abs(count - ([150, 135, 15, 0][label] ?? 0)) <= 2,
      ),
    ).toEqual([true, true, true, true]);
    expect(sealed[1999]).toBe(false);
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
});
