/** @file docs/architecture.md against the code: its rooms are the folders of src/, each arrow between files is an import. */
import { posix } from "node:path";
import { folderOf } from "./boundaries.js";
import type { SourceFacts } from "./sources.js";

export const ARCHITECTURE_FILE = "docs/architecture.md";

/** Arrows `a -> b` of fenced blocks, chains taken apart. */
export function arrowsOf(markdown: string): (readonly [string, string])[] {
  return [...markdown.matchAll(/^src\/\S+(?: -> src\/\S+)+$/gm)].flatMap(([chain]) => {
    const files = chain.split(" -> ");
    return files.slice(1).map((to, i) => [files[i] ?? "", to] as const);
  });
}

/** First cells of the table of rooms. */
function roomsOf(markdown: string): string[] {
  const [, section = ""] = markdown.split("## The rooms");
  const [table = ""] = section.split("\n## ");
  return [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, room]) => room ?? "");
}

/** One line for each untruth, none when all holds. */
export function architectureProblems(markdown: string, sources: readonly SourceFacts[]): string[] {
  const imports = new Set(
    sources.flatMap(({ path, imports: found }) =>
      found.map(({ specifier }) => `${path} -> ${posix.join(posix.dirname(path), specifier)}`.replace(/\.js$/, ".ts")),
    ),
  );
  const folders = new Set(sources.flatMap(({ path }) => (path.split("/").length > 2 ? (folderOf(path) ?? []) : [])));
  const rooms = new Set(roomsOf(markdown));
  const missing = [...folders].filter((folder) => !rooms.has(folder));
  const gone = [...rooms].filter((room) => !folders.has(room));
  const untrue = arrowsOf(markdown).filter(([from, to]) => !imports.has(`${from} -> ${to}`));
  return [
    ...missing.map((folder) => `the room ${folder} is not in the table`),
    ...gone.map((room) => `no folder src/${room}`),
    ...untrue.map(([from, to]) => `${from} does not import ${to}`),
  ].map((problem) => `${ARCHITECTURE_FILE}: ${problem}`);
}
