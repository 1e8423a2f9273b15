/** @file Answers of a workload counted as they may be labels: texts that stand alone, labels with an explanation behind them, several labels in one.
 *  What an explained answer counts as is settled once all are seen. Memory is bounded by constants. Pure but for its state. */
import { MAXIMUM_LABEL_LENGTH } from "./answer-fields.js";
import { headsOf } from "./explained.js";
import type { PossibleNames } from "./label-reader.js";
import { bareLabel, severalOf } from "./labels.js";
import { namedLabels, type NamedLists } from "./prompt-labels.js";

/** More distinct answers than this are no closed label set; the same limit bounds memory. */
export const MAXIMUM_LABELS = 2_000;
const MAXIMUM_ANSWERS = 2 * MAXIMUM_LABELS;
/** Where the prompt names no labels: share of all calls whose answers say them without doubt, and how often each is said. */
const LEAST_CERTAIN_RATIO = 0.2;
const LEAST_CERTAIN_CALLS = 2;

/** Calls whose answers begin alike and go on with an explanation. */
interface Explained {
  /** Whose explanation says that it is one. */
  sure: number;
  others: number;
  /** Short texts among them as they stand, and calls with other ones. */
  readonly texts: Map<string, number>;
  rest: number;
}

export interface SettledAnswers {
  /** Texts that may be labels with their calls, and those that list several. */
  readonly answers: ReadonlyMap<string, number>;
  /** Calls whose answers are texts, or more of them than a closed set has. */
  readonly long: number;
  /** Calls whose answers list several labels. */
  readonly several: number;
  readonly isSeveral: (text: string) => boolean;
}

export class AnswerCounts {
  private readonly alone = new Map<string, number>();
  private readonly explained = new Map<string, Explained>();
  private kept = 0;
  private long = 0;

  observe(text: string, names: PossibleNames): void {
    const heads = names.hasBare(text) ? [] : headsOf(text);
    const head = heads.findLast((other) => names.hasBare(other.text)) ?? heads[0];
    if (head === undefined) return this.countAlone(text);
    const key = bareLabel(head.text);
    const known = this.explained.get(key) ?? { sure: 0, others: 0, texts: new Map<string, number>(), rest: 0 };
    if (this.explained.size >= MAXIMUM_ANSWERS && !this.explained.has(key)) return this.countAlone(text);
    this.explained.set(key, known);
    if (head.isSure) known.sure++;
    else known.others++;
    const isShort = text.length <= MAXIMUM_LABEL_LENGTH && !text.includes("\n");
    if (isShort && (known.texts.has(text) || this.kept < MAXIMUM_ANSWERS)) {
      if (!known.texts.has(text)) this.kept++;
      known.texts.set(text, (known.texts.get(text) ?? 0) + 1);
    } else known.rest++;
  }

  merge(other: AnswerCounts): void {
    this.long += other.long;
    for (const [text, calls] of other.alone) add(this.alone, text, calls);
    for (const [key, more] of other.explained) {
      const known = this.explained.get(key) ?? { sure: 0, others: 0, texts: new Map<string, number>(), rest: 0 };
      known.sure += more.sure;
      known.others += more.others;
      known.rest += more.rest;
      for (const [text, calls] of more.texts) add(known.texts, text, calls);
      this.explained.set(key, known);
    }
  }

  /** What the answers count as, of `records` calls whose prompt may name `prompt` as labels. */
  settle(records: number, names: PossibleNames, prompt: NamedLists): SettledAnswers {
    const answers = new Map(this.alone);
    let { long } = this;
    const isCertain = this.certain(records, names);
    for (const [head, { sure, texts, rest, others }] of this.explained) {
      if (!isCertain(head)) {
        long += rest;
        for (const [text, calls] of texts) add(answers, text, calls);
        continue;
      }
      // What comes again word for word, and does not say that it explains, is a label of its own.
      const isOwn = ([text, calls]: readonly [string, number]): boolean =>
        calls >= LEAST_CERTAIN_CALLS && !headsOf(text).some((other) => other.isSure && bareLabel(other.text) === head);
      const own = names.hasBare(head) ? [] : [...texts].filter(isOwn);
      let calls = sure + others;
      for (const [text, count] of own) {
        add(answers, text, count);
        calls -= count;
      }
      if (calls > 0) add(answers, spellingOf(head, answers), calls);
    }
    const named = namedLabels(prompt, answers);
    const lists = severalOf(answers, named);
    const several = [...lists].reduce((sum, spelling) => sum + (answers.get(spelling) ?? 0), 0);
    return { answers, long, several, isSeveral: (text) => lists.has(text) };
  }

  private countAlone(text: string): void {
    const isText = text === "" || text.length > MAXIMUM_LABEL_LENGTH || text.includes("\n");
    if (isText || (this.alone.size >= MAXIMUM_ANSWERS && !this.alone.has(text))) this.long++;
    else add(this.alone, text, 1);
  }

  /** Which heads are labels: those that the prompt names or, where enough answers say so, those that were given without doubt. */
  private certain(records: number, names: PossibleNames): (head: string) => boolean {
    const given = new Map<string, number>();
    for (const [text, calls] of this.alone) add(given, bareLabel(text), calls);
    for (const [head, { sure }] of this.explained) if (sure > 0) add(given, head, sure);
    const repeated = [...given.values()].filter((calls) => calls >= LEAST_CERTAIN_CALLS);
    const isEnough = repeated.reduce((a, b) => a + b, 0) >= LEAST_CERTAIN_RATIO * records;
    return (head) => names.hasBare(head) || (isEnough && (given.get(head) ?? 0) >= LEAST_CERTAIN_CALLS);
  }
}

function add(counts: Map<string, number>, text: string, calls: number): void {
  counts.set(text, (counts.get(text) ?? 0) + calls);
}

/** A head as it is written where it stands alone. */
function spellingOf(head: string, answers: ReadonlyMap<string, number>): string {
  if (answers.has(head)) return head;
  for (const text of answers.keys()) if (bareLabel(text) === head) return text;
  return head;
}
