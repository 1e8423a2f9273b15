/** @file `npm run check`: format, lint, types, boundaries, sizes and documentation; one line each, exit 1 when any fails. Compiles
 *  into a folder of its own, so it neither needs nor disturbs dist/. */
import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const build = ".build-check";
const bin = (name) => `node_modules/${name}`;
const sources = ["src", "test", "bench", "tools", "recipes"].filter((name) => readdirSync(root).includes(name));

/** Runs one program of this project; its output is shown only when it fails. */
function run(args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: root });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => done({ code, output }));
  });
}

let failed = 0;
async function step(name, args) {
  const started = performance.now();
  const { code, output } = await run(args);
  if (code !== 0) failed += 1;
  console.log(`${code === 0 ? "pass" : "FAIL"}  ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (code !== 0) console.log(output.trimEnd().replace(/^/gm, "      "));
  return code === 0;
}

rmSync(`${root}/${build}`, { recursive: true, force: true });
await step("format", [bin("oxfmt/bin/oxfmt"), "--check", ...sources, "vitest.config.mjs"]);
await step("lint", [bin("oxlint/bin/oxlint"), "--type-aware", "--deny-warnings", ...sources]);
await step("types", [bin("typescript/bin/tsc"), "--outDir", build, "--pretty", "false"]);
await step("boundaries", [`${build}/tools/boundaries.js`]);
await step("sizes", [`${build}/tools/size.js`]);
await step("docs", [`${build}/tools/docs.js`, build]);
console.log(failed === 0 ? "check: all passed" : `check: ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
