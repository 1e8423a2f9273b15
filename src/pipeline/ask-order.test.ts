import { describe, expect, it } from "vitest";
import type { TextRow } from "../dataset/texts.js";
import { answerOf, labels, unseenTexts } from "../teacher/server.test.fixture.js";
import { informativeOrder, interleave } from "./ask-order.js";

const texts: readonly TextRow[] = unseenTexts.map((text) => ({ text, occurrences: 1, meta: {} }));

interface Rounds {
  readonly rounds: readonly (readonly number[])[];
  readonly sideOf: (row: number) => "train" | "test" | undefined;
}

/** Rounds until everything is asked (or as many as wanted), answered by `answer`. */
async function roundsOf(some: readonly TextRow[], answer: (text: string) => string, most = 20): Promise<Rounds> {
  const { order, sideOf } = informativeOrder(some, labels.length, 1);
  const given: (string | undefined)[] = some.map(() => undefined);
  const rounds: number[][] = [];
  for (let round = 0; round < most; round++) {
    const rows = [...(await order({ round, labels: given }))];
    if (rows.length === 0) break;
    rounds.push(rows);
    for (const row of rows) given[row] = answer(some[row]?.text ?? "");
  }
  return { rounds, sideOf };
}

describe("informativeOrder", () => {
  it("asks every text once, in growing rounds, and the same again for the same answers", async () => {
    const first = await roundsOf(texts, answerOf);
    expect(first.rounds.length).toBeGreaterThan(1);
    expect(first.rounds.flat().toSorted((a, b) => a - b)).toEqual([...texts.keys()]);
    expect((await roundsOf(texts, answerOf)).rounds).toEqual(first.rounds);
  });

  it("draws the texts of the proof at random: no answer changes them, while answers choose the others", async () => {
    const honest = await roundsOf(texts, answerOf, 2);
    const other = await roundsOf(texts, (text) => labels[text.length % labels.length] ?? "", 2);
    const proofOf = ({ rounds, sideOf }: Rounds): number[] => rounds.flat().filter((row) => sideOf(row) === "test");
    expect(proofOf(honest).length).toBeGreaterThanOrEqual(160);
    expect(proofOf(other)).toEqual(proofOf(honest));
    expect(new Set(other.rounds[0])).toEqual(new Set(honest.rounds[0]));
    expect(new Set(other.rounds[1])).not.toEqual(new Set(honest.rounds[1]));
  });

  it("keeps near-duplicates and conversations on one side", async () => {
    const doubled = texts.flatMap((row, i): TextRow[] => [
      { ...row, meta: i % 5 === 0 ? { conversation: `c${i % 50}` } : {} },
      { ...row, text: `${row.text.toUpperCase()}  ` },
    ]);
    const { sideOf } = informativeOrder(doubled, labels.length, 1);
    const sides = new Map<string, Set<string | undefined>>();
    for (const [i, row] of doubled.entries()) {
      for (const key of [row.text.trim().toLowerCase(), row.meta.conversation ?? `alone ${i}`]) {
        sides.set(key, (sides.get(key) ?? new Set()).add(sideOf(i)));
      }
    }
    expect([...sides.values()].filter((found) => found.size > 1)).toEqual([]);
    expect(doubled.filter((_, i) => sideOf(i) === "test").length).toBeGreaterThan(100);
  });

  it("takes the split that the data name as it is", async () => {
    const split = texts.map((row, i): TextRow => ({ ...row, meta: { split: i % 4 === 0 ? "test" : "train" } }));
    const { rounds, sideOf } = await roundsOf(split, answerOf, 1);
    expect(rounds[0]?.filter((row) => row % 4 === 0)).toHaveLength(160);
    expect(sideOf(0)).toBeUndefined();
  });

  it("holds nothing back of too few texts to prove anything", async () => {
    const few = texts.slice(0, 100);
    const { rounds, sideOf } = await roundsOf(few, answerOf);
    expect(rounds.flat().toSorted((a, b) => a - b)).toEqual([...few.keys()]);
    expect(few.every((_, row) => sideOf(row) === "train")).toBe(true);
  });
});

describe("interleave", () => {
  it("leaves both lists their share wherever it is cut", () => {
    const joined = interleave([0, 1, 2], [10, 11, 12, 13, 14, 15, 16, 17, 18]);
    expect(joined).toHaveLength(12);
    for (let cut = 0; cut <= 12; cut++) {
      const own = joined.slice(0, cut).filter((row) => row < 10).length;
      expect(Math.abs(own - cut / 4)).toBeLessThanOrEqual(1);
    }
    expect(interleave([], [1, 2])).toEqual([1, 2]);
  });
});
