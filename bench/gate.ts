/** @file The gate on the calls of real runs: what both promises keep, beside what hindsight and no guarantee would, and how often a threshold breaks its
 *  promise in draws with replacement from the sealed calls, whole groups. Beside `kept` stands the walk with three fixed starts on the same
 *  draws. Prints JSON lines, one per file and promise and a last one over all.
 *
 *      node dist/bench/gate.js --file .../gate.jsonl [--file ...] [--epsilon 0.02] [--delta 0.05] [--draws 200]
 *
 *  A line of a file is {"fold", "score", "correct", "group"}, as a run leaves them in `gate.jsonl`: fold -1 for a sealed call. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { UsageError } from "../src/errors.js";
import { callsByGroup, type CallOutcomes } from "../src/evaluate/calls.js";
import { figuresAt, openGate, planGate, thresholdOf, type GatePlan, type GateStart } from "../src/evaluate/gate.js";
import { countKept, drawSample, riskPValue, type Promised, type Risk } from "../src/evaluate/risk-test.js";
import { createRandom, type Random } from "../src/random.js";
import { percentile } from "../src/stats.js";
import { printJson } from "./product.js";

const lineSchema = z.object({
  fold: z.number(),
  score: z.number(),
  correct: z.union([z.boolean(), z.number()]).transform(Number),
  group: z.number().optional(),
});

/** Fixed starts of a walk: most of delta on the safest prediction. */
const FIXED_STARTS: readonly GateStart[] = [
  { position: -0.4, deltaRatio: 0.15 },
  { position: 0, deltaRatio: 0.7 },
  { position: 0.6, deltaRatio: 0.15 },
];
/** A predicted candidate with a p-value below this is one that a gate should find. */
const CLEAR_P = 0.01;
/** Where so many of the candidates are clear, finding nothing is a fault. */
const CLEAR_RATIO = 0.1;

interface Loaded {
  readonly outOfFold: CallOutcomes;
  readonly sealed: CallOutcomes;
}

function load(path: string): Loaded {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => lineSchema.parse(JSON.parse(line)));
  const columns = (isSealed: boolean): CallOutcomes => {
    const own = lines.filter(({ fold }) => fold < 0 === isSealed);
    const right = own.map(({ correct }) => correct);
    return {
      scores: own.map(({ score }) => score),
      right,
      groups: own.map(({ group }, i) => group ?? i),
      ...(right.some((value) => value !== 0 && value !== 1) ? { shared: true } : {}),
    };
  };
  return { outOfFold: columns(false), sealed: columns(true) };
}

/** As many groups, drawn with replacement and numbered anew. */
function redrawn(calls: CallOutcomes, groups: readonly (readonly number[])[], random: Random): CallOutcomes {
  const drawn = groups.map(() => groups[random.int(groups.length)] ?? []);
  const picked = drawn.flat();
  return {
    ...calls,
    scores: picked.map((call) => calls.scores[call] ?? 0),
    right: picked.map((call) => calls.right[call] ?? 0),
    groups: drawn.flatMap((group, place) => group.map(() => place)),
  };
}

/** The loosest coverage that one test with all of delta passes, chosen with hindsight on the sealed calls. */
function hindsightCoverage({ risk, delta, seed, test }: GatePlan, sealed: CallOutcomes): number {
  const sample = drawSample(sealed, test, seed);
  const thresholds = [...new Set(sample.scores)].sort((a, b) => a - b);
  const found = thresholds.find((threshold) => riskPValue(sample, countKept(sample, threshold), risk, test) <= delta);
  return found === undefined ? 0 : figuresAt(sealed, found).coverage.value;
}

function trueRisk(sealed: CallOutcomes, threshold: number, { promise }: Risk): number {
  let [kept, wrong] = [0, 0];
  for (let call = 0; call < sealed.scores.length; call++) {
    if ((sealed.scores[call] ?? 0) < threshold) continue;
    kept++;
    wrong += 1 - (sealed.right[call] ?? 0);
  }
  return wrong / Math.max(1, promise === "delivered" ? sealed.scores.length : kept);
}

/** The same plan with fixed starts in place of the chosen ones. */
function withFixedStarts(plan: GatePlan): GatePlan {
  const candidates = plan.candidates.map((candidate) => ({ ...candidate, deltaRatio: 0 }));
  const [first] = candidates;
  if (first === undefined) return plan;
  const safest = candidates.reduce((best, each) => (each.predictedP < best.predictedP ? each : best), first);
  const loosest = candidates.findLast(({ risk }) => risk <= plan.risk.epsilon) ?? safest;
  const reach = Math.max(0, loosest.coverage - safest.coverage);
  for (const { position, deltaRatio } of FIXED_STARTS) {
    const wanted = safest.coverage + position * (position < 0 ? safest.coverage : reach);
    const gap = (each: { readonly coverage: number }): number => Math.abs(each.coverage - wanted);
    const nearest = candidates.reduce((best, each) => (gap(each) < gap(best) ? each : best), first);
    nearest.deltaRatio += deltaRatio;
  }
  return { ...plan, candidates };
}

interface Redrawn {
  readonly meanCoverage: number;
  readonly nothingRatio: number;
  readonly brokenRatio: number;
}

/** What plans do on the same draws from the sealed calls; a threshold is broken where it is on the full sealed set. */
function redraw(plans: readonly GatePlan[], sealed: CallOutcomes, draws: number, seed: number): Redrawn[] {
  const random = createRandom(seed, "gate draws");
  const groups = callsByGroup(sealed.groups);
  const totals = plans.map(() => ({ meanCoverage: 0, nothingRatio: 0, brokenRatio: 0 }));
  for (let draw = 0; draw < draws; draw++) {
    const drawn = redrawn(sealed, groups, random);
    for (const [i, plan] of plans.entries()) {
      const total = totals[i];
      const threshold = thresholdOf(plan, drawn);
      if (total === undefined) continue;
      if (threshold === null) total.nothingRatio += 1 / draws;
      else if (trueRisk(sealed, threshold, plan.risk) > plan.risk.epsilon) total.brokenRatio += 1 / draws;
      const kept = Array.from(drawn.scores).filter((score) => threshold !== null && score >= threshold).length;
      total.meanCoverage += kept / drawn.scores.length / draws;
    }
  }
  return totals;
}

interface FileResult extends Redrawn {
  readonly promise: Promised;
  readonly coverage: number;
  readonly hindsightCoverage: number;
  readonly unguaranteedCoverage: number;
  readonly clearRatio?: number;
  readonly fixedStarts?: Redrawn;
  readonly ratioOfFixed?: number;
}

function measure(
  path: string,
  promise: Promised,
  options: { epsilon: number; delta: number; seed: number },
  draws: number,
): FileResult {
  const { outOfFold, sealed } = load(path);
  const plan = planGate(outOfFold, sealed, { promise, ...options });
  const result = openGate(plan, sealed);
  const plans = promise === "kept" ? [plan, withFixedStarts(plan)] : [plan];
  const [own, fixed] = redraw(plans, sealed, draws, options.seed);
  const clear = plan.candidates.filter(({ predictedP }) => predictedP < CLEAR_P).length;
  return {
    promise,
    coverage: result.coverage.value,
    hindsightCoverage: hindsightCoverage(plan, sealed),
    unguaranteedCoverage: result.unguaranteedCoverage,
    meanCoverage: own?.meanCoverage ?? 0,
    nothingRatio: own?.nothingRatio ?? 0,
    brokenRatio: own?.brokenRatio ?? 0,
    ...(fixed === undefined
      ? {}
      : {
          clearRatio: clear / plan.candidates.length,
          fixedStarts: fixed,
          ratioOfFixed: (own?.meanCoverage ?? 0) / fixed.meanCoverage,
        }),
  };
}

function summaryOf(results: readonly FileResult[]): unknown {
  const of = (promise: Promised): unknown => {
    const own = results.filter((result) => result.promise === promise);
    const median = (pick: (result: FileResult) => number): number =>
      percentile(
        own.map(pick).sort((a, b) => a - b),
        0.5,
      );
    return {
      medianCoverage: median(({ coverage }) => coverage),
      medianHindsightCoverage: median(({ hindsightCoverage: value }) => value),
      medianUnguaranteedCoverage: median(({ unguaranteedCoverage }) => unguaranteedCoverage),
      medianMeanCoverage: median(({ meanCoverage }) => meanCoverage),
      mostBrokenRatio: Math.max(...own.map(({ brokenRatio }) => brokenRatio)),
    };
  };
  const kept = results.filter(({ promise }) => promise === "kept");
  return {
    summary: true,
    delivered: of("delivered"),
    kept: of("kept"),
    keptRatiosOfFixed: kept.map(({ ratioOfFixed }) => ratioOfFixed),
    nothingThoughClear: kept
      .filter(({ clearRatio = 0 }) => clearRatio >= CLEAR_RATIO)
      .map(({ nothingRatio }) => nothingRatio),
  };
}

const { values: flags } = parseArgs({
  options: {
    file: { type: "string", multiple: true },
    epsilon: { type: "string", default: "0.02" },
    delta: { type: "string", default: "0.05" },
    draws: { type: "string", default: "200" },
  },
});
const files = flags.file ?? [];
if (files.length === 0) throw new UsageError("bench/gate: expected --file gate.jsonl, came none");
const results = files.flatMap((file, i) =>
  (["delivered", "kept"] as const).map((promise) => {
    const options = { epsilon: Number(flags.epsilon), delta: Number(flags.delta), seed: i + 1 };
    const result = measure(file, promise, options, Number(flags.draws));
    printJson({ file: i + 1, ...result });
    return result;
  }),
);
printJson(summaryOf(results));
