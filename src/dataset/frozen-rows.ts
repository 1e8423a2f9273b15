/** @file Drafts become the rows of a dataset. The label set is that of the open rows: what only sealed rows have is no label that anything could
 *  learn, and counts as wrong. A recurring input whose calls are units of their own gives an open and a sealed row. Seeded, pure but for
 *  the calls handed out. */
import { createRandom, type Random } from "../random.js";
import type { Groups } from "./groups.js";
import { majorityOf, type RowDraft } from "./rows.js";
import type { Split } from "./split.js";
import type { Row } from "./types.js";

/** Rows on their way into a dataset. */
export interface SplitDrafts {
  readonly drafts: readonly RowDraft[];
  readonly groups: Groups;
  readonly split: Split;
  readonly nearLeaks: number;
  readonly notes: readonly string[];
}

/** Answers with how often each was given. */
type Counts = Map<number, number>;

interface Place {
  readonly open?: number;
  readonly sealed?: number;
  /** Answers whose calls go to the sealed row, and what has been handed out of each answer. */
  readonly sealedAnswers: Counts;
  readonly answers: Counts;
  readonly handed: Counts;
}

function total(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Draws `wanted` of the answers without putting back. */
function drawAnswers(answers: ReadonlyMap<number, number>, wanted: number, random: Random): Counts {
  const all = [...answers].flatMap(([label, count]) => new Array<number>(count).fill(label));
  const drawn: Counts = new Map();
  for (let i = 0; i < wanted; i++) {
    const j = i + random.int(all.length - i);
    [all[i], all[j]] = [all[j] ?? 0, all[i] ?? 0];
    const label = all[i] ?? 0;
    drawn.set(label, (drawn.get(label) ?? 0) + 1);
  }
  return drawn;
}

function without(answers: ReadonlyMap<number, number>, taken: ReadonlyMap<number, number>): Counts {
  const left: Counts = new Map();
  for (const [label, count] of answers) {
    const rest = count - (taken.get(label) ?? 0);
    if (rest > 0) left.set(label, rest);
  }
  return left;
}

export class FrozenRows {
  readonly rows: readonly Row[];
  /** Labels of the open rows, in code-unit order. */
  readonly labels: readonly string[];
  /** Labels that sealed rows alone have. */
  readonly unknownLabels: readonly string[];
  private readonly places = new Map<RowDraft, Place>();
  private readonly indices: readonly number[];

  constructor({ drafts, groups, split }: SplitDrafts, labels: readonly string[], seed: number) {
    const random = createRandom(seed, "seal calls");
    const made: { draft: RowDraft; answers: Counts; at: number; sealed: boolean; weight: number }[] = [];
    drafts.forEach((draft, at) => {
      const isSplit = groups.recurring[at] === true && split.sealedBy === "group";
      const given = total(draft.answers);
      const count = isSplit ? Math.floor(given * split.sealedCallRatio + random.float()) : 0;
      const sealed = isSplit ? drawAnswers(draft.answers, count, random) : new Map<number, number>();
      const parts = isSplit
        ? [
            { answers: without(draft.answers, sealed), sealed: false },
            { answers: sealed, sealed: true },
          ]
        : [{ answers: draft.answers, sealed: split.sealed[at] === true }];
      const place = { sealedAnswers: sealed, answers: draft.answers, handed: new Map<number, number>() };
      const found: { open?: number; sealed?: number } = {};
      for (const part of parts) {
        const share = total(part.answers) / Math.max(1, given);
        const teachesNothing = !part.sealed && [...part.answers.keys()].every((label) => label >= labels.length);
        if (share === 0 || teachesNothing) continue;
        found[part.sealed ? "sealed" : "open"] = made.length;
        made.push({ draft, ...part, at, weight: Math.max(1, Math.round(draft.weight * share)) });
      }
      this.places.set(draft, { ...place, ...found });
    });
    const open = new Set(made.filter(({ sealed }) => !sealed).flatMap(({ answers }) => [...answers.keys()]));
    const known = labels.flatMap((_, i) => (open.has(i) ? [i] : []));
    this.labels = known.map((i) => labels[i] ?? "");
    this.unknownLabels = labels.filter((_, i) => !open.has(i));
    this.indices = labels.map((_, i) => known.indexOf(i));
    this.rows = made.map(({ draft, answers, at, sealed, weight }) =>
      this.rowFrom(draft, answers, {
        weight,
        group: groups.groups[at] ?? 0,
        ...(groups.recurring[at] === true ? { recurring: true as const } : {}),
        sealed,
        fold: sealed ? -1 : Math.max(0, split.folds[at] ?? 0),
      }),
    );
  }

  /** Index of a label of the whole log among the labels of the open rows, -1 for one that they lack. */
  labelOf(index: number): number {
    return this.indices[index] ?? -1;
  }

  /** The row that the next call of a draft with this answer belongs to. */
  rowOfCall(draft: RowDraft, answer: number): number | undefined {
    const place = this.places.get(draft);
    if (place === undefined) return undefined;
    if (place.open === undefined || place.sealed === undefined) return place.open ?? place.sealed;
    const at = place.handed.get(answer) ?? 0;
    place.handed.set(answer, at + 1);
    // The calls of an answer that are sealed lie evenly among its calls.
    const ratio = (place.sealedAnswers.get(answer) ?? 0) / Math.max(1, place.answers.get(answer) ?? 0);
    return Math.floor((at + 1) * ratio + 1e-9) > Math.floor(at * ratio + 1e-9) ? place.sealed : place.open;
  }

  private rowFrom(
    { text, golds, softSum, softCount }: RowDraft,
    counts: ReadonlyMap<number, number>,
    rest: Omit<Row, "text" | "label">,
  ): Row {
    const answers: Counts = new Map();
    for (const [index, count] of counts) {
      const label = this.labelOf(index);
      answers.set(label, (answers.get(label) ?? 0) + count);
    }
    const soft = softSum === undefined ? undefined : this.softLabels(softSum, softCount);
    const gold = golds === undefined ? undefined : majorityOf(golds);
    return {
      text,
      label: rest.sealed ? mostFrequent(answers) : majorityOf(knownOf(answers)),
      ...(answers.size > 1 ? { answers: [...answers].sort((a, b) => b[1] - a[1] || a[0] - b[0]) } : {}),
      ...(gold === undefined ? {} : { gold: gold < 0 ? -1 : this.labelOf(gold) }),
      ...(soft === undefined ? {} : { softLabels: soft }),
      ...rest,
    };
  }

  /** Probabilities of the labels that are left, what went to others in the tail. */
  private softLabels(sum: Float64Array, count: number): number[] {
    const soft = new Array<number>(this.labels.length + 1).fill(0);
    sum.forEach((value, index) => {
      const label = index === sum.length - 1 ? -1 : this.labelOf(index);
      const place = label < 0 ? this.labels.length : label;
      soft[place] = (soft[place] ?? 0) + value / count;
    });
    return soft;
  }
}

/** The most frequent answer, a known label before an unknown one, the smallest where counts tie. */
function mostFrequent(answers: ReadonlyMap<number, number>): number {
  const known = knownOf(answers);
  const best = majorityOf(known);
  return (known.get(best) ?? 0) >= (answers.get(-1) ?? 0) ? best : -1;
}

function knownOf(answers: ReadonlyMap<number, number>): Map<number, number> {
  return new Map([...answers].filter(([label]) => label >= 0));
}
