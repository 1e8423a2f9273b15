/** @file Exact intervals and tests for proportions: incomplete beta, Clopper-Pearson, Wilson, McNemar, paired differences,
 *  bootstrap. Knows no dataset and no model; runs in the browser. The prefix of the incomplete beta is Loader's saddle-point form
 *  ("Fast and accurate computation of binomial probabilities", 2000), the rest a continued fraction (Lentz) and bisection. */
import { createRandom } from "./random.js";

/** A value with its two-sided interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export const DEFAULT_CONFIDENCE = 0.95;
const HALF_LOG_TWO_PI = 0.9189385332046727;
/** From here on the Stirling series below is exact to double precision. */
const STIRLING_FROM = 16;
const FRACTION_TINY = 1e-300;
const FRACTION_STEPS = 20_000;

/** log(x!) minus Stirling's approximation, x > 0: series from 16 on, below it the exact recurrence. */
function stirlingError(x: number): number {
  let shifted = 0;
  let at = x;
  for (; at < STIRLING_FROM; at++) shifted += (at + 0.5) * Math.log1p(1 / at) - 1;
  const square = at * at;
  const tail = 1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 / square) / square) / square;
  return shifted + (1 / 12 - (1 / 360 - tail / square) / square) / at;
}

/** Natural logarithm of the gamma function, x > 0. */
export function logGamma(x: number): number {
  if (!(x > 0)) return Number.POSITIVE_INFINITY;
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + stirlingError(x);
}

/** Loader's deviance x log(x/mean) + mean - x, without cancellation where x is near the mean. */
function deviance(x: number, mean: number): number {
  const gap = x - mean;
  if (Math.abs(gap) >= 0.1 * (x + mean)) return x * Math.log(x / mean) + mean - x;
  const ratio = gap / (x + mean);
  let sum = gap * ratio;
  let term = 2 * x * ratio;
  for (let j = 1; j < 1000; j++) {
    term *= ratio * ratio;
    const next = sum + term / (2 * j + 1);
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** x^a y^b / B(a, b) with y = 1 - x. */
function betaPrefix(a: number, b: number, x: number, y: number): number {
  const total = a + b;
  const exponent =
    stirlingError(total) - stirlingError(a) - stirlingError(b) - deviance(a, total * x) - deviance(b, total * y);
  return Math.exp(exponent - HALF_LOG_TWO_PI) * Math.sqrt((a * b) / total);
}

/** The continued fraction of the incomplete beta (Lentz), for x below (a + 1) / (a + b + 2). */
function betaFraction(a: number, b: number, x: number): number {
  const guard = (value: number): number => (Math.abs(value) < FRACTION_TINY ? FRACTION_TINY : value);
  let numerator = 1;
  let denominator = 1 / guard(1 - ((a + b) * x) / (a + 1));
  let result = denominator;
  for (let m = 1; m < FRACTION_STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    denominator = 1 / guard(1 + even * denominator);
    numerator = guard(1 + even / numerator);
    result *= denominator * numerator;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    denominator = 1 / guard(1 + odd * denominator);
    numerator = guard(1 + odd / numerator);
    const step = denominator * numerator;
    result *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return result;
}

function incompleteBetaOf(a: number, b: number, x: number, y: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteTail(b, a, y, x);
  return incompleteTail(a, b, x, y);
}

function incompleteTail(a: number, b: number, x: number, y: number): number {
  return (betaPrefix(a, b, x, y) * betaFraction(a, b, x)) / a;
}

/** The regularised incomplete beta function I_x(a, b); a, b > 0, x clipped to [0, 1]. */
export function incompleteBeta(a: number, b: number, x: number): number {
  return incompleteBetaOf(a, b, x, 1 - x);
}

/** The x in [0, 1] with I_x(a, b) = probability, by bisection to the last bit. */
export function betaQuantile(probability: number, a: number, b: number): number {
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  let [low, high] = [0, 1];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (incompleteBeta(a, b, middle) < probability) low = middle;
    else high = middle;
  }
}

/** P(X <= successes) for X ~ Binomial(trials, probability). */
export function binomialCdf(successes: number, trials: number, probability: number): number {
  if (successes < 0) return 0;
  if (successes >= trials) return 1;
  return incompleteBetaOf(trials - successes, successes + 1, 1 - probability, probability);
}

/** Clopper and Pearson's exact two-sided interval of a proportion; no trials give [0, 1]. */
export function clopperPearson(successes: number, trials: number, confidence = DEFAULT_CONFIDENCE): Estimate {
  if (trials <= 0) return { value: 0, low: 0, high: 1 };
  const tail = (1 - confidence) / 2;
  return {
    value: successes / trials,
    low: clopperPearsonLower(successes, trials, 1 - tail),
    high: clopperPearsonUpper(successes, trials, 1 - tail),
  };
}

/** The exact one-sided lower bound of a proportion. */
export function clopperPearsonLower(successes: number, trials: number, confidence = DEFAULT_CONFIDENCE): number {
  return successes <= 0 ? 0 : betaQuantile(1 - confidence, successes, trials - successes + 1);
}

/** The exact one-sided upper bound of a proportion. */
export function clopperPearsonUpper(successes: number, trials: number, confidence = DEFAULT_CONFIDENCE): number {
  return successes >= trials ? 1 : 1 - betaQuantile(1 - confidence, trials - successes, successes + 1);
}

/** Share of outcomes that are 1, with its Clopper-Pearson interval; [0, 1] where there are none. */
export function shareOf(outcomes: ArrayLike<number>): Estimate {
  let right = 0;
  for (let i = 0; i < outcomes.length; i++) right += outcomes[i] ?? 0;
  if (outcomes.length === 0) return { value: 0, low: 0, high: 1 };
  return clopperPearson(right, outcomes.length);
}

/** True when so few right answers among `labels` choices are below chance, at 95 % confidence. */
export function isBelowChance(right: number, rows: number, labels: number): boolean {
  return right * labels < rows && clopperPearsonUpper(right, rows) < 1 / labels;
}

/** Wilson's score interval of a proportion; `trials` may be an effective size. */
export function wilson(successes: number, trials: number, confidence = DEFAULT_CONFIDENCE): Estimate {
  if (trials <= 0) return { value: 0, low: 0, high: 1 };
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const value = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = (value + (z * z) / (2 * trials)) / scale;
  const half = (z * Math.sqrt((value * (1 - value)) / trials + (z * z) / (4 * trials * trials))) / scale;
  const low = successes <= 0 ? 0 : Math.max(0, centre - half);
  return { value, low, high: successes >= trials ? 1 : Math.min(1, centre + half) };
}

/** Coefficients of Wichura's AS 241 (PPND16), highest power first: [numerator, denominator] of each region. */
const NORMAL_CENTRE = [
  [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
] as const;
const NORMAL_SHOULDER = [
  [
    7.745450142783414e-4, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  [
    1.0507500716444169e-9, 5.475938084995345e-4, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
] as const;
const NORMAL_TAIL = [
  [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 7.868691311456133e-4, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
] as const;

function rational([numerator, denominator]: readonly [readonly number[], readonly number[]], x: number): number {
  const horner = (sum: number, coefficient: number): number => sum * x + coefficient;
  return numerator.reduce(horner, 0) / denominator.reduce(horner, 0);
}

/** The quantile of the standard normal distribution (Wichura's AS 241, relative error about 1e-16). */
export function normalQuantile(probability: number): number {
  const centred = probability - 0.5;
  if (Math.abs(centred) <= 0.425) return centred * rational(NORMAL_CENTRE, 0.180625 - centred * centred);
  const tail = Math.min(probability, 1 - probability);
  if (tail <= 0) return centred < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const depth = Math.sqrt(-Math.log(tail));
  const size = depth <= 5 ? rational(NORMAL_SHOULDER, depth - 1.6) : rational(NORMAL_TAIL, depth - 5);
  return centred < 0 ? -size : size;
}

/** McNemar's exact two-sided p-value from the two discordant counts. */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const discordant = onlyFirst + onlySecond;
  return Math.min(1, 2 * binomialCdf(Math.min(onlyFirst, onlySecond), discordant, 0.5));
}

/** How two predictors fare on the same rows. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

/** Newcombe's correlation of paired outcomes, with his continuity correction. */
function pairedCorrelation({ both, onlyFirst, onlySecond, neither }: PairedCounts): number {
  const margins = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
  if (margins === 0) return 0;
  const cross = both * neither - onlyFirst * onlySecond;
  const corrected = cross > 0 ? Math.max(0, cross - (both + onlyFirst + onlySecond + neither) / 2) : cross;
  return corrected / Math.sqrt(margins);
}

/** First minus second proportion on the same rows, with Newcombe's square-and-add interval (1998, method 10). */
export function pairedDifference(counts: PairedCounts, confidence = DEFAULT_CONFIDENCE): Estimate {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const rows = both + onlyFirst + onlySecond + neither;
  if (rows <= 0) return { value: 0, low: -1, high: 1 };
  const first = wilson(both + onlyFirst, rows, confidence);
  const second = wilson(both + onlySecond, rows, confidence);
  const correlation = pairedCorrelation(counts);
  const reach = (a: number, b: number): number => Math.sqrt(Math.max(0, a * a - 2 * correlation * a * b + b * b));
  const value = (onlyFirst - onlySecond) / rows;
  return {
    value,
    low: value - reach(first.value - first.low, second.high - second.value),
    high: value + reach(first.high - first.value, second.value - second.low),
  };
}

/** Options of `bootstrapMean`. */
export interface BootstrapOptions {
  readonly seed: number;
  /** Group of each value; groups are drawn whole. Every value is a group when absent. */
  readonly groups?: ArrayLike<number>;
  readonly resamples?: number;
  readonly confidence?: number;
}

/** Sums and sizes of groups, in order of appearance. */
function groupSums(values: ArrayLike<number>, groups: ArrayLike<number>): { sums: Float64Array; sizes: Float64Array } {
  const places = new Map<number, number>();
  const place = Int32Array.from({ length: values.length }, (_, i) => {
    const found = places.get(groups[i] ?? 0) ?? places.size;
    places.set(groups[i] ?? 0, found);
    return found;
  });
  const [sums, sizes] = [new Float64Array(places.size), new Float64Array(places.size)];
  for (const [i, at] of place.entries()) {
    sums[at] = (sums[at] ?? 0) + (values[i] ?? 0);
    sizes[at] = (sizes[at] ?? 0) + 1;
  }
  return { sums, sizes };
}

/** The mean of paired differences with a percentile-bootstrap interval over groups; deterministic by seed. */
export function bootstrapMean(values: ArrayLike<number>, options: BootstrapOptions): Estimate {
  const { seed, resamples = 2000, confidence = DEFAULT_CONFIDENCE } = options;
  const random = createRandom(seed, "bootstrap");
  if (values.length === 0) return { value: 0, low: 0, high: 0 };
  const { sums, sizes } = groupSums(values, options.groups ?? Array.from({ length: values.length }, (_, i) => i));
  const means = new Float64Array(resamples);
  for (let draw = 0; draw < resamples; draw++) {
    let [sum, size] = [0, 0];
    for (let i = 0; i < sums.length; i++) {
      const drawn = random.int(sums.length);
      sum += sums[drawn] ?? 0;
      size += sizes[drawn] ?? 0;
    }
    means[draw] = sum / size;
  }
  means.sort();
  const tail = (1 - confidence) / 2;
  const total = sums.reduce((sum, value) => sum + value, 0);
  return { value: total / values.length, low: percentile(means, tail), high: percentile(means, 1 - tail) };
}

/** Draws of a sign-flip test; its least p-value is one in 5,000. */
const SIGN_FLIPS = 4999;

/** Two-sided p-value of the null "the sum of a group is as likely to be negative": signs of whole groups are flipped at random. */
export function signFlipPValue(values: ArrayLike<number>, groups: ArrayLike<number>, seed: number): number {
  const sums = groupSums(values, groups).sums.filter((sum) => sum !== 0);
  const observed = Math.abs(sums.reduce((total, sum) => total + sum, 0));
  const random = createRandom(seed, "sign flips");
  let atLeast = 1;
  for (let draw = 0; draw < SIGN_FLIPS; draw++) {
    let total = 0;
    for (const sum of sums) total += random.float() < 0.5 ? sum : -sum;
    if (Math.abs(total) >= observed - 1e-9) atLeast += 1;
  }
  return atLeast / (SIGN_FLIPS + 1);
}

/** Variance of the mean of values over that of independent ones: 1 for groups of one. */
export function designEffect(values: ArrayLike<number>, groups: ArrayLike<number>): number {
  const mean = Array.from(values).reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const own = Array.from(values).reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const { sums, sizes } = groupSums(values, groups);
  const grouped = sums.reduce((sum, value, i) => sum + (value - mean * (sizes[i] ?? 0)) ** 2, 0);
  return own === 0 || sums.length < 2 ? 1 : Math.max(1, grouped / own);
}

/** The quantile `probability` in [0, 1] of ascending values, linear between neighbours (as numpy's default); NaN when empty. */
export function percentile(sorted: ArrayLike<number>, probability: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = Math.min(1, Math.max(0, probability)) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? 0;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
  return low + (high - low) * (position - below);
}
