/** @file A text that is JSON, string by string: what is escaped there (\n, \u3042) is read as it means, and what is written back is JSON again.
 *  Untouched where nothing changes. */

const MOST_DEPTH = 64;
/** Numbers of fewer digits tell of nobody. */
const NUMBER_LEAF = 100_000;

type Change = (text: string) => string;

function changedNumber(value: number, change: Change): number | string {
  const text = String(value);
  const changed = change(text);
  if (changed === text) return value;
  return String(Number(changed)) === changed ? Number(changed) : changed;
}

function walk(value: unknown, change: Change, depth: number): unknown {
  if (typeof value === "string") return change(value);
  if (typeof value === "number") return Math.abs(value) < NUMBER_LEAF ? value : changedNumber(value, change);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MOST_DEPTH) throw new RangeError("nested too deep");
  if (Array.isArray(value)) return value.map((part) => walk(part, change, depth + 1));
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  return Object.fromEntries(entries.map(([name, part]) => [change(name), walk(part, change, depth + 1)]));
}

/** The white space that a level of it is set in by. */
function indentOf(text: string): string | undefined {
  return /^[[{]\r?\n([ \t]+)/.exec(text)?.[1];
}

/** The text with every string in it changed; undefined where it is no JSON of objects or lists, or has no escapes to be read. */
export function changeJson(text: string, change: Change): string | undefined {
  if (!/^\s*[[{]/.test(text) || !text.includes("\\")) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  let changes = 0;
  const counted: Change = (part) => {
    const changed = change(part);
    if (changed !== part) changes++;
    return changed;
  };
  const made = walk(parsed, counted, 0);
  return changes === 0 ? text : JSON.stringify(made, undefined, indentOf(text.trim()));
}
