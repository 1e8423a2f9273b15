import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { Budget } from "./budget.js";
import { retryDelayMs } from "./retry.js";

describe("Budget", () => {
  it("lets a request wait until another has settled, and refuses what nothing can make fit", async () => {
    const budget = new Budget(1, 0.2);
    expect(await budget.reserve(0.6)).toBe(true);
    const second = budget.reserve(0.5);
    budget.settle(0.6, 0.1);
    expect(await second).toBe(true);
    const third = budget.reserve(0.3);
    budget.settle(0.5, 0.5);
    expect(await third).toBe(false);
    expect(budget.spentUsd).toBeCloseTo(0.8, 12);
  });

  it("tells whoever waits when it is closed", async () => {
    const budget = new Budget(1, 0);
    await budget.reserve(1);
    const waiting = budget.reserve(1);
    budget.close();
    expect(await waiting).toBe(false);
    expect(await budget.reserve(0)).toBe(false);
  });

  it("never spends more than its limit where nothing costs more than was reserved", async () => {
    const request = fc.record({
      worst: fc.double({ min: 0, max: 1, noNaN: true }),
      share: fc.double({ min: 0, max: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        async (requests, lanes) => {
          const budget = new Budget(3, 0.5);
          const queue = [...requests];
          const lane = async (): Promise<void> => {
            for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
              if (!(await budget.reserve(next.worst))) return;
              await Promise.resolve();
              budget.settle(next.worst, next.worst * (Number.isNaN(next.share) ? 1 : next.share));
            }
          };
          await Promise.all(Array.from({ length: lanes }, lane));
          expect(budget.spentUsd).toBeLessThanOrEqual(3);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("retryDelayMs", () => {
  it("grows with the failures, and is the same for the same seed", () => {
    for (let failures = 1; failures < 12; failures++) {
      const most = Math.min(30_000, 500 * 2 ** (failures - 1));
      const delayMs = retryDelayMs(failures, createRandom(1, `${failures}`));
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThan(most);
      expect(retryDelayMs(failures, createRandom(1, `${failures}`))).toBe(delayMs);
    }
  });
});
