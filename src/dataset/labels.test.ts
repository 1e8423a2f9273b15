import { describe, expect, it } from "vitest";
import { bareLabel, buildLabelSet, decoratedFinder } from "./labels.js";
import { namedLabels, namedLists } from "./prompt-labels.js";

const counts = (of: Record<string, number>): Map<string, number> => new Map(Object.entries(of));

describe("a label without its decoration", () => {
  it.each([
    ["billing.", "billing"],
    ["**Billing**", "billing"],
    ["「請求」", "請求"],
    ["ＡＢＣ", "abc"],
    ["billing ✅", "billing"],
    ["billing\u200b", "billing"],
    ["`billing`", "billing"],
    ["請求。", "請求"],
    ["returns (other)", "returns (other)"],
    ["(a)", "a"],
    ["C++", "c++"],
    ["C#", "c#"],
    ["-1", "-1"],
    ["👍", "👍"],
    ["!", "!"],
  ])("%s: %s", (spelling, bare) => {
    expect(bareLabel(spelling)).toBe(bare);
  });
});

describe("a label set", () => {
  it("folds spellings that differ in decoration under the clean one, whatever is most frequent", () => {
    const { labels, folded } = buildLabelSet(counts({ "billing.": 9, billing: 3, "**Billing**": 1, login: 4 }));
    expect(labels).toEqual(["billing", "login"]);
    expect(folded).toEqual([
      ["**Billing**", "billing"],
      ["billing.", "billing"],
    ]);
  });

  it("keeps apart what the prompt names apart", () => {
    const named = new Set(["US", "us", "C", "C."]);
    const { labels } = buildLabelSet(counts({ US: 5, us: 5, C: 2, "C.": 2 }), named);
    expect(labels).toEqual(["C", "C.", "US", "us"]);
  });

  it("folds under the spelling that the prompt names, word breaks included", () => {
    const { labels, indexOf } = buildLabelSet(
      counts({ "Card arrival": 5, "card-arrival.": 2, "1. lost_card": 1, lost_card: 4 }),
      new Set(["card_arrival", "lost_card"]),
    );
    expect(labels).toEqual(["card_arrival", "lost_card"]);
    expect(indexOf("1. lost_card")).toBe(1);
    expect(buildLabelSet(counts({ "card arrival": 5, "card-arrival": 2 })).labels).toHaveLength(2);
  });

  it("holds no spelling that lists several of its labels, unless the prompt names it", () => {
    const given = counts({ a: 5, b: 5, "a, b": 3, "a、b": 1, "a, c": 1 });
    const { labels, isSeveral, indexOf } = buildLabelSet(given);
    expect(labels).toEqual(["a", "a, c", "b"]);
    expect([...given.keys()].filter(isSeveral)).toEqual(["a, b", "a、b"]);
    expect([isSeveral("b;a"), isSeveral("a")]).toEqual([true, false]);
    expect(indexOf("a, b")).toBe(-1);
    expect(buildLabelSet(given, new Set(["a, b"])).labels).toContain("a, b");
  });

  it("takes what stands in several lists for labels, though none stands alone", () => {
    const given = counts({ "x, y": 3, "y, z": 3, "z, x": 2, "arts and crafts": 4, "arts and music": 4, "a, b": 9 });
    expect(buildLabelSet(given).labels).toEqual(["a, b", "arts and crafts", "arts and music"]);
  });

  it("knows a spelling that was never counted where one label is meant", () => {
    expect(decoratedFinder(["a", "b"])('"A".')).toBe(0);
    expect(decoratedFinder(["a.", "a!", "b"])("a")).toBe(-1);
  });
});

describe("labels that a prompt names", () => {
  it.each([
    ["Route it. Answer with one of: billing, login, returns.", ["billing", "login", "returns"]],
    ["Is the customer upset? Answer yes or no.", ["yes", "no"]],
    ["Classes:\n- billing: money\n- login (accounts)\n* returns", ["billing", "login", "returns"]],
    ["Pick\n1. billing\n2. login", ["billing", "login"]],
    ['Say "billing" or "login" or "returns".', ["billing", "login", "returns"]],
    ['{"enum": ["billing", "login"]}', ["billing", "login"]],
    ["問い合わせを請求、配送、返品のいずれかに分類してください。", ["請求", "配送", "返品"]],
    ["「請求」「配送」から選んでください。", ["請求", "配送"]],
  ])("%s", (prompt, labels) => {
    expect([...namedLabels(namedLists(prompt), counts(Object.fromEntries(labels.map((label) => [label, 2]))))]).toEqual(
      expect.arrayContaining(labels),
    );
  });

  it("are none where the answers are others", () => {
    expect(namedLabels(namedLists("Be kind, short, and true."), counts({ a: 5, b: 5 })).size).toBe(0);
  });
});
