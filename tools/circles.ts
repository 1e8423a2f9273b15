/** @file Circles among files: sets of files each of which reaches all others by imports, types and worker addresses included. */
import { posix } from "node:path";
import type { SourceFacts } from "./sources.js";

/** Files that a file names, of those that are there. */
function targetsOf({ path, imports }: SourceFacts, known: ReadonlyMap<string, SourceFacts>): string[] {
  return imports.flatMap(({ specifier }) => {
    if (!specifier.startsWith(".")) return [];
    const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, ".ts");
    return known.has(target) ? [target] : [];
  });
}

/** Every circle as its paths, sorted (strongly connected components, Tarjan 1972). */
export function circlesOf(sources: readonly SourceFacts[]): string[][] {
  const known = new Map(sources.map((source) => [source.path, source]));
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (source: SourceFacts): number => {
    const { path } = source;
    const own = order.size;
    order.set(path, own);
    open.push(path);
    let low = own;
    for (const target of targetsOf(source, known)) {
      const found = known.get(target);
      if (found !== undefined && !order.has(target)) low = Math.min(low, visit(found));
      else if (open.includes(target)) low = Math.min(low, lowest.get(target) ?? order.get(target) ?? low);
    }
    lowest.set(path, low);
    if (low === own) {
      const members = open.splice(open.indexOf(path));
      if (members.length > 1) circles.push(members.sort());
    }
    return low;
  };
  for (const source of sources) if (!order.has(source.path)) visit(source);
  return circles;
}
