/** @file A threshold that one runtime's answers chose is proved by another's, or is not. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.js";
import { singleCalls, type CallOutcomes } from "./calls.js";
import { isProvedAt, openGate, planGate } from "./gate.js";

describe("isProvedAt", () => {
  /** Calls whose risk falls with their score. */
  function draw(calls: number, seed: number): CallOutcomes {
    const random = createRandom(seed, "isProvedAt");
    const scores = Float64Array.from({ length: calls }, () => random.float());
    return singleCalls(
      scores,
      Float64Array.from(scores, (score) => Number(random.float() > 0.3 * (1 - score) ** 3)),
    );
  }

  it.each(["delivered", "kept"] as const)("agrees with what the same calls chose under %s", (promise) => {
    const [outOfFold, sealed] = [draw(2000, 1), draw(1500, 2)];
    const plan = planGate(outOfFold, sealed, { promise, epsilon: 0.05, delta: 0.05, seed: 1 });
    const { threshold } = openGate(plan, sealed);
    expect(threshold).toBeGreaterThan(0);
    expect(isProvedAt(threshold ?? 0, plan, sealed)).toBe(true);
    expect(isProvedAt(0, plan, sealed)).toBe(false);
    const worse = { ...sealed, right: Array.from(sealed.right, (right, i) => (i % 10 === 0 ? 0 : right)) };
    expect(isProvedAt(threshold ?? 0, plan, worse)).toBe(false);
    expect(isProvedAt(threshold ?? 0, plan, draw(0, 3))).toBe(false);
  });
});
