/** @file Groups of rows that are not independent of each other and stay on one side of a split: the same text but for case and space,
 *  near-duplicates, rows of one conversation. Grouping serves independence: where it would swallow the traffic (templates that differ by a
 *  number, conversations that chain everything), the next honest unit is taken, and said. Seeded, pure. */
import { joinNearDuplicates, nearDuplicateFinder } from "./dedupe.js";
import { DisjointSets } from "./disjoint-sets.js";
import { tyingConversations, type RowDraft } from "./rows.js";

export interface Groups {
  /** Group of each row, numbered from 0 in order of appearance. */
  readonly groups: Int32Array;
  /** Rows that joined an earlier one as near-duplicates. */
  readonly nearDuplicates: number;
  /** Rows of templates, families of near-duplicates that come again and again: each distinct text is a unit of its own. */
  readonly templated: number;
  /** Rows of inputs that come again and again, from anywhere: each call is a unit of its own. */
  readonly recurring: readonly boolean[];
  readonly notes: readonly string[];
}

/** The most calls of one group that a test counts (evaluate/calls.ts); a larger family would hide the rest of its calls. */
export const LARGEST_GROUP_CALLS = 10;
/** A group beyond this share of the rows would leave nothing to split. */
const LARGEST_GROUP_RATIO = 0.3;
/** With fewer rows no share is large. */
const SMALL_ROWS = 20;
/** In a log without periods an input with a smaller share of the calls may be a storm that was shuffled in. */
const LEAST_RECURRING_RATIO = 0.01;
/** More recurring inputs than this share of the rows are copies, not the head of the traffic. */
const MOST_RECURRING_RATIO = 0.1;

/** Groups rows; rows of different sides never share a group. */
export function groupRows(drafts: readonly RowDraft[], seed: number): Groups {
  const { recurring, note } = recurringRows(drafts);
  const exact = new DisjointSets(drafts.length);
  const grouped = drafts.flatMap((_, i) => (recurring[i] === true ? [] : [i]));
  joinEqual(drafts, grouped, (draft) => [draft.folded], exact);
  const alike = nearDuplicateSets(drafts, grouped, seed);
  const { families, templated } = withoutTemplates(drafts, grouped, alike, exact, seed);
  const notes = [...note, ...(templated === 0 ? [] : [templateNote(templated)])];
  const nearDuplicates = drafts.length - countSets(families, drafts.length);
  const oversized = oversizedConversations(drafts, grouped);
  if (oversized.size > 0) notes.push(oversizedNote(oversized));
  const namesOf = (draft: RowDraft): string[] => tyingConversations(draft).filter((name) => !oversized.has(name));
  const whole = withConversations(drafts, grouped, namesOf, families);
  const found = { nearDuplicates, templated, recurring };
  if (!swallows(whole, drafts.length)) return { ...found, groups: numbered(whole, drafts.length), notes };
  const conversations = withConversations(drafts, grouped, namesOf, exact);
  if (!swallows(conversations, drafts.length)) {
    const groups = numbered(conversations, drafts.length);
    return {
      ...found,
      groups,
      notes: [
        ...notes,
        "near-duplicates chain the conversations; only equal inputs and conversations are kept together",
      ],
    };
  }
  const chained =
    "the conversations of the log chain most rows into one group; they were left out of account in the split";
  return { ...found, groups: numbered(families, drafts.length), notes: [...notes, chained] };
}

function templateNote(rows: number): string {
  return `${rows} inputs are near-duplicates in families of more than ${LARGEST_GROUP_CALLS} calls that come through the whole log (templates): each distinct input is a unit of its own`;
}

/** Whether an input of no conversation demonstrably comes again and again, from anywhere: on both sides of the periods, or in each quarter of the
 *  log and in a good share of its calls. A storm of the same call, wholly right or wrong, must not pass for as many independent ones. */
function recurs(draft: RowDraft, calls: number, onBothSides: ReadonlySet<string>): boolean {
  const { weight, answers, quarters, folded } = draft;
  if (weight <= LARGEST_GROUP_CALLS || tyingConversations(draft).length > 0) return false;
  // Of a record that stands for many calls the calls are not known one by one.
  if ([...answers.values()].reduce((sum, count) => sum + count, 0) !== weight) return false;
  return onBothSides.has(folded) || (quarters === 0b1111 && weight >= LEAST_RECURRING_RATIO * calls);
}

function textsOnBothSides(drafts: readonly RowDraft[]): Set<string> {
  const train = new Set(drafts.filter(({ side }) => side === "train").map(({ folded }) => folded));
  return new Set(drafts.filter(({ side, folded }) => side === "test" && train.has(folded)).map(({ folded }) => folded));
}

function recurringRows(drafts: readonly RowDraft[]): { recurring: boolean[]; note: readonly string[] } {
  const all = drafts.reduce((sum, { weight }) => sum + weight, 0);
  const onBothSides = textsOnBothSides(drafts);
  const recurring = drafts.map((draft) => recurs(draft, all, onBothSides));
  const rows = recurring.filter(Boolean).length;
  if (rows === 0) return { recurring, note: [] };
  if (rows > MOST_RECURRING_RATIO * drafts.length) {
    const note = `${rows} of ${drafts.length} inputs occur more than ${LARGEST_GROUP_CALLS} times, as copies do: an input stays on one side and counts as at most ${LARGEST_GROUP_CALLS} calls`;
    return { recurring: drafts.map(() => false), note: [note] };
  }
  const calls = drafts.reduce((sum, { weight }, i) => sum + (recurring[i] === true ? weight : 0), 0);
  return {
    recurring,
    note: [`${rows} inputs recur through the log, ${calls} calls in all: each of these calls is a unit of its own`],
  };
}

function nearDuplicateSets(drafts: readonly RowDraft[], members: readonly number[], seed: number): DisjointSets {
  const sets = new DisjointSets(drafts.length);
  const texts = drafts.map((draft) => draft.text);
  joinEqual(drafts, members, (draft) => [draft.folded], sets);
  for (const side of ["train", "test"] as const) {
    joinNearDuplicates(
      texts,
      members.filter((i) => drafts[i]?.side === side),
      seed,
      sets,
    );
  }
  return sets;
}

/** Whether a family of near-duplicates is a template, whose texts come again and again: in both periods, or in each quarter of the log and in a good
 *  share of its calls. Another large family may be a campaign or a document that never comes again: one group. */
function isTemplate(
  { calls, rows, quarters, side, text }: Family,
  all: number,
  onOtherSide: (text: string, side: RowDraft["side"]) => boolean,
): boolean {
  if (rows < 2 || calls <= LARGEST_GROUP_CALLS) return false;
  return (quarters === 0b1111 && calls >= LEAST_RECURRING_RATIO * all) || onOtherSide(text, side);
}

interface Family {
  calls: number;
  rows: number;
  quarters: number;
  readonly side: RowDraft["side"];
  readonly text: string;
}

/** Finds near-duplicates among the rows of the other side; nothing where there is but one. */
function otherSideFinder(drafts: readonly RowDraft[], seed: number): (text: string, side: RowDraft["side"]) => boolean {
  const found = new Map<RowDraft["side"], (text: string) => boolean>();
  if (drafts.every(({ side }) => side === drafts[0]?.side)) return () => false;
  return (text, side) => {
    const find =
      found.get(side) ??
      nearDuplicateFinder(
        drafts.flatMap((draft) => (draft.side === side ? [] : [draft.text])),
        seed,
      );
    found.set(side, find);
    return find(text);
  };
}

/** Families that fit into a group; of templates only what is equal stays together. */
function withoutTemplates(
  drafts: readonly RowDraft[],
  members: readonly number[],
  alike: DisjointSets,
  exact: DisjointSets,
  seed: number,
): { families: DisjointSets; templated: number } {
  const found = new Map<number, Family>();
  for (const i of members) {
    const draft = drafts[i];
    if (draft === undefined) continue;
    const root = alike.find(i);
    const family = found.get(root) ?? { calls: 0, rows: 0, quarters: 0, side: draft.side, text: draft.text };
    family.calls += draft.weight;
    family.rows++;
    family.quarters |= draft.quarters;
    found.set(root, family);
  }
  const all = drafts.reduce((sum, { weight }) => sum + weight, 0);
  const onOtherSide = otherSideFinder(drafts, seed);
  const templates = new Set(
    [...found].flatMap(([root, family]) => (isTemplate(family, all, onOtherSide) ? [root] : [])),
  );
  const families = new DisjointSets(drafts.length);
  let templated = 0;
  for (const i of members) {
    const root = alike.find(i);
    if (templates.has(root)) templated++;
    families.join(i, templates.has(root) ? exact.find(i) : root);
  }
  return { families, templated };
}

/** Names that so many rows share that they tell one conversation from another no more: a default, an empty session. */
function oversizedConversations(drafts: readonly RowDraft[], members: readonly number[]): Set<string> {
  const rows = new Map<string, number>();
  for (const i of members) {
    const draft = drafts[i];
    if (draft === undefined) continue;
    for (const name of tyingConversations(draft)) rows.set(name, (rows.get(name) ?? 0) + 1);
  }
  const most = drafts.length < SMALL_ROWS ? Infinity : LARGEST_GROUP_RATIO * drafts.length;
  return new Set([...rows].flatMap(([name, count]) => (count > most ? [name] : [])));
}

function oversizedNote(names: ReadonlySet<string>): string {
  const share = `more than ${Math.round(100 * LARGEST_GROUP_RATIO)} % of the inputs`;
  return `${names.size} of the conversations hold ${share} each, as a default name does: they tie nothing, the others stay whole`;
}

function withConversations(
  drafts: readonly RowDraft[],
  members: readonly number[],
  namesOf: (draft: RowDraft) => readonly string[],
  base: DisjointSets,
): DisjointSets {
  const sets = new DisjointSets(drafts.length);
  drafts.forEach((_, i) => sets.join(i, base.find(i)));
  joinEqual(drafts, members, namesOf, sets);
  return sets;
}

function swallows(sets: DisjointSets, rows: number): boolean {
  if (rows < SMALL_ROWS) return false;
  const counts = new Int32Array(rows);
  for (let i = 0; i < rows; i++) counts[sets.find(i)] = (counts[sets.find(i)] ?? 0) + 1;
  return counts.some((count) => count > LARGEST_GROUP_RATIO * rows);
}

function joinEqual(
  drafts: readonly RowDraft[],
  members: readonly number[],
  keysOf: (draft: RowDraft) => readonly string[],
  sets: DisjointSets,
): void {
  const first = new Map<string, number>();
  for (const i of members) {
    const draft = drafts[i];
    if (draft === undefined) continue;
    for (const key of keysOf(draft)) {
      const sided = `${draft.side}:${key}`;
      const earlier = first.get(sided);
      if (earlier === undefined) first.set(sided, i);
      else sets.join(earlier, i);
    }
  }
}

function countSets(sets: DisjointSets, size: number): number {
  let count = 0;
  for (let i = 0; i < size; i++) if (sets.find(i) === i) count++;
  return count;
}

function numbered(sets: DisjointSets, size: number): Int32Array {
  const numbers = new Map<number, number>();
  return Int32Array.from({ length: size }, (_, i) => {
    const root = sets.find(i);
    const number = numbers.get(root) ?? numbers.size;
    numbers.set(root, number);
    return number;
  });
}
