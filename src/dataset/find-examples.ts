/** @file Finds example turns before the questions of a workload: constant ones, and pairs drawn anew for each call from a pool. History looks alike
 *  but goes on in one way only, an example is followed by whatever was asked. Memory is bounded by constants. Pure but for its state. */
import { earlierTurns, type ExampleTurns, type TemplateMessage } from "../template/template.js";
import { hashTexts } from "./hashes.js";

/** Calls of a workload that are looked at, and turns of all workloads. */
const MAXIMUM_CALLS = 4_000;
const MAXIMUM_TURNS = 400_000;
/** Constant turns beyond these are not looked for. */
const MAXIMUM_CONSTANT_TURNS = 200;
const LEAST_CALLS = 20;
/** Share of the calls that have the turns. */
const QUORUM_RATIO = 0.95;
/** Calls, and their share, that ask right after the constant turns: otherwise they are a conversation. */
const LEAST_ASKED_RATIO = 0.05;
/** Of drawn turns: share that comes again, share of the answers that are labels, and how often an example is followed by another turn each time. */
const LEAST_RECURRING_RATIO = 0.5;
const LEAST_LABEL_RATIO = 0.9;
const LEAST_VARIETY = 0.5;
const MAXIMUM_NEXT = 16;
const MAXIMUM_ANSWERS = 4_000;

/** Turns that all workloads together may still keep. */
export interface TurnBudget {
  left: number;
}

export function turnBudget(): TurnBudget {
  return { left: MAXIMUM_TURNS };
}

interface Pooled {
  occurrences: number;
  readonly next: Set<string>;
}

interface Beginning {
  calls: number;
  /** Calls that ask right after it. */
  asked: number;
  readonly turns: readonly TemplateMessage[];
}

export interface FoundExamples {
  readonly examples?: ExampleTurns;
  /** Calls with earlier turns whose answers are labels, and nothing that tells whether they are examples or history. */
  readonly unclear: boolean;
}

export class ExampleFinder {
  private calls = 0;
  private withTurns = 0;
  private turns = 0;
  private readonly beginnings = new Map<string, Beginning>();
  private readonly pool = new Map<string, Pooled>();
  private readonly answers = new Map<string, number>();
  private otherAnswers = 0;

  constructor(private readonly budget: TurnBudget) {}

  observe(messages: readonly TemplateMessage[]): void {
    if (this.calls >= MAXIMUM_CALLS || this.budget.left <= 0) return;
    this.calls++;
    const { earlier, question } = earlierTurns(messages);
    if (earlier.length === 0) return;
    this.withTurns++;
    this.budget.left -= earlier.length;
    this.observeBeginnings(earlier);
    const users = earlier.filter(({ role }) => role === "user").map(({ content }) => hashTexts(content.trim()));
    users.push(hashTexts(question.trim()));
    for (let i = 0; i + 1 < users.length; i++) this.observePooled(users[i] ?? "", users[i + 1] ?? "");
    for (const { role, content } of earlier) {
      if (role !== "assistant") continue;
      const known = this.answers.get(content);
      if (known !== undefined || this.answers.size < MAXIMUM_ANSWERS) this.answers.set(content, (known ?? 0) + 1);
      else this.otherAnswers++;
    }
  }

  /** What the turns before the questions are; `isLabel` knows answers. */
  find(isLabel: (answer: string) => boolean): FoundExamples {
    if (this.calls < LEAST_CALLS || this.withTurns < QUORUM_RATIO * this.calls) return { unclear: false };
    const constant = this.constant();
    if (constant !== undefined) return { examples: constant, unclear: false };
    let [labels, all] = [0, this.otherAnswers];
    for (const [answer, count] of this.answers) {
      all += count;
      if (isLabel(answer)) labels += count;
    }
    if (labels === 0 || labels < LEAST_LABEL_RATIO * all) return { unclear: false };
    return this.isDrawn() ? { examples: "drawn", unclear: false } : { unclear: true };
  }

  private observeBeginnings(earlier: readonly TemplateMessage[]): void {
    let hash = "";
    for (const [i, { role, content }] of earlier.slice(0, MAXIMUM_CONSTANT_TURNS).entries()) {
      hash = hashTexts(hash, role, content.trim());
      // Constant turns stand in nearly every call: what comes late is none.
      const isEarly = this.withTurns <= LEAST_CALLS;
      const known =
        this.beginnings.get(hash) ?? (isEarly ? { calls: 0, asked: 0, turns: earlier.slice(0, i + 1) } : undefined);
      if (known === undefined) return;
      known.calls++;
      if (i + 1 === earlier.length) known.asked++;
      this.beginnings.set(hash, known);
    }
  }

  private observePooled(text: string, next: string): void {
    this.turns++;
    const known = this.pool.get(text) ?? { occurrences: 0, next: new Set<string>() };
    known.occurrences++;
    if (known.next.size < MAXIMUM_NEXT) known.next.add(next);
    this.pool.set(text, known);
  }

  /** The longest beginning that nearly all calls share, where it is asked right after often enough. */
  private constant(): readonly TemplateMessage[] | undefined {
    let best: Beginning | undefined;
    for (const beginning of this.beginnings.values()) {
      if (beginning.calls < QUORUM_RATIO * this.calls) continue;
      if (beginning.turns.length > (best?.turns.length ?? 0)) best = beginning;
    }
    const isAsked = best !== undefined && best.asked >= Math.max(LEAST_CALLS / 2, LEAST_ASKED_RATIO * this.calls);
    return isAsked ? best?.turns.map(({ role, content }) => ({ role, content })) : undefined;
  }

  private isDrawn(): boolean {
    let [recurring, different, possible] = [0, 0, 0];
    for (const { occurrences, next } of this.pool.values()) {
      if (occurrences < 2) continue;
      recurring += occurrences;
      different += next.size - 1;
      possible += Math.min(occurrences, MAXIMUM_NEXT) - 1;
    }
    return recurring >= LEAST_RECURRING_RATIO * this.turns && different >= LEAST_VARIETY * possible;
  }
}

const ANSWERED_LINE = /[:：=>→]\s*([^:：=>→\n]{1,120})$/;

/** How many lines of a text are an example's answer: `Label: billing`. */
export function answeredLines(text: string, isLabel: (answer: string) => boolean): number {
  let lines = 0;
  for (const line of text.split("\n")) {
    const answer = line.length <= 1_000 ? ANSWERED_LINE.exec(line.trimEnd())?.[1] : undefined;
    if (answer !== undefined && isLabel(answer.trim())) lines++;
  }
  return lines;
}
