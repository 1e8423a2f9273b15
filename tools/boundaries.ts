/** @file Who may import whom: a table of explicit edges between the folders of src/. An edge that the table lacks fails, and so
 *  does a row that nothing uses; so does a circle of files. The rim: a native or foreign library, the environment, time and chance each have one home.
 *  Tests may import any folder (they compose what the product keeps apart), but neither chance nor time. */
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { circlesOf } from "./circles.js";
import { readSources, type SourceFacts } from "./sources.js";

/** Importing folder (or root file) to what it may import. */
export type EdgeTable = Readonly<Record<string, readonly string[]>>;

/** The rim: what may be named, and below which paths only. */
export interface RimRule {
  readonly name: string;
  readonly homes: readonly string[];
}

/** Edges that exist, from the top of the layout down; a row is added together with the import that needs it. */
export const EDGES: EdgeTable = {
  cli: [
    "clock",
    "config",
    "dataset",
    "errors",
    "export",
    "pipeline",
    "plan",
    "redact",
    "report",
    "secrets",
    "stats",
    "store",
    "student",
    "teacher",
    "template",
    "version",
  ],
  pipeline: [
    "clock",
    "compress",
    "config",
    "cost",
    "dataset",
    "distill",
    "errors",
    "evaluate",
    "export",
    "hub",
    "json",
    "licences",
    "models",
    "plan",
    "random",
    "redact",
    "report",
    "runtime",
    "sealing",
    "secrets",
    "softmax",
    "stats",
    "store",
    "student",
    "teacher",
    "tensor",
    "tokenizer",
    "version",
    "weights",
    "wire",
  ],
  report: ["sealing", "store"],
  teacher: ["clock", "cost", "dataset", "errors", "random", "stats", "store", "wire"],
  plan: ["clock", "config", "cost", "dataset", "errors", "graph", "models", "random", "runtime", "tensor", "tokenizer"],
  distill: ["errors", "graph", "models", "random", "runtime", "softmax", "tensor", "tokenizer"],
  compress: ["errors", "graph", "json", "models", "runtime", "tensor", "tokenizer"],
  export: ["errors", "graph", "json", "models", "softmax", "store", "student", "tensor", "tokenizer", "weights"],
  evaluate: ["clock", "errors", "random", "sealing", "stats", "student"],
  index: ["errors", "student", "template", "version"],
  web: ["errors", "runtime", "student", "template"],
  student: ["errors", "json", "models", "runtime", "store", "template", "tensor", "tokenizer"],
  models: ["errors", "graph", "json", "random", "tensor", "tokenizer"],
  dataset: ["errors", "json", "random", "sealing", "store", "template"],
  template: ["json"],
  redact: ["json", "secrets"],
  runtime: ["errors", "secrets", "tensor"],
  weights: ["config", "errors", "json", "store", "tensor"],
  tokenizer: ["errors", "json"],
  wire: ["clock", "errors", "secrets"],
  config: ["errors", "hub"],
  hub: ["errors", "store"],
  errors: ["secrets"],
  graph: ["errors"],
  store: ["errors"],
  stats: ["random"],
  tensor: ["errors"],
};

export const LIBRARY_RIM: readonly RimRule[] = [
  { name: "onnxruntime-node", homes: ["src/runtime/onnxruntime.ts"] },
  { name: "onnxruntime-web", homes: ["src/runtime/onnxruntime-web.ts"] },
  { name: "@huggingface/tokenizers", homes: ["src/tokenizer/pattern.ts"] },
  { name: "@huggingface/hub", homes: ["src/hub/hub.ts"] },
  { name: "csv-parse", homes: ["src/dataset/"] },
  { name: "fzstd", homes: ["src/dataset/unpack.ts"] },
  { name: "hyparquet", homes: ["src/dataset/tables.ts"] },
  { name: "hyparquet-compressors", homes: ["src/dataset/tables.ts"] },
  { name: "read-excel-file", homes: ["src/dataset/tables.ts"] },
  { name: "@observablehq/plot", homes: ["src/report/charts.ts"] },
  { name: "linkedom", homes: ["src/report/charts.ts"] },
  { name: "@bufbuild/protobuf", homes: ["src/graph/"] },
  { name: "libphonenumber-js", homes: ["src/redact/contacts.ts"] },
  { name: "commander", homes: ["src/cli/"] },
  { name: "cli-progress", homes: ["src/cli/"] },
  { name: "string-width", homes: ["src/report/"] },
  { name: "yaml", homes: ["src/config/"] },
  {
    name: "zod",
    homes: ["src/teacher/", "src/wire/", "src/config/", "src/plan/", "src/student/", "src/pipeline/"],
  },
];

export const GLOBAL_RIM: readonly RimRule[] = [
  { name: "process.env", homes: ["src/config/load.ts", "src/runtime/no-telemetry.ts"] },
  { name: "Date.now", homes: ["src/clock.ts"] },
  { name: "performance.now", homes: ["src/clock.ts"] },
  { name: "new Date()", homes: ["src/clock.ts"] },
  { name: "Math.random", homes: [] },
];

const isTest = (path: string): boolean => path.includes(".test.");

/** The folder of src/ that a path belongs to; a file directly in src/ stands for itself (`errors`). */
export function folderOf(path: string): string | undefined {
  const parts = path.split("/");
  if (parts[0] !== "src") return undefined;
  const second = parts[1] ?? "";
  return parts.length > 2 ? second : second.replace(/\.[jt]s$/, "");
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? specifier);
}

const allowed = (path: string, rule: RimRule): boolean =>
  rule.homes.some((home) => path === home || (home.endsWith("/") && path.startsWith(home)));

function libraryProblems(source: SourceFacts, rim: readonly RimRule[]): string[] {
  return source.imports.flatMap(({ specifier, line }) => {
    if (specifier.startsWith(".") || specifier.startsWith("node:")) return [];
    const rule = rim.find(({ name }) => name === packageOf(specifier));
    if (rule === undefined)
      return [`${source.path}:${line}: library ${specifier} has no home; add it to LIBRARY_RIM and DEPENDENCIES.md`];
    return allowed(source.path, rule)
      ? []
      : [`${source.path}:${line}: ${rule.name} may be imported only in ${rule.homes.join(", ")}`];
  });
}

function globalProblems(source: SourceFacts, rim: readonly RimRule[]): string[] {
  return source.globals.flatMap(({ name, line }) => {
    const rule = rim.find((candidate) => candidate.name === name);
    if (rule === undefined || allowed(source.path, rule)) return [];
    return [`${source.path}:${line}: ${name} may be used only in ${rule.homes.join(", ") || "no file"}`];
  });
}

/** The edges between folders of src/ that the sources use: `from -> to` with the first place that uses it. */
export function usedEdges(sources: readonly SourceFacts[]): Map<string, string> {
  const edges = new Map<string, string>();
  for (const source of sources) {
    const from = folderOf(source.path);
    if (from === undefined || isTest(source.path)) continue;
    for (const { specifier, line } of source.imports) {
      if (!specifier.startsWith(".")) continue;
      const to = folderOf(posix.join(posix.dirname(source.path), specifier));
      const edge = `${from} -> ${to ?? specifier}`;
      if (to !== from && !edges.has(edge)) edges.set(edge, `${source.path}:${line}`);
    }
  }
  return edges;
}

/** One line for each broken boundary, none when all hold. */
export function checkBoundaries(sources: readonly SourceFacts[], table: EdgeTable = EDGES): string[] {
  const used = usedEdges(sources);
  const permitted = new Set(
    Object.entries(table).flatMap(([from, targets]) => targets.map((to) => `${from} -> ${to}`)),
  );
  const problems = [...used]
    .filter(([edge]) => !permitted.has(edge))
    .map(([edge, place]) => `${place}: edge ${edge} is not in the table`);
  for (const edge of permitted)
    if (!used.has(edge)) problems.push(`tools/boundaries.ts: row ${edge} is used by nothing; remove it`);
  for (const circle of circlesOf(sources.filter(({ path }) => !isTest(path))))
    problems.push(`circle of imports: ${circle.join(", ")}; move what they share into a file of its own`);
  for (const source of sources) {
    if (!source.path.startsWith("src/")) continue;
    if (!isTest(source.path)) problems.push(...libraryProblems(source, LIBRARY_RIM));
    const globals = isTest(source.path) ? GLOBAL_RIM.filter(({ name }) => name !== "process.env") : GLOBAL_RIM;
    problems.push(...globalProblems(source, globals));
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sources = readSources(process.cwd(), ["src"]);
  if (process.argv.includes("--print")) {
    for (const edge of [...usedEdges(sources).keys()].sort()) console.log(edge);
  } else {
    const problems = checkBoundaries(sources);
    for (const problem of problems) console.log(problem);
    process.exitCode = problems.length > 0 ? 1 : 0;
  }
}
