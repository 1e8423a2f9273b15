/** @file Which part of structured answers is the label: a field of a JSON answer, an argument of a function call or the function itself. Chosen by
 *  content: a closed set of short values, what the prompt names before what it does not, no confidence and no rationale. Memory is
 *  bounded by constants. Pure but for its state. */
import { isJsonObject, type JsonObject } from "../json.js";
import { FIELD_NAMES, isNamed, LABEL_NAMES, OUTPUT_NAMES } from "./formats/column-names.js";

/** More distinct values than this are no closed set; the same limit bounds memory. */
export const MAXIMUM_VALUES = 4_000;
export const MAXIMUM_LABEL_LENGTH = 120;
/** An answer with more parts than this is a document. */
const MAXIMUM_PATHS = 24;
const MAXIMUM_DEPTH = 3;

/** Path of the name of the function that was called. */
export const FUNCTION_PATH = "@function";

export type LeafKind = "text" | "number" | "fraction" | "boolean" | "several" | "nothing";

export interface Leaf {
  readonly path: string;
  readonly kind: LeafKind;
  readonly text: string;
}

function leafOf(path: string, value: unknown): Leaf {
  if (typeof value === "string") return { path, kind: value.trim() === "" ? "nothing" : "text", text: value.trim() };
  if (typeof value === "boolean") return { path, kind: "boolean", text: String(value) };
  if (typeof value === "number")
    return { path, kind: Number.isInteger(value) ? "number" : "fraction", text: String(value) };
  return { path, kind: Array.isArray(value) && value.length > 1 ? "several" : "nothing", text: "" };
}

function walk(value: JsonObject, before: string, depth: number, leaves: Leaf[]): void {
  for (const [key, entry] of Object.entries(value)) {
    if (leaves.length >= MAXIMUM_PATHS) return;
    const path = before === "" ? key : `${before}.${key}`;
    const only: unknown = Array.isArray(entry) && entry.length === 1 ? (entry as readonly unknown[])[0] : entry;
    if (isJsonObject(only) && depth < MAXIMUM_DEPTH) walk(only, path, depth + 1, leaves);
    else leaves.push(leafOf(path, only));
  }
}

/** The values of an answer with their paths (`result.label`), in its order; a list of one is its element. */
export function leavesOf(fields: JsonObject): readonly Leaf[] {
  const leaves: Leaf[] = [];
  walk(fields, "", 1, leaves);
  return leaves;
}

/** Counts of the values at one path. */
export interface PathCounts {
  readonly path: string;
  calls: number;
  long: number;
  fractions: number;
  numbers: number;
  /** Calls with a list of several values. */
  several: number;
  readonly values: Map<string, number>;
}

export class FieldCounts {
  private readonly paths = new Map<string, PathCounts>();

  observe(leaves: readonly Leaf[]): void {
    for (const leaf of leaves) {
      const counts = this.paths.get(leaf.path) ?? this.start(leaf.path);
      if (counts !== undefined) count(counts, leaf);
    }
  }

  /** Adds what another counted. */
  merge(other: FieldCounts): void {
    for (const more of other.paths.values()) {
      const counts = this.paths.get(more.path) ?? this.start(more.path);
      if (counts === undefined) continue;
      counts.calls += more.calls;
      counts.long += more.long;
      counts.fractions += more.fractions;
      counts.numbers += more.numbers;
      counts.several += more.several;
      for (const [text, calls] of more.values) counts.values.set(text, (counts.values.get(text) ?? 0) + calls);
    }
  }

  all(): readonly PathCounts[] {
    return [...this.paths.values()];
  }

  private start(path: string): PathCounts | undefined {
    if (this.paths.size >= MAXIMUM_PATHS) return undefined;
    const counts: PathCounts = { path, calls: 0, long: 0, fractions: 0, numbers: 0, several: 0, values: new Map() };
    this.paths.set(path, counts);
    return counts;
  }
}

function count(counts: PathCounts, { kind, text }: Leaf): void {
  if (kind === "several") counts.several++;
  if (kind === "nothing" || kind === "several") return;
  counts.calls++;
  if (kind === "fraction") counts.fractions++;
  if (kind === "number") counts.numbers++;
  const known = counts.values.get(text);
  if (known !== undefined) counts.values.set(text, known + 1);
  else if (text.length <= MAXIMUM_LABEL_LENGTH && !text.includes("\n") && counts.values.size < MAXIMUM_VALUES)
    counts.values.set(text, 1);
  else counts.long++;
}

/** Adds the counts of `more` to those of `counts`. */
export function addCounts(counts: ReadonlyMap<string, number>, more: ReadonlyMap<string, number>): Map<string, number> {
  const sum = new Map(counts);
  for (const [text, calls] of more) sum.set(text, (sum.get(text) ?? 0) + calls);
  return sum;
}

const FIELDS_WITH_LABELS: readonly string[] = [...LABEL_NAMES, ...OUTPUT_NAMES, ...FIELD_NAMES];
const ASIDE_NAME =
  /(?:confidence|certainty|score|prob|reason|rational|explanation|explain|justif|thought|thinking|analysis|evidence|comment|note|summary|language|lang$|^id$|_id$|version|model|timestamp|確信|信頼度|理由|根拠|説明|言語)/iu;

/** Whether a field's name says that it holds the label. */
export function isLabelName(path: string): boolean {
  return isNamed(lastName(path), FIELDS_WITH_LABELS);
}

/** An answer with more free fields than this beside the closed one is an extraction, not a choice, unless the prompt names the values. */
const MOST_OPEN_FIELDS = 2;
const LEAST_NAMED_RATIO = 0.8;

const lastName = (path: string): string => path.slice(path.lastIndexOf(".") + 1);

/** Whether a field says something of the answer instead of being it. */
export function isAside(path: string): boolean {
  return ASIDE_NAME.test(lastName(path));
}

export interface FieldChoice {
  readonly path: string;
  /** The answers are function calls, the path an argument. */
  readonly isCall: boolean;
  /** Other fields, in the order of the answers: those that are closed sets of values too, and the others. */
  readonly alternatives: readonly string[];
  readonly leftOut: readonly string[];
}

/** The path whose values are the label: of those that `isClosed` accepts the likeliest; undefined when none is. */
export function chooseField(
  paths: readonly PathCounts[],
  isClosed: (counts: PathCounts) => boolean,
  namedRatio: (values: ReadonlyMap<string, number>) => number,
): FieldChoice | undefined {
  const closed = paths.filter((counts) => counts.fractions === 0 && isClosed(counts));
  const rank = (counts: PathCounts): readonly number[] => [
    counts.values.size > 1 ? 1 : 0,
    isAside(counts.path) ? 0 : 1,
    namedRatio(counts.values) >= LEAST_NAMED_RATIO ? 1 : 0,
    counts.path === FUNCTION_PATH ? 0 : 1,
    isLabelName(counts.path) ? 1 : 0,
    counts.numbers === 0 ? 1 : 0,
  ];
  const ranked = closed
    .map((counts, at) => ({ counts, at, rank: rank(counts) }))
    .sort((a, b) => compare(b.rank, a.rank) || a.at - b.at);
  const [best, ...others] = ranked;
  if (best === undefined) return undefined;
  const open = paths.filter((counts) => !closed.includes(counts) && !isAside(counts.path)).length;
  const isNamed = namedRatio(best.counts.values) >= LEAST_NAMED_RATIO;
  const mostOpen = best.counts.path === FUNCTION_PATH ? 0 : MOST_OPEN_FIELDS;
  if (best.counts.values.size < 2 || (open > mostOpen && !isNamed)) return undefined;
  const { path } = best.counts;
  const alternatives = others
    .filter(({ counts }) => counts.values.size > 1 && !isAside(counts.path))
    .map(({ counts }) => counts.path);
  const leftOut = paths.map((counts) => counts.path).filter((other) => other !== path && other !== FUNCTION_PATH);
  return { path, isCall: paths.some((counts) => counts.path === FUNCTION_PATH), alternatives, leftOut };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
  return 0;
}
