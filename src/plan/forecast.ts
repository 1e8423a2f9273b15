/** @file What the promise of a run may be expected to give, as a plain record, and the same in plain words for the terminal. English, as all
 *  of a plan. Knows no row, no student and no gate: pipeline/forecast.ts fills the record. */
import type { Interval } from "../cost.js";
import type { Promised } from "./target.js";

/** What is sealed, or needed: independent calls, which are groups where calls depend on each other, and distinct inputs of the log. */
export interface NeededCalls {
  readonly sealedGroups: number;
  /** Distinct inputs of such a log of which so many groups are sealed; absent where no log is large enough. */
  readonly inputs?: number;
}

/** What one promise may be expected to keep at one agreement. */
export interface ExpectedPromise {
  readonly promise: Promised;
  readonly agreement: number;
  /** Share of the calls that is kept: mean over the draws, a tenth and nine tenths of them. */
  readonly coverage: Interval;
  /** Share of the draws in which the gate finds a threshold. */
  readonly foundRatio: number;
  /** Share of the teacher's bill per call; absent where the teacher's price is unknown or nothing is kept. */
  readonly savedRatio?: Interval;
  /** Present where the calls of a month are known too. */
  readonly savedUsdPerMonth?: Interval;
}

export interface PlanForecast {
  /** The cheapest rung, which all figures are of. */
  readonly student: string;
  readonly target: { readonly promise: Promised; readonly agreement: number };
  /** Distinct inputs that may be learned from, and how many of them this forecast learned from and asked. */
  readonly openInputs: number;
  readonly sampledInputs: number;
  /** Independent calls among the asked ones. */
  readonly sampledGroups: number;
  readonly sealed: { readonly inputs: number; readonly calls: number; readonly groups: number };
  /** How many sealed groups `expected` is of: those that are sealed, else those of the least log of which some are sealed. */
  readonly assumedGroups: number;
  /** With which even a faultless gate proves the target; absent where no number does. */
  readonly neededFaultless?: NeededCalls;
  /** With which this student may be expected to, and what is kept then; absent where no number may, or too few calls tell of it. */
  readonly needed?: NeededCalls & { readonly coverage: number };
  /** Of the student alone with its teacher, per call. */
  readonly agreement: Interval;
  /** Empty where too few calls tell of it. */
  readonly expected: readonly ExpectedPromise[];
  readonly teacher: { readonly per1kUsd?: number; readonly source: "log" | "config" | "unknown" };
  readonly callsPerMonth?: number;
  /** Labels with fewer open calls than can be learned from, the most frequent of them by name. */
  readonly rareLabels: {
    readonly leastCalls: number;
    readonly labels: number;
    readonly ofLabels: number;
    /** Of the open calls. */
    readonly callsRatio: number;
    readonly examples: readonly string[];
  };
  /** Sealed calls with an answer that no open row has. */
  readonly unknownLabelCalls: number;
  /** How often the teacher agrees with itself, where that is below the target; the plan says so in words. */
  readonly ceilingRatio?: number;
}

/** Without a fault among fewer independent calls than this, 3 % of the next ones may still be wrong (rule of three): nothing is foretold then. */
export const LEAST_FORECAST_GROUPS = 100;
/** A threshold is expected where so many draws find one. */
const EXPECTED_RATIO = 0.8;

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A ratio as a percentage with at most `digits` decimals. */
function percent(ratio: number, digits = 1): string {
  return `${Number((100 * ratio).toFixed(digits))} %`;
}

function percents({ value, low, high }: Interval, digits = 0): string {
  return `${percent(value, digits)} (${percent(low, digits)} to ${percent(high, digits)})`;
}

function usd(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}

function heading({ student, openInputs, sampledInputs }: PlanForecast): string {
  const of = sampledInputs < openInputs ? `${count(sampledInputs)} of ` : "";
  return `forecast, no proof: ${student}, the cheapest rung, out of fold on ${of}${count(openInputs)} open inputs; better rungs usually keep more`;
}

function withInputs({ inputs }: NeededCalls): string {
  return inputs === undefined ? "no log of inputs tied like these has so many" : `of a log of ${count(inputs)} inputs`;
}

function has({ sealed, openInputs, assumedGroups, expected }: PlanForecast): string {
  if (sealed.groups > 0) return `sealed are ${count(sealed.calls)} calls, ${count(sealed.groups)} of them independent`;
  const assumed =
    expected.length === 0 ? "" : ` (the figures are as if ${count(assumedGroups)} independent calls were)`;
  return `nothing is sealed of ${count(openInputs)} inputs, so nothing can be proved${assumed}`;
}

/** What the promise needs of sealed calls, and what it has. */
function needs(forecast: PlanForecast): string {
  const { neededFaultless: least, needed, target } = forecast;
  const promise = `"${target.promise}" at ${percent(target.agreement, 3)}`;
  if (least === undefined) return `${promise}: no number of sealed calls that Joryu seals proves it; ${has(forecast)}`;
  const faultless = `a student without a fault needs ${count(least.sealedGroups)} independent sealed calls (${withInputs(least)})`;
  const own =
    forecast.sampledGroups < LEAST_FORECAST_GROUPS
      ? `how many this one needs cannot be told from ${count(forecast.sampledGroups)} independent open calls`
      : needed === undefined
        ? "for this one no number is enough"
        : `this one about ${count(needed.sealedGroups)} (${withInputs(needed)}), which keep about ${percent(needed.coverage, 0)} of the calls`;
  return `${promise}: ${faultless}, ${own}; ${has(forecast)}`;
}

function saving({ savedRatio, savedUsdPerMonth: monthly }: ExpectedPromise): string {
  if (savedRatio === undefined) return "";
  const bill =
    monthly === undefined ? "" : `, ${usd(monthly.value)} USD a month (${usd(monthly.low)} to ${usd(monthly.high)})`;
  return `; saves ${percent(savedRatio.value, 0)} of the teacher's bill${bill}`;
}

/** Where something is kept and what it saves is not stated: why. */
function moneyUnknown({ teacher, callsPerMonth, expected }: PlanForecast): string[] {
  if (expected.every(({ foundRatio }) => foundRatio === 0)) return [];
  if (teacher.per1kUsd === undefined)
    return ["the teacher's price is unknown: of its bill as much is saved as is kept, less the student's own cost"];
  return callsPerMonth === undefined
    ? ["the calls of a month are unknown, so a month's saving is too (--calls-per-month)"]
    : [];
}

/** What a promise may be expected to keep and to save. */
function expectation(expected: ExpectedPromise): string {
  const { promise, agreement, coverage, foundRatio } = expected;
  const name = `${promise.padEnd(10)} ${percent(agreement, 3).padEnd(7)}`;
  if (foundRatio === 0) return `${name} keeps nothing: no threshold is expected to be proved`;
  const found = foundRatio < EXPECTED_RATIO ? `, a threshold is found in ${percent(foundRatio, 0)} of the draws` : "";
  return `${name} keeps ${percents(coverage)} of the calls${found}${saving(expected)}`;
}

/** How often the student is expected to agree when it answers all calls. */
function alone({ agreement }: PlanForecast): string {
  return `alone it agrees with the teacher in ${percents(agreement, 1)} of the calls`;
}

/** What no better rung mends. */
function warnings({ rareLabels, unknownLabelCalls, sealed }: PlanForecast): string[] {
  const { labels, ofLabels, leastCalls, callsRatio, examples } = rareLabels;
  const shown = examples.map((label) => JSON.stringify(label)).join(", ");
  return [
    ...(labels === 0
      ? []
      : [
          `${count(labels)} of ${count(ofLabels)} labels have fewer than ${leastCalls} open calls, ${percent(callsRatio)} of all: too rare to be learned (${shown}${labels > examples.length ? ", ..." : ""})`,
        ]),
    ...(unknownLabelCalls === 0
      ? []
      : [
          `${count(unknownLabelCalls)} of ${count(sealed.calls)} sealed calls have an answer that nothing can learn: no open call has it`,
        ]),
  ];
}

/** The forecast, a fact a line, after a heading that says what it rests on. */
export function forecastLines(forecast: PlanForecast): readonly string[] {
  return [
    heading(forecast),
    ...[
      needs(forecast),
      alone(forecast),
      ...forecast.expected.map((expected) => expectation(expected)),
      ...moneyUnknown(forecast),
      ...warnings(forecast),
    ].map((line) => `  ${line}`),
  ];
}

/** The same in at most five lines: what it rests on, what the target needs, what both promises give there, what is unknown and what no rung mends. */
export function forecastNotes(forecast: PlanForecast): readonly string[] {
  const { target, expected } = forecast;
  const [own, other] = [...expected]
    .filter(({ agreement }) => agreement === target.agreement)
    .sort((a, b) => Number(b.promise === target.promise) - Number(a.promise === target.promise));
  const rest = [...moneyUnknown(forecast), ...warnings(forecast)];
  return [
    heading(forecast),
    `  ${needs(forecast)}; ${alone(forecast)}`,
    ...[own, other].flatMap((each) => (each === undefined ? [] : [`  ${expectation(each)}`])),
    ...(rest.length === 0 ? [] : [`  ${rest.join("; ")}`]),
  ];
}
