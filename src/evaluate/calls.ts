/** @file The calls that a promise is about, one entry each: how sure the student was, whether its answer was the one that the teacher gave in
 *  that very call, and which calls are not independent of each other. Knows no label, no text and no model. */
import { InputError } from "../errors.js";
import { createRandom } from "../random.js";
import { clopperPearson, DEFAULT_CONFIDENCE, type Estimate } from "../stats.js";

/** Calls column by column. */
export interface CallOutcomes {
  /** In (0, 1), a higher one meaning more trust. */
  readonly scores: ArrayLike<number>;
  /** 1 where the answer is right, 0 where it is wrong, between them where a call got several answers. */
  readonly right: ArrayLike<number>;
  /** Calls of one group (a conversation, a burst) are not independent. */
  readonly groups: ArrayLike<number>;
  /** Whether some call got several answers, so that outcomes may lie between 0 and 1. */
  readonly shared?: boolean;
}

/** Calls of one group beyond this many are left out of a test: one group must not decide it alone. */
export const LARGEST_CAP = 10;
/** Sizes at which groups may be cut. */
export const CAPS = [1, 2, 3, 5, LARGEST_CAP] as const;

/** @throws InputError for columns of unequal lengths. */
export function assertCalls(calls: CallOutcomes, what: string): void {
  const { scores, right, groups } = calls;
  if (scores.length === right.length && scores.length === groups.length) return;
  throw new InputError(
    `${what}: expected as many scores, outcomes and groups, came ${scores.length}, ${right.length} and ${groups.length}`,
  );
}

/** Calls that are all independent. */
export function singleCalls(scores: ArrayLike<number>, right: ArrayLike<number>): CallOutcomes {
  return { scores, right, groups: Int32Array.from({ length: scores.length }, (_, call) => call) };
}

/** Calls by group, groups in order of appearance. */
export function callsByGroup(groups: ArrayLike<number>): number[][] {
  const found = new Map<number, number[]>();
  for (let call = 0; call < groups.length; call++) {
    const members = found.get(groups[call] ?? 0);
    if (members === undefined) found.set(groups[call] ?? 0, [call]);
    else members.push(call);
  }
  return [...found.values()];
}

/** Share of the calls that lie beyond a cap in their group. */
export function beyondCapRatio(groups: ArrayLike<number>, cap: number): number {
  const beyond = callsByGroup(groups).reduce((sum, { length }) => sum + Math.max(0, length - cap), 0);
  return beyond / Math.max(1, groups.length);
}

/** The least cap beyond which at most `ratio` of the calls lie, `LARGEST_CAP` where none is enough. */
export function capFor(groups: ArrayLike<number>, ratio: number): number {
  return CAPS.find((cap) => beyondCapRatio(groups, cap) <= ratio) ?? LARGEST_CAP;
}

/** The groups in an order that the seed draws, each with at most `cap` of its calls, drawn too: neither depends on any outcome. */
export function drawnGroups(groups: ArrayLike<number>, cap: number, seed: number): readonly (readonly number[])[] {
  const random = createRandom(seed, "gate groups");
  const shuffled = callsByGroup(groups).map((calls) => (calls.length > cap ? pick(calls, cap, random) : calls));
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] ?? [], shuffled[i] ?? []];
  }
  return shuffled;
}

function pick(calls: readonly number[], count: number, random: ReturnType<typeof createRandom>): number[] {
  const left = [...calls];
  return Array.from({ length: count }, () => left.splice(random.int(left.length), 1)[0] ?? 0);
}

/** A share over calls with its interval by group: Clopper and Pearson's with the effective number of calls, which the variance of the
 *  ratio over groups gives (Korn and Graubard 1998). `values` in [0, 1]. */
export function shareByGroup(
  values: ArrayLike<number>,
  groups: ArrayLike<number>,
  confidence = DEFAULT_CONFIDENCE,
): Estimate {
  const calls = values.length;
  if (calls === 0) return { value: 0, low: 0, high: 1 };
  let total = 0;
  for (let call = 0; call < calls; call++) total += values[call] ?? 0;
  const share = total / calls;
  const members = callsByGroup(groups);
  let spread = 0;
  for (const group of members) {
    const gap = group.reduce((sum, call) => sum + (values[call] ?? 0) - share, 0);
    spread += gap * gap;
  }
  const most = members.length;
  const variance = most < 2 ? 0 : (spread * most) / (most - 1) / (calls * calls);
  // Where all outcomes are equal the variance tells nothing: then a group counts as one call.
  const effective = variance > 0 ? Math.min(calls, (share * (1 - share)) / variance) : most;
  const independent = most === calls && isBinary(values);
  const trials = independent ? calls : effective;
  const { low, high } = clopperPearson(share * trials, trials, confidence);
  return { value: share, low, high };
}

/** Whether every outcome is 0 or 1. */
export function isBinary(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== 0 && values[i] !== 1) return false;
  return true;
}
