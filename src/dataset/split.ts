/** @file Which rows are sealed and which fold the others are in; whole groups, so that nothing leaks. A user's split is taken
 *  as it is, and refused when the same input or conversation stands on both sides; periods were decided by call. Seeded, pure. */
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { sealedShare } from "../sealing.js";
import { majorityOf, tyingConversations, type RowDraft } from "./rows.js";
import { hashTexts } from "./hashes.js";

export const FOLDS = 5;

export interface Split {
  readonly sealed: readonly boolean[];
  /** 0 .. FOLDS-1, -1 for sealed rows. */
  readonly folds: readonly number[];
  readonly sealedBy: "time" | "group" | "user" | "none";
  /** Share of the calls that is sealed of each row whose calls are units of their own, where sides do not decide. */
  readonly sealedCallRatio: number;
}

export interface SplitOptions {
  readonly seed: number;
  readonly sealedRatio: number;
  /** What the sides of the rows stand for: the user's split, periods, or nothing. */
  readonly sides: "user" | "time" | "none";
}

interface Group {
  readonly rows: number[];
  /** Label of the first row: strata are loose. */
  label: number;
  order: number;
}

/** Splits rows by group. Sealed rows are a fair sample, whatever their labels and sizes: every group is as likely as any other. */
export function splitRows(
  drafts: readonly RowDraft[],
  { groups, recurring }: { readonly groups: Int32Array; readonly recurring: readonly boolean[] },
  options: SplitOptions,
): Split {
  const all = gather(drafts, groups, options.seed);
  const share = sealedShare(drafts.length, all.length, options.sealedRatio);
  const sealed = new Array<boolean>(drafts.length).fill(false);
  const sealedBy = options.sides !== "none" ? options.sides : share === 0 ? "none" : "group";
  if (options.sides !== "none") drafts.forEach((draft, i) => (sealed[i] = draft.side === "test"));
  const ratio = sealedBy === "group" ? share : 0;
  if (sealedBy === "group") {
    const whole = all.filter(({ rows }) => recurring[rows[0] ?? 0] !== true);
    for (const group of systematic(whole, ratio, options.seed)) for (const row of group.rows) sealed[row] = true;
  }
  return { sealed, folds: foldsOf(all, sealed), sealedBy, sealedCallRatio: ratio };
}

function gather(drafts: readonly RowDraft[], groups: Int32Array, seed: number): readonly Group[] {
  const found = new Map<number, Group>();
  drafts.forEach((draft, i) => {
    const key = groups[i] ?? 0;
    const order = Number.parseInt(hashTexts(String(seed), draft.folded).slice(0, 12), 16);
    const group = found.get(key) ?? { rows: [], label: majorityOf(draft.answers), order };
    group.rows.push(i);
    if (order < group.order) Object.assign(group, { order, label: majorityOf(draft.answers) });
    found.set(key, group);
  });
  return [...found.values()];
}

/** Systematic sampling over groups sorted by label: each group has the same chance, and every label gives its share, loosely. */
function systematic(groups: readonly Group[], ratio: number, seed: number): Group[] {
  const sorted = groups.toSorted((a, b) => a.label - b.label || a.order - b.order);
  const start = createRandom(seed, "seal").float();
  return sorted.filter((_, i) => Math.floor(start + (i + 1) * ratio) > Math.floor(start + i * ratio));
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
 *  lists the first pairs, or with "drop-train" drops the train rows concerned; with it go train rows that are near-duplicates of test rows,
 *  which are counted otherwise. */
export function resolveLeaks(
  drafts: readonly RowDraft[],
  mode: "error" | "drop-train",
  isNearLeak: (draft: RowDraft) => boolean = () => false,
): { drafts: readonly RowDraft[]; dropped: number; nearLeaks: number } {
  const tests = new Map<string, RowDraft>();
  for (const draft of drafts) {
    if (draft.side === "test") for (const key of leakKeys(draft)) tests.set(key, tests.get(key) ?? draft);
  }
  const pairs: [RowDraft, RowDraft][] = [];
  const exact = drafts.filter((draft) => {
    const key = draft.side === "train" ? leakKeys(draft).find((name) => tests.has(name)) : undefined;
    const test = key === undefined ? undefined : tests.get(key);
    if (test !== undefined) pairs.push([draft, test]);
    return test === undefined;
  });
  if (mode === "error" && pairs.length > 0) throw leakError(pairs);
  const near = new Set(exact.filter((draft) => draft.side === "train" && isNearLeak(draft)));
  if (mode === "error") return { drafts: exact, dropped: 0, nearLeaks: near.size };
  return { drafts: exact.filter((draft) => !near.has(draft)), dropped: pairs.length + near.size, nearLeaks: 0 };
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
