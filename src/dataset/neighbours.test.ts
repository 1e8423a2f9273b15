/** @file Near-duplicates are found among rows that one template makes alike, and long documents are told apart by all of their text. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { joinNearDuplicates, nearDuplicateFinder, shinglesOf, similarityOf } from "./dedupe.js";
import { DisjointSets } from "./disjoint-sets.js";
import { Neighbours } from "./neighbours.js";
import { areNear, NEAR_DUPLICATE_SIMILARITY } from "./shingles.js";

const random = createRandom(1, "texts of near-duplicates");
const word = (): string =>
  Array.from({ length: 3 + random.int(6) }, () => String.fromCharCode(97 + random.int(26))).join("");
const words = (count: number): string => Array.from({ length: count }, word).join(" ");
const vocabulary = Array.from({ length: 200 }, word);
const known = (): string => vocabulary[random.int(vocabulary.length)] ?? "";

const INSTRUCTION =
  "You are given the following ticket of a customer of our bank and have to say which queue takes it, in one word and nothing else. Think about the words of the customer. Ticket:";
const TEMPLATES: readonly (() => string)[] = [
  () => `${INSTRUCTION} ${words(6)}`,
  () =>
    `Order ${100_000 + random.int(900_000)} from ${known()} for ${known()} is late, please tell me what to do about the ${known()}`,
  () => `Hello, my ${known()} ${known()} came broken and I live in ${known()}. Regards, ${known()}`,
];

/** The text with one to three of its last words changed, still a near-duplicate of it. */
function changed(text: string): string {
  const own = shinglesOf(text);
  for (;;) {
    const parts = text.split(" ");
    for (let edits = 1 + random.int(3); edits > 0; edits--) parts[parts.length - 1 - random.int(6)] = word();
    const result = parts.join(" ");
    if (similarityOf(own, shinglesOf(result)) >= NEAR_DUPLICATE_SIMILARITY + 0.02) return result;
    if (random.int(8) === 0) return `${text} ok`;
  }
}

/** Set of each text among all. */
function setsOf(texts: readonly string[]): number[] {
  const sets = new DisjointSets(texts.length);
  joinNearDuplicates(texts, [...texts.keys()], 1, sets);
  return texts.map((_, i) => sets.find(i));
}

describe("rows of one template", () => {
  const originals = Array.from({ length: 6000 }, (_, i) => TEMPLATES[i % TEMPLATES.length]?.() ?? "");
  const planted = originals.slice(0, 3000).map(changed);

  it("do not hide 3,000 planted near-duplicates", () => {
    const sets = setsOf([...originals, ...planted]);
    expect(planted.flatMap((_, i) => (sets[i] === sets[originals.length + i] ? [] : [i]))).toEqual([]);
  });

  it("cost so many comparisons each and no more, however many they are", () => {
    const shingles = Array.from({ length: 4000 }, () => shinglesOf(TEMPLATES[0]?.() ?? ""));
    const neighbours = new Neighbours(shingles, 1, new DisjointSets(shingles.length));
    for (let row = 0; row < shingles.length; row++) neighbours.join(row);
    expect(neighbours.comparisons).toBeGreaterThan(60 * shingles.length);
    expect(neighbours.comparisons).toBeLessThanOrEqual(160 * shingles.length);
  });
});

describe("long documents", () => {
  const beginning = words(2000);

  it("with one beginning are told apart by what follows it", () => {
    const rests = Array.from({ length: 5 }, () => words(1000));
    const documents = rests.map((rest) => `${beginning} ${rest}`);
    expect(new Set(setsOf(documents)).size).toBe(5);
    expect(nearDuplicateFinder(documents.slice(1), 1)(documents[0] ?? "")).toBe(false);
  });

  it("of 1 MB are told apart by their second half", () => {
    const half = words(80_000);
    const documents = [0, 1].map(() => `${half} ${words(80_000)}`);
    expect(documents[0]?.length).toBeGreaterThan(1_000_000);
    expect(new Set(setsOf(documents)).size).toBe(2);
  });

  it("are near-duplicates with some words changed, added or lost anywhere", () => {
    for (const length of [1300, 4000, 40_000]) {
      const parts = words(length).split(" ");
      const edited = parts.flatMap((part, i) =>
        i % 60 === 7 ? [] : i % 60 === 31 ? [part, word()] : i % 60 === 50 ? [word()] : [part],
      );
      expect(new Set(setsOf([parts.join(" "), edited.join(" ")])).size).toBe(1);
      expect(nearDuplicateFinder([parts.join(" ")], 1)(edited.join(" "))).toBe(true);
    }
  });
});

describe("the test for near-duplicates", () => {
  it("says what the similarity says", () => {
    const set = (numbers: readonly number[]): Uint32Array => Uint32Array.from(new Set(numbers)).sort().subarray(0, 128);
    const numbers = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(numbers, fc.array(fc.nat(400), { maxLength: 60 }), fc.nat(40), (shared, others, lost) => {
        const [a, b] = [set(shared), set([...shared.slice(Math.min(lost, shared.length - 1)), ...others])];
        expect(areNear(a, b)).toBe(similarityOf(a, b) >= NEAR_DUPLICATE_SIMILARITY);
      }),
      { numRuns: 2000 },
    );
  });
});
