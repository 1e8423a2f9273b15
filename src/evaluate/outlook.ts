/** @file What the gate may be expected to do before it is opened: it is tried on samples drawn from the out-of-fold calls, whole groups, so that
 *  whatever it asks (levels, groups, exact tests) is asked here too. An outlook, no promise: the next calls may differ. */
import { createRandom } from "../random.js";
import { leastSealedCalls } from "../sealing.js";
import { callsByGroup, type CallOutcomes } from "./calls.js";
import { openGate, planGate, type GateInput } from "./gate.js";
import type { Promised } from "./risk-test.js";

export type OutlookOptions = Pick<GateInput, "promise" | "epsilon" | "delta" | "seed">;

export interface Outlook {
  /** Mean over the draws, a draw without a threshold counting as 0, and a tenth and nine tenths of the draws. */
  readonly coverage: { readonly value: number; readonly low: number; readonly high: number };
  /** Share of the draws in which the gate finds a threshold. */
  readonly foundRatio: number;
  /** Of the draws with a threshold: mean agreement of what is kept. */
  readonly keptAgreement: number;
}

const DRAWS = 24;
/** From one number of groups to the next. */
const GROWTH = 1.12;
/** A number of groups is enough when so many of the draws find a threshold. */
const ENOUGH_RATIO = 0.8;

/** Samples of whole groups, numbered anew, for a group may be drawn twice. */
function drawCalls(
  calls: CallOutcomes,
  groups: readonly (readonly number[])[],
  count: number,
  seed: number,
): CallOutcomes {
  const random = createRandom(seed, "outlook");
  const drawn = Array.from({ length: count }, () => groups[random.int(groups.length)] ?? []);
  const picked = drawn.flat();
  return {
    scores: Float64Array.from(picked, (call) => calls.scores[call] ?? 0),
    right: Float64Array.from(picked, (call) => calls.right[call] ?? 0),
    groups: Int32Array.from(drawn.flatMap((group, place) => group.map(() => place))),
    ...(calls.shared === true ? { shared: true } : {}),
  };
}

/** What a gate would do with so many sealed groups like the out-of-fold ones; nothing without calls. Deterministic by seed. */
export function gateOutlook(outOfFold: CallOutcomes, sealedGroups: number, options: OutlookOptions = {}): Outlook {
  const groups = callsByGroup(outOfFold.groups);
  if (groups.length === 0 || sealedGroups === 0)
    return { coverage: { value: 0, low: 0, high: 0 }, foundRatio: 0, keptAgreement: 0 };
  const seed = options.seed ?? 1;
  const plan = planGate(outOfFold, drawCalls(outOfFold, groups, sealedGroups, seed), options);
  const results = Array.from({ length: DRAWS }, (_, draw) =>
    openGate(plan, drawCalls(outOfFold, groups, sealedGroups, seed + 7919 * (draw + 1))),
  );
  const coverages = results.map(({ coverage }) => coverage.value).sort((a, b) => a - b);
  const found = results.filter(({ kept }) => kept > 0);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const at = (ratio: number): number => coverages[Math.floor(ratio * (coverages.length - 1))] ?? 0;
  return {
    coverage: { value: mean(coverages), low: at(0.1), high: at(0.9) },
    foundRatio: found.length / DRAWS,
    keptAgreement: mean(found.map(({ keptAgreement }) => keptAgreement.value)),
  };
}

export interface NeededGroups extends Outlook {
  /** Sealed groups (calls where all are single). */
  readonly sealedGroups: number;
}

/** The least number of sealed groups, within a tenth, with which the gate would find a threshold in most draws; absent where `most` are not
 *  enough. */
export function neededGroups(
  outOfFold: CallOutcomes,
  most: number,
  options: OutlookOptions = {},
): NeededGroups | undefined {
  const { epsilon = 0.02, delta = 0.05 } = options;
  const enough = (count: number): NeededGroups | undefined => {
    const outlook = gateOutlook(outOfFold, count, options);
    return outlook.foundRatio >= ENOUGH_RATIO ? { ...outlook, sealedGroups: count } : undefined;
  };
  let count = leastSealedCalls(epsilon, delta);
  if (outOfFold.scores.length === 0 || count > most || enough(most) === undefined) return undefined;
  for (; count <= most; count = count === most ? most + 1 : Math.min(most, Math.ceil(count * GROWTH))) {
    const found = enough(count);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a promise of some agreement may be expected to keep. */
export interface Forecast {
  readonly promise: Promised;
  readonly agreement: number;
  /** Mean over the draws, a tenth and nine tenths of them. */
  readonly coverage: Outlook["coverage"];
  readonly foundRatio: number;
}

/** Agreements that a team may settle on. */
export const FORECAST_AGREEMENTS = [0.94, 0.96, 0.98] as const;

/** Both promises at each of some agreements, with so many sealed groups. */
export function forecast(
  outOfFold: CallOutcomes,
  sealedGroups: number,
  agreements: readonly number[],
  { delta, seed }: { readonly delta: number; readonly seed: number },
): Forecast[] {
  return (["delivered", "kept"] as const).flatMap((promise) =>
    agreements.map((agreement) => {
      const epsilon = Number((1 - agreement).toFixed(12));
      const { coverage, foundRatio } = gateOutlook(outOfFold, sealedGroups, { promise, epsilon, delta, seed });
      return { promise, agreement, coverage, foundRatio };
    }),
  );
}
