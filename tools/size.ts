/** @file How long functions and files are: above the limits a check asks why. Tables, codecs and fixtures are exempt by name.
 *  Prints the lines of each folder, so that growth is seen. */
import { fileURLToPath } from "node:url";
import { readSources, type SourceFacts } from "./sources.js";

/** Above this many lines a function does more than one thing. */
export const FUNCTION_LINES_LIMIT = 60;
/** Above this many lines a file holds more than one thing. */
export const FILE_LINES_LIMIT = 500;

/** Files whose length is data, each with its reason. */
export const EXEMPT: Readonly<Record<string, string>> = {
  "src/graph/onnx_pb.ts": "generated from onnx.proto",
};

/** In a test file `describe` bodies are lists of facts, so only the file limit and twice the function limit apply. */
function functionLimit(path: string): number {
  return path.endsWith(".test.ts") ? FILE_LINES_LIMIT : FUNCTION_LINES_LIMIT;
}

/** One line for each function or file above its limit, and for each exemption that names no file. */
export function checkSizes(
  sources: readonly SourceFacts[],
  exempt: Readonly<Record<string, string>> = EXEMPT,
): string[] {
  const problems: string[] = [];
  for (const { path, lines, functions } of sources) {
    if (Object.hasOwn(exempt, path)) continue;
    if (lines > FILE_LINES_LIMIT) problems.push(`${path}: ${lines} lines, at most ${FILE_LINES_LIMIT}`);
    for (const found of functions) {
      const limit = functionLimit(path);
      if (found.lines > limit)
        problems.push(`${path}:${found.line}: function ${found.name} has ${found.lines} lines, at most ${limit}`);
    }
  }
  const paths = new Set(sources.map(({ path }) => path));
  for (const path of Object.keys(exempt))
    if (!paths.has(path)) problems.push(`tools/size.ts: exemption of ${path}, which is not there`);
  return problems;
}

/** Lines per folder, tests apart: [folder, source lines, test lines], sorted. */
export function folderLines(sources: readonly SourceFacts[]): (readonly [string, number, number])[] {
  const totals = new Map<string, { source: number; test: number }>();
  for (const { path, lines } of sources) {
    const folder = path.split("/").slice(0, -1).slice(0, 2).join("/");
    const total = totals.get(folder) ?? { source: 0, test: 0 };
    if (path.endsWith(".test.ts")) total.test += lines;
    else total.source += lines;
    totals.set(folder, total);
  }
  return [...totals]
    .map(([folder, { source, test }]) => [folder, source, test] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sources = readSources(process.cwd(), ["src", "test", "bench", "tools", "recipes"]);
  const problems = checkSizes(sources);
  for (const problem of problems) console.log(problem);
  for (const [folder, source, test] of folderLines(sources))
    console.log(`${folder.padEnd(16)} ${String(source).padStart(6)} lines, tests ${test}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
