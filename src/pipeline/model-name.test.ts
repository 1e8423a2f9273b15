/** @file A model is named by what it tells apart. */
import { describe, expect, it } from "vitest";
import type { Row } from "../dataset/types.js";
import { nameOfLabels } from "./model-name.js";

const row = (label: number, weight: number, sealed = false): Row => ({
  text: `text ${label}`,
  label,
  weight,
  group: 0,
  sealed,
  fold: sealed ? -1 : 0,
});

describe("the name of a model", () => {
  it("holds the labels of most calls and how many more there are", () => {
    const labels = ["refund", "card_arrival", "Lost or stolen card", "age_limit"];
    const rows = [row(0, 3), row(1, 9), row(2, 5), row(3, 1), row(3, 90, true)];
    expect(nameOfLabels({ labels, rows })).toBe("card_arrival-lost-or-stolen-card-and-2-more");
  });

  it("holds all of a few labels, in any script", () => {
    expect(nameOfLabels({ labels: ["解約", "Billing"], rows: [row(0, 2), row(1, 1)] })).toBe("解約-billing");
  });

  it("is a file name whatever the labels hold, and the same for equal counts", () => {
    const labels = ["../../etc", "b", "a", "c"];
    expect(nameOfLabels({ labels, rows: [row(0, 9)] })).toBe("etc-a-and-2-more");
    expect(nameOfLabels({ labels: ["?", "!"], rows: [] })).toBe("labels-2");
    const long = ["x".repeat(300), "y".repeat(300)];
    expect(nameOfLabels({ labels: long, rows: [] }).length).toBeLessThan(60);
  });
});
