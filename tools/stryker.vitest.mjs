/** @file The tests that judge mutants (`stryker.config.mjs`): those beside the mutated files, without the slow simulations. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "dist/src/evaluate/{calls,risk-test,gate,compare}.test.js",
      "dist/src/dataset/{split,conversations}.test.js",
      "dist/src/report/{verdict,verdict-numbers,path}.test.js",
    ],
    testNamePattern:
      /^(?!.*(the gate's guarantee|holds also where they are wrong twice|tell a million short texts apart))/,
    testTimeout: 120_000,
  },
});
