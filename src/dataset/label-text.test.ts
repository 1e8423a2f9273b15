import { describe, expect, it } from "vitest";
import { labelText, labelTexts } from "./label-text.js";

describe("the words of a label", () => {
  it.each([
    ["card_arrival", "card arrival"],
    ["cardArrival", "card Arrival"],
    ["billing/refund-request", "billing refund request"],
    ["Refund_not_showing_up", "Refund not showing up"],
    ["送金", "送金"],
    ["__proto__", "proto"],
  ])("%s: %s", (label, text) => {
    expect(labelText(label)).toBe(text);
  });

  it("are told with the index of their label", () => {
    expect(labelTexts(["a_fee", "7", "送金"])).toEqual([
      { label: 0, text: "a fee" },
      { label: 2, text: "送金" },
    ]);
  });

  it.each(["7", "", "A", "_", "3.14", "👍"])("none in %j", (label) => {
    expect(labelText(label)).toBeUndefined();
  });
});
