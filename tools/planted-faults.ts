/** @file Plants each fault of `faults.ts` alone into a copy of the built project and runs the tests that must notice it:
 *  `node dist/tools/planted-faults.js [--only NAME]` after `npm run build`; NAME is a part of a fault's name, and may be given again. Exits with
 *  1 when a fault is not noticed, or when its text does not stand in its file exactly once. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FAULTS, type Fault } from "./faults.js";

/** What tests read besides the build; whatever of it is not there is not needed. */
const COPIED = ["dist", "src", "test", "docs", "examples", "package.json", "tsconfig.json", "vitest.config.mjs"];
/** A fault may make a loop endless: a test file that hangs so long has noticed it. */
const LONGEST_RUN_MS = 10 * 60_000;

/** What is wrong with the table, one line for each row. */
export function tableProblems(faults: readonly Fault[], read: (path: string) => string | undefined): string[] {
  const names = faults.map(({ name }) => name);
  const problems = names.filter((name, i) => names.indexOf(name) < i).map((name) => `${name}: the name stands twice`);
  for (const { name, file, text, mistake, tests } of faults) {
    const source = read(file);
    const count = source === undefined || text === "" ? 0 : source.split(text).length - 1;
    if (count !== 1) problems.push(`${name}: ${JSON.stringify(text)} stands ${count} times in ${file}, expected once`);
    if (text === mistake) problems.push(`${name}: the mistake is the text itself`);
    if (tests.length === 0) problems.push(`${name}: no test is named`);
    for (const test of tests) if (read(test) === undefined) problems.push(`${name}: ${test} is not there`);
  }
  return problems;
}

function compiled(path: string): string {
  return `dist/${path.replace(/\.ts$/, ".js")}`;
}

/** Whether a program of the project ends well in a folder. */
function succeeds(folder: string, args: readonly string[]): boolean {
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: folder,
    stdio: "ignore",
    timeout: LONGEST_RUN_MS,
  });
  return signal === null && status === 0;
}

function passes(folder: string, tests: readonly string[]): boolean {
  return succeeds(folder, ["node_modules/vitest/vitest.mjs", "run", "--bail", "1", ...tests.map(compiled)]);
}

/** A copy of the built project, and a configuration that compiles one of its files alone. */
function copyProject(root: string): string {
  const folder = mkdtempSync(join(tmpdir(), "planted-faults-"));
  const present = new Set(readdirSync(root));
  for (const name of COPIED) if (present.has(name)) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(resolve(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Compiles one file without looking at others: a mistake may be one of types too. @throws Error when it is no TypeScript */
function compile(folder: string, file: string): void {
  const alone = { noCheck: true, noResolve: true, declaration: false, sourceMap: false, types: [] };
  const config = { extends: "./tsconfig.json", compilerOptions: alone, include: [], files: [file] };
  writeFileSync(join(folder, "tsconfig.fault.json"), JSON.stringify(config));
  if (!succeeds(folder, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.fault.json"]))
    throw new Error(`${file}: cannot be compiled with its mistake`);
}

/** Whether the tests fail with the mistake in its place. The folder is as before when this returns. */
function isNoticed(folder: string, { file, text, mistake, tests }: Fault): boolean {
  const before = [file, compiled(file)].map((path) => ({
    path: join(folder, path),
    content: readFileSync(join(folder, path), "utf8"),
  }));
  writeFileSync(join(folder, file), (before[0]?.content ?? "").split(text).join(mistake));
  try {
    compile(folder, file);
    return !passes(folder, tests);
  } finally {
    for (const { path, content } of before) writeFileSync(path, content);
  }
}

function readOr(root: string): (path: string) => string | undefined {
  return (path) => {
    try {
      return readFileSync(join(root, path), "utf8");
    } catch {
      return undefined;
    }
  };
}

/** Plants the faults one after the other; how many problems there were. */
function plant(root: string, faults: readonly Fault[]): number {
  const folder = copyProject(root);
  let problems = 0;
  try {
    const tests = [...new Set(faults.flatMap((fault) => fault.tests))];
    for (const test of tests.filter((each) => !passes(folder, [each]))) {
      problems++;
      console.log(`FAILS WITHOUT A FAULT  ${test}`);
    }
    for (const fault of faults) {
      const noticed = isNoticed(folder, fault);
      if (!noticed) problems++;
      console.log(`${noticed ? "noticed    " : "NOT NOTICED"}  ${fault.name} (${fault.file})`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } });
  const faults = FAULTS.filter(({ name }) => values.only?.some((part) => name.includes(part)) ?? true);
  const root = process.cwd();
  const wrong = faults.length === 0 ? ["--only: no fault has such a name"] : tableProblems(faults, readOr(root));
  for (const problem of wrong) console.log(problem);
  if (wrong.length > 0 || plant(root, faults) > 0) process.exitCode = 1;
}
