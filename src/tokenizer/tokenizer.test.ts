/** @file Ids against Hugging Face tokenizers (test/reference/tokenizer_files.py), places of tokens in the text, damaged files. */
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { openTokenizer, type Encoding, type Tokenizer } from "./tokenizer.js";

interface Expected {
  readonly hard: number[][];
  readonly pairs: [number[], number[]][];
  readonly cut: number[][];
  readonly random: number[];
}

const folder = "test/reference/tokenizers";
const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const cases = read(`${folder}/cases.json`) as {
  hard: string[];
  pairs: [string, string][];
  cutTexts: string[];
  expected: Record<string, Expected>;
};
const atoms = read(`${folder}/atoms.json`) as string[][];
const miniLm = "../shared/models/all-minilm-l6-v2/tokenizer.json";
const hasMiniLm = existsSync(miniLm);
if (!hasMiniLm) process.stderr.write(`${miniLm} is absent: the real tokenizer is not tested\n`);

const SMALL = ["wordpiece", "unigram", "bytes", "gpt2"] as const;
const json = (name: string): Record<string, unknown> => read(`${folder}/${name}.json`) as Record<string, unknown>;
const open = new Map<string, Tokenizer>(SMALL.map((name) => [name, openTokenizer(json(name))]));
open.set("unigram-bytes", openTokenizer(withBytes(json("unigram"))));
if (hasMiniLm) open.set("all-minilm-l6-v2", openTokenizer(read(miniLm)));

/** `innermost` in that many sequences, one inside the other. */
function nested(key: string, innermost: unknown, depth: number): unknown {
  let config = innermost;
  for (let i = 0; i < depth; i++) config = { type: "Sequence", [key]: [config] };
  return config;
}

/** A Unigram tokenizer with a piece for each byte to fall back on, as the script of the reference makes it. */
function withBytes(tokenizer: Record<string, unknown>): unknown {
  const model = tokenizer["model"] as { readonly vocab: readonly unknown[] };
  const bytes = Array.from({ length: 256 }, (_, byte) => [
    `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    -20,
  ]);
  return { ...tokenizer, model: { ...model, byte_fallback: true, vocab: [...model.vocab, ...bytes] } };
}

/** The random texts of the reference, drawn as Python draws them. */
function randomTexts(count: number): string[] {
  let state = 1;
  const draw = (bound: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % bound;
  };
  const pick = <T>(items: readonly T[]): T | undefined => items[draw(items.length)];
  return Array.from({ length: count }, () =>
    Array.from({ length: draw(24) }, () => pick(pick(atoms) ?? []) ?? "").join(""),
  );
}

const texts = randomTexts(10_000);

function blockHashes(tokenizer: Tokenizer): number[] {
  const hashes: number[] = [];
  let hash = 0x811c9dc5;
  for (const [i, text] of texts.entries()) {
    for (const id of [...tokenizer.encode(text).ids, 0xffffff]) hash = Math.imul(hash ^ id, 0x01000193);
    if ((i + 1) % 100 === 0) hashes.push(hash >>> 0);
  }
  return hashes;
}

/** What stands in the text where each token came from. */
function slices(text: string, { ids, offsets }: Encoding): string[] {
  return Array.from(ids, (_, i) => text.slice(offsets[2 * i] ?? 0, offsets[2 * i + 1] ?? 0));
}

const brokenText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));
const mixedText = fc.array(fc.constantFrom(...atoms.flat()), { maxLength: 20 }).map((chosen) => chosen.join(""));
const anyText = fc.oneof(mixedText, fc.string({ unit: "grapheme", maxLength: 60 }), brokenText);

describe.each([...open.keys()])("%s", (name) => {
  const tokenizer = open.get(name) ?? openTokenizer({});
  const expected = cases.expected[name];

  it("gives the reference's ids for hard texts", () => {
    expect(cases.hard.map((text) => [...tokenizer.encode(text).ids])).toEqual(expected?.hard);
  });

  it("gives the reference's ids for 10,000 random texts", () => {
    expect(blockHashes(tokenizer)).toEqual(expected?.random);
  });

  it("gives the reference's ids and types for pairs, and cuts as it does", () => {
    const pairs = cases.pairs.map(([text, pair]) => tokenizer.encode(text, { pair }));
    expect(pairs.map(({ ids, typeIds }) => [[...ids], [...typeIds]])).toEqual(expected?.pairs);
    const cut = [
      ...cases.pairs.map(([text, pair]) => tokenizer.encode(text, { pair, maxTokens: 8 })),
      ...cases.cutTexts.map((text) => tokenizer.encode(text, { maxTokens: 8 })),
    ];
    expect(cut.map(({ ids }) => [...ids])).toEqual(expected?.cut);
  });

  it("places tokens in order and covers every letter, digit, sign and mark of punctuation of any text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { offsets, sequences, ids } = tokenizer.encode(text, { addSpecialTokens: false });
        expect(sequences.every((sequence) => sequence === 0)).toBe(true);
        expect([...ids].every((id) => id < tokenizer.vocabularySize)).toBe(true);
        const covered = new Set<number>();
        let [lastStart, lastEnd] = [0, 0];
        for (let i = 0; i < offsets.length; i += 2) {
          const [start, end] = [offsets[i] ?? -1, offsets[i + 1] ?? -1];
          expect(start >= lastStart && end >= lastEnd && start <= end && end <= text.length).toBe(true);
          [lastStart, lastEnd] = [start, end];
          for (let unit = start; unit < end; unit++) covered.add(unit);
        }
        for (const { 0: kept, index } of text.matchAll(
          /(?![\u3164\u115F\u1160\uFFA0\uFFFC\uFFFD])[\p{L}\p{N}\p{P}\p{S}]/gu,
        )) {
          if (kept.normalize("NFKC").trim() !== "") expect(covered.has(index)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("gives the first tokens of the whole when it is cut to maxTokens", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 0, max: 12 }), (text, maxTokens) => {
        const options = { addSpecialTokens: false };
        const whole = tokenizer.encode(text, options);
        const cut = tokenizer.encode(text, { ...options, maxTokens });
        expect(cut.ids).toEqual(whole.ids.slice(0, maxTokens));
        expect(cut.offsets).toEqual(whole.offsets.slice(0, 2 * maxTokens));
      }),
    );
  });
});

/** [piece, slice of the text] of every token that comes from the text. */
function places(name: (typeof SMALL)[number], text: string): (readonly [string | undefined, string])[] {
  const tokenizer = openTokenizer(json(name));
  const encoding = tokenizer.encode(text, { addSpecialTokens: false });
  return slices(text, encoding).map((slice, i) => [tokenizer.pieceOf(encoding.ids[i] ?? -1), slice]);
}

describe("places of tokens", () => {
  it("are those of the written text for WordPiece, through case, accents, ideographs and joiners", () => {
    expect(places("wordpiece", "My CARD's Cafe\u0301  東へ\u00ad行く")).toEqual([
      ["my", "My"],
      ["card", "CARD"],
      ["'", "'"],
      ["s", "s"],
      ["c", "C"],
      ["##a", "a"],
      ["##f", "f"],
      ["##e", "e\u0301"],
      ["[UNK]", "東"],
      ["へ", "へ"],
      ["行", "行"],
      ["く", "く"],
    ]);
  });

  it("leave the space before a word out for Unigram, and go through NFKC", () => {
    expect(places("unigram", " Ｃard ﾊﾟﾝ")).toEqual([
      ["▁", " "],
      ["C", "Ｃ"],
      ["a", "a"],
      ["r", "r"],
      ["d", "d"],
      ["▁", " "],
      ["パ", "ﾊﾟ"],
      ["ン", "ﾝ"],
    ]);
  });

  it("are those of whole characters for bytes", () => {
    expect(places("bytes", " card京\ud800")).toEqual([
      ["Ġcard", "card"],
      ["äº", "京"],
      ["¬", "京"],
      ["ï", "\ud800"],
      ["¿", "\ud800"],
      ["½", "\ud800"],
    ]);
  });

  it("tell the texts of a pair and special tokens apart", () => {
    const { offsets, sequences } = openTokenizer(json("wordpiece")).encode("my card", { pair: "a card" });
    expect([...sequences]).toEqual([-1, 0, 0, -1, 1, 1, -1]);
    expect([...offsets]).toEqual([0, 0, 0, 2, 3, 7, 0, 0, 0, 1, 2, 6, 0, 0]);
  });
});

describe("openTokenizer", () => {
  it("tells sizes and special ids", () => {
    const { vocabularySize, padId, unknownId, specialIds, idOf, pieceOf } = openTokenizer(json("wordpiece"));
    expect({ vocabularySize, padId, unknownId, specialIds: [...specialIds] }).toEqual({
      vocabularySize: 1500,
      padId: 0,
      unknownId: 1,
      specialIds: [0, 1, 2, 3, 4],
    });
    expect(pieceOf(idOf("card") ?? -1)).toBe("card");
    expect([idOf("no such piece"), pieceOf(5000)]).toEqual([undefined, undefined]);
  });

  it("takes the padding token and the longest input from tokenizer_config.json", () => {
    const { padId, maxTokens } = openTokenizer(json("gpt2"), { pad_token: { content: "!" }, model_max_length: 512 });
    expect([padId, maxTokens]).toEqual([openTokenizer(json("gpt2")).idOf("!"), 512]);
    expect(openTokenizer(json("gpt2"), { model_max_length: 1e30 }).maxTokens).toBeUndefined();
  });

  it("needs room for the special tokens", () => {
    expect(() => openTokenizer(json("wordpiece")).encode("a", { maxTokens: 1 })).toThrow(
      /no room for 2 special tokens/,
    );
    expect(() => openTokenizer(json("wordpiece")).encode("a", { maxTokens: NaN })).toThrow(InputError);
  });

  it("takes an id of the vocabulary for an added token that stands there too", () => {
    const added = [{ id: 7, content: "card", normalized: true, single_word: true }];
    const tokenizer = openTokenizer({ ...json("wordpiece"), added_tokens: added });
    const id = tokenizer.idOf("card");
    expect(id).not.toBe(7);
    expect([...tokenizer.encode("Card cards", { addSpecialTokens: false }).ids].at(0)).toBe(id);
  });

  it("takes any sign for the mark of a Metaspace, those of regular expressions too", () => {
    for (const replacement of "*+?.()[]{}|^$\\/-_") {
      const tokenizer = openTokenizer({ ...json("unigram"), pre_tokenizer: { type: "Metaspace", replacement } });
      const { ids, offsets } = tokenizer.encode("my card", { addSpecialTokens: false });
      expect(Array.from(ids, (_, i) => offsets[2 * i] ?? 0)).toContain(3);
      expect(offsets.at(-1)).toBe(7);
    }
  });

  it("is not held up by patterns that repeat, one after the other, over a long run of one sign", () => {
    const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated" });
    const patterns = ["(a|a)+!", "(a+)+$", "\\s*x", "a*a*a*b", "(?=a*b)a"];
    const tokenizer = openTokenizer({
      ...json("bytes"),
      normalizer: {
        type: "Sequence",
        normalizers: patterns.map((Regex) => ({ type: "Replace", pattern: { Regex: `${Regex}c` }, content: "" })),
      },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [...patterns.map(split), { type: "ByteLevel", use_regex: true }],
      },
    });
    for (const unit of ["a", " "]) {
      const { offsets } = tokenizer.encode(unit.repeat(30_000), { addSpecialTokens: false });
      expect(offsets.at(-1)).toBe(30_000);
    }
  });

  it("stays fast and correct on long words without spaces", () => {
    for (const [name, word] of [
      ["bytes", "abcde".repeat(20_000)],
      ["unigram", "東京都".repeat(10_000)],
      ["wordpiece", "card".repeat(20_000)],
    ] as const) {
      const { ids, offsets } = openTokenizer(json(name)).encode(word, { addSpecialTokens: false });
      expect(ids.length).toBeGreaterThan(0);
      expect(offsets.at(-1)).toBe(word.length);
    }
  });
});

describe("a damaged tokenizer.json", () => {
  const base = json("wordpiece");
  const model = base["model"] as Record<string, unknown>;
  const bytesModel = json("bytes")["model"] as Record<string, unknown>;
  const unigramModel = json("unigram")["model"] as Record<string, unknown>;

  it.each<[string, unknown, RegExp]>([
    ["no object", [], /tokenizer\.json: expected an object/],
    ["no model", {}, /tokenizer\.json: model: expected an object, came nothing/],
    ["another model", { model: { type: "toString" } }, /the type "toString" is not supported; supported are WordPiece/],
    ["no vocabulary", { model: { type: "BPE", merges: [] } }, /model\.vocab: expected an object/],
    ["an id that is none", { model: { ...model, vocab: { "[UNK]": 0, a: -1 } } }, /the id of "a" is none/],
    ["no unknown piece", { model: { ...model, vocab: { a: 0 } } }, /unk_token: expected a piece/],
    ["a merge of three", { model: { ...bytesModel, merges: ["a b c"] } }, /merges\[0\]: expected two pieces/],
    [
      "a merge of strange pieces",
      { model: { ...bytesModel, merges: [["a", "東"]] } },
      /a piece is not in the vocabulary/,
    ],
    [
      "a score that is none",
      { model: { ...unigramModel, vocab: [["a", "b"]] } },
      /vocab\[0\]: expected \[piece, score\]/,
    ],
    [
      "a piece twice",
      {
        model: {
          ...unigramModel,
          unk_id: 0,
          vocab: [
            ["<unk>", 0],
            ["a", -1],
            ["a", -2],
          ],
        },
      },
      /vocab\[2\]: the piece "a" has id 1 already/,
    ],
    [
      "a padding id below 0",
      { ...base, padding: { pad_id: -7 } },
      /padding\.pad_id: expected the id of a token, came -7/,
    ],
    ["a padding id beyond reason", { ...base, padding: { pad_id: 99_999_999 } }, /padding\.pad_id: expected the id/],
    ["an unknown id outside", { model: { ...unigramModel, unk_id: 99_999 } }, /unk_id: expected an id/],
    ["a strange normaliser", { ...base, normalizer: { type: "Nmt" } }, /normalizer: the type "Nmt" is not supported/],
    [
      "a strange part of a sequence",
      { ...base, normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, 3] } },
      /normalizer\.normalizers\[1\]: expected an object, came 3/,
    ],
    [
      "sequences without end in each other",
      { ...base, pre_tokenizer: nested("pretokenizers", { type: "Whitespace" }, 20_000) },
      /pre_tokenizer\.pretokenizers: more than 128 steps/,
    ],
    [
      "normalisers without end",
      { ...base, normalizer: { type: "Sequence", normalizers: Array(200).fill({ type: "NFC" }) } },
      /normalizer\.normalizers: more than 128 steps/,
    ],
    [
      "templates without end in each other",
      { ...base, post_processor: nested("processors", { type: "ByteLevel" }, 20_000) },
      /post_processor\.processors: more than 128 steps/,
    ],
    ["a strange split", { ...base, pre_tokenizer: { type: "constructor" } }, /pre_tokenizer: the type "constructor"/],
    [
      "a pattern that does not compile",
      { ...base, pre_tokenizer: { type: "Split", pattern: { Regex: "(" }, behavior: "Isolated" } },
      /pre_tokenizer: pattern cannot be used: \(/,
    ],
    [
      "a pattern that refers back",
      { ...base, pre_tokenizer: { type: "Split", pattern: { Regex: "(a+)\\1" }, behavior: "Isolated" } },
      /pre_tokenizer: pattern cannot be used: \(a\+\)\\1: refers back/,
    ],
    [
      "an unknown behaviour",
      { ...base, pre_tokenizer: { type: "Split", pattern: { String: "a" }, behavior: "Kept" } },
      /behavior: expected one of removed/,
    ],
    [
      "a map that is cut off",
      { ...base, normalizer: { type: "Precompiled", precompiled_charsmap: "AAEAAA==" } },
      /precompiled_charsmap: expected a map/,
    ],
    [
      "a map that is no base64",
      { ...base, normalizer: { type: "Precompiled", precompiled_charsmap: "%" } },
      /expected base64/,
    ],
    [
      "a template of unknown tokens",
      { ...base, post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "x" } }], pair: [] } },
      /single\[0\]: special token: expected an object/,
    ],
    [
      "a long added token",
      { ...base, added_tokens: [{ id: 1, content: "z".repeat(5000) }] },
      /content: 5000 characters/,
    ],
    ["too many added tokens", { ...base, added_tokens: Array(60_000).fill({}) }, /60000 tokens, expected at most/],
    ["an added token without id", { ...base, added_tokens: [{ content: "no piece" }] }, /added_tokens\[0\]\.id/],
  ])("is refused in one line: %s", (_, damaged, message) => {
    expect(() => openTokenizer(damaged)).toThrow(InputError);
    expect(() => openTokenizer(damaged)).toThrow(message);
    expect(() => openTokenizer(damaged)).toThrow(/^[^\n]+$/);
  });

  it("never fails with anything but an InputError, whatever field is changed", () => {
    const names = fc.constantFrom(...SMALL);
    const strange = fc.oneof(fc.jsonValue(), fc.constantFrom(null, -1, 1e300, "", "__proto__", [], {}));
    fc.assert(
      fc.property(names, fc.nat(), fc.nat(), strange, (name, outer, inner, value) => {
        const damaged = structuredClone(json(name));
        const key = Object.keys(damaged)[outer % Object.keys(damaged).length] ?? "";
        const part = damaged[key];
        if (typeof part === "object" && part !== null && inner % 4 !== 0) {
          Reflect.set(part, Object.keys(part)[inner % Object.keys(part).length] ?? "", value);
        } else damaged[key] = value;
        try {
          const { ids } = openTokenizer(damaged).encode("My card 東京 <s>[CLS]");
          expect(ids.every((id) => id >= 0)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
