/** @file The documentation tells the truth: ```ts blocks of README.md and docs/ compile against the package's own types, relative
 *  links and pictures exist, the page on the architecture is the code's, and an `npm run NAME` or `npm NAME` in it is a script of package.json (or npm's own command).
 *  Usage: node docs.js TYPES, where TYPES is a build folder whose src/ holds the declarations. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ARCHITECTURE_FILE, architectureProblems } from "./architecture.js";
import { readSources } from "./sources.js";

export interface Snippet {
  /** 1-based line of the opening fence. */
  readonly line: number;
  readonly code: string;
}

const NPM_OWN = new Set([
  "ci",
  "cit",
  "install",
  "i",
  "test",
  "t",
  "exec",
  "pack",
  "publish",
  "init",
  "ls",
  "link",
  "start",
  "run",
]);

/** Bodies of the fenced blocks of one language. */
export function snippetsOf(markdown: string, language: string): Snippet[] {
  const snippets: Snippet[] = [];
  let open: { line: number; wanted: boolean; body: string[] } | undefined;
  markdown.split("\n").forEach((text, index) => {
    const fence = /^\s*```+\s*(\S*)/.exec(text);
    if (fence === null) open?.body.push(text);
    else if (open === undefined) open = { line: index + 1, wanted: fence[1] === language, body: [] };
    else {
      if (open.wanted) snippets.push({ line: open.line, code: open.body.join("\n") });
      open = undefined;
    }
  });
  return snippets;
}

/** Relative targets of links and pictures, without anchors. */
export function relativeLinks(markdown: string): string[] {
  const prose = markdown.replace(/```[\s\S]*?```/g, "").replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)|(?:src|href)="([^"]+)"/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
  return targets.filter((target) => !/^([a-z]+:|#)/i.test(target)).map((target) => target.replace(/#.*$/, ""));
}

/** Names in `npm run NAME` and `npm NAME` that are neither a script nor npm's own. */
export function unknownScripts(markdown: string, scripts: ReadonlySet<string>): string[] {
  const unknown: string[] = [];
  for (const [, run, name] of markdown.matchAll(/\bnpm (run )?([a-z][\w:-]*)/g)) {
    if (name === undefined) continue;
    if (run === undefined && /^[a-z]/.test(name) && !NPM_OWN.has(name) && !scripts.has(name)) continue; // prose: "npm package"
    if (run !== undefined && !scripts.has(name)) unknown.push(name);
  }
  return unknown;
}

function documents(root: string): string[] {
  const top = ["README.md", "DEPENDENCIES.md", "CHANGELOG.md", "LOG.md"].filter((name) => existsSync(join(root, name)));
  const visit = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return visit(path);
      return entry.name.endsWith(".md") ? [path] : [];
    });
  return [...top, ...["docs", "examples"].flatMap((folder) => (existsSync(join(root, folder)) ? visit(folder) : []))];
}

/** Compiles snippets in one run of tsc; returns its complaints with the document's own name and line. */
function compileSnippets(
  root: string,
  types: string,
  snippets: readonly (Snippet & { readonly path: string })[],
): string[] {
  if (snippets.length === 0) return [];
  const folder = join(root, types, "snippets");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  snippets.forEach(({ code }, index) => writeFileSync(join(folder, `s${index}.ts`), `${code}\nexport {};\n`));
  const base = resolve(root, "tsconfig.json");
  const door = (name: string): string[] => [resolve(root, types, "src", `${name}.d.ts`)];
  const compilerOptions = {
    noEmit: true,
    rootDir: resolve(root),
    noUnusedLocals: false,
    paths: { joryu: door("index"), "joryu/web": door("web"), "joryu/graph": door("graph/index") },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: base, compilerOptions, include: ["*.ts"] }));
  const tsc = resolve(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true, force: true });
  if (status === 0) return [];
  return stdout
    .trim()
    .split("\n")
    .map((text) => {
      const place = /s(\d+)\.ts\((\d+),/.exec(text);
      const snippet = place === null ? undefined : snippets[Number(place[1])];
      return snippet === undefined
        ? text
        : `${snippet.path}:${snippet.line + Number(place?.[2])}: ${text.replace(/^.*?\): /, "")}`;
    });
}

/** One line for each untruth, none when all holds. @throws when package.json cannot be read. */
export function checkDocs(root: string, types: string): string[] {
  const { scripts = {} } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts?: Record<string, string>;
  };
  const names = new Set(Object.keys(scripts));
  const problems: string[] = [];
  const snippets: (Snippet & { readonly path: string })[] = [];
  for (const path of documents(root)) {
    const markdown = readFileSync(join(root, path), "utf8");
    for (const target of relativeLinks(markdown)) {
      if (!existsSync(join(root, dirname(path), decodeURI(target))))
        problems.push(`${path}: link to ${target}, which is not there`);
    }
    for (const name of unknownScripts(markdown, names))
      problems.push(`${path}: npm run ${name} is no script of package.json`);
    snippets.push(...snippetsOf(markdown, "ts").map((snippet) => ({ ...snippet, path })));
  }
  if (existsSync(join(root, ARCHITECTURE_FILE)))
    problems.push(
      ...architectureProblems(readFileSync(join(root, ARCHITECTURE_FILE), "utf8"), readSources(root, ["src"])),
    );
  return [...problems, ...compileSnippets(root, types, snippets)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkDocs(process.cwd(), process.argv[2] ?? "dist");
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
