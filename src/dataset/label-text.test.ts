import { describe, expect, it } from "vitest";
import { labelText } from "./label-text.js";

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

  it.each(["7", "", "A", "_", "3.14", "👍"])("none in %j", (label) => {
    expect(labelText(label)).toBeUndefined();
  });
});
