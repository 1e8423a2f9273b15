/** @file How often the gate breaks its promise where the truth is known, and how much it keeps beside the loosest threshold that keeps the promise.
 *  Prints a JSON line per cell (groups, one-off answers, a wavering teacher, recurring inputs, both promises) and a last one over all.
 *
 *      node dist/bench/promise.js [--draws 1000] [--again 10000] [--seed 1] [--workers 2] [--cells FROM,TO]
 *
 *  1,500 sealed calls, 4,000 out-of-fold calls, epsilon 0.02, delta 0.05. The plan is made anew every 200 draws with fresh out-of-fold calls. Both promises see
 *  the same draws. A cell that breaks its promise in more than delta and two standard errors of its draws is drawn `--again` times with another seed. */
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { SessionError } from "../src/errors.js";
import { planGate, thresholdOf } from "../src/evaluate/gate.js";
import type { Promised, RiskTest } from "../src/evaluate/risk-test.js";
import { createRandom } from "../src/random.js";
import { normalQuantile, percentile } from "../src/stats.js";
import { printJson } from "./product.js";
import { drawCalls, drawHeads, oracleCoverage, trueRisk, truthAt, type Traffic } from "./promise-population.js";

const [SEALED_CALLS, OUT_OF_FOLD_CALLS, EPSILON, DELTA] = [1_500, 4_000, 0.02, 0.05] as const;
const DRAWS_A_PLAN = 200;
const PROMISES: readonly Promised[] = ["delivered", "kept"];

interface CellResult extends Traffic {
  readonly cell: number;
  readonly promise: Promised;
  readonly draws: number;
  readonly brokenRatio: number;
  readonly meanCoverage: number;
  readonly medianCoverage: number;
  readonly oracleCoverage: number;
  readonly nothingRatio: number;
  /** How often each test was planned. */
  readonly tests: Readonly<Record<string, number>>;
}

interface Task {
  /** Place of the traffic in `traffics()`. */
  readonly cell: number;
  readonly promises: readonly Promised[];
  readonly draws: number;
  readonly seed: number;
}

/** Groups x one-off answers x the teacher's agreement with itself, then recurring inputs and storms. */
function traffics(): Traffic[] {
  const plain = { oneOffRatio: 0, isInformative: false, selfAgreement: 1, recurringRatio: 0, stormRatio: 0 };
  const shapes = [{ groupCalls: 1, icc: 0 }].concat(
    [2, 3, 5, 10].flatMap((groupCalls) => [0, 1].map((icc) => ({ groupCalls, icc }))),
  );
  const oneOffs = [{}].concat(
    [0.05, 0.15, 0.3].flatMap((oneOffRatio) => [true, false].map((isInformative) => ({ oneOffRatio, isInformative }))),
  );
  const crossed = shapes.flatMap((shape) =>
    oneOffs.flatMap((oneOff) =>
      [1, 0.8, 0.6].map((selfAgreement) => ({ ...plain, ...shape, ...oneOff, selfAgreement })),
    ),
  );
  const halfAlike = [2, 3, 5, 10].map((groupCalls) => ({ ...plain, groupCalls, icc: 0.5 }));
  const recurring = shapes.flatMap((shape) =>
    [1, 0.99].map((selfAgreement) => ({ ...plain, ...shape, recurringRatio: 0.2, selfAgreement })),
  );
  const storms = [0.1, 0.3].flatMap((stormRatio) =>
    [0, 0.05].map((oneOffRatio) => ({ ...plain, groupCalls: 1, icc: 0, oneOffRatio, stormRatio })),
  );
  return [...crossed, ...halfAlike, ...recurring, ...storms];
}

/** What the draws of a cell added up to. */
class Tally {
  private readonly coverages: number[] = [];
  private readonly tests: Record<string, number> = {};
  private broken = 0;
  private nothing = 0;
  private oracles: number[] = [];

  constructor(readonly promise: Promised) {}

  planned({ kind, stakeRatio }: RiskTest, oracle: number): void {
    const test = kind === "betting" ? `${kind} ${stakeRatio ?? 0}` : kind;
    this.tests[test] = (this.tests[test] ?? 0) + 1;
    this.oracles.push(oracle);
  }

  drawn(threshold: number | null, truth: { readonly kept: number; readonly wrong: number }): void {
    this.coverages.push(truth.kept);
    this.nothing += Number(threshold === null);
    this.broken += Number(trueRisk(this.promise, truth) > EPSILON + 1e-12);
  }

  result(cell: number, traffic: Traffic): CellResult {
    const draws = this.coverages.length;
    return {
      cell,
      promise: this.promise,
      ...traffic,
      draws,
      brokenRatio: this.broken / draws,
      meanCoverage: mean(this.coverages),
      medianCoverage: percentile(
        this.coverages.toSorted((a, b) => a - b),
        0.5,
      ),
      oracleCoverage: mean(this.oracles),
      nothingRatio: this.nothing / draws,
      tests: this.tests,
    };
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function measure({ cell, promises, draws, seed }: Task): CellResult[] {
  const traffic = traffics()[cell];
  if (traffic === undefined) throw new SessionError(`cell ${cell}: there is none`);
  const tallies = promises.map((promise) => new Tally(promise));
  for (let done = 0; done < draws; done += DRAWS_A_PLAN) {
    const random = createRandom(seed * 1_000_003 + cell * 10_007 + done, "promise");
    const heads = drawHeads(traffic, random);
    const outOfFold = drawCalls(traffic, heads, OUT_OF_FOLD_CALLS, random);
    // Of these a plan looks at the sizes of the groups alone.
    const sealed = drawCalls(traffic, heads, SEALED_CALLS, random);
    const plans = tallies.map((tally) => {
      const options = { promise: tally.promise, epsilon: EPSILON, delta: DELTA, seed: seed + done };
      const plan = planGate(outOfFold, sealed, options);
      tally.planned(plan.test, oracleCoverage(traffic, heads, tally.promise, EPSILON));
      return { plan, tally };
    });
    for (let draw = done; draw < Math.min(draws, done + DRAWS_A_PLAN); draw++) {
      const calls = drawCalls(traffic, heads, SEALED_CALLS, random);
      for (const { plan, tally } of plans) {
        const threshold = thresholdOf(plan, calls);
        tally.drawn(threshold, threshold === null ? { kept: 0, wrong: 0 } : truthAt(traffic, heads, threshold));
      }
    }
  }
  return tallies.map((tally) => tally.result(cell, traffic));
}

/** Runs tasks on workers, each taking the next one; `onResult` sees them as they end. */
async function runAll(tasks: readonly Task[], workers: number, onResult: (result: CellResult) => void): Promise<void> {
  const left = [...tasks];
  const work = async (): Promise<void> => {
    const worker = new Worker(fileURLToPath(import.meta.url));
    for (let task = left.shift(); task !== undefined; task = left.shift()) {
      const next = task;
      const results = await new Promise<CellResult[]>((done, fail) => {
        worker.removeAllListeners();
        worker.once("message", done);
        worker.once("error", fail);
        worker.postMessage(next);
      });
      results.forEach(onResult);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: workers }, work));
}

function tolerated(draws: number, errors: number): number {
  return DELTA + errors * Math.sqrt((DELTA * (1 - DELTA)) / draws);
}

/** Median over cells of single calls of mean coverage beside the oracle's; cells where the oracle keeps little say nothing. */
function medianOfOracle(results: readonly CellResult[], promise: Promised): number {
  const ratios = results
    .filter((result) => result.promise === promise && result.groupCalls === 1 && result.oracleCoverage >= 0.2)
    .map(({ meanCoverage, oracleCoverage: oracle }) => meanCoverage / oracle);
  return percentile(
    ratios.sort((a, b) => a - b),
    0.5,
  );
}

const keyOf = ({ cell, promise }: CellResult): string => `${cell} ${promise}`;

function summaryOf(first: readonly CellResult[], again: readonly CellResult[], draws: number, seed: number): unknown {
  const final = first.map((result) => again.find((other) => keyOf(other) === keyOf(result)) ?? result);
  const bound = tolerated(again[0]?.draws ?? draws, normalQuantile(1 - DELTA / Math.max(1, again.length)));
  return {
    summary: true,
    seed,
    cells: final.length,
    toleratedRatio: tolerated(draws, 2),
    drawnAgain: again.map(keyOf),
    toleratedAgainRatio: bound,
    brokenCells: again.filter(({ brokenRatio }) => brokenRatio > bound).map(keyOf),
    worst: final.reduce((a, b) => (b.brokenRatio > a.brokenRatio ? b : a)),
    nothingAtAll: final.filter(({ nothingRatio }) => nothingRatio === 1).map(keyOf),
    nothingThoughPossible: final
      .filter(({ nothingRatio, oracleCoverage: oracle }) => nothingRatio > 0.5 && oracle >= 0.2)
      .map(keyOf),
    singleCallsMedianOfOracle: { delivered: medianOfOracle(final, "delivered"), kept: medianOfOracle(final, "kept") },
  };
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      draws: { type: "string", default: "1000" },
      again: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
      workers: { type: "string", default: "2" },
      cells: { type: "string", default: "0,100000" },
    },
  });
  const [from = 0, to = 0] = flags.cells.split(",").map(Number);
  const [draws, seed, workers] = [Number(flags.draws), Number(flags.seed), Number(flags.workers)];
  const chosen = traffics().flatMap((_, cell) => (cell >= from && cell < to ? [cell] : []));
  const first: CellResult[] = [];
  await runAll(
    chosen.map((cell) => ({ cell, promises: PROMISES, draws, seed })),
    workers,
    (result) => {
      first.push(result);
      printJson(result);
    },
  );
  first.sort((a, b) => a.cell - b.cell);
  const doubtful = first.filter(({ brokenRatio }) => brokenRatio > tolerated(draws, 2));
  const again: CellResult[] = [];
  const more = doubtful.map(({ cell, promise }): Task => {
    return { cell, promises: [promise], draws: Number(flags.again), seed: seed + 1 };
  });
  await runAll(more, workers, (result) => {
    again.push(result);
    printJson(result);
  });
  printJson(summaryOf(first, again, draws, seed));
}

if (isMainThread) await main();
else parentPort?.on("message", (task: Task) => parentPort?.postMessage(measure(task)));
