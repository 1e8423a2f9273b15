import { describe, expect, it } from "vitest";
import type { Tensor } from "../tensor/tensor.js";
import { pretrainedFeeds } from "./pretrained-feeds.js";

const numbers = ({ data }: Tensor): number[] => Array.from<number | bigint, number>(data, Number);

describe("feeds of a pretrained encoder", () => {
  it("are padded on the right to the longest text", () => {
    const { input_ids: ids, attention_mask: mask } = pretrainedFeeds([[5, 6, 7], Int32Array.of(8)], 10);
    expect([ids.shape, numbers(ids)]).toEqual([
      [2, 3],
      [5, 6, 7, 8, 0, 0],
    ]);
    expect([mask.shape, numbers(mask)]).toEqual([
      [2, 3],
      [1, 1, 1, 1, 0, 0],
    ]);
  });

  it("are cut at the longest text that the model reads, and have no empty row", () => {
    const { input_ids: ids, attention_mask: mask } = pretrainedFeeds([[5, 6, 7], []], 2);
    expect(numbers(ids)).toEqual([5, 6, 0, 0]);
    expect(numbers(mask)).toEqual([1, 1, 1, 0]);
  });
});
