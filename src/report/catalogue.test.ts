/** @file Both languages say the same: the same placeholders, no code without a sentence, no number in a sentence. */
import { describe, expect, it } from "vitest";
import { assumptionText, text, TEXT_KEYS, verdictName } from "./catalogue.js";
import { EARLIER_FACTS, FACTS, MONTHLY_FACTS, POOR_FACTS } from "./facts.test.fixture.js";
import {
  fill,
  formatBytes,
  formatMoney,
  formatMonths,
  formatPercent,
  formatPercentRange,
  formatPValue,
  formatSeconds,
  formatUsdAbove,
  placeholdersOf,
} from "./format.js";
import { REASON_CODES, reasonTemplate, renderReason } from "./reasons.js";
import { risksOf } from "./risks.js";
import { decideVerdict } from "./verdict.js";

describe("reasons", () => {
  it.each(REASON_CODES)("%s reads in both languages with the same numbers", (code) => {
    const [english, japanese] = [reasonTemplate(code, "en") ?? "", reasonTemplate(code, "ja") ?? ""];
    expect(english).not.toBe("");
    expect(japanese).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
    expect(placeholdersOf(japanese).toSorted()).toEqual(placeholdersOf(english).toSorted());
  });

  it.each(["en", "ja"] as const)("of verdicts and risks leave no placeholder open in %s", (language) => {
    for (const facts of [FACTS, EARLIER_FACTS, MONTHLY_FACTS, POOR_FACTS]) {
      for (const reason of [...decideVerdict(facts).reasons, ...risksOf(facts)]) {
        const sentence = renderReason(reason, language);
        expect(sentence).not.toMatch(/[{}]/);
        if (reason.code !== "risk-licence") expect(sentence).not.toContain(language === "en" ? "(unknown" : "(不明");
      }
    }
  });

  it("of other folders are written as code and numbers", () => {
    expect(renderReason({ code: "new-code", facts: { rows: 1234, name: "x" } }, "en")).toBe(
      "new-code (rows 1,234, name x)",
    );
    expect(renderReason({ code: "__proto__", facts: {} }, "ja")).toBe("__proto__");
  });

  it("do not read a placeholder inside a label", () => {
    const reason = { code: "risk-weak-class", facts: { label: "{recall:percent}", recall: 0.5, support: 9 } };
    expect(renderReason(reason, "en")).toContain("“{recall:percent}”");
  });
});

describe("texts", () => {
  it("have as many placeholders in one language as in the other", () => {
    for (const key of TEXT_KEYS) {
      const [english, japanese] = [text("en", key).split("unknown").length, text("ja", key).split("不明").length];
      expect([key, japanese]).toEqual([key, english]);
    }
  });

  it("name every verdict and keep an unknown assumption under its own name", () => {
    expect(verdictName("keep-teacher", "ja")).toContain("教師");
    expect(assumptionText("machineUsdPerHour", 0.1, "en")).toEqual(["Machine, USD per hour", "$0.10"]);
    expect(assumptionText("novel", 3, "ja")).toEqual(["novel", "3"]);
  });
});

describe("numbers", () => {
  it("are written as the language writes them", () => {
    expect(formatPercent(0.9321, "en")).toBe("93.2%");
    expect(formatPercent(0.99632, "en")).toBe("99.63%");
    expect(formatPercentRange({ low: 0.97961, high: 0.98512 }, "ja")).toBe("97.9%～98.6%");
    expect(formatMoney(0.00022, "USD", "en")).toBe("$0.00022");
    expect(formatMoney(1234.5, "USD", "ja")).toBe("$1,234.50");
    expect(formatMoney(1234.5, "JPY", "ja")).toBe("￥1,235");
    expect(formatBytes(4_352_100, "ja")).toBe("4.35 MB");
    expect(formatBytes(900, "en")).toBe("0.9 kB");
    expect(formatSeconds(300, "ja")).toBe("5分");
    expect(formatMonths(0.00001, "en")).toBe("< 0.1 months");
    expect(formatPValue(1e-12, "en")).toBe("< 0.0001");
  });

  it("are written above a limit that must be passed", () => {
    expect(formatUsdAbove(5.4701, "en")).toBe("$5.48");
    expect(formatUsdAbove(0.25, "ja")).toBe("$0.251");
    expect(formatUsdAbove(0.99951, "en")).toBe("$1.00");
  });

  it("are called unknown when missing or not finite", () => {
    expect(fill("{a:percent} {b}", { b: Number.NaN }, "en")).toBe("unknown unknown");
    expect(fill("{a}", {}, "ja")).toBe("不明");
  });
});
