/** @file Trimmed vocabularies of every kind of model: every text still has tokens, and only words that used a removed piece change.
 *  JORYU_FUZZ_TEXTS sets the number of random texts (5,000 unless told). */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { openTokenizer, type Tokenizer } from "../tokenizer/tokenizer.js";
import { countPieces, trimVocabulary, type TrimmedVocabulary } from "./vocabulary.js";

const folder = "test/reference/tokenizers";
const read = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
const atoms = JSON.parse(readFileSync(`${folder}/atoms.json`, "utf8")) as string[][];
const [english = [], japanese = []] = atoms;
const characters = atoms.slice(2).flat();
const fuzzTexts = Number(process.env["JORYU_FUZZ_TEXTS"] ?? 5000);
/** Room for a loaded machine, far beyond what a text takes. */
const FUZZ_TIMEOUT_MS = 120_000 + 20 * fuzzTexts;
const miniLm = "../shared/models/all-minilm-l6-v2/tokenizer.json";
const hasMiniLm = existsSync(miniLm);
if (!hasMiniLm) process.stderr.write(`${miniLm} is absent: trimming a real vocabulary is not tested\n`);

/** What the workload says: half of the words, so that the other half uses removed pieces. */
const workload = [...english.slice(0, english.length / 2), ...japanese.slice(0, japanese.length / 2)];

const base = { wordpiece: read(`${folder}/wordpiece.json`), unigram: read(`${folder}/unigram.json`) };
const bytes = read(`${folder}/bytes.json`);
const modelOf = (json: Record<string, unknown>): Record<string, unknown> => json["model"] as Record<string, unknown>;
const bytePieces = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);

/** Unigram whose unknown characters are spelled in bytes. */
const withBytes = {
  ...base.unigram,
  model: {
    ...modelOf(base.unigram),
    byte_fallback: true,
    vocab: [...(modelOf(base.unigram)["vocab"] as unknown[]), ...bytePieces.map((piece) => [piece, -20])],
  },
};

const tokenizers = new Map<string, Record<string, unknown>>([
  ["wordpiece", base.wordpiece],
  ["unigram", base.unigram],
  ["unigram with bytes", withBytes],
  ["byte-level BPE", bytes],
  ["byte-level BPE that takes whole words first", { ...bytes, model: { ...modelOf(bytes), ignore_merges: true } }],
  ["GPT-2's BPE", read(`${folder}/gpt2.json`)],
]);
if (hasMiniLm) tokenizers.set("the real MiniLM", read(miniLm));

/** Random texts of words and characters. */
function* randomTexts(count: number, name: string): Generator<string> {
  const random = createRandom(11, name);
  const pick = (items: readonly string[]): string => items[random.int(items.length)] ?? "";
  for (let i = 0; i < count; i++) {
    const parts = Array.from({ length: random.int(16) }, () => {
      const kind = random.float();
      return kind < 0.35
        ? ` ${pick(english)}`
        : kind < 0.5
          ? pick(japanese)
          : kind < 0.6
            ? pick(workload)
            : pick(characters);
    });
    yield parts.join("");
  }
}

interface Trimmed {
  readonly before: Tokenizer;
  readonly after: Tokenizer;
  readonly trimmed: TrimmedVocabulary;
}

function trim(json: unknown, texts: readonly string[] = workload): Trimmed {
  const before = openTokenizer(json);
  const trimmed = trimVocabulary(
    json,
    countPieces(
      before.vocabularySize,
      texts.map((text) => before.encode(text, { addSpecialTokens: false }).ids),
    ),
  );
  // Through text, as a file would go.
  return { before, after: openTokenizer(JSON.parse(JSON.stringify(trimmed.tokenizerJson))), trimmed };
}

/** The units of a text that unknown tokens stand for. */
function unknownUnits({ unknownId, encode }: Tokenizer, text: string): Set<number> {
  const { ids, offsets } = encode(text);
  const units = new Set<number>();
  ids.forEach((id, i) => {
    if (id !== unknownId) return;
    for (let unit = offsets[2 * i] ?? 0; unit < (offsets[2 * i + 1] ?? 0); unit++) units.add(unit);
  });
  return units;
}

describe.each([...tokenizers.keys()])("%s, trimmed", (name) => {
  const { before, after, trimmed } = trim(tokenizers.get(name));
  const { keptIds, newIds } = trimmed;

  it("is smaller, and its rows keep their order and their pieces", () => {
    expect(after.vocabularySize).toBe(keptIds.length);
    expect(keptIds.length).toBeLessThan(before.vocabularySize * 0.95);
    expect([...keptIds]).toEqual([...keptIds].toSorted((a, b) => a - b));
    keptIds.forEach((id, row) => {
      expect(newIds[id]).toBe(row);
      expect(after.pieceOf(row)).toBe(before.pieceOf(id));
    });
    expect(newIds.filter((row) => row >= 0)).toHaveLength(keptIds.length);
  });

  it("has the same special tokens, padding and unknown token under their new ids", () => {
    const renumbered = (id: number | undefined): number | undefined => (id === undefined ? undefined : newIds[id]);
    expect(after.padId).toBe(renumbered(before.padId));
    expect(after.unknownId).toBe(renumbered(before.unknownId));
    expect([...after.specialIds]).toEqual([...before.specialIds].map(renumbered));
    expect([...after.encode("", { pair: "" }).ids].map((id) => keptIds[id])).toEqual([
      ...before.encode("", { pair: "" }).ids,
    ]);
  });

  it("has the tokens that it had for the workload", () => {
    for (const text of workload) {
      const [old, now] = [before.encode(text), after.encode(text)];
      expect(Array.from(now.ids, (id) => keptIds[id])).toEqual([...old.ids]);
      expect(now.offsets).toEqual(old.offsets);
    }
  });

  it(
    `tokenises ${fuzzTexts} random texts: the same where no removed piece was used, and never less of the text`,
    () => {
      let [same, changed] = [0, 0];
      for (const text of randomTexts(fuzzTexts, name)) {
        const [old, now] = [before.encode(text), after.encode(text)];
        const back = now.ids.map((id) => keptIds[id] ?? -1);
        if (back.includes(-1)) expect.fail(`an id beyond the table for ${JSON.stringify(text)}`);
        if (old.ids.every((id) => (newIds[id] ?? -1) >= 0)) {
          same++;
          if (String(back) !== String(old.ids) || String(now.offsets) !== String(old.offsets))
            expect(back, JSON.stringify(text)).toEqual(old.ids);
        } else changed++;
        const wasUnknown = unknownUnits(before, text);
        const lost = [...unknownUnits(after, text)].filter((unit) => !wasUnknown.has(unit));
        if (lost.length > 0) expect.fail(`newly unknown in ${JSON.stringify(text)}: ${lost.join(" ")}`);
      }
      expect(same).toBeGreaterThan(fuzzTexts / 50);
      expect(changed).toBeGreaterThan(fuzzTexts / 50);
    },
    FUZZ_TIMEOUT_MS,
  );

  it("changes only the words that used a removed piece", () => {
    const words = english.map((word) => ` ${word}`);
    const plain = { addSpecialTokens: false };
    const expected = words.flatMap((word) => {
      const old = [...before.encode(word, plain).ids].map((id) => newIds[id] ?? -1);
      return old.includes(-1) ? [...after.encode(word, plain).ids] : old;
    });
    expect([...after.encode(words.join(""), plain).ids]).toEqual(expected);
  });
});

describe("trimVocabulary", () => {
  const miniature = {
    model: {
      type: "BPE",
      vocab: { a: 0, b: 1, c: 2, d: 3, ab: 4, cd: 5, abcd: 6, bc: 7, "<pad>": 8 },
      merges: ["a b", "c d", "ab cd", "b c"],
    },
    added_tokens: [{ id: 12, content: "<end>", special: true, normalized: false }],
    post_processor: { type: "RobertaProcessing", cls: ["<end>", 12], sep: ["<pad>", 8] },
    padding: { pad_id: 8 },
  };

  it("keeps the pieces that lead to a kept piece, and the merges among them", () => {
    const counts = new Uint32Array(13);
    counts[6] = 1;
    counts[8] = 1;
    const { tokenizerJson, keptIds } = trimVocabulary(miniature, counts);
    expect([...keptIds]).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 12]);
    expect(tokenizerJson).toMatchObject({
      model: { merges: ["a b", "c d", "ab cd"], vocab: { a: 0, abcd: 6, "<pad>": 7 } },
      added_tokens: [{ id: 8, content: "<end>" }],
      post_processor: { cls: ["<end>", 8], sep: ["<pad>", 7] },
      padding: { pad_id: 7 },
    });
    expect([...openTokenizer(tokenizerJson).encode("abcdbc<end>").ids]).toEqual([8, 6, 1, 2, 8, 7]);
  });

  it("keeps the alphabet alone where nothing is counted often enough", () => {
    const { keptIds } = trimVocabulary(miniature, new Uint32Array(13).fill(4), { minimumCount: 5 });
    expect([...keptIds]).toEqual([0, 1, 2, 3, 8, 12]);
  });

  it("keeps a piece with a character that is no piece of its own", () => {
    const model = {
      type: "WordPiece",
      unk_token: "[UNK]",
      vocab: { "[UNK]": 0, a: 1, "##b": 2, ab: 3, "##bé": 4, aq: 5 },
    };
    const json = { model, added_tokens: [{ id: 0, content: "[UNK]", special: true }] };
    expect([...trimVocabulary(json, new Uint32Array(6)).keptIds]).toEqual([0, 1, 2, 4, 5]);
  });

  it("keeps the worst score of Unigram, from which unknown characters are scored", () => {
    const vocab = [
      ["<unk>", 0],
      ["a", -1],
      ["aa", -9],
      ["aaa", -2],
    ];
    const json = { model: { type: "Unigram", unk_id: 0, vocab } };
    expect([...trimVocabulary(json, new Uint32Array(4)).keptIds]).toEqual([0, 1, 2]);
  });

  it("refuses a damaged file", () => {
    expect(() => trimVocabulary({ model: { type: "Legacy" } }, [])).toThrow(InputError);
  });
});
