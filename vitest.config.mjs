import { defineConfig } from "vitest/config";

// Tests run on the compiled output: what is tested is what ships, worker files included.
// JORYU_TEST_DIST names another build folder, JORYU_TEST_REPORT a file for the counts.
const dist = process.env.JORYU_TEST_DIST ?? "dist";
const report = process.env.JORYU_TEST_REPORT;
export default defineConfig({
  test: {
    include: [`${dist}/**/*.test.js`],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globalSetup: "tools/test-scratch.mjs",
    pool: "forks",
    maxWorkers: 2,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
  },
});
