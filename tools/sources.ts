/** @file The project's own source files, parsed: what they import, which globals they touch, how long their functions are.
 *  Knows nothing of rules; `boundaries.ts` and `size.ts` judge. Parsed with oxc-parser. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";

/** One import, export-from, dynamic import or `new URL("./x.js", import.meta.url)`. */
export interface ImportFact {
  readonly specifier: string;
  readonly line: number;
}

/** A member of a global object, such as `Math.random`. */
export interface GlobalFact {
  readonly name: string;
  readonly line: number;
}

export interface FunctionFact {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

export interface SourceFacts {
  /** Path from the project's root, with slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ImportFact[];
  readonly globals: readonly GlobalFact[];
  readonly functions: readonly FunctionFact[];
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

const FUNCTION_TYPES = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function stringField(value: unknown, field: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = (value as Readonly<Record<string, unknown>>)[field];
  return typeof found === "string" ? found : undefined;
}

/** Calls `visit` on every syntax node below `value`, with the name that the surrounding declaration gives it. */
function walk(value: unknown, name: string, visit: (node: SyntaxNode, name: string) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, name, visit);
    return;
  }
  if (!isNode(value)) return;
  visit(value, name);
  const inner = stringField(value.id, "name") ?? stringField(value.key, "name") ?? name;
  for (const [field, child] of Object.entries(value)) {
    if (typeof child === "object" && child !== null) walk(child, field === "id" ? name : inner, visit);
  }
}

/** 1-based line of each offset, by bisection over the line starts. */
function lineIndex(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function specifierOf(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return stringField(node.source, "value");
    case "NewExpression": {
      const [first] = Array.isArray(node.arguments) ? (node.arguments as unknown[]) : [];
      return stringField(node.callee, "name") === "URL" && stringField(first, "value")?.startsWith(".") === true
        ? stringField(first, "value")
        : undefined;
    }
    default:
      return undefined;
  }
}

function globalOf(node: SyntaxNode): string | undefined {
  if (node.type === "NewExpression" && stringField(node.callee, "name") === "Date") {
    return Array.isArray(node.arguments) && node.arguments.length === 0 ? "new Date()" : undefined;
  }
  if (node.type !== "MemberExpression" || node.computed === true) return undefined;
  const object = stringField(node.object, "name");
  const property = stringField(node.property, "name");
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}

/** Parses one file. @throws SyntaxError when it is no TypeScript. */
export function parseSource(path: string, text: string): SourceFacts {
  const result = parseSync(path, text);
  const [problem] = result.errors;
  if (problem !== undefined) throw new SyntaxError(`${path}: ${problem.message}`);
  const lineOf = lineIndex(text);
  const imports: ImportFact[] = [];
  const globals: GlobalFact[] = [];
  const functions: FunctionFact[] = [];
  walk(result.program as unknown, "(anonymous)", (node, name) => {
    const line = lineOf(node.start);
    const specifier = specifierOf(node);
    if (specifier !== undefined) imports.push({ specifier, line });
    const global = globalOf(node);
    if (global !== undefined) globals.push({ name: global, line });
    if (FUNCTION_TYPES.has(node.type)) {
      functions.push({ name: stringField(node.id, "name") ?? name, line, lines: lineOf(node.end) - line + 1 });
    }
  });
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return { path, lines, imports, globals, functions };
}

/** Paths of the .ts files below the named folders of `root`, sorted, with slashes, without declarations. */
export function listSources(root: string, folders: readonly string[]): string[] {
  const paths: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")) paths.push(path);
    }
  };
  const present = new Set(readdirSync(root));
  for (const folder of folders) if (present.has(folder)) visit(folder);
  return paths.sort();
}

/** Parses every source below the named folders of `root`. */
export function readSources(root: string, folders: readonly string[]): SourceFacts[] {
  return listSources(root, folders).map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}
