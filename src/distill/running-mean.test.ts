import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { averageDense, catchUp, meanTable } from "./running-mean.js";

describe("the running mean", () => {
  it("of lazily updated rows equals one that is updated at every step", () => {
    const random = createRandom(2, "mean");
    const table = Float32Array.from({ length: 12 }, () => random.normal());
    const lazy = { dense: new Float32Array(), table: table.slice(), updated: new Float32Array(6) };
    const eager = { dense: table.slice(), table: new Float32Array(), updated: new Float32Array() };
    for (let step = 1; step <= 40; step++) {
      const rows = [random.int(6), random.int(6)];
      catchUp(lazy, rows, table, 2, 0.9, step - 1);
      for (const row of rows) table[row * 2] = random.normal();
      catchUp(lazy, rows, table, 2, 0.9, step);
      averageDense(eager, table, 0.9, step);
    }
    meanTable(lazy, table, 2, 0.9, 40).forEach((value, i) => expect(value).toBeCloseTo(eager.dense[i] ?? NaN, 4));
  });
});
