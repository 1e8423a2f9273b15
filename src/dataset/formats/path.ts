/** @file A place inside a JSON value by its written path: `a.b`, `messages.0.content`, `choices[0].message.content`, `turns[-1]`; JSON
 *  kept as text is stepped into. Knows no format. */
import { type JsonObject, isJsonObject } from "../../json.js";

const cache = new Map<string, readonly string[]>();

/** The steps of a path. */
function stepsOf(path: string): readonly string[] {
  const known = cache.get(path);
  if (known !== undefined) return known;
  const steps = path
    .replaceAll(/\[(-?\d+)\]/g, ".$1")
    .split(".")
    .filter((step, _, all) => step !== "" || all.length === 1);
  cache.set(path, steps);
  return steps;
}

/** An object or list that a text holds as JSON; any other value as it is. */
export function embedded(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[{[]/.test(value)) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === "object" && parsed !== null ? parsed : value;
  } catch {
    return value;
  }
}

function step(at: unknown, key: string): unknown {
  const value = embedded(at);
  if (Array.isArray(value)) return /^-?\d+$/.test(key) ? (value as readonly unknown[]).at(Number(key)) : undefined;
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** What stands at a path; a field of that very name goes first. */
export function valueAt(value: JsonObject, path: string): unknown {
  if (Object.hasOwn(value, path)) return value[path];
  let at: unknown = value;
  for (const key of stepsOf(path)) at = step(at, key);
  return at;
}

export const isNothing = (value: unknown): value is undefined | null | "" =>
  value === undefined || value === null || value === "";

/** Nothing, or an object or list without an entry, as JSON in a text too. */
export function isEmpty(value: unknown): boolean {
  const held = embedded(value);
  return isNothing(held) || (typeof held === "object" && held !== null && Object.keys(held).length === 0);
}

/** The first value of several paths that holds something. */
export function firstFilled(value: JsonObject, paths: readonly string[]): unknown {
  return paths.map((path) => valueAt(value, path)).find((found) => !isEmpty(found));
}

/** The first value of several paths that is neither absent nor null nor empty text. */
export function firstAt(value: JsonObject, paths: readonly string[]): unknown {
  for (const path of paths) {
    const found = valueAt(value, path);
    if (!isNothing(found)) return found;
  }
  return undefined;
}
