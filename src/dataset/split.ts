/** @file Which rows are sealed and which fold the others are in; whole groups, so that nothing leaks. A user's split is taken
 *  as it is, and refused when the same input or conversation stands on both sides. Seeded, pure. Design section 3. */
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { wantedRows } from "../sealing.js";
import { majorityOf, tyingConversations, type RowDraft } from "./rows.js";
import { hashTexts } from "./hashes.js";

export const FOLDS = 5;
export interface Split {
  readonly sealed: readonly boolean[];
  /** 0 .. FOLDS-1, -1 for sealed rows. */
  readonly folds: readonly number[];
  readonly sealedBy: "time" | "group" | "user" | "none";
}

export interface SplitOptions {
  readonly seed: number;
  readonly sealedRatio: number;
  readonly timed: boolean;
  readonly userSplit: boolean;
}

interface Group {
  readonly rows: number[];
  /** Label of the first row: strata are loose. */
  label: number;
  order: number;
  newestMs: number;
}

/** Splits rows by group. */
export function splitRows(drafts: readonly RowDraft[], groups: Int32Array, options: SplitOptions): Split {
  const all = gather(drafts, groups, options.seed);
  const wanted = wantedRows(drafts.length, options.sealedRatio);
  const sealed = new Array<boolean>(drafts.length).fill(false);
  const sealedBy = options.userSplit ? "user" : wanted === 0 ? "none" : options.timed ? "time" : "group";
  if (sealedBy === "user") drafts.forEach((draft, i) => (sealed[i] = draft.side === "test"));
  if (sealedBy === "time") sealNewest(all, drafts, wanted, sealed);
  if (sealedBy === "group") sealSystematically(all, drafts, wanted, sealed, options.seed);
  return { sealed, folds: foldsOf(all, sealed), sealedBy };
}

function gather(drafts: readonly RowDraft[], groups: Int32Array, seed: number): readonly Group[] {
  const found = new Map<number, Group>();
  drafts.forEach((draft, i) => {
    const key = groups[i] ?? 0;
    const order = Number.parseInt(hashTexts(String(seed), draft.folded).slice(0, 12), 16);
    const group = found.get(key) ?? { rows: [], label: majorityOf(draft.answers), order, newestMs: -Infinity };
    group.rows.push(i);
    group.newestMs = Math.max(group.newestMs, draft.firstMs ?? -Infinity);
    if (order < group.order) Object.assign(group, { order, label: majorityOf(draft.answers) });
    found.set(key, group);
  });
  return [...found.values()];
}

/** Rows of each label that are not sealed. */
function openRows(drafts: readonly RowDraft[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const draft of drafts) {
    const label = majorityOf(draft.answers);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

/** Seals a group unless a label would keep no open row; the number of rows sealed. */
function sealGroup(group: Group, drafts: readonly RowDraft[], open: Map<number, number>, sealed: boolean[]): number {
  const left = new Map<number, number>();
  for (const row of group.rows) {
    const draft = drafts[row];
    if (draft === undefined) continue;
    const label = majorityOf(draft.answers);
    left.set(label, (left.get(label) ?? open.get(label) ?? 0) - 1);
  }
  if ([...left.values()].some((count) => count < 1)) return 0;
  for (const [label, count] of left) open.set(label, count);
  for (const row of group.rows) sealed[row] = true;
  return group.rows.length;
}

function sealNewest(groups: readonly Group[], drafts: readonly RowDraft[], wanted: number, sealed: boolean[]): void {
  const open = openRows(drafts);
  const newestFirst = groups.toSorted((a, b) => b.newestMs - a.newestMs || a.order - b.order);
  let count = 0;
  for (const group of newestFirst) {
    if (count >= wanted) return;
    if (count + group.rows.length <= wanted * 1.5) count += sealGroup(group, drafts, open, sealed);
  }
}

/** Systematic sampling over groups sorted by label: every label gives its share, loosely. */
function sealSystematically(
  groups: readonly Group[],
  drafts: readonly RowDraft[],
  wanted: number,
  sealed: boolean[],
  seed: number,
): void {
  const open = openRows(drafts);
  const sorted = groups.toSorted((a, b) => a.label - b.label || a.order - b.order);
  const ratio = wanted / drafts.length;
  let due = createRandom(seed, "seal").float();
  let count = 0;
  for (const group of sorted) {
    due += group.rows.length * ratio;
    if (due < group.rows.length) continue;
    const taken = sealGroup(group, drafts, open, sealed);
    due -= taken;
    count += taken;
  }
  for (const group of groups.toSorted((a, b) => a.order - b.order)) {
    if (count >= wanted) return;
    if (sealed[group.rows[0] ?? 0] === false && group.rows.length <= wanted - count)
      count += sealGroup(group, drafts, open, sealed);
  }
}

/** Each group goes to the fold that has the fewest rows of its label, then the fewest rows. */
function foldsOf(groups: readonly Group[], sealed: readonly boolean[]): readonly number[] {
  const folds = new Array<number>(sealed.length).fill(-1);
  const totals = new Array<number>(FOLDS).fill(0);
  const byLabel = new Map<number, number[]>();
  for (const group of groups.toSorted((a, b) => a.order - b.order)) {
    const rows = group.rows.filter((row) => sealed[row] === false);
    if (rows.length === 0) continue;
    const own = byLabel.get(group.label) ?? new Array<number>(FOLDS).fill(0);
    byLabel.set(group.label, own);
    let best = 0;
    for (let fold = 1; fold < FOLDS; fold++) {
      const difference = (own[fold] ?? 0) - (own[best] ?? 0) || (totals[fold] ?? 0) - (totals[best] ?? 0);
      if (difference < 0) best = fold;
    }
    for (const row of rows) folds[row] = best;
    own[best] = (own[best] ?? 0) + rows.length;
    totals[best] = (totals[best] ?? 0) + rows.length;
  }
  return folds;
}

/** The drafts of a user's split without leaks. A leak (the same input or conversation on both sides) throws InputError that
 *  lists the first pairs, or with "drop-train" drops the train rows concerned. */
export function resolveLeaks(
  drafts: readonly RowDraft[],
  mode: "error" | "drop-train",
): { drafts: readonly RowDraft[]; dropped: number } {
  const tests = new Map<string, RowDraft>();
  for (const draft of drafts) {
    if (draft.side === "test") for (const key of leakKeys(draft)) tests.set(key, tests.get(key) ?? draft);
  }
  const pairs: [RowDraft, RowDraft][] = [];
  const kept = drafts.filter((draft) => {
    const key = draft.side === "train" ? leakKeys(draft).find((name) => tests.has(name)) : undefined;
    const test = key === undefined ? undefined : tests.get(key);
    if (test !== undefined) pairs.push([draft, test]);
    return test === undefined;
  });
  if (mode === "error" && pairs.length > 0) throw leakError(pairs);
  return { drafts: kept, dropped: pairs.length };
}

function leakKeys(draft: RowDraft): readonly string[] {
  return [`text ${draft.folded}`, ...tyingConversations(draft)];
}

function leakError(pairs: readonly (readonly [RowDraft, RowDraft])[]): InputError {
  const shown = pairs.slice(0, 5).map(([train, test]) => {
    const why = train.folded === test.folded ? JSON.stringify(train.text.slice(0, 60)) : "one conversation";
    return `${train.place} and ${test.place} (${why})`;
  });
  const more = pairs.length > shown.length ? `, and ${pairs.length - shown.length} more` : "";
  return new InputError(
    `the split of the data leaks: train and test share ${pairs.length} inputs or conversations: ${shown.join(", ")}${more}`,
    {
      hint: "use --resolve-leaks drop-train to drop those train rows",
      facts: { pairs: pairs.length },
    },
  );
}
