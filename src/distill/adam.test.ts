import { describe, expect, it } from "vitest";
import { compileOnnx } from "../graph/onnx.js";
import { addDecayedWeights, buildOptimizer, scaleByAdam, scaleByLearningRate } from "../graph/optimizer.js";
import { createRandom } from "../random.js";
import { openSession } from "../runtime/onnxruntime.js";
import { createAdamMemory } from "../runtime/adam-memory.js";
import { f32 } from "../tensor/tensor.js";
import { ADAM, adamUpdate, floatsOf, scheduledRate } from "./adam.js";

describe("AdamW over spans", () => {
  it("agrees with the optimiser graph over several steps", async () => {
    const chain = [scaleByAdam(ADAM), addDecayedWeights(0.05, () => true), scaleByLearningRate()];
    const built = buildOptimizer([{ name: "w", shape: ["N"], decay: true }], chain);
    const session = await openSession(compileOnnx(built.graph, { outputs: built.outputs, purpose: "train" }), {
      threads: 1,
    });
    const random = createRandom(4, "adam");
    const draw = (): Float32Array => Float32Array.from({ length: 33 }, () => random.normal());
    const memory = createAdamMemory(33, ADAM);
    const [w, m, v] = [draw(), new Float32Array(33), new Float32Array(33)];
    memory.weights.set(w);
    for (let step = 1; step <= 5; step++) {
      const gradient = draw();
      memory.gradient.set(gradient);
      adamUpdate(memory, Uint32Array.of(0), 33, {
        step,
        learningRate: 0.01,
        weightDecay: 0.05,
        gradientScale: 1,
      });
      const feeds = { w: f32([33], w), "w.gradient": f32([33], gradient), "w.m": f32([33], m), "w.v": f32([33], v) };
      const scalars = { step: f32([], Float32Array.of(step)), learningRate: f32([], Float32Array.of(0.01)) };
      const results = await session.run({ ...feeds, ...scalars });
      w.set(floatsOf(results["w.next"], "w"));
      m.set(floatsOf(results["w.m.next"], "m"));
      v.set(floatsOf(results["w.v.next"], "v"));
    }
    await session.close();
    memory.weights.forEach((weight, i) => expect(weight).toBeCloseTo(w[i] ?? NaN, 4));
  });

  it("leaves what is outside its spans alone", () => {
    const memory = createAdamMemory(4, ADAM);
    memory.weights.fill(1);
    memory.gradient.fill(1);
    const at = { step: 1, learningRate: 0.1, weightDecay: 0, gradientScale: 1 };
    adamUpdate(memory, Uint32Array.of(1, 3), 1, at);
    const [kept, moved] = [memory.weights[0], memory.weights[1]];
    expect(Array.from(memory.weights)).toEqual([kept, moved, kept, moved]);
    expect(kept).toBe(1);
    expect(moved).toBeCloseTo(0.9, 6);
  });
});

describe("the learning rate", () => {
  it("rises to its peak and falls towards zero", () => {
    for (const decay of ["linear", "cosine"] as const) {
      const rates = Array.from({ length: 100 }, (_, i) =>
        scheduledRate(i + 1, 100, { peak: 1, warmupRatio: 0.1, decay }),
      );
      expect(rates[9]).toBe(1);
      expect(rates[0]).toBeCloseTo(0.1, 12);
      expect(rates[99]).toBeGreaterThan(0);
      expect(rates[99]).toBeLessThan(0.02);
      for (let i = 10; i < 100; i++) expect(rates[i]).toBeLessThan(rates[i - 1] ?? 0);
    }
  });
});
