/** @file Mutation testing of the files that a promise rests on: which changes of an operator, a condition or a value would no test notice?
 *  By hand, outside of the checks; Stryker is no dependency. It wants Node 22, and works on a copy of the project with its own packages:
 *    npm run build && cp -r . /tmp/mutants && cd /tmp/mutants && npm ci
 *    npm install --no-save @stryker-mutator/core@10.1.1 @stryker-mutator/vitest-runner@10.1.1
 *    npx stryker run tools/stryker.config.mjs --mutate dist/src/evaluate/calls.js
 *  Without --mutate all files below are taken, which takes hours on two cores. What is compiled is mutated, for tests run on it. Left out are
 *  texts (their words are no matter of tests) and, by `stryker.vitest.mjs`, the slow simulations: `planted-faults.ts` has them judge. */
export default {
  testRunner: "vitest",
  vitest: { configFile: "tools/stryker.vitest.mjs", related: false },
  mutate: [
    "evaluate/calls.js",
    "evaluate/risk-test.js",
    "evaluate/compare.js",
    "dataset/groups.js",
    "dataset/split.js",
    "dataset/conversations.js",
    "report/verdict.js",
  ].map((file) => `dist/src/${file}`),
  mutator: { excludedMutations: ["StringLiteral"] },
  ignoreStatic: true,
  ignorePatterns: ["*", "!dist", "!dist/**", "!tools", "!tools/**", "!test", "!test/**", "!package.json"],
  coverageAnalysis: "perTest",
  concurrency: 2,
  timeoutMS: 60_000,
  timeoutFactor: 6,
  reporters: ["clear-text", "json"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: "mutants.json" },
};
