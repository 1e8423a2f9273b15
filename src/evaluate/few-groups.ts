/** @file The exact test of single calls with a few groups of several among them: the binomial where all calls are single, else its largest value
 *  over how the risk may be split between single calls and groups. Valid however much worse the groups are than the single calls. */
import { binomialCdf, clopperPearsonUpper } from "../stats.js";

/** Groups of one size: how many calls, and the largest rate at which a group of the sample may be such a one and wrong. */
interface WrongGroups {
  readonly size: number;
  readonly rate: number;
}

/** Probability that the rate of wrong groups lies above what `wrongGroups` allows for; part of every p-value. */
const NUISANCE_LEVEL = 0.0005;
/** Shares of the risk that are tried in groups. */
const RISK_SPLITS = 8;

/** Upper bounds of the rates of wrong groups, largest size first: of the groups of a size, those of which some call is wrong. */
function wrongGroups(sizes: readonly number[], wrongByGroup: ArrayLike<number>): WrongGroups[] {
  const several = [...new Set(sizes)].filter((size) => size > 1).toSorted((a, b) => b - a);
  const confidence = 1 - NUISANCE_LEVEL / several.length;
  return several.map((size) => {
    const wrong = sizes.filter((each, i) => each === size && (wrongByGroup[i] ?? 0) > 0).length;
    return { size, rate: clopperPearsonUpper(wrong, sizes.length, confidence) };
  });
}

/** A wrong call of a group of several weighs as so many: then what single calls may still do is little hurt by what a wrong group would tell. */
const GROUPED_WEIGHT = 2;

/** P(weighed wrong calls <= `wrong`) where each of `groups` is wrong as a whole at the rate of its size, or a wrong single call at `single`. */
function wrongCallsCdf(grouped: readonly WrongGroups[], single: number, groups: number, wrong: number): number {
  let masses = Float64Array.from({ length: wrong + 1 }, (_, k) => Number(k === 0));
  for (const { size, rate } of grouped) {
    if (rate === 0) continue;
    const weight = GROUPED_WEIGHT * size;
    const chances = Array.from({ length: Math.floor(wrong / weight) + 1 }, (_, k) => binomialMass(k, groups, rate));
    masses = masses.map((_, k) => chances.reduce((sum, chance, j) => sum + chance * (masses[k - j * weight] ?? 0), 0));
  }
  return masses.reduce((sum, mass, k) => sum + mass * binomialCdf(wrong - k, groups, Math.min(1, single)), 0);
}

/** The same at its largest over how the risk, `expected` wrong calls per group, may be split between single calls and groups: a p-value maximised
 *  over a confidence set of what is not tested (Berger and Boos 1994). A group that is wrong is taken as wholly wrong, the worst that calls can do
 *  to each other. */
function worstSplit(most: readonly WrongGroups[], expected: number, groups: number, wrong: number): number {
  let worst = 0;
  for (let split = 0; split <= RISK_SPLITS; split++) {
    let left = (expected * split) / RISK_SPLITS;
    const filled = most.map(({ size, rate }) => {
      const own = Math.min(rate, left / size);
      left -= own * size;
      return { size, rate: own };
    });
    worst = Math.max(worst, wrongCallsCdf(filled, expected * (1 - split / RISK_SPLITS) + left, groups, wrong));
    if (left > 0) break;
  }
  return Math.min(1, worst + NUISANCE_LEVEL);
}

function binomialMass(k: number, trials: number, probability: number): number {
  return binomialCdf(k, trials, probability) - binomialCdf(k - 1, trials, probability);
}

/** P-value of "the risk per call is at least epsilon" for groups of `sizes` calls of which so many are wrong, 0/1 outcomes added. */
export function fewGroupsPValue(sizes: ArrayLike<number>, wrongByGroup: ArrayLike<number>, epsilon: number): number {
  const groups = Array.from(sizes);
  let [calls, weighed] = [0, 0];
  for (const [i, size] of groups.entries()) {
    calls += size;
    weighed += (wrongByGroup[i] ?? 0) * (size > 1 ? GROUPED_WEIGHT : 1);
  }
  const most = wrongGroups(groups, wrongByGroup);
  const wrong = Math.round(weighed);
  if (most.length === 0) return binomialCdf(wrong, calls, epsilon);
  return worstSplit(most, (epsilon * calls) / groups.length, groups.length, wrong);
}
