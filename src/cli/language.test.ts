/** @file A run speaks Japanese where it is asked to: its stages, its notes and its errors, as the sources write them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError, UsageError } from "../errors.js";
import { CLAUSES as RUN_CLAUSES } from "./japanese.js";
import { NOTE_CLAUSES } from "./japanese-notes.js";
import { inJapanese, languageOf } from "./language.js";

/** Sources of this package but tests and the catalogue itself. */
function sources(folder = "src"): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.includes(".test."))
    .filter((entry) => !["japanese.ts", "japanese-notes.ts", "onnx_pb.ts"].includes(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n")
    .replaceAll(String.raw`\``, "`");
}

const CLAUSES = [...RUN_CLAUSES, ...NOTE_CLAUSES];

/** What no source writes but the library that reads the arguments. */
const OF_THE_PARSER = /unknown option|unknown command|Did you mean/;
const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;
const UNTRANSLATED_WORD = /(?<![-\w./@"«])(?:the|is|of|and|calls|inputs|to|with|no)(?![-\w./])/;

describe("each clause", () => {
  const written = sources();
  /** In one piece, or in two where a source puts one behind the other. */
  const isWritten = (text: string): boolean =>
    written.includes(text) ||
    [...text.matchAll(/,? /g)].some(
      ({ index }) => written.includes(text.slice(0, index)) && written.includes(text.slice(index)),
    );

  it("stands in a source as it is written here", () => {
    const missing = CLAUSES.filter(([english]) => {
      const parts = english.split(/\{\d+\}/).flatMap((part) => part.split("; "));
      const longest = Math.max(...parts.map(({ length }) => length));
      return (
        !OF_THE_PARSER.test(english) &&
        !parts.some((part) => part.length >= longest / 2 && isWritten(part.replace(/^[)\s]+|\s+$/g, "")))
      );
    });
    expect(missing.map(([english]) => english)).toEqual([]);
  });

  it("holds in Japanese what it holds in English", () => {
    for (const [english, japanese] of CLAUSES) {
      const places = (text: string): string[] => (text.match(/\{\d\}/g) ?? []).toSorted();
      expect([english, places(japanese)]).toEqual([english, places(english)]);
      if (/[a-z]{3}/i.test(english)) expect(japanese).toMatch(JAPANESE);
      expect(japanese).not.toMatch(/[;()]/);
    }
  });
});

describe("a run in Japanese", () => {
  it.each([
    ["encoder-medium, 3 of 5 folds and final fit", "encoder-medium（5分割中3つと最終学習）"],
    ["linear-medium, folds", "linear-medium（交差検証）"],
    ["about 1 min 5 s left", "残り約1分5秒"],
    ["rejected 12: no answer", "取り込めなかった記録12件：no answer"],
    [
      "forecast, no proof: linear-medium, the cheapest rung, out of fold on 4,000 of 8,509 open inputs; better rungs usually keep more",
      "見通し（証明ではありません）：最も低コストの候補linear-mediumを、学習用の入力8,509件中4,000件で交差検証しました。より大きな候補では、通常さらに多くの呼び出しに回答できます。",
    ],
    [
      '  "delivered" at 98 %: a student without a fault needs 149 independent sealed calls (of a log of 309 inputs), this one about 149 (of a log of 309 inputs), which keep about 46 % of the calls; sealed are 1,491 calls, 1,458 of them independent; alone it agrees with the teacher in 83.8 % (82.6 % to 84.9 %) of the calls',
      "  「delivered」98%：誤りのない生徒モデルでも、独立した評価用の呼び出しが149件必要です（ログ全体で入力309件）。この候補では約149件（ログ全体で入力309件）で、約46%に回答できる見込みです。評価用は1,491件（うち独立したもの1,458件）です。単独での教師モデルとの一致率：83.8%（82.6%～84.9%）",
    ],
    [
      "  delivered  98 %    keeps 57 % (53 % to 62 %) of the calls",
      "  「delivered」98%：57%（53%～62%）に回答できる見込み",
    ],
  ])("says %s", (english, japanese) => {
    expect(inJapanese(english)).toBe(japanese);
    expect(japanese.replace("no answer", "")).not.toMatch(UNTRANSLATED_WORD);
  });

  it("says errors with what to do about them", () => {
    const missing = new InputError("a/b.jsonl: no such file");
    expect(inJapanese(missing.message)).toBe("a/b.jsonl：ファイルがありません。");
    const usage = new UsageError("no logs", { hint: "name log files with --logs FILE or in the configuration" });
    expect(inJapanese(usage.message)).toBe(
      "ログが指定されていません。--logs FILEまたは設定ファイルで指定してください。",
    );
  });

  it("passes on what it does not know, as it is", () => {
    expect(inJapanese("  a novel note; of two clauses")).toBe("  a novel note; of two clauses");
  });
});

describe("--lang", () => {
  it("is found among the arguments, before they are parsed", () => {
    expect(languageOf(["run", "--lang", "ja"])).toBe("ja");
    expect(languageOf(["run", "--lang=ja", "--lang", "en"])).toBe("en");
    expect(languageOf(["run", "--lang", "de"])).toBeUndefined();
    expect(languageOf(["run"])).toBeUndefined();
  });
});

describe("a clause that several fit", () => {
  it("is taken by the one that says most itself, and names in quotes stay as they are", () => {
    expect(inJapanese("a.csv: no column holds a model's answer: `label` is taken as the teacher's")).toBe(
      "a.csv：モデルの回答を含む列がないため、`label`を教師モデルの回答として扱います。",
    );
    expect(inJapanese('a.csv: the header names the column "id" more than once; the first is used')).toBe(
      "a.csv：列名「id」が重複しているため、最初の列を使用します。",
    );
  });
});
