import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { tokeniseTexts } from "./batches.js";
import { frontBackward, frontForward, planFront } from "./front.js";

const config = { towers: 1 as const, layers: 1, width: 4, heads: 1, feedForward: 8, buckets: 64, maxTokens: 8 };
const sizes = { buckets: 64, width: 4 };
const texts = tokeniseTexts(["lost card", "card lost again today", ""], config);
const random = createRandom(1, "table");
const table = Float32Array.from({ length: (64 + 8) * 4 }, () => random.normal());

describe("the sparse front", () => {
  it("gives the mean of a token's bucket rows plus its position's row", () => {
    const plan = planFront(texts, Uint32Array.of(0), sizes);
    const embedded = frontForward(plan, table, sizes);
    const ids = texts.types[texts.sequences[0]?.[1] ?? 0] ?? new Uint32Array();
    for (let d = 0; d < 4; d++) {
      const mean = ids.reduce((sum, id) => sum + (table[id * 4 + d] ?? 0), 0) / ids.length;
      expect(embedded[4 + d]).toBeCloseTo(mean + (table[(64 + 1) * 4 + d] ?? 0), 5);
    }
  });

  it("leaves padding at zero and gives an empty text one token", () => {
    const plan = planFront(texts, Uint32Array.of(1, 2), sizes);
    expect(plan.columns).toBe(4);
    expect(Array.from(plan.mask)).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
    expect(Array.from(frontForward(plan, table, sizes).subarray(5 * 4))).toEqual(new Array(12).fill(0));
  });

  it("has the gradient of its own finite differences, repeated tokens included", () => {
    const plan = planFront(texts, Uint32Array.of(0, 1), sizes, { copies: 2 });
    const upstream = Float32Array.from({ length: plan.places.length * 4 }, () => random.normal());
    const gradient = new Float32Array(table.length);
    frontBackward(plan, upstream, sizes, gradient);
    const objective = (at: Float32Array): number =>
      frontForward(plan, at, sizes).reduce((sum, x, i) => sum + x * (upstream[i] ?? 0), 0);
    for (const row of plan.touched) {
      const moved = table.slice();
      moved[row * 4] = (moved[row * 4] ?? 0) + 1;
      expect(gradient[row * 4]).toBeCloseTo(objective(moved) - objective(table), 3);
    }
    const touched = new Set(plan.touched);
    for (let row = 0; row < 72; row++) if (!touched.has(row)) expect(gradient[row * 4]).toBe(0);
  });

  it("drops a token's buckets but keeps its position", () => {
    const plan = planFront(texts, Uint32Array.of(0), sizes, { keep: Uint8Array.of(1, 0) });
    const embedded = frontForward(plan, table, sizes);
    expect(Array.from(embedded.subarray(4))).toEqual(Array.from(table.subarray(65 * 4, 66 * 4)));
  });
});
